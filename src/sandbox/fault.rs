//! What can go wrong on request.

use std::time::Duration;

/// Something that goes wrong with a request: from [`Sandbox::fail_next`] or [`Sandbox::fail`].
///
/// What the sandbox *does* and what it *answers* are separate: by itself a fault comes instead of the
/// operation, and with [`after_acting`](Self::after_acting) it comes instead of the answer only.
///
/// ```
/// # use pingpp::sandbox::{Fault, Sandbox};
/// # async fn f(sandbox: &Sandbox) {
/// // The next refund is made, but the answer is lost.
/// sandbox.fail_next(Fault::close().after_acting().on("POST", "/v1/charges/*/refunds"));
/// // One request in twenty meets an overloaded gateway.
/// sandbox.fail(Fault::bad_gateway(), 0.05);
/// # }
/// ```
///
/// [`Sandbox::fail_next`]: super::Sandbox::fail_next
/// [`Sandbox::fail`]: super::Sandbox::fail
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a fault does nothing until it is given to a sandbox"]
pub struct Fault {
    pub(super) kind: Kind,
    pub(super) acts: bool,
    method: Option<String>,
    path: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Refuse,
    Close,
    Stall,
    Slow(Duration),
    Truncate,
    Garbage,
    Html(u16),
    Error {
        status: u16,
        code: Option<String>,
        retry_after: Option<Duration>,
    },
    BadSignature,
    #[cfg(test)]
    Panic,
}

impl Fault {
    pub(super) fn new(kind: Kind, acts: bool) -> Self {
        Self { kind, acts, method: None, path: None }
    }

    /// The next new connection is reset before anything is read from it; method and path do not
    /// matter.
    pub fn refuse() -> Self {
        Self::new(Kind::Refuse, false)
    }

    /// The connection ends without an answer.
    pub fn close() -> Self {
        Self::new(Kind::Close, false)
    }

    /// No answer comes, for as long as the client waits.
    pub fn stall() -> Self {
        Self::new(Kind::Stall, false)
    }

    /// The true answer comes, a byte at a time with this pause between them.
    pub fn slow(pause: Duration) -> Self {
        Self::new(Kind::Slow(pause), true)
    }

    /// The true answer comes, but the connection ends in the middle of it.
    pub fn truncate() -> Self {
        Self::new(Kind::Truncate, true)
    }

    /// A 200 whose body is not JSON.
    pub fn garbage() -> Self {
        Self::new(Kind::Garbage, false)
    }

    /// A 502 of some proxy, in HTML.
    pub fn bad_gateway() -> Self {
        Self::new(Kind::Html(502), false)
    }

    /// A 500 of Ping++.
    pub fn internal_error() -> Self {
        Self::error(500, None, None)
    }

    /// A 429, with the pause that it asks for.
    pub fn too_many_requests(retry_after: Duration) -> Self {
        Self::error(429, None, Some(retry_after))
    }

    /// A 403: more requests at once than the plan allows.
    pub fn forbidden() -> Self {
        Self::error(403, None, None)
    }

    /// A 402 of the channel with this code, such as `channel_connection_error`.
    pub fn payment_required(code: &str) -> Self {
        Self::error(402, Some(code.to_owned()), None)
    }

    /// The true answer with a signature over something else.
    pub fn bad_signature() -> Self {
        Self::new(Kind::BadSignature, true)
    }

    fn error(status: u16, code: Option<String>, retry_after: Option<Duration>) -> Self {
        Self::new(Kind::Error { status, code, retry_after }, false)
    }

    /// The operation is carried out, and only then things go wrong.
    pub fn after_acting(self) -> Self {
        Self { acts: true, ..self }
    }

    /// Only requests of this method to this path, in which `*` stands for any one segment:
    /// `.on("POST", "/v1/charges/*/reverse")`.
    pub fn on(self, method: &str, path: &str) -> Self {
        Self { method: Some(method.to_owned()), path: Some(path.to_owned()), ..self }
    }

    /// The status that is answered instead of the true one, if it is known beforehand.
    pub(super) fn status(&self) -> Option<u16> {
        match self.kind {
            Kind::Html(status) | Kind::Error { status, .. } => Some(status),
            _ => None,
        }
    }

    fn hits(&self, method: &str, path: &str) -> bool {
        let fits = |pattern: &String| {
            pattern.split('/').count() == path.split('/').count()
                && pattern.split('/').zip(path.split('/')).all(|(p, s)| p == "*" || p == s)
        };
        self.method.as_ref().is_none_or(|wanted| wanted == method)
            && self.path.as_ref().is_none_or(fits)
    }
}

/// The faults that are to come.
#[derive(Default)]
pub(super) struct Faults {
    once: Vec<Fault>,
    shares: Vec<(Fault, f64)>,
}

impl Faults {
    pub(super) fn add_once(&mut self, fault: Fault) {
        self.once.push(fault);
    }

    pub(super) fn add_share(&mut self, fault: Fault, share: f64) {
        self.shares.push((fault, share));
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether this connection is to be refused.
    pub(super) fn refuses_connection(&mut self) -> bool {
        self.pick(|fault| fault.kind == Kind::Refuse).is_some()
    }

    /// What is to go wrong with this request.
    pub(super) fn for_request(&mut self, method: &str, path: &str) -> Option<Fault> {
        self.pick(|fault| fault.kind != Kind::Refuse && fault.hits(method, path))
    }

    fn pick(&mut self, is_meant: impl Fn(&Fault) -> bool) -> Option<Fault> {
        if let Some(at) = self.once.iter().position(&is_meant) {
            return Some(self.once.remove(at));
        }
        let meant =
            self.shares.iter().find(|(fault, share)| is_meant(fault) && fastrand::f64() < *share);
        meant.map(|(fault, _)| fault.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_hits_its_method_and_path_once_in_order() {
        let mut faults = Faults::default();
        faults.add_once(Fault::stall().on("POST", "/v1/charges/*/reverse"));
        faults.add_once(Fault::close());
        assert_eq!(faults.for_request("GET", "/v1/charges/ch_1/reverse"), Some(Fault::close()));
        for (method, path) in [
            ("GET", "/v1/charges/ch_1/reverse"),
            ("POST", "/v1/charges/ch_1"),
            ("POST", "/v1/charges/ch_1/reverse/x"),
            ("POST", "/v1/charges/ch_1/refunds"),
        ] {
            assert_eq!(faults.for_request(method, path), None, "{path}");
        }
        assert!(faults.for_request("POST", "/v1/charges/ch_1/reverse").is_some());
        assert!(faults.for_request("POST", "/v1/charges/ch_1/reverse").is_none());
        faults.add_share(Fault::refuse(), 1.0);
        assert!(faults.refuses_connection() && faults.for_request("GET", "/").is_none());
        faults.clear();
        assert!(!faults.refuses_connection());
    }
}
