//! Measures what the time of a call is spent on.

use std::time::Duration;

use tokio::time::Instant;

use crate::observer::Durations;

pub(super) struct Watch {
    pub(super) began: Instant,
    /// When the attempt that is under way began to wait for a permit.
    pub(super) asked: Instant,
    /// When its last signature was there.
    pub(super) signed: Option<Instant>,
    /// Of the last attempt.
    pub(super) last: Durations,
    /// Of all attempts.
    pub(super) sum: Durations,
    /// How many attempts the observer knows.
    pub(super) told: usize,
}

impl Watch {
    pub(super) fn new(now: Instant) -> Self {
        let none = Durations::default();
        Self { began: now, asked: now, signed: None, last: none, sum: none, told: 0 }
    }

    /// The attempt had its permit at `began`, may have been sent at `sent`, and took so long.
    pub(super) fn attempt_ended(&mut self, began: Instant, sent: Option<Instant>, took: Duration) {
        let end = began + took;
        let signed = self.signed.take().filter(|&at| at >= began).unwrap_or(end);
        let sent = sent.unwrap_or(end);
        self.last = Durations {
            permit: began - self.asked,
            signature: signed - began,
            connection: sent - signed,
            answer: end - sent,
        };
        self.sum += self.last;
    }
}
