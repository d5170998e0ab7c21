//! The retry budget of a client: how much an outage may be made worse by retries.

use std::time::Duration;

/// What the retries of one client may cost, so that an outage is not made worse by them.
///
/// It is counted in time: a retry costs two seconds, passing time and successes earn them. It starts
/// full. While nothing succeeds, one retry every two seconds remains, and they come back by
/// themselves when the outage ends.
#[derive(Debug)]
pub(crate) struct Budget {
    saved: Duration,
    /// When `saved` was right, on the caller's clock.
    at: Duration,
}

impl Budget {
    const COST: Duration = Duration::from_secs(2);
    const FULL: Duration = Duration::from_secs(20);
    const SUCCESS: Duration = Duration::from_millis(200);

    pub(crate) fn new() -> Self {
        Self { saved: Self::FULL, at: Duration::ZERO }
    }

    /// Pays for one retry, if there is enough; `now` is time on any steady clock.
    pub(crate) fn take(&mut self, now: Duration) -> bool {
        self.earn(now.saturating_sub(self.at));
        self.at = self.at.max(now);
        let rest = self.saved.checked_sub(Self::COST);
        self.saved = rest.unwrap_or(self.saved);
        rest.is_some()
    }

    /// How many retries it pays for at the time `now`.
    pub(crate) fn left(&self, now: Duration) -> u32 {
        let saved = (self.saved + now.saturating_sub(self.at)).min(Self::FULL);
        (saved.as_secs() / Self::COST.as_secs()) as u32
    }

    pub(crate) fn succeeded(&mut self) {
        self.earn(Self::SUCCESS);
    }

    fn earn(&mut self, time: Duration) {
        self.saved = (self.saved + time).min(Self::FULL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_run_out_in_an_outage_and_come_back_with_time_or_success() {
        let mut budget = Budget::new();
        let at = Duration::from_secs;
        assert_eq!(budget.left(at(0)), 10);
        let taken = (0..100).filter(|_| budget.take(at(0))).count();
        assert_eq!(taken, 10);
        let left = [0, 1, 2, 5, 19, 20, 3600].map(|seconds| budget.left(at(seconds)));
        assert_eq!(left, [0, 0, 1, 2, 9, 10, 10], "what is told is what can be taken");
        assert!(!budget.take(at(1)));
        assert!(budget.take(at(2)));
        for _ in 0..10 {
            budget.succeeded();
        }
        assert!(budget.take(at(2)));
        let taken = (0..100).filter(|_| budget.take(at(3600))).count();
        assert_eq!(taken, 10, "it never holds more");
    }
}
