//! What follows from a state for other objects: an order is paid by its charge, a batch ends with its
//! last part.

use super::answer::Answered;
use super::clock::Millis;
use super::kind::Purse::{Channels, Merchant, User};
use super::kinds::{self, ORDER, RECHARGE};
use super::state::State;

impl State {
    /// Called after a row has entered a state.
    pub(super) fn entered(&mut self, row: usize, at: Millis) -> Answered<()> {
        let (kind, state, group) =
            (self.rows[row].kind, self.rows[row].state, self.rows[row].group);
        if let ("withdrawal", "succeeded") = (kind.name, state) {
            // The fee of the user is part of the amount, and stays with the merchant.
            let fee = self.number(row, "user_fee");
            self.post(row, Channels, Merchant, fee, "", at)?;
        }
        match (kind.name, state, group) {
            ("charge", "paid", Some(group)) if self.is(group, &ORDER) => self.pay_order(group, at),
            ("charge", "paid", Some(group)) if self.is(group, &RECHARGE) => {
                self.enter(group, "succeeded", at)?;
                self.add_bonus(group, at)
            }
            ("refund", "succeeded" | "failed", _) => self.refund_ended(row, at),
            ("transfer", "pending", None) if self.text(row, "channel").starts_with("wx") => {
                // The kind of WeChat transfers since 2025, which their recipients confirm.
                match self.field(row, "extra")["scene_id"].is_null() {
                    true => Ok(()),
                    false => self.enter(row, "wait_user_confirm", at),
                }
            }
            ("balance_transfer", "succeeded", _) => {
                let fee = self.number(row, "user_fee");
                self.post(row, User("user"), Merchant, fee, "transfer", at)
            }
            ("withdrawal" | "transfer" | "royalty_transaction", _, Some(batch)) => {
                if let ("royalty_transaction", Some(royalty)) =
                    (kind.name, self.below(row, &kinds::ROYALTY).first().copied())
                {
                    let to = match state {
                        "succeeded" => "succeeded",
                        "failed" | "canceled" => "created",
                        _ => "pending",
                    };
                    self.enter(royalty, to, at)?;
                }
                self.part_ended(batch, at)
            }
            ("batch_transfer" | "royalty_settlement", "canceled", _) => {
                self.each_part(row, "canceled", at)
            }
            ("royalty_settlement", "pending", _) => self.each_part(row, "pending", at),
            _ => Ok(()),
        }
    }

    /// The parts of a batch.
    pub(super) fn parts(&self, batch: usize) -> Vec<usize> {
        let kinds =
            [&kinds::TRANSFER, &kinds::ROYALTY_TRANSACTION, &kinds::REFUND, &kinds::WITHDRAWAL];
        kinds.into_iter().flat_map(|kind| self.below(batch, kind)).collect()
    }

    /// Moves each part of a batch to a state.
    pub(super) fn each_part(&mut self, batch: usize, to: &str, at: Millis) -> Answered<()> {
        self.parts(batch).into_iter().try_for_each(|part| match self.rows[part].state == to {
            true => Ok(()),
            false => self.enter(part, to, at),
        })
    }

    /// Ends a batch if each of its parts has ended.
    pub(super) fn part_ended(&mut self, batch: usize, at: Millis) -> Answered<()> {
        let states: Vec<_> = self.parts(batch).iter().map(|part| self.rows[*part].state).collect();
        let all = |ends: &[&str]| states.iter().all(|state| ends.contains(state));
        let (good, bad, gone) = (&["succeeded", "paid"][..], &["failed"][..], &["canceled"][..]);
        let to = match () {
            () if states.is_empty() || !all(&[good, bad, gone].concat()) => return Ok(()),
            () if all(good) => "succeeded",
            () if all(gone) => "canceled",
            () if all(bad) => "failed",
            () if all(&[bad, gone].concat()) => "failed",
            () => "partially_succeeded",
        };
        // A batch that was canceled as a whole is there already.
        let is_open = matches!(self.rows[batch].state, "created" | "pending");
        match is_open && self.rows[batch].kind.has_state(to) {
            true => self.enter(batch, to, at),
            false => Ok(()),
        }
    }
}
