//! What a failed call says: how far it got, what is known about the outcome, and what to do next.
//!
//! The variants are cut by how far the call got, not by which library failed. Deciding what is sent
//! again is the business of `retry`; configuration, key and webhook errors live with their modules.

use std::error::Error as StdError;
use std::fmt;
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{ErrorCode, ErrorType, Recovery};

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a call has no result.
///
/// Before acting on the variant, ask [`outcome`](Self::outcome): it says whether the operation can
/// have happened at Ping++.
///
/// ```no_run
/// # async fn f(client: pingpp::Client) {
/// use pingpp::Outcome;
///
/// match client.charges().reverse("ch_101240816592822384640019").await {
///     Ok(charge) => println!("reversed: {:?}", charge.reversed),
///     Err(error) => match error.outcome() {
///         Outcome::NotSent => println!("nothing happened, call again: {error}"),
///         Outcome::Rejected => println!("Ping++ refused: {error}"),
///         _ => println!("unknown, reverse again or look at the charge: {error}"),
///     },
/// }
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The request could not be made: an id, a parameter or a body is unusable. Nothing was sent.
    Build(BuildError),
    /// No complete answer came back: connecting, sending, receiving or waiting failed.
    Transport(TransportError),
    /// The server answered with a status other than 2xx.
    Api(ApiError),
    /// A 2xx came back, but it cannot be used: it does not decode, is too large, is not signed by
    /// Ping++ or is about something else.
    Response(ResponseError),
}

/// What is known about the effect of a call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// No byte of the request reached a server. Nothing happened; calling again is safe.
    NotSent,
    /// Ping++ answered that it did not do it. Nothing happened.
    Rejected,
    /// The request may have been carried out. Look before doing it again; see [`Error::recovery`].
    Unknown,
}

/// One send of a call, as far as it got.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Attempt {
    /// When it began, by the system clock; also the second that was signed.
    pub started: SystemTime,
    /// From there to its end.
    pub took: Duration,
    /// The HTTP status, if an answer's head arrived.
    pub status: Option<u16>,
    /// What this attempt alone can have done at Ping++. Of a success it is [`Outcome::Unknown`]
    /// never: successes have `None`.
    pub failed: Option<Outcome>,
}

impl Attempt {
    /// Whether a byte of this attempt may have reached a server.
    pub fn sent(&self) -> bool {
        self.failed != Some(Outcome::NotSent)
    }
}

/// What all failed calls share; boxed once, so that `Error` stays two words.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) outcome: Outcome,
    pub(crate) retryable: bool,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) recovery: Recovery,
}

impl Report {
    /// Of a flaw that shows only in a whole answer.
    pub(crate) fn of_answer(outcome: Outcome) -> Self {
        Self { outcome, retryable: false, attempts: Vec::new(), recovery: Recovery::Manual }
    }
}

impl Error {
    /// What is known about the effect. It covers every attempt of the call: once one may have been
    /// carried out, a later refusal does not turn `Unknown` into `Rejected`.
    pub fn outcome(&self) -> Outcome {
        self.report().map_or(Outcome::NotSent, |report| report.outcome)
    }

    /// Whether the same call, made again, can succeed and cannot do harm. The SDK has already
    /// repeated what may be repeated; this is for callers with more patience.
    pub fn is_retryable(&self) -> bool {
        self.report().is_some_and(|report| report.retryable)
    }

    /// The server's own words, if it answered with an error.
    pub fn api(&self) -> Option<&ApiError> {
        match self {
            Self::Api(error) => Some(error),
            _ => None,
        }
    }

