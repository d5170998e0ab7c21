//! Orders of the sandbox: their charges, their refunds, and what being paid does to coupons,
//! royalties and balances.

use serde_json::Value;

use super::answer::{Answer, Answered};
use super::check;
use super::clock::Millis;
use super::input::Query;
use super::kind::Purse::{Merchant, User};
use super::kind::{Limit, Paging};
use super::kinds::{BALANCE_SETTLEMENT, CHARGE, COUPON, ORDER, REFUND, USER};
use super::moves::New;
use super::operations::Place;
use super::rules;
use super::state::State;
use super::values::{Fields, fields_of, given, number, picked, text};

/// The parameters of an order that are not shown, but used when it is paid.
const KEPT: [&str; 3] = ["royalty_users", "royalty_template", "balance_settlement"];

/// The values of `KEPT` in the parameters.
fn kept(params: &Fields) -> Answered<[(&'static str, Option<Value>); 3]> {
    given(params, "royalty_users").map_or(Ok(()), check::shares)?;
    if let Some(user) = params.get("balance_settlement").and_then(|to| to.get("user")) {
        check::within("balance_settlement[user]", user, Limit::UserId)?;
    }
    Ok(KEPT.map(|name| (name, params.get(name).cloned())))
}

const DAY: i64 = 86_400;

impl State {
    pub(super) fn create_order(&mut self, params: Fields) -> Answered {
        let app = self.app_in(&params)?;
        let now = self.clock.millis();
        let kept = kept(&params)?;
        self.check_expiry(&params)?;
        let mut document = check::created(&ORDER, params)?;
        let amount = number(&document, "amount");
        let uid = document.get("uid").and_then(Value::as_str).map(str::to_owned);
        let coupon = document.get("coupon").and_then(Value::as_str).map(str::to_owned);
        let coupon = match coupon {
            None => None,
            Some(id) => Some(self.usable_coupon(app, uid.as_deref(), &id, amount)?),
        };
        let off = coupon.map_or(0, |coupon| self.discount(coupon, amount));
        let own = &*self.apps[app];
        for (name, value) in [("receipt_app", own), ("service_app", own)] {
            document.entry(name).or_insert(value.into());
        }
        document.entry("time_expire").or_insert((self.now() + DAY).into());
        let sums = ["paid", "refunded", "amount_paid", "amount_refunded", "charge", "charges"];
        document.retain(|name, _| !sums.contains(&name.as_str()));
        document.insert("coupon_amount".into(), off.into());
        document.insert("actual_amount".into(), (amount - off).into());
        let kept = kept.into_iter().filter_map(|(name, value)| Some((format!("_{name}"), value?)));
        document.extend(kept);
        if let Some(uid) = uid {
            self.user(app, &uid, now)?;
        }
        let order = self.add(New::of(&ORDER, app, document), now)?;
        Ok(Answer::ok(self.show(order)))
    }

    pub(super) fn update_order(&mut self, place: Place, id: &str, params: Fields) -> Answered {
        let order = self.find_at(place, id)?;
        let user = text(&params, "user");
        if !user.is_empty() && user != self.text(order, "uid") {
            return Err(Answer::bad_parameter("user", "not the user of the order"));
        }
        let charges = self.below(order, &CHARGE);
        if charges.iter().any(|charge| self.rows[*charge].state == "paid") {
            return Err(self.unexpected(order, "a charge of it is paid"));
        }
        let kept = kept(&params)?;
        self.check_expiry(&params)?;
        let has_amount = given(&params, "amount").is_some();
        let has_other = kept.iter().any(|(_, value)| value.is_some());
        let is_plain = ORDER.updates.iter().any(|name| params.contains_key(*name));
        match has_other && !is_plain && !params.contains_key("status") {
            true if self.rows[order].state != "created" => {
                return Err(self.unexpected(order, "it cannot be changed any more"));
            }
            true => {}
            false => drop(self.update(place, id, params)?),
        }
        for (name, value) in kept {
            if let Some(value) = value {
                self.set(order, &format!("_{name}"), value);
            }
        }
        if self.rows[order].state == "canceled" {
            for charge in self.below(order, &CHARGE) {
                if self.rows[charge].state == "open" {
                    self.close_charge(charge)?;
                }
            }
        }
        if has_amount && self.rows[order].state == "created" {
            let (amount, coupon) = (self.number(order, "amount"), self.coupon_of(order)?);
            let off = coupon.map_or(0, |coupon| self.discount(coupon, amount));
            self.set(order, "coupon_amount", off);
            self.set(order, "actual_amount", amount - off);
        }
        Ok(Answer::ok(self.show(order)))
    }

    /// Checks when an order is to expire: within the limits of a charge.
    fn check_expiry(&self, params: &Fields) -> Answered<()> {
        let (now, Some(time)) = (self.now(), given(params, "time_expire")) else { return Ok(()) };
        check::within("time_expire", time, Limit::Number(now + 60, now + 15 * DAY))
    }

    pub(super) fn pay_for_order(&mut self, order: usize, params: Fields) -> Answered {
        if self.rows[order].state != "created" {
            return Err(self.unexpected(order, "it is not to be paid"));
        }
        if self.number(order, "time_expire") <= self.now() {
            return Err(self.unexpected(order, "it has expired"));
        }
        // Another order may have used it by now.
        self.coupon_of(order)?;
        if self.number(order, "actual_amount") == 0 {
            self.pay_order(order, self.clock.millis())?;
            return Ok(Answer::ok(self.show(order)));
        }
        let charge = self.order_charge_params(order, &params)?;
        let part = params.get("combined_with").filter(|part| part.is_object()).cloned();
        if let Some(refusal) = self.charge_for_order(charge, order)? {
            return Ok(refusal);
        }
        // The second channel of a combined payment.
        if let Some(Value::Object(mut part)) = part {
            let part_no = format!("{}C", self.text(order, "merchant_order_no"));
            part.insert("charge_order_no".into(), part_no.into());
            let uid = self.text(order, "uid");
            part.entry("extra").or_insert(serde_json::json!({ "user": uid }));
            let params = self.order_charge_params(order, &part)?;
            if let Some(refusal) = self.charge_for_order(params, order)? {
                // Which takes the first part back, too.
                return Err(refusal);
            }
        }
        Ok(Answer::ok(self.show(order)))
    }

    /// Adds a charge of an order, and returns the refusal that leaves it as a failed one.
    fn charge_for_order(&mut self, params: Fields, order: usize) -> Answered<Option<Answer>> {
        rules::not_custom(&params)?;
        let (charge, is_new) = self.add_charge(self.rows[order].app, params, None, Some(order))?;
        if !is_new {
            return Ok(None);
        }
        let ends = |row: usize| self.number(row, "time_expire");
        self.set(charge, "time_expire", ends(charge).min(ends(order)));
        Ok(self.begin_payment(charge))
    }

    /// The parameters of a charge of an order.
    fn order_charge_params(&self, order: usize, params: &Fields) -> Answered<Fields> {
        let document = self.document(order);
        let paid: i64 = self
            .below(order, &CHARGE)
            .iter()
            .filter(|charge| self.rows[**charge].state == "paid")
            .map(|charge| self.number(*charge, "amount"))
            .sum();
        let most = self.number(order, "actual_amount") - paid;
        let amount = params.get("charge_amount").and_then(Value::as_i64).unwrap_or(most);
        if !(1..=most).contains(&amount) {
            return Err(Answer::bad_parameter("charge_amount", &format!("not 1 to {most}")));
        }
        let mut charge = picked(&document, &["client_ip", "currency", "subject", "body"]);
        charge.extend(picked(params, &["channel", "extra", "time_expire", "metadata"]));
        let number = given(params, "charge_order_no").unwrap_or(&document["merchant_order_no"]);
        charge.insert("order_no".into(), number.clone());
        charge.insert("amount".into(), amount.into());
        if charge.get("channel").is_some_and(|channel| channel == "balance") {
            let user = serde_json::json!({ "user": document.get("uid") });
            charge.insert("extra".into(), user);
        }
        Ok(charge)
    }

    /// A charge of the order was paid, or there is nothing to pay.
    pub(super) fn pay_order(&mut self, order: usize, at: Millis) -> Answered<()> {
        let paid = self.show(order)["amount_paid"].as_i64().unwrap_or_default();
        if self.rows[order].state != "created" || paid < self.number(order, "actual_amount") {
            return Ok(());
        }
        self.enter(order, "paid", at)?;
        let app = self.rows[order].app;
        let coupon = self.text(order, "coupon");
        if !coupon.is_empty() {
            let coupon = self.find_global(&COUPON, &coupon)?;
            if self.rows[coupon].state == "redeemed" {
                return Err(self.unexpected(coupon, "another order has used it"));
            }
            self.set(coupon, "order", self.id(order).to_owned());
            self.set(coupon, "actual_amount", self.number(order, "actual_amount"));
            self.enter(coupon, "redeemed", at)?;
        }
        let settlement = self.field(order, "_balance_settlement");
        if let Some(user) = settlement["user"].as_str() {
            let fee = settlement["user_fee"].as_i64().unwrap_or_default();
            let charge =
                self.below(order, &CHARGE).last().map(|charge| self.id(*charge).to_owned());
            let document = fields_of([
                ("user", Value::from(user)),
                ("amount", paid.saturating_sub(fee).clamp(0, paid).into()),
                ("user_fee", fee.into()),
                ("charge", charge.unwrap_or_default().into()),
                ("order_no", self.text(order, "merchant_order_no").into()),
                ("time_credited", self.now().into()),
            ]);
            let new = New { group: Some(order), ..New::of(&BALANCE_SETTLEMENT, app, document) };
            self.add(new, at)?;
        }
        let users = self.royalty_users_of(order);
        self.add_royalties(order, &users, at)
    }

    /// Refunds one charge of an order, or all that was paid. Returns a list of refunds.
    pub(super) fn refund_order(&mut self, order: usize, mut params: Fields) -> Answered {
        let id = params.remove("charge").filter(|charge| !charge.is_null());
        let amount = params.remove("charge_amount").filter(|amount| !amount.is_null());
        let charges: Vec<_> = match (&id, &amount) {
            (None, Some(_)) => {
                return Err(Answer::bad_parameter("charge", "missing for charge_amount"));
            }
            (None, None) => self.below(order, &CHARGE),
            (Some(id), _) => {
                let charge = self.find_global(&CHARGE, id.as_str().unwrap_or_default())?;
                if self.rows[charge].group != Some(order) {
                    return Err(Answer::not_found(self.id(charge)));
                }
                vec![charge]
            }
        };
        let charges: Vec<_> =
            charges.into_iter().filter(|charge| self.refundable(*charge) > 0).collect();
        if charges.is_empty() {
            return Err(self.unexpected(order, "nothing is left to refund"));
        }
        check::required(&params, "description")?;
        params.remove("amount");
        if let Some(amount) = amount {
            params.insert("amount".into(), amount);
        }
        let to_balance = params.get("refund_mode").is_some_and(|mode| mode == "to_balance");
        let uid = self.text(order, "uid");
        if to_balance && uid.is_empty() {
            return Err(Answer::bad_parameter("refund_mode", "the order has no uid"));
        }
        let shares = params.remove("royalty_users").unwrap_or_default();
        self.check_shares_back(order, &shares)?;
        let mut refunds = Vec::new();
        for charge in charges {
            let refund = self.refund(charge, params.clone())?;
            if refunds.is_empty() {
                self.set(refund, "_royalty_users", shares.clone());
            }
            if to_balance {
                self.set(refund, "_source", uid.clone());
            }
            refunds.push(refund);
        }
        self.list_of(refunds, &REFUND, Paging::Pages, &self.refunds_url(order), &Query::parse(""))
    }

    /// What was credited to a user for the order goes back to the merchant, who refunds it: the same
    /// part of it as is refunded of the order.
    fn take_settlement_back(&mut self, order: usize, refunded: i64, paid: i64, at: Millis) {
        for settlement in self.below(order, &BALANCE_SETTLEMENT) {
            let all = self.number(settlement, "amount") * refunded / paid.max(1);
            let more = all - self.number(settlement, "amount_refunded");
            let posted = self.attempt(|state| {
                state.post(settlement, User("user"), Merchant, more, "credited_refund", at)
            });
            // A user who has spent it keeps the settlement.
            if posted.is_ok() && more > 0 {
                self.set(settlement, "amount_refunded", all);
                self.set(settlement, "refunded", true);
            }
        }
    }

    /// A refund of the order has succeeded.
    pub(super) fn order_refunded(
        &mut self,
        order: usize,
        refund: usize,
        at: Millis,
    ) -> Answered<()> {
        let object = self.show(order);
        let sum = |name: &str| object[name].as_i64().unwrap_or_default();
        self.take_settlement_back(order, sum("amount_refunded"), sum("amount_paid"), at);
        self.take_shares_back(order, &self.field(refund, "_royalty_users"));
        let all_back = object["amount_refunded"] == object["amount_paid"];
        match self.rows[order].state == "paid" && all_back {
            true => self.enter(order, "refunded", at),
            false => Ok(()),
        }
    }

    pub(super) fn order_charges(&self, order: usize, query: &Query) -> Answered {
        let url = format!("/v1/orders/{}/charges", self.id(order));
        self.list_of(self.below(order, &CHARGE), &CHARGE, Paging::Pages, &url, query)
    }

    pub(super) fn order_charge(&self, order: usize, id: &str) -> Answered {
        let charge = self.find_global(&CHARGE, id)?;
        let is_its = self.rows[charge].group == Some(order);
        is_its.then(|| Answer::ok(self.show(charge))).ok_or_else(|| Answer::not_found(id))
    }

    pub(super) fn order_refunds(&self, order: usize, query: &Query) -> Answered {
        let url = self.refunds_url(order);
        self.list_of(self.refunds_in(order), &REFUND, Paging::Pages, &url, query)
    }

    fn refunds_url(&self, order: usize) -> String {
        format!("/v1/orders/{}/order_refunds", self.id(order))
    }

    /// The coupon of an order, which has to be usable.
    fn coupon_of(&self, order: usize) -> Answered<Option<usize>> {
        let (coupon, uid) = (self.text(order, "coupon"), self.text(order, "uid"));
        let (app, amount) = (self.rows[order].app, self.number(order, "amount"));
        let is_there = !coupon.is_empty();
        is_there.then(|| self.usable_coupon(app, Some(&uid), &coupon, amount)).transpose()
    }

    /// A coupon of the user that can be used for an order of this amount.
    fn usable_coupon(
        &self,
        app: usize,
        uid: Option<&str>,
        id: &str,
        amount: i64,
    ) -> Answered<usize> {
        let refuse = |why: &str| Err(Answer::bad_parameter("coupon", why));
        let coupon = self.find_global(&COUPON, id)?;
        let user = uid.and_then(|uid| self.find(&USER, app, None, uid).ok());
        if user.is_none() || self.rows[coupon].parent != user {
            return refuse("not a coupon of the user `uid`");
        }
        if !self.is_valid(coupon) {
            return refuse("redeemed, or not valid now");
        }
        let template = self.rows[coupon].group.map(|template| self.document(template));
        let least = template.and_then(|t| t.get("amount_available").and_then(Value::as_i64));
        if amount < least.unwrap_or_default() {
            return refuse("the amount is below amount_available of its template");
        }
        Ok(coupon)
    }

    /// What a coupon takes off an amount.
    fn discount(&self, coupon: usize, amount: i64) -> i64 {
        let template = self.rows[coupon].group.map(|t| self.document(t)).unwrap_or_default();
        let number = |name: &str| template.get(name).and_then(Value::as_i64);
        let off = match number("percent_off") {
            Some(percent) => amount * percent / 100,
            None => number("amount_off").unwrap_or_default(),
        };
        off.min(number("discount_amount_limit").unwrap_or(i64::MAX)).min(amount)
    }
}
