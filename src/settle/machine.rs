//! The decisions of a settlement: what is known goes in, what to do comes out. No I/O, no clock.

use serde::{Deserialize, Serialize};

use crate::resources::charges::Charge;
use crate::types::{Channel, Timestamp};

/// Milliseconds since 1970.
pub(super) type Millis = u64;

/// The pause behind a reverse that did not settle it: doubles up to a minute.
const FIRST_PAUSE: Millis = 5_000;
const LONGEST_PAUSE: Millis = 60_000;

/// For so long behind its expiry a channel may still report a payment.
const LATE_NEWS: Millis = 600_000;

/// The state of a settlement, and its options. Serialised, it is the token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Machine {
    pub(super) every: Millis,
    pub(super) give_up_after: Millis,
    pub(super) resolve_within: Millis,
    pub(super) accept_late_payment: bool,
    pub(super) started: Millis,
    /// Since when it is to be closed: the time was over, or the customer had gone.
    pub(super) gave_up: Option<Millis>,
    phase: Phase,
    /// Reverses that may have been sent, the one under way included.
    reverses: u32,
    /// How many of them were definitely refused.
    refusals: u32,
    /// How many pauses there were since it gave up.
    pauses: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    /// Will it be paid? Look after look.
    Polling,
    /// It gave up, and looks once more before it reverses.
    LastLook,
    /// It is to be reversed as soon as that can work.
    Reversing,
    /// A reverse is under way, or was when the process ended.
    Sent,
    /// What came of it? Look.
    Confirming,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Input {
    /// It begins, or goes on in another process.
    Start,
    /// The wait is over.
    Time,
    /// The customer has gone, or the caller gives up.
    Cancel,
    /// Somebody says that there is news.
    News,
    /// A look was answered.
    Seen(ChargeView),
    /// A look brought nothing; whether Ping++ asked for fewer of them.
    Blind { slow_down: bool },
    /// A reverse was answered with success, which a look has to confirm.
    Reversed,
    /// A reverse was definitely refused.
    Refused,
    /// A reverse was certainly not sent.
    NotSent,
    /// What a reverse did is not known.
    InDoubt,
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Action {
    Look,
    /// To be written down before it is sent.
    Reverse,
    WaitUntil(Millis),
    End(Ending),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Ending {
    Paid,
    Closed,
    Refunded,
    NeedsRefund,
    Failed,
    Unresolved(Obstacle),
}

/// Why a charge could not be brought to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Obstacle {
    /// Ping++ documents no reverse for this channel.
    NotReversible,
    /// The time in which this channel reverses is over.
    WindowClosed,
    /// What became of a reverse could not be found out in time.
    InDoubt,
}

/// What a charge looked like, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ChargeView {
    pub(super) paid: bool,
    pub(super) reversed: bool,
    /// All of the money went back by refunds.
    pub(super) refunded: bool,
    pub(super) failed: bool,
    pub(super) expires: Millis,
    /// Ping++ documents that it can be reversed, or does not know the channel.
    pub(super) reversible: bool,
    /// A reverse gives a payment back.
    pub(super) gives_back: bool,
    pub(super) created: Millis,
    /// How long behind its creation it is refused.
    pub(super) reversible_after: Millis,
    pub(super) reversible_until: Option<Millis>,
}

impl ChargeView {
    pub(super) fn of(charge: &Charge) -> Self {
        let millis = |seconds: i64| Millis::try_from(seconds).unwrap_or(0).saturating_mul(1_000);
        let unknown = Channel::from("");
        let channel = charge.channel.as_ref().unwrap_or(&unknown);
        // Without it the charge counts as old: what waits for its age does not wait.
        let created = charge.created.unwrap_or(Timestamp::from_unix(0));
        let window = channel.reverse_window().filter(|_| charge.created.is_some());
        Self {
            paid: charge.paid,
            reversed: charge.reversed == Some(true),
            refunded: charge.paid
                && charge.amount_refunded.is_some_and(|refunded| refunded >= charge.amount),
            failed: charge.failure_code.is_some(),
            expires: charge.time_expire.map_or(Millis::MAX, |time| millis(time.as_unix())),
            reversible: channel.is_reversible() || matches!(channel, Channel::Other(_)),
            gives_back: channel.is_reversible_when_paid(),
            created: millis(created.as_unix()),
            reversible_after: millis(channel.reversible_from(Timestamp::from_unix(0)).as_unix()),
            reversible_until: window.map(|w| millis(w.closes_at(created).as_unix())),
        }
    }

    /// Whether it was not paid and never will be.
    fn is_dead(&self, now: Millis) -> bool {
        !self.paid && (self.failed || now >= self.expires.saturating_add(LATE_NEWS))
    }
}

impl Machine {
    pub(super) fn new(now: Millis) -> Self {
        Self {
            every: 5_000,
            give_up_after: 60_000,
            resolve_within: 600_000,
            accept_late_payment: true,
            started: now,
            gave_up: None,
            phase: Phase::Polling,
            reverses: 0,
            refusals: 0,
            pauses: 0,
        }
    }

    /// Whether a reverse may have been sent.
    pub(super) fn may_have_reversed(&self) -> bool {
        self.reverses > 0
    }

