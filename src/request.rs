//! A request as plain data: method, target, body, and what is known about repeating it.
//!
//! Everything that goes on the wire and into the signature is decided here, once; nothing here
//! does I/O. Mistakes are kept in the request and come out of the call that would send it.

use std::fmt;

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::error::BuildError;
use crate::{Recovery, Repeat};

/// One operation of the API, for [`Client::call`](crate::Client::call).
///
/// ```
/// use pingpp::{Repeat, Request};
///
/// // PUT /v1/orders/{id}: the same end state however often it is sent.
/// let cancel = Request::put(["orders", "2001708220000281981"])
///     .json(&serde_json::json!({ "status": "canceled" }))
///     .repeat(Repeat::Always);
/// ```
///
/// Each segment of the path is escaped, so that an id stays one segment whatever it contains.
#[must_use = "a request does nothing until it is given to `Client::call`"]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    query: String,
    pub(crate) body: Bytes,
    pub(crate) repeat: Repeat,
    pub(crate) asked: Option<Asked>,
    pub(crate) recovery: Recovery,
    error: Option<BuildError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Delete,
}

impl Method {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// What a usable answer must be about.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) object: &'static str,
    pub(crate) id: Option<String>,
    /// The order of a charge that is created.
    pub(crate) order_no: Option<String>,
    /// The charge of a refund that is created.
    pub(crate) charge: Option<String>,
}

impl Asked {
    pub(crate) fn new(object: &'static str) -> Self {
        Self { object, id: None, order_no: None, charge: None }
    }

    /// Reads no further than it has to: `id` and `object` come first in real answers. Decoding the
    /// value finds what is wrong behind them.
    pub(crate) fn is_answered_by(&self, body: &[u8]) -> Result<bool, serde_json::Error> {
        let mut found =
            Found { all: self.order_no.is_some() || self.charge.is_some(), ..Found::default() };
        let read = serde_json::Deserializer::from_slice(body).deserialize_map(&mut found);
        if !found.is_complete() {
            read?;
        }
        let is = |found: &Option<String>, asked: &Option<String>| {
            asked.is_none() || found.is_none() || found == asked
        };
        Ok(found.object.as_ref().is_none_or(|object| object == self.object)
            && is(&found.id, &self.id)
            && is(&found.order_no, &self.order_no)
            && is(&found.charge, &self.charge))
    }
}

#[derive(Default)]
struct Found {
    /// More is looked for than what comes first.
    all: bool,
    object: Option<String>,
    id: Option<String>,
    order_no: Option<String>,
    charge: Option<String>,
}

impl Found {
    fn is_complete(&self) -> bool {
        !self.all && self.object.is_some() && self.id.is_some()
    }
}

impl<'de> Visitor<'de> for &mut Found {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of the API")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        #[derive(Deserialize)]
        #[serde(field_identifier, rename_all = "snake_case")]
        enum Key {
            Object,
            Id,
            OrderNo,
            Charge,
            #[serde(other)]
            Other,
        }
        while !self.is_complete() {
            match map.next_key()? {
                Some(Key::Object) => self.object = map.next_value()?,
                Some(Key::Id) => self.id = map.next_value()?,
                Some(Key::OrderNo) => self.order_no = map.next_value()?,
                Some(Key::Charge) => self.charge = map.next_value()?,
                Some(Key::Other) => drop(map.next_value::<IgnoredAny>()?),
                None => break,
            }
        }
        Ok(())
    }
}

