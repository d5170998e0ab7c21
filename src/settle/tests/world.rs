//! The world of the model: a charge, its customer, Ping++ and the road between, with books of their
//! own. It knows nothing of the machine.

use super::super::clock::Millis;
use super::super::view::{ChargeView, Facts};

pub(super) const SECOND: Millis = 1_000;
pub(super) const MINUTE: Millis = 60 * SECOND;
pub(super) const HOUR: Millis = 60 * MINUTE;
pub(super) const START: Millis = 1_795_363_200 * SECOND;

/// The choices of a schedule. 0 is the good one, and what comes behind their end is good.
pub(super) struct Choices<'a> {
    left: std::slice::Iter<'a, u16>,
}

impl<'a> Choices<'a> {
    pub(super) fn new(drawn: &'a [u16]) -> Self {
        Self { left: drawn.iter() }
    }

    pub(super) fn pick(&mut self, of: u64) -> u64 {
        self.left.next().map_or(0, |drawn| u64::from(*drawn) % of)
    }

    pub(super) fn happens(&mut self, one_in: u64) -> bool {
        self.pick(one_in) == one_in - 1
    }

    /// From now on everything is good.
    pub(super) fn are_over(&self) -> bool {
        self.left.len() == 0
    }
}

/// What may go wrong beside crashes and failed requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Harsh {
    FaultsAndCrashes,
    DowntimeOfADay,
    StaleReplicas,
    NotFoundAfterCreate,
    LateConfirmations,
    ClocksOff,
    PaysAfterReverse,
    RetriesAfterFailure,
    ReverseWithoutEffect,
    DelayedRequests,
    /// Beyond the four minutes that rule 2 allows for: goods without money are counted.
    DelayedTooLong,
    LostCreates,
    Cancelled,
    ResumedAgainAndAgain,
    WindowCloses,
    RefundUnderWay,
    LosesItsLease,
    CrashesEveryFourSeconds,
    Everything,
}

