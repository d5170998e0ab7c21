//! The small types that objects and parameters are made of.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// The id of a `T`, such as `ch_101240816592822384640019`. Ids of different objects do not mix:
///
/// ```compile_fail
/// # use pingpp::{Charge, Id, Refund};
/// let refund: Id<Refund> = Id::from("re_1");
/// let charge: Id<Charge> = refund;
/// ```
///
/// Its text is opaque and never parsed. An empty one is refused by the call that would use it.
pub struct Id<T> {
    text: String,
    of: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<T> From<String> for Id<T> {
    fn from(text: String) -> Self {
        Self { text, of: PhantomData }
    }
}

impl<T> From<&str> for Id<T> {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl<T> From<&String> for Id<T> {
    fn from(text: &String) -> Self {
        Self::from(text.clone())
    }
}

impl<T> From<&Self> for Id<T> {
    fn from(id: &Self) -> Self {
        id.clone()
    }
}

impl<T> From<Id<T>> for String {
    fn from(id: Id<T>) -> Self {
        id.text
    }
}

impl<T> AsRef<str> for Id<T> {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        Self::from(self.text.clone())
    }
}

impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl<T> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.text, f)
    }
}

impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<T> Eq for Id<T> {}

impl<T> PartialEq<str> for Id<T> {
    fn eq(&self, other: &str) -> bool {
        self.text == other
    }
}

impl<T> PartialEq<&str> for Id<T> {
    fn eq(&self, other: &&str) -> bool {
        self.text == *other
    }
}

impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl<T> Serialize for Id<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

/// An amount of money in the smallest unit of its currency: fen for `cny`, cents for `hkd`.
///
/// ```
/// use pingpp::Amount;
///
/// let price = Amount::from_fen(1_234);
/// assert_eq!(price.as_fen(), 1_234);
/// assert_eq!(price.to_string(), "12.34");
/// ```
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Amount(i64);

impl Amount {
    /// So many fen (or cents).
    pub const fn from_fen(fen: i64) -> Self {
        Self(fen)
    }

    /// As fen (or cents).
    pub const fn as_fen(self) -> i64 {
        self.0
    }

    /// The sum; `None` if it is out of range.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference; `None` if it is out of range.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }
}

impl fmt::Display for Amount {
    /// In yuan (or dollars) with two places, without the currency.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let fen = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", fen / 100, fen % 100)
    }
}

/// A point in time in whole seconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// So many seconds since 1970.
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// As seconds since 1970.
    pub const fn as_unix(self) -> i64 {
        self.0
    }
}

impl From<SystemTime> for Timestamp {
    /// Rounds down to the second; times beyond what fits become the last that does.
    fn from(time: SystemTime) -> Self {
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        Self(match time.duration_since(UNIX_EPOCH) {
            Ok(after) => seconds(after),
            Err(before) => {
                let before = before.duration();
                -seconds(before) - i64::from(before.subsec_nanos() > 0)
            }
        })
    }
}

impl TryFrom<Timestamp> for SystemTime {
    type Error = OutOfRange;

    fn try_from(timestamp: Timestamp) -> Result<Self, OutOfRange> {
        let distance = Duration::from_secs(timestamp.0.unsigned_abs());
        if timestamp.0 < 0 {
            UNIX_EPOCH.checked_sub(distance).ok_or(OutOfRange)
        } else {
            UNIX_EPOCH.checked_add(distance).ok_or(OutOfRange)
        }
    }
}

/// A [`Timestamp`] that the system clock cannot express.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfRange;

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the timestamp is out of the range of the system's clock")
    }
}

impl std::error::Error for OutOfRange {}

/// A JSON map whose keys are not fixed: `extra`, `metadata`, `credential`.
///
/// Old objects have `[]` for an empty map; it is read as one, and so is `null`. `{}` is written.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(transparent)]
pub struct Object(Map<String, Value>);

impl Deref for Object {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Object {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl From<Map<String, Value>> for Object {
    fn from(map: Map<String, Value>) -> Self {
        Self(map)
    }
}

impl From<Object> for Map<String, Value> {
    fn from(object: Object) -> Self {
        object.0
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

impl<K: Into<String>, V: Into<Value>, const N: usize> From<[(K, V); N]> for Object {
    fn from(pairs: [(K, V); N]) -> Self {
        pairs.into_iter().collect()
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MapOrEmpty;

        impl<'de> Visitor<'de> for MapOrEmpty {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map, or an empty array in its place")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Object, A::Error> {
                let mut map = Map::new();
                while let Some((key, value)) = access.next_entry()? {
                    map.insert(key, value);
                }
                Ok(Object(map))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Object, A::Error> {
                match access.next_element::<IgnoredAny>()? {
                    None => Ok(Object::default()),
                    Some(_) => Err(A::Error::custom("expected a map, found an array with items")),
                }
            }

            fn visit_unit<E>(self) -> Result<Object, E> {
                Ok(Object::default())
            }
        }

        deserializer.deserialize_any(MapOrEmpty)
    }
}

/// Another object, by its id or whole if the request asked for it with `expand[]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Expandable<T> {
    /// Its id.
    Id(Id<T>),
    /// All of it.
    Object(Box<T>),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_empty_array_is_an_empty_map() {
        for empty in [json!([]), json!({}), json!(null)] {
            let object: Object = serde_json::from_value(empty).unwrap();
            assert_eq!(serde_json::to_value(object).unwrap(), json!({}));
        }
        for wrong in [json!([1]), json!("a"), json!(1)] {
            assert!(serde_json::from_value::<Object>(wrong).is_err());
        }
    }

    #[test]
    fn amounts_are_shown_in_yuan() {
        for (fen, text) in [(0, "0.00"), (5, "0.05"), (-1234, "-12.34")] {
            assert_eq!(Amount::from_fen(fen).to_string(), text);
        }
        assert_eq!(Amount::from_fen(i64::MIN).to_string(), "-92233720368547758.08");
        assert_eq!(Amount::from_fen(i64::MAX).checked_add(Amount::from_fen(1)), None);
    }

    #[test]
    fn an_amount_is_a_whole_number() {
        assert_eq!(serde_json::from_str::<Amount>("100").unwrap(), Amount::from_fen(100));
        assert!(serde_json::from_str::<Amount>("1.5").is_err());
        assert!(serde_json::from_str::<Amount>("\"100\"").is_err());
    }

    proptest! {
        #[test]
        fn a_timestamp_survives_the_system_clock(seconds: i64) {
            let timestamp = Timestamp::from_unix(seconds);
            if let Ok(time) = SystemTime::try_from(timestamp) {
                prop_assert_eq!(Timestamp::from(time), timestamp);
            }
        }
    }
}
