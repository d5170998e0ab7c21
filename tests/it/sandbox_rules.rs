//! The sandbox says what Ping++ documents: fields of objects, limits, numbers, payments from a balance.

use std::time::Duration;

use pingpp::sandbox::Sandbox;
use pingpp::{Client, Error, Outcome, Request};
use serde_json::{Value, json};

/// A sandbox, and a client that takes objects as JSON.
struct World {
    sandbox: Sandbox,
    client: Client,
}

impl World {
    async fn new() -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let client = sandbox.client();
        Self { sandbox, client }
    }

    async fn get(&self, path: impl Into<String>) -> Result<Value, Error> {
        self.client.call(Request::get(path.into(), &[])).await
    }

    async fn post(&self, path: impl Into<String>, body: Value) -> Result<Value, Error> {
        self.client.call(Request::post(path.into(), &[]).json(&body)).await
    }

    fn in_app(&self, path: &str) -> String {
        format!("/v1/apps/{}/{path}", self.sandbox.app())
    }

    /// The parameters of a charge, with changes.
    fn charge(&self, number: &str, channel: &str, changes: Value) -> Value {
        let mut body = json!({
            "order_no": number, "app": { "id": self.sandbox.app() }, "channel": channel,
            "amount": 1234, "client_ip": "192.0.2.1", "currency": "cny", "subject": "Tea",
            "body": "Longjing",
            "extra": {
                "success_url": "http://x", "result_url": "http://x", "open_id": "o",
                "product_id": "p", "scan_code": "281000000000000003", "terminal_id": "t",
                "pay_channel": "wx", "goods_list": [], "product_category": "1",
                "identity_id": "1", "identity_type": 1, "terminal_type": 1, "user_ua": "x",
            },
        });
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    }

    async fn create(&self, number: &str, channel: &str, changes: Value) -> Result<Value, Error> {
        self.post("/v1/charges", self.charge(number, channel, changes)).await
    }

    /// Creates a charge, which its customer pays.
    async fn paid(&self, number: &str) -> String {
        let charge = self.create(number, "alipay_qr", json!({})).await.unwrap();
        let id = charge["id"].as_str().unwrap();
        assert!(self.sandbox.pay(id));
        id.to_owned()
    }

    async fn credit(&self, user: &str, amount: i64) {
        let bonus = json!({ "user": user, "amount": amount, "order_no": format!("for{user}") });
        self.post(self.in_app("balance_bonuses"), bonus).await.unwrap();
    }

    async fn balance(&self, user: &str) -> i64 {
        let user = self.get(self.in_app(&format!("users/{user}"))).await.unwrap();
        user["available_balance"].as_i64().unwrap()
    }
}

/// The parameter that a refusal names.
fn param<T>(result: Result<T, Error>) -> Option<String> {
    let refused = result.err()?;
    assert_eq!((refused.status(), refused.outcome()), (Some(400), Outcome::Rejected));
    Some(refused.api().unwrap().param().unwrap_or("none").to_owned())
}

