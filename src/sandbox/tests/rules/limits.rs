//! What a parameter may be.

use super::*;

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
