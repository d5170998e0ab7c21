//! What a client tells an observer: `ClientBuilder::observe`.

use std::fmt;
use std::ops::AddAssign;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::error::Outcome;

/// An attempt or a call that has ended, for [`ClientBuilder::observe`](crate::ClientBuilder::observe).
///
/// It holds no key and no value of a request, and no id either, unless one was written into the route of
/// a [`Request`](crate::Request).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AttemptInfo<'a> {
    /// What ended.
    pub ended: Ended,
    /// `GET`, `POST`, `PUT` or `DELETE`.
    pub method: &'static str,
    /// The path of the operation, with the names of its ids: `/v1/charges/{id}/reverse`.
    pub route: &'a str,
    /// How many attempts the call has had so far.
    pub attempts: usize,
    /// The HTTP status of the last attempt, if the head of its answer arrived.
    pub status: Option<u16>,
    /// What is known about the effect; `None` after a success. A write that was dropped when it may
    /// have been sent is `Unknown`.
    pub failed: Option<Outcome>,
    /// From the first wait for a permit to the end; the pauses between the attempts of a call are part
    /// of it.
    pub took: Duration,
    /// What the time was spent on; of a call the sums of its attempts.
    pub durations: Durations,
    /// How many requests the client sends at a time now, up to
    /// [`max_in_flight`](crate::ClientBuilder::max_in_flight).
    pub permits: usize,
    /// How many retries the client's budget pays for now.
    pub retries_left: u32,
}

/// Whether an attempt or a call has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ended {
    /// An attempt. The call may go on with another one.
    Attempt,
    /// A call, after its last attempt; also one that was dropped.
    Call,
}

/// What the time of an attempt was spent on. What it did not come to is zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Durations {
    /// Waiting until fewer requests were under way.
    pub permit: Duration,
    /// Signing, and waiting for a thread that signs.
    pub signature: Duration,
    /// Taking a connection from the pool, or DNS, TCP and TLS.
    pub connection: Duration,
    /// From the first byte of the request to the last one of the answer.
    pub answer: Duration,
}

impl AddAssign for Durations {
    fn add_assign(&mut self, other: Self) {
        self.permit += other.permit;
        self.signature += other.signature;
        self.connection += other.connection;
        self.answer += other.answer;
    }
}

#[derive(Clone)]
pub(crate) struct Observer(Arc<dyn Fn(&AttemptInfo<'_>) + Send + Sync>);

impl Observer {
    pub(crate) fn new(observe: impl Fn(&AttemptInfo<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(observe))
    }

    /// Its panic is not the call's.
    pub(crate) fn tell(&self, info: &AttemptInfo<'_>) {
        let _ = catch_unwind(AssertUnwindSafe(|| (self.0)(info)));
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}
