//! Query strings out of serde values.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::Value;

/// All but the unreserved characters of RFC 3986. The query is signed as it is sent, so one form that
/// every server reads the same is worth more than a short one.
pub(super) const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Appends the fields of a struct or map: nested ones as `created[gte]`, lists as `expand[]`; `null`
/// is left out, as the server takes it for absent.
pub(super) fn append<P: Serialize + ?Sized>(
    query: &mut String,
    params: &P,
) -> Result<(), serde_json::Error> {
    if let Value::Object(fields) = serde_json::to_value(params)? {
        for (key, value) in &fields {
            append_value(query, key, value);
        }
    }
    Ok(())
}

fn append_value(query: &mut String, key: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (name, value) in fields {
                append_value(query, &format!("{key}[{name}]"), value);
            }
        }
        Value::Array(items) => {
            for item in items {
                append_value(query, &format!("{key}[]"), item);
            }
        }
        Value::String(text) => append_pair(query, key, text),
        Value::Bool(_) | Value::Number(_) => append_pair(query, key, &value.to_string()),
    }
}

pub(crate) fn append_pair(query: &mut String, key: &str, value: &str) {
    query.push(if query.is_empty() { '?' } else { '&' });
    query.extend(utf8_percent_encode(key, ESCAPED));
    query.push('=');
    query.extend(utf8_percent_encode(value, ESCAPED));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nested_and_list_parameters_are_written_out_and_null_is_left_out() {
        let params = json!({
            "app": { "id": "app_1" }, "created": { "gte": 1, "lt": null }, "expand": ["app", "x"],
            "list": [{ "a": true }], "none": null, "empty": {}, "q": "a b&c=d+é",
        });
        let mut query = String::new();
        append(&mut query, &params).unwrap();
        assert_eq!(
            query,
            "?app%5Bid%5D=app_1&created%5Bgte%5D=1&expand%5B%5D=app&expand%5B%5D=x\
             &list%5B%5D%5Ba%5D=true&q=a%20b%26c%3Dd%2B%C3%A9"
        );
    }
}
