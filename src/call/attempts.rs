//! One call under way: its attempts, its deadline, and the judgement of each answer.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::HeaderValue;
use http::uri::PathAndQuery;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{Instrument, Span, field};

use super::Options;
use crate::client::Shared;
use crate::credentials::Credentials;
use crate::error::{
    ApiError, Attempt, BoxError, BuildError, Error, ErrorDetail, Flaw, Outcome, Report,
    ResponseError, Step, TransportError,
};
use crate::request::{Method, Request};
use crate::retry::{self, Failure, Progress, RetryPolicy};
use crate::transport::{Answer, ExchangeError, Outgoing, Permit, Unread};
use crate::{Recovery, Repeat, Timestamp};

const SIGNATURE: &str = "x-pingplusplus-signature";

/// A call from its first attempt to its end.
pub(super) struct Attempts<'a> {
    shared: &'a Shared,
    request: &'a Request,
    target: PathAndQuery,
    credentials: Cow<'a, Credentials>,
    policy: RetryPolicy,
    deadline: Instant,
    /// Until when an attempt may be sent.
    send_by: Instant,
    /// When the first attempt began.
    started: Option<SystemTime>,
    /// When the first attempt began that may have been sent.
    first_sent: Option<Instant>,
    /// The attempt that is under way may be sent.
    sent: bool,
    attempts: Vec<Attempt>,
    over: bool,
}

/// An attempt that brought no value.
pub(super) struct Failed {
    failure: Failure,
    cause: Box<Cause>,
    retry_after: Option<Duration>,
    /// On a connection that had been idle.
    stale: bool,
}

enum Cause {
    Broken(Step, Option<BoxError>),
    Status(u16, Bytes),
    Flaw(Flaw),
}

