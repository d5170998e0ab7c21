//! Kinds of platforms: sub-apps and their channels, coupons, royalties.

use crate::sandbox::kind::Purse::{Merchant, Reserved, Source};
use crate::sandbox::kind::{By, IdForm, Kind, Limit, State, by};

pub(super) const PLATFORMS: &[&Kind] = &[
    &SUB_APP,
    &CHANNEL,
    &TRANSFER_CHANNEL,
    &COUPON_TEMPLATE,
    &COUPON,
    &ROYALTY,
    &ROYALTY_SETTLEMENT,
    &ROYALTY_TRANSACTION,
    &ROYALTY_TEMPLATE,
];

pub(in crate::sandbox) static SUB_APP: Kind = Kind {
    can: "crlud",
    fields: r#"{"display_name":"","account":"acct_sandbox00000001","description":null,
        "metadata":{},"available_methods":[],"user":"","level":1,"parent_app":null,"extra":{}}"#,
    needs: &["display_name", "user"],
    limits: &[("display_name", Limit::Chars(2, 50)), ("description", Limit::Chars(2, 50))],
    updates: &["display_name", "description", "metadata", "parent_app"],
    books: "a sub-app starts without money",
    ..Kind::new("sub_app", "/v1/apps/{app}/sub_apps", IdForm::Numbered("app_subapp", 10))
};

const CHANNEL_FIELDS: &str =
    r#"{"channel":"","params":{},"banned":false,"banned_msg":null,"description":null}"#;
const CHANNEL_LIMITS: &[(&str, Limit)] =
    &[("banned_msg", Limit::Chars(1, 255)), ("description", Limit::Chars(1, 255))];

pub(in crate::sandbox) static CHANNEL: Kind = Kind {
    object: "channel",
    can: "crud",
    fields: CHANNEL_FIELDS,
    needs: &["channel", "params"],
    limits: CHANNEL_LIMITS,
    updates: &["params", "banned", "banned_msg", "description"],
    books: "a channel is only configured",
    ..Kind::new("channel", "/v1/apps/{app}/sub_apps/{sub_app}/channels", IdForm::Named("channel"))
};

pub(in crate::sandbox) static TRANSFER_CHANNEL: Kind = Kind {
    object: "channel",
    can: "crud",
    fields: CHANNEL_FIELDS,
    needs: &["channel", "params"],
    limits: CHANNEL_LIMITS,
    updates: &["params", "banned", "banned_msg", "description"],
    books: "a channel is only configured",
    ..Kind::new(
        "transfer_channel",
        "/v1/apps/{app}/sub_apps/{sub_app}/transfer_channels",
        IdForm::Named("channel"),
    )
};

pub(in crate::sandbox) static COUPON_TEMPLATE: Kind = Kind {
    can: "crlud",
    fields: r#"{"livemode":false,"app":"","name":"","type":0,"amount_off":null,"percent_off":null,
        "discount_amount_limit":null,"amount_available":0,"max_circulation":null,
        "max_user_circulation":1,"refundable":false,"expiration":null,"times_circulated":0,
        "times_redeemed":0,"metadata":{}}"#,
    needs: &["type"],
    limits: &[
        ("type", Limit::Number(1, 2)),
        ("amount_off", Limit::Number(1, 1_000_000_000)),
        ("percent_off", Limit::Number(1, 100)),
        ("discount_amount_limit", Limit::Number(1, 1_000_000_000)),
        ("amount_available", Limit::Number(0, 1_000_000_000)),
        ("max_circulation", Limit::Number(1, 1_000_000)),
        ("max_user_circulation", Limit::Number(1, 100)),
    ],
    updates: &["metadata"],
    books: "a discount is no money until an order is paid with it",
    ..Kind::new(
        "coupon_template",
        "/v1/apps/{app}/coupon_templates",
        IdForm::Numbered("3002611230000000000", 5),
    )
};