#[tokio::test]
async fn a_credential_has_the_form_of_its_channel() {
    let world = World::new().await;
    // The fields that the SDKs of the channels read; none where the form is a text.
    for (channel, names) in [
        ("alipay", &["orderInfo"][..]),
        ("alipay_wap", &["channel_url", "sign"]),
        ("wx", &["appId", "partnerId", "prepayId", "nonceStr", "timeStamp", "sign"]),
        ("wx_pub", &["appId", "timeStamp", "nonceStr", "package", "signType", "paySign"]),
        ("wx_lite", &["timeStamp", "package", "paySign"]),
        ("upacp", &["tn", "mode"]),
        ("upacp_wap", &["channel_url", "orderId"]),
        ("alipay_qr", &[]),
        ("wx_pub_qr", &[]),
        ("wx_wap", &[]),
        ("isv_qr", &[]),
    ] {
        let number = format!("00000000{channel}").replace('_', "");
        let charge = world.create(&number, channel, json!({})).await.unwrap();
        let credential = &charge["credential"];
        assert_eq!(credential["object"], "credential");
        for name in names {
            assert!(!credential[channel][name].is_null(), "{channel}: {name}");
        }
        assert_eq!(credential[channel].is_string(), names.is_empty(), "{channel}");
        let id = charge["id"].as_str().unwrap();
        assert!(world.sandbox.pay(id));
        let paid = world.get(format!("/v1/charges/{id}")).await.unwrap();
        assert_eq!(paid["credential"], json!({}), "{channel}: nothing is to be paid any more");
    }
    let charge = world.create("21", "wx", json!({})).await.unwrap();
    assert!(charge["credential"]["wx"]["timeStamp"].is_i64());
    let charge = world.create("22", "wx_pub", json!({})).await.unwrap();
    assert!(charge["credential"]["wx_pub"]["timeStamp"].is_string());
    let scanned = world.create("3", "alipay_scan", json!({})).await.unwrap();
    assert_eq!(scanned["credential"], json!({}));
}

#[tokio::test]
async fn a_refund_has_extra_and_the_currency_of_its_charge() {
    let world = World::new().await;
    let charge = world.create("1", "alipay_qr", json!({ "currency": "usd" })).await.unwrap();
    let id = charge["id"].as_str().unwrap();
    assert!(world.sandbox.pay(id));
    let refunds = format!("/v1/charges/{id}/refunds");
    let refund = json!({ "description": "x", "extra": { "k": "v" }, "currency": "cny" });
    let refund = world.post(refunds.clone(), refund).await.unwrap();
    assert_eq!((&refund["extra"], &refund["currency"]), (&json!({ "k": "v" }), &json!("usd")));
    let listed = world.get(refunds).await.unwrap();
    assert_eq!(listed["data"], json!([refund]));
}

#[tokio::test]
async fn an_event_names_its_request_and_is_posted_compact() {
    let world = World::new().await;
    world.paid("1").await;
    let posted = world.sandbox.events().remove(0);
    let event: Value = serde_json::from_slice(&posted.body).unwrap();
    assert!(event["request"].as_str().unwrap().starts_with("iar_"));
    assert_eq!(posted.body, event.to_string().into_bytes(), "no space between the tokens");
}

#[tokio::test]
async fn a_channel_that_nobody_knows_yet_is_accepted() {
    let world = World::new().await;
    let charge = world.create("1", "brand_new_pay", json!({})).await.unwrap();
    assert_eq!(charge["channel"], "brand_new_pay");
    assert!(charge["credential"]["brand_new_pay"].is_object());
}

#[tokio::test]
async fn an_order_no_is_unique_among_the_channels_of_one_company() {
    let world = World::new().await;
    world.create("00000001", "alipay_qr", json!({})).await.unwrap();
    world.create("00000001", "upacp", json!({})).await.unwrap();
    let wx = world.create("00000001", "wx", json!({})).await.unwrap();
    for channel in ["alipay_wap", "upacp_wap", "wx_pub", "wx_lite"] {
        let used = world.create("00000001", channel, json!({})).await.unwrap_err();
        assert_eq!(used.api().unwrap().code().unwrap().as_str(), "charge_order_no_used");
    }
    assert_eq!(world.create("00000001", "wx", json!({})).await.unwrap()["id"], wx["id"]);
}

#[tokio::test]
async fn scanned_codes_of_wechat_make_a_new_charge_after_a_minute() {
    let world = World::new().await;
    for channel in ["wx_pub_scan", "cb_wx_pub_scan"] {
        let create = || world.create("1", channel, json!({}));
        let first = create().await.unwrap();
        world.sandbox.advance(Duration::from_secs(55));
        assert_eq!(create().await.unwrap()["id"], first["id"]);
        world.sandbox.advance(Duration::from_secs(10));
        assert_ne!(create().await.unwrap()["id"], first["id"]);
    }
    // `extra` is not among the fields that are compared: a new code is the same order.
    let other = json!({ "extra": { "scan_code": "281000000000000009" } });
    let first = world.create("2", "wx_pub_scan", json!({})).await.unwrap();
    assert_eq!(world.create("2", "wx_pub_scan", other).await.unwrap()["id"], first["id"]);
}