    /// The HTTP status of the last answer, if there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Api(error) => Some(error.status()),
            _ => self.attempts().last().and_then(|attempt| attempt.status),
        }
    }

    /// Every send of this call, first to last; empty if nothing was tried.
    pub fn attempts(&self) -> &[Attempt] {
        self.report().map_or(&[], |report| &report.attempts)
    }

    /// How to find out what happened; `None` unless the outcome is [`Outcome::Unknown`].
    pub fn recovery(&self) -> Option<&Recovery> {
        self.report()
            .filter(|report| report.outcome == Outcome::Unknown)
            .map(|report| &report.recovery)
    }

    fn report(&self) -> Option<&Report> {
        match self {
            Self::Build(_) => None,
            Self::Transport(error) => Some(&error.0.report),
            Self::Api(error) => Some(&error.0.report),
            Self::Response(error) => Some(&error.0.report),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build(error) => error.fmt(f)?,
            Self::Transport(error) => error.fmt(f)?,
            Self::Api(error) => error.fmt(f)?,
            Self::Response(error) => error.fmt(f)?,
        }
        if self.attempts().len() > 1 {
            write!(f, " (attempt {})", self.attempts().len())?;
        }
        f.write_str(match self.outcome() {
            Outcome::NotSent => "; nothing was sent",
            Outcome::Rejected => "",
            Outcome::Unknown => "; whether it took effect is unknown",
        })
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Build(error) => error.source(),
            Self::Transport(error) => error.source(),
            Self::Api(_) | Self::Response(_) => None,
        }
    }
}

/// A request that cannot be made. The text says which part is wrong and what to do.
#[derive(Debug)]
pub struct BuildError(Box<BuildInner>);

#[derive(Debug)]
struct BuildInner {
    message: String,
    source: Option<BoxError>,
}

impl BuildError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(Box::new(BuildInner { message: message.into(), source: None }))
    }

    pub(crate) fn because(message: impl Into<String>, source: impl Into<BoxError>) -> Self {
        Self(Box::new(BuildInner { message: message.into(), source: Some(source.into()) }))
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl StdError for BuildError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// No complete answer. The text says at which step; the source says what the system reported.
#[derive(Debug)]
pub struct TransportError(Box<TransportInner>);

#[derive(Debug)]
struct TransportInner {
    step: Step,
    source: Option<BoxError>,
    report: Report,
}

/// Where a call without an answer stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Slot,
    Sign,
    SignTimeout,
    Connect,
    ConnectTimeout,
    Certificate,
    Unsent,
    Exchange,
    ExchangeTimeout,
    Body,
    BodyTimeout,
}

impl Step {
    /// The step as a word for `error.type`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Slot => "slot_timeout",
            Self::Sign => "sign",
            Self::SignTimeout => "sign_timeout",
            Self::Connect => "connect",
            Self::ConnectTimeout => "connect_timeout",
            Self::Certificate => "certificate",
            Self::Unsent => "connection_closed",
            Self::Exchange => "connection_lost",
            Self::ExchangeTimeout => "timeout",
            Self::Body => "body_lost",
            Self::BodyTimeout => "body_timeout",
        }
    }
}

impl TransportError {
    pub(crate) fn new(step: Step, source: Option<BoxError>, report: Report) -> Self {
        Self(Box::new(TransportInner { step, source, report }))
    }

    /// Whether a time limit ended the call.
    pub fn is_timeout(&self) -> bool {
        use Step::{BodyTimeout, ConnectTimeout, ExchangeTimeout, SignTimeout, Slot};
        matches!(self.0.step, Slot | SignTimeout | ConnectTimeout | ExchangeTimeout | BodyTimeout)
    }

