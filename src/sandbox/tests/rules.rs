//! Rules of the API, one promise each: what is refused and leaves nothing behind, what a state allows, what
//! a parameter may be. Requests go straight to the state, without HTTP.

use std::io;
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
fn a_transfer_to_a_balance_credits_its_user() {
    let mut api = Api::new();
    let sent = api.post("/v1/transfers", transfer("t1", "balance", json!({})));
    api.get(&format!("/v1/transfers/{}", id(&sent)));
    assert_eq!(api.balance("user_2"), 100);
    let to = json!([{ "user": "user_2", "amount": 30 }, { "user": "user_3", "amount": 40 }]);
    api.post("/v1/batch_transfers", batch("batch000001", "balance", to));
    api.advance(2);
    assert_eq!((api.balance("user_2"), api.balance("user_3")), (json!(130), json!(40)));
}

#[test]
fn a_coupon_discounts_one_order() {
    let mut api = Api::new();
    api.credit("user_1", 1_000);
    let coupon = api.coupon(json!({ "type": 1, "amount_off": 30 }));
    let orders: Vec<_> = (1..=3)
        .map(|number| api.order(&format!("order000{number}"), json!({ "coupon": coupon })))
        .collect();
    let pay = |order: &String| format!("/v1/orders/{order}/pay");
    // A payment that is under way when the coupon is used.
    let qr = json!({ "channel": "alipay_qr", "charge_amount": 70 });
    let open = api.post(&pay(&orders[2]), qr)["charge"].as_str().unwrap().to_owned();
    let balance = json!({ "channel": "balance", "charge_amount": 70 });
    api.post(&pay(&orders[0]), balance.clone());
    assert_eq!(api.refused("POST", &pay(&orders[1]), balance), bad("coupon"));
    let before = api.snapshot();
    assert!(!api.pay(&open), "its order has no coupon any more");
    assert_eq!(api.snapshot(), before);

    let free = api.coupon(json!({ "type": 2, "percent_off": 100 }));
    let orders: Vec<_> = (4..=5)
        .map(|number| api.order(&format!("order000{number}"), json!({ "coupon": free })))
        .collect();
    assert_eq!(api.post(&pay(&orders[0]), json!({}))["status"], "paid");
    assert_eq!(api.refused("POST", &pay(&orders[1]), json!({})), bad("coupon"));
}

#[test]
fn a_discount_is_never_negative_and_follows_the_amount() {
    let mut api = Api::new();
    for (name, limit) in [
        ("discount_amount_limit", i64::MIN),
        ("discount_amount_limit", -500),
        ("amount_available", -1),
    ] {
        let template = json!({ "type": 2, "percent_off": 20, name: limit });
        assert_eq!(api.refused("POST", "{app}/coupon_templates", template), bad(name));
    }
    let rule = json!({ "royalty_mode": "rate", "data": [{ "level": 0, "value": 100 }] });
    let shares = id(&api.post("/v1/royalty_templates", json!({ "app": APP, "rule": rule })));
    api.credit("user_1", 1);
    let coupon = api.coupon(json!({ "type": 1, "amount_off": 30 }));
    let order = api.order("order0001", json!({ "coupon": coupon, "royalty_template": shares }));
    let path = format!("/v1/orders/{order}");
    let pay = json!({ "channel": "alipay_qr", "charge_amount": 70 });
    let open = api.post(&format!("{path}/pay"), pay)["charge"].as_str().unwrap().to_owned();
    let (_, changed) = api.send("PUT", &path, &json!({ "amount": 10 }));
    assert_eq!((&changed["coupon_amount"], &changed["actual_amount"]), (&json!(10), &json!(0)));
    assert!(api.pay(&open));
    assert_eq!(api.get(&path)["status"], "paid");

    let coupon = api.coupon(json!({ "type": 2, "percent_off": 20, "amount_available": 50 }));
    let order = api.order("order0002", json!({ "coupon": coupon }));
    let path = format!("/v1/orders/{order}");
    let (_, changed) = api.send("PUT", &path, &json!({ "amount": 200 }));
    assert_eq!(changed["actual_amount"], 160);
    assert_eq!(api.refused("PUT", &path, json!({ "amount": 49 })), bad("coupon"));
}

