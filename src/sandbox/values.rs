//! The fields of JSON objects: parameters and documents, read and made.

use serde_json::{Map, Value};

/// The fields of a JSON object.
pub(super) type Fields = Map<String, Value>;

pub(super) fn fields_of<const N: usize>(fields: [(&str, Value); N]) -> Fields {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A field that is neither absent nor `null`.
pub(super) fn given<'a>(fields: &'a Fields, name: &str) -> Option<&'a Value> {
    fields.get(name).filter(|value| !value.is_null())
}

/// A field that is text; empty if it is none.
pub(super) fn text<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A field that is an integer; 0 if it is none.
pub(super) fn number(fields: &Fields, name: &str) -> i64 {
    fields.get(name).and_then(Value::as_i64).unwrap_or_default()
}

/// Those of some fields that are there.
pub(super) fn picked(fields: &Fields, names: &[&str]) -> Fields {
    let pick = |name: &&str| Some(((*name).to_owned(), fields.get(*name)?.clone()));
    names.iter().filter_map(pick).collect()
}
