//! How values are read from answers: straight, and where that fails, tolerantly. What this means for
//! the fields of an object is in [`object`](super::object).

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// A value that can be read from an answer; implemented by this crate only.
#[allow(unnameable_types, reason = "nobody else can implement it")]
pub trait FromJson: DeserializeOwned {
    /// Reads what a straight decode has refused. Objects do it field by field.
    fn tolerant(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

/// An object of the API: it says what it is in its field `object`.
///
/// Implemented by the objects of this crate, for [`Event::object`](crate::Event::object).
pub trait ApiObject: FromJson {
    /// The value of `object` in the API.
    const OBJECT: &'static str;
}

/// Reads a value from a body: straight, and if that fails, tolerantly.
pub(crate) fn from_body<T: FromJson>(body: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(body).or_else(|_| T::tolerant(&String::from_utf8_lossy(body)))
}

fn from_text<T: FromJson>(text: &str) -> Result<T, serde_json::Error> {
    serde_json::from_str(text).or_else(|_| T::tolerant(text))
}

macro_rules! from_json {
    ($($type:ty),*) => { $(impl FromJson for $type {})* };
}

from_json!(bool, i64, String);

impl FromJson for Value {
    fn tolerant(text: &str) -> Result<Self, serde_json::Error> {
        let fields = raw_fields(text.as_bytes())?;
        Ok(Self::Object(fields.into_iter().map(|(key, text)| (key, value_of(text))).collect()))
    }
}

impl<T: FromJson> FromJson for Box<T> {
    fn tolerant(text: &str) -> Result<Self, serde_json::Error> {
        T::tolerant(text).map(Self::new)
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn tolerant(text: &str) -> Result<Self, serde_json::Error> {
        if text == "null" { Ok(None) } else { T::tolerant(text).map(Some) }
    }
}

/// Item by item. One that cannot be read even so is an error: dropping it would make it look absent.
impl<T: FromJson> FromJson for Vec<T> {
    fn tolerant(text: &str) -> Result<Self, serde_json::Error> {
        let items: Vec<&RawValue> = serde_json::from_str(text)?;
        items.into_iter().map(|item| from_text(item.get())).collect()
    }
}

/// How the fields of an object are read. The loop over its keys is the same for both passes.
pub(crate) trait Pass {
    fn value<'de, T: FromJson, A: MapAccess<'de>>(
        map: &mut A,
        name: &'static str,
    ) -> Result<T, A::Error>;

    /// `None` if it is `null`, or is of another type and was put into `other`.
    fn optional<'de, T: FromJson, A: MapAccess<'de>>(
        map: &mut A,
        name: &'static str,
        other: &mut Map<String, Value>,
    ) -> Result<Option<T>, A::Error>;

    /// Skips an optional field that was there before, or refuses it.
    fn twice<'de, A: MapAccess<'de>>(map: &mut A, name: &'static str) -> Result<(), A::Error>;

    /// A value whose type does not matter.
    fn any<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Value, A::Error>;
}

/// Decodes each field right into its place.
pub(crate) struct Straight;

impl Pass for Straight {
    fn value<'de, T: FromJson, A: MapAccess<'de>>(
        map: &mut A,
        _: &'static str,
    ) -> Result<T, A::Error> {
        map.next_value()
    }

    fn optional<'de, T: FromJson, A: MapAccess<'de>>(
        map: &mut A,
        _: &'static str,
        _: &mut Map<String, Value>,
    ) -> Result<Option<T>, A::Error> {
        map.next_value()
    }

    fn twice<'de, A: MapAccess<'de>>(_: &mut A, name: &'static str) -> Result<(), A::Error> {
        Err(A::Error::duplicate_field(name))
    }

    fn any<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Value, A::Error> {
        map.next_value()
    }
}

/// Takes each field as text first, so that one that cannot be read does not end the others.
pub(crate) struct Tolerant;

impl Pass for Tolerant {
    fn value<'de, T: FromJson, A: MapAccess<'de>>(
        map: &mut A,
        name: &'static str,
    ) -> Result<T, A::Error> {
        let text: &RawValue = map.next_value()?;
        from_text(text.get())
            .map_err(|error| A::Error::custom(format_args!("field `{name}`: {}", fault(&error))))
    }

    fn optional<'de, T: FromJson, A: MapAccess<'de>>(
        map: &mut A,
        name: &'static str,
        other: &mut Map<String, Value>,
    ) -> Result<Option<T>, A::Error> {
        let text: &RawValue = map.next_value()?;
        Ok(from_text::<Option<T>>(text.get()).unwrap_or_else(|_| {
            other.insert(name.to_owned(), value_of(text));
            None
        }))
    }

    fn twice<'de, A: MapAccess<'de>>(map: &mut A, _: &'static str) -> Result<(), A::Error> {
        map.next_value::<IgnoredAny>().map(drop)
    }

    fn any<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Value, A::Error> {
        map.next_value().map(value_of)
    }
}

/// The fields of a map as text, so that one that cannot be read does not hide the others.
pub(crate) fn raw_fields(body: &[u8]) -> Result<BTreeMap<String, &RawValue>, serde_json::Error> {
    serde_json::from_slice(body)
}

/// One of them, if it is a string.
pub(crate) fn text_of(fields: &BTreeMap<String, &RawValue>, name: &str) -> Option<String> {
    serde_json::from_str(fields.get(name)?.get()).ok()
}

/// A number too large for any type, a surrogate without its half: valid JSON that no value can hold
/// is kept as its text.
pub(crate) fn value_of(text: &RawValue) -> Value {
    serde_json::from_str(text.get()).unwrap_or_else(|_| Value::from(text.get()))
}

/// The second pass over an object.
pub(crate) fn tolerant<'de, V: Visitor<'de>>(
    text: &'de str,
    fields: V,
) -> Result<V::Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let object = deserializer.deserialize_map(fields)?;
    deserializer.end()?;
    Ok(object)
}

/// Keeps what helps to find the place. Other messages of the parser quote the value that they are
/// about, and a body must not reach a log.
pub(crate) fn fault(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if ["missing field", "duplicate field", "field `"].iter().any(|own| text.starts_with(own)) {
        return text;
    }
    let (kind, line, column) = (error.classify(), error.line(), error.column());
    format!("{kind:?} error at line {line} column {column}")
}

/// Reads `object` and refuses any other value than this.
pub(crate) struct Tag(pub(crate) &'static str);

impl<'de> serde::de::DeserializeSeed<'de> for Tag {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Tag {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if text == self.0 {
            Ok(())
        } else {
            Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
        }
    }
}

/// Shows the names of a map, and no values.
pub(crate) struct Names<'a>(pub(crate) &'a Map<String, Value>);

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
