//! The server's clock, measured by the header `Date` of its answers. Pure.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970.
pub(super) type Millis = u64;

/// When something was asked and answered by this machine's clock, and what the server's clock said
/// in between.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Exchange {
    pub(super) sent: Millis,
    pub(super) received: Millis,
    pub(super) date: Option<Millis>,
}

impl Exchange {
    /// A moment in which nothing was asked.
    pub(super) fn at(now: Millis) -> Self {
        Self { sent: now, received: now, date: None }
    }

    /// How far the server's clock is ahead: at least and at most. The header has whole seconds, and
    /// was written between sending and receiving.
    pub(super) fn bounds(&self) -> Option<(i64, i64)> {
        let date = signed(self.date?);
        let least = date - signed(self.received);
        Some((least, (date + 999 - signed(self.sent)).max(least)))
    }

    /// How far the server's clock is ahead. A known offset within the bounds stays, and so does a clock
    /// that may be right, so that a slow answer, or a frozen process, spoils neither.
    pub(super) fn measure(&self, known: Option<i64>) -> Option<i64> {
        let Some((least, most)) = self.bounds() else { return known };
        Some(known.unwrap_or(0).clamp(least, most))
    }
}

fn signed(time: Millis) -> i64 {
    // Far from the limits, so that sums and differences stay within them.
    i64::try_from(time).unwrap_or(i64::MAX).min(i64::MAX / 4)
}

pub(super) fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX)
}

pub(super) fn unix_millis(time: SystemTime) -> Millis {
    millis(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_tells_the_clock_to_a_second_and_a_slow_one_spoils_nothing() {
        let exchange = |sent, received, date| Exchange { sent, received, date: Some(date) };
        let quick = exchange(10_000_000, 10_000_100, 13_600_000);
        let offset = quick.measure(None).unwrap();
        assert!((3_599_900..=3_600_999).contains(&offset), "{offset}");
        let slow = exchange(10_000_000, 10_080_000, 13_640_000);
        assert_eq!(slow.measure(Some(offset)), Some(offset));
        // A clock that may be right is right: the process was frozen before it read the answer.
        assert_eq!(exchange(10_000_000, 10_114_000, 10_000_000).measure(None), Some(0));
        // Another machine, whose clock is right, goes on with the token.
        let right = exchange(20_000_000, 20_000_000, 20_000_000);
        assert!((0..=999).contains(&right.measure(Some(offset)).unwrap()));
        assert_eq!(Exchange::at(1).measure(Some(7)), Some(7));
        exchange(0, u64::MAX, u64::MAX).measure(None);
        exchange(u64::MAX, 0, 0).measure(Some(i64::MIN));
    }
}
