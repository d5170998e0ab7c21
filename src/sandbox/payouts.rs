//! Payouts of the sandbox that have rules of their own: transfers and batches of them, shares of a
//! payment, customs.
//!
//! A transfer is canceled by `POST /v1/transfers/{id}/reverse`. The older `PUT` with `status=canceled` is
//! retired, and refused.

use serde_json::Value;

use super::answer::{Answer, Answered};
use super::check;
use super::kind::Limit;
use super::kinds::{self, CHARGE, PROFIT_TRANSACTION, TRANSFER};
use super::moves::New;
use super::operations::Place;
use super::rules;
use super::state::{Due, State};
use super::values::{Fields, given, picked, text};

/// The amounts that one recipient may get.
const AMOUNTS: std::ops::RangeInclusive<i64> = 1..=1_000_000_000;

/// The states of what comes back of a share.
const BACK: &[&str] = &["returning", "returned"];

/// How long a transfer of a batch takes.
const TAKES: u64 = 2_000;

impl State {
    pub(super) fn create_transfer(&mut self, params: Fields) -> Answered {
        let app = self.app_in(&params)?;
        let document = check::created(&TRANSFER, params)?;
        rules::check_transfer(&document)?;
        let transfer = self.add_transfer(app, document, None)?;
        Ok(Answer::ok(self.show(transfer)))
    }

    /// Adds a transfer, by itself or as a part of a batch.
    fn add_transfer(
        &mut self,
        app: usize,
        mut transfer: Fields,
        batch: Option<usize>,
    ) -> Answered<usize> {
        rules::check_type(&transfer)?;
        if text(&transfer, "channel") == "balance" {
            let user = transfer["recipient"].clone();
            check::within("recipient", &user, Limit::UserId)?;
            transfer.insert("_source".into(), user);
        }
        self.add(New { group: batch, ..New::of(&TRANSFER, app, transfer) }, self.clock.millis())
    }

    pub(super) fn create_batch_transfer(&mut self, params: Fields) -> Answered {
        let (app, now) = (self.app_in(&params)?, self.clock.millis());
        let kind = &kinds::BATCH_TRANSFER;
        let document = check::created(kind, params)?;
        let recipients = document["recipients"].as_array().cloned().unwrap_or_default();
        let amounts = recipients.iter().map(|recipient| recipient["amount"].as_i64());
        let total =
            amounts.map(|amount| amount.filter(|n| AMOUNTS.contains(n))).sum::<Option<i64>>();
        if total.is_none() || document["amount"].as_i64() != total {
            return Err(Answer::bad_parameter("amount", "not the sum of the recipients' amounts"));
        }
        let shared = ["channel", "type", "currency", "batch_no", "description", "metadata"];
        let shared = picked(&document, &shared);
        let number = text(&document, "batch_no").to_owned();
        let batch = self.add(New::of(kind, app, document), now)?;
        for (at, recipient) in recipients.iter().enumerate() {
            let mut transfer = shared.clone();
            let names = match text(&shared, "channel") {
                "balance" => &["user"][..],
                _ => &["account", "open_id", "user"],
            };
            let to = names.iter().map(|name| &recipient[*name]).find(|to| to.is_string());
            let why = format!("one has no {}", names.join(" or "));
            let to = to.ok_or_else(|| Answer::bad_parameter("recipients", &why))?;
            let order_no = recipient["order_no"].as_str().map(str::to_owned);
            let order_no = order_no.unwrap_or_else(|| format!("{number}{at:03}"));
            transfer.insert("amount".into(), recipient["amount"].clone());
            transfer.insert("order_no".into(), order_no.into());
            transfer.insert("recipient".into(), to.clone());
            transfer.insert("_sandbox".into(), self.wish_for_part(batch, at));
            let transfer = self.add_transfer(app, transfer, Some(batch))?;
            self.due.add(now + TAKES, Due { row: transfer, from: "pending", to: "paid" });
        }
        Ok(Answer::ok(self.show(batch)))
    }

    pub(super) fn create_split_profit(&mut self, params: Fields) -> Answered {
        let (app, now) = (self.app_in(&params)?, self.clock.millis());
        let kind = &kinds::SPLIT_PROFIT;
        let mut document = check::created(kind, params)?;
        let charge = self.find_global(&CHARGE, text(&document, "charge"))?;
        let is_return = document["type"] == "split_return";
        let recipients = document["recipients"].as_array().cloned().unwrap_or_default();
        let receivers = &kinds::SPLIT_RECEIVER;
        let mut total = 0;
        for recipient in &recipients {
            let amount = recipient["amount"].as_i64().filter(|amount| *amount > 0);
            let why = "each recipient needs an amount above 0";
            let amount = amount.ok_or_else(|| Answer::bad_parameter("recipients", why))?;
            total = amount.saturating_add(total);
            let receiver = recipient["split_receiver"].as_str();
            match (receiver, is_return) {
                (Some(receiver), false) => drop(self.find_global(receivers, receiver)?),
                (None, true) => {}
                _ => {
                    let why = "split_receiver goes with split_normal, and with that alone";
                    return Err(Answer::bad_parameter("recipients", why));
                }
            }
        }
        let most = match is_return {
            true => self.split_in(charge, &["succeeded"]) - self.split_in(charge, BACK),
            false => self.refundable(charge),
        };
        if self.rows[charge].state != "paid" || total > most {
            return Err(Answer::bad_parameter("charge", "not paid, or less is left"));
        }
        document.insert("channel".into(), self.field(charge, "channel"));
        let new = New { group: Some(charge), ..New::of(kind, app, document) };
        let profit = self.add(new, now)?;
        for recipient in recipients {
            let names = ["split_receiver", "amount", "name", "description"];
            let mut part = recipient.as_object().map(|r| picked(r, &names)).unwrap_or_default();
            part.insert("split_profit".into(), self.id(profit).into());
            let state = if is_return { "returning" } else { "pending" };
            let new = New::of(&PROFIT_TRANSACTION, app, part);
            self.add(New { group: Some(profit), state, ..new }, now)?;
        }
        Ok(Answer::ok(self.show(profit)))
    }

    /// The amount of a charge that others have got, or get.
    pub(super) fn split(&self, charge: usize) -> i64 {
        self.split_in(charge, &["pending", "succeeded"]) - self.split_in(charge, &["returned"])
    }

    fn split_in(&self, charge: usize, states: &[&str]) -> i64 {
        let profits = self.below(charge, &kinds::SPLIT_PROFIT).into_iter();
        let parts = profits.flat_map(|profit| self.below(profit, &PROFIT_TRANSACTION));
        let counts = |part: &usize| states.contains(&self.rows[*part].state);
        parts.filter(counts).map(|part| self.number(part, "amount")).sum()
    }

    pub(super) fn create_customs(&mut self, place: Place, params: Fields) -> Answered {
        check::complete(place.kind, &params)?;
        let charge = self.find_global(&CHARGE, text(&params, "charge"))?;
        if self.rows[charge].state != "paid" {
            return Err(Answer::bad_parameter("charge", "not paid"));
        }
        if params.get("trade_no") == Some(&self.field(charge, "order_no")) {
            return Err(Answer::bad_parameter("trade_no", "the order_no of the charge"));
        }
        let is_split = params.get("is_split") == Some(&Value::Bool(true));
        if is_split && given(&params, "sub_order_no").is_none() {
            return Err(Answer::bad_parameter("sub_order_no", "missing for is_split"));
        }
        self.create(place, params)
    }
}