/// All but the unreserved characters of RFC 3986; the query is signed as it is sent, so one form
/// that every server reads the same is worth more than a short one.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl Request {
    /// `GET /v1/{segments}`; [`Repeat::Always`], because it only looks.
    pub fn get<S: AsRef<str>>(segments: impl IntoIterator<Item = S>) -> Self {
        Self::new(Method::Get, segments).repeat(Repeat::Always)
    }

    /// `POST /v1/{segments}`; [`Repeat::Never`] until [`repeat`](Self::repeat) says otherwise.
    pub fn post<S: AsRef<str>>(segments: impl IntoIterator<Item = S>) -> Self {
        Self::new(Method::Post, segments)
    }

    /// `PUT /v1/{segments}`; [`Repeat::Never`] until [`repeat`](Self::repeat) says otherwise.
    pub fn put<S: AsRef<str>>(segments: impl IntoIterator<Item = S>) -> Self {
        Self::new(Method::Put, segments)
    }

    /// `DELETE /v1/{segments}`; [`Repeat::Never`] until [`repeat`](Self::repeat) says otherwise.
    pub fn delete<S: AsRef<str>>(segments: impl IntoIterator<Item = S>) -> Self {
        Self::new(Method::Delete, segments)
    }

    /// Adds a query parameter; nested ones are written out, as in `created[gte]` or `expand[]`.
    pub fn query(mut self, key: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.query.push(if self.query.is_empty() { '?' } else { '&' });
        self.query.extend(utf8_percent_encode(key.as_ref(), ESCAPED));
        self.query.push('=');
        self.query.extend(utf8_percent_encode(value.as_ref(), ESCAPED));
        self
    }

    /// Adds those that have a value.
    pub(crate) fn queries(
        self,
        pairs: impl IntoIterator<Item = (&'static str, Option<String>)>,
    ) -> Self {
        pairs.into_iter().fold(self, |request, (key, value)| match value {
            None => request,
            Some(value) => request.query(key, value),
        })
    }

    /// Sets the body. It is serialised once; exactly these bytes are signed and sent, by every
    /// attempt.
    pub fn json<B: Serialize + ?Sized>(mut self, body: &B) -> Self {
        if matches!(self.method, Method::Get | Method::Delete) {
            let method = self.method.as_str();
            return self.or_error(BuildError::new(format!(
                "a {method} request has no body in this API; use `query` for its parameters"
            )));
        }
        match serde_json::to_vec(body) {
            Ok(bytes) => self.body = bytes.into(),
            Err(error) => {
                return self.or_error(BuildError::because("the body is not valid JSON", error));
            }
        }
        self
    }

    /// Says whether it may be sent again after an attempt whose outcome is unknown.
    pub fn repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    /// Demands an answer whose `object` is this and, if given, whose `id` is that; anything else is
    /// a security error.
    pub fn expect(mut self, object: &'static str, id: Option<&str>) -> Self {
        self.asked = Some(Asked { id: id.map(str::to_owned), ..Asked::new(object) });
        self
    }

    /// Says how to find out what happened when the outcome is unknown.
    pub fn recovery(mut self, recovery: Recovery) -> Self {
        self.recovery = recovery;
        self
    }

    /// Keeps the first thing that is wrong; the call returns it instead of sending.
    pub(crate) fn asked(mut self, asked: Asked) -> Self {
        self.asked = Some(asked);
        self
    }

    pub(crate) fn or_error(mut self, error: BuildError) -> Self {
        self.error.get_or_insert(error);
        self
    }

    pub(crate) fn take_error(&mut self) -> Option<BuildError> {
        self.error.take()
    }

    /// Path and query exactly as sent and signed.
    pub(crate) fn target(&self) -> String {
        [self.path.as_str(), &self.query].concat()
    }

    /// Body, path and query, timestamp: what Ping++ verifies the signature over.
    pub(crate) fn string_to_sign(&self, target: &str, timestamp: u64) -> Vec<u8> {
        [&self.body, target.as_bytes(), timestamp.to_string().as_bytes()].concat()
    }

    fn new<S: AsRef<str>>(method: Method, segments: impl IntoIterator<Item = S>) -> Self {
        let mut request = Self {
            method,
            path: String::from("/v1"),
            query: String::new(),
            body: Bytes::new(),
            repeat: Repeat::Never,
            asked: None,
            recovery: Recovery::Manual,
            error: None,
        };
        for segment in segments {
            let segment = segment.as_ref();
            // Dots are not escaped by anybody, so these two would be resolved away on the road and
            // the request would be about something else.
            if matches!(segment, "" | "." | "..") {
                request.error.get_or_insert_with(|| {
                    BuildError::new(format!(
                        "an id must not be {segment:?}: pass the id that Ping++ returned"
                    ))
                });
            }
            request.path.push('/');
            request.path.extend(utf8_percent_encode(segment, ESCAPED));
        }
        request
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("body_len", &self.body.len())
            .field("repeat", &self.repeat)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn nested_and_list_parameters_are_percent_encoded() {
        let request = Request::get(["charges"])
            .query("app[id]", "app_1")
            .query("created[gte]", "1")
            .query("expand[]", "app")
            .query("q", "a b&c=d+é");
        assert_eq!(
            request.target(),
            "/v1/charges?app%5Bid%5D=app_1&created%5Bgte%5D=1&expand%5B%5D=app\
             &q=a%20b%26c%3Dd%2B%C3%A9"
        );
    }

    #[test]
    fn the_signed_text_is_body_then_target_then_timestamp() {
        let request = Request::post(["charges", "ch_1", "reverse"]).json(&json!({}));
        assert_eq!(
            request.string_to_sign(&request.target(), 1_700_000_000),
            b"{}/v1/charges/ch_1/reverse1700000000"
        );
    }

    #[test]
    fn ids_that_would_change_the_path_are_refused() {
        for id in ["", ".", ".."] {
            let error = Request::get(["charges", id]).take_error().expect(id);
            assert!(error.to_string().contains("pass the id"), "{error}");
        }
        assert!(Request::get(["charges", "..."]).take_error().is_none());
    }

    #[test]
    fn a_body_on_a_get_is_refused() {
        assert!(Request::get(["charges"]).json(&json!({})).take_error().is_some());
    }

    #[test]
    fn the_first_mistake_is_the_one_reported() {
        let mut request = Request::get(["charges", ""]).or_error(BuildError::new("second"));
        assert!(request.take_error().unwrap().to_string().contains("pass the id"));
    }

    #[test]
    fn an_answer_is_about_what_was_asked_or_not() {
        let asked = Asked { id: Some(String::from("ch_1")), ..Asked::new("charge") };
        for (body, answer) in [
            (r#"{"id":"ch_1","object":"charge","rest":1}"#, Some(true)),
            (r#"{"amount":1,"object":"charge","paid":{},"id":"ch_1"}"#, Some(true)),
            (r#"{"id":"ch_2","object":"charge"}"#, Some(false)),
            (r#"{"id":"ch_1","object":"refund"}"#, Some(false)),
            (r#"{"object":"refund"}"#, Some(false)),
            (r#"{"id":"ch_1","object":"charge", cut off"#, Some(true)),
            (r#"{"id":"ch_1","#, None),
            (r#"{"id":{},"object":"charge"}"#, None),
            ("null", None),
            ("[]", None),
            ("", None),
        ] {
            assert_eq!(asked.is_answered_by(body.as_bytes()).ok(), answer, "{body}");
        }
        let order = Asked { order_no: Some(String::from("1")), ..Asked::new("charge") };
        let is_mine = |no: &str| {
            let body = format!(r#"{{"object":"charge","id":"ch_1","order_no":"{no}"}}"#);
            order.is_answered_by(body.as_bytes()).unwrap()
        };
        assert!(is_mine("1") && !is_mine("2"));
        let list = Asked::new("list");
        assert!(list.is_answered_by(br#"{"object":"list","id":"any"}"#).unwrap());
    }

    proptest! {
        #[test]
        fn any_id_is_one_segment_or_an_error(id in ".*") {
            let mut request = Request::post(["charges", &id, "reverse"]);
            let target = request.target();
            let refused = request.take_error().is_some();
            prop_assert_eq!(refused, matches!(id.as_str(), "" | "." | ".."));
            if !refused {
                let segments: Vec<_> = target.split('/').collect();
                prop_assert_eq!(segments.len(), 5);
                prop_assert!(target.bytes().all(|b| b.is_ascii_graphic()));
                prop_assert!(!target.contains(['?', '#']));
                let decoded = percent_encoding::percent_decode_str(segments[3]).decode_utf8();
                prop_assert_eq!(decoded.unwrap(), id);
            }
        }
    }
}
