//! What is in the way of an ending, and why there is no charge.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::ErrorCode;

/// Why a charge could not be brought to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", from = "Wire")]
#[non_exhaustive]
pub enum Obstacle {
    /// Ping++ documents no reverse for this channel, and the charge is not paid and not expired.
    NotReversible,
    /// The time in which this channel reverses is over, and the charge is not paid and not expired.
    WindowClosed,
    /// What became of a reverse or of a payment could not be found out in time.
    InDoubt,
    /// The last look failed.
    #[non_exhaustive]
    LookFailed {
        /// The HTTP status of its answer, if it had one. 401: the key is wrong; 404: the id is, or the
        /// key is of another account or mode.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
    },
    /// A refund of the whole amount is under way.
    Refunding,
    /// The hook returned [`Stop`](super::Stop).
    Stopped,
    /// A word of a later version of this crate.
    Other,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotReversible => "this channel cannot be reversed, and the charge is still open",
            Self::WindowClosed => "the time to reverse is over, and the charge is still open",
            Self::InDoubt => "what became of it could not be found out in time",
            Self::LookFailed { status: Some(status) } => {
                return write!(f, "the last look at it was answered with HTTP {status}");
            }
            Self::LookFailed { status: None } => "the last look at it was not answered",
            Self::Refunding => "a refund is under way",
            Self::Stopped => "the owner stopped it",
            Self::Other => "an obstacle that this version does not know",
        })
    }
}

/// Reads what it knows, and anything else as `Other`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Wire {
    Known(Known),
    Other(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Known {
    NotReversible,
    WindowClosed,
    InDoubt,
    LookFailed {
        #[serde(default)]
        status: Option<u16>,
    },
    Refunding,
    Stopped,
}

impl From<Wire> for Obstacle {
    fn from(wire: Wire) -> Self {
        match wire {
            Wire::Known(Known::NotReversible) => Self::NotReversible,
            Wire::Known(Known::WindowClosed) => Self::WindowClosed,
            Wire::Known(Known::InDoubt) => Self::InDoubt,
            Wire::Known(Known::LookFailed { status }) => Self::LookFailed { status },
            Wire::Known(Known::Refunding) => Self::Refunding,
            Wire::Known(Known::Stopped) => Self::Stopped,
            Wire::Other(_) => Self::Other,
        }
    }
}

/// Why there is no charge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NotCreated {
    /// The number of the order.
    pub order_no: String,
    /// The HTTP status of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The code of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<ErrorCode>,
    /// The error of a create that was refused or never sent, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl fmt::Display for NotCreated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no charge of order {}", self.order_no)?;
        self.reason.as_ref().map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}