pub(super) const ALL: [Harsh; 19] = [
    Harsh::FaultsAndCrashes,
    Harsh::DowntimeOfADay,
    Harsh::StaleReplicas,
    Harsh::NotFoundAfterCreate,
    Harsh::LateConfirmations,
    Harsh::ClocksOff,
    Harsh::PaysAfterReverse,
    Harsh::RetriesAfterFailure,
    Harsh::ReverseWithoutEffect,
    Harsh::DelayedRequests,
    Harsh::DelayedTooLong,
    Harsh::LostCreates,
    Harsh::Cancelled,
    Harsh::ResumedAgainAndAgain,
    Harsh::WindowCloses,
    Harsh::RefundUnderWay,
    Harsh::LosesItsLease,
    Harsh::CrashesEveryFourSeconds,
    Harsh::Everything,
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Arrival {
    Create,
    Reverse,
    Pays,
    FailsToPay,
    RefundEnds { succeeds: bool },
}

/// The truth.
#[derive(Debug)]
pub(super) struct World {
    pub(super) now: Millis,
    pub(super) facts: Facts,
    pub(super) created: Option<Millis>,
    pub(super) paid: Option<Millis>,
    pub(super) reversed: Option<Millis>,
    /// The money went back: by a reverse or by a refund.
    pub(super) returned: Option<Millis>,
    /// The channel took money after it had reversed.
    pub(super) took_after_reverse: bool,
    failed: Option<Millis>,
    refund_began: Option<Millis>,
    refund_ended: Option<Millis>,
    /// How long the channel takes to tell of a payment.
    confirms_after: Millis,
    takes_after_reverse: bool,
    refunds_at_once: Option<bool>,
    /// What the customer will do, and what is still on the road.
    coming: Vec<(Millis, Arrival)>,
    /// When the customer acts, counted from the creation.
    customer: Vec<(Millis, Arrival)>,
}

impl World {
    pub(super) fn new(harsh: Harsh, choices: &mut Choices<'_>) -> Self {
        let on = |which| harsh == which || harsh == Harsh::Everything;
        let mut facts = Facts {
            created: START,
            expires: Some(START + 2 * HOUR),
            reversible: true,
            gives_back: true,
            may_give_back: true,
            reversible_after: 0,
            reversible_until: None,
        };
        match choices.pick(6) {
            1 => (facts.gives_back, facts.may_give_back) = (false, false),
            2 => {
                (facts.gives_back, facts.may_give_back) = (false, false);
                facts.reversible_after = 15 * SECOND;
            }
            3 => {
                (facts.gives_back, facts.may_give_back) = (false, false);
                facts.reversible = false;
                facts.expires = Some(START + [2 * HOUR, 100 * SECOND][choices.pick(2) as usize]);
            }
            4 => facts.reversible_after = 15 * SECOND,
            // An unknown channel, which gives money back.
            5 => facts.gives_back = false,
            _ => {}
        }
        if on(Harsh::WindowCloses) && facts.reversible {
            let until = [24 * HOUR, 40 * SECOND, 70 * SECOND, 100 * SECOND, 150 * SECOND, HOUR];
            facts.reversible_until = Some(START + until[choices.pick(6) as usize]);
        }
        let seconds = [0, 10, 40, 57, 61, 66, 75, 90, 200, 600];
        let mut customer = Vec::new();
        if let at @ 1.. = choices.pick(10) {
            customer.push((seconds[at as usize] * SECOND, Arrival::Pays));
        }
        if on(Harsh::RetriesAfterFailure) {
            let at = [5, 30, 58, 62, 100][choices.pick(5) as usize] * SECOND;
            customer.push((at, Arrival::FailsToPay));
            customer.push((at + [8, 40, 1_000][choices.pick(3) as usize] * SECOND, Arrival::Pays));
        }
        // At the last moment before it expires.
        if choices.happens(12) {
            let end = facts.expires.unwrap_or(START) - START;
            customer.push((end - SECOND, Arrival::Pays));
        }
        let late = on(Harsh::LateConfirmations);
        let confirms =
            if late { [20 * MINUTE, 4 * SECOND, 50 * SECOND, 5 * MINUTE] } else { [0; 4] };
        let confirms_after = match choices.pick(5) {
            0 => 0,
            n => confirms[n as usize - 1],
        };
        Self {
            now: START,
            facts,
            created: None,
            paid: None,
            reversed: None,
            returned: None,
            took_after_reverse: false,
            failed: None,
            refund_began: None,
            refund_ended: None,
            confirms_after,
            takes_after_reverse: on(Harsh::PaysAfterReverse) && choices.happens(2),
            refunds_at_once: (on(Harsh::RefundUnderWay) && choices.happens(2))
                .then(|| choices.happens(2)),
            coming: Vec::new(),
            customer,
        }
    }

    /// Lets time pass, and everything that comes in it happen in its order.
    pub(super) fn pass(&mut self, to: Millis) {
        while let Some((at, what)) =
            self.coming.iter().copied().filter(|(at, _)| *at <= to).min_by_key(|(at, _)| *at)
        {
            let taken = self.coming.iter().position(|coming| *coming == (at, what));
            taken.map(|taken| self.coming.swap_remove(taken));
            self.now = self.now.max(at);
            match what {
                Arrival::Create => self.create(),
                Arrival::Reverse => drop(self.reverse()),
                Arrival::Pays => self.pay(),
                Arrival::FailsToPay if self.paid.is_none() => self.failed = Some(self.now),
                Arrival::FailsToPay => {}
                Arrival::RefundEnds { succeeds } => {
                    self.refund_ended = Some(self.now);
                    if succeeds && self.returned.is_none() {
                        self.returned = Some(self.now);
                    }
                }
            }
        }
        self.now = self.now.max(to);
    }

    pub(super) fn create(&mut self) {
        if self.created.is_some() {
            return;
        }
        let age = self.now - self.facts.created;
        self.created = Some(self.now);
        self.facts.created = self.now / SECOND * SECOND;
        for time in self.facts.expires.iter_mut().chain(&mut self.facts.reversible_until) {
            *time += age;
        }
        let born = self.now;
        self.coming.extend(self.customer.drain(..).map(|(after, what)| (born + after, what)));
    }

    fn pay(&mut self) {
        let is_open = self.paid.is_none() && self.facts.expires.is_none_or(|end| self.now < end);
        match self.reversed {
            _ if !is_open => {}
            Some(_) if !self.takes_after_reverse => {}
            Some(_) => (self.paid, self.took_after_reverse) = (Some(self.now), true),
            None => {
                self.paid = Some(self.now);
                if let Some(succeeds) = self.refunds_at_once {
                    let shown = self.now + self.confirms_after;
                    self.refund_began = Some(shown);
                    self.coming.push((shown + 100 * SECOND, Arrival::RefundEnds { succeeds }));
                }
            }
        }
    }

    /// A reverse arrives; whether it was accepted.
    pub(super) fn reverse(&mut self) -> bool {
        if self.reversed.is_some() {
            return true;
        }
        let in_time = self.now >= self.facts.created + self.facts.reversible_after
            && self.facts.reversible_until.is_none_or(|until| self.now < until);
        let gives_back = self.facts.may_give_back;
        let possible = self.created.is_some()
            && self.facts.reversible
            && in_time
            && self.refund_began.is_none()
            && (self.paid.is_none() || gives_back);
        if possible {
            self.reversed = Some(self.now);
            if self.paid.is_some() {
                self.returned = Some(self.now);
            }
        }
        possible
    }

    /// A request is on the road for so long.
    pub(super) fn send_create(&mut self, delay: Millis) {
        self.coming.push((self.now + delay, Arrival::Create));
    }

    pub(super) fn send_reverse(&mut self, delay: Millis) {
        self.coming.push((self.now + delay, Arrival::Reverse));
    }

    /// What a replica shows that is this old; `None` if the charge is not there yet.
    pub(super) fn look(&self, age: Millis) -> Option<ChargeView> {
        let at = self.now.saturating_sub(age);
        let is_past = |time: Option<Millis>| time.is_some_and(|time| time <= at);
        let shown = self.paid.map(|paid| paid + self.confirms_after);
        let by_refund = self.refund_began.is_some() && is_past(self.returned);
        is_past(self.created).then(|| ChargeView {
            paid: is_past(shown),
            time_paid: self.paid.filter(|_| is_past(shown)).map(|paid| paid / SECOND * SECOND),
            reversed: is_past(self.reversed),
            refunded: by_refund,
            refunding: is_past(self.refund_began)
                && !(is_past(self.refund_ended) && self.returned.is_none()),
            failed: is_past(self.failed),
            facts: self.facts,
        })
    }

    /// The merchant has the customer's money, and keeps it.
    pub(super) fn has_money(&self) -> bool {
        self.paid.is_some() && self.returned.is_none()
    }
}
