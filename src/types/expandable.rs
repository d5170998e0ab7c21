//! References that the API shows by id or whole.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use super::id::Id;
use crate::macros::from_json::FromJson;

/// Another object, by its id, or whole if the request asked for it with `expand[]`.
#[derive(Debug, Clone, PartialEq)]
pub enum Expandable<T> {
    /// Its id.
    Id(Id<T>),
    /// All of it.
    Object(Box<T>),
}

impl<T: Serialize> Serialize for Expandable<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Id(id) => id.serialize(serializer),
            Self::Object(object) => object.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Expandable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdOrMap<T>(PhantomData<fn() -> T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for IdOrMap<T> {
            type Value = Expandable<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id or an object")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Expandable::Id(text.into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
                    .map(Box::new)
                    .map(Expandable::Object)
            }
        }

        deserializer.deserialize_any(IdOrMap(PhantomData))
    }
}

impl<T: FromJson> FromJson for Expandable<T> {
    fn tolerant(text: &str) -> Result<Self, serde_json::Error> {
        T::tolerant(text).map(Box::new).map(Self::Object)
    }
}
