//! The clock of the sandbox, and a queue of what is due at a time on it. No I/O.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderValue;
use tokio::time::Instant;

/// Milliseconds since 1970.
pub(super) type Millis = u64;

/// Tokio's clock plus an offset. It stands still in a test with paused time.
pub(super) struct Clock {
    started: Instant,
    at_start: Duration,
    offset: Duration,
}

impl Default for Clock {
    fn default() -> Self {
        let at_start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), at_start, offset: Duration::ZERO }
    }
}

impl Clock {
    pub(super) fn millis(&self) -> Millis {
        let now = (self.at_start + self.started.elapsed()).saturating_add(self.offset);
        // So that something can always be due later.
        millis(now).min(Millis::MAX / 2)
    }

    /// Seconds since 1970, as the API writes times.
    pub(super) fn now(&self) -> i64 {
        seconds(self.millis())
    }

    /// The header `Date`, on a machine whose clock is this many seconds ahead.
    pub(super) fn date(&self, ahead: i64) -> HeaderValue {
        // The header ends with the year 9999.
        let seconds = self.now().saturating_add(ahead).clamp(0, 253_402_300_799);
        let time = UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs());
        HeaderValue::try_from(httpdate::fmt_http_date(time)).expect("a date is ASCII")
    }

    /// Puts the clock to a time since 1970, from which it goes on.
    pub(super) fn set(&mut self, time: Duration) {
        (self.started, self.at_start, self.offset) = (Instant::now(), time, Duration::ZERO);
    }

    pub(super) fn advance(&mut self, by: Duration) {
        self.offset = self.offset.saturating_add(by);
    }
}

pub(super) fn seconds(millis: Millis) -> i64 {
    i64::try_from(millis / 1000).unwrap_or(i64::MAX)
}

pub(super) fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

/// Items ordered by their time; items of the same time keep the order in which they were added.
pub(super) struct Schedule<T> {
    items: BTreeMap<(Millis, usize), T>,
    added: usize,
}

impl<T> Default for Schedule<T> {
    fn default() -> Self {
        Self { items: BTreeMap::new(), added: 0 }
    }
}

impl<T> Schedule<T> {
    pub(super) fn add(&mut self, at: Millis, item: T) {
        self.added += 1;
        self.items.insert((at, self.added), item);
    }

    /// How many were added so far, for `back_to`.
    pub(super) fn mark(&self) -> usize {
        self.added
    }

    /// Removes what was added since.
    pub(super) fn back_to(&mut self, added: usize) {
        if self.added > added {
            self.items.retain(|(_, number), _| *number <= added);
            self.added = added;
        }
    }

    /// All items with their times, in order.
    pub(super) fn items(&self) -> impl Iterator<Item = (Millis, &T)> {
        self.items.iter().map(|((time, _), item)| (*time, item))
    }

    /// The time of the first item.
    pub(super) fn next_due(&self) -> Option<Millis> {
        self.items.keys().next().map(|(time, _)| *time)
    }

    /// Removes the first item if its time has come.
    pub(super) fn take_due(&mut self, now: Millis) -> Option<(Millis, T)> {
        let first = self.items.first_entry()?;
        let time = first.key().0;
        (time <= now).then(|| (time, first.remove()))
    }
}
