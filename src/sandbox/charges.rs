//! Charges of the sandbox: creating, paying, reversing.

use serde_json::Value;

use super::answer::{Answer, Answered};
use super::clock::{Millis, millis, seconds};
use super::kinds::{CHARGE, REFUND};
use super::moves::New;
use super::state::{Due, State};
use super::values::{Fields, picked, text};
use super::{payer, rules};
use crate::types::{Channel, Timestamp};

impl State {
    pub(super) fn create_charge(&mut self, params: Fields) -> Answered {
        let app = self.app_in(&params)?;
        rules::not_custom(&params)?;
        let expands_app =
            params.get("expand").is_some_and(|names| names.to_string().contains("app"));
        let (charge, is_new) = self.add_charge(app, params, None, None)?;
        // Not `Err`: the charge stays, as a failed one.
        if let Some(refusal) = is_new.then(|| self.begin_payment(charge)).flatten() {
            return Ok(refusal);
        }
        let expanded: &[&str] = if expands_app { &["app"] } else { &[] };
        Ok(Answer::ok(self.show_expanded(charge, expanded)))
    }

    /// Creates a charge, or finds that of a repeated create. Returns it and whether it is new.
    pub(super) fn add_charge(
        &mut self,
        app: usize,
        params: Fields,
        id: Option<&str>,
        group: Option<usize>,
    ) -> Answered<(usize, bool)> {
        let now = self.now();
        let order = rules::check(&params, now)?;
        let order_no = text(&params, "order_no");
        let number = format!("charge/{app}/{}/{order_no}", rules::family(&order.channel));
        if let Some(first) = self.numbered(&number) {
            let same = self.is_same_order(first, &params);
            let age = now - self.rows[first].created;
            if same && age <= rules::same_order_window(&order.channel) {
                return Ok((first, false));
            }
            let may_be_new = same || self.is_other_instalment(first, &params);
            if !may_be_new || self.has_been_paid(first) || rules::uses_order_no_up(&order.channel) {
                let message = "订单号已被使用 (another charge has this order_no)";
                return Err(Answer::conflict("charge_order_no_used", message));
            }
        }
        let names = [
            "order_no",
            "channel",
            "client_ip",
            "amount",
            "currency",
            "subject",
            "body",
            "extra",
            "metadata",
            "description",
        ];
        let mut document = picked(&params, &names);
        // Some clients write empty maps as lists.
        document
            .retain(|_, value| !value.is_null() && value.as_array().is_none_or(|v| !v.is_empty()));
        document.insert("time_expire".into(), order.time_expire.into());
        if order.channel == Channel::Balance {
            let user = params["extra"]["user"].as_str().unwrap_or_default();
            document.insert("_source".into(), user.into());
        }
        let id = id.unwrap_or_default().into();
        let new = New { id, group, ..New::of(&CHARGE, app, document) };
        let charge = self.add(new, self.clock.millis())?;
        self.give_number(number, charge);
        Ok((charge, true))
    }

    /// Does what the channel or the scanned code says about the customer: see `payer`. Returns the
    /// refusal of the channel, which leaves a failed charge.
    pub(super) fn begin_payment(&mut self, charge: usize) -> Option<Answer> {
        let now = self.clock.millis();
        let channel = self.text(charge, "channel");
        if channel == "balance" || channel == "custom" {
            if self.pay(charge, now) {
                return None;
            }
            self.decline(charge, now);
            let message = "用户余额不足 (the balance of the user is too low)";
            return Some(Answer::refused_by_channel(message));
        }
        let extra = self.field(charge, "extra");
        match extra["scan_code"].as_str().and_then(|code| code.chars().last()) {
            Some(payer::PAYS) => {
                self.pay(charge, now);
            }
            Some(payer::PAYS_AFTER_PIN) => {
                let due = Due { row: charge, from: "open", to: "paid" };
                self.due.add(now + millis(payer::PIN_TAKES), due);
            }
            Some(payer::IS_REFUSED) => {
                self.decline(charge, now);
                let message = "支付渠道拒绝了付款码 (the channel refused the scan_code)";
                return Some(Answer::refused_by_channel(message));
            }
            _ => {}
        }
        None
    }

