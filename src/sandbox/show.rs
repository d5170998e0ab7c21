//! Rows as objects of the API: what is stored, and what follows from other rows.

use serde_json::{Value, json};

use super::credential::credential;
use super::kind::Kind;
use super::kinds::{self, CHARGE, COUPON, PROFIT_TRANSACTION, REFUND, TRANSFER};
use super::ledger::Account;
use super::state::{State, fields};
use super::values::{Fields, fields_of, number, text};

/// The number of items of a list within an object.
const FIRST_PAGE: usize = 10;

impl State {
    pub(super) fn show(&self, row: usize) -> Value {
        let this = &self.rows[row];
        let mut object = fields(this.kind).clone();
        let has_status = object.contains_key("status");
        let has_app = object.contains_key("app");
        object.extend(self.document(row));
        object.retain(|name, _| !name.starts_with('_'));
        if !matches!(this.kind.id, super::kind::IdForm::Named("channel")) {
            object.insert("id".into(), (&*this.id).into());
        }
        object.insert("object".into(), this.kind.object.into());
        object.insert("created".into(), this.created.into());
        if has_app {
            object.insert("app".into(), (&*self.apps[this.app]).into());
        }
        if has_status {
            object.insert("status".into(), this.state.into());
        }
        self.derive(row, &mut object);
        Value::Object(object)
    }

    /// The object of an app, where it is asked for.
    pub(super) fn show_app(&self, app: &str) -> Value {
        json!({
            "id": app, "object": "app", "created": 1_700_000_000, "display_name": "Sandbox",
            "notify_url": null
        })
    }

    /// Adds the fields of an object that follow from other rows.
    fn derive(&self, row: usize, object: &mut Fields) {
        let mut set = |name: &str, value: Value| object.insert(name.to_owned(), value);
        match self.rows[row].kind.name {
            "charge" => self.derive_charge(row, object),
            "refund" => {
                set("order_no", self.id(row).trim_start_matches("re_").into());
                if self.field(row, "funding_source").is_null() {
                    object.remove("funding_source");
                }
            }
            "batch_refund" => {
                set(
                    "charges",
                    self.with_parts(row, "charges", &REFUND, &["status", "failure_msg"]),
                );
                set("refunds", self.nested(None, &self.below(row, &REFUND)));
            }
            "batch_transfer" => {
                let names = ["status", "failure_msg"];
                set("recipients", self.with_parts(row, "recipients", &TRANSFER, &names));
            }
            "split_profit" => {
                let names = ["status", "currency", "time_finished", "split_receiver"];
                set("recipients", self.with_parts(row, "recipients", &PROFIT_TRANSACTION, &names));
            }
            "order" => self.derive_order(row, object),
            "recharge" => {
                let charges = self.below(row, &CHARGE);
                let charge = charges.first().map_or(json!({}), |charge| self.show(*charge));
                let refunds = charges.first().map(|charge| self.below(*charge, &REFUND));
                let bonus = self.below(row, &kinds::BALANCE_BONUS);
                set("charge", charge);
                let url = self.recharge_refunds_url(row);
                set("refunds", self.nested(Some(url), &refunds.unwrap_or_default()));
                set("balance_bonus", bonus.first().map_or(Value::Null, |bonus| self.show(*bonus)));
            }
            "event" => {
                let waits = self.has_webhook && self.rows[row].state == "waits";
                set("pending_webhooks", i32::from(waits).into());
            }
            "user" => {
                let balance = self.balance_of(row);
                for name in ["available_balance", "withdrawable_balance", "total_balance"] {
                    set(name, balance.into());
                }
                let coupons = self.below(row, &COUPON);
                let usable = coupons.iter().filter(|coupon| self.is_valid(**coupon)).count();
                set("available_coupons", usable.into());
                let accounts = self.below(row, &kinds::SETTLE_ACCOUNT);
                let shown = accounts.into_iter().map(|account| self.show(account));
                set("settle_accounts", shown.collect());
            }
            "settle_account" => {
                let mut recipient = self.field(row, "recipient");
                for name in ["account", "name"] {
                    if let Some(text) = recipient[name].as_str() {
                        recipient[name] = masked(text).into();
                    }
                }
                set("recipient", recipient);
            }
            "coupon" => {
                set("valid", self.is_valid(row).into());
                if let Some(template) = self.rows[row].group {
                    set("coupon_template", self.show(template));
                }
            }
            "coupon_template" => {
                let coupons = self.below(row, &COUPON);
                let redeemed = |coupon: &&usize| self.rows[**coupon].state == "redeemed";
                set("times_redeemed", coupons.iter().filter(redeemed).count().into());
                set("times_circulated", coupons.len().into());
            }
            "batch_withdrawal" => self.derive_batch(row, "withdrawals", &kinds::WITHDRAWAL, object),
            "royalty_settlement" => {
                self.derive_batch(row, "royalty_transactions", &kinds::ROYALTY_TRANSACTION, object);
            }
            _ => {}
        }
    }

    /// The list of what a batch was asked for, each item with the id of its part and fields of it.
    fn with_parts(&self, row: usize, list: &str, kind: &Kind, names: &[&str]) -> Value {
        let (items, parts) = (self.field(row, list), self.below(row, kind));
        let with_part = |(item, part): (&Value, &usize)| {
            let (mut item, part) = (item.clone(), self.show(*part));
            for name in names {
                item[*name] = part[*name].clone();
            }
            if matches!(kind.name, "refund" | "transfer") {
                item[kind.name] = part["id"].clone();
            }
            item
        };
        items.as_array().into_iter().flatten().zip(&parts).map(with_part).collect()
    }

