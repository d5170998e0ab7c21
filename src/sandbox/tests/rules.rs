//! Rules of the API, one promise each: what is refused and leaves nothing behind; what a state allows
//! ([`states`]); what a parameter may be ([`limits`]). Requests go straight to the state, without HTTP.

mod limits;
mod states;

use std::time::Duration;

use serde_json::{Value, json};

use crate::sandbox::options::Options;
use crate::sandbox::state::{APP, State};

/// A state, and requests to it.
struct Api(State);

impl Api {
    fn new() -> Self {
        Self(Options::builder().build().first_state().unwrap())
    }

    /// Sends a request to a path, in which `{app}` stands for the path of the app.
    fn send(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let path = path.replace("{app}", &format!("/v1/apps/{APP}"));
        let answer = self.0.handle(method, &path, body.to_string().as_bytes());
        self.0.check_books().unwrap();
        (answer.status, answer.body)
    }

    fn get(&mut self, path: &str) -> Value {
        let (status, body) = self.send("GET", path, &Value::Null);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    fn post(&mut self, path: &str, body: Value) -> Value {
        let (status, answer) = self.send("POST", path, &body);
        assert_eq!(status, 200, "{path} {body}: {answer}");
        answer
    }

    /// Sends a request that must be refused and leave nothing behind; returns its status and parameter.
    fn refused(&mut self, method: &str, path: &str, body: Value) -> (u16, String) {
        let before = self.snapshot();
        let (status, answer) = self.send(method, path, &body);
        assert_ne!(status, 200, "{method} {path} {body}: {answer}");
        assert_eq!(self.snapshot(), before, "{method} {path} {body}: {answer}");
        (status, answer["error"]["param"].as_str().unwrap_or_default().to_owned())
    }

    /// Everything but the time.
    fn snapshot(&self) -> Value {
        let mut snapshot: Value = serde_json::from_str(&self.0.snapshot()).unwrap();
        snapshot["now"].take();
        snapshot["numbers"].as_array_mut().unwrap().sort_by_key(ToString::to_string);
        snapshot
    }

    fn advance(&mut self, seconds: u64) {
        self.0.clock.advance(Duration::from_secs(seconds));
        self.0.catch_up();
    }

    fn balance(&mut self, user: &str) -> Value {
        self.get(&format!("{{app}}/users/{user}"))["available_balance"].clone()
    }

    fn credit(&mut self, user: &str, amount: i64) {
        let number = format!("for{user}{}", self.0.rows.len());
        let bonus = json!({ "user": user, "amount": amount, "order_no": number });
        self.post("{app}/balance_bonuses", bonus);
    }

    /// The id of a charge of 100.
    fn charge(&mut self, number: &str) -> String {
        id(&self.post("/v1/charges", charge(number, "alipay_qr", json!({}))))
    }

    fn pay(&mut self, charge: &str) -> bool {
        let row = self.0.find_global(&crate::sandbox::kinds::CHARGE, charge).unwrap();
        self.0.pay(row, self.0.clock.millis())
    }

    fn paid(&mut self, number: &str) -> String {
        let id = self.charge(number);
        assert!(self.pay(&id));
        id
    }

    /// The id of an order of 100 of `user_1`.
    fn order(&mut self, number: &str, changes: Value) -> String {
        id(&self.post("/v1/orders", order(number, changes)))
    }

    /// A coupon of `user_1`, of a template with these parameters.
    fn coupon(&mut self, template: Value) -> String {
        let template = id(&self.post("{app}/coupon_templates", template));
        id(&self.post("{app}/users/user_1/coupons", json!({ "coupon_template": template })))
    }
}

fn id(object: &Value) -> String {
    object["id"].as_str().unwrap().to_owned()
}

fn with(mut body: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn charge(number: &str, channel: &str, changes: Value) -> Value {
    let charge = json!({
        "order_no": number, "app": { "id": APP }, "channel": channel, "amount": 100,
        "client_ip": "192.0.2.1", "currency": "cny", "subject": "Tea", "body": "Longjing",
    });
    with(charge, changes)
}

fn order(number: &str, changes: Value) -> Value {
    let order = json!({
        "app": APP, "merchant_order_no": number, "amount": 100, "currency": "cny", "uid": "user_1",
        "client_ip": "192.0.2.1", "subject": "Tea", "body": "Longjing",
    });
    with(order, changes)
}

fn transfer(number: &str, channel: &str, changes: Value) -> Value {
    let transfer = json!({
        "app": { "id": APP }, "channel": channel, "order_no": number, "amount": 100,
        "type": "b2c", "currency": "cny", "recipient": "user_2", "description": "wages",
    });
    with(transfer, changes)
}

fn batch(number: &str, channel: &str, recipients: Value) -> Value {
    let amounts = recipients.as_array().unwrap().iter().map(|r| r["amount"].as_i64().unwrap());
    json!({
        "app": APP, "batch_no": number, "channel": channel, "amount": amounts.sum::<i64>(),
        "type": "b2c", "description": "wages", "recipients": recipients,
    })
}

fn bad(name: &str) -> (u16, String) {
    (400, name.to_owned())
}

#[test]
fn a_batch_of_which_one_part_is_refused_leaves_nothing_behind() {
    let mut api = Api::new();
    let twice = json!([
        { "account": "a", "amount": 100, "order_no": "x1" },
        { "account": "b", "amount": 200, "order_no": "x1" },
    ]);
    let batch = batch("batch000001", "alipay", twice);
    assert_eq!(api.refused("POST", "/v1/batch_transfers", batch), bad("order_no"));

    let (first, second) = (api.paid("1"), api.paid("2"));
    for wrong in [
        json!({ "amount": "50" }),
        json!({ "amount": 101 }),
        json!({ "description": "x".repeat(256) }),
        json!({ "funding_source": "mine" }),
    ] {
        let part = with(json!({ "charge": second }), wrong);
        let batch = json!({
            "app": APP, "batch_no": "batch1", "description": "x", "charges": [{ "charge": first }, part],
        });
        assert_eq!(api.refused("POST", "/v1/batch_refunds", batch).0, 400);
    }
}

#[test]
fn a_coupon_too_many_leaves_the_other_users_without_one() {
    let mut api = Api::new();
    let template = json!({ "type": 1, "amount_off": 30, "max_circulation": 2 });
    let template = id(&api.post("{app}/coupon_templates", template));
    let path = format!("{{app}}/coupon_templates/{template}/coupons");
    let users = json!({ "users": ["user_1", "user_2", "user_3"] });
    assert_eq!(api.refused("POST", &path, users).0, 402);
}

#[test]
fn a_combined_payment_takes_no_balance_if_its_other_part_is_refused() {
    let mut api = Api::new();
    api.credit("user_1", 1_000);
    let order = api.order("order0001", json!({}));
    let path = format!("/v1/orders/{order}/pay");
    let pay = |channel: &str, extra: Value| {
        json!({
            "channel": "balance", "charge_amount": 70,
            "combined_with": { "channel": channel, "charge_amount": 30, "extra": extra },
        })
    };
    let missing = pay("upacp_wap", json!({}));
    assert_eq!(api.refused("POST", &path, missing), bad("extra[result_url]"));
    let refused = pay("alipay_scan", json!({ "scan_code": "281000000000000004" }));
    assert_eq!(api.refused("POST", &path, refused).0, 402);
    api.post(&path, pay("alipay_qr", json!({})));
    assert_eq!(api.balance("user_1"), 930);
}

#[test]
fn a_code_that_the_channel_refuses_leaves_a_failed_charge() {
    let mut api = Api::new();
    let scan = json!({ "extra": { "scan_code": "281000000000000004" } });
    let (status, _) = api.send("POST", "/v1/charges", &charge("1", "alipay_scan", scan));
    let list = api.get(&format!("/v1/charges?app[id]={APP}"));
    assert_eq!(
        (status, &list["data"][0]["failure_code"]),
        (402, &json!("channel_response_code_fail"))
    );
}

#[test]
fn a_user_who_is_not_there_pays_nothing() {
    let mut api = Api::new();
    api.credit("user_1", 100);
    api.credit("user_2", 1);
    let transfer = |user: &str, fee: i64| json!({ "user": user, "recipient": "user_2", "amount": 100, "user_fee": fee, "order_no": "t1" });
    let path = "{app}/balance_transfers";
    assert_eq!(api.refused("POST", path, transfer("nobody", 0)).0, 404);
    assert_eq!(api.refused("POST", path, transfer("user_1", 1)).0, 400);
    assert_eq!(api.refused("POST", path, transfer("0", 0)), bad("user"));
    assert_eq!(api.send("DELETE", "{app}/users/user_1", &Value::Null).0, 200);
    assert_eq!(api.refused("POST", path, transfer("user_1", 10)).0, 404);
    let of_deleted = charge("1", "balance", json!({ "extra": { "user": "user_1" } }));
    assert_eq!(api.send("POST", "/v1/charges", &of_deleted).0, 402);
    assert_eq!(api.balance("user_2"), 1);
}

#[test]
fn a_preview_of_a_settlement_leaves_nothing_behind() {
    let mut api = Api::new();
    let shares = json!({ "royalty_users": [{ "user": "user_2", "amount": 10 }] });
    let order = api.order("order0001", shares);
    api.credit("user_1", 100);
    let pay = json!({ "channel": "balance", "charge_amount": 100 });
    api.post(&format!("/v1/orders/{order}/pay"), pay);
    let before = api.snapshot();
    let preview = json!({ "payer_app": APP, "method": "alipay", "is_preview": true });
    assert_eq!(api.post("/v1/royalty_settlements", preview)["amount"], 10);
    assert_eq!(api.snapshot(), before);
}

#[test]
fn a_panic_in_the_middle_of_an_operation_leaves_nothing_behind() {
    let mut api = Api::new();
    let before = api.snapshot();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        api.0.attempt(|state| {
            let body = charge("1", "alipay_qr", json!({})).to_string();
            let answer = state.handle("POST", "/v1/charges", body.as_bytes());
            assert_eq!(answer.status, 200, "{}", answer.body);
            panic!("on purpose")
        })
    }));
    let panicked: Result<Result<(), _>, _> = panicked;
    assert!(panicked.is_err());
    assert_eq!(api.snapshot(), before);
}
