//! One call under way: its attempts, its deadline, and how it ends.

mod ending;

use std::borrow::Cow;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::HeaderValue;
use http::uri::PathAndQuery;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::Instrument;

use super::Options;
use super::judge::{Failed, Judge, Refusal};
use super::watch::Watch;
use crate::client::ClientInner;
use crate::clock::{self, ClockSkew, Moment};
use crate::credentials::Credentials;
use crate::error::{Attempt, BoxError, BuildError, Error, Outcome, Report, Step};
use crate::recovery::Recovery;
use crate::request::{Method, Request};
use crate::retry::{self, Failure, Progress, Repeat, RetryPolicy};
use crate::transport::{Answer, Connection, Outgoing, Permit, Turn};

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
    /// When it is the turn of this call to get a permit.
    turn: Turn,
    /// When the first attempt began that may have been sent.
    first_sent: Option<Moment>,
    /// Since when the attempt that is under way may be sent.
    sent: Option<Instant>,
    /// What the observer has been told, and is to be told.
    watch: Watch,
    /// The signature of the last attempt.
    signature: Option<HeaderValue>,
    /// An answer could not be read.
    was_garbled: bool,
    /// By how much the timestamp of the last attempt was corrected.
    corrected: Option<ClockSkew>,
    /// The refusal of the first attempt, if it came over a pooled connection and no later attempt has
    /// confirmed it. It may have been meant for an earlier request. The same refusal confirms it, unless
    /// it is one for too many requests, which says nothing about the first attempt.
    suspect: Option<Refusal>,
    attempts: Vec<Attempt>,
    /// The permit and the connection of the answer, until it has been decoded.
    held: Option<(Permit<'a>, Option<Connection>)>,
    /// The result has been returned to the caller.
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
            // Time for the answer: without it the call would end as Unknown instead of NotSent.
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
            turn: Turn::default(),
            first_sent: None,
            sent: None,
            watch: Watch::new(now),
            signature: None,
            was_garbled: false,
            corrected: None,
            suspect: None,
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
        let mut permit = self.permit().await?;
        let span = self.attempt_span();
        let (began, sent, result) = loop {
            let began = self.client.system.moment();
            let ended = self.send(&mut permit, began).instrument(span.clone()).await;
            let sent = self.sent.take();
            match ended.transpose() {
                Some(result) => break (began, sent, result),
                None => {
                    drop(permit);
                    permit = self.permit().await?;
                }
            }
        };

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
        if let Err((_, failed)) = &result {
            if failed.was_pooled {
                self.suspect = failed.refusal().filter(|_| self.request.method != Method::Get);
            } else if failed.failure == Failure::Refused && self.suspect == failed.refusal() {
                self.suspect = None;
            }
        }
        let took = began.steady.elapsed();
        self.watch.attempt_ended(began.steady, sent, took);
        self.attempts.push(Attempt { started: began.wall, took, status, failed });
        let (answer, body, connection) = result.map_err(|(_, failed)| failed)?;
        self.held = Some((permit, connection));
        Ok((answer, body))
    }

    async fn permit(&mut self) -> Result<Permit<'a>, Failed> {
        let permit = self.client.transport.permit(&mut self.turn);
        timeout_at(self.send_by, permit)
            .await
            .map_err(|_| Failed::step(Failure::Unsent, Step::Permit, None))
    }

    /// A 2xx that is not the JSON it should be.
    pub(super) fn undecodable(
        &mut self,
        error: &serde_json::Error,
        answer: Answer,
        body: Bytes,
    ) -> Failed {
        // The connection may still deliver bytes that a later request would read.
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
        self.observe_attempt();
        let now = Instant::now();
        let progress = Progress {
            sends: self.attempts.len() as u32,
            since_sent: self.since_sent(),
            left: self.send_by - now,
            retry_after: failed.retry_after,
            was_pooled: failed.was_pooled,
            was_garbled: self.was_garbled,
            jitter: fastrand::f64(),
        };
        let mut wait =
            retry::next_attempt(self.request.repeat, failed.failure, self.policy, &progress);
        // Refusals are answered by fewer permits.
        let mut is_free =
            progress.is_explained_by_pool(failed.failure) || failed.failure.is_limit();
        if self.is_explained_by_clock(&failed) && progress.sends < self.policy.most_sends() {
            (wait, is_free) = (Some(Duration::ZERO), true);
        }
        let Some(wait) = wait.filter(|_| is_free || self.client.may_retry()) else {
            return Err(self.give_up(failed));
        };
        self.was_garbled |= failed.failure == Failure::Garbled;
        tracing::debug!(
            target: "pingpp::call",
            { error.type = &*failed.kind(), ?wait },
            "the attempt failed, another follows"
        );
        sleep(wait).await;
        self.watch.asked = Instant::now();
        Ok(())
    }

    /// Whether it was refused with a wrong timestamp, and the next attempt will have the right one.
    fn is_explained_by_clock(&self, failed: &Failed) -> bool {
        let skew = self.client.skew();
        failed.failure == Failure::Refused
            && self.request.repeat != Repeat::Never
            && self.client.correct_clock_skew
            && skew.is_some_and(|skew| skew.is_far_from(self.corrected))
    }

    fn since_sent(&self) -> Option<Duration> {
        let now = self.client.system.moment();
        self.first_sent.map(|first| {
            let by_wall = now.wall.duration_since(first.wall).unwrap_or_default();
            (now.steady - first.steady).max(by_wall)
        })
    }

    /// `None` if the permit has to be returned before anything was sent.
    async fn send(
        &mut self,
        permit: &mut Permit<'_>,
        began: Moment,
    ) -> Result<Option<(Answer, Bytes, Option<Connection>)>, (Option<u16>, Failed)> {
        let limit = match self.request.repeat {
            Repeat::Never => self.deadline,
            _ => self.deadline.min(later(began.steady, self.client.attempt_timeout)),
        };
        let send_by = match (self.request.repeat, self.since_sent()) {
            (Repeat::Within(window), Some(since)) => {
                limit.min(later(Instant::now(), window.saturating_sub(since)))
            }
            _ => limit.min(self.send_by),
        };
        let skew = self.client.skew().filter(|_| self.client.correct_clock_skew);
        self.corrected = skew;
        let signed_at = skew.map_or(began.wall, |skew| skew.to_server(began.wall));
        let timestamp = signed_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.signature = self.sign(timestamp, send_by).await.map_err(|failed| (None, failed))?;
        if permit.must_return() {
            return Ok(None);
        }
        let outgoing = Outgoing {
            method: self.request.method,
            target: self.target.clone(),
            body: self.request.body.clone(),
            authorization: Some(self.credentials.authorization.clone()),
            timestamp: Some(timestamp.into()),
            signature: self.signature.clone(),
            fresh_connection: self.needs_fresh_connection(),
        };
        let transport = &self.client.transport;
        let sending = self.client.system.moment();
        self.watch.signed = Some(sending.steady);
        match transport.exchange(permit, outgoing, &mut self.sent, send_by, limit).await {
            Ok(None) => Ok(None),
            Ok(Some((answer, connection))) => {
                let status = answer.status;
                let reading =
                    clock::reading(&answer.headers, sending.wall, sending.steady.elapsed());
                let judge = Judge {
                    expected: &self.request.expected,
                    mode: self.credentials.mode,
                    verify: &self.client.verify,
                    system: &self.client.system,
                };
                let judged = judge.judge(answer);
                let is_refusal = |failed: &Failed| failed.refusal().is_some();
                // Others may set any `Date`, and leave the connection with an answer to come.
                if judged.as_ref().err().is_none_or(is_refusal) {
                    self.client.clock.set(reading, sending);
                }
                match judged {
                    Ok((answer, body)) => {
                        permit.succeeded();
                        Ok(Some((answer, body, connection)))
                    }
                    Err(failed) => {
                        if failed.failure.is_limit() {
                            permit.refused();
                        }
                        let is_clear = is_refusal(&failed) && !failed.was_pooled;
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

    /// A pooled connection may be dying, or bring the answer to an earlier request. What cannot be
    /// asked again avoids that.
    fn needs_fresh_connection(&self) -> bool {
        let is_write = self.request.method != Method::Get;
        self.request.repeat == Repeat::Never
            || !self.attempts.is_empty()
            || is_write && self.policy.most_sends() == 1
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
        // Only the first attempt uses a pooled connection.
        if let (Some(_), Some(first)) = (&self.suspect, self.attempts.first_mut()) {
            first.failed = Some(Outcome::Unknown);
        }
        let attempts = self.attempts.clone();
        let outcome = retry::combined(attempts.iter().filter_map(|attempt| attempt.failed));
        let retryable = match (outcome, failed.failure) {
            (
                _,
                Failure::Unsendable | Failure::Refused | Failure::Unclear | Failure::Redirected,
            ) => false,
            (Outcome::Unknown, _) => self.request.repeat == Repeat::Always,
            _ => true,
        };
        let recovery = self.recovery();
        let skew = self.client.skew().filter(|skew| skew.is_notable());
        let beyond_bmp = self.request.is_beyond_bmp();
        let report = Report { outcome, retryable, attempts, recovery, skew, beyond_bmp };
        let server = self.client.transport.server_text();
        failed.into_error(server, &self.credentials, self.signature.as_ref(), report)
    }

    fn recovery(&self) -> Recovery {
        self.request.recovery.clone().since(self.first_sent, &self.client.clock)
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

/// `from + by`, capped at 30 years.
fn later(from: Instant, by: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 3600);
    from + by.min(FAR)
}