/// A paid order, of which `seller` got 200 of 201: its path and its charge.
fn settled(api: &mut Api, number: &str, changes: Value) -> (String, String) {
    api.credit("user_1", 201);
    let settlement =
        json!({ "amount": 201, "balance_settlement": { "user": "seller", "user_fee": 1 } });
    let order = api.order(number, with(settlement, changes));
    let pay = json!({ "channel": "balance", "charge_amount": 201 });
    let paid = api.post(&format!("/v1/orders/{order}/pay"), pay);
    (format!("/v1/orders/{order}"), paid["charge"].as_str().unwrap().to_owned())
}

#[test]
fn a_settlement_is_taken_back_in_proportion_to_what_is_refunded() {
    let mut api = Api::new();
    let (order, charge) = settled(&mut api, "order0001", json!({}));
    let path = format!("{order}/order_refunds");
    let refund = |amount: i64, wish: &str| {
        json!({
            "description": "x", "charge": charge, "charge_amount": amount,
            "metadata": { "sandbox": wish },
        })
    };
    let settlement = |api: &mut Api| {
        api.get("{app}/balance_settlements")["data"][0].as_object().unwrap().clone()
    };
    api.post(&path, refund(1, "refund_refused"));
    assert_eq!(
        (api.balance("seller"), &settlement(&mut api)["refunded"]),
        (json!(200), &json!(false))
    );
    api.post(&path, refund(100, ""));
    assert_eq!(api.balance("seller"), 200, "nothing is refunded yet");
    api.advance(2);
    assert_eq!(api.balance("seller"), 101);
    let taken = settlement(&mut api);
    assert_eq!((&taken["amount_refunded"], &taken["refunded"]), (&json!(99), &json!(true)));
    api.post(&path, refund(101, ""));
    api.advance(2);
    assert_eq!(
        (api.balance("seller"), &settlement(&mut api)["amount_refunded"]),
        (json!(0), &json!(200))
    );

    // A seller who has spent it keeps the settlement, and the customer gets the refund.
    let (order, _) = settled(&mut api, "order0002", json!({}));
    let spend = json!({ "user": "seller", "recipient": "user_9", "amount": 200, "order_no": "t" });
    api.post("{app}/balance_transfers", spend);
    api.post(&format!("{order}/order_refunds"), json!({ "description": "x" }));
    api.advance(2);
    assert_eq!(api.get(&order)["status"], "refunded");
    assert_eq!(settlement(&mut api)["amount_refunded"], 0);
}

#[test]
fn a_refund_takes_shares_back_from_the_users_that_it_names() {
    let mut api = Api::new();
    let shares = json!({ "royalty_users": [{ "user": "user_2", "amount": 10 }, { "user": "0", "amount": 20 }] });
    let (order, charge) = settled(&mut api, "order0001", shares);
    let path = format!("{order}/order_refunds");
    let refund = |user: &str, amount: i64| {
        json!({
            "description": "x", "charge": charge, "charge_amount": 50,
            "royalty_users": [{ "user": user, "amount_refunded": amount }],
        })
    };
    for (user, amount) in [("user_2", 11), ("user_2", -1), ("user_3", 1)] {
        assert_eq!(api.refused("POST", &path, refund(user, amount)), bad("royalty_users"));
    }
    let amounts = |api: &mut Api| {
        let list = api.get("/v1/royalties");
        list["data"].as_array().unwrap().iter().map(|r| r["amount"].clone()).collect::<Vec<_>>()
    };
    api.post(&path, refund("user_2", 4));
    assert_eq!(amounts(&mut api), [20, 10], "the refund is not done yet");
    api.advance(2);
    assert_eq!(amounts(&mut api), [20, 6]);
    assert_eq!(api.refused("POST", &path, refund("user_2", 7)), bad("royalty_users"));
}

#[test]
fn what_has_expired_is_not_paid() {
    let mut api = Api::new();
    let scan = json!({ "extra": { "scan_code": "281000000000000003" } });
    let wx = id(&api.post("/v1/charges", charge("1", "wx_pub_scan", scan)));
    let row = api.0.find_global(&crate::sandbox::kinds::CHARGE, &wx).unwrap();
    let due = crate::sandbox::state::Due { row, from: "open", to: "paid" };
    api.0.due.add(api.0.clock.millis() + 3 * 3_600_000, due);
    api.advance(4 * 3_600);
    assert_eq!(api.get(&format!("/v1/charges/{wx}"))["paid"], false);

    assert_eq!(
        api.refused("POST", "/v1/orders", order("order0001", json!({ "time_expire": 1000 }))),
        bad("time_expire")
    );
    let soon = json!({ "time_expire": api.0.now() + 600 });
    let order = api.order("order0002", soon);
    let path = format!("/v1/orders/{order}");
    assert_eq!(api.refused("PUT", &path, json!({ "time_expire": 1000 })), bad("time_expire"));
    let pay = json!({ "channel": "alipay_qr", "charge_amount": 100 });
    let open = api.post(&format!("{path}/pay"), pay.clone())["charge"].as_str().unwrap().to_owned();
    api.advance(601);
    assert_eq!(api.refused("POST", &format!("{path}/pay"), pay).0, 400);
    assert!(!api.pay(&open));
}

