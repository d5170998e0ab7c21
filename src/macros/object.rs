//! The macro for objects of the API: read what is there, fail only for what decides about money, and
//! write everything back as it came.
//!
//! A merchant's server passes a charge on to the client that pays, so what goes out must equal what
//! came in: fields that this crate does not know, fields that are absent, and fields that are `null`.
//! Serde's own means cannot tell the last two apart, and its `flatten` buffers everything.
//!
//! An answer that does not decode makes the outcome of a completed operation Unknown. So a field of
//! the wrong type is an error only where a decision about money needs it. To keep the usual answer fast, it is decoded straight;
//! only if that fails it is decoded a second time, field by field ([`Tolerant`](super::from_json::Tolerant)).
//!
//! | section | absent or `null` | a value of another type |
//! |---|---|---|
//! | `required` | error | error |
//! | `strict` | `None` | error |
//! | `optional` | `None` | `None`, and the value stays in `other()` |
//! | `maps` | empty | empty, and the value stays in `other()` |
//!
//! A field that comes twice is an error in the first two, since the two may contradict each other; in
//! the others the first one counts.

macro_rules! object {
    (
        $(#[$meta:meta])*
        pub struct $name:ident $(<$item:ident>)? $(= $tag:literal)? {
            $(required {
                $($(#[$req_meta:meta])* $req:ident $(as $req_name:literal)?: $req_type:ty,)*
            })?
            $(strict {
                $($(#[$strict_meta:meta])* $strict:ident $(as $strict_name:literal)?: $strict_type:ty,)*
            })?
            $(optional {
                $($(#[$opt_meta:meta])* $opt:ident $(as $opt_name:literal)?: $opt_type:ty,)*
            })?
            $(maps {
                $($(#[$map_meta:meta])* $map:ident,)*
            })?
        }
    ) => {
        $(#[$meta])*
        ///
        /// It is written as it was read: what the crate does not know, or could not read, is in
        /// [`other`](Self::other), and an optional field is written as `null` only if it came so.
        #[derive(Clone, PartialEq)]
        #[non_exhaustive]
        pub struct $name $(<$item>)? {
            $($($(#[$req_meta])* pub $req: $req_type,)*)?
            $($($(#[$strict_meta])* pub $strict: Option<$strict_type>,)*)?
            $($($(#[$opt_meta])* pub $opt: Option<$opt_type>,)*)?
            $($($(#[$map_meta])* pub $map: $crate::types::JsonObject,)*)?
            /// A bit for each optional field that came as `null`, and for each map that came as one.
            came: u64,
            other: serde_json::Map<String, serde_json::Value>,
        }

        impl $(<$item>)? $name $(<$item>)? {
            /// The fields that this version of the crate has no name for, and the values of optional
            /// fields that are of another type than documented.
            pub fn other(&self) -> &serde_json::Map<String, serde_json::Value> {
                &self.other
            }

            /// Whether a field has a value that is written instead of the one in `other`.
            #[allow(unused_variables, reason = "an object may have required fields only")]
            fn overrides(&self, key: &str) -> bool {
                $($(if key == [$($strict_name,)? stringify!($strict)][0] {
                    return self.$strict.is_some();
                })*)?
                $($(if key == [$($opt_name,)? stringify!($opt)][0] {
                    return self.$opt.is_some();
                })*)?
                $($(if key == stringify!($map) {
                    return !self.$map.is_empty();
                })*)?
                false
            }
        }

        $crate::macros::object::object!(@tag $name [$($item)?] [$($tag)?]);

        const _: () = {
            use std::fmt;
            use std::marker::PhantomData;

            use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
            use serde::ser::{Serialize, SerializeMap, Serializer};
            use $crate::macros::from_json::{self, FromJson, Pass, Straight, Tolerant};

            #[derive(serde::Deserialize)]
            #[serde(field_identifier)]
            #[allow(non_camel_case_types, reason = "the names of the fields")]
            enum Key {
                $(#[doc = $tag] object,)?
                $($($(#[serde(rename = $req_name)])? $req,)*)?
                $($($(#[serde(rename = $strict_name)])? $strict,)*)?
                $($($(#[serde(rename = $opt_name)])? $opt,)*)?
                $($($map,)*)?
                Other(String),
            }

            #[allow(non_camel_case_types, reason = "the names of the fields")]
            enum Bit {
                $($($strict,)*)?
                $($($opt,)*)?
                $($($map,)*)?
                Count,
            }
            const _: () = assert!(Bit::Count as u32 <= u64::BITS, "too many optional fields");

            struct Fields<P, T>(PhantomData<fn() -> (P, T)>);

            impl<'de, P: Pass $(, $item: FromJson)?> Visitor<'de> for Fields<P, $name $(<$item>)?> {
                type Value = $name $(<$item>)?;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(concat!("a map", $(" with `object` = `", $tag, "`")?))
                }

                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                    $(let mut tag = Some($tag);)?
                    $($(let mut $req: Option<$req_type> = None;)*)?
                    $($(let mut $strict: Option<Option<$strict_type>> = None;)*)?
                    $($(let mut $opt: Option<Option<$opt_type>> = None;)*)?
                    $($(let mut $map: Option<$crate::types::JsonObject> = None;)*)?
                    let mut came = 0;
                    let mut other = serde_json::Map::new();
                    while let Some(key) = map.next_key()? {
                        match key {
                            $(Key::object => match tag.take() {
                                Some(tag) => map.next_value_seed(from_json::Tag(tag))?,
                                None => return Err(A::Error::duplicate_field(["object", $tag][0])),
                            },)?
                            $($(Key::$req => {
                                let name = [$($req_name,)? stringify!($req)][0];
                                if $req.replace(P::value(&mut map, name)?).is_some() {
                                    return Err(A::Error::duplicate_field(name));
                                }
                            })*)?
                            $($(Key::$strict => {
                                let name = [$($strict_name,)? stringify!($strict)][0];
                                let value: Option<$strict_type> = P::value(&mut map, name)?;
                                came |= u64::from(value.is_none()) << Bit::$strict as u32;
                                if $strict.replace(value).is_some() {
                                    return Err(A::Error::duplicate_field(name));
                                }
                            })*)?
                            $($(Key::$opt => {
                                let name = [$($opt_name,)? stringify!($opt)][0];
                                if $opt.is_some() {
                                    P::twice(&mut map, name)?;
                                    continue;
                                }
                                let value: Option<$opt_type> =
                                    P::optional(&mut map, name, &mut other)?;
                                came |= u64::from(value.is_none()) << Bit::$opt as u32;
                                $opt = Some(value);
                            })*)?
                            $($(Key::$map => {
                                if $map.is_some() {
                                    P::twice(&mut map, stringify!($map))?;
                                    continue;
                                }
                                let value = match P::any(&mut map)? {
                                    serde_json::Value::Object(value) => {
                                        came |= 1 << Bit::$map as u32;
                                        value.into()
                                    }
                                    odd => {
                                        other.insert(stringify!($map).to_owned(), odd);
                                        Default::default()
                                    }
                                };
                                $map = Some(value);
                            })*)?
                            Key::Other(key) => {
                                other.insert(key, P::any(&mut map)?);
                            }
                        }
                    }
                    $(if tag == Some($tag) {
                        return Err(A::Error::missing_field("object"));
                    })?
                    $($(let Some($req) = $req else {
                        return Err(A::Error::missing_field([$($req_name,)? stringify!($req)][0]));
                    };)*)?
                    $($(let $strict = $strict.flatten();)*)?
                    $($(let $opt = $opt.flatten();)*)?
                    $($(let $map = $map.unwrap_or_default();)*)?
                    Ok($name { $($($req,)*)? $($($strict,)*)? $($($opt,)*)? $($($map,)*)? came, other })
                }
            }

            impl<'de $(, $item: FromJson)?> Deserialize<'de> for $name $(<$item>)? {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    deserializer.deserialize_map(Fields::<Straight, Self>(PhantomData))
                }
            }

            impl $(<$item: FromJson>)? FromJson for $name $(<$item>)? {
                fn tolerant(text: &str) -> Result<Self, serde_json::Error> {
                    from_json::tolerant(text, Fields::<Tolerant, Self>(PhantomData))
                }
            }

            impl $(<$item: Serialize>)? Serialize for $name $(<$item>)? {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    let mut map = serializer.serialize_map(None)?;
                    $(map.serialize_entry("object", $tag)?;)?
                    $($(map.serialize_entry([$($req_name,)? stringify!($req)][0], &self.$req)?;)*)?
                    let came = |bit: Bit| self.came & (1 << bit as u32) != 0;
                    $($(if self.$strict.is_some() || came(Bit::$strict) {
                        let name = [$($strict_name,)? stringify!($strict)][0];
                        map.serialize_entry(name, &self.$strict)?;
                    })*)?
                    $($(if self.$opt.is_some()
                        || came(Bit::$opt)
                            && !self.other.contains_key([$($opt_name,)? stringify!($opt)][0])
                    {
                        let name = [$($opt_name,)? stringify!($opt)][0];
                        map.serialize_entry(name, &self.$opt)?;
                    })*)?
                    $($(if !self.$map.is_empty()
                        || came(Bit::$map) && !self.other.contains_key(stringify!($map))
                    {
                        map.serialize_entry(stringify!($map), &self.$map)?;
                    })*)?
                    for (key, value) in self.other.iter().filter(|(key, _)| !self.overrides(key)) {
                        map.serialize_entry(key, value)?;
                    }
                    map.end()
                }
            }

            /// Of maps and of unknown fields the names only: their values may be secret.
            impl $(<$item: fmt::Debug>)? fmt::Debug for $name $(<$item>)? {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.debug_struct(stringify!($name))
                        $($(.field(stringify!($req), &self.$req))*)?
                        $($(.field(stringify!($strict), &self.$strict))*)?
                        $($(.field(stringify!($opt), &self.$opt))*)?
                        $($(.field(stringify!($map), &self.$map))*)?
                        .field("other", &from_json::Names(&self.other))
                        .finish()
                }
            }
        };
    };
    (@tag $name:ident [$($item:ident)?] []) => {};
    (@tag $name:ident [] [$tag:literal]) => {
        impl $crate::macros::from_json::ApiObject for $name {
            const OBJECT: &'static str = $tag;
        }
    };
    (@tag $name:ident [$item:ident] [$tag:literal]) => {
        impl<$item: $crate::macros::from_json::FromJson> $crate::macros::from_json::ApiObject
            for $name<$item>
        {
            const OBJECT: &'static str = $tag;
        }
    };
}

pub(crate) use object;