    /// Whether no connection came about: DNS, TCP, TLS or the proxy.
    pub fn is_connect(&self) -> bool {
        matches!(self.0.step, Step::Connect | Step::ConnectTimeout | Step::Certificate)
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.step {
            Step::Slot => "timed out waiting for one of `max_in_flight` places",
            Step::Sign => "the request could not be signed",
            Step::SignTimeout => "timed out waiting for the signature",
            Step::Connect => "connecting failed",
            Step::ConnectTimeout => "timed out while connecting",
            Step::Certificate => "the server's TLS certificate was refused",
            Step::Unsent => "the connection closed before the request was written",
            Step::Exchange => "the connection failed before an answer came",
            Step::ExchangeTimeout => "timed out waiting for the answer",
            Step::Body => "the connection failed inside the answer",
            Step::BodyTimeout => "timed out inside the answer",
        })
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// An answer with a status other than 2xx.
///
/// Errors of Ping++ are JSON with type, code, param and message; a proxy in between may answer
/// anything. Status and text are kept either way.
pub struct ApiError(Box<ApiInner>);

struct ApiInner {
    status: u16,
    detail: ErrorDetail,
    text: String,
    report: Report,
}

/// The value of `error` in an error body; see <https://www.pingxx.com/api> for its fields.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ErrorDetail {
    #[serde(rename = "type")]
    pub(crate) kind: Option<ErrorType>,
    pub(crate) code: Option<ErrorCode>,
    pub(crate) param: Option<String>,
    pub(crate) message: Option<String>,
}

impl ErrorDetail {
    /// `None` if the body has no `error` object.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let mut body: Map<String, Value> = serde_json::from_slice(body).ok()?;
        let error = body.remove("error").filter(Value::is_object)?;
        serde_json::from_value(error).ok()
    }

    /// Whether it has one of Ping++'s types: gateways answer with similar bodies, which prove nothing
    /// about what Ping++ did.
    pub(crate) fn is_of_pingxx(&self) -> bool {
        self.kind.as_ref().is_some_and(|kind| !matches!(kind, ErrorType::Other(_)))
    }
}

impl ApiError {
    pub(crate) fn new(status: u16, detail: ErrorDetail, text: String, report: Report) -> Self {
        Self(Box::new(ApiInner { status, detail, text, report }))
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

/// A 2xx that cannot be used.
#[derive(Debug)]
pub struct ResponseError(Box<ResponseInner>);

#[derive(Debug)]
struct ResponseInner {
    flaw: Flaw,
    report: Report,
}

/// What is wrong with an answer of status 2xx.
#[derive(Debug)]
pub(crate) enum Flaw {
    TooLarge,
    Encoded,
    Undecodable { why: String },
    Unsigned,
    BadSignature,
    NotWhatWasAsked { asked: String },
    StuckCursor,
}

impl Flaw {
    pub(crate) fn undecodable(error: &serde_json::Error) -> Self {
        Self::Undecodable { why: json_fault(error) }
    }

    /// The flaw as a word for `error.type`.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Encoded => "encoded",
            Self::Undecodable { .. } => "undecodable",
            Self::Unsigned => "unsigned",
            Self::BadSignature => "bad_signature",
            Self::NotWhatWasAsked { .. } => "not_what_was_asked",
            Self::StuckCursor => "stuck_cursor",
        }
    }
}

/// Keeps what helps to find the place. Other messages of the parser quote the value they stumbled
/// over, and a body must not reach a log.
pub(crate) fn json_fault(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("missing field") || text.starts_with("duplicate field") {
        return text;
    }
    let (kind, line, column) = (error.classify(), error.line(), error.column());
    format!("{kind:?} error at line {line} column {column}")
}

impl ResponseError {
    pub(crate) fn new(flaw: Flaw, report: Report) -> Self {
        Self(Box::new(ResponseInner { flaw, report }))
    }

    /// Whether the answer may come from somebody else: its signature is missing or wrong, or it is
    /// about another object. Tell a person.
    pub fn is_security(&self) -> bool {
        matches!(self.0.flaw, Flaw::Unsigned | Flaw::BadSignature | Flaw::NotWhatWasAsked { .. })
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
            Flaw::NotWhatWasAsked { asked } => write!(f, "the answer is not about {asked}"),
            Flaw::StuckCursor => {
                f.write_str("the list says that more follows, but does not move on")
            }
        }
    }
}

impl StdError for ResponseError {}
