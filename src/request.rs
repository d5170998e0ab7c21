//! A request as plain data: method, target, body, what is known about repeating it, and what its
//! answer must say.
//!
//! Everything that goes on the wire and into the signature is decided here, once; nothing here does
//! I/O. Mistakes are kept in the request, and the call returns them instead of sending it.

mod expected;
mod limits;
mod query;

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use percent_encoding::utf8_percent_encode;
use serde::Serialize;
use serde_json::Value;

use self::expected::Kind;
pub(crate) use self::expected::{Expected, Mismatch};
use self::query::ESCAPED;
pub(crate) use self::query::append_pair;
use crate::error::BuildError;
use crate::macros::from_json::ApiObject;
use crate::recovery::Recovery;
use crate::retry::Repeat;
use crate::types::{App, Id};

/// One operation of the API, for [`Client::call`](crate::Client::call).
///
/// ```
/// use pingpp::{Repeat, Request};
///
/// // PUT /v1/orders/{id}: the same end state however often it is sent.
/// let cancel = Request::put("/v1/orders/{id}", &["2001708220000281981"])
///     .json(&serde_json::json!({ "status": "canceled" }))
///     .repeat(Repeat::Always);
/// ```
///
/// Each `{..}` of the route takes one of the ids, in their order. Ids are escaped, so that an id
/// stays one segment of the path whatever it contains. The route is what spans show.
#[derive(Clone)]
#[must_use = "a request does nothing until it is given to `Client::call`"]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) route: Cow<'static, str>,
    path: String,
    query: String,
    pub(crate) body: Bytes,
    pub(crate) repeat: Repeat,
    pub(crate) expected: Expected,
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

impl Request {
    /// `GET` of a route such as `/v1/orders/{id}`; [`Repeat::Always`], because it only reads.
    pub fn get(route: impl Into<Cow<'static, str>>, ids: &[&str]) -> Self {
        Self::new(Method::Get, route, ids).repeat(Repeat::Always)
    }

    /// `POST` to a route; [`Repeat::Never`] until [`repeat`](Self::repeat) says otherwise.
    pub fn post(route: impl Into<Cow<'static, str>>, ids: &[&str]) -> Self {
        Self::new(Method::Post, route, ids)
    }

    /// `PUT` to a route; [`Repeat::Never`] until [`repeat`](Self::repeat) says otherwise.
    pub fn put(route: impl Into<Cow<'static, str>>, ids: &[&str]) -> Self {
        Self::new(Method::Put, route, ids)
    }

    /// `DELETE` of a route; [`Repeat::Never`] until [`repeat`](Self::repeat) says otherwise.
    pub fn delete(route: impl Into<Cow<'static, str>>, ids: &[&str]) -> Self {
        Self::new(Method::Delete, route, ids)
    }

    /// Adds a query parameter; nested ones are written out, as in `created[gte]` or `expand[]`.
    pub fn query(mut self, key: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        append_pair(&mut self.query, key.as_ref(), value.as_ref());
        self
    }

