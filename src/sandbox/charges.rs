//! Charges of the sandbox: creating, paying, reversing, listing.

use serde_json::{Map, Value};

use super::answer::Answer;
use super::clock::{Millis, millis, seconds};
use super::input::{Query, json_body};
use super::state::{APP, Charge, Due, State};
use super::{payer, rules};
use crate::types::Timestamp;

impl State {
    pub(super) fn create_charge(&mut self, body: &[u8]) -> Result<Answer, Answer> {
        let params = json_body(body)?;
        let (charge, new) = self.add_charge(params, None)?;
        if new {
            self.present_scan_code(charge)?;
        }
        Ok(Answer::ok(self.show_charge(charge, false)))
    }

    /// Creates a charge, or finds that of a repeated create. Returns its index and whether it is
    /// new.
    pub(super) fn add_charge(
        &mut self,
        params: Map<String, Value>,
        id: Option<&str>,
    ) -> Result<(usize, bool), Answer> {
        let now = self.clock.now();
        let order = rules::check(&params, APP, now)?;
        let order_no = params["order_no"].as_str().unwrap_or_default();
        if let Some(first) = self.charge_by_order.get(order_no).copied() {
            let charge = &self.charges[first];
            let same = is_same_order(charge, &params);
            if same && now - charge.created <= rules::same_order_window(&charge.channel) {
                return Ok((first, false));
            }
            let may_be_new = same || is_other_instalment(charge, &params);
            if !may_be_new || charge.time_paid.is_some() || rules::uses_order_no_up(&charge.channel)
            {
                let message = "订单号已被使用 (another charge has this order_no)";
                return Err(Answer::conflict("charge_order_no_used", message));
            }
        }
        let number = self.charges.len();
        let id: Box<str> = match id {
            Some(id) => id.into(),
            None => format!("ch_1012611230000{:011}", number + 1).into(),
        };
        if self.charge_by_id.contains_key(&id) {
            return Err(Answer::bad_parameter("id", "there is one already"));
        }
        self.charge_by_id.insert(id.clone(), number);
        self.charge_by_order.insert(order_no.into(), number);
        self.charges.push(Charge {
            id,
            order_no: order_no.into(),
            amount: order.amount,
            channel: order.channel,
            reversed: false,
            time_paid: None,
            refunds: Vec::new(),
            created: now,
            time_expire: order.time_expire,
            failure: None,
            params: Value::Object(params).to_string().into(),
        });
        Ok((number, true))
    }

    /// Does what the scanned code says about the customer: see `payer`.
    fn present_scan_code(&mut self, charge: usize) -> Result<(), Answer> {
        let params = self.charges[charge].params();
        let now = self.clock.millis();
        match params["extra"]["scan_code"].as_str().and_then(|code| code.chars().last()) {
            Some(payer::PAYS) => {
                self.pay(charge, now);
            }
            Some(payer::PAYS_AFTER_PIN) => {
                self.due.add(now + millis(payer::PIN_TAKES), Due::Pay(charge));
            }
            Some(payer::IS_REFUSED) => {
                self.decline(charge, now);
                let message = "支付渠道拒绝了付款码 (the channel refused the scan_code)";
                let code = Some("channel_response_code_fail");
                return Err(Answer::error(402, "channel_error", message, code, None));
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn retrieve_charge(&self, id: &str, query: &Query) -> Result<Answer, Answer> {
        Ok(Answer::ok(self.show_charge(self.find_charge(id)?, query.expands_app())))
    }

    /// The customer pays. Returns `false` if the charge is not open.
    pub(super) fn pay(&mut self, charge: usize, at: Millis) -> bool {
        let now = seconds(at);
        if !self.charges[charge].is_open(now) {
            return false;
        }
        self.charges[charge].time_paid = Some(now);
        let object = self.show_charge(charge, false);
        self.record_event("charge.succeeded", object, at);
        true
    }

    /// The channel refuses the payment. Returns `false` if the charge is not open.
    pub(super) fn decline(&mut self, charge: usize, at: Millis) -> bool {
        if !self.charges[charge].is_open(seconds(at)) {
            return false;
        }
        self.charges[charge].failure = Some("channel_response_code_fail");
        let object = self.show_charge(charge, false);
        self.record_event("charge.failed", object, at);
        true
    }

    pub(super) fn reverse_charge(&mut self, id: &str) -> Result<Answer, Answer> {
        let number = self.find_charge(id)?;
        let now = self.clock.now();
        let charge = &mut self.charges[number];
        let refuse = |message: &str| Err(Answer::conflict("charge_unexpected_status", message));
        if !charge.reversed {
            let created = Timestamp::from_unix(charge.created);
            if charge.time_paid.is_some() && !charge.channel.is_reversible_when_paid() {
                return refuse("已支付的订单请退款 (paid: refund it instead)");
            }
            if !charge.refunds.is_empty() {
                return refuse("已退款的订单不能撤销 (it has been refunded)");
            }
            if !charge.channel.is_reversible() {
                return refuse("该渠道不支持撤销 (the channel cannot reverse)");
            }
            let window = charge.channel.reverse_window();
            if window.is_some_and(|window| window.closes_at(created).as_unix() <= now) {
                return refuse("已超过撤销期限 (the time to reverse is over)");
            }
            if now < charge.channel.reversible_from(created).as_unix() {
                return refuse("订单刚创建,请稍后再撤销 (too soon after its creation)");
            }
            charge.reversed = true;
        }
        Ok(Answer::ok(self.show_charge(number, false)))
    }

    pub(super) fn list_charges(&self, query: &Query) -> Answer {
        if query.first("app[id]") != Some(APP) {
            return Answer::bad_parameter("app[id]", "missing, or not this sandbox's app");
        }
        let is_selected = |charge: &Charge| {
            query.selects_time(charge.created)
                && query.first("channel").is_none_or(|channel| channel == charge.channel.as_str())
                && query.selects_flag("paid", charge.time_paid.is_some())
                && query.selects_flag("refunded", !charge.refunds.is_empty())
                && query.selects_flag("reversed", charge.reversed)
        };
        let all = (0..self.charges.len()).rev();
        let found = all.filter(|number| is_selected(&self.charges[*number])).collect();
        let id = |number: usize| &*self.charges[number].id;
        query.page("/v1/charges", found, id, |number| self.show_charge(number, query.expands_app()))
    }
}

/// Whether a create repeats that of a charge with the same app and order_no: Ping++ compares six
/// fields.
fn is_same_order(charge: &Charge, params: &Map<String, Value>) -> bool {
    let first = charge.params();
    ["channel", "amount", "subject", "body"].iter().all(|name| first[name] == params[*name])
        && !is_other_instalment(charge, params)
}

/// Whether the instalment parameters of an Alipay order differ, which makes it another order.
fn is_other_instalment(charge: &Charge, params: &Map<String, Value>) -> bool {
    let (first, extra) = (charge.params(), params.get("extra").unwrap_or(&Value::Null));
    rules::is_alipay(&charge.channel)
        && ["hb_fq_num", "hb_fq_seller_percent"].iter().any(|key| first["extra"][key] != extra[key])
}
