//! Kinds of what customers pay, and get back: charges, refunds, orders, recharges; events.

use crate::sandbox::kind::Purse::{Merchant, Reserved, Source, User};
use crate::sandbox::kind::{By, IdForm, Kind, Limit, Paging, State, by};

pub(super) const PAYMENTS: &[&Kind] =
    &[&CHARGE, &REFUND, &BATCH_REFUND, &ORDER, &RECHARGE, &AGREEMENT, &CUSTOMS, &EVENT];

/// Its parameters are checked by `rules`.
pub(in crate::sandbox) static CHARGE: Kind = Kind {
    can: "rl",
    paging: Paging::Cursor,
    lists_by: &["app[id]"],
    fields: r#"{"livemode":false,"paid":false,"refunded":false,"reversed":false,"app":"","channel":"","order_no":"",
        "client_ip":"","amount":0,"amount_settle":0,"currency":"cny","subject":"","body":"",
        "extra":{},"time_paid":null,"time_expire":0,"time_settle":null,"transaction_no":null,
        "refunds":null,"amount_refunded":0,"failure_code":null,"failure_msg":null,"metadata":{},
        "credential":{},"description":null}"#,
    states: &[
        State::new("open"),
        State::new("paid")
            .stamps("time_paid")
            .sets("paid")
            .posts(Source, Merchant, "payment")
            .emits("charge.succeeded"),
        State::new("failed").emits("charge.failed"),
        State::new("closed").sets("reversed"),
        State::new("returned").sets("reversed").posts(Merchant, Source, "payment_refund"),
    ],
    ..Kind::new("charge", "/v1/charges", IdForm::Numbered("ch_1012611230000", 11))
};

pub(in crate::sandbox) static REFUND: Kind = Kind {
    can: "rl",
    paging: Paging::Cursor,
    fields: r#"{"order_no":"","app":"","amount":0,"currency":"cny","succeed":false,
        "status":"","time_succeed":null,"description":"","failure_code":null,"failure_msg":null,
        "metadata":{},"charge":"","charge_order_no":"","transaction_no":null,
        "funding_source":null,"extra":{}}"#,
    limits: &[
        ("description", Limit::Chars(1, 255)),
        ("funding_source", Limit::OneOf(&["unsettled_funds", "recharge_funds"])),
    ],
    states: &[
        State::new("pending").posts(Merchant, Reserved, ""),
        State::new("succeeded")
            .stamps("time_succeed")
            .sets("succeed")
            .posts(Reserved, Source, "payment_refund")
            .emits("refund.succeeded"),
        State::new("failed").posts(Reserved, Merchant, "").emits("refund.failed"),
    ],
    // How it goes on without that is in `refunds`.
    moves: &[by(By::Confirm, "pending", "succeeded")],
    ..Kind::new("refund", "/v1/charges/{charge}/refunds", IdForm::Numbered("re_1012611230000", 11))
};

pub(in crate::sandbox) static BATCH_REFUND: Kind = Kind {
    fields: r#"{"livemode":false,"app":"","batch_no":"","description":"","metadata":{},"charges":[],
        "refunds":null,"refund_url":null,"status":"","time_succeeded":null}"#,
    needs: &["app", "batch_no", "charges", "description"],
    limits: &[
        ("batch_no", Limit::Alnum(3, 24)),
        ("charges", Limit::Items(100)),
        ("description", Limit::Chars(1, 255)),
    ],
    unique: Some("batch_no"),
    states: &[
        State::new("pending"),
        State::new("succeeded").stamps("time_succeeded").emits("batch_refund.succeeded"),
        State::new("partially_succeeded").stamps("time_succeeded"),
        State::new("failed"),
    ],
    books: "its refunds post",
    ..Kind::new("batch_refund", "/v1/batch_refunds", IdForm::Numbered("1526112300", 8))
};

