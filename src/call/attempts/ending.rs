//! What a call tells the world: its spans, its lines in the log, the observer.

use std::time::Duration;

use tracing::{Span, field};

use super::Attempts;
use crate::error::{Attempt, Error, Outcome};
use crate::observer::{AttemptInfo, Durations, Ended};
use crate::request::Method;
use crate::retry::Repeat;

impl Attempts<'_> {
    pub(super) fn attempt_span(&self) -> Span {
        let transport = &self.client.transport;
        let resends = Some(self.attempts.len()).filter(|&n| n > 0);
        tracing::debug_span!(
            target: "pingpp::call",
            "pingpp.attempt",
            otel.kind = "client",
            otel.name = self.method(),
            http.request.method = self.method(),
            server.address = transport.server().host(),
            server.port = transport.port(),
            url.scheme = transport.scheme().as_str(),
            url.template = self.route(),
            http.request.resend_count = resends,
            http.response.status_code = field::Empty,
            error.type = field::Empty,
        )
    }

    /// Tells the budget and the span how the call ended.
    pub(in crate::call) fn finish(&mut self, span: &Span, error: Option<&Error>) {
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
            if error.outcome() == Outcome::Unknown {
                self.warn("the call ended in doubt");
            }
        }
        self.observe_attempt();
        self.observe_call(error.map(Error::outcome));
    }

    /// Tells the observer about the last attempt, once.
    pub(super) fn observe_attempt(&mut self) {
        let Some(attempt) = self.attempts.get(self.watch.told) else { return };
        self.watch.told = self.attempts.len();
        let (took, durations) = (attempt.took + self.watch.last.permit, self.watch.last);
        self.observe(Ended::Attempt, attempt.failed, took, durations);
    }

    fn observe_call(&self, failed: Option<Outcome>) {
        self.observe(Ended::Call, failed, self.watch.began.elapsed(), self.watch.sum);
    }

    fn observe(&self, ended: Ended, failed: Option<Outcome>, took: Duration, durations: Durations) {
        let Some(observer) = &self.client.observer else { return };
        observer.tell(&AttemptInfo {
            ended,
            method: self.method(),
            route: self.route(),
            attempts: self.attempts.len() + usize::from(self.sent.is_some()),
            status: self.attempts.last().and_then(|attempt| attempt.status),
            failed,
            took,
            durations,
            permits: self.client.transport.permits_now(),
            retries_left: self.client.retries_left(),
        });
    }

    /// Logs one line for a write whose outcome is Unknown.
    fn warn(&self, what: &str) {
        if self.request.method == Method::Get {
            return;
        }
        let next = match self.request.repeat {
            Repeat::Always => "call it again, or look it up",
            _ => "look it up before anything else",
        };
        tracing::warn!(
            target: "pingpp::call",
            {
                pingpp.operation = format_args!("{} {}", self.method(), self.route()),
                pingpp.attempts = self.attempts.len() + usize::from(self.sent.is_some()),
                pingpp.look_up = %self.recovery()
            },
            "outcome unknown: {what}; {next}"
        );
    }
}

impl Drop for Attempts<'_> {
    /// Tells the observer that the call was dropped, and warns if it may have been carried out and nobody
    /// will be told.
    fn drop(&mut self) {
        let unknown = |attempt: &Attempt| attempt.failed == Some(Outcome::Unknown);
        let in_doubt =
            self.sent.is_some() || self.suspect.is_some() || self.attempts.iter().any(unknown);
        if self.is_over {
            return;
        }
        if in_doubt {
            self.warn("the call was dropped before its answer came");
        }
        let has_effect = in_doubt && self.request.method != Method::Get;
        self.observe_call(Some(if has_effect { Outcome::Unknown } else { Outcome::NotSent }));
    }
}
