//! Any JSON as parameters of a list: the query holds exactly its values, each under its own key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use percent_encoding::percent_decode_str;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Ok(params) = serde_json::from_slice::<Value>(data) else { return };
    let query = pingpp::fuzzing::query(&params).unwrap();
    assert!(query.bytes().all(|byte| byte.is_ascii_graphic()), "{query}");
    let _: http::Uri = format!("/v1/charges{query}").parse().unwrap();
    let mut written: Vec<(String, String)> = Vec::new();
    if let Some(pairs) = query.strip_prefix('?') {
        for pair in pairs.split('&') {
            let (key, value) = pair.split_once('=').unwrap();
            let decoded = |text| percent_decode_str(text).decode_utf8().unwrap().into_owned();
            written.push((decoded(key), decoded(value)));
        }
    } else {
        assert_eq!(query, "");
    }
    assert_eq!(written, pairs_of(&params));
});

/// The same by another way: with the path to each value kept as a list of names.
fn pairs_of(params: &Value) -> Vec<(String, String)> {
    let Value::Object(fields) = params else { return Vec::new() };
    let mut pairs = Vec::new();
    let mut todo: Vec<(Vec<&str>, &Value)> =
        fields.iter().rev().map(|(name, value)| (vec![name.as_str()], value)).collect();
    while let Some((path, value)) = todo.pop() {
        let inner = |name| path.iter().copied().chain([name]).collect::<Vec<_>>();
        let text = match value {
            Value::Null => continue,
            Value::Object(map) => {
                todo.extend(map.iter().rev().map(|(name, value)| (inner(name.as_str()), value)));
                continue;
            }
            Value::Array(items) => {
                todo.extend(items.iter().rev().map(|value| (inner(""), value)));
                continue;
            }
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let key = path[0].to_owned()
            + &path[1..].iter().map(|name| format!("[{name}]")).collect::<String>();
        pairs.push((key, text));
    }
    pairs
}
