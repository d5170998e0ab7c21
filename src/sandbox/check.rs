//! Checks parameters against what is documented of a kind. No state.

use serde_json::{Map, Value};

use super::answer::{Answer, Answered};
use super::kind::{Kind, Limit, State};
use super::state::fields;
use super::values::{Fields, given, text};

/// The most pairs in `metadata` (since 2025-07-09), and the most characters in all of them.
const METADATA: (usize, usize) = (20, 1_000);

/// The fields of a new object that its parameters say.
pub(super) fn created(kind: &Kind, params: Fields) -> Answered<Fields> {
    complete(kind, &params)?;
    checked(kind, params)
}

/// Checks that nothing is missing of what the kind needs.
pub(super) fn complete(kind: &Kind, params: &Fields) -> Answered<()> {
    for name in kind.needs.iter().filter(|name| **name != "app") {
        let given = params.get(*name).unwrap_or(&Value::Null);
        if given.is_null() || given.as_str() == Some("") {
            return Err(Answer::bad_parameter(name, "missing"));
        }
    }
    Ok(())
}

/// The parameters that are fields of the kind, with the right types and within the limits.
pub(super) fn checked(kind: &Kind, params: Fields) -> Answered<Fields> {
    for (name, limit) in kind.limits {
        if let Some(value) = given(&params, name) {
            within(name, value, *limit)?;
        }
    }
    let mut document = Fields::new();
    for (name, value) in params {
        let Some(default) = fields(kind).get(&name) else { continue };
        // Some clients write empty maps as lists.
        let is_empty_map = default.is_object() && value.as_array().is_some_and(Vec::is_empty);
        if value.is_null() || is_empty_map || is_the_servers(kind, &name) {
            continue;
        }
        if !default.is_null() && std::mem::discriminant(default) != std::mem::discriminant(&value) {
            return Err(Answer::bad_parameter(&name, &format!("not like {default}")));
        }
        if name == "metadata" {
            metadata(&value)?;
        }
        document.insert(name, value);
    }
    Ok(document)
}

/// Whether only the server says what a field is.
fn is_the_servers(kind: &Kind, name: &str) -> bool {
    let names = [
        "app",
        "status",
        "livemode",
        "refunded",
        "amount_refunded",
        "amount_settle",
        "transaction_no",
        "failure_code",
        "failure_msg",
        "identified",
    ];
    let is_set = |state: &State| state.time == Some(name) || state.flag == Some(name);
    names.contains(&name) || kind.states.iter().any(is_set)
}

/// A parameter that is text, and has to be there.
pub(super) fn required<'a>(params: &'a Fields, name: &str) -> Answered<&'a str> {
    match text(params, name) {
        "" => Err(Answer::bad_parameter(name, "missing")),
        text => Ok(text),
    }
}

/// The parameter `metadata`, empty if it is none.
pub(super) fn metadata_of(params: &Fields) -> Answered<Value> {
    let given = params.get("metadata").filter(|metadata| metadata.is_object());
    let given = given.cloned().unwrap_or_else(|| Fields::new().into());
    metadata(&given)?;
    Ok(given)
}

/// Checks the parameter `royalty_users`.
pub(super) fn shares(users: &Value) -> Answered<()> {
    within("royalty_users", users, Limit::Items(100))?;
    let amounts = users.as_array().into_iter().flatten().map(|share| &share["amount"]);
    amounts.into_iter().try_for_each(|amount| {
        within("royalty_users[amount]", amount, Limit::Number(0, 1_000_000_000))
    })
}

/// Checks the number of pairs in `metadata`, and their length.
pub(super) fn metadata(value: &Value) -> Answered<()> {
    let pairs = value.as_object().map_or(0, Map::len);
    let text = |value: &Value| match value {
        Value::String(text) => text.chars().count(),
        other => other.to_string().chars().count(),
    };
    let pairs_of = value.as_object().into_iter().flatten();
    let length: usize = pairs_of.map(|(key, value)| key.chars().count() + text(value)).sum();
    if pairs > METADATA.0 || length > METADATA.1 {
        let (pairs, length) = METADATA;
        let why = format!("more than {pairs} pairs or {length} characters");
        return Err(Answer::bad_parameter("metadata", &why));
    }
    Ok(())
}

/// Checks a parameter against one limit.
pub(super) fn within(name: &str, value: &Value, limit: Limit) -> Answered<()> {
    let text = value.as_str();
    let (holds, why) = match limit {
        Limit::Chars(least, most) => (
            text.is_some_and(|text| (least..=most).contains(&text.chars().count())),
            format!("not {least} to {most} characters"),
        ),
        Limit::Bytes(most) => (
            text.is_some_and(|text| text.len() <= most),
            format!("more than {most} bytes in UTF-8"),
        ),
        Limit::Alnum(least, most) => (
            text.is_some_and(|text| {
                (least..=most).contains(&text.len())
                    && text.bytes().all(|b| b.is_ascii_alphanumeric())
            }),
            format!("not {least} to {most} letters or digits"),
        ),
        Limit::Number(least, most) => (
            value.as_i64().is_some_and(|number| (least..=most).contains(&number)),
            format!("not a number of {least} to {most}"),
        ),
        Limit::Items(most) => (
            value.as_array().is_some_and(|items| (1..=most).contains(&items.len())),
            format!("not a list of 1 to {most} items"),
        ),
        Limit::OneOf(names) => (
            text.is_some_and(|text| names.contains(&text)),
            format!("not one of {}", names.join(", ")),
        ),
        // The documentation has no dot, but recorded ids are e-mail addresses.
        Limit::UserId => (
            text.is_some_and(|text| {
                let is_good = |b: u8| b.is_ascii_alphanumeric() || b"_-@.".contains(&b);
                (1..=64).contains(&text.len())
                    && text.bytes().all(is_good)
                    && !text.starts_with(['-', '@', '.'])
            }),
            "not 1 to 64 letters, digits or _-@., of which the last three do not begin it".into(),
        ),
    };
    holds.then_some(()).ok_or_else(|| Answer::bad_parameter(name, &why))
}