pub(in crate::sandbox) static ORDER: Kind = Kind {
    per_page: 20,
    lists_by: &["app"],
    fields: r#"{"livemode":false,"app":"","receipt_app":"","service_app":"","status":"","paid":false,
        "refunded":false,"uid":null,"available_balance":0,"merchant_order_no":"","amount":0,
        "coupon_amount":0,"discount_amount":0,"actual_amount":0,"amount_paid":0,
        "amount_refunded":0,"currency":"cny","subject":"","body":"","client_ip":"",
        "time_paid":null,"time_expire":0,"charge":null,"coupon":null,"description":null,
        "metadata":{},"charge_essentials":{},"charges":{},"available_methods":[]}"#,
    needs: &["app", "merchant_order_no", "amount", "currency", "client_ip", "subject", "body"],
    limits: &[
        ("merchant_order_no", Limit::Alnum(8, 20)),
        ("uid", Limit::UserId),
        ("amount", Limit::Number(1, 1_000_000_000)),
        ("subject", Limit::Chars(1, 32)),
        ("body", Limit::Chars(1, 128)),
        ("description", Limit::Chars(1, 255)),
    ],
    updates: &[
        "amount",
        "subject",
        "body",
        "description",
        "time_expire",
        "metadata",
        "receipt_app",
        "service_app",
    ],
    unique: Some("merchant_order_no"),
    states: &[
        State::new("created"),
        State::new("paid").stamps("time_paid").emits("order.succeeded"),
        State::new("refunded").emits("order.refunded"),
        State::new("canceled"),
    ],
    moves: &[by(By::Put, "created", "canceled")],
    books: "its charges and refunds post",
    ..Kind::new("order", "/v1/orders", IdForm::Numbered("20026112300000", 5))
};

pub(in crate::sandbox) static RECHARGE: Kind = Kind {
    fields: r#"{"livemode":false,"app":"","amount":0,"succeeded":false,"time_succeeded":null,"refunded":false,
        "user":"","from_user":null,"user_fee":0,"charge":{},"balance_bonus":null,
        "balance_transaction":null,"refunds":{},"description":null,"metadata":{}}"#,
    needs: &["user", "charge"],
    limits: &[
        ("user", Limit::UserId),
        ("user_fee", Limit::Number(0, 1_000_000_000)),
        ("description", Limit::Chars(1, 255)),
    ],
    states: &[
        State::new("created"),
        State::new("succeeded")
            .stamps("time_succeeded")
            .sets("succeeded")
            .posts(Merchant, User("user"), "recharge")
            .emits("recharge.succeeded"),
        State::new("refunding").posts(User("user"), Merchant, "recharge_refund"),
        // Its event has the refund: see `refunds`.
        State::new("refunded").sets("refunded"),
        State::new("kept").posts(Merchant, User("user"), "recharge_refund_failed"),
    ],
    ..Kind::new("recharge", "/v1/apps/{app}/recharges", IdForm::Numbered("2202611230000000000", 5))
};

pub(in crate::sandbox) static AGREEMENT: Kind = Kind {
    can: "crlu",
    lists_by: &["app"],
    fields: r#"{"livemode":false,"app":"","channel":"","contract_no":"","contract_id":null,"credential":{},
        "status":"","time_succeeded":null,"time_canceled":null,"failure_code":null,
        "failure_msg":null,"extra":{},"metadata":{}}"#,
    needs: &["app", "contract_no", "channel"],
    unique: Some("contract_no"),
    states: &[
        State::new("created"),
        State::new("succeeded").stamps("time_succeeded").emits("agreement.succeeded"),
        State::new("canceled").stamps("time_canceled"),
    ],
    moves: &[
        by(By::Confirm, "created", "succeeded"),
        by(By::Put, "created", "canceled"),
        by(By::Put, "succeeded", "canceled"),
    ],
    books: "an agreement moves no money by itself",
    ..Kind::new("agreement", "/v1/agreements", IdForm::Numbered("agr_1Oqb", 10))
};

pub(in crate::sandbox) static CUSTOMS: Kind = Kind {
    fields: r#"{"app":"","channel":"","trade_no":"","customs_code":"","amount":0,"charge":"",
        "transport_amount":0,"is_split":false,"sub_order_no":null,"extra":{},
        "time_succeeded":null,"status":"","failure_code":null,"failure_msg":null,
        "transaction_no":null}"#,
    needs: &["app", "charge", "channel", "trade_no", "customs_code", "amount"],
    limits: &[
        ("trade_no", Limit::Chars(8, 20)),
        ("amount", Limit::Number(1, 1_000_000_000)),
        ("sub_order_no", Limit::Chars(1, 30)),
    ],
    unique: Some("trade_no"),
    states: &[
        State::new("pending"),
        State::new("succeeded").stamps("time_succeeded").emits("customs.succeeded"),
    ],
    moves: &[by(By::Time(2), "pending", "succeeded")],
    books: "a declaration says what was paid and moves nothing",
    ..Kind::new("customs", "/v1/customs", IdForm::Numbered("14261123000000", 6))
};

pub(in crate::sandbox) static EVENT: Kind = Kind {
    can: "rl",
    paging: Paging::Cursor,
    fields: r#"{"livemode":false,"type":"","data":{},"pending_webhooks":0,"request":null}"#,
    states: &[State::new("waits"), State::new("delivered")],
    books: "an event tells what has happened",
    ..Kind::new("event", "/v1/events", IdForm::Numbered("evt_4012611230000", 11))
};
