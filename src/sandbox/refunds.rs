//! Refunds of the sandbox: what may be refunded, and how a refund ends. Its money is set aside from
//! the start.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{Answer, Answered};
use super::check;
use super::clock::{Millis, millis, seconds};
use super::kinds::{self, CHARGE, ORDER, RECHARGE, REFUND};
use super::moves::New;
use super::rules;
use super::state::{Due, State};
use super::values::{Fields, fields_of, given, text};

/// The time after which a refund succeeds, on the sandbox's clock.
pub const REFUND_TAKES: Duration = Duration::from_secs(2);

/// The failure_code of a refund that waits for the merchant.
const WAITS: &str = "refund_wait_operation";

impl State {
    pub(super) fn create_refund(&mut self, charge: usize, params: Fields) -> Answered {
        self.is_alone(charge)?;
        let refund = self.refund(charge, params)?;
        Ok(Answer::ok(self.show(refund)))
    }

    /// A charge of an order or a recharge is refunded with it.
    fn is_alone(&self, charge: usize) -> Answered<()> {
        let message = "该支付属于订单 (it belongs to an order or a recharge: refund that)";
        let refusal = || Answer::conflict("charge_request_invalid", message);
        self.rows[charge].group.is_none().then_some(()).ok_or_else(refusal)
    }

    /// The amount of a charge that can still be refunded: what was split has to come back before.
    pub(super) fn refundable(&self, charge: usize) -> i64 {
        let counts = |refund: &&usize| self.rows[**refund].state != "failed";
        let refunds = self.below(charge, &REFUND);
        let back: i64 = refunds.iter().filter(counts).map(|r| self.number(*r, "amount")).sum();
        match self.rows[charge].state {
            "paid" => self.number(charge, "amount") - back - self.split(charge),
            _ => 0,
        }
    }

    /// Refunds a part of a charge, or what is left of it.
    pub(super) fn refund(&mut self, charge: usize, params: Fields) -> Answered<usize> {
        if self.rows[charge].state != "paid" {
            let message = "订单未支付或已撤销 (not paid, or reversed: nothing to refund)";
            return Err(Answer::conflict("charge_unexpected_status", message));
        }
        check::required(&params, "description")?;
        let reason = rules::refund_description(&self.text(charge, "channel"));
        check::within("description", &params["description"], reason)?;
        let left = self.refundable(charge);
        if left == 0 {
            let order_no = self.text(charge, "order_no");
            let message = format!("订单 {order_no} 已经全额退款 (nothing is left)");
            return Err(Answer::conflict("charge_unexpected_status", &message));
        }
        let amount = match given(&params, "amount") {
            None => Some(left),
            Some(amount) => amount.as_i64().filter(|amount| (1..=left).contains(amount)),
        };
        let why = format!("not 1 to {left}, which is left");
        let amount = amount.ok_or_else(|| Answer::bad_parameter("amount", &why))?;

        let mut document = check::checked(&REFUND, params)?;
        let charged = self.document(charge);
        let own = ["order_no", "charge", "charge_order_no", "currency", "transaction_no"];
        document.retain(|name, _| !own.contains(&name.as_str()));
        document.insert("amount".into(), amount.into());
        document.insert("charge".into(), self.id(charge).into());
        document.insert("charge_order_no".into(), charged["order_no"].clone());
        document.insert("currency".into(), charged["currency"].clone());
        if let Some(source) = charged.get("_source") {
            document.insert("_source".into(), source.clone());
        }
        let (app, now) = (self.rows[charge].app, self.clock.millis());
        let new = New { parent: Some(charge), ..New::of(&REFUND, app, document) };
        let refund = self.add(new, now)?;
        match self.wish(refund).as_deref() {
            None => self.due.add(
                now + millis(REFUND_TAKES),
                Due { row: refund, from: "pending", to: "succeeded" },
            ),
            Some(WAITS) => self.wait_for_merchant(refund, now),
            Some(code) => {
                self.set(refund, "failure_code", code);
                self.set(refund, "failure_msg", "退款已被支付渠道拒绝 (refused)");
                self.enter(refund, "failed", now)?;
            }
        }
        Ok(refund)
    }

