//! What the sandbox knows and does: charges and the operations on them. No I/O.

use std::time::{Duration, SystemTime};

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::APP;
use crate::{Channel, Timestamp};

type Charge = Map<String, Value>;

/// Charges by age, and the clock.
#[derive(Default)]
pub(super) struct State {
    charges: Vec<Charge>,
    ahead: Duration,
}

/// What an operation answers.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn refused(status: u16, message: &str) -> Self {
        Self::error(status, message, None, None)
    }

    fn ok(body: impl Into<Value>) -> Self {
        Self { status: 200, body: body.into() }
    }

    fn error(status: u16, message: &str, code: Option<&str>, param: Option<&str>) -> Self {
        let mut error = json!({ "type": "invalid_request_error", "message": message });
        for (key, value) in [("code", code), ("param", param)] {
            if let Some(value) = value {
                error[key] = value.into();
            }
        }
        Self { status, body: json!({ "error": error }) }
    }

    fn unexpected_status(message: &str) -> Self {
        Self::error(400, message, Some("charge_unexpected_status"), None)
    }
}

impl State {
    pub(super) fn now(&self) -> i64 {
        Timestamp::from(SystemTime::now() + self.ahead).as_unix()
    }

    pub(super) fn advance(&mut self, by: Duration) {
        self.ahead = self.ahead.saturating_add(by);
    }

    /// Whether the customer could pay.
    pub(super) fn pay(&mut self, id: &str) -> bool {
        let now = self.now();
        let Some(charge) = self.charges.iter_mut().find(|charge| charge["id"] == id) else {
            return false;
        };
        let open = charge["paid"] == false && charge["reversed"] == false;
        if !open || charge["time_expire"].as_i64() <= Some(now) {
            return false;
        }
        charge["paid"] = true.into();
        charge["time_paid"] = now.into();
        charge["transaction_no"] = format!("sandbox{now}").into();
        charge["credential"] = json!({});
        true
    }

    /// Answers a request that was let in.
    pub(super) fn handle(&mut self, method: &str, target: &str, body: &[u8]) -> Answer {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let segments: Vec<_> = path.split('/').skip(1).map(decoded).collect();
        let segments: Vec<_> = segments.iter().map(String::as_str).collect();
        let query = Query::parse(query);
        match (method, segments.as_slice()) {
            ("POST", ["v1", "charges"]) => self.create(body),
            ("GET", ["v1", "charges"]) => self.list(&query),
            ("GET", ["v1", "charges", id]) => match self.find(id) {
                Ok(charge) => Answer::ok(expanded(charge.clone(), &query)),
                Err(answer) => answer,
            },
            ("POST", ["v1", "charges", id, "reverse"]) => self.reverse(id),
            _ => Answer::refused(404, "请求的地址不存在 (the sandbox has no such operation)"),
        }
    }

    fn create(&mut self, body: &[u8]) -> Answer {
        let Ok(Value::Object(params)) = serde_json::from_slice::<Value>(body) else {
            return Answer::refused(400, "请求不是有效的 JSON (the body is not a JSON object)");
        };
        let text = |name: &str| params.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
        let wrong = |name: &str| {
            Answer::error(
                400,
                &format!("参数 {name} 缺失或无效 (missing or invalid)"),
                None,
                Some(name),
            )
        };
        for name in ["order_no", "channel", "client_ip", "currency", "subject", "body"] {
            if text(name).is_none() {
                return wrong(name);
            }
        }
        if params.get("app").and_then(|app| app.get("id")) != Some(&json!(APP)) {
            return wrong("app[id]");
        }
        let channel = Channel::from(text("channel").unwrap_or_default());
        if matches!(channel, Channel::Other(_)) {
            return wrong("channel");
        }
        if params.get("amount").and_then(Value::as_i64).is_none_or(|amount| amount <= 0) {
            return wrong("amount");
        }
        let now = self.now();
        let order_no = &params["order_no"];
        if let Some(first) = self.charges.iter().find(|charge| &charge["order_no"] == order_no) {
            // The real window is longer on some channels.
            let age = now - first["created"].as_i64().unwrap_or(now);
            let same = ["channel", "amount", "subject", "body"];
            return if age <= 60 && same.iter().all(|name| first[*name] == params[*name]) {
                Answer::ok(first.clone())
            } else {
                let message = "订单号已被使用 (another charge has this order_no)";
                Answer::error(400, message, Some("charge_order_no_used"), Some("order_no"))
            };
        }
        let charge = new_charge(self.charges.len() + 1, now, &params);
        self.charges.push(charge.clone());
        Answer::ok(charge)
    }

    fn find(&self, id: &str) -> Result<&Charge, Answer> {
        self.charges.iter().find(|charge| charge["id"] == id).ok_or_else(|| no_charge(id))
    }

