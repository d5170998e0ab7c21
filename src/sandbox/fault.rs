//! Faults: what can go wrong with a request, and which requests are hit.

use std::time::Duration;

/// A fault in the answer to a request, for [`Sandbox::fail_next`] and [`Sandbox::fail`].
///
/// Unless its documentation says otherwise, a fault replaces the operation: nothing is carried out.
/// With [`after_acting`](Self::after_acting) the operation is carried out and only its answer is
/// replaced.
///
/// ```
/// # use pingpp::sandbox::{Fault, Sandbox};
/// # async fn f(sandbox: &Sandbox) {
/// // The next refund is created, but its answer is lost.
/// sandbox.fail_next(Fault::close().after_acting().on("POST", "/v1/charges/*/refunds"));
/// // One request in twenty is answered by an overloaded gateway.
/// sandbox.fail(Fault::bad_gateway(), 0.05);
/// # }
/// ```
///
/// [`Sandbox::fail_next`]: super::Sandbox::fail_next
/// [`Sandbox::fail`]: super::Sandbox::fail
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a fault has no effect until it is passed to a sandbox"]
pub struct Fault {
    pub(super) kind: Kind,
    /// Whether the operation is carried out.
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

    /// The next new connection is reset before anything is read from it. The method and path of
    /// [`on`](Self::on) are ignored.
    pub fn refuse() -> Self {
        Self::new(Kind::Refuse, false)
    }

    /// The connection is closed without an answer.
    pub fn close() -> Self {
        Self::new(Kind::Close, false)
    }

    /// No answer is sent; the connection stays open.
    pub fn stall() -> Self {
        Self::new(Kind::Stall, false)
    }

    /// The operation is carried out, and its answer is sent one byte at a time with this pause
    /// between the bytes.
    pub fn slow(pause: Duration) -> Self {
        Self::new(Kind::Slow(pause), true)
    }

    /// The operation is carried out, and the connection is closed in the middle of the answer.
    pub fn truncate() -> Self {
        Self::new(Kind::Truncate, true)
    }

    /// The answer is a 200 whose body is not JSON.
    pub fn garbage() -> Self {
        Self::new(Kind::Garbage, false)
    }

    /// The answer is a 502 with an HTML body, as gateways send it.
    pub fn bad_gateway() -> Self {
        Self::new(Kind::Html(502), false)
    }

    /// The answer is a 500 of Ping++.
    pub fn internal_error() -> Self {
        Self::error(500, None, None)
    }

    /// The answer is a 429 with this `Retry-After`, in whole seconds.
    pub fn too_many_requests(retry_after: Duration) -> Self {
        Self::error(429, None, Some(retry_after))
    }

    /// The answer is a 403: more concurrent requests than the plan of the merchant allows.
    pub fn forbidden() -> Self {
        Self::error(403, None, None)
    }

    /// The answer is a 402 with this code of the channel, such as `channel_connection_error`.
    pub fn payment_required(code: &str) -> Self {
        Self::error(402, Some(code.to_owned()), None)
    }

    /// The operation is carried out, and the signature of the answer does not match its body.
    pub fn bad_signature() -> Self {
        Self::new(Kind::BadSignature, true)
    }

    fn error(status: u16, code: Option<String>, retry_after: Option<Duration>) -> Self {
        Self::new(Kind::Error { status, code, retry_after }, false)
    }

    /// The operation is carried out, and only its answer is replaced.
    pub fn after_acting(self) -> Self {
        Self { acts: true, ..self }
    }

    /// Limits the fault to requests with this method and path. `*` matches one segment of the path:
    /// `.on("POST", "/v1/charges/*/reverse")`.
    pub fn on(self, method: &str, path: &str) -> Self {
        Self { method: Some(method.to_owned()), path: Some(path.to_owned()), ..self }
    }

    /// The status of the answer, for faults that replace it.
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

/// The faults that still apply.
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

    /// Whether the connection that was just accepted has to be reset.
    pub(super) fn refuses_connection(&mut self) -> bool {
        self.pick(|fault| fault.kind == Kind::Refuse).is_some()
    }

    /// The fault for this request, if one applies.
    pub(super) fn for_request(&mut self, method: &str, path: &str) -> Option<Fault> {
        self.pick(|fault| fault.kind != Kind::Refuse && fault.hits(method, path))
    }

    fn pick(&mut self, matches: impl Fn(&Fault) -> bool) -> Option<Fault> {
        if let Some(at) = self.once.iter().position(&matches) {
            return Some(self.once.remove(at));
        }
        let picked =
            self.shares.iter().find(|(fault, share)| matches(fault) && fastrand::f64() < *share);
        picked.map(|(fault, _)| fault.clone())
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