impl<'a> Attempts<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        request: &'a mut Request,
        options: Options,
    ) -> Result<Self, Error> {
        if let Some(error) = request.take_error() {
            return Err(Error::Build(error));
        }
        let target = PathAndQuery::try_from(request.target()).map_err(|error| {
            Error::Build(BuildError::because("the id or the query is too long to be sent", error))
        })?;
        let credentials = credentials(&shared.credentials, &options)?;
        let (now, timeout) = (Instant::now(), options.timeout.unwrap_or(shared.timeout));
        let reserve = match request.repeat {
            // Without time to hear the answer, what could be left undone would be left in doubt.
            Repeat::Never => shared.attempt_timeout.min(timeout / 2),
            _ => Duration::ZERO,
        };
        Ok(Self {
            shared,
            request,
            target,
            credentials,
            policy: options.retry.unwrap_or(shared.retry),
            deadline: later(now, timeout),
            send_by: later(now, timeout - reserve),
            started: None,
            first_sent: None,
            sent: false,
            attempts: Vec::new(),
            over: false,
        })
    }

    pub(super) fn method(&self) -> &'static str {
        self.request.method.as_str()
    }

    pub(super) fn path(&self) -> &str {
        &self.request.path
    }

    pub(super) fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// Waits for a place, signs, sends, and judges the answer.
    pub(super) async fn attempt(&mut self) -> Result<(Answer, Bytes), Failed> {
        let shared = self.shared;
        let place = timeout_at(self.send_by, shared.transport.permit()).await;
        let Ok(Ok(place)) = place else {
            return Err(Failed::broken(Failure::Unsent, Step::Slot, None));
        };
        let span = self.attempt_span();
        let (started, began) = (SystemTime::now(), Instant::now());
        self.started.get_or_insert(started);
        let result = self.send(&place, started, began).instrument(span.clone()).await;
        self.sent = false;

        let (status, failed) = match &result {
            Ok((answer, _)) => (Some(answer.status), None),
            Err((status, failed)) => {
                span.record("error.type", &*failed.kind());
                (*status, Some(failed.failure.outcome()))
            }
        };
        if let Some(status) = status {
            span.record("http.response.status_code", status);
        }
        if failed != Some(Outcome::NotSent) {
            self.first_sent.get_or_insert(began);
        }
        self.attempts.push(Attempt { started, took: began.elapsed(), status, failed });
        result.map_err(|(_, failed)| failed)
    }

    /// A 2xx that is not the JSON it should be.
    pub(super) fn undecodable(&mut self, error: serde_json::Error) -> Failed {
        let failed = Failed::flaw(Failure::Lost, Flaw::undecodable(&error));
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.failed = Some(failed.failure.outcome());
        }
        failed
    }

    /// Sleeps until the next attempt is due, or gives the error if there is to be none.
    pub(super) async fn pause(&mut self, failed: Failed) -> Result<(), Error> {
        let now = Instant::now();
        let progress = Progress {
            sends: self.attempts.len() as u32,
            since_sent: self.first_sent.map(|first| now - first),
            left: self.send_by - now,
            retry_after: failed.retry_after,
            stale: failed.stale,
            jitter: fastrand::f64(),
        };
        let wait = retry::next_attempt(self.request.repeat, failed.failure, self.policy, &progress);
        let Some(wait) = wait.filter(|_| failed.stale || self.shared.may_retry()) else {
            return Err(self.give_up(failed));
        };
        tracing::debug!(error.type = &*failed.kind(), ?wait, "attempt failed, trying again");
        sleep(wait).await;
        Ok(())
    }

    /// Tells the budget and the span how the call ended.
    pub(super) fn finish(&mut self, span: &Span, error: Option<&Error>) {
        self.over = true;
        if error.is_none() {
            self.shared.succeeded();
        }
        if let Some(status) = self.attempts.last().and_then(|attempt| attempt.status) {
            span.record("http.response.status_code", status);
        }
        if self.attempts.len() > 1 {
            span.record("http.request.resend_count", self.attempts.len() - 1);
        }
        if let Some(error) = error {
            span.record("error.type", field::debug(error.outcome()));
        }
    }

    async fn send(
        &mut self,
        permit: &Permit<'_>,
        started: SystemTime,
        began: Instant,
    ) -> Result<(Answer, Bytes), (Option<u16>, Failed)> {
        let limit = match self.request.repeat {
            Repeat::Never => self.deadline,
            _ => self.deadline.min(later(began, self.shared.attempt_timeout)),
        };
        let send_by = match (self.request.repeat, self.first_sent) {
            (Repeat::Within(window), Some(first)) => limit.min(later(first, window)),
            _ => limit.min(self.send_by),
        };
        let timestamp = started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let signature = self.sign(timestamp, send_by).await.map_err(|failed| (None, failed))?;
        let outgoing = Outgoing {
            method: self.request.method,
            target: self.target.clone(),
            body: self.request.body.clone(),
            authorization: self.credentials.authorization.clone(),
            timestamp: timestamp.into(),
            signature,
            // A kept connection may be dying, which is noticed only after the request was written.
            fresh_connection: self.request.repeat == Repeat::Never || !self.attempts.is_empty(),
        };
        let transport = &self.shared.transport;
        match transport.exchange(permit, outgoing, &mut self.sent, send_by, limit).await {
            Ok((answer, connection)) => {
                let status = answer.status;
                let judged = self.judge(answer);
                // A connection that brought a doubtful answer could bring the next one to somebody
                // else's question.
                let is_clear = !judged.as_ref().is_err_and(Failed::is_doubtful);
                if let Some(connection) = connection.filter(|_| is_clear) {
                    transport.keep(connection);
                }
                judged.map_err(|failed| (Some(status), failed))
            }
            Err(ExchangeError { step, status, source, was_pooled }) => {
                let failure = match step {
                    Step::Connect | Step::ConnectTimeout | Step::Unsent => Failure::Unsent,
                    Step::Certificate => Failure::Unsendable,
                    _ => Failure::Lost,
                };
                Err((status, Failed { stale: was_pooled, ..Failed::broken(failure, step, source) }))
            }
        }
    }

    async fn sign(&self, timestamp: u64, limit: Instant) -> Result<Option<HeaderValue>, Failed> {
        let Some(key) = &self.credentials.signing_key else { return Ok(None) };
        let message = self.request.string_to_sign(self.target.as_str(), timestamp);
        let signing = self.shared.signers.sign(key.clone(), message);
        let Ok(signed) = timeout_at(limit, signing).await else {
            return Err(Failed::broken(Failure::Unsent, Step::SignTimeout, None));
        };
        let unsigned =
            |error: BoxError| Failed::broken(Failure::Unsendable, Step::Sign, Some(error));
        let text = signed.map_err(|error| unsigned(error.into()))?;
        let mut value = HeaderValue::try_from(text).map_err(|error| unsigned(error.into()))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// Accepts a 2xx that is whole, signed by Ping++ if keys are set, and about what was asked.
    fn judge(&self, mut answer: Answer) -> Result<(Answer, Bytes), Failed> {
        let body = std::mem::replace(&mut answer.body, Ok(Bytes::new()));
        if !(200..300).contains(&answer.status) {
            return Err(self.refusal(&answer, body.unwrap_or_default()));
        }
        let body = body.map_err(|unread| {
            Failed::flaw(
                Failure::Lost,
                match unread {
                    Unread::TooLarge => Flaw::TooLarge,
                    Unread::Encoded => Flaw::Encoded,
                },
            )
        })?;
        if !self.shared.verify.is_empty() {
            match answer.header(SIGNATURE) {
                None => return Err(Failed::flaw(Failure::Unclear, Flaw::Unsigned)),
                Some(signature) if self.verifies(&body, signature) => {}
                Some(_) => return Err(Failed::flaw(Failure::Unclear, Flaw::BadSignature)),
            }
        }
        match self.request.asked.as_ref().map_or(Ok(true), |asked| asked.is_answered_by(&body)) {
            Ok(true) => Ok((answer, body)),
            Ok(false) => {
                let asked = format!("{} {}", self.method(), self.path());
                Err(Failed::flaw(Failure::Unclear, Flaw::NotWhatWasAsked { asked }))
            }
            Err(error) => Err(Failed::flaw(Failure::Lost, Flaw::undecodable(&error))),
        }
    }

    fn refusal(&self, answer: &Answer, body: Bytes) -> Failed {
        // Ping++ does not sign every error; one that carries a signature must carry a true one.
        let signature = answer.header(SIGNATURE).filter(|_| !self.shared.verify.is_empty());
        if signature.is_some_and(|signature| !self.verifies(&body, signature)) {
            return Failed::flaw(Failure::Unclear, Flaw::BadSignature);
        }
        let detail = ErrorDetail::parse(&body);
        let reads = self.request.method == Method::Get;
        let retry_after = answer.header("retry-after");
        Failed {
            failure: Failure::of_status(answer.status, detail.as_ref(), reads),
            cause: Box::new(Cause::Status(answer.status, body)),
            retry_after: retry_after.and_then(|at| retry::retry_after(at, SystemTime::now())),
            stale: false,
        }
    }

    fn verifies(&self, body: &[u8], signature: &str) -> bool {
        self.shared.verify.iter().any(|key| key.verifies(body, signature))
    }

    fn give_up(&mut self, failed: Failed) -> Error {
        self.over = true;
        let attempts = self.attempts.clone();
        let last = failed.failure.outcome();
        let outcome = retry::combined(attempts.iter().filter_map(|a| a.failed).chain([last]));
        let retryable = match (outcome, failed.failure) {
            (_, Failure::Unsendable | Failure::Refused | Failure::Unclear) => false,
            (Outcome::Unknown, _) => self.request.repeat == Repeat::Always,
            _ => true,
        };
        let recovery = self.recovery();
        failed.into_error(&self.credentials, Report { outcome, retryable, attempts, recovery })
    }

    fn recovery(&self) -> Recovery {
        self.request.recovery.clone().since(self.started.map(Timestamp::from))
    }

    fn attempt_span(&self) -> Span {
        let server = self.shared.transport.server();
        let resends = Some(self.attempts.len()).filter(|&n| n > 0);
        tracing::debug_span!(
            "pingpp.attempt",
            otel.kind = "client",
            otel.name = self.method(),
            http.request.method = self.method(),
            server.address = server.host(),
            server.port = server.port_u16().unwrap_or(443),
            url.scheme = self.shared.transport.scheme().as_str(),
            url.path = self.path(),
            http.request.resend_count = resends,
            http.response.status_code = field::Empty,
            error.type = field::Empty,
        )
    }
}

