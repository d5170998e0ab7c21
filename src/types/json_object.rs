//! JSON maps whose keys are not fixed.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::{Deref, DerefMut};

use serde::de::{Deserializer, Error as _};
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::macros::from_json::{FromJson, Names};

/// A JSON map whose keys are not fixed: `extra`, `metadata`, `credential`.
///
/// It is made from `json!({..})`, from pairs, or from a map. `Debug` shows its keys only: values may
/// be codes, card numbers or personal data.
///
/// ```
/// use pingpp::JsonObject;
/// use serde_json::json;
///
/// let pairs = JsonObject::from([("tag", "1")]);
/// assert_eq!(pairs, JsonObject::from(json!({ "tag": "1" })));
/// assert_eq!(format!("{pairs:?}"), r#"{"tag"}"#);
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct JsonObject {
    map: Map<String, Value>,
    /// It was made from a value that is no map; the call that would send it is refused.
    is_invalid: bool,
}

impl JsonObject {
    /// Whether there is nothing to send, and nothing to refuse.
    pub(crate) fn is_unset(&self) -> bool {
        self.map.is_empty() && !self.is_invalid
    }

    /// Takes over the entries of another one.
    pub(crate) fn merge(&mut self, other: Self) {
        self.is_invalid |= other.is_invalid;
        self.map.extend(other.map);
    }
}

impl Deref for JsonObject {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.map
    }
}

impl DerefMut for JsonObject {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.map
    }
}

impl fmt::Debug for JsonObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Names(&self.map).fmt(f)
    }
}

impl From<Map<String, Value>> for JsonObject {
    fn from(map: Map<String, Value>) -> Self {
        Self { map, is_invalid: false }
    }
}

/// `json!({..})`, or `null` for an empty map. The call that would send anything else is refused.
impl From<Value> for JsonObject {
    fn from(value: Value) -> Self {
        match value {
            Value::Object(map) => map.into(),
            Value::Null => Self::default(),
            _ => Self { map: Map::new(), is_invalid: true },
        }
    }
}

impl From<JsonObject> for Map<String, Value> {
    fn from(object: JsonObject) -> Self {
        object.map
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for JsonObject {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        pairs
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect::<Map<_, _>>()
            .into()
    }
}

impl<K: Into<String>, V: Into<Value>, const N: usize> From<[(K, V); N]> for JsonObject {
    fn from(pairs: [(K, V); N]) -> Self {
        pairs.into_iter().collect()
    }
}

impl<K: Into<String>, V: Into<Value>> From<Vec<(K, V)>> for JsonObject {
    fn from(pairs: Vec<(K, V)>) -> Self {
        pairs.into_iter().collect()
    }
}

impl<K: Into<String>, V: Into<Value>> From<BTreeMap<K, V>> for JsonObject {
    fn from(pairs: BTreeMap<K, V>) -> Self {
        pairs.into_iter().collect()
    }
}

impl<K: Into<String>, V: Into<Value>, S> From<HashMap<K, V, S>> for JsonObject {
    fn from(pairs: HashMap<K, V, S>) -> Self {
        pairs.into_iter().collect()
    }
}

impl From<JsonObject> for Value {
    fn from(object: JsonObject) -> Self {
        Self::Object(object.map)
    }
}

impl IntoIterator for JsonObject {
    type Item = (String, Value);
    type IntoIter = serde_json::map::IntoIter;

    fn into_iter(self) -> Self::IntoIter {
        self.map.into_iter()
    }
}

impl Serialize for JsonObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_invalid {
            return Err(S::Error::custom(
                "a parameter is not a JSON map: pass json!({..}) or pairs",
            ));
        }
        self.map.serialize(serializer)
    }
}

/// A map; `null` and the `[]` of old objects are an empty one.
impl<'de> Deserialize<'de> for JsonObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Object(map) => Ok(map.into()),
            Value::Null => Ok(Self::default()),
            Value::Array(items) if items.is_empty() => Ok(Self::default()),
            _ => Err(D::Error::custom("expected a map")),
        }
    }
}

impl FromJson for JsonObject {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_empty_array_is_an_empty_map() {
        for empty in [json!([]), json!({}), json!(null)] {
            let object: JsonObject = serde_json::from_value(empty).unwrap();
            assert_eq!(serde_json::to_value(object).unwrap(), json!({}));
        }
        for wrong in [json!([1]), json!("a"), json!(1)] {
            assert!(serde_json::from_value::<JsonObject>(wrong).is_err());
        }
    }

    #[test]
    fn a_value_that_is_no_map_is_not_written() {
        assert!(serde_json::to_string(&JsonObject::from(json!([1]))).is_err());
        assert_eq!(serde_json::to_string(&JsonObject::from(json!(null))).unwrap(), "{}");
    }

    #[test]
    fn debug_shows_no_value() {
        let object = JsonObject::from(json!({ "scan_code": "28", "a": { "card": "62" } }));
        assert_eq!(format!("{object:?}"), r#"{"a", "scan_code"}"#);
    }
}