    /// Adds the fields of a struct or map as query parameters, nested ones as `created[gte]`, lists
    /// as `expand[]`, without those that are `null`.
    pub fn query_from<P: Serialize + ?Sized>(mut self, params: &P) -> Self {
        match query::append(&mut self.query, params) {
            Ok(()) => self,
            Err(error) => self.or_error(BuildError::because(error.to_string(), error)),
        }
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
            Ok(bytes) => {
                self.body = bytes.into();
                self
            }
            Err(error) => self.or_error(BuildError::because(error.to_string(), error)),
        }
    }

    /// Says whether it may be sent again after an attempt whose outcome is unknown.
    pub fn repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    /// Demands an answer whose `object` is this and, if given, whose `id` is that; anything else is
    /// a security error, also if one of them is missing or comes twice.
    pub fn expect(mut self, object: &'static str, id: Option<&str>) -> Self {
        self.expected.add(Kind::AboutStrictly, "object", None, object.into());
        if let Some(id) = id {
            self.expected.add(Kind::AboutStrictly, "id", None, id.into());
        }
        self
    }

    /// Says how to find out what happened when the outcome is unknown.
    pub fn recovery(mut self, recovery: Recovery) -> Self {
        self.recovery = recovery;
        self
    }

    /// The answer is this object.
    pub(crate) fn about<T: ApiObject>(self, id: &Id<T>) -> Self {
        self.same("object", T::OBJECT).same("id", id.as_str())
    }

    /// The answer is some object of this type.
    pub(crate) fn about_new<T: ApiObject>(self) -> Self {
        self.same("object", T::OBJECT)
    }

    /// A field of the answer is what the request named, if it is there.
    pub(crate) fn same(mut self, field: &'static str, value: impl Into<Value>) -> Self {
        self.expected.add(Kind::About, field, None, value.into());
        self
    }

    /// The answer is a list of this path. What the real server puts there is not always right.
    pub(crate) fn about_list<T: ApiObject>(mut self) -> Self {
        // The server may write an escaped id either way.
        if !self.path.contains('%') {
            self.expected.add(Kind::Hint, "url", None, self.path.as_str().into());
        }
        self.about_new::<T>()
    }

    /// The same of a field inside of another one.
    pub(crate) fn same_inside(
        mut self,
        field: &'static str,
        inner: &'static str,
        value: impl Into<Value>,
    ) -> Self {
        self.expected.add(Kind::About, field, Some(inner), value.into());
        self
    }

    /// The operation had its effect if a field of the answer is this.
    pub(crate) fn wants(mut self, field: &'static str, value: impl Into<Value>) -> Self {
        self.expected.add(Kind::Done, field, None, value.into());
        self
    }

    /// Sends the parameters with the app as `{"id": ".."}`, as charges, red envelopes and transfers
    /// take it: in the query of a read, else in the body. An answer must be about the same app.
    pub(crate) fn in_app_object<P: Serialize>(self, app: Option<&Id<App>>, params: &P) -> Self {
        #[derive(Serialize)]
        struct Object<'a> {
            id: &'a Id<App>,
        }
        self.with_app(app, params, |id| Object { id })
    }

    /// The same with the app as its id, as orders, agreements, batches and customs take it.
    pub(crate) fn in_app<P: Serialize>(self, app: Option<&Id<App>>, params: &P) -> Self {
        self.with_app(app, params, |id| id)
    }

    fn with_app<'a, A: Serialize, P: Serialize>(
        self,
        app: Option<&'a Id<App>>,
        params: &P,
        written: impl FnOnce(&'a Id<App>) -> A,
    ) -> Self {
        #[derive(Serialize)]
        struct InApp<'a, A, P> {
            app: A,
            #[serde(flatten)]
            params: &'a P,
        }
        let app = match app {
            Some(app) if is_app(app) => app,
            Some(_) => return self.or_error(BuildError::new(NOT_AN_APP)),
            None => return self.or_error(no_app()),
        };
        let request = self.same("app", app.as_str());
        let params = InApp { app: written(app), params };
        match request.method {
            Method::Get | Method::Delete => request.query_from(&params),
            Method::Post | Method::Put => request.json(&params),
        }
    }

    /// Asks for a reference of the answer as a whole object.
    pub(crate) fn expand(self, reference: &str) -> Self {
        if self.method != Method::Get {
            return self.or_error(BuildError::new("only a call that reads can expand references"));
        }
        self.query("expand[]", reference)
    }

    /// Keeps the first thing that is wrong; the call returns it instead of sending.
    pub(crate) fn or_error(mut self, error: BuildError) -> Self {
        self.error.get_or_insert(error);
        self
    }

    /// Refuses texts that are longer than Ping++ documents.
    pub(crate) fn within_limits(self) -> Self {
        match limits::exceeded(&self.route, &self.body) {
            Some(error) => self.or_error(error),
            None => self,
        }
    }

    /// Whether the body has characters beyond U+FFFF, which are four bytes long in UTF-8.
    pub(crate) fn is_beyond_bmp(&self) -> bool {
        self.body.iter().any(|byte| *byte >= 0xf0)
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

    fn new(method: Method, route: impl Into<Cow<'static, str>>, ids: &[&str]) -> Self {
        let route = route.into();
        let mut request = Self {
            method,
            path: String::with_capacity(route.len() + 32),
            route: route.clone(),
            query: String::new(),
            body: Bytes::new(),
            repeat: Repeat::Never,
            expected: Expected::default(),
            recovery: Recovery::Manual,
            error: None,
        };
        let mut left = ids.iter();
        for segment in route.split('/').skip(1) {
            request.path.push('/');
            let is_id = segment.starts_with('{') && segment.ends_with('}');
            match if is_id { left.next() } else { Some(&segment) } {
                Some(&"") if segment == "{app}" => {
                    request.error.get_or_insert_with(no_app);
                }
                // Percent-encoding leaves dots unchanged, and proxies resolve these two, so that the
                // request would be about something else.
                Some(&("" | "." | "..")) => {
                    request.error.get_or_insert_with(|| {
                        BuildError::new(format!(
                            "an id must not be empty, `.` or `..`: pass the id that Ping++ \
                             returned for {segment}"
                        ))
                    });
                }
                Some(text) => request.path.extend(utf8_percent_encode(text, ESCAPED)),
                None => {
                    let error = BuildError::new(format!("{route} needs an id for {segment}"));
                    request.error.get_or_insert(error);
                }
            }
        }
        if !route.starts_with("/v1/") || left.next().is_some() {
            let error = BuildError::new(format!(
                "{route:?} with {} ids is not a route: give one such as /v1/orders/{{id}}, with an \
                 id for each part in braces and parameters in the query",
                ids.len()
            ));
            request.error.get_or_insert(error);
        }
        request
    }
}