    /// The refund of some Alipay accounts: the merchant has to open a page on the same day.
    fn wait_for_merchant(&mut self, refund: usize, at: Millis) {
        let page =
            format!("需要商户操作 (open this page): https://sandbox.invalid/{}", self.id(refund));
        self.set(refund, "failure_code", WAITS);
        self.set(refund, "failure_msg", page);
        // This is what `metadata[sandbox]` wished for. How it ends is the merchant's decision.
        self.set(refund, "_sandbox", "");
        const DAY: i64 = 86_400;
        const CHINA: i64 = 8 * 3_600;
        let midnight = (seconds(at) + CHINA).div_euclid(DAY) * DAY + DAY - CHINA;
        let due = Due { row: refund, from: "pending", to: "failed" };
        self.due.add(midnight.unsigned_abs() * 1000, due);
    }

    /// What follows from the end of a refund.
    pub(super) fn refund_ended(&mut self, refund: usize, at: Millis) -> Answered<()> {
        let succeeded = self.rows[refund].state == "succeeded";
        if succeeded {
            let number = format!("sandbox{}", seconds(at));
            self.edit(refund, |document| {
                document.insert("transaction_no".into(), number.into());
                document.remove("failure_code");
                document.remove("failure_msg");
            });
        }
        if let Some(batch) = self.rows[refund].group {
            self.part_ended(batch, at)?;
        }
        let charge = self.rows[refund].parent;
        match charge.and_then(|charge| self.rows[charge].group) {
            Some(order) if succeeded && self.is(order, &ORDER) => {
                self.order_refunded(order, refund, at)
            }
            Some(recharge) if self.is(recharge, &RECHARGE) => {
                let to = if succeeded { "refunded" } else { "kept" };
                self.enter(recharge, to, at)?;
                if succeeded {
                    self.record_event("recharge.refund.succeeded", self.show(refund), at);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn create_batch_refund(&mut self, params: Fields) -> Answered {
        let app = self.app_in(&params)?;
        let document = check::created(&kinds::BATCH_REFUND, params)?;
        let reason = document["description"].clone();
        // Ids of charges, or objects with an amount each.
        let items: Vec<Fields> = document["charges"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|item| match item {
                Value::Object(item) => item.clone(),
                id => fields_of([("charge", id.clone())]),
            })
            .collect();
        let mut refunds = Vec::new();
        for mut item in items {
            let id = text(&item, "charge").to_owned();
            let charge = self.find_global(&CHARGE, &id)?;
            self.is_alone(charge)?;
            if refunds.iter().any(|(other, _)| *other == charge) {
                return Err(Answer::bad_parameter("charges", &format!("{id} is there twice")));
            }
            item.entry("description").or_insert(reason.clone());
            item.entry("status").or_insert("created".into());
            refunds.push((charge, item));
        }
        let now = self.clock.millis();
        let mut new = New::of(&kinds::BATCH_REFUND, app, document);
        new.document
            .insert("charges".into(), json!(refunds.iter().map(|r| &r.1).collect::<Vec<_>>()));
        let batch = self.add(new, now)?;
        for (at, (charge, mut item)) in refunds.into_iter().enumerate() {
            let wish = self.wish_for_part(batch, at);
            if !wish.is_null() {
                item.insert("metadata".into(), json!({ "sandbox": wish }));
            }
            let refund = self.refund(charge, item)?;
            self.group(refund, batch);
        }
        // A part that is refused at once has ended before it was one.
        self.part_ended(batch, now)?;
        Ok(Answer::ok(self.show(batch)))
    }

    /// The refunds of the charges of an order or a recharge, oldest first.
    pub(super) fn refunds_in(&self, group: usize) -> Vec<usize> {
        let charges = self.below(group, &CHARGE);
        let mut refunds: Vec<_> =
            charges.into_iter().flat_map(|charge| self.below(charge, &REFUND)).collect();
        refunds.sort_unstable();
        refunds
    }

    pub(super) fn refund_of(&self, group: usize, id: &str) -> Answered {
        let found = self.refunds_in(group).into_iter().find(|refund| self.id(*refund) == id);
        found.map(|refund| Answer::ok(self.show(refund))).ok_or_else(|| Answer::not_found(id))
    }
}
