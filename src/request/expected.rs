//! What an answer must say so that it can be taken for the answer to a request.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::types::Mode;

/// What a usable answer must say. Its fields are held against the body before it is decoded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expected {
    checks: Vec<Check>,
}

/// One field of the answer, and the value that it must have.
#[derive(Debug, Clone)]
struct Check {
    field: &'static str,
    /// A field inside of it.
    inner: Option<&'static str>,
    value: Value,
    /// It says that the operation had its effect, so it must be there. The others say what the answer
    /// is about; whether those must be there is decided by decoding.
    is_postcondition: bool,
}

/// The first thing that an answer does not say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Mismatch {
    /// It is about something else, by this field.
    About(&'static str),
    /// It belongs to another app.
    App,
    /// It is about test money instead of live money, or the other way round.
    Mode,
    /// It was not done, by this field.
    NotDone(&'static str),
}

impl Expected {
    pub(super) fn add(
        &mut self,
        field: &'static str,
        inner: Option<&'static str>,
        value: Value,
        is_postcondition: bool,
    ) {
        self.checks.push(Check { field, inner, value, is_postcondition });
    }

    /// Reads no further than it has to: what is checked comes first in real answers, and decoding
    /// finds what is wrong behind it.
    pub(crate) fn check(
        &self,
        body: &[u8],
        mode: Mode,
    ) -> Result<Option<Mismatch>, serde_json::Error> {
        let open = self.checks.iter().collect();
        let mut reader = Reader { open, mode: Some(mode), mismatch: None };
        let read = serde_json::Deserializer::from_slice(body).deserialize_map(&mut reader);
        if !reader.is_done() {
            read?;
        }
        let not_done = reader.open.iter().find(|check| check.is_postcondition);
        Ok(reader.mismatch.or(not_done.map(|check| Mismatch::NotDone(check.field))))
    }
}

impl Check {
    fn accepts(&self, found: &Value) -> bool {
        match (self.inner, found) {
            (Some(inner), _) => found.get(inner).is_none_or(|found| *found == self.value),
            (None, Value::Null) => !self.is_postcondition,
            // An expanded object counts by its id.
            (None, Value::Object(object)) => object.get("id") == Some(&self.value),
            (None, _) => *found == self.value,
        }
    }

    fn mismatch(&self) -> Mismatch {
        match self.field {
            field if self.is_postcondition => Mismatch::NotDone(field),
            "app" => Mismatch::App,
            field => Mismatch::About(field),
        }
    }
}

/// Goes through an answer until everything is checked, or something does not fit.
struct Reader<'a> {
    /// What is still to be checked.
    open: Vec<&'a Check>,
    /// The mode that is expected, until it was seen.
    mode: Option<Mode>,
    mismatch: Option<Mismatch>,
}

impl Reader<'_> {
    fn is_done(&self) -> bool {
        self.mismatch.is_some() || self.open.is_empty() && self.mode.is_none()
    }
}

impl<'de> Visitor<'de> for &mut Reader<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of the API")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while !self.is_done() {
            match map.next_key_seed(KeyOf(&self.open))? {
                None => break,
                Some(Key::Livemode) => {
                    let livemode: Value = map.next_value()?;
                    let expected = self.mode.take();
                    // Decoding refuses what is no bool.
                    if livemode.as_bool().is_some_and(|livemode| {
                        expected.is_some_and(|mode| mode != Mode::from_livemode(livemode))
                    }) {
                        self.mismatch = Some(Mismatch::Mode);
                    }
                }
                Some(Key::Checked(at)) => {
                    let check = self.open.swap_remove(at);
                    if !check.accepts(&map.next_value()?) {
                        self.mismatch = Some(check.mismatch());
                    }
                }
                Some(Key::Other) => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

enum Key {
    Livemode,
    /// The field of the check at this place.
    Checked(usize),
    Other,
}

/// Finds the check of a key without keeping the key.
struct KeyOf<'a>(&'a [&'a Check]);

impl<'de> DeserializeSeed<'de> for KeyOf<'_> {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for KeyOf<'_> {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        Ok(match self.0.iter().position(|check| check.field == key) {
            Some(at) => Key::Checked(at),
            None if key == "livemode" => Key::Livemode,
            None => Key::Other,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn expected(checks: &[(&'static str, Value, bool)]) -> Expected {
        let mut expected = Expected::default();
        for (field, value, is_postcondition) in checks {
            expected.add(field, None, value.clone(), *is_postcondition);
        }
        expected
    }

    fn check(expected: &Expected, body: &str) -> Option<Option<Mismatch>> {
        expected.check(body.as_bytes(), Mode::Test).ok()
    }

    #[test]
    fn an_answer_is_about_what_was_asked_or_not() {
        let asked = expected(&[("object", json!("charge"), false), ("id", json!("ch_1"), false)]);
        let (yes, id, object) = (Some(None), Mismatch::About("id"), Mismatch::About("object"));
        for (body, answer) in [
            (r#"{"id":"ch_1","object":"charge","livemode":false}"#, yes),
            (r#"{"amount":1,"object":"charge","paid":{},"id":"ch_1"}"#, yes),
            (r#"{"id":"ch_2","object":"charge"}"#, Some(Some(id))),
            (r#"{"id":{},"object":"charge"}"#, Some(Some(id))),
            (r#"{"id":"ch_1","object":"refund"}"#, Some(Some(object))),
            (r#"{"object":"refund"}"#, Some(Some(object))),
            (r#"{"id":"ch_1","object":"charge","livemode":true}"#, Some(Some(Mismatch::Mode))),
            (r#"{"id":"ch_1","object":"charge","livemode":false, cut off"#, yes),
            (r#"{"id":"ch_1","#, None),
            ("null", None),
            ("[]", None),
            ("", None),
        ] {
            assert_eq!(check(&asked, body), answer, "{body}");
        }
    }

    #[test]
    fn a_postcondition_must_be_there() {
        let reversed = expected(&[("reversed", json!(true), true)]);
        for (body, done) in [
            (r#"{"reversed":true}"#, true),
            (r#"{"reversed":false}"#, false),
            (r#"{"reversed":null}"#, false),
            (r#"{"reversed":"true"}"#, false),
            (r#"{"paid":true}"#, false),
        ] {
            let mismatch = (!done).then_some(Mismatch::NotDone("reversed"));
            assert_eq!(check(&reversed, body), Some(mismatch), "{body}");
        }
    }

    #[test]
    fn an_app_counts_by_its_id_and_an_inner_field_by_its_value() {
        let mut asked = expected(&[("app", json!("app_1"), false)]);
        asked.add("extra", Some("scan_code"), json!("28"), false);
        for (body, answer) in [
            (r#"{"app":"app_1","extra":{"scan_code":"28"}}"#, None),
            (r#"{"app":{"object":"app","id":"app_1"},"extra":{}}"#, None),
            (r#"{"app":null,"extra":[]}"#, None),
            (r#"{"app":"app_2"}"#, Some(Mismatch::App)),
            (r#"{"app":{"id":"app_2"}}"#, Some(Mismatch::App)),
            (r#"{"extra":{"scan_code":"62"}}"#, Some(Mismatch::About("extra"))),
        ] {
            assert_eq!(check(&asked, body), Some(answer), "{body}");
        }
    }
}