/// App ids begin with `app_`.
pub(crate) fn is_app(app: &Id<App>) -> bool {
    app.as_str().strip_prefix("app_").is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// The app as the id of a route with `{app}`, as the account product has them.
pub(crate) fn app_segment(app: Option<&Id<App>>) -> &str {
    app.map_or("", Id::as_str)
}

pub(crate) fn no_app() -> BuildError {
    BuildError::new(
        "no app: set `ClientBuilder::app` or PINGPP_APP_ID, or call `client.with_app(\"app_...\")`",
    )
}

pub(crate) const NOT_AN_APP: &str = "this is not the id of an app: it begins with `app_`, see the \
                                     Ping++ dashboard";

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("route", &self.route)
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
        let request = Request::get("/v1/charges", &[])
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
        let request = Request::post("/v1/charges/{id}/reverse", &["ch_1"]).json(&json!({}));
        assert_eq!(
            request.string_to_sign(&request.target(), 1_700_000_000),
            b"{}/v1/charges/ch_1/reverse1700000000"
        );
    }

    #[test]
    fn ids_that_would_change_the_path_are_refused() {
        for id in ["", ".", ".."] {
            let error = Request::get("/v1/charges/{id}", &[id]).take_error().expect(id);
            assert!(error.to_string().contains("pass the id"), "{error}");
        }
        assert!(Request::get("/v1/charges/{id}", &["..."]).take_error().is_none());
    }

    #[test]
    fn a_route_that_does_not_fit_its_ids_is_refused() {
        for (route, ids) in [
            ("/v1/charges/{id}", &[] as &[&str]),
            ("/v1/charges/{id}", &["a", "b"]),
            ("/v1/charges", &["a"]),
            ("/charges", &[]),
            ("v1/charges", &[]),
            ("/v1//charges", &[]),
            ("", &[]),
        ] {
            assert!(Request::get(route, ids).take_error().is_some(), "{route} {ids:?}");
        }
    }

    #[test]
    fn the_app_is_written_as_each_operation_wants_it() {
        let app = Id::from("app_1");
        let post = Request::post("/v1/charges", &[]).in_app_object(Some(&app), &json!({ "a": 1 }));
        assert_eq!(post.body, r#"{"app":{"id":"app_1"},"a":1}"#);
        let get = Request::get("/v1/charges", &[]).in_app_object(Some(&app), &json!({ "a": 1 }));
        assert_eq!(get.target(), "/v1/charges?a=1&app%5Bid%5D=app_1");
        let post = Request::post("/v1/orders", &[]).in_app(Some(&app), &json!({ "a": 1 }));
        assert_eq!(post.body, r#"{"app":"app_1","a":1}"#);
        let get = Request::get("/v1/orders", &[]).in_app(Some(&app), &json!({ "a": 1 }));
        assert_eq!(get.target(), "/v1/orders?a=1&app=app_1");
        let route = "/v1/apps/{app}/recharges";
        let get = Request::get(route, &[app_segment(Some(&app))]);
        assert_eq!(get.target(), "/v1/apps/app_1/recharges");
        let error = Request::get(route, &[app_segment(None)]).take_error().unwrap();
        assert!(error.to_string().contains("no app"), "{error}");
        for (app, advice) in [(None, "no app"), (Some(Id::from("ch_1")), "begins with `app_`")] {
            let mut post =
                Request::post("/v1/charges", &[]).in_app_object(app.as_ref(), &json!({}));
            let error = post.take_error().unwrap().to_string();
            assert!(error.contains(advice), "{error}");
        }
    }

    #[test]
    fn the_id_of_an_app_is_its_prefix_and_letters_or_digits() {
        for (id, is) in [
            ("app_1Gqj58ynP0mHeX1q", true),
            ("app_", false),
            ("app_1-2", false),
            ("app_é", false),
            ("1Gqj58ynP0mHeX1q", false),
            ("", false),
        ] {
            assert_eq!(is_app(&Id::from(id)), is, "{id}");
        }
    }

    #[test]
    fn a_body_on_a_get_is_refused() {
        assert!(Request::get("/v1/charges", &[]).json(&json!({})).take_error().is_some());
    }

    #[test]
    fn each_method_has_its_name_and_only_a_read_is_repeated_by_itself() {
        for (request, name, repeat) in [
            (Request::get("/v1/charges", &[]), "GET", Repeat::Always),
            (Request::post("/v1/charges", &[]), "POST", Repeat::Never),
            (Request::put("/v1/charges", &[]), "PUT", Repeat::Never),
            (Request::delete("/v1/charges", &[]), "DELETE", Repeat::Never),
        ] {
            assert_eq!((request.method.as_str(), request.repeat), (name, repeat));
            let mut expanded = request.expand("app");
            assert_eq!(expanded.take_error().is_some(), name != "GET");
        }
    }

    #[test]
    fn the_url_of_a_list_is_compared_unless_an_id_was_escaped() {
        use crate::resources::charges::Refund;
        use crate::types::{List, Mode};

        let other = br#"{"object":"list","url":"/v1/charges/other/refunds"}"#;
        for (id, is_compared) in [("ch_1", true), ("ch%1", false)] {
            let request = Request::get("/v1/charges/{id}/refunds", &[id]);
            let expected = request.about_list::<List<Refund>>().expected;
            let mismatch = expected.check(other, Mode::Test, true).unwrap();
            assert_eq!(mismatch.is_some(), is_compared, "{id}");
        }
    }

    #[test]
    fn a_debugged_request_shows_its_route_and_not_its_ids_or_its_body() {
        let request = Request::post("/v1/charges/{id}/reverse", &["ch_1"]).json(&json!({ "a": 1 }));
        let debug = format!("{request:?}");
        assert!(debug.contains("/v1/charges/{id}/reverse") && debug.contains("body_len: 7"));
        assert!(!debug.contains("ch_1"), "{debug}");
    }

    #[test]
    fn the_first_mistake_is_the_one_reported() {
        let request = Request::get("/v1/charges/{id}", &[""]);
        let mut request = request.or_error(BuildError::new("second"));
        assert!(request.take_error().unwrap().to_string().contains("pass the id"));
    }

    proptest! {
        #[test]
        fn any_id_is_one_segment_or_an_error(id in ".*") {
            let mut request = Request::post("/v1/charges/{id}/reverse", &[&id]);
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
