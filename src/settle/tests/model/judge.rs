//! The judge: compares an ending with the world's books.

use super::super::world::{HOUR, Harsh, MINUTE, SECOND, START};
use super::Owner;
use crate::settle::clock::{Exchange, Millis};
use crate::settle::obstacle::Obstacle;
use crate::settle::transition::{Action, Ending, Input};

/// What the judge says about a schedule that is right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::settle::tests) enum Verdict {
    Right(Ending),
    /// The world took money after it had reversed: documented.
    TookAfterReverse,
    /// A request arrived later than rule 2 allows for: documented.
    ArrivedTooLate,
}

impl Owner<'_> {
    /// The end of the time in which a payment is in time, by the world's clock.
    pub(super) fn polling_ends(&self) -> Millis {
        // The time of polling is not shorter for a charge that comes late.
        let start = START.max(self.world.facts.created);
        let end = start + self.machine.give_up_after.unwrap_or(MINUTE);
        let window = self.world.facts.reversible_until.filter(|_| self.world.facts.reversible);
        let end = window.map_or(end, |until| end.min(until.saturating_sub(MINUTE)).max(START));
        self.cancelled.map_or(end, |cancelled| end.min(cancelled))
    }

    /// The machine has ended: goes on if that is no end, or judges.
    pub(super) fn ended(&mut self, ending: Ending) -> Result<Option<Verdict>, String> {
        if !self.keep() {
            return Ok(None);
        }
        if let Ending::Unresolved(obstacle) = ending {
            self.log(|| format!("unresolved: {obstacle:?}"));
            return self.goes_on(obstacle).map(|()| None);
        }
        // Rule 4.
        let local = self.local();
        let again = self.machine.next(&Exchange::at(local), Input::Step { has_order: false });
        if again != Action::End(ending) {
            return Err(format!("I/O after the ending: {again:?}"));
        }
        self.judge(ending).map(Some)
    }

    fn goes_on(&mut self, obstacle: Obstacle) -> Result<(), String> {
        let can_close = self.world.facts.reversible
            && self.world.facts.reversible_until.is_none_or(|until| self.world.now < until)
            && self.world.reversed.is_none()
            && self.world.paid.is_none();
        if obstacle == Obstacle::WindowClosed && self.missed_window() {
            return Err("let the window close".into());
        }
        self.unresolved_when_good += u32::from(can_close && self.choices.are_over());
        if self.unresolved_when_good > 2 {
            return Err("a reverse could close it, and none is sent".into());
        }
        let waits = [10 * MINUTE, 0, 20 * MINUTE, 24 * HOUR];
        let longest = if self.on(Harsh::ResumedAgainAndAgain) { 4 } else { 3 };
        self.world.pass(self.world.now + waits[self.choices.pick(longest) as usize]);
        self.machine.ending = None;
        self.machine.begin_round();
        Ok(())
    }

    /// It saw the window close, nothing else went wrong, and it did not even mean to reverse.
    fn missed_window(&self) -> bool {
        self.saw_window_close && self.crashes + self.faults + self.intents == 0
    }

    fn judge(&mut self, ending: Ending) -> Result<Verdict, String> {
        let ended = self.world.now;
        self.world.pass(ended + 48 * HOUR);
        let has_money = self.world.has_money();
        let is_right = match ending {
            // Whether the reverse of an unknown channel gives money back is not known: a person asks.
            Ending::NeedsRefund
                if self.world.facts.may_give_back && !self.world.facts.gives_back =>
            {
                self.world.paid.is_some()
            }
            Ending::Paid | Ending::NeedsRefund => has_money,
            Ending::Refunded => self.world.returned.is_some(),
            Ending::Closed | Ending::Failed | Ending::NotCreated => !has_money,
            Ending::Unresolved(_) => false,
        };
        if !is_right && self.world.took_after_reverse {
            return Ok(Verdict::TookAfterReverse);
        }
        if !is_right && self.too_late {
            return Ok(Verdict::ArrivedTooLate);
        }
        if !is_right {
            return Err(format!("{ending:?}, has money: {has_money}"));
        }
        // A start by the clock of a machine that never had an answer cannot be put right by another.
        let knows_start = !self.machine.is_start_rough;
        if self.gave_back_in_time && knows_start {
            return Err("gave back a payment that it had seen and that was in time".into());
        }
        let in_time = self.world.paid.is_some_and(|paid| paid + 5 * SECOND < self.polling_ends());
        let is_open = self.world.reversed.is_none();
        if ending == Ending::NeedsRefund && in_time && is_open && knows_start {
            return Err("wants a refund of a payment that was in time".into());
        }
        if ending == Ending::Failed && self.missed_window() {
            return Err("let the window close".into());
        }
        let accepts = self.machine.accept_late_payment != Some(false);
        let is_late = self.world.paid.is_some_and(|paid| paid > self.polling_ends() + 5 * SECOND);
        if ending == Ending::Paid && is_late && !accepts && self.crashes == 0 {
            return Err("took a late payment that it was not to take".into());
        }
        let was_good = self.crashes + self.faults == 0 && self.world.facts.reversible;
        if was_good && ended > self.polling_ends() + 25 * MINUTE {
            return Err("took long although nothing was in the way".into());
        }
        if let Some(cancelled) = self.cancelled.filter(|at| self.trouble < *at) {
            let window = self.world.facts.reversible_until;
            if self.world.facts.reversible && window.is_none() && ended > cancelled + 8 * MINUTE {
                return Err("did not hear that it was cancelled".into());
            }
        }
        if ended > self.trouble + 72 * HOUR {
            return Err(format!("took {} h", (ended - self.trouble) / HOUR));
        }
        Ok(Verdict::Right(ending))
    }
}
