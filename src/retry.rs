//! What is sent again, and when: pure decisions, no I/O and no clock.
//!
//! Ping++ has no idempotency key, so a second send is a question of money first and of
//! availability second. The loop that acts on these decisions is in `call`.

mod budget;
mod classify;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

pub(crate) use self::budget::Budget;
pub(crate) use self::classify::{Failure, combined};

/// What a second send of a request does, and so when the SDK may make one.
#[doc = include_str!("retry/table.md")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Repeat {
    /// Nothing, or the same final state: queries, reverse, cancel, updates to absolute values.
    Always,
    /// The same as the first, if it follows within this time of the first send: charge create,
    /// whose same six fields return the first charge for a minute.
    Within(Duration),
    /// Perhaps the operation a second time: refund, transfer, withdrawal, and whatever is not
    /// proven. Sent again only if it was provably not sent.
    Never,
}

/// How often a call may be sent.
///
/// What may be sent again at all is decided by the [`Repeat`] of the operation, never by this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    max_sends: u32,
}

impl RetryPolicy {
    /// Every call is sent once at the most.
    pub const fn none() -> Self {
        Self { max_sends: 1 }
    }

    /// At most this many sends of one call, the first included; 0 counts as 1. [`Repeat::Within`]
    /// stops at 3 all the same.
    pub const fn max_sends(n: u32) -> Self {
        Self { max_sends: if n == 0 { 1 } else { n } }
    }

    pub(crate) fn most_sends(self) -> u32 {
        self.max_sends
    }

    fn sends(self, repeat: Repeat) -> u32 {
        match repeat {
            Repeat::Within(_) => self.max_sends.min(3),
            _ => self.max_sends,
        }
    }
}

impl Default for RetryPolicy {
    /// 4 sends: the first and three more.
    fn default() -> Self {
        Self::max_sends(4)
    }
}

/// Where a call stands after an attempt failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    /// Attempts made so far.
    pub(crate) sends: u32,
    /// Time since the first attempt that may have been sent, if there was one.
    pub(crate) since_sent: Option<Duration>,
    /// Time until the deadline of the call.
    pub(crate) left: Duration,
    /// What the server asked for.
    pub(crate) retry_after: Option<Duration>,
    /// The attempt was made on a connection that had been idle: that it failed may be no sign of
    /// trouble.
    pub(crate) was_pooled: bool,
    /// An earlier attempt brought an answer that cannot be read.
    pub(crate) was_garbled: bool,
    /// Random, from 0 to 1.
    pub(crate) jitter: f64,
}

impl Progress {
    /// Whether the pooled connection explains the failure, so that a fresh one may do better.
    pub(crate) fn is_explained_by_pool(&self, failure: Failure) -> bool {
        self.was_pooled
            && matches!(
                failure,
                Failure::Lost | Failure::Foreign | Failure::Mismatch | Failure::Refused
            )
    }
}

/// How long to wait before the next attempt; `None` if there is to be none.
pub(crate) fn next_attempt(
    repeat: Repeat,
    failure: Failure,
    policy: RetryPolicy,
    progress: &Progress,
) -> Option<Duration> {
    let may_repeat = match failure {
        Failure::Unsent => true,
        Failure::Lost | Failure::RateLimited | Failure::Throttled => repeat != Repeat::Never,
        Failure::Garbled => repeat != Repeat::Never && !progress.was_garbled,
        Failure::Foreign | Failure::Mismatch | Failure::Refused => {
            repeat != Repeat::Never && progress.was_pooled
        }
        Failure::Unsendable | Failure::Unclear | Failure::Redirected => false,
    };
    if !may_repeat || progress.sends >= policy.sends(repeat) {
        return None;
    }
    let explained = progress.is_explained_by_pool(failure);
    let wait = if explained { Duration::ZERO } else { wait(failure, progress) };
    let in_window = match (repeat, progress.since_sent) {
        (Repeat::Within(window), Some(since)) => since + wait <= window,
        _ => true,
    };
    (in_window && wait < progress.left).then_some(wait)
}

const BACKOFF_CAP: Duration = Duration::from_secs(5);
const RETRY_AFTER_CAP: Duration = Duration::from_secs(30);

/// Full jitter, so that the callers of an outage do not come back together.
fn wait(failure: Failure, progress: &Progress) -> Duration {
    let base = Duration::from_millis(if failure.is_limit() { 1_000 } else { 100 });
    let doubled = base.saturating_mul(1 << progress.sends.saturating_sub(1).min(16));
    let backoff = doubled.min(BACKOFF_CAP).mul_f64(progress.jitter.clamp(0.0, 1.0));
    progress.retry_after.map_or(backoff, |asked| asked.min(RETRY_AFTER_CAP).max(backoff))
}

/// Reads `Retry-After`, seconds or an HTTP date; anything else counts as absent.
pub(crate) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}
