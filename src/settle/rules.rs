//! The rules of a settlement by number. Each place that follows one names it, and the tests switch
//! rules off one at a time to show that a schedule goes wrong without it.

/// A rule of a settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// 1: `reversed` counts more than `paid`. Both together mean that the money went back only on
    /// channels whose reverse gives money back.
    ReversedDominates = 1,
    /// 2: after a reverse that was sent and not refused, a payment is final only if a look shows it
    /// five minutes later, or if no reverse gives money back on this channel.
    PaidNeedsLaterLook,
    /// 3: a round of work ends `Unresolved` only after a look and, where one can work, a reverse of
    /// its own. A process that resumes begins a new round.
    EachRoundWorks,
    /// 4: the ending stands in the token. A token that has ended does no I/O.
    EndingIsKept,
    /// 5: a look that failed is neither "unpaid" nor an end.
    FailedLookProvesNothing,
    /// 6: a failed payment may be followed by a good one. A charge is dead an hour after its expiry.
    FailureIsNotDeath,
    /// 7: a payment is late by the time at which it was made, not at which it was seen. With a refund
    /// under way it is not a payment.
    LateByTimePaid,
    /// 8: it gives up a minute before the channel stops reversing.
    WindowIsAnticipated,
    /// 9: a create whose answer was lost is searched for, for ten minutes.
    LostCreateIsSearched,
    /// 10: a cancellation is heard at any time.
    CancelIsHeard,
    /// 11: all times are those of the server's clock, which is measured by the header `Date`.
    ServerClock,
    /// 12: an owner whose token was not kept sends nothing.
    OnlyTheOwnerSends,
}

impl Rule {
    /// Whether the rule is followed: always, except in a test that switches it off.
    #[cfg(not(test))]
    pub(super) const fn holds(self) -> bool {
        true
    }

    #[cfg(test)]
    pub(super) fn holds(self) -> bool {
        OFF.get() != Some(self)
    }

    /// Runs `work` without this rule.
    #[cfg(test)]
    pub(super) fn without<T>(self, work: impl FnOnce() -> T) -> T {
        OFF.set(Some(self));
        let result = work();
        OFF.set(None);
        result
    }
}

#[cfg(test)]
thread_local! {
    static OFF: std::cell::Cell<Option<Rule>> = const { std::cell::Cell::new(None) };
}
