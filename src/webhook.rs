//! Webhooks: what Ping++ posts to a merchant's server when something happened.
//!
//! [`verify`] needs the value of one header and the body as it arrived, so it fits any web
//! framework. The body must be the raw bytes: JSON that was parsed and written again is not what was
//! signed.
//!
//! ```
//! use pingpp::webhook::{self, Error};
//! use pingpp::{EventObject, PublicKey};
//!
//! /// Answers with an HTTP status; `signature` is the header `X-Pingplusplus-Signature`.
//! fn webhook(key: &PublicKey, signature: Option<&str>, body: &[u8]) -> u16 {
//!     let event = match webhook::verify(key, signature.unwrap_or_default(), body) {
//!         Ok(event) => event,
//!         Err(error) => return error.status(), // 401 or 400
//!     };
//!     // Store the event before answering, by its id: it may be delivered again.
//!     if let EventObject::Charge(charge) = &event.data.object {
//!         println!("{} {}: paid {}", event.kind, charge.order_no, charge.paid);
//!     }
//!     200
//! }
//! ```
//!
//! The signature carries no time: whoever saw a delivery can make it again. Remember the ids of
//! events, and let an event hurry a look at the charge rather than replace it.
//! (Source: Ping++ documentation of webhooks, 2026.)

use std::fmt;

use crate::error::json_fault;
use crate::{Event, PublicKey};

/// Bodies larger than this are refused unread; real ones have a few kilobytes.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// Checks that Ping++ signed these bytes, and reads the event in them.
///
/// `signature` is the value of the header `X-Pingplusplus-Signature`, empty if there is none.
///
/// # Errors
/// [`Error::Signature`] if it is not this key's signature over exactly this body, [`Error::Body`] if
/// it is but the body is not an event.
pub fn verify(key: &PublicKey, signature: &str, body: &[u8]) -> Result<Event, Error> {
    verify_any(std::slice::from_ref(key), signature, body)
}

/// Like [`verify`], with any one of the keys: while keys rotate, or for several accounts.
///
/// # Errors
/// As [`verify`]; without any key always [`Error::Signature`].
pub fn verify_any(keys: &[PublicKey], signature: &str, body: &[u8]) -> Result<Event, Error> {
    if body.len() > BODY_LIMIT {
        return Err(Error::body(format!("it has more than {BODY_LIMIT} bytes")));
    }
    if !keys.iter().any(|key| key.verifies(body, signature)) {
        return Err(Error::Signature);
    }
    serde_json::from_slice(body).map_err(|error| Error::body(json_fault(&error)))
}

/// Why a delivery is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The signature is missing, malformed or not one of Ping++ over these bytes: answer 401.
    Signature,
    /// The body is too large or not an event: answer 400.
    #[non_exhaustive]
    Body {
        /// What is wrong with it, without quoting it.
        reason: String,
    },
}

impl Error {
    fn body(reason: String) -> Self {
        Self::Body { reason }
    }

    /// The HTTP status to answer with: 401 or 400.
    pub fn status(&self) -> u16 {
        match self {
            Self::Signature => 401,
            Self::Body { .. } => 400,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature => f.write_str(
                "the signature is not one of Ping++ over this body: pass the body as it arrived, \
                 and the public key that the dashboard shows",
            ),
            Self::Body { reason } => write!(f, "the body is not an event: {reason}"),
        }
    }
}

impl std::error::Error for Error {}
