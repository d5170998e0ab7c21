//! Recharges, transfers between balances, and withdrawals of the sandbox.

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::check;
use super::input::Query;
use super::kind::Paging;
use super::kinds::{self, BALANCE_BONUS, CHARGE, RECHARGE, REFUND, USER};
use super::moves::New;
use super::operations::Place;
use super::state::State;

impl State {
    pub(super) fn create_recharge(
        &mut self,
        place: Place,
        mut params: Map<String, Value>,
    ) -> Result<Answer, Answer> {
        let (app, now) = (place.app.unwrap_or_default(), self.clock.millis());
        let bonus = params.remove("balance_bonus").unwrap_or_default()["amount"].as_i64();
        let Some(Value::Object(mut charge)) = params.remove("charge") else {
            return Err(Answer::bad_parameter("charge", "missing"));
        };
        params.insert("charge".into(), json!({ "is": "there" }));
        let mut document = check::created(&RECHARGE, params)?;
        document.remove("charge");
        let amount = charge.get("amount").and_then(Value::as_i64).unwrap_or_default();
        let fee = document.get("user_fee").and_then(Value::as_i64).unwrap_or_default();
        let bonus = bonus.unwrap_or_default();
        if fee > amount || bonus < 0 {
            return Err(Answer::bad_parameter("user_fee", "more than the amount of the charge"));
        }
        // The bonus is posted as a `balance_bonus`.
        document.insert("amount".into(), (amount - fee + bonus).into());
        document.insert("_posts".into(), (amount - fee).into());
        document.insert("_bonus".into(), bonus.into());
        let user = document["user"].as_str().unwrap_or_default().to_owned();
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
        self.begin_payment(charge)?;
        Ok(Answer::ok(self.show(recharge)))
    }

    /// Credits the bonus of a recharge.
    pub(super) fn add_bonus(&mut self, recharge: usize, at: u64) -> Result<(), Answer> {
        let bonus = self.number(recharge, "_bonus");
        if bonus == 0 {
            return Ok(());
        }
        let fields = [
            ("user", Value::from(self.text(recharge, "user"))),
            ("amount", bonus.into()),
            ("order_no", format!("bonus{}", self.id(recharge)).into()),
        ];
        let document = Map::from_iter(fields.map(|(name, value)| (name.to_owned(), value)));
        let app = self.rows[recharge].app;
        self.add(New { group: Some(recharge), ..New::of(&BALANCE_BONUS, app, document) }, at)?;
        Ok(())
    }

    /// Refunds a recharge in full: the user gives the balance back, and the charge is refunded.
    pub(super) fn refund_recharge(
        &mut self,
        recharge: usize,
        mut params: Map<String, Value>,
    ) -> Result<Answer, Answer> {
        if self.rows[recharge].state != "succeeded" && self.rows[recharge].state != "kept" {
            return Err(self.unexpected(recharge, "there is nothing to refund"));
        }
        if params.get("description").and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(Answer::bad_parameter("description", "missing"));
        }
        params.remove("amount");
        let charge = self.below(recharge, &CHARGE)[0];
        check::checked(&REFUND, params.clone())?;
        self.set(recharge, "_posts", self.number(recharge, "amount"));
        self.enter(recharge, "refunding", self.clock.millis())?;
        let refund = self.refund(charge, params)?;
        Ok(Answer::ok(self.show(refund)))
    }

    pub(super) fn recharge_refunds(
        &self,
        recharge: usize,
        query: &Query,
    ) -> Result<Answer, Answer> {
        let app = &self.apps[self.rows[recharge].app];
        let url = format!("/v1/apps/{app}/recharges/{}/refunds", self.id(recharge));
        self.list_of(self.refunds_in(recharge), &REFUND, Paging::Pages, &url, query)
    }

    pub(super) fn create_balance_transfer(
        &mut self,
        place: Place,
        params: Map<String, Value>,
    ) -> Result<Answer, Answer> {
        let number = |name: &str| params.get(name).and_then(Value::as_i64).unwrap_or_default();
        let needed = number("amount").saturating_add(number("user_fee"));
        let payer = params.get("user").and_then(Value::as_str).unwrap_or_default();
        if params.get("recipient") == params.get("user") {
            return Err(Answer::bad_parameter("recipient", "the same as user"));
        }
        let user = self.find(&USER, place.app.unwrap_or_default(), None, payer);
        if user.is_ok_and(|user| self.balance_of(user) < needed) {
            return Err(Answer::balance_too_low());
        }
        self.create(place, params)
    }

    pub(super) fn create_withdrawal(
        &mut self,
        place: Place,
        mut params: Map<String, Value>,
    ) -> Result<Answer, Answer> {
        let app = place.app.unwrap_or_default();
        let account = params.get("settle_account").and_then(Value::as_str).map(str::to_owned);
        if let Some(id) = account {
            let kind = &kinds::SETTLE_ACCOUNT;
            let account = self.find_global(kind, &id)?;
            params.insert("channel".into(), self.field(account, "channel"));
            params.insert("extra".into(), self.field(account, "recipient"));
        } else if params.get("channel").is_none_or(Value::is_null) {
            return Err(Answer::bad_parameter("channel", "missing, and no settle_account"));
        }
        let number = |name: &str| params.get(name).and_then(Value::as_i64).unwrap_or_default();
        if number("user_fee") > number("amount") {
            return Err(Answer::bad_parameter("user_fee", "more than the amount"));
        }
        self.find(&USER, app, None, params.get("user").and_then(Value::as_str).unwrap_or(""))?;
        self.create(place, params)
    }

    pub(super) fn create_batch_withdrawal(
        &mut self,
        place: Place,
        params: Map<String, Value>,
    ) -> Result<Answer, Answer> {
        let (app, now) = (place.app.unwrap_or_default(), self.clock.millis());
        let status = match params.get("status").map(|status| status.as_str().unwrap_or("?")) {
            None | Some("pending") => "pending",
            Some("canceled") => "canceled",
            Some(_) => return Err(Answer::bad_parameter("status", "not pending or canceled")),
        };
        let ids = params.get("withdrawals").cloned().unwrap_or_default();
        check::within("withdrawals", &ids, super::kind::Limit::Items(200))?;
        let kind = &kinds::WITHDRAWAL;
        let mut members = Vec::new();
        for id in ids.as_array().into_iter().flatten() {
            let member = self.find_global(kind, id.as_str().unwrap_or_default())?;
            if self.rows[member].state != "created" || members.contains(&member) {
                return Err(self.unexpected(member, "only a created one, once, can be in a batch"));
            }
            members.push(member);
        }
        let metadata = params.get("metadata").filter(|metadata| metadata.is_object()).cloned();
        let metadata = metadata.unwrap_or_else(|| json!({}));
        check::metadata(&metadata)?;
        let document = Map::from_iter([("metadata".to_owned(), metadata)]);
        let kind = &kinds::BATCH_WITHDRAWAL;
        let batch = self.add(New::of(kind, app, document), now)?;
        for member in &members {
            self.group(*member, batch);
        }
        self.each_part(batch, status, now)?;
        Ok(Answer::ok(self.show(batch)))
    }
}
