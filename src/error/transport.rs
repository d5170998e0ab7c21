//! Calls without a complete answer.

use std::error::Error as StdError;
use std::{fmt, io};

use super::BoxError;
use super::report::Report;

/// No complete answer. The text says at which step, with which server and why; the source is what the
/// system reported.
#[derive(Debug)]
pub struct TransportError(Box<TransportInner>);

#[derive(Debug)]
struct TransportInner {
    step: Step,
    /// The host and port of the server, and whether a proxy stands in between.
    server: String,
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
    pub(crate) fn new(
        step: Step,
        server: String,
        source: Option<BoxError>,
        report: Report,
    ) -> Self {
        Self(Box::new(TransportInner { step, server, source, report }))
    }

    pub(super) fn report(&self) -> &Report {
        &self.0.report
    }

    pub(super) fn report_mut(&mut self) -> &mut Report {
        &mut self.0.report
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
        let TransportInner { step, server, source, .. } = &*self.0;
        match step {
            Step::Permit => f.write_str("timed out waiting for one of the `max_in_flight` permits"),
            Step::Sign => f.write_str("the request could not be signed"),
            Step::SignTimeout => f.write_str("timed out waiting for the signature"),
            Step::Connect => write!(f, "connecting to {server} failed"),
            Step::ConnectTimeout => write!(f, "timed out while connecting to {server}"),
            Step::Certificate => write!(f, "the TLS certificate of {server} was refused"),
            Step::Unsent => {
                write!(f, "the connection to {server} closed before the request was written")
            }
            Step::Exchange => {
                write!(f, "the connection to {server} failed before an answer came")
            }
            Step::ExchangeTimeout => write!(f, "timed out waiting for the answer of {server}"),
            Step::Body => write!(f, "the connection to {server} failed inside the answer"),
            Step::BodyTimeout => write!(f, "timed out inside the answer of {server}"),
        }?;
        match source {
            Some(source) => write!(f, ": {}", cause(&**source)),
            None => Ok(()),
        }
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// An error, its source, the source of that, and so on.
pub(crate) fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| {
        // `io::Error::source` skips the error that the `io::Error` was made from.
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as _),
            None => error.source(),
        }
    })
}

/// The text of the last error of the chain, which is the one that names the cause; that of the
/// system without its number.
fn cause(error: &(dyn StdError + 'static)) -> String {
    let last = chain(error).last().unwrap_or(error);
    let text = last.to_string();
    let number = last.downcast_ref().and_then(io::Error::raw_os_error);
    let number = number.map(|number| format!(" (os error {number})"));
    match number.and_then(|number| text.strip_suffix(&number)) {
        // "Connection refused", in the middle of a sentence.
        Some(text) if text.is_ascii() => text[..1].to_ascii_lowercase() + &text[1..],
        Some(text) => text.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_the_last_error_without_its_number() {
        let io = |error: BoxError| io::Error::new(io::ErrorKind::InvalidData, error);
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(cause(&refused), "connection refused");
        assert_eq!(cause(&io(io("no name".into()).into())), "no name");
        #[cfg(target_os = "linux")]
        for (number, text) in [(111, "connection refused"), (101, "network is unreachable")] {
            let error = io::Error::from_raw_os_error(number);
            assert_eq!(cause(&io(error.into())), text);
        }
    }
}
