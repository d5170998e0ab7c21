//! Kinds of what the merchant pays out: transfers, red envelopes, shares of a payment.

use crate::sandbox::kind::Purse::{Channels, Merchant, Reserved};
use crate::sandbox::kind::{By, IdForm, Kind, Limit, Paging, State, by};

pub(super) const PAYOUTS: &[&Kind] = &[
    &TRANSFER,
    &BATCH_TRANSFER,
    &RED_ENVELOPE,
    &FUNDS_TRANSFER,
    &SPLIT_RECEIVER,
    &SPLIT_PROFIT,
    &PROFIT_TRANSACTION,
];

const TRANSFER_CHANNELS: Limit = Limit::OneOf(&[
    "alipay", "wx", "wx_pub", "wx_lite", "unionpay", "allinpay", "jdpay", "balance", "chanpay",
]);

pub(in crate::sandbox) static TRANSFER: Kind = Kind {
    paging: Paging::Cursor,
    fields: r#"{"livemode":false,"type":"","time_transferred":null,"status":"","app":"","channel":"",
        "order_no":"","batch_no":null,"amount":0,"amount_settle":0,"currency":"cny",
        "recipient":null,"description":"","transaction_no":null,"failure_code":null,
        "failure_msg":null,"extra":{},"metadata":{}}"#,
    needs: &["app", "channel", "order_no", "amount", "type", "currency", "description"],
    limits: &[
        ("channel", TRANSFER_CHANNELS),
        ("type", Limit::OneOf(&["b2c", "b2b"])),
        ("amount", Limit::Number(1, 1_000_000_000)),
    ],
    unique: Some("order_no"),
    states: &[
        State::new("pending").posts(Merchant, Reserved, ""),
        State::new("wait_user_confirm"),
        State::new("paid")
            .stamps("time_transferred")
            .posts(Reserved, crate::sandbox::kind::Purse::Source, "transfer")
            .emits("transfer.succeeded"),
        State::new("failed").posts(Reserved, Merchant, "").emits("transfer.failed"),
        State::new("canceled").posts(Reserved, Merchant, ""),
    ],
    // In test mode a transfer goes on when it is retrieved (documentation). Those of the new kind of
    // WeChat wait for their recipient: see `hooks`.
    moves: &[
        by(By::Retrieve, "pending", "paid"),
        by(By::Confirm, "wait_user_confirm", "paid"),
        by(By::Verb("reverse"), "pending", "canceled"),
        by(By::Verb("reverse"), "wait_user_confirm", "canceled"),
        by(By::Verb("reverse"), "canceled", "canceled"),
    ],
    ..Kind::new("transfer", "/v1/transfers", IdForm::Numbered("tr_1312611230000", 11))
};

pub(in crate::sandbox) static BATCH_TRANSFER: Kind = Kind {
    fields: r#"{"livemode":false,"app":"","amount":0,"batch_no":"","channel":"","currency":"cny",
        "description":"","extra":{},"failure_msg":null,"fee":0,"metadata":{},"recipients":[],
        "status":"","time_succeeded":null,"transaction_no":null,"type":""}"#,
    needs: &["app", "batch_no", "channel", "amount", "type", "description", "recipients"],
    limits: &[
        ("batch_no", Limit::Alnum(11, 32)),
        ("channel", TRANSFER_CHANNELS),
        ("type", Limit::OneOf(&["b2c", "b2b"])),
        ("amount", Limit::Number(1, 1_000_000_000)),
        ("description", Limit::Bytes(200)),
    ],
    unique: Some("batch_no"),
    states: &[
        State::new("pending"),
        // A partial success is announced as a success, too.
        State::new("succeeded").stamps("time_succeeded").emits("batch_transfer.succeeded"),
        State::new("partially_succeeded").emits("batch_transfer.succeeded"),
        State::new("failed").emits("batch_transfer.failed"),
        State::new("canceled"),
    ],
    moves: &[by(By::Put, "pending", "canceled")],
    books: "its transfers post",
    ..Kind::new("batch_transfer", "/v1/batch_transfers", IdForm::Numbered("1826112300", 8))
};