pub(in crate::sandbox) static COUPON: Kind = Kind {
    can: "rlud",
    fields: r#"{"livemode":false,"app":"","valid":true,"redeemed":false,"coupon_template":{},"user":"",
        "time_start":null,"time_end":null,"order":null,"actual_amount":null,
        "user_times_circulated":0,"metadata":{}}"#,
    updates: &["metadata"],
    states: &[State::new("issued"), State::new("redeemed").sets("redeemed")],
    books: "a discount is no money until an order is paid with it",
    ..Kind::new(
        "coupon",
        "/v1/apps/{app}/users/{user}/coupons",
        IdForm::Numbered("3004611230000000000", 5),
    )
};

/// Made when an order with `royalty_users` is paid.
pub(in crate::sandbox) static ROYALTY: Kind = Kind {
    can: "rl",
    fields: r#"{"livemode":false,"payer_app":"","status":"","amount":0,"method":null,"recipient_app":"",
        "royalty_transaction":null,"royalty_settlement":null,"time_settled":null,
        "settle_account":null,"source_app":"","source_url":"","source_no":"","source_user":"",
        "description":null,"metadata":{}}"#,
    states: &[
        State::new("created"),
        State::new("pending"),
        State::new("succeeded").stamps("time_settled"),
    ],
    books: "a royalty is owed until its settlement",
    ..Kind::new("royalty", "/v1/royalties", IdForm::Numbered("4126112300", 8))
};

pub(in crate::sandbox) static ROYALTY_SETTLEMENT: Kind = Kind {
    can: "rlu",
    lists_by: &["payer_app"],
    fields: r#"{"livemode":false,"payer_app":"","method":"","amount":0,"amount_succeeded":0,
        "amount_failed":0,"amount_canceled":0,"count":0,"count_succeeded":0,"count_failed":0,
        "count_canceled":0,"time_finished":null,"fee":0,"metadata":{},"operation_url":null,
        "status":"","royalty_transactions":{}}"#,
    needs: &["payer_app", "method"],
    limits: &[(
        "method",
        Limit::OneOf(&[
            "alipay", "wx", "wx_pub", "wx_lite", "unionpay", "allinpay", "jdpay", "balance",
        ]),
    )],
    states: &[
        State::new("created"),
        State::new("pending"),
        State::new("succeeded").stamps("time_finished").emits("royalty_settlement.succeeded"),
        State::new("partially_succeeded")
            .stamps("time_finished")
            .emits("royalty_settlement.partially_succeeded"),
        State::new("failed").stamps("time_finished").emits("royalty_settlement.failed"),
        State::new("canceled").stamps("time_finished").emits("royalty_settlement.canceled"),
    ],
    moves: &[by(By::Put, "created", "pending"), by(By::Put, "created", "canceled")],
    books: "its transactions post",
    ..Kind::new("royalty_settlement", "/v1/royalty_settlements", IdForm::Numbered("4326112300", 8))
};

pub(in crate::sandbox) static ROYALTY_TRANSACTION: Kind = Kind {
    can: "rl",
    fields: r#"{"amount":0,"status":"","settle_account":null,"source_user":"",
        "recipient_app":"","royalty_settlement":"","transfer":null,"failure_msg":null}"#,
    states: &[
        State::new("created").posts(Merchant, Reserved, ""),
        State::new("pending"),
        State::new("succeeded").posts(Reserved, Source, "transfer"),
        State::new("failed").posts(Reserved, Merchant, ""),
        State::new("canceled").posts(Reserved, Merchant, ""),
    ],
    moves: &[by(By::Time(2), "pending", "succeeded")],
    ..Kind::new(
        "royalty_transaction",
        "/v1/royalty_transactions",
        IdForm::Numbered("4426112300", 8),
    )
};

pub(in crate::sandbox) static ROYALTY_TEMPLATE: Kind = Kind {
    can: "crlud",
    fields: r#"{"livemode":false,"app":"","name":null,"description":null,"rule":{}}"#,
    needs: &["app", "rule"],
    updates: &["name", "rule", "description"],
    books: "a template is a rule",
    ..Kind::new("royalty_template", "/v1/royalty_templates", IdForm::Numbered("4526112300", 8))
};
