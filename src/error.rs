//! What a failed call says: how far it got, what is known about the outcome, and what to do next.
//!
//! One variant for each stage at which a call can fail, not for each library that can. Deciding what is sent
//! again is the business of `retry`; configuration, key and webhook errors live with their modules.

mod api;
mod build;
mod codes;
mod report;
mod response;
#[cfg(test)]
mod tests;
mod transport;

use std::error::Error as StdError;
use std::fmt;

pub use self::api::ApiError;
pub(crate) use self::api::ErrorDetail;
pub use self::build::BuildError;
pub use self::codes::{ErrorCode, ErrorType};
pub(crate) use self::report::Report;
pub use self::report::{Attempt, Outcome};
pub(crate) use self::response::Flaw;
pub use self::response::ResponseError;
pub use self::transport::TransportError;
pub(crate) use self::transport::{Step, chain};
use crate::recovery::Recovery;

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

    /// The error of a look-up: what is looked for stays in doubt, and how to find it stays the same.
    pub(crate) fn in_doubt(mut self, recovery: Recovery) -> Self {
        let report = match &mut self {
            Self::Build(_) => return self,
            Self::Transport(error) => error.report_mut(),
            Self::Api(error) => error.report_mut(),
            Self::Response(error) => error.report_mut(),
        };
        report.outcome = Outcome::Unknown;
        report.recovery = recovery;
        self
    }

    fn report(&self) -> Option<&Report> {
        match self {
            Self::Build(_) => None,
            Self::Transport(error) => Some(error.report()),
            Self::Api(error) => Some(error.report()),
            Self::Response(error) => Some(error.report()),
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