    fn reverse(&mut self, id: &str) -> Answer {
        let now = self.now();
        let Some(charge) = self.charges.iter_mut().find(|charge| charge["id"] == id) else {
            return no_charge(id);
        };
        if charge["reversed"] == true {
            return Answer::ok(charge.clone());
        }
        let channel = Channel::from(charge["channel"].as_str().unwrap_or_default());
        let created = Timestamp::from_unix(charge["created"].as_i64().unwrap_or(now));
        if charge["paid"] == true && !channel.is_reversible_when_paid() {
            return Answer::unexpected_status("已支付的订单请退款 (paid: refund it instead)");
        }
        if !channel.is_reversible() {
            return Answer::unexpected_status("该渠道不支持撤销 (the channel cannot reverse)");
        }
        if channel.reverse_window().is_some_and(|w| w.closes_at(created).as_unix() <= now) {
            return Answer::unexpected_status("已超过撤销期限 (the time to reverse is over)");
        }
        charge["reversed"] = true.into();
        charge["credential"] = json!({});
        Answer::ok(charge.clone())
    }

    fn list(&self, query: &Query) -> Answer {
        match query.first("app[id]") {
            Some(app) if app == APP => {}
            _ => return Answer::error(400, "参数 app[id] 缺失或无效", None, Some("app[id]")),
        }
        let limit = match query.first("limit").map(str::parse::<usize>) {
            None => 10,
            Some(Ok(limit @ 1..=100)) => limit,
            Some(_) => return Answer::error(400, "参数 limit 无效", None, Some("limit")),
        };
        let mut found: Vec<_> =
            self.charges.iter().rev().filter(|charge| query.selects(charge)).collect();
        let position = |id: &str| found.iter().position(|charge| charge["id"] == id);
        let has_more = match (query.first("starting_after"), query.first("ending_before")) {
            (Some(id), _) => {
                let Some(at) = position(id) else { return no_charge(id) };
                found.drain(..=at);
                found.len() > limit
            }
            (None, Some(id)) => {
                let Some(at) = position(id) else { return no_charge(id) };
                found.truncate(at);
                found.drain(..at.saturating_sub(limit));
                at > limit
            }
            (None, None) => found.len() > limit,
        };
        found.truncate(limit);
        let data: Vec<_> =
            found.into_iter().map(|charge| expanded(charge.clone(), query)).collect();
        Answer::ok(json!({
            "object": "list", "url": "/v1/charges", "has_more": has_more, "data": data
        }))
    }
}

fn no_charge(id: &str) -> Answer {
    Answer::error(404, &format!("未找到 charge : {id}"), None, Some("id"))
}

fn new_charge(number: usize, now: i64, params: &Map<String, Value>) -> Charge {
    let id = format!("ch_1012611230000{number:011}");
    let channel = params["channel"].as_str().unwrap_or_default();
    let given = |name: &str, default: Value| params.get(name).cloned().unwrap_or(default);
    let mut charge = Map::new();
    for (name, value) in [
        ("object", json!("charge")),
        ("created", json!(now)),
        ("livemode", json!(false)),
        ("paid", json!(false)),
        ("refunded", json!(false)),
        ("reversed", json!(false)),
        ("app", json!(APP)),
        ("amount_settle", params["amount"].clone()),
        ("extra", given("extra", json!({}))),
        ("time_paid", Value::Null),
        ("time_expire", given("time_expire", json!(now + 86_400))),
        ("time_settle", Value::Null),
        ("transaction_no", Value::Null),
        ("amount_refunded", json!(0)),
        ("failure_code", Value::Null),
        ("failure_msg", Value::Null),
        ("metadata", given("metadata", json!({}))),
        ("credential", json!({ "object": "credential", channel: { "sandbox": id } })),
        ("description", given("description", Value::Null)),
    ] {
        charge.insert(name.to_owned(), value);
    }
    for name in ["channel", "order_no", "client_ip", "amount", "currency", "subject", "body"] {
        charge.insert(name.to_owned(), params[name].clone());
    }
    let url = format!("/v1/charges/{id}/refunds");
    let refunds = json!({ "object": "list", "url": url, "has_more": false, "data": [] });
    charge.insert(String::from("refunds"), refunds);
    charge.insert(String::from("id"), id.into());
    charge
}

/// The charge with its whole app, if the query asks for it.
fn expanded(mut charge: Charge, query: &Query) -> Charge {
    if query.0.iter().any(|(key, value)| key == "expand[]" && value == "app") {
        let app = json!({
            "id": APP, "object": "app", "created": 1_700_000_000, "display_name": "Sandbox",
            "notify_url": null
        });
        charge.insert(String::from("app"), app);
    }
    charge
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Query parameters in their order.
struct Query(Vec<(String, String)>);

impl Query {
    fn parse(text: &str) -> Self {
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(&key.replace('+', " ")), decoded(&value.replace('+', " ")))
        };
        Self(text.split('&').filter(|part| !part.is_empty()).map(pair).collect())
    }

    fn first(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    fn selects(&self, charge: &Charge) -> bool {
        let created = charge["created"].as_i64().unwrap_or_default();
        self.0.iter().all(|(key, value)| {
            let time = value.parse::<i64>().unwrap_or_default();
            match key.as_str() {
                "created" => created == time,
                "created[gt]" => created > time,
                "created[gte]" => created >= time,
                "created[lt]" => created < time,
                "created[lte]" => created <= time,
                "channel" => charge["channel"] == value.as_str(),
                "paid" | "refunded" | "reversed" => {
                    charge[key.as_str()] == matches!(value.as_str(), "true" | "True")
                }
                _ => true,
            }
        })
    }
}