    /// The customer pays. Returns `false` if the charge is not open.
    pub(super) fn pay(&mut self, charge: usize, at: Millis) -> bool {
        self.is_open(charge, at) && self.attempt(|state| state.enter(charge, "paid", at)).is_ok()
    }

    /// The channel refuses the payment. Returns `false` if the charge is not open.
    pub(super) fn decline(&mut self, charge: usize, at: Millis) -> bool {
        if !self.is_open(charge, at) {
            return false;
        }
        self.set(charge, "failure_code", "channel_response_code_fail");
        self.set(charge, "failure_msg", "支付渠道拒绝了付款 (declined)");
        self.enter(charge, "failed", at).is_ok()
    }

    /// Whether a charge can be paid at a time.
    pub(super) fn is_open(&self, charge: usize, at: Millis) -> bool {
        self.rows[charge].state == "open" && seconds(at) < self.number(charge, "time_expire")
    }

    /// Whether a charge was paid, also if it was reversed since.
    pub(super) fn has_been_paid(&self, charge: usize) -> bool {
        matches!(self.rows[charge].state, "paid" | "returned")
    }

    pub(super) fn reverse_charge(&mut self, charge: usize) -> Answered {
        let now = self.now();
        let refuse = |message: &str| Err(Answer::conflict("charge_unexpected_status", message));
        let row = &self.rows[charge];
        let (state, created) = (row.state, Timestamp::from_unix(row.created));
        if !matches!(state, "closed" | "returned") {
            let channel = Channel::from(&*self.text(charge, "channel"));
            // One of an order, or of a recharge, only while it is unpaid.
            let is_part = row.group.is_some();
            if state == "paid" && (!channel.is_reversible_when_paid() || is_part) {
                return refuse("已支付的订单请退款 (paid: refund it instead)");
            }
            if !self.below(charge, &REFUND).is_empty() || self.split(charge) > 0 {
                return refuse("已退款的订单不能撤销 (it has been refunded, or split)");
            }
            if !channel.is_reversible() {
                return refuse("该渠道不支持撤销 (the channel cannot reverse)");
            }
            let window = channel.reverse_window();
            if window.is_some_and(|window| window.closes_at(created).as_unix() <= now) {
                return refuse("已超过撤销期限 (the time to reverse is over)");
            }
            if now < channel.reversible_from(created).as_unix() {
                return refuse("订单刚创建,请稍后再撤销 (too soon after its creation)");
            }
            self.close_charge(charge)?;
        }
        Ok(Answer::ok(self.show(charge)))
    }

    /// Reverses a charge, whatever its channel.
    pub(super) fn close_charge(&mut self, charge: usize) -> Answered<()> {
        let to = if self.rows[charge].state == "paid" { "returned" } else { "closed" };
        self.enter(charge, to, self.clock.millis())
    }

    /// Whether a create repeats that of a charge with the same app and order_no: Ping++ compares six
    /// fields.
    fn is_same_order(&self, charge: usize, params: &Fields) -> bool {
        let first = self.document(charge);
        let same = |name: &&str| first.get(*name) == params.get(*name);
        ["channel", "amount", "subject", "body"].iter().all(same)
            && !self.is_other_instalment(charge, params)
    }

    /// Whether the instalment parameters of an Alipay order differ, which makes it another order.
    fn is_other_instalment(&self, charge: usize, params: &Fields) -> bool {
        let (first, extra) =
            (self.field(charge, "extra"), params.get("extra").unwrap_or(&Value::Null));
        let keys = ["hb_fq_num", "hb_fq_seller_percent"];
        rules::is_alipay(&Channel::from(&*self.text(charge, "channel")))
            && keys.iter().any(|key| first[key] != extra[key])
    }
}
