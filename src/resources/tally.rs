//! What became of the parts of a batch, by their numbers.

/// The numbers that a batch carries.
pub(super) struct Tally {
    pub(super) count: Option<i64>,
    pub(super) succeeded: Option<i64>,
    pub(super) failed: Option<i64>,
    pub(super) canceled: Option<i64>,
}

/// What they say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    /// Some are under way, or the numbers are absent or contradict each other.
    Open,
    /// All succeeded.
    Succeeded,
    /// Some succeeded, the others never will.
    Partly,
    /// None succeeded, and none ever will.
    NotOne,
}

impl Tally {
    pub(super) fn parts(&self) -> Parts {
        let numbers = [self.count, self.succeeded, self.failed, self.canceled];
        let [Some(count @ 1..), Some(done @ 0..), Some(failed @ 0..), Some(canceled @ 0..)] =
            numbers
        else {
            return Parts::Open;
        };
        match (done, failed.checked_add(canceled)) {
            (done, Some(0)) if done == count => Parts::Succeeded,
            (0, Some(dead)) if dead == count => Parts::NotOne,
            (1.., Some(dead @ 1..)) if done.checked_add(dead) == Some(count) => Parts::Partly,
            _ => Parts::Open,
        }
    }
}