#[test]
fn the_event_of_a_refunded_recharge_has_the_refund() {
    let mut api = Api::new();
    let charge = charge("recharge1", "alipay_qr", json!({}));
    let recharge = api.post("{app}/recharges", json!({ "user": "user_1", "charge": charge }));
    assert!(api.pay(recharge["charge"]["id"].as_str().unwrap()));
    let path = format!("{{app}}/recharges/{}/refunds", id(&recharge));
    let refund = api.post(&path, json!({ "description": "x" }));
    api.advance(2);
    let events = api.get("/v1/events");
    let mut events = events["data"].as_array().unwrap().iter();
    let event = events.find(|event| event["type"] == "recharge.refund.succeeded").unwrap();
    assert_eq!(event["data"]["object"]["id"], refund["id"]);
}

#[test]
fn a_charge_is_split_once_and_only_what_was_split_comes_back() {
    let mut api = Api::new();
    let charge = api.paid("1");
    let receiver = json!({ "app": APP, "type": "MERCHANT_ID", "account": "1", "channel": "wx" });
    let receiver = id(&api.post("/v1/split_receivers", receiver));
    let split = |number: &str, amount: i64| {
        json!({
            "app": APP, "charge": charge, "order_no": number, "type": "split_normal",
            "recipients": [{ "amount": amount, "split_receiver": receiver }],
        })
    };
    let back = |number: &str, amount: i64| {
        json!({
            "app": APP, "charge": charge, "order_no": number, "type": "split_return",
            "recipients": [{ "amount": amount }],
        })
    };
    let path = "/v1/split_profits";
    assert_eq!(api.refused("POST", path, back("r0", 1)), bad("charge"));
    api.post(path, split("s1", 60));
    api.advance(2);
    assert_eq!(api.refused("POST", path, split("s2", 41)), bad("charge"));
    assert_eq!(api.refused("POST", path, back("r1", 61)), bad("charge"));
    let refunds = format!("/v1/charges/{charge}/refunds");
    let refund = |amount: i64| json!({ "description": "x", "amount": amount });
    assert_eq!(api.refused("POST", &refunds, refund(41)), bad("amount"));
    api.post(path, back("r2", 20));
    api.advance(2);
    assert_eq!(api.refused("POST", path, back("r3", 41)), bad("charge"));
    assert_eq!(api.refused("POST", &refunds, refund(61)), bad("amount"));
    api.post(&refunds, refund(60));
}

#[test]
fn a_seed_that_contradicts_itself_is_an_error() {
    let seed = |channel: &str, changes: Value| -> io::Result<State> {
        let extra = json!({ "extra": { "scan_code": "281000000000000003", "user": "user_1" } });
        let seed = json!([with(charge("1", channel, extra), changes)]);
        Options::builder().seed(seed.to_string()).build().first_state()
    };
    assert!(
        seed("alipay_scan", json!({ "paid": true, "refunds": [{ "description": "x" }] })).is_ok()
    );
    assert!(seed("alipay_scan", json!({ "paid": true, "reversed": true })).is_ok());
    for (channel, changes, why) in [
        (
            "alipay_scan",
            json!({ "paid": true, "reversed": true, "refunds": [{ "description": "x" }] }),
            "reversed",
        ),
        ("balance", json!({ "paid": true }), "paid"),
    ] {
        let error = seed(channel, changes).err().unwrap().to_string();
        assert!(error.starts_with("charge 0 of the seed") && error.contains(why), "{error}");
    }
}

