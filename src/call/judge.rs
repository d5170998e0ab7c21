//! The judgement of an answer: is it whole, signed, about what was asked, and does it say that the
//! operation was done?

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

use crate::credentials::Credentials;
use crate::error::{
    ApiError, BoxError, Error, ErrorDetail, Flaw, Report, ResponseError, Step, TransportError,
};
use crate::macros::from_json::fault;
use crate::request::{Expected, Mismatch};
use crate::retry::{self, Failure};
use crate::signing::PublicKey;
use crate::system::System;
use crate::transport::{Answer, ExchangeError, Unread};
use crate::types::Mode;

const SIGNATURE: &str = "x-pingplusplus-signature";

/// What an answer is held against.
pub(super) struct Judge<'a> {
    pub(super) expected: &'a Expected,
    pub(super) mode: Mode,
    /// Accepted public keys; empty: signatures are not checked.
    pub(super) verify: &'a [PublicKey],
    pub(super) system: &'a System,
}

/// An attempt that failed.
pub(super) struct Failed {
    pub(super) failure: Failure,
    pub(super) retry_after: Option<Duration>,
    /// On a connection that had been idle.
    pub(super) was_pooled: bool,
    cause: Box<Cause>,
}

enum Cause {
    Exchange(Step, Option<BoxError>),
    Status(u16, HeaderMap, Bytes),
    Flaw(Flaw, HeaderMap, Bytes),
}

impl Judge<'_> {
    /// The answer with its body, if it is a 2xx that can be decoded.
    pub(super) fn judge(&self, mut answer: Answer) -> Result<(Answer, Bytes), Failed> {
        let body = std::mem::replace(&mut answer.body, Ok(Bytes::new()));
        if !(200..300).contains(&answer.status) {
            return Err(self.refusal(answer, body.unwrap_or_default()));
        }
        let body = match body {
            Ok(body) => body,
            Err(Unread::TooLarge) => return Err(Failed::garbled(Flaw::TooLarge, answer)),
            Err(Unread::Encoded) => return Err(Failed::garbled(Flaw::Encoded, answer)),
        };
        let flawed = |failure, flaw, answer, body| Err(Failed::flaw(failure, flaw, answer, body));
        if !self.verify.is_empty() {
            match answer.header(SIGNATURE) {
                None => return flawed(Failure::Unclear, Flaw::Unsigned, answer, body),
                Some(signature) if self.verifies(&body, signature) => {}
                Some(_) => return flawed(Failure::Unclear, Flaw::BadSignature, answer, body),
            }
        }
        match self.expected.check(&body, self.mode, answer.was_pooled) {
            Ok(None) => Ok((answer, body)),
            Ok(Some(Mismatch::About(field))) => {
                flawed(Failure::Mismatch, Flaw::OtherObject { field }, answer, body)
            }
            Ok(Some(Mismatch::NotDone(field))) => {
                flawed(Failure::Mismatch, Flaw::NotDone { field }, answer, body)
            }
            Ok(Some(Mismatch::App)) => {
                flawed(Failure::Unclear, Flaw::OtherObject { field: "app" }, answer, body)
            }
            Ok(Some(Mismatch::Mode)) => flawed(Failure::Unclear, Flaw::OtherMode, answer, body),
            Err(error) => Err(Failed::undecodable(&error, answer, body)),
        }
    }

    fn refusal(&self, answer: Answer, body: Bytes) -> Failed {
        // An error answer may be unsigned; a signature that is present must verify.
        let signature = answer.header(SIGNATURE).filter(|_| !self.verify.is_empty());
        if signature.is_some_and(|signature| !self.verifies(&body, signature)) {
            return Failed::flaw(Failure::Unclear, Flaw::BadSignature, answer, body);
        }
        let retry_after = answer.header("retry-after");
        Failed {
            failure: Failure::of_status(answer.status, ErrorDetail::parse(&body).as_ref()),
            retry_after: retry_after.and_then(|at| retry::retry_after(at, self.system.now())),
            was_pooled: answer.was_pooled,
            cause: Box::new(Cause::Status(answer.status, answer.headers, body)),
        }
    }

    fn verifies(&self, body: &[u8], signature: &str) -> bool {
        self.verify.iter().any(|key| key.verifies(body, signature))
    }
}

impl Failed {
    pub(super) fn step(failure: Failure, step: Step, source: Option<BoxError>) -> Self {
        let cause = Box::new(Cause::Exchange(step, source));
        Self { failure, cause, retry_after: None, was_pooled: false }
    }

    pub(super) fn exchange(error: ExchangeError) -> Self {
        let failure = match error.step {
            Step::Connect | Step::ConnectTimeout | Step::Unsent => Failure::Unsent,
            Step::Certificate => Failure::Unsendable,
            _ => Failure::Lost,
        };
        Self { was_pooled: error.was_pooled, ..Self::step(failure, error.step, error.source) }
    }

    /// A 2xx that is not the JSON it should be.
    pub(super) fn undecodable(error: &serde_json::Error, answer: Answer, body: Bytes) -> Self {
        let flaw = Flaw::Undecodable { why: fault(error) };
        Self::flaw(Failure::Garbled, flaw, answer, body)
    }

    fn garbled(flaw: Flaw, answer: Answer) -> Self {
        Self::flaw(Failure::Garbled, flaw, answer, Bytes::new())
    }

    fn flaw(failure: Failure, flaw: Flaw, answer: Answer, body: Bytes) -> Self {
        let was_pooled = answer.was_pooled;
        let cause = Box::new(Cause::Flaw(flaw, answer.headers, body));
        Self { failure, cause, retry_after: None, was_pooled }
    }

    /// A word or a status for `error.type`.
    pub(super) fn kind(&self) -> Cow<'static, str> {
        match &*self.cause {
            Cause::Exchange(step, _) => step.as_str().into(),
            Cause::Status(status, ..) => status.to_string().into(),
            Cause::Flaw(flaw, ..) => flaw.as_str().into(),
        }
    }

    pub(super) fn into_error(
        self,
        server: String,
        credentials: &Credentials,
        signature: Option<&HeaderValue>,
        report: Report,
    ) -> Error {
        match *self.cause {
            Cause::Exchange(step, source) => {
                Error::Transport(TransportError::new(step, server, source, report))
            }
            Cause::Status(status, headers, body) => {
                // A server may repeat the key or the signature that it refuses.
                let redact = |text: &str| credentials.redact(text, signature);
                Error::Api(ApiError::new(status, headers, &body, redact, report))
            }
            Cause::Flaw(flaw, headers, body) => {
                Error::Response(ResponseError::new(flaw, headers, body, report))
            }
        }
    }
}
