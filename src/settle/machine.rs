//! The transition function of a settlement: from a state and an input to a state and an action. No
//! I/O. Every time in the state is one of the server's clock.

use serde::{Deserialize, Serialize};

use super::clock::{Exchange, Millis};
use super::obstacle::Obstacle;
use super::rules::Rule;
use super::transition::{Action, Ending, Input, Phase, Sent};
use super::view::{ChargeView, Facts};

const SECOND: Millis = 1_000;
const MINUTE: Millis = 60 * SECOND;

/// The pause after a reverse that did not settle it: doubles up to a minute.
const FIRST_PAUSE: Millis = 5 * SECOND;
const LONGEST_PAUSE: Millis = MINUTE;

/// Rule 2: a request arrives within four minutes, and a replica is at most a minute behind.
const REVERSE_SHOWS_AFTER: Millis = 5 * MINUTE;

/// Rule 6: so long after its expiry a payment may still be reported.
const DEAD_AFTER_EXPIRY: Millis = 60 * MINUTE;

/// Rule 8: so long before its end a reverse window counts as closed for a polling settlement.
const BEFORE_WINDOW_CLOSES: Millis = MINUTE;

/// Rule 9: a charge that is not there so long after its create was sent does not exist.
const CREATE_SHOWS_AFTER: Millis = 10 * MINUTE;

/// An unmeasured clock is taken to be off by at most this.
const WRONG_BY: Millis = 65 * MINUTE;

/// Nobody worked on it for so long: the process ended, and a new round of work begins.
const GAP: Millis = 2 * MINUTE;