#[tokio::test]
async fn limits_count_what_the_documentation_counts() {
    let world = World::new().await;
    let tea = |count: usize| "茶".repeat(count);
    let pairs = |count: usize| (0..count).map(|n| (format!("k{n}"), json!("v"))).collect::<Value>();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let after = |seconds: u64| json!({ "time_expire": now.as_secs() + seconds });
    // Each limit, with the last value that is accepted and the first one that is not.
    for (name, channel, good, bad) in [
        ("subject", "alipay_qr", json!({ "subject": tea(32) }), json!({ "subject": tea(33) })),
        ("subject", "upacp", json!({ "subject": tea(10) }), json!({ "subject": tea(11) })),
        ("body", "alipay_qr", json!({ "body": tea(128) }), json!({ "body": tea(129) })),
        ("body", "yeepay_wap", json!({ "body": tea(100) }), json!({ "body": tea(101) })),
        (
            "description",
            "wx",
            json!({ "description": tea(255) }),
            json!({ "description": tea(256) }),
        ),
        ("metadata", "wx", json!({ "metadata": pairs(20) }), json!({ "metadata": pairs(21) })),
        (
            "metadata",
            "wx",
            json!({ "metadata": { "k": tea(999) } }),
            json!({ "metadata": { "k": tea(1000) } }),
        ),
        ("time_expire", "wx", after(310), after(290)),
        ("time_expire", "alipay_qr", after(70), after(50)),
        ("time_expire", "upacp", after(3590), after(3700)),
        ("amount", "wx", json!({ "amount": 1 }), json!({ "amount": 0 })),
    ] {
        let postings = world.sandbox.postings();
        let number = || format!("{:016x}", fastrand::u64(..));
        let refused = param(world.create(&number(), channel, bad).await);
        assert_eq!(refused.as_deref(), Some(name), "{channel}");
        assert_eq!(param(world.create(&number(), channel, good).await), None, "{channel} {name}");
        assert_eq!(world.sandbox.postings(), postings);
    }
    for subject in ["🍵", "\u{20000}"] {
        let refused = world.create("1", "wx", json!({ "subject": subject })).await.unwrap_err();
        assert!(refused.api().unwrap().message().contains("U+FFFF"), "{refused}");
    }
    let charge = world.paid("99").await;
    let refund = json!({ "description": tea(256) });
    let refused = param(world.post(format!("/v1/charges/{charge}/refunds"), refund).await);
    assert_eq!(refused.as_deref(), Some("description"));
}

