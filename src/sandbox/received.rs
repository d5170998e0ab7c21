//! What the sandbox received.

use std::collections::VecDeque;
use std::fmt;

/// So many requests are kept.
const KEPT: usize = 10_000;

/// What the sandbox made of a request's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureCheck {
    /// It is the merchant's, over exactly what was received.
    Verified,
    /// There is none.
    Missing,
    /// It is not the merchant's, or over something else.
    Wrong,
    /// There is one, and anybody's is accepted.
    Unchecked,
}

/// A request as the sandbox received it.
///
/// `Debug` and `Display` show no header and no body.
#[derive(Clone)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// `GET`, `POST`, ...
    pub method: String,
    /// Path and query, byte for byte.
    pub target: String,
    /// The body, byte for byte.
    pub body: Vec<u8>,
    /// What became of its signature.
    pub signature: SignatureCheck,
    /// The status of the answer; `None` if a fault spoiled the answer.
    pub status: Option<u16>,
    pub(super) headers: Vec<(String, String)>,
}

impl ReceivedRequest {
    /// The value of a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// What the signature has to be over: body, target and timestamp.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let timestamp = self.header("pingplusplus-request-timestamp").unwrap_or_default();
        [&self.body, self.target.as_bytes(), timestamp.as_bytes()].concat()
    }
}

impl fmt::Debug for ReceivedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceivedRequest")
            .field("method", &self.method)
            .field("target", &self.target)
            .field("body_len", &self.body.len())
            .field("signature", &self.signature)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for ReceivedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signature = match self.signature {
            SignatureCheck::Verified => "signature verified",
            SignatureCheck::Missing => "not signed",
            SignatureCheck::Wrong => "signature wrong",
            SignatureCheck::Unchecked => "signature not checked",
        };
        write!(f, "{} {} ", self.method, self.target.escape_debug())?;
        match self.status {
            Some(status) => write!(f, "{status}, {signature}"),
            None => write!(f, "spoiled, {signature}"),
        }
    }
}

/// The last requests.
#[derive(Default)]
pub(super) struct Received(VecDeque<ReceivedRequest>);

impl Received {
    pub(super) fn add(&mut self, request: ReceivedRequest) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(request);
    }

    pub(super) fn kept(&self) -> Vec<ReceivedRequest> {
        self.0.iter().cloned().collect()
    }

    pub(super) fn last(&self, count: usize) -> impl Iterator<Item = &ReceivedRequest> {
        self.0.iter().rev().take(count)
    }
}
