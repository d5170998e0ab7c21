//! Answers with a status other than 2xx.

use std::error::Error as StdError;
use std::fmt;
use std::time::SystemTime;

use http::{HeaderMap, HeaderValue};

use super::codes::{ErrorCode, ErrorType};
use super::report::Report;
use crate::clock;
use crate::macros::from_json::{raw_fields, text_of};

/// An answer with a status other than 2xx.
///
/// Errors of Ping++ are JSON with type, code, param and message; a proxy in between may answer
/// anything. Status and text are kept either way.
pub struct ApiError(Box<ApiInner>);

struct ApiInner {
    status: u16,
    headers: HeaderMap,
    detail: ErrorDetail,
    text: String,
    report: Report,
}

/// The value of `error` in an error body; see <https://www.pingxx.com/api> for its fields.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ErrorDetail {
    pub(crate) kind: Option<ErrorType>,
    pub(crate) code: Option<ErrorCode>,
    pub(crate) param: Option<String>,
    pub(crate) message: Option<String>,
}

impl ErrorDetail {
    /// `None` if the body has no `error` object. Each field is read by itself, so that one of an
    /// unexpected type does not hide the others.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let body = raw_fields(body).ok()?;
        let error = raw_fields(body.get("error")?.get().as_bytes()).ok()?;
        let text = |name| text_of(&error, name);
        Some(Self {
            kind: text("type").map(ErrorType::from),
            code: text("code").map(ErrorCode::from),
            param: text("param"),
            message: text("message"),
        })
    }

    /// Whether it has one of Ping++'s types. Gateways answer with similar bodies, which prove nothing
    /// about what Ping++ did.
    pub(crate) fn is_of_pingxx(&self) -> bool {
        self.kind.as_ref().is_some_and(|kind| !matches!(kind, ErrorType::Other(_)))
    }
}

impl ApiError {
    /// `redact` takes secrets out of a text. It is applied to what was parsed as well, since a server
    /// may escape them.
    pub(crate) fn new(
        status: u16,
        mut headers: HeaderMap,
        body: &[u8],
        redact: impl Fn(&str) -> String,
        report: Report,
    ) -> Self {
        let mut detail = ErrorDetail::parse(body).unwrap_or_default();
        let clean = |text: &mut Option<String>| *text = text.take().map(|text| redact(&text));
        clean(&mut detail.param);
        clean(&mut detail.message);
        detail.kind = detail.kind.map(|kind| redact(kind.as_str()).into());
        detail.code = detail.code.map(|code| redact(code.as_str()).into());
        for value in headers.values_mut() {
            let text = String::from_utf8_lossy(value.as_bytes());
            let redacted = redact(&text);
            if redacted != text {
                *value = redacted.parse().unwrap_or(HeaderValue::from_static("[redacted]"));
            }
        }
        let text = redact(&String::from_utf8_lossy(body));
        Self(Box::new(ApiInner { status, headers, detail, text, report }))
    }

    pub(super) fn report(&self) -> &Report {
        &self.0.report
    }

    pub(super) fn report_mut(&mut self) -> &mut Report {
        &mut self.0.report
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// `error.type`; `None` if the answer is not an error of Ping++.
    pub fn kind(&self) -> Option<&ErrorType> {
        self.0.detail.kind.as_ref()
    }

    /// `error.code`, the machine-readable reason; many errors have none.
    pub fn code(&self) -> Option<&ErrorCode> {
        self.0.detail.code.as_ref()
    }

    /// `error.param`, the parameter that is wrong.
    pub fn param(&self) -> Option<&str> {
        self.0.detail.param.as_deref()
    }

    /// `error.message`, in the language of [`accept_language`](crate::ClientBuilder::accept_language);
    /// empty if the answer is not an error of Ping++ (then see [`text`](Self::text)).
    pub fn message(&self) -> &str {
        self.0.detail.message.as_deref().unwrap_or_default()
    }

    /// The whole body as text, whatever it is; bytes that are not UTF-8 are replaced. It can be
    /// long and comes from outside: do not log it unseen.
    pub fn text(&self) -> &str {
        &self.0.text
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

    /// Whether Ping++ wrote it, not somebody in between.
    pub(crate) fn is_of_pingxx(&self) -> bool {
        self.0.detail.is_of_pingxx()
    }

    /// Whether Ping++ refused because too many requests are under way (403 or 429).
    pub fn is_rate_limit(&self) -> bool {
        matches!(self.0.status, 403 | 429) && self.0.detail.is_of_pingxx()
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP {}", self.status())?;
        match self.kind() {
            None => f.write_str(", not an answer of Ping++")?,
            Some(kind) => write!(f, " {kind}")?,
        }
        if let Some(code) = self.code() {
            write!(f, " {code}")?;
        }
        if let Some(param) = self.param() {
            write!(f, " (param {param})")?;
        }
        match self.message() {
            "" => {}
            message => write!(f, ": {message}")?,
        }
        if self.status() == 401 {
            f.write_str("; compare the API key and the signing key with the Ping++ dashboard")?;
        }
        if let Some(skew) = self.0.report.skew.filter(|_| matches!(self.status(), 400 | 401)) {
            write!(f, "; this machine's clock is {skew}")?;
        }
        if self.status() == 400 && self.0.report.beyond_bmp {
            f.write_str(
                "; the request has characters beyond U+FFFF, such as emoji, which Ping++ refuses",
            )?;
        }
        Ok(())
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError")
            .field("status", &self.0.status)
            .field("detail", &self.0.detail)
            .field("text_len", &self.0.text.len())
            .field("report", &self.0.report)
            .finish()
    }
}

impl StdError for ApiError {}

/// Which header Ping++ uses is not documented; these are the usual ones.
pub(super) fn request_id(headers: &HeaderMap) -> Option<&str> {
    ["x-request-id", "request-id", "x-pingplusplus-request-id"]
        .into_iter()
        .find_map(|name| headers.get(name)?.to_str().ok())
}