#[tokio::test]
async fn no_number_is_too_large_for_it() {
    let world = World::new().await;
    world.credit("user_1", 2_000).await;
    let app = world.sandbox.app();
    let paid = world.paid("1").await;
    let template = json!({ "type": 1, "amount_off": 1, "expiration": { "duration": i64::MAX } });
    let template = world.post(world.in_app("coupon_templates"), template).await.unwrap();
    let coupons =
        world.in_app(&format!("coupon_templates/{}/coupons", template["id"].as_str().unwrap()));
    world.post(coupons, json!({ "users": ["user_1"] })).await.unwrap();
    for (at, n) in
        [i64::MAX, i64::MIN, i64::MAX / 2, i64::from(i32::MAX) + 1].into_iter().enumerate()
    {
        let order = |changes: Value| {
            let mut order = json!({
                "app": app, "uid": "user_1", "merchant_order_no": format!("order{at}xx{}", fastrand::u16(..)),
                "amount": 100, "currency": "cny", "client_ip": "192.0.2.1", "subject": "s", "body": "b",
            });
            order.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            order
        };
        let share = json!([{ "user": "user_1", "amount": n }, { "user": "0", "amount": n }]);
        let recharge = |charge: i64, more: Value| {
            let number = format!("rc{at}{}", fastrand::u64(..));
            let mut body = json!({ "user": "user_1", "charge": world.charge(&number, "alipay_scan", json!({
                "amount": charge, "extra": { "scan_code": "281000000000000001" } })) });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        let batch = json!({
            "app": app, "batch_no": format!("batch{at}"), "channel": "alipay", "amount": n, "type": "b2c",
            "description": "x", "recipients": [{ "account": "a", "amount": n }, { "account": "b", "amount": n }],
        });
        let recharges = world.in_app("recharges");
        for (path, body) in [
            ("/v1/charges".into(), world.charge(&format!("9{at}"), "wx", json!({ "amount": n }))),
            ("/v1/orders".into(), order(json!({ "amount": n }))),
            ("/v1/orders".into(), order(json!({ "royalty_users": share }))),
            (recharges.clone(), recharge(n, json!({}))),
            (recharges.clone(), recharge(100, json!({ "balance_bonus": { "amount": n } }))),
            (recharges, recharge(100, json!({ "user_fee": n }))),
            (
                world.in_app("balance_bonuses"),
                json!({ "user": "user_1", "amount": n, "order_no": "x" }),
            ),
            ("/v1/batch_transfers".into(), batch),
            (
                "/v1/split_profits".into(),
                json!({
                    "app": app, "charge": paid, "order_no": format!("s{at}"), "type": "split_return",
                    "recipients": [{ "amount": n }, { "amount": n }],
                }),
            ),
            (format!("/v1/charges/{paid}/refunds"), json!({ "description": "x", "amount": n })),
        ] {
            let postings = world.sandbox.postings();
            let refused = world.post(path.clone(), body).await.unwrap_err();
            assert_eq!(refused.status(), Some(400), "{path} {n}: {refused}");
            assert_eq!(world.sandbox.postings(), postings, "{path} {n}");
        }
        // Where no limit is documented, it is taken as it is.
        let settlement = json!({ "balance_settlement": { "user": "user_1", "user_fee": n } });
        let order = world.post("/v1/orders", order(settlement)).await.unwrap();
        let pay = format!("/v1/orders/{}/pay", order["id"].as_str().unwrap());
        world.post(pay, json!({ "channel": "balance", "charge_amount": 100 })).await.unwrap();
        world.sandbox.check_books().unwrap();
    }
    world.paid("2").await;
    world.sandbox.advance(Duration::MAX);
    world.paid("3").await;
    world.sandbox.advance(Duration::MAX);
    world.sandbox.check_books().unwrap();
}

#[tokio::test]
async fn a_balance_pays_what_it_has() {
    let world = World::new().await;
    world.credit("user_1", 2_000).await;
    let pay = |number: &'static str| {
        world.create(number, "balance", json!({ "extra": { "user": "user_1" } }))
    };
    let charge = pay("1").await.unwrap();
    assert_eq!((&charge["paid"], world.balance("user_1").await), (&json!(true), 766));
    let postings = world.sandbox.postings();
    let short = pay("2").await.unwrap_err();
    assert_eq!(short.status(), Some(402), "{short}");
    assert_eq!((world.balance("user_1").await, world.sandbox.postings()), (766, postings));
    // What is refunded goes back to where it came from.
    let refunds = format!("/v1/charges/{}/refunds", charge["id"].as_str().unwrap());
    world.post(refunds, json!({ "description": "x", "amount": 34 })).await.unwrap();
    world.sandbox.advance(pingpp::sandbox::REFUND_TAKES);
    assert_eq!(world.balance("user_1").await, 800);
    world.sandbox.check_books().unwrap();
}

