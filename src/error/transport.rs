//! Calls without a complete answer.

use std::error::Error as StdError;
use std::fmt;

use super::BoxError;
use super::report::Report;

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
    Permit,
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
            Self::Permit => "permit_timeout",
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

    pub(super) fn report(&self) -> &Report {
        &self.0.report
    }

    /// Whether a time limit ended the call.
    pub fn is_timeout(&self) -> bool {
        use Step::{BodyTimeout, ConnectTimeout, ExchangeTimeout, Permit, SignTimeout};
        matches!(self.0.step, Permit | SignTimeout | ConnectTimeout | ExchangeTimeout | BodyTimeout)
    }

    /// Whether no connection came about: DNS, TCP, TLS or the proxy.
    pub fn is_connect(&self) -> bool {
        matches!(self.0.step, Step::Connect | Step::ConnectTimeout | Step::Certificate)
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.step {
            Step::Permit => "timed out waiting for one of the `max_in_flight` permits",
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
