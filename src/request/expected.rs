//! What an answer must say so that it can be taken for the answer to a request.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::macros::from_json::value_of;
use crate::types::Mode;

/// What a usable answer must say. Its fields are compared with the body before it is decoded.
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
    kind: Kind,
}

/// What a field says about the answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// What the answer is about, if it is there. Objects of this crate decide by themselves which
    /// fields must be there, and whether they may come twice.
    About,
    /// What the answer is about. It must be there, once: the answer may not be an object of this crate.
    AboutStrictly,
    /// What the answer is about, but the server is known to be careless with it. It counts over a
    /// pooled connection, where the answer may be that to an earlier request.
    Hint,
    /// That the operation had its effect; it must be there.
    Done,
}

/// The first check that failed.
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
        kind: Kind,
        field: &'static str,
        inner: Option<&'static str>,
        value: Value,
    ) {
        self.checks.push(Check { field, inner, value, kind });
    }

    /// Stops when all checks are done: what is checked comes first in real answers, and decoding
    /// validates the rest.
    pub(crate) fn check(
        &self,
        body: &[u8],
        mode: Mode,
        was_pooled: bool,
    ) -> Result<Option<Mismatch>, serde_json::Error> {
        // An answer that may be anything, such as an array.
        if self.checks.is_empty() && body.trim_ascii_start().first() != Some(&b'{') {
            return Ok(None);
        }
        let counts = |check: &&Check| was_pooled || check.kind != Kind::Hint;
        let open = self.checks.iter().filter(counts).collect();
        let strict = self.checks.iter().any(|check| check.kind == Kind::AboutStrictly);
        let all = if strict { self.checks.as_slice() } else { &[] };
        let mut reader = Reader { open, all, mode: Some(mode), mismatch: None };
        let read = serde_json::Deserializer::from_slice(body).deserialize_map(&mut reader);
        if !reader.is_done() {
            read?;
        }
        let missing = reader.open.iter().find(|check| check.must_be_there());
        Ok(reader.mismatch.or(missing.map(|check| check.mismatch())))
    }
}

impl Check {
    fn must_be_there(&self) -> bool {
        matches!(self.kind, Kind::AboutStrictly | Kind::Done)
    }

    fn accepts(&self, found: &Value) -> bool {
        match (self.inner, found) {
            (Some(inner), _) => found.get(inner).is_none_or(|found| *found == self.value),
            (None, Value::Null) => !self.must_be_there(),
            // An expanded object counts by its id.
            (None, Value::Object(object)) => object.get("id") == Some(&self.value),
            (None, _) => *found == self.value,
        }
    }

    fn mismatch(&self) -> Mismatch {
        match self.field {
            field if self.kind == Kind::Done => Mismatch::NotDone(field),
            "app" => Mismatch::App,
            field => Mismatch::About(field),
        }
    }
}

/// Goes through an answer until everything is checked, or something does not fit.
struct Reader<'a> {
    /// What is still to be checked.
    open: Vec<&'a Check>,
    /// Fields that must not come twice; the answer is read to its end then.
    all: &'a [Check],
    /// The mode that is expected, until it was seen.
    mode: Option<Mode>,
    mismatch: Option<Mismatch>,
}

impl Reader<'_> {
    fn is_done(&self) -> bool {
        let checked = self.open.is_empty() && self.mode.is_none() && self.all.is_empty();
        self.mismatch.is_some() || checked
    }
}

impl<'de> Visitor<'de> for &mut Reader<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of the API")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while !self.is_done() {
            match map.next_key_seed(KeyOf { open: &self.open, all: self.all })? {
                None => break,
                Some(Key::Livemode) => {
                    let livemode = value_of(map.next_value()?);
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
                    if !check.accepts(&value_of(map.next_value()?)) {
                        self.mismatch = Some(check.mismatch());
                    }
                }
                Some(Key::Twice(field)) => self.mismatch = Some(Mismatch::About(field)),
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
    /// A field that was checked before.
    Twice(&'static str),
    Other,
}

/// Finds the check of a key without keeping the key.
struct KeyOf<'a> {
    open: &'a [&'a Check],
    all: &'a [Check],
}

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
        if let Some(at) = self.open.iter().position(|check| check.field == key) {
            return Ok(Key::Checked(at));
        }
        Ok(match self.all.iter().find(|check| check.field == key) {
            Some(check) => Key::Twice(check.field),
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
            let kind = if *is_postcondition { Kind::Done } else { Kind::About };
            expected.add(kind, field, None, value.clone());
        }
        expected
    }

    fn check(expected: &Expected, body: &str) -> Option<Option<Mismatch>> {
        expected.check(body.as_bytes(), Mode::Test, false).ok()
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
        asked.add(Kind::About, "extra", Some("scan_code"), json!("28"));
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

    #[test]
    fn what_a_caller_demands_must_be_there_and_once() {
        let mut asked = Expected::default();
        asked.add(Kind::AboutStrictly, "id", None, json!("or_1"));
        let (id, yes) = (Some(Some(Mismatch::About("id"))), Some(None));
        for (body, answer) in [
            (r#"{"id":"or_1","rest":{}}"#, yes),
            ("{}", id),
            (r#"{"id":null}"#, id),
            (r#"{"id":"or_1","rest":1,"id":"or_2"}"#, id),
            (r#"{"id":"or_1","rest":1,"\u0069d":"or_2"}"#, id),
        ] {
            assert_eq!(check(&asked, body), answer, "{body}");
        }
    }

    #[test]
    fn a_hint_counts_over_a_pooled_connection() {
        let mut asked = Expected::default();
        asked.add(Kind::Hint, "url", None, json!("/v1/charges"));
        let other = br#"{"url":"/v1/charges/ch_1/refunds"}"#;
        let answer = |was_pooled| asked.check(other, Mode::Test, was_pooled).unwrap();
        assert_eq!((answer(false), answer(true)), (None, Some(Mismatch::About("url"))));
        assert_eq!(asked.check(b"{}", Mode::Test, true).unwrap(), None);
    }

    #[test]
    fn an_answer_of_which_nothing_is_demanded_may_be_anything() {
        for body in ["[1]", " \"text\"", "null", "", "{\"a\":1e999}"] {
            assert_eq!(check(&Expected::default(), body), Some(None), "{body}");
        }
    }
}