/// The state of the settlement of one charge, and the options that were set.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Machine {
    #[serde(skip_serializing_if = "is_default")]
    pub(super) every: Option<Millis>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) give_up_after: Option<Millis>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) resolve_within: Option<Millis>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) accept_late_payment: Option<bool>,
    pub(super) phase: Phase,
    /// When it began; a create is sent later.
    pub(super) started: Millis,
    /// When the next step is to be taken.
    pub(super) due: Millis,
    /// How far the server's clock is ahead, as an earlier owner or this one measured it.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) clock_offset: Option<i64>,
    /// Times were written by an owner that had not measured the clock.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) is_rough: bool,
    /// `started` was written so, and by another owner than the one that measured the clock.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) is_start_rough: bool,
    /// This owner has measured the clock. Not kept: the next owner may be another machine.
    #[serde(skip)]
    pub(super) is_measured: bool,
    /// This owner has begun the settlement.
    #[serde(skip)]
    pub(super) has_begun_it: bool,
    /// The bounds within which this owner measured the clock first.
    #[serde(skip)]
    pub(super) first_bounds: Option<(i64, i64)>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) cancelled: bool,
    /// Another charge of the same order is paid, so a payment of this one goes back.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) surplus: bool,
    /// The last moment at which a create may have been sent.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) create_sent: Option<Millis>,
    /// Since when it is to be closed: the time of polling was over, or it was cancelled.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) gave_up: Option<Millis>,
    /// The end of this round of work.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) deadline: Option<Millis>,
    /// Whether there was a look in this round.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) looked: bool,
    /// Whether a reverse was tried in this round.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) reversed: bool,
    /// Reverses that may have been sent.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) reverses: u32,
    /// When the last reverse ended that was not refused.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) last_reverse: Option<Millis>,
    /// When the next reverse may be sent.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) reverse_at: Millis,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) pauses: u32,
    /// A look has shown that it is paid. Later looks may show an older state.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) seen_paid: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) facts: Option<Facts>,
    /// The status of the last look, if it failed; 0 without an answer.
    #[serde(skip_serializing_if = "is_default")]
    pub(super) look_failed: Option<u16>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) ending: Option<Ending>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Machine {
    pub(super) fn new(phase: Phase, now: Millis) -> Self {
        Self {
            phase,
            started: now,
            due: now,
            is_rough: true,
            has_begun_it: true,
            ..Self::default()
        }
    }

    pub(super) fn every(&self) -> Millis {
        self.every.unwrap_or(5 * SECOND)
    }

    pub(super) fn may_have_reversed(&self) -> bool {
        self.reverses > 0 || self.phase == Phase::Reverse
    }

    /// The server's time at a time of this machine.
    pub(super) fn server_time(&self, local: Millis) -> Millis {
        // Rule 11.
        let offset = self.clock_offset.filter(|_| Rule::ServerClock.holds());
        local.saturating_add_signed(offset.unwrap_or(0))
    }

    /// The transition function: the next action for an input.
    pub(super) fn next(&mut self, exchange: &Exchange, input: Input) -> Action {
        self.measure(exchange);
        let (asked, now) = (self.server_time(exchange.sent), self.server_time(exchange.received));
        // Rule 4.
        if let Some(ending) = self.ending.filter(|_| Rule::EndingIsKept.holds()) {
            return Action::End(ending);
        }
        let is_result = !matches!(input, Input::Step { .. });
        if is_result && now > self.due.saturating_add(GAP) {
            self.begin_round();
        }
        self.is_rough |= !self.is_measured && is_result;
        let action = match input {
            Input::Step { has_order } => self.step(now, has_order),
            Input::Found(facts) => {
                self.know(facts, now);
                self.enter(Phase::Watch, now)
            }
            Input::NotCreated => Action::End(Ending::NotCreated),
            Input::CreateInDoubt => self.search(now),
            Input::Absent => self.absent(asked, now),
            Input::Seen(view) => self.seen(asked, now, &view),
            Input::Failed { status, slow_down } => self.failed(asked, now, status, slow_down),
            Input::Reversed { result, is_first } => self.sent(now, result, is_first),
        };
        match action {
            Action::Wait(until) => self.due = until,
            Action::End(ending) => self.ending = Some(ending),
            _ => {}
        }
        action
    }

    /// Turns to another charge of the same order.
    pub(super) fn begin_charge(&mut self, surplus: bool) {
        *self = Self {
            every: self.every,
            give_up_after: self.give_up_after,
            resolve_within: self.resolve_within,
            accept_late_payment: self.accept_late_payment,
            clock_offset: self.clock_offset,
            is_measured: self.is_measured,
            cancelled: self.cancelled || surplus,
            surplus,
            started: self.started,
            ..Self::default()
        };
    }

    /// Begins a round of work: a process resumes, or goes on after an ending that was none.
    pub(super) fn begin_round(&mut self) {
        (self.deadline, self.looked, self.reversed) = (None, false, false);
        (self.reverse_at, self.pauses) = (0, 0);
    }

    /// Rule 11: measures the clock. Times that were written before are made safe: what may have been
    /// sent may have been sent up to now.
    pub(super) fn measure(&mut self, exchange: &Exchange) {
        let before = self.clock_offset;
        self.clock_offset = exchange.measure(before);
        let Some(bounds) = exchange.bounds().filter(|_| Rule::ServerClock.holds()) else { return };
        let (least, most) = *self.first_bounds.get_or_insert(bounds);
        // Later answers measure the clock more closely. Beyond the first bounds, it was changed.
        if before.is_none() || self.has_begun_it {
            let within = |offset: Option<i64>| offset.map_or(0, |offset| offset.clamp(least, most));
            let by = within(self.clock_offset) - within(before);
            for time in self.gave_up.iter_mut().chain([&mut self.started]) {
                *time = time.saturating_add_signed(by);
            }
            self.is_start_rough = !self.has_begun_it;
        }
        if std::mem::replace(&mut self.is_measured, true) {
            return;
        }
        if std::mem::take(&mut self.is_rough) {
            let now = self.server_time(exchange.received);
            for time in self.create_sent.iter_mut().chain(&mut self.last_reverse) {
                *time = now;
            }
            // Another owner's decision to give up is taken again.
            self.gave_up = self.gave_up.filter(|_| self.has_begun_it).map(|time| time.min(now));
            (self.deadline, self.reverse_at, self.due) = (None, 0, now);
        }
    }

    /// What the state demands.
    fn step(&mut self, now: Millis, has_order: bool) -> Action {
        self.hear_cancel(now);
        match self.phase {
            Phase::Create if has_order => Action::Create,
            // Another process may have sent it up to now. Without what it sent it cannot be repeated.
            Phase::Create => {
                self.search(now);
                self.step(now, false)
            }
            Phase::Search => Action::Search,
            // An ended charge looks again only if rule 4 is switched off.
            Phase::Watch => Action::Look,
            // Only a token that carries the intent sends.
            Phase::Reverse => Action::Reverse,
        }
    }

    fn enter(&mut self, phase: Phase, due: Millis) -> Action {
        self.phase = phase;
        Action::Wait(due)
    }

    /// Rule 9: from when on the list is searched: from before the first send.
    pub(super) fn search_from(&self) -> Millis {
        if self.is_measured && !self.is_start_rough {
            return self.started.saturating_sub(MINUTE / 2);
        }
        // The clock that wrote the start may be wrong by an hour. The first owner that measured its own
        // clock moved the start by that error, which may be an hour more. A margin of a day would find
        // the charges of yesterday.
        self.started.saturating_sub(2 * WRONG_BY)
    }

    fn search(&mut self, now: Millis) -> Action {
        self.create_sent = Some(now);
        self.enter(Phase::Search, now)
    }

    fn absent(&mut self, asked: Millis, now: Millis) -> Action {
        let sent = *self.create_sent.get_or_insert(now);
        // Rule 9: the request may still be under way.
        if asked >= sent.saturating_add(CREATE_SHOWS_AFTER) || !Rule::LostCreateIsSearched.holds() {
            return Action::End(Ending::NotCreated);
        }
        let pause = if asked < sent.saturating_add(MINUTE) { self.every() } else { 30 * SECOND };
        Action::Wait(now.saturating_add(pause))
    }

    fn seen(&mut self, asked: Millis, now: Millis, view: &ChargeView) -> Action {
        self.know(view.facts, now);
        (self.looked, self.look_failed) = (true, None);
        self.seen_paid |= view.paid;
        let look_again = self.give_up(asked, now);
        if view.refunded {
            return Action::End(Ending::Refunded);
        }
        // Rule 1.
        if view.reversed && (!view.paid || Rule::ReversedDominates.holds()) {
            return Action::End(match view.paid {
                false => Ending::Closed,
                true if view.facts.gives_back => Ending::Refunded,
                true => Ending::NeedsRefund,
            });
        }
        if view.paid {
            return self.paid(asked, now, view);
        }
        // An older state than that of an earlier look.
        if self.seen_paid {
            return self.hold(now, Obstacle::InDoubt);
        }
        // Rule 6.
        let dead = view.facts.expires.map(|time| time.saturating_add(DEAD_AFTER_EXPIRY));
        if dead.is_some_and(|dead| asked >= dead) {
            return Action::End(Ending::Failed);
        }
        if view.failed && !Rule::FailureIsNotDeath.holds() {
            return Action::End(Ending::Failed);
        }
        self.poll_or_close(now, self.every(), look_again)
    }

    /// Polling begins when there is a charge. Rule 11: the token may also come from a machine whose
    /// clock was never measured.
    fn know(&mut self, facts: Facts, now: Millis) {
        self.facts = Some(facts);
        self.started = self.started.clamp(facts.created, now.max(facts.created));
    }

    fn paid(&mut self, asked: Millis, now: Millis, view: &ChargeView) -> Action {
        // Rule 7: a refund of all of it that is under way may still fail.
        if view.refunding && Rule::LateByTimePaid.holds() {
            return self.hold(now, Obstacle::Refunding);
        }
        // Rule 2. No reverse is sent from here on, so this ends.
        let shows = self.last_reverse.map_or(0, |sent| sent.saturating_add(REVERSE_SHOWS_AFTER));
        if view.facts.may_give_back && asked < shows && Rule::PaidNeedsLaterLook.holds() {
            return Action::Wait(now.saturating_add(30 * SECOND).min(shows.max(now + 1)));
        }
        // Rule 7. The look may have been asked for before the end, and answered after it. What has been
        // paid is paid by now, also if this clock is behind and was never measured.
        let paid = view.time_paid.filter(|_| Rule::LateByTimePaid.holds());
        let paid = paid.map_or(asked, |paid| paid.min(now));
        let end = self.gave_up.unwrap_or(Millis::MAX).min(self.end_of_polling());
        let is_late = self.surplus || paid > end;
        if !is_late || !self.surplus && self.accept_late_payment.unwrap_or(true) {
            return Action::End(Ending::Paid);
        }
        if view.facts.gives_back && self.reverses == 0 && self.obstacle(now).is_none() {
            return self.reverse_soon(now);
        }
        Action::End(Ending::NeedsRefund)
    }

    /// Rule 5: a look that failed. The state of the charge is as unclear as before.
    fn failed(&mut self, asked: Millis, now: Millis, status: u16, slow_down: bool) -> Action {
        (self.looked, self.look_failed) = (true, Some(status));
        if self.phase == Phase::Search {
            return self.hold(now, Obstacle::InDoubt);
        }
        let look_again = self.give_up(asked, now);
        if self.seen_paid {
            return self.hold(now, Obstacle::InDoubt);
        }
        if status == 404 && !Rule::FailedLookProvesNothing.holds() {
            return Action::End(Ending::Failed);
        }
        let pause = if slow_down { self.every().max(LONGEST_PAUSE) } else { self.every() };
        self.poll_or_close(now, pause, look_again)
    }

    /// A reverse ended. What came of it is shown by a look.
    fn sent(&mut self, now: Millis, result: Sent, is_first: bool) -> Action {
        self.reversed = true;
        self.reverse_at = now.saturating_add(self.pause());
        // The same intent may have been sent by an owner that ended before it could write down what
        // came of it.
        if result == Sent::Maybe || !is_first {
            self.last_reverse = Some(now);
        }
        if result != Sent::Never || !is_first {
            self.reverses = self.reverses.saturating_add(1);
        }
        self.enter(Phase::Watch, now)
    }

    fn poll_or_close(&mut self, now: Millis, pause: Millis, look_again: bool) -> Action {
        match self.gave_up {
            None => Action::Wait(now.saturating_add(pause).min(self.end_of_polling().max(now + 1))),
            Some(_) if look_again => Action::Wait(now),
            Some(_) => self.close(now),
        }
    }

    /// Reverses a charge that is unpaid or unclear, if that can work, and as soon as it can.
    fn close(&mut self, now: Millis) -> Action {
        if let Some(obstacle) = self.obstacle(now) {
            return self.hold(now, obstacle);
        }
        let from = self.facts.map_or(0, |facts| {
            // It was there before this began, whatever the clocks say.
            facts.created.min(self.started).saturating_add(facts.reversible_after)
        });
        if now < from {
            return Action::Wait(from.min(now.saturating_add(LONGEST_PAUSE)));
        }
        // Rule 3: this round has sent a reverse of its own.
        if self.is_over(now) && (self.reversed || !Rule::EachRoundWorks.holds()) {
            return self.unresolved(Obstacle::InDoubt);
        }
        if now < self.reverse_at {
            return Action::Wait(self.reverse_at.min(now.saturating_add(LONGEST_PAUSE)));
        }
        self.reverse_soon(now)
    }

    /// Writes down the intent. It is sent by the next step, so that the owner can keep it first.
    fn reverse_soon(&mut self, now: Millis) -> Action {
        self.enter(Phase::Reverse, now)
    }

    /// Waits for the next look, or ends the round.
    fn hold(&mut self, now: Millis, obstacle: Obstacle) -> Action {
        if self.is_over(now) && self.looked {
            return self.unresolved(obstacle);
        }
        Action::Wait(now.saturating_add(self.pause()))
    }

    fn unresolved(&self, obstacle: Obstacle) -> Action {
        let failed = self.look_failed.map(|status| Obstacle::LookFailed {
            status: Some(status).filter(|status| *status > 0),
        });
        Action::End(Ending::Unresolved(failed.unwrap_or(obstacle)))
    }

    fn pause(&mut self) -> Millis {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.pauses.min(10)).min(LONGEST_PAUSE);
        self.pauses = self.pauses.saturating_add(1);
        pause
    }

    /// Rule 3: the time of a round is counted from its first decision, not from the first round's.
    fn is_over(&mut self, now: Millis) -> bool {
        let time = self.resolve_within.unwrap_or(10 * MINUTE);
        if !Rule::EachRoundWorks.holds() {
            return self.gave_up.is_some_and(|since| now >= since.saturating_add(time));
        }
        now >= *self.deadline.get_or_insert(now.saturating_add(time))
    }

    /// Why no reverse can work.
    fn obstacle(&self, now: Millis) -> Option<Obstacle> {
        let facts = self.facts?;
        match facts.reversible_until {
            _ if !facts.reversible => Some(Obstacle::NotReversible),
            Some(until) if now >= until => Some(Obstacle::WindowClosed),
            _ => None,
        }
    }

    /// Whether it is to look once more before it acts: it was cancelled after the look was asked for.
    fn give_up(&mut self, asked: Millis, now: Millis) -> bool {
        let was_polling = self.gave_up.is_none();
        self.hear_cancel(now);
        let end = self.end_of_polling();
        if self.gave_up.is_none() && asked >= end {
            self.gave_up = Some(end);
        }
        was_polling && self.gave_up.is_some_and(|gave_up| asked < gave_up)
    }

    fn hear_cancel(&mut self, now: Millis) {
        // Rule 10.
        if self.cancelled && self.gave_up.is_none() && Rule::CancelIsHeard.holds() {
            self.gave_up = Some(now);
        }
    }

    fn end_of_polling(&self) -> Millis {
        let end = self.started.saturating_add(self.give_up_after.unwrap_or(MINUTE));
        // Rule 8.
        let facts =
            self.facts.filter(|facts| facts.reversible && Rule::WindowIsAnticipated.holds());
        match facts.and_then(|facts| facts.reversible_until) {
            Some(until) => end.min(until.saturating_sub(BEFORE_WINDOW_CLOSES)).max(self.started),
            None => end,
        }
    }
}
