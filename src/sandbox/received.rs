//! The log of the requests that the sandbox received.

use std::collections::VecDeque;
use std::fmt;

/// The number of requests that are kept.
const KEPT: usize = 10_000;

/// The bytes of the requests that are kept. The last one is always kept.
const KEPT_BYTES: usize = 64 * 1024 * 1024;

/// The result of checking the signature of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureCheck {
    /// The signature is the merchant's, over the bytes that were received.
    Verified,
    /// There is no signature.
    Missing,
    /// The signature is by another key or over other bytes.
    Wrong,
    /// There is a signature, and the sandbox accepts any signature.
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
    /// Path and query as they were sent.
    pub target: String,
    /// The bytes of the body.
    pub body: Vec<u8>,
    /// The result of checking the signature.
    pub signature: SignatureCheck,
    /// The status of the answer; `None` if a fault affected it.
    pub status: Option<u16>,
    pub(super) headers: Vec<(String, String)>,
}

impl ReceivedRequest {
    /// The value of a header. The case of its name is ignored.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The bytes that the signature has to be over: body, target and timestamp.
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

/// The last requests, oldest first.
#[derive(Default)]
pub(super) struct Received {
    requests: VecDeque<ReceivedRequest>,
    bytes: usize,
}

impl Received {
    pub(super) fn add(&mut self, request: ReceivedRequest) {
        self.bytes += size(&request);
        self.requests.push_back(request);
        let is_full = |this: &Self| this.bytes > KEPT_BYTES && this.requests.len() > 1;
        while self.requests.len() > KEPT || is_full(self) {
            self.bytes -= self.requests.pop_front().as_ref().map_or(0, size);
        }
    }

    pub(super) fn kept(&self) -> Vec<ReceivedRequest> {
        self.requests.iter().cloned().collect()
    }

    pub(super) fn last(&self, count: usize) -> impl Iterator<Item = &ReceivedRequest> {
        self.requests.iter().rev().take(count)
    }
}

fn size(request: &ReceivedRequest) -> usize {
    let headers = request.headers.iter().map(|(name, value)| name.len() + value.len());
    request.body.len() + request.target.len() + headers.sum::<usize>()
}
