//! One call under way: its attempts, its deadline, and how it ends.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::HeaderValue;
use http::uri::PathAndQuery;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{Instrument, Span, field};

use super::Options;
use super::judge::{Failed, Judge};
use crate::client::ClientInner;
use crate::credentials::Credentials;
use crate::error::{Attempt, BoxError, BuildError, Error, Outcome, Report, Step};
use crate::recovery::Recovery;
use crate::request::{Method, Request};
use crate::retry::{self, Failure, Progress, Repeat, RetryPolicy};
use crate::transport::{Answer, Connection, Outgoing, Permit};
use crate::types::Timestamp;

/// A call from its first attempt to its end.
pub(super) struct Attempts<'a> {
    client: &'a ClientInner,
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
    /// The signature of the last attempt.
    signature: Option<HeaderValue>,
    /// An answer could not be read.
    was_garbled: bool,
    attempts: Vec<Attempt>,
    /// The permit and the connection of the answer, until it has been decoded.
    held: Option<(Permit<'a>, Option<Connection>)>,
    /// The caller is told how the call ended.
    is_over: bool,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(
        client: &'a ClientInner,
        request: &'a mut Request,
        options: Options,
    ) -> Result<Self, Error> {
        if let Some(error) = request.take_error() {
            return Err(Error::Build(error));
        }
        let target = PathAndQuery::try_from(request.target()).map_err(|error| {
            Error::Build(BuildError::because("the id or the query is too long to be sent", error))
        })?;
        let credentials = credentials(&client.credentials, &options)?;
        let (now, timeout) = (Instant::now(), options.timeout.unwrap_or(client.timeout));
        let reserve = match request.repeat {
            // Without time to hear the answer, what could be left undone would be left in doubt.
            Repeat::Never => client.attempt_timeout.min(timeout / 2),
            _ => Duration::ZERO,
        };
        Ok(Self {
            client,
            request,
            target,
            credentials,
            policy: options.retry.unwrap_or(client.retry),
            deadline: later(now, timeout),
            send_by: later(now, timeout - reserve),
            started: None,
            first_sent: None,
            sent: false,
            signature: None,
            was_garbled: false,
            attempts: Vec::new(),
            held: None,
            is_over: false,
        })
    }

    pub(super) fn method(&self) -> &'static str {
        self.request.method.as_str()
    }

    pub(super) fn route(&self) -> &str {
        &self.request.route
    }

    pub(super) fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// Waits for a permit, signs, sends, and judges the answer.
    pub(super) async fn attempt(&mut self) -> Result<(Answer, Bytes), Failed> {
        let client = self.client;
        let permit = timeout_at(self.send_by, client.transport.permit()).await;
        let Ok(Ok(permit)) = permit else {
            return Err(Failed::step(Failure::Unsent, Step::Permit, None));
        };
        let span = self.attempt_span();
        let (started, began) = (SystemTime::now(), Instant::now());
        self.started.get_or_insert(started);
        let result = self.send(&permit, started, began).instrument(span.clone()).await;
        self.sent = false;

        let (status, failed) = match &result {
            Ok((answer, ..)) => (Some(answer.status), None),
            Err((status, failed)) => {
                span.record("error.type", &*failed.kind());
                (*status, Some(self.outcome_of(failed)))
            }
        };
        if let Some(status) = status {
            span.record("http.response.status_code", status);
        }
        if failed != Some(Outcome::NotSent) {
            self.first_sent.get_or_insert(began);
        }
        self.attempts.push(Attempt { started, took: began.elapsed(), status, failed });
        let (answer, body, connection) = result.map_err(|(_, failed)| failed)?;
        self.held = Some((permit, connection));
        Ok((answer, body))
    }

    /// A 2xx that is not the JSON it should be.
    pub(super) fn undecodable(
        &mut self,
        error: &serde_json::Error,
        answer: Answer,
        body: Bytes,
    ) -> Failed {
        // Its connection could bring the next answer to somebody else's question.
        self.held = None;
        let failed = Failed::undecodable(error, answer, body);
        let outcome = self.outcome_of(&failed);
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.failed = Some(outcome);
        }
        failed
    }

    fn outcome_of(&self, failed: &Failed) -> Outcome {
        failed.failure.outcome(self.request.method == Method::Get)
    }

    /// Sleeps until the next attempt is due, or gives the error if there is to be none.
    pub(super) async fn pause(&mut self, failed: Failed) -> Result<(), Error> {
        let now = Instant::now();
        let progress = Progress {
            sends: self.attempts.len() as u32,
            since_sent: self.first_sent.map(|first| now - first),
            left: self.send_by - now,
            retry_after: failed.retry_after,
            was_pooled: failed.was_pooled,
            was_garbled: self.was_garbled,
            jitter: fastrand::f64(),
        };
        let wait = retry::next_attempt(self.request.repeat, failed.failure, self.policy, &progress);
        let is_free = progress.is_explained_by_pool(failed.failure);
        let Some(wait) = wait.filter(|_| is_free || self.client.may_retry()) else {
            return Err(self.give_up(failed));
        };
        self.was_garbled |= failed.failure == Failure::Garbled;
        tracing::debug!(error.type = &*failed.kind(), ?wait, "attempt failed, trying again");
        sleep(wait).await;
        Ok(())
    }

    /// Tells the budget and the span how the call ended.
    pub(super) fn finish(&mut self, span: &Span, error: Option<&Error>) {
        self.is_over = true;
        if let Some((_permit, Some(connection))) = self.held.take() {
            self.client.transport.keep(connection);
        }
        if error.is_none() {
            self.client.succeeded();
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
    ) -> Result<(Answer, Bytes, Option<Connection>), (Option<u16>, Failed)> {
        let limit = match self.request.repeat {
            Repeat::Never => self.deadline,
            _ => self.deadline.min(later(began, self.client.attempt_timeout)),
        };
        let send_by = match (self.request.repeat, self.first_sent) {
            (Repeat::Within(window), Some(first)) => limit.min(later(first, window)),
            _ => limit.min(self.send_by),
        };
        let timestamp = started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.signature = self.sign(timestamp, send_by).await.map_err(|failed| (None, failed))?;
        let outgoing = Outgoing {
            method: self.request.method,
            target: self.target.clone(),
            body: self.request.body.clone(),
            authorization: self.credentials.authorization.clone(),
            timestamp: timestamp.into(),
            signature: self.signature.clone(),
            // A pooled connection may be dying, which shows only after the request was written.
            fresh_connection: self.request.repeat == Repeat::Never || !self.attempts.is_empty(),
        };
        let transport = &self.client.transport;
        match transport.exchange(permit, outgoing, &mut self.sent, send_by, limit).await {
            Ok((answer, connection)) => {
                let status = answer.status;
                let judge = Judge {
                    expected: &self.request.expected,
                    mode: self.credentials.mode,
                    verify: &self.client.verify,
                };
                match judge.judge(answer) {
                    Ok((answer, body)) => Ok((answer, body, connection)),
                    Err(failed) => {
                        // That of a doubtful answer is closed: what it brings next could be meant
                        // for another request.
                        let is_clear = failed.failure.outcome(false) != Outcome::Unknown;
                        if let Some(connection) = connection.filter(|_| is_clear) {
                            transport.keep(connection);
                        }
                        Err((Some(status), failed))
                    }
                }
            }
            Err(error) => Err((error.status, Failed::exchange(error))),
        }
    }

    async fn sign(&self, timestamp: u64, limit: Instant) -> Result<Option<HeaderValue>, Failed> {
        let Some(key) = &self.credentials.signing_key else { return Ok(None) };
        let message = self.request.string_to_sign(self.target.as_str(), timestamp);
        let signing = self.client.signers.sign(key.clone(), message);
        let Ok(signed) = timeout_at(limit, signing).await else {
            return Err(Failed::step(Failure::Unsent, Step::SignTimeout, None));
        };
        let unsigned = |error: BoxError| Failed::step(Failure::Unsendable, Step::Sign, Some(error));
        let text = signed.map_err(|error| unsigned(error.into()))?;
        let mut value = HeaderValue::try_from(text).map_err(|error| unsigned(error.into()))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    fn give_up(&mut self, failed: Failed) -> Error {
        self.is_over = true;
        let attempts = self.attempts.clone();
        let last = self.outcome_of(&failed);
        let outcome = retry::combined(attempts.iter().filter_map(|a| a.failed).chain([last]));
        let retryable = match (outcome, failed.failure) {
            (
                _,
                Failure::Unsendable | Failure::Refused | Failure::Unclear | Failure::Redirected,
            ) => false,
            (Outcome::Unknown, _) => self.request.repeat == Repeat::Always,
            _ => true,
        };
        let recovery = self.recovery();
        let report = Report { outcome, retryable, attempts, recovery };
        failed.into_error(&self.credentials, self.signature.as_ref(), report)
    }

    fn recovery(&self) -> Recovery {
        self.request.recovery.clone().since(self.started.map(Timestamp::from))
    }

    fn attempt_span(&self) -> Span {
        let server = self.client.transport.server();
        let resends = Some(self.attempts.len()).filter(|&n| n > 0);
        tracing::debug_span!(
            "pingpp.attempt",
            otel.kind = "client",
            otel.name = self.method(),
            http.request.method = self.method(),
            server.address = server.host(),
            server.port = server.port_u16().unwrap_or(443),
            url.scheme = self.client.transport.scheme().as_str(),
            url.template = self.route(),
            http.request.resend_count = resends,
            http.response.status_code = field::Empty,
            error.type = field::Empty,
        )
    }
}

impl Drop for Attempts<'_> {
    /// Warns if the call is dropped when it may have been carried out and nobody will be told.
    fn drop(&mut self) {
        let unknown = |attempt: &Attempt| attempt.failed == Some(Outcome::Unknown);
        let in_doubt = self.sent || self.attempts.iter().any(unknown);
        if !self.is_over && in_doubt && self.request.method != Method::Get {
            tracing::warn!(
                http.request.method = self.method(),
                url.template = self.route(),
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
