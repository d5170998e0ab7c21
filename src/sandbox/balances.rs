//! Recharges, transfers between balances, and withdrawals of the sandbox.

use serde_json::{Value, json};

use super::answer::{Answer, Answered};
use super::check;
use super::input::Query;
use super::kind::{Limit, Paging};
use super::kinds::{self, BALANCE_BONUS, CHARGE, RECHARGE, REFUND, USER};
use super::moves::New;
use super::operations::Place;
use super::rules;
use super::state::State;
use super::values::{Fields, fields_of, given, number, text};

impl State {
    pub(super) fn create_recharge(&mut self, place: Place, mut params: Fields) -> Answered {
        let (app, now) = (place.app.unwrap_or_default(), self.clock.millis());
        // The reference says that a `user_fee` excludes a bonus, but official clients send both.
        let bonus = params.remove("balance_bonus").unwrap_or_default()["amount"].clone();
        let bonus = if bonus.is_null() { 0.into() } else { bonus };
        check::within("balance_bonus[amount]", &bonus, Limit::Number(0, 1_000_000_000))?;
        let bonus = bonus.as_i64().unwrap_or_default();
        let Some(Value::Object(mut charge)) = params.remove("charge") else {
            return Err(Answer::bad_parameter("charge", "missing"));
        };
        params.insert("charge".into(), json!({ "is": "there" }));
        let mut document = check::created(&RECHARGE, params)?;
        document.remove("charge");
        let (amount, fee) = (number(&charge, "amount"), number(&document, "user_fee"));
        if fee > amount {
            return Err(Answer::bad_parameter("user_fee", "more than the amount of the charge"));
        }
        // The bonus is posted as a `balance_bonus`.
        document.insert("amount".into(), (amount - fee + bonus).into());
        document.insert("_posts".into(), (amount - fee).into());
        document.insert("_bonus".into(), bonus.into());
        let user = text(&document, "user").to_owned();
        document.entry("from_user").or_insert(user.as_str().into());
        charge.entry("client_ip").or_insert("127.0.0.1".into());
        charge.entry("currency").or_insert("cny".into());
        if let Some(description) = document.get("description") {
            charge.entry("description").or_insert(description.clone());
        }
        let (charge, is_new) = self.add_charge(app, charge, None, None)?;
        if !is_new {
            // The same order again is the same recharge.
            let first = self.rows[charge].group;
            let used =
                || Answer::conflict("charge_order_no_used", "another charge has this order_no");
            return first.map(|first| Answer::ok(self.show(first))).ok_or_else(used);
        }
        self.user(app, &user, now)?;
        let recharge = self.add(New::of(&RECHARGE, app, document), now)?;
        self.group(charge, recharge);
        let refusal = self.begin_payment(charge);
        Ok(refusal.unwrap_or_else(|| Answer::ok(self.show(recharge))))
    }

    /// Credits the bonus of a recharge.
    pub(super) fn add_bonus(&mut self, recharge: usize, at: u64) -> Answered<()> {
        let bonus = self.number(recharge, "_bonus");
        if bonus == 0 {
            return Ok(());
        }
        let document = fields_of([
            ("user", Value::from(self.text(recharge, "user"))),
            ("amount", bonus.into()),
            ("order_no", format!("bonus{}", self.id(recharge)).into()),
        ]);
        let app = self.rows[recharge].app;
        self.add(New { group: Some(recharge), ..New::of(&BALANCE_BONUS, app, document) }, at)?;
        Ok(())
    }

    /// Refunds a recharge in full: the user gives the balance back, and the charge is refunded.
    pub(super) fn refund_recharge(&mut self, recharge: usize, mut params: Fields) -> Answered {
        if self.rows[recharge].state != "succeeded" && self.rows[recharge].state != "kept" {
            return Err(self.unexpected(recharge, "there is nothing to refund"));
        }
        check::required(&params, "description")?;
        params.remove("amount");
        let charge = self.below(recharge, &CHARGE)[0];
        self.set(recharge, "_posts", self.number(recharge, "amount"));
        self.enter(recharge, "refunding", self.clock.millis())?;
        let refund = self.refund(charge, params)?;
        Ok(Answer::ok(self.show(refund)))
    }

    pub(super) fn recharge_refunds(&self, recharge: usize, query: &Query) -> Answered {
        let url = self.recharge_refunds_url(recharge);
        self.list_of(self.refunds_in(recharge), &REFUND, Paging::Pages, &url, query)
    }

    pub(super) fn recharge_refunds_url(&self, recharge: usize) -> String {
        let app = &self.apps[self.rows[recharge].app];
        format!("/v1/apps/{app}/recharges/{}/refunds", self.id(recharge))
    }

    pub(super) fn create_balance_transfer(&mut self, place: Place, params: Fields) -> Answered {
        if params.get("recipient") == params.get("user") {
            return Err(Answer::bad_parameter("recipient", "the same as user"));
        }
        if text(&params, "user") == "0" {
            return Err(Answer::bad_parameter("user", "\"0\" pays nobody"));
        }
        self.create(place, params)
    }

    pub(super) fn create_withdrawal(&mut self, place: Place, mut params: Fields) -> Answered {
        let user = self.find(&USER, place.app.unwrap_or_default(), None, text(&params, "user"))?;
        if let Some(Value::String(id)) = params.get("settle_account") {
            let account = self.find(&kinds::SETTLE_ACCOUNT, 0, Some(user), id)?;
            params.insert("channel".into(), self.field(account, "channel"));
            params.insert("extra".into(), self.field(account, "recipient"));
        } else if given(&params, "channel").is_none() {
            return Err(Answer::bad_parameter("channel", "missing, and no settle_account"));
        }
        if number(&params, "user_fee") > number(&params, "amount") {
            return Err(Answer::bad_parameter("user_fee", "more than the amount"));
        }
        rules::payout_order_no(text(&params, "channel"), text(&params, "order_no"))?;
        self.create(place, params)
    }

    pub(super) fn create_batch_withdrawal(&mut self, place: Place, params: Fields) -> Answered {
        let (app, now) = (place.app.unwrap_or_default(), self.clock.millis());
        let status = match params.get("status").map(|status| status.as_str().unwrap_or("?")) {
            None | Some("pending") => "pending",
            Some("canceled") => "canceled",
            Some(_) => return Err(Answer::bad_parameter("status", "not pending or canceled")),
        };
        let ids = params.get("withdrawals").cloned().unwrap_or_default();
        check::within("withdrawals", &ids, Limit::Items(200))?;
        let mut members = Vec::new();
        for id in ids.as_array().into_iter().flatten() {
            let of_app = Place { kind: &kinds::WITHDRAWAL, ..place };
            let member = self.find_at(of_app, id.as_str().unwrap_or_default())?;
            if self.rows[member].state != "created" || members.contains(&member) {
                return Err(self.unexpected(member, "only a created one, once, can be in a batch"));
            }
            members.push(member);
        }
        let document = fields_of([("metadata", check::metadata_of(&params)?)]);
        let batch = self.add(New::of(&kinds::BATCH_WITHDRAWAL, app, document), now)?;
        for member in &members {
            self.group(*member, batch);
        }
        self.each_part(batch, status, now)?;
        Ok(Answer::ok(self.show(batch)))
    }
}