pub(in crate::sandbox) static RED_ENVELOPE: Kind = Kind {
    paging: Paging::Cursor,
    fields: r#"{"livemode":false,"received":null,"refunded":null,"status":"","app":"","channel":"",
        "order_no":"","transaction_no":null,"amount":0,"amount_settle":0,"currency":"cny",
        "recipient":"","subject":"","body":"","description":"","failure_code":null,
        "failure_msg":null,"extra":{},"metadata":{}}"#,
    needs: &[
        "app",
        "order_no",
        "channel",
        "amount",
        "currency",
        "recipient",
        "subject",
        "body",
        "description",
        "extra",
    ],
    limits: &[
        ("channel", Limit::OneOf(&["wx", "wx_pub", "wx_lite"])),
        ("order_no", Limit::Alnum(1, 28)),
        ("amount", Limit::Number(100, 20_000)),
        ("subject", Limit::Bytes(32)),
        ("body", Limit::Bytes(128)),
        ("description", Limit::Bytes(255)),
    ],
    unique: Some("order_no"),
    states: &[
        State::new("sending").posts(Merchant, Reserved, ""),
        State::new("sent").emits("red_envelope.sent"),
        State::new("received")
            .stamps("received")
            .posts(Reserved, Channels, "")
            .emits("red_envelope.received"),
        State::new("refund").stamps("refunded").posts(Reserved, Merchant, ""),
        State::new("failed").posts(Reserved, Merchant, ""),
    ],
    moves: &[
        by(By::Time(2), "sending", "sent"),
        by(By::Confirm, "sent", "received"),
        // Nobody took it for a day.
        by(By::Time(86_400), "sent", "refund"),
    ],
    ..Kind::new("red_envelope", "/v1/red_envelopes", IdForm::Numbered("red_1012611230000", 11))
};

pub(in crate::sandbox) static FUNDS_TRANSFER: Kind = Kind {
    can: "cr",
    // No document shows this object: these are its parameters, and a status.
    fields: r#"{"app":"","channel":"","order_no":"","amount":0,"subject":"",
        "description":null,"status":"","time_succeeded":null,"failure_msg":null}"#,
    needs: &["channel", "order_no", "amount", "subject"],
    limits: &[("amount", Limit::Number(1, 1_000_000_000))],
    unique: Some("order_no"),
    states: &[
        State::new("pending").posts(Merchant, Reserved, ""),
        State::new("succeeded").stamps("time_succeeded").posts(Reserved, Channels, ""),
    ],
    moves: &[by(By::Time(2), "pending", "succeeded")],
    ..Kind::new(
        "funds_transfer",
        "/v1/apps/{app}/funds_transfers",
        IdForm::Numbered("73261123000000", 5),
    )
};

pub(in crate::sandbox) static SPLIT_RECEIVER: Kind = Kind {
    can: "crld",
    lists_by: &["app"],
    fields: r#"{"livemode":false,"app":"","channel":"","type":"","account":"","name":null,"extra":{},
        "metadata":{}}"#,
    needs: &["app", "type", "account", "channel"],
    limits: &[
        (
            "type",
            Limit::OneOf(&[
                "MERCHANT_ID",
                "PERSONAL_WECHATID",
                "PERSONAL_OPENID",
                "PERSONAL_SUB_OPENID",
            ]),
        ),
        ("account", Limit::Chars(1, 64)),
        ("name", Limit::Chars(1, 1024)),
    ],
    books: "a receiver is only registered",
    ..Kind::new("split_receiver", "/v1/split_receivers", IdForm::Numbered("recv_1Oqb", 10))
};

pub(in crate::sandbox) static SPLIT_PROFIT: Kind = Kind {
    lists_by: &["app"],
    fields: r#"{"livemode":false,"app":"","charge":"","channel":"","type":"","order_no":"",
        "transaction_no":null,"failure_code":null,"failure_msg":null,"recipients":[],"extra":{},
        "metadata":{}}"#,
    needs: &["app", "charge", "order_no", "type", "recipients"],
    limits: &[
        ("order_no", Limit::Chars(1, 64)),
        ("type", Limit::OneOf(&["split_normal", "split_return"])),
    ],
    unique: Some("order_no"),
    books: "its transactions post",
    ..Kind::new("split_profit", "/v1/split_profits", IdForm::Numbered("sp_1Oqb", 10))
};

/// A share of a `split_profit`, or what comes back of one.
pub(in crate::sandbox) static PROFIT_TRANSACTION: Kind = Kind {
    can: "rl",
    lists_by: &["app"],
    fields: r#"{"livemode":false,"app":"","amount":0,"currency":"cny","name":null,"status":"",
        "description":null,"split_receiver":"","split_profit":"","time_finished":null,
        "failure_msg":null}"#,
    states: &[
        State::new("pending").posts(Merchant, Reserved, ""),
        State::new("returning").posts(Channels, Reserved, ""),
        State::new("succeeded").stamps("time_finished").posts(Reserved, Channels, ""),
        State::new("returned").stamps("time_finished").posts(Reserved, Merchant, ""),
    ],
    moves: &[by(By::Time(2), "pending", "succeeded"), by(By::Time(2), "returning", "returned")],
    ..Kind::new("profit_transaction", "/v1/profit_transactions", IdForm::Numbered("ptxn_1Oqb", 10))
};
