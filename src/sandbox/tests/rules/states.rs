//! What a state allows, and what follows from it.

use std::io;

use super::*;

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
