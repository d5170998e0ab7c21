//! Charges, refunds and events as objects of the API.

use serde_json::{Value, json};

use super::state::{APP, Progress, State};

impl State {
    pub(super) fn show_charge(&self, number: usize, whole_app: bool) -> Value {
        let charge = &self.charges[number];
        let params = charge.params();
        let refunds = charge.refunds.iter().rev();
        let back = |refund: &&usize| self.refunds[**refund].succeeded();
        let amount_refunded: i64 =
            refunds.clone().filter(back).map(|r| self.refunds[*r].amount).sum();
        let data: Vec<_> = refunds.take(10).map(|refund| self.show_refund(*refund)).collect();
        let refunds = json!({
            "object": "list", "url": format!("/v1/charges/{}/refunds", charge.id),
            "has_more": charge.refunds.len() > data.len(), "data": data
        });
        let is_payable = charge.is_open(self.clock.now());
        let credential = json!({
            "object": "credential", charge.channel.as_str(): { "sandbox": charge.id }
        });
        let app = json!({
            "id": APP, "object": "app", "created": 1_700_000_000, "display_name": "Sandbox",
            "notify_url": null
        });
        let or = |name: &str, default: Value| match &params[name] {
            // Some clients write empty maps as lists.
            Value::Null => default,
            Value::Array(items) if items.is_empty() => default,
            given => given.clone(),
        };
        json!({
            "id": charge.id, "object": "charge", "created": charge.created, "livemode": false,
            "paid": charge.time_paid.is_some(), "refunded": !charge.refunds.is_empty(),
            "reversed": charge.reversed, "app": if whole_app { app } else { json!(APP) },
            "channel": params["channel"], "order_no": charge.order_no,
            "client_ip": params["client_ip"], "amount": charge.amount,
            "amount_settle": charge.amount, "currency": params["currency"],
            "subject": params["subject"], "body": params["body"],
            "extra": or("extra", json!({})), "time_paid": charge.time_paid,
            "time_expire": charge.time_expire, "time_settle": null,
            "transaction_no": charge.time_paid.map(|time| format!("sandbox{time}{number:06}")),
            "refunds": refunds, "amount_refunded": amount_refunded,
            "failure_code": charge.failure,
            "failure_msg": charge.failure.map(|_| "支付渠道拒绝了付款 (declined)"),
            "metadata": or("metadata", json!({})),
            "credential": if is_payable { credential } else { json!({}) },
            "description": or("description", Value::Null),
        })
    }

    pub(super) fn show_refund(&self, number: usize) -> Value {
        let refund = &self.refunds[number];
        let charge = &self.charges[refund.charge];
        let params = refund.params();
        let (status, time_succeed, failure) = match &refund.progress {
            Progress::Pending => ("pending", None, None),
            Progress::Succeeded(time) => ("succeeded", Some(*time), None),
            Progress::Failed(code) => ("failed", None, Some(code)),
        };
        let failure_msg = failure.map(|code| match &**code {
            "refund_wait_operation" => {
                "需要商户操作 (open this page): https://sandbox.invalid/refund"
            }
            _ => "退款已被支付渠道拒绝 (refused)",
        });
        let status = if failure.is_some_and(|code| &**code == "refund_wait_operation") {
            "pending"
        } else {
            status
        };
        let metadata = match &params["metadata"] {
            Value::Object(metadata) => json!(metadata),
            _ => json!({}),
        };
        let mut object = json!({
            "id": refund.id, "object": "refund", "order_no": refund.id.trim_start_matches("re_"),
            "app": APP, "amount": refund.amount, "created": refund.created,
            "succeed": refund.succeeded(), "status": status, "time_succeed": time_succeed,
            "description": params["description"], "failure_code": failure,
            "failure_msg": failure_msg, "metadata": metadata, "charge": charge.id,
            "charge_order_no": charge.order_no,
            "transaction_no": time_succeed.map(|time| format!("sandbox{time}")),
        });
        if !params["funding_source"].is_null() {
            object["funding_source"] = params["funding_source"].clone();
        }
        object
    }

    pub(super) fn show_event(&self, number: usize) -> Value {
        let event = &self.events[number];
        let object: Value = serde_json::from_str(&event.object).unwrap_or_default();
        let waits = self.has_webhook && !event.delivered;
        json!({
            "id": event.id, "object": "event", "created": event.created, "livemode": false,
            "type": event.kind, "data": { "object": object },
            "pending_webhooks": i32::from(waits), "request": null,
        })
    }
}
