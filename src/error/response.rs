//! Answers of status 2xx that cannot be used.

use std::error::Error as StdError;
use std::fmt;
use std::time::SystemTime;

use bytes::Bytes;
use http::HeaderMap;

use super::api::request_id;
use super::report::Report;
use crate::clock;
use crate::macros::from_json::{raw_fields, text_of};

/// An answer of status 2xx that cannot be used.
///
/// The [`body`](Self::body) and the headers remain available.
pub struct ResponseError(Box<ResponseInner>);

struct ResponseInner {
    flaw: Flaw,
    headers: HeaderMap,
    body: Bytes,
    report: Report,
}

/// What is wrong with an answer of status 2xx.
#[derive(Debug)]
pub(crate) enum Flaw {
    TooLarge,
    Encoded,
    Undecodable {
        why: String,
    },
    Unsigned,
    BadSignature,
    /// It is about another object than the request.
    OtherObject {
        field: &'static str,
    },
    /// It is about test money instead of live money, or the other way round.
    OtherMode,
    /// The operation did not have its effect.
    NotDone {
        field: &'static str,
    },
    StuckCursor,
    /// It has more items than are searched.
    EndlessList,
}

impl Flaw {
    /// The flaw as a word for `error.type`.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Encoded => "encoded",
            Self::Undecodable { .. } => "undecodable",
            Self::Unsigned => "unsigned",
            Self::BadSignature => "bad_signature",
            Self::OtherObject { .. } => "other_object",
            Self::OtherMode => "other_mode",
            Self::NotDone { .. } => "not_done",
            Self::StuckCursor => "stuck_cursor",
            Self::EndlessList => "endless_list",
        }
    }
}

impl ResponseError {
    pub(crate) fn new(flaw: Flaw, headers: HeaderMap, body: Bytes, report: Report) -> Self {
        Self(Box::new(ResponseInner { flaw, headers, body, report }))
    }

    pub(super) fn report(&self) -> &Report {
        &self.0.report
    }

    pub(super) fn report_mut(&mut self) -> &mut Report {
        &mut self.0.report
    }

    /// Whether the answer may come from somebody else: its signature is missing or wrong, or it is
    /// about another object or another mode. Alert an operator.
    pub fn is_security(&self) -> bool {
        use Flaw::{BadSignature, OtherMode, OtherObject, Unsigned};
        matches!(self.0.flaw, Unsigned | BadSignature | OtherObject { .. } | OtherMode)
    }

    /// The body as it arrived; empty if it was too large or compressed. It comes from outside and may
    /// hold personal data: do not log it unseen.
    pub fn body(&self) -> &[u8] {
        &self.0.body
    }

    /// The `id` in the body, if there is one: the object that the answer is about.
    pub fn id(&self) -> Option<String> {
        text_of(&raw_fields(&self.0.body).ok()?, "id")
    }

    /// The value of a header of the answer, whatever the case of its name; `None` if it is absent or
    /// not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.headers.get(name)?.to_str().ok()
    }

    /// The id that the server gave the request, if it names one: what support asks for.
    pub fn request_id(&self) -> Option<&str> {
        request_id(&self.0.headers)
    }

    /// The server's clock when it answered, by the header `Date`; `None` if there is none, or a cache
    /// answered.
    pub fn date(&self) -> Option<SystemTime> {
        clock::date(&self.0.headers)
    }
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.flaw {
            Flaw::TooLarge => f.write_str("the answer is larger than 2 MiB"),
            Flaw::Encoded => {
                f.write_str("the answer is compressed although that was not asked for")
            }
            Flaw::Undecodable { why } => {
                write!(f, "the answer is not the JSON that was expected: {why}")
            }
            Flaw::Unsigned => f.write_str("the answer carries no signature of Ping++"),
            Flaw::BadSignature => f.write_str("the answer's signature is not one of Ping++"),
            Flaw::OtherObject { field } => {
                write!(
                    f,
                    "the answer is about something else: its `{field}` is not the one asked for"
                )
            }
            Flaw::OtherMode => f.write_str(
                "the answer's `livemode` is not that of the API key: test and live are mixed up",
            ),
            Flaw::NotDone { field } => {
                write!(f, "the answer does not say that it was done: see its `{field}`")
            }
            Flaw::StuckCursor => {
                f.write_str("the list says that more follows, but does not move on")
            }
            Flaw::EndlessList => f.write_str("the list is too long to be searched"),
        }
    }
}

impl fmt::Debug for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseError")
            .field("flaw", &self.0.flaw)
            .field("body_len", &self.0.body.len())
            .field("report", &self.0.report)
            .finish()
    }
}

impl StdError for ResponseError {}
