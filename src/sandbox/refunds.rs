//! Refunds of the sandbox: creating, settling, retrieving, listing.

use std::time::Duration;

use serde_json::Value;

use super::answer::Answer;
use super::clock::{Millis, millis, seconds};
use super::input::{Query, json_body};
use super::state::{Due, Progress, Refund, State};

/// The time after which a refund succeeds, on the sandbox's clock.
pub const REFUND_TAKES: Duration = Duration::from_secs(2);

impl State {
    pub(super) fn create_refund(&mut self, charge: &str, body: &[u8]) -> Result<Answer, Answer> {
        let number = self.find_charge(charge)?;
        let params = json_body(body)?;
        let charge = &self.charges[number];
        if charge.time_paid.is_none() || charge.reversed {
            let message = "订单未支付或已撤销 (not paid, or reversed: nothing to refund)";
            return Err(Answer::conflict("charge_unexpected_status", message));
        }
        if params.get("description").and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(Answer::bad_parameter("description", "missing"));
        }
        let counts =
            |refund: &&usize| !matches!(self.refunds[**refund].progress, Progress::Failed(_));
        let back: i64 = charge.refunds.iter().filter(counts).map(|r| self.refunds[*r].amount).sum();
        let left = charge.amount - back;
        if left == 0 {
            let message = format!("订单 {} 已经全额退款 (nothing is left)", charge.order_no);
            return Err(Answer::conflict("charge_unexpected_status", &message));
        }
        let amount = match params.get("amount").filter(|amount| !amount.is_null()) {
            None => left,
            Some(amount) => {
                let amount = amount.as_i64().filter(|amount| (1..=left).contains(amount));
                amount.ok_or_else(|| {
                    Answer::bad_parameter("amount", &format!("not 1 to {left}, which is left"))
                })?
            }
        };
        let requested = params.get("metadata").and_then(|metadata| metadata.get("sandbox"));
        let failure = requested.and_then(Value::as_str).filter(|code| code.starts_with("refund_"));
        let (refund, now) = (self.refunds.len(), self.clock.millis());
        self.refunds.push(Refund {
            id: format!("re_1012611230000{:011}", refund + 1).into(),
            amount,
            charge: number,
            created: seconds(now),
            progress: failure.map_or(Progress::Pending, |code| Progress::Failed(code.into())),
            params: Value::Object(params).to_string().into(),
        });
        self.charges[number].refunds.push(refund);
        match self.refunds[refund].progress {
            Progress::Failed(_) => {
                let object = self.show_refund(refund);
                self.record_event("refund.failed", object, now);
            }
            _ => self.due.add(now + millis(REFUND_TAKES), Due::Refund(refund)),
        }
        Ok(Answer::ok(self.show_refund(refund)))
    }

    /// The channel pays the money back.
    pub(super) fn settle_refund(&mut self, refund: usize, at: Millis) {
        self.refunds[refund].progress = Progress::Succeeded(seconds(at));
        let object = self.show_refund(refund);
        self.record_event("refund.succeeded", object, at);
    }

    pub(super) fn retrieve_refund(&self, charge: &str, id: &str) -> Result<Answer, Answer> {
        let charge = &self.charges[self.find_charge(charge)?];
        let found = charge.refunds.iter().find(|refund| &*self.refunds[**refund].id == id);
        found.map(|refund| Answer::ok(self.show_refund(*refund))).ok_or(Answer::not_found(id))
    }

    pub(super) fn list_refunds(&self, charge: &str, query: &Query) -> Result<Answer, Answer> {
        let charge = &self.charges[self.find_charge(charge)?];
        let all = charge.refunds.iter().rev().copied();
        let found =
            all.filter(|refund| query.selects_time(self.refunds[*refund].created)).collect();
        let url = format!("/v1/charges/{}/refunds", charge.id);
        let id = |refund: usize| &*self.refunds[refund].id;
        Ok(query.page(&url, found, id, |refund| self.show_refund(refund)))
    }
}