    /// The transition function: the next action for an input. `last` is the charge as it was last
    /// seen.
    pub(super) fn next(&mut self, now: Millis, input: Input, last: Option<&ChargeView>) -> Action {
        let is_answer = matches!(input, Input::Seen(view) if view.paid || view.reversed);
        let gives_up = input == Input::Cancel || now >= self.end_of_polling();
        if self.phase == Phase::Polling && gives_up && !is_answer {
            // What is answered only now was asked before: look once more.
            self.gave_up = Some(now);
            self.phase = Phase::LastLook;
            return Action::Look;
        }
        match (self.phase, input) {
            (_, Input::Seen(view)) => self.seen(now, view),
            (Phase::LastLook, Input::Blind { .. }) => self.reverse(now, last),
            (Phase::Polling, Input::Blind { slow_down }) => {
                let pause = if slow_down { self.every.max(LONGEST_PAUSE) } else { self.every };
                Action::WaitUntil(now.saturating_add(pause).min(self.end_of_polling()))
            }
            (_, Input::Blind { .. }) => self.pause(now, last),
            (Phase::Sent, Input::Refused) => {
                self.refusals += 1;
                self.confirm()
            }
            (Phase::Sent, Input::NotSent) => {
                self.reverses -= 1;
                self.phase = Phase::Reversing;
                self.pause(now, last)
            }
            // Also one that was under way when the process ended.
            (Phase::Sent, _) => self.confirm(),
            (Phase::Reversing, Input::Time) => self.reverse(now, last),
            _ => Action::Look,
        }
    }

    fn seen(&mut self, now: Millis, view: ChargeView) -> Action {
        let all_refused = self.reverses == self.refusals;
        let is_late = self.phase != Phase::Polling;
        match view {
            // Whatever else is true, the goods stay here.
            ChargeView { reversed: true, paid: true, .. } => Action::End(Ending::Refunded),
            ChargeView { reversed: true, .. } => Action::End(Ending::Closed),
            ChargeView { refunded: true, .. } => Action::End(Ending::Refunded),
            ChargeView { paid: true, .. } if !is_late => Action::End(Ending::Paid),
            // A reverse that was not refused may still take the money back.
            ChargeView { paid: true, .. } if !all_refused => self.pause(now, Some(&view)),
            ChargeView { paid: true, .. } if self.accept_late_payment => Action::End(Ending::Paid),
            ChargeView { paid: true, gives_back: true, .. } if self.reverses == 0 => {
                match self.obstacle(now, &view) {
                    None => self.reverse(now, Some(&view)),
                    Some(_) => Action::End(Ending::NeedsRefund),
                }
            }
            ChargeView { paid: true, .. } => Action::End(Ending::NeedsRefund),
            view if view.is_dead(now) && is_late && all_refused && self.reverses > 0 => {
                Action::End(Ending::Failed)
            }
            view if view.is_dead(now) && self.obstacle(now, &view).is_some() => {
                Action::End(Ending::Failed)
            }
            view if self.phase == Phase::Polling && view.failed => {
                self.gave_up = Some(now);
                self.reverse(now, Some(&view))
            }
            view => match self.phase {
                Phase::Polling => {
                    Action::WaitUntil(now.saturating_add(self.every).min(self.end_of_polling()))
                }
                Phase::LastLook => self.reverse(now, Some(&view)),
                _ => self.pause(now, Some(&view)),
            },
        }
    }

    /// Reverses, if that can work, and as soon as it can.
    fn reverse(&mut self, now: Millis, last: Option<&ChargeView>) -> Action {
        if let Some(view) = last {
            if self.obstacle(now, view).is_some() {
                return self.pause(now, last);
            }
            // It was there before this began, whatever the server's clock says.
            let from = view.created.min(self.started).saturating_add(view.reversible_after);
            if now < from {
                self.phase = Phase::Reversing;
                return Action::WaitUntil(from);
            }
        }
        self.phase = Phase::Sent;
        self.reverses += 1;
        Action::Reverse
    }

    fn confirm(&mut self) -> Action {
        self.phase = Phase::Confirming;
        Action::Look
    }

    /// Waits before the next reverse; or, where no reverse can work, before the next look.
    fn pause(&mut self, now: Millis, last: Option<&ChargeView>) -> Action {
        let obstacle = last.and_then(|view| self.obstacle(now, view));
        if self.gave_up.is_some_and(|since| now >= since.saturating_add(self.resolve_within)) {
            return Action::End(Ending::Unresolved(obstacle.unwrap_or(Obstacle::InDoubt)));
        }
        self.phase = match obstacle {
            None => Phase::Reversing,
            Some(_) => Phase::Confirming,
        };
        let pause = FIRST_PAUSE.saturating_mul(1 << self.pauses.min(10)).min(LONGEST_PAUSE);
        self.pauses += 1;
        Action::WaitUntil(now.saturating_add(pause))
    }

    /// The rule by which no reverse can work.
    fn obstacle(&self, now: Millis, view: &ChargeView) -> Option<Obstacle> {
        match view {
            ChargeView { reversible: false, .. } => Some(Obstacle::NotReversible),
            ChargeView { reversible_until: Some(until), .. } if now >= *until => {
                Some(Obstacle::WindowClosed)
            }
            _ => None,
        }
    }

    fn end_of_polling(&self) -> Millis {
        self.started.saturating_add(self.give_up_after)
    }
}
