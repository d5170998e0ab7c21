//! What is known about a call: its attempts, and whether it may have happened.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::clock::ClockSkew;
use crate::recovery::Recovery;

/// What is known about the effect of a call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// No byte of the request reached a server. Nothing happened; calling again is safe.
    NotSent,
    /// Ping++ answered that it did not do it. Nothing happened.
    Rejected,
    /// The request may have been carried out. Look before doing it again; see
    /// [`Error::recovery`](super::Error::recovery).
    Unknown,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSent => "not sent",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
        })
    }
}

/// One attempt of a call.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Attempt {
    /// When it began, by the system clock; also the second that was signed.
    pub started: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// The HTTP status, if an answer's head arrived.
    pub status: Option<u16>,
    /// What is known about the effect of this attempt alone; `None` if it succeeded.
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
    /// Of this machine's clock, if it is worth telling.
    pub(crate) skew: Option<ClockSkew>,
    /// Whether the request has characters beyond U+FFFF.
    pub(crate) beyond_bmp: bool,
}

impl Report {
    /// Of a flaw that shows only in a whole answer.
    pub(crate) fn of_answer(outcome: Outcome) -> Self {
        Self {
            outcome,
            retryable: false,
            attempts: Vec::new(),
            recovery: Recovery::Manual,
            skew: None,
            beyond_bmp: false,
        }
    }
}