impl Failed {
    fn broken(failure: Failure, step: Step, source: Option<BoxError>) -> Self {
        Self {
            failure,
            cause: Box::new(Cause::Broken(step, source)),
            retry_after: None,
            stale: false,
        }
    }

    fn flaw(failure: Failure, flaw: Flaw) -> Self {
        Self { failure, cause: Box::new(Cause::Flaw(flaw)), retry_after: None, stale: false }
    }

    fn is_doubtful(&self) -> bool {
        self.failure.outcome() == Outcome::Unknown
    }

    /// A word or a status for `error.type`.
    fn kind(&self) -> Cow<'static, str> {
        match &*self.cause {
            Cause::Broken(step, _) => step.as_str().into(),
            Cause::Status(status, ..) => status.to_string().into(),
            Cause::Flaw(flaw) => flaw.as_str().into(),
        }
    }

    fn into_error(self, credentials: &Credentials, report: Report) -> Error {
        match *self.cause {
            Cause::Broken(step, source) => {
                Error::Transport(TransportError::new(step, source, report))
            }
            Cause::Status(status, body) => {
                // A server may repeat the key that it did not like.
                let text = credentials.redact(&String::from_utf8_lossy(&body));
                let detail = ErrorDetail::parse(text.as_bytes()).unwrap_or_default();
                Error::Api(ApiError::new(status, detail, text, report))
            }
            Cause::Flaw(flaw) => Error::Response(ResponseError::new(flaw, report)),
        }
    }
}

impl Drop for Attempts<'_> {
    /// Warns if the call is dropped when it may have been carried out and nobody will be told.
    fn drop(&mut self) {
        let unknown = |attempt: &Attempt| attempt.failed == Some(Outcome::Unknown);
        let in_doubt = self.sent || self.attempts.iter().any(unknown);
        if !self.over && in_doubt && self.request.method != Method::Get {
            tracing::warn!(
                http.request.method = self.method(),
                url.path = self.path(),
                recovery = ?self.recovery(),
                "outcome unknown: the call was dropped before its answer came"
            );
        }
    }
}

fn credentials<'a>(
    default: &'a Credentials,
    options: &Options,
) -> Result<Cow<'a, Credentials>, Error> {
    if options.api_key.is_none() && options.signing_key.is_none() {
        return Ok(Cow::Borrowed(default));
    }
    let api_key = options.api_key.clone().unwrap_or_else(|| default.api_key.clone());
    let signing_key = options.signing_key.clone().or_else(|| default.signing_key.clone());
    Credentials::new(api_key, signing_key).map(Cow::Owned).map_err(|reason| {
        Error::Build(BuildError::new(format!("the API key of the call: {reason}")))
    })
}

/// `from + by`, or a far day if that is past what the clock can tell.
fn later(from: Instant, by: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 3600);
    from + by.min(FAR)
}