#[tokio::test]
async fn a_refund_that_waits_for_the_merchant_holds_the_money_until_midnight() {
    for confirmed in [true, false] {
        let world = World::new().await;
        let id = world.paid("1").await;
        let refunds = format!("/v1/charges/{id}/refunds");
        let wish = json!({ "sandbox": "refund_wait_operation" });
        let waits = json!({ "description": "x", "amount": 1_000, "metadata": wish });
        let waits = world.post(refunds.clone(), waits).await.unwrap();
        assert_eq!(
            (&waits["status"], &waits["failure_code"]),
            (&json!("pending"), &json!("refund_wait_operation"))
        );
        // It is reserved: only the rest can be refunded.
        let too_much = json!({ "description": "x", "amount": 235 });
        assert_eq!(param(world.post(refunds.clone(), too_much).await).as_deref(), Some("amount"));
        let refund = waits["id"].as_str().unwrap();
        let one = format!("{refunds}/{refund}");
        if confirmed {
            assert!(world.sandbox.confirm(refund) && !world.sandbox.confirm(refund));
            let done = world.get(one).await.unwrap();
            assert_eq!(
                (&done["status"], &done["failure_code"]),
                (&json!("succeeded"), &Value::Null)
            );
        } else {
            let created = waits["created"].as_i64().unwrap();
            // The clock of China is 8 hours ahead of UTC.
            let to_midnight = 86_400 - (created + 8 * 3_600).rem_euclid(86_400);
            let to_midnight = to_midnight.unsigned_abs();
            if to_midnight > 60 {
                world.sandbox.advance(Duration::from_secs(to_midnight - 60));
                assert_eq!(world.get(one.clone()).await.unwrap()["status"], "pending");
            }
            world.sandbox.advance(Duration::from_secs(61));
            assert_eq!(world.get(one).await.unwrap()["status"], "failed");
            assert!(!world.sandbox.confirm(refund), "too late");
            let all = json!({ "description": "x", "amount": 1_234 });
            assert!(world.post(refunds, all).await.is_ok(), "the money is there again");
        }
        world.sandbox.check_books().unwrap();
    }
}

#[tokio::test]
async fn a_transfer_of_wechat_waits_for_its_recipient() {
    let world = World::new().await;
    let transfer = |number: &str, extra: Value| {
        let body = json!({
            "app": { "id": world.sandbox.app() }, "channel": "wx_pub", "order_no": number,
            "amount": 100, "type": "b2c", "currency": "cny", "recipient": "o7",
            "description": "wages", "extra": extra,
        });
        world.post("/v1/transfers", body)
    };
    let scene = json!({ "scene_id": "1005" });
    let taken = transfer("1", scene.clone()).await.unwrap();
    let withdrawn = transfer("2", scene).await.unwrap();
    let id = |transfer: &Value| transfer["id"].as_str().unwrap().to_owned();
    let one = |transfer: &Value| format!("/v1/transfers/{}", id(transfer));
    // To look does not move it on.
    for transfer in [&taken, &withdrawn] {
        assert_eq!(world.get(one(transfer)).await.unwrap()["status"], "wait_user_confirm");
    }
    assert!(world.sandbox.confirm(&id(&taken)));
    assert_eq!(world.get(one(&taken)).await.unwrap()["status"], "paid");
    let reversed = world.post(format!("{}/reverse", one(&withdrawn)), json!({})).await.unwrap();
    assert_eq!(reversed["status"], "canceled");
    assert!(!world.sandbox.confirm(&id(&withdrawn)), "there is nothing to take");
    let late = world.post(format!("{}/reverse", one(&taken)), json!({})).await;
    assert_eq!(param(late).as_deref(), Some("none"), "it is paid");
    // Without a scene it is of the old kind, which moves on when it is retrieved.
    let old = transfer("3", json!({})).await.unwrap();
    assert_eq!(old["status"], "pending");
    assert_eq!(world.get(one(&old)).await.unwrap()["status"], "paid");
    world.sandbox.check_books().unwrap();
}