#[test]
fn an_object_of_another_user_or_app_is_not_found() {
    let options = Options::builder().apps([APP, "app_2"]).build();
    let mut api = Api(options.first_state().unwrap());
    api.credit("user_1", 100);
    api.post("{app}/users", json!({ "id": "user_2" }));
    let account = json!({ "channel": "alipay", "recipient": { "account": "a@b.c", "name": "B" } });
    let account = id(&api.post("{app}/users/user_2/settle_accounts", account));
    let withdrawal = |account: &str| json!({ "user": "user_1", "amount": 50, "order_no": "w1", "settle_account": account });
    assert_eq!(api.refused("POST", "{app}/withdrawals", withdrawal(&account)).0, 404);

    let bonus = json!({ "user": "user_1", "amount": 50, "order_no": "b1" });
    api.post("/v1/apps/app_2/balance_bonuses", bonus);
    let other = json!({ "user": "user_1", "amount": 50, "order_no": "w1", "channel": "alipay" });
    let other = id(&api.post("/v1/apps/app_2/withdrawals", other));
    let batch = json!({ "withdrawals": [other] });
    assert_eq!(api.refused("POST", "{app}/batch_withdrawals", batch).0, 404);

    let template = json!({ "type": 1, "amount_off": 30 });
    let template = id(&api.post("/v1/apps/app_2/coupon_templates", template));
    let coupon = json!({ "coupon_template": template });
    assert_eq!(api.refused("POST", "{app}/users/user_1/coupons", coupon).0, 404);
}

#[test]
fn a_payout_holds_the_limits_of_its_channel() {
    let mut api = Api::new();
    api.credit("user_1", 10_000);
    // The last order_no that is accepted, and one that is not.
    for (channel, good, wrong) in [
        ("wx_pub", "1".repeat(32), "1".repeat(33)),
        ("wx", "t1".to_owned(), "t-1".to_owned()),
        ("alipay", "a".repeat(64), "a".repeat(65)),
        ("unionpay", "1".repeat(16), "1".repeat(17)),
        ("unionpay", "12".to_owned(), "t12".to_owned()),
        ("allinpay", "1".repeat(20), "1".repeat(19)),
        ("balance", "a-b_c".to_owned(), "a*b".to_owned()),
    ] {
        let refused = api.refused("POST", "/v1/transfers", transfer(&wrong, channel, json!({})));
        assert_eq!(refused, bad("order_no"), "{channel} {wrong}");
        api.post("/v1/transfers", transfer(&good, channel, json!({})));
        if channel != "balance" {
            let withdrawal = |number: &str| json!({ "user": "user_1", "amount": 1, "order_no": number, "channel": channel });
            let refused = api.refused("POST", "{app}/withdrawals", withdrawal(&wrong));
            assert_eq!(refused, bad("order_no"), "{channel} {wrong}");
            api.post("{app}/withdrawals", withdrawal(&good));
        }
    }
    for (channel, name, value) in [
        ("wx_lite", "type", json!("b2b")),
        ("balance", "type", json!("b2b")),
        ("unionpay", "description", json!("茶".repeat(100))),
        ("wx", "description", json!("茶".repeat(34))),
        ("allinpay", "description", json!("茶".repeat(31))),
        ("alipay", "recipient", Value::Null),
        ("wx", "recipient", Value::Null),
        ("balance", "recipient", json!("")),
    ] {
        let number = "10000000000000000000".get(..if channel == "unionpay" { 16 } else { 20 });
        let body = transfer(number.unwrap(), channel, json!({ name: value }));
        assert_eq!(api.refused("POST", "/v1/transfers", body), bad(name), "{channel}");
    }
    let card = json!({ "recipient": null, "type": "b2b", "extra": { "card_number": "6222" } });
    api.post("/v1/transfers", transfer("13", "unionpay", card));

    let batch = |number: &str, channel: &str, kind: &str| {
        with(
            batch(number, channel, json!([{ "user": "user_2", "amount": 1 }])),
            json!({ "type": kind }),
        )
    };
    let path = "/v1/batch_transfers";
    assert_eq!(api.refused("POST", path, batch("batch00001", "balance", "b2c")), bad("batch_no"));
    assert_eq!(api.refused("POST", path, batch("batch000001", "balance", "b2b")), bad("type"));
    api.post(path, batch("batch000001", "balance", "b2c"));
    let account = self::batch("batch000002", "balance", json!([{ "account": "a", "amount": 1 }]));
    assert_eq!(api.refused("POST", path, account), bad("recipients"));
}

#[test]
fn a_page_of_orders_has_at_most_twenty() {
    let mut api = Api::new();
    let list = |count: u32| format!("/v1/orders?app={APP}&per_page={count}");
    api.get(&list(20));
    assert_eq!(api.refused("GET", &list(21), Value::Null), bad("per_page"));
}

