//! Webhooks: what Ping++ posts to a merchant's server when something happened.
//!
//! [`verify`] needs the value of one header and the body as it arrived, so it fits any web
//! framework. The body must be the raw bytes: JSON that was parsed and written again is not what was
//! signed.
//!
//! ```
//! use pingpp::webhook::{self, Error};
//! use pingpp::{Charge, EventType, Mode, PublicKey};
//!
//! /// Answers with an HTTP status; `signature` is the header `webhook::SIGNATURE_HEADER`.
//! fn webhook(key: &PublicKey, signature: Option<&str>, body: &[u8]) -> u16 {
//!     let event = match webhook::verify(key, Mode::Live, signature.unwrap_or_default(), body) {
//!         Ok(event) => event,
//!         Err(error) => return error.status(), // 401, 403 or 400
//!     };
//!     // Store the event before answering, by its `dedup_key`: it may be delivered again.
//!     println!("{}", event.dedup_key());
//!     if event.kind == EventType::ChargeSucceeded {
//!         match event.object::<Charge>() {
//!             Ok(charge) => println!("{}: paid {}", charge.order_no, charge.paid),
//!             Err(error) => {
//!                 eprintln!("{error}");
//!                 return 500; // it will be delivered again
//!             }
//!         }
//!     }
//!     200
//! }
//! ```
//!
//! The signature carries no time: whoever saw a delivery can make it again. Remember the keys of
//! events, and let an event hurry a look at the charge rather than replace it. Events of test mode
//! are signed with the same key as live ones, so say which mode you expect: test money must not
//! release goods.
//! (Source: Ping++ documentation of webhooks, 2026.)

use std::fmt;

use crate::macros::from_json::{fault, from_body};
use crate::resources::events::Event;
use crate::signing::PublicKey;
use crate::types::Mode;

/// The header that carries the signature of an event.
pub const SIGNATURE_HEADER: &str = "X-Pingplusplus-Signature";

/// Bodies larger than this are refused unread; real ones have a few kilobytes.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// Checks that Ping++ signed these bytes, and reads the event in them.
///
/// `mode` is the one whose events are expected. `signature` is the value of the header
/// [`SIGNATURE_HEADER`], empty if there is none.
///
/// Only the event itself is read; [`Event::object`] reads what it is about.
///
/// # Errors
/// [`Error::Signature`] if it is not this key's signature over exactly this body, [`Error::Body`] if
/// it is but the body is not an event, [`Error::Mode`] if it is an event of the other mode.
pub fn verify(key: &PublicKey, mode: Mode, signature: &str, body: &[u8]) -> Result<Event, Error> {
    verify_any(std::slice::from_ref(key), mode, signature, body)
}

/// Like [`verify`], with any one of the keys: while keys rotate, or for several accounts.
///
/// # Errors
/// As [`verify`]; without any key always [`Error::Signature`].
pub fn verify_any(
    keys: &[PublicKey],
    mode: Mode,
    signature: &str,
    body: &[u8],
) -> Result<Event, Error> {
    if body.len() > BODY_LIMIT {
        return Err(Error::body(format!("it has more than {BODY_LIMIT} bytes")));
    }
    if !keys.iter().any(|key| key.verifies(body, signature)) {
        return Err(Error::Signature);
    }
    let event: Event = from_body(body).map_err(|error| Error::body(fault(&error)))?;
    let found = Mode::from_livemode(event.livemode);
    if found == mode { Ok(event) } else { Err(Error::Mode { expected: mode, found }) }
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
    /// It is an event, but of the other mode: answer 403.
    #[non_exhaustive]
    Mode {
        /// The mode that the receiver expects.
        expected: Mode,
        /// The mode of the event.
        found: Mode,
    },
}

impl Error {
    fn body(reason: String) -> Self {
        Self::Body { reason }
    }

    /// The HTTP status to answer with: 401, 400 or 403.
    pub fn status(&self) -> u16 {
        match self {
            Self::Signature => 401,
            Self::Body { .. } => 400,
            Self::Mode { .. } => 403,
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
            Self::Mode { expected, found } => write!(
                f,
                "the event is of {found} mode, where {expected} mode is expected: check which \
                 address the dashboard has for which mode"
            ),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::SigningKey;

    const EVENT: &str = r#"{"object":"event","livemode":false,"type":"x","data":{"object":{}}}"#;

    fn key(text: &str) -> SigningKey {
        SigningKey::from_pem(text).unwrap()
    }

    #[test]
    fn an_event_is_accepted_only_with_a_signature_of_one_of_the_keys_and_of_its_mode() {
        let pingxx = key(include_str!("../tests/keys/pingxx.pem"));
        let other = key(include_str!("../tests/keys/merchant.pem")).public_key();
        let ours = pingxx.public_key();
        let signature = pingxx.sign(EVENT.as_bytes()).unwrap();
        let verified = |keys: &[PublicKey], mode, signature: &str| {
            verify_any(keys, mode, signature, EVENT.as_bytes()).map(|event| event.livemode)
        };
        let both = [other.clone(), ours.clone()];
        assert_eq!(verified(&both, Mode::Test, &signature), Ok(false));
        assert_eq!(verified(std::slice::from_ref(&ours), Mode::Test, &signature), Ok(false));
        let event = verify(&ours, Mode::Test, &signature, EVENT.as_bytes()).unwrap();
        assert_eq!(event.kind.as_str(), "x");
        for (keys, signature) in
            [(&[] as &[_], signature.as_str()), (&[other], &signature), (&both, ""), (&both, "x")]
        {
            assert_eq!(verified(keys, Mode::Test, signature), Err(Error::Signature));
        }
        let mode = Error::Mode { expected: Mode::Live, found: Mode::Test };
        assert_eq!(verified(&both, Mode::Live, &signature), Err(mode));
    }

    #[test]
    fn a_body_of_more_than_a_mebibyte_is_refused_unread() {
        let pingxx = key(include_str!("../tests/keys/pingxx.pem"));
        for (padding, is_refused) in [(0, false), (1, true), (1_000, true)] {
            let body = format!("{EVENT}{}", " ".repeat(1_048_576 - EVENT.len() + padding));
            // Unread: even its signature does not count.
            let error = verify(&pingxx.public_key(), Mode::Test, "", body.as_bytes()).unwrap_err();
            assert_eq!(matches!(error, Error::Body { .. }), is_refused, "{padding}");
            let signature = pingxx.sign(body.as_bytes()).unwrap();
            let result = verify(&pingxx.public_key(), Mode::Test, &signature, body.as_bytes());
            assert_eq!(result.is_err(), is_refused, "{padding}");
        }
    }

    #[test]
    fn an_error_names_its_status_and_its_reason() {
        let mode = Error::Mode { expected: Mode::Live, found: Mode::Test };
        for (error, status, text) in [
            (Error::Signature, 401, "the signature is not one of Ping++"),
            (Error::body("it is cut".into()), 400, "the body is not an event: it is cut"),
            (mode, 403, "the event is of test mode, where live mode is expected"),
        ] {
            assert_eq!(error.status(), status);
            assert!(error.to_string().starts_with(text), "{error}");
        }
    }
}
