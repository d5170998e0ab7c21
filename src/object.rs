//! The macro for objects of the API that must be forwarded as they came.
//!
//! A merchant's server passes a charge on to the client that pays, so what goes out must equal what
//! came in: fields this crate does not know, fields that are absent, and fields that are `null`.
//! Serde's own means cannot tell the last two apart, and its `flatten` buffers everything; this
//! reads each field straight into its place and keeps the rest. Required fields always come; the
//! optional ones may be `null` or absent, and become an `Option`.

macro_rules! object {
    (
        $(#[$meta:meta])*
        pub struct $name:ident $(<$item:ident>)? = $tag:literal {
            required {
                $($(#[$req_meta:meta])* $req:ident $(as $req_name:literal)?: $req_type:ty,)*
            }
            optional {
                $($(#[$opt_meta:meta])* $opt:ident: $opt_type:ty,)*
            }
        }
    ) => {
        $(#[$meta])*
        ///
        /// It is written as it was read: fields that the crate does not know are kept in
        /// [`other`](Self::other), and an optional field is written as `null` only if it came so.
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub struct $name $(<$item>)? {
            $($(#[$req_meta])* pub $req: $req_type,)*
            $($(#[$opt_meta])* pub $opt: Option<$opt_type>,)*
            /// One bit for each optional field that came as `null`.
            nulls: u32,
            other: serde_json::Map<String, serde_json::Value>,
        }

        impl $(<$item>)? $name $(<$item>)? {
            /// The value of `object` in the API.
            pub const OBJECT: &'static str = $tag;

            /// The fields that this version of the crate has no name for.
            pub fn other(&self) -> &serde_json::Map<String, serde_json::Value> {
                &self.other
            }
        }

        const _: () = {
            use std::fmt;
            use std::marker::PhantomData;

            use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
            use serde::ser::{Serialize, SerializeMap, Serializer};

            #[derive(serde::Deserialize)]
            #[serde(field_identifier)]
            #[allow(non_camel_case_types, reason = "the names of the fields")]
            enum Key {
                object,
                $($(#[serde(rename = $req_name)])? $req,)*
                $($opt,)*
                Other(String),
            }

            #[allow(non_camel_case_types, reason = "the names of the fields")]
            enum Bit {
                $($opt,)*
            }

            struct Fields<T>(PhantomData<fn() -> T>);

            impl<'de $(, $item: Deserialize<'de>)?> Visitor<'de> for Fields<$name $(<$item>)?> {
                type Value = $name $(<$item>)?;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(concat!("a map with `object` = `", $tag, "`"))
                }

                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                    let mut tagged = false;
                    $(let mut $req: Option<$req_type> = None;)*
                    $(let mut $opt: Option<Option<$opt_type>> = None;)*
                    let mut nulls = 0;
                    let mut other = serde_json::Map::new();
                    while let Some(key) = map.next_key()? {
                        match key {
                            Key::object if tagged => return Err(A::Error::duplicate_field("object")),
                            Key::object => {
                                map.next_value_seed($crate::object::Tag($tag))?;
                                tagged = true;
                            }
                            $(Key::$req => {
                                if $req.replace(map.next_value()?).is_some() {
                                    return Err(A::Error::duplicate_field(stringify!($req)));
                                }
                            })*
                            $(Key::$opt => {
                                let value: Option<$opt_type> = map.next_value()?;
                                if value.is_none() {
                                    nulls |= 1 << Bit::$opt as u32;
                                }
                                if $opt.replace(value).is_some() {
                                    return Err(A::Error::duplicate_field(stringify!($opt)));
                                }
                            })*
                            Key::Other(key) => {
                                other.insert(key, map.next_value()?);
                            }
                        }
                    }
                    if !tagged {
                        return Err(A::Error::missing_field("object"));
                    }
                    $(let Some($req) = $req else {
                        return Err(A::Error::missing_field([$($req_name,)? stringify!($req)][0]));
                    };)*
                    $(let $opt = $opt.flatten();)*
                    Ok($name { $($req,)* $($opt,)* nulls, other })
                }
            }

            impl<'de $(, $item: Deserialize<'de>)?> Deserialize<'de> for $name $(<$item>)? {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    deserializer.deserialize_map(Fields(PhantomData))
                }
            }

            impl $(<$item: Serialize>)? Serialize for $name $(<$item>)? {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    let mut map = serializer.serialize_map(None)?;
                    map.serialize_entry("object", $tag)?;
                    $(map.serialize_entry([$($req_name,)? stringify!($req)][0], &self.$req)?;)*
                    $(if self.$opt.is_some() || self.nulls & (1 << Bit::$opt as u32) != 0 {
                        map.serialize_entry(stringify!($opt), &self.$opt)?;
                    })*
                    for (key, value) in &self.other {
                        map.serialize_entry(key, value)?;
                    }
                    map.end()
                }
            }
        };
    };
}

pub(crate) use object;

/// Reads `object` and refuses any other value than this.
pub(crate) struct Tag(pub(crate) &'static str);

impl<'de> serde::de::DeserializeSeed<'de> for Tag {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl serde::de::Visitor<'_> for Tag {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`", self.0)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        if text == self.0 {
            Ok(())
        } else {
            Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
        }
    }
}