#[test]
fn custom_is_a_channel_of_recharges_and_withdrawals_only() {
    let mut api = Api::new();
    let custom = charge("recharge1", "custom", json!({}));
    assert_eq!(api.refused("POST", "/v1/charges", custom.clone()), bad("channel"));
    let order = api.order("order0001", json!({}));
    let pay = json!({ "channel": "custom", "charge_amount": 100 });
    let path = format!("/v1/orders/{order}/pay");
    assert_eq!(api.refused("POST", &path, pay), bad("channel"));
    let recharge = api.post("{app}/recharges", json!({ "user": "0", "charge": custom }));
    assert_eq!(recharge["succeeded"], true);
    let withdrawal = json!({ "user": "0", "amount": 1, "order_no": "w1", "channel": "custom" });
    api.post("{app}/withdrawals", withdrawal);
}

#[test]
fn the_reason_of_a_refund_is_as_long_as_its_channel_takes() {
    let mut api = Api::new();
    let extra = json!({
        "amount": 1000, "extra": {
            "result_url": "x", "p_no": "1", "seq": "1", "m_uid": "1", "mobile": "1",
            "success_url": "x", "fail_url": "x",
        },
    });
    for (channel, good, wrong) in [
        ("cmb_wallet", "茶".repeat(33), "茶".repeat(34)),
        ("cmb_pc_qr", "茶".repeat(33), "茶".repeat(34)),
        ("jdpay_wap", "茶".repeat(42), "茶".repeat(43)),
        ("paypal", "茶".repeat(10), "茶".repeat(11)),
        ("coolcredit", "茶".repeat(100), "茶".repeat(101)),
        ("alipay_qr", "茶".repeat(255), "茶".repeat(256)),
    ] {
        let number = channel.replace('_', "00000");
        let charge = id(&api.post("/v1/charges", charge(&number, channel, extra.clone())));
        assert!(api.pay(&charge));
        let path = format!("/v1/charges/{charge}/refunds");
        let refund = |reason: &str| json!({ "amount": 1, "description": reason });
        assert_eq!(api.refused("POST", &path, refund(&wrong)), bad("description"), "{channel}");
        api.post(&path, refund(&good));
    }
}

#[test]
fn a_user_id_has_letters_digits_and_four_signs() {
    let mut api = Api::new();
    let bonus =
        |user: &str| json!({ "user": user, "amount": 1, "order_no": format!("n{}", user.len()) });
    for wrong in ["-a", "@a", "a b", "a/b", "茶", &"a".repeat(65)] {
        assert_eq!(
            api.refused("POST", "{app}/users", json!({ "id": wrong })),
            bad("id"),
            "{wrong}"
        );
        assert_eq!(api.refused("POST", "{app}/balance_bonuses", bonus(wrong)), bad("user"));
        let order = order("order0001", json!({ "uid": wrong }));
        assert_eq!(api.refused("POST", "/v1/orders", order), bad("uid"));
    }
    for good in ["_a", "0", "li-lei@example.com"] {
        api.post("{app}/balance_bonuses", bonus(good));
    }
}

#[test]
fn fields_of_the_server_are_not_taken_from_parameters() {
    let mut api = Api::new();
    let claimed = json!({
        "livemode": true, "succeeded": true, "time_succeeded": 1, "refunded": true, "status": "paid",
        "time_transferred": 1, "failure_code": "x", "transaction_no": "x", "succeed": true,
        "time_succeed": 1, "amount_refunded": 50, "paid": true, "time_paid": 1,
    });
    let recharge =
        json!({ "user": "user_1", "charge": charge("recharge1", "alipay_qr", json!({})) });
    let paid = api.paid("1");
    let objects = [
        api.post("{app}/recharges", with(recharge, claimed.clone())),
        api.post("/v1/transfers", with(transfer("t1", "alipay", json!({})), claimed.clone())),
        api.post("/v1/orders", with(order("order0001", json!({})), claimed.clone())),
        api.post(
            &format!("/v1/charges/{paid}/refunds"),
            with(json!({ "description": "x" }), claimed.clone()),
        ),
    ];
    for object in objects {
        for (name, value) in claimed.as_object().unwrap() {
            assert_ne!(object.get(name), Some(value), "{object:#}");
        }
    }
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