    fn derive_charge(&self, row: usize, object: &mut Fields) {
        let mut refunds = self.below(row, &REFUND);
        let back = |refund: &&usize| self.rows[**refund].state == "succeeded";
        let returned = refunds.iter().filter(back).map(|refund| self.number(*refund, "amount"));
        let returned: i64 = returned.sum();
        refunds.reverse();
        let url = format!("/v1/charges/{}/refunds", self.id(row));
        object.insert("amount_refunded".into(), returned.into());
        object.insert("refunded".into(), (!refunds.is_empty()).into());
        object.insert("amount_settle".into(), object["amount"].clone());
        let paid = object["time_paid"].as_i64();
        let number = paid.map(|time| format!("sandbox{time}{row:06}"));
        object.insert("transaction_no".into(), number.into());
        if self.is_open(row, self.clock.millis()) {
            object.insert("credential".into(), credential(object));
        }
        let is_in_order = self.rows[row].group.is_some_and(|order| self.is(order, &kinds::ORDER));
        if !is_in_order {
            object.insert("refunds".into(), self.nested(Some(url), &refunds));
        }
    }

    fn derive_order(&self, row: usize, object: &mut Fields) {
        let mut charges = self.below(row, &CHARGE);
        charges.reverse();
        let shown: Vec<_> = charges.iter().map(|charge| self.show(*charge)).collect();
        let sum = |name: &str, of: &dyn Fn(&Value) -> bool| -> i64 {
            shown.iter().filter(|charge| of(charge)).filter_map(|c| c[name].as_i64()).sum()
        };
        let paid = sum("amount", &|charge| charge["paid"] == true && charge["reversed"] == false);
        let refunded = sum("amount_refunded", &|_| true);
        let actual = number(object, "actual_amount");
        let user = Account::User(self.rows[row].app, text(object, "uid").into());
        let values = [
            ("amount_paid", paid.into()),
            ("amount_refunded", refunded.into()),
            ("paid", (paid - refunded >= actual && object["time_paid"].is_i64()).into()),
            ("refunded", shown.iter().any(|charge| charge["refunded"] == true).into()),
            ("available_balance", self.ledger.balance(&user).into()),
            ("charge", shown.first().map_or(Value::Null, |charge| charge["id"].clone())),
            ("charges", self.nested(Some("/v1/charges".into()), &charges)),
        ];
        object.extend(fields_of(values));
        if let Some(charge) = shown.first() {
            let names =
                ["channel", "transaction_no", "failure_code", "failure_msg", "extra", "credential"];
            let essentials = fields_of(names.map(|name| (name, charge[name].clone())));
            object.insert("charge_essentials".into(), essentials.into());
        }
    }

    /// The sums and the members of a batch.
    fn derive_batch(&self, row: usize, list: &str, member: &Kind, object: &mut Fields) {
        let members = self.below(row, member);
        let mut add = |name: String, more: i64| {
            let sum = number(object, &name) + more;
            object.insert(name, sum.into());
        };
        for member in &members {
            let amount = self.number(*member, "amount");
            add("count".into(), 1);
            add("amount".into(), amount);
            let state = self.rows[*member].state;
            if matches!(state, "succeeded" | "failed" | "canceled") {
                add(format!("count_{state}"), 1);
                add(format!("amount_{state}"), amount);
            }
        }
        object.insert(list.to_owned(), self.nested(None, &members));
    }

    /// A list within an object.
    fn nested(&self, url: Option<String>, rows: &[usize]) -> Value {
        let data: Vec<_> = rows.iter().take(FIRST_PAGE).map(|row| self.show(*row)).collect();
        let has_more = rows.len() > data.len();
        json!({ "object": "list", "url": url, "has_more": has_more, "data": data })
    }

    /// Whether a coupon can be used.
    pub(super) fn is_valid(&self, coupon: usize) -> bool {
        let time = |name: &str, default: i64| self.field(coupon, name).as_i64().unwrap_or(default);
        self.rows[coupon].state == "issued"
            && (time("time_start", 0)..time("time_end", i64::MAX)).contains(&self.now())
    }

    /// The balance of a user.
    pub(super) fn balance_of(&self, user: usize) -> i64 {
        self.ledger.balance(&Account::User(self.rows[user].app, self.rows[user].id.clone()))
    }

    /// Shows a row with the fields expanded that a request asks for.
    pub(super) fn show_expanded(&self, row: usize, expanded: &[&str]) -> Value {
        let mut object = self.show(row);
        for name in expanded {
            let Some(id) = object.get(*name).and_then(Value::as_str) else { continue };
            let app = self.rows[row].app;
            object[*name] = match *name {
                "app" => self.show_app(id),
                "user" => match self.find(&kinds::USER, app, None, id) {
                    Ok(user) => self.show(user),
                    Err(_) => continue,
                },
                _ => continue,
            };
        }
        object
    }

    /// What is answered where something is deleted.
    pub(super) fn show_deleted(kind: &Kind, id: &str) -> Value {
        match kind.object {
            "channel" => json!({ "channel": id, "deleted": true }),
            _ => json!({ "id": id, "deleted": true }),
        }
    }
}

/// Text with its middle hidden, as account numbers are shown.
fn masked(text: &str) -> String {
    let count = text.chars().count();
    let shown = if count > 8 { 4 } else { 1 };
    let hide = |(at, c)| if at < shown || at + shown >= count { c } else { '*' };
    text.chars().enumerate().map(hide).collect()
}
