//! Kinds of the account product: users, their balances, and what is paid out to them.

use crate::sandbox::kind::Purse::{Channels, Merchant, Reserved, User};
use crate::sandbox::kind::{By, IdForm, Kind, Limit, State, by};

pub(super) const ACCOUNTS: &[&Kind] = &[
    &USER,
    &SETTLE_ACCOUNT,
    &BALANCE_TRANSACTION,
    &BALANCE_BONUS,
    &BALANCE_TRANSFER,
    &BALANCE_SETTLEMENT,
    &WITHDRAWAL,
    &BATCH_WITHDRAWAL,
];

pub(in crate::sandbox) static USER: Kind = Kind {
    can: "crlud",
    fields: r#"{"livemode":false,"app":"","type":"customer","related_app":null,"address":null,
        "available_coupons":0,"avatar":null,"available_balance":0,"withdrawable_balance":0,
        "total_balance":0,"disabled":false,"email":null,"gender":"","identified":false,
        "identity_info":{},"mobile":null,"name":null,"parent_user_id":null,"settle_accounts":[],
        "metadata":{},"extra":{}}"#,
    needs: &["id"],
    limits: &[
        ("id", Limit::UserId),
        ("gender", Limit::OneOf(&["MALE", "FEMALE", ""])),
        ("parent_user_id", Limit::Chars(1, 64)),
    ],
    updates: &["address", "avatar", "email", "gender", "mobile", "name", "metadata", "disabled"],
    books: "a user starts with an empty balance",
    ..Kind::new("user", "/v1/apps/{app}/users", IdForm::Named("id"))
};

pub(in crate::sandbox) static SETTLE_ACCOUNT: Kind = Kind {
    can: "crlud",
    fields: r#"{"livemode":false,"channel":"","recipient":{}}"#,
    needs: &["channel", "recipient"],
    updates: &["recipient"],
    books: "an account is only registered",
    ..Kind::new(
        "settle_account",
        "/v1/apps/{app}/users/{user}/settle_accounts",
        IdForm::Numbered("3202611230000000000", 5),
    )
};

/// What a posting changed on a user's balance: made by the ledger alone.
pub(in crate::sandbox) static BALANCE_TRANSACTION: Kind = Kind {
    can: "rl",
    fields: r#"{"livemode":false,"app":"","amount":0,"available_balance":0,"description":null,"source":"",
        "type":"","user":""}"#,
    books: "it says what was posted",
    ..Kind::new(
        "balance_transaction",
        "/v1/apps/{app}/balance_transactions",
        IdForm::Numbered("3102611230000000000", 5),
    )
};

const BALANCE: (&str, Limit) = ("amount", Limit::Number(1, 1_000_000_000));

pub(in crate::sandbox) static BALANCE_BONUS: Kind = Kind {
    fields: r#"{"livemode":false,"app":"","paid":false,"refunded":false,"amount":0,"amount_refunded":0,
        "order_no":"","time_paid":null,"user":"","balance_transaction":null,"description":null,
        "metadata":{}}"#,
    needs: &["user", "amount", "order_no"],
    limits: &[BALANCE, ("user", Limit::UserId)],
    unique: Some("order_no"),
    states: &[State::new("paid").stamps("time_paid").sets("paid").posts(
        Merchant,
        User("user"),
        "receipts_extra",
    )],
    ..Kind::new(
        "balance_bonus",
        "/v1/apps/{app}/balance_bonuses",
        IdForm::Numbered("6502611230000000000", 5),
    )
};

pub(in crate::sandbox) static BALANCE_TRANSFER: Kind = Kind {
    fields: r#"{"livemode":false,"app":"","order_no":"","status":"","amount":0,"user":"","user_fee":0,
        "recipient":"","user_balance_transaction":"","recipient_balance_transaction":"",
        "description":null,"metadata":{}}"#,
    needs: &["user", "recipient", "amount", "order_no"],
    limits: &[BALANCE, ("recipient", Limit::UserId), ("user_fee", Limit::Number(0, 1_000_000_000))],
    unique: Some("order_no"),
    states: &[State::new("succeeded").posts(User("user"), User("recipient"), "transfer")],
    ..Kind::new(
        "balance_transfer",
        "/v1/apps/{app}/balance_transfers",
        IdForm::Numbered("6602611230000000000", 5),
    )
};

/// Made when an order with `balance_settlement` is paid.
pub(in crate::sandbox) static BALANCE_SETTLEMENT: Kind = Kind {
    can: "rl",
    fields: r#"{"livemode":false,"app":"","user":"","amount":0,"amount_refunded":0,"charge":"",
        "refunded":false,"order_no":"","status":"","time_credited":null,"time_succeeded":null,
        "transaction_no":null,"user_fee":0,"failure_msg":null}"#,
    states: &[
        // What is taken back of it is posted by `orders`.
        State::new("succeeded").stamps("time_succeeded").posts(Merchant, User("user"), "credited"),
    ],
    ..Kind::new(
        "balance_settlement",
        "/v1/apps/{app}/balance_settlements",
        IdForm::Numbered("6702611230000000000", 5),
    )
};

/// The balance is taken when it is created. The fee of the user is part of the amount: a guess.
pub(in crate::sandbox) static WITHDRAWAL: Kind = Kind {
    can: "crlu",
    fields: r#"{"livemode":false,"app":"","user":"","amount":0,"asset_transaction":"",
        "balance_transaction":"","channel":"","description":"","extra":{},"fee":0,"user_fee":0,
        "metadata":{},"order_no":"","source":null,"status":"","time_canceled":null,
        "time_succeeded":null,"operation_url":null,"failure_msg":null,"settle_account":null}"#,
    needs: &["user", "amount", "order_no"],
    limits: &[
        BALANCE,
        ("user_fee", Limit::Number(0, 1_000_000_000)),
        ("description", Limit::Chars(1, 60)),
    ],
    unique: Some("order_no"),
    states: &[
        State::new("created").posts(User("user"), Reserved, "withdrawal"),
        State::new("pending"),
        State::new("succeeded")
            .stamps("time_succeeded")
            .posts(Reserved, Channels, "")
            .emits("balance.withdrawal.succeeded"),
        State::new("failed")
            .posts(Reserved, User("user"), "withdrawal_failed")
            .emits("balance.withdrawal.failed"),
        State::new("canceled").stamps("time_canceled").posts(
            Reserved,
            User("user"),
            "withdrawal_revoked",
        ),
    ],
    moves: &[
        by(By::Put, "created", "pending"),
        by(By::Put, "created", "canceled"),
        by(By::Time(2), "pending", "succeeded"),
    ],
    ..Kind::new("withdrawal", "/v1/apps/{app}/withdrawals", IdForm::Numbered("17026112300", 8))
};

pub(in crate::sandbox) static BATCH_WITHDRAWAL: Kind = Kind {
    fields: r#"{"livemode":false,"app":"","amount":0,"amount_succeeded":0,"amount_failed":0,
        "amount_canceled":0,"count":0,"count_succeeded":0,"count_failed":0,"count_canceled":0,
        "fee":0,"user_fee":0,"metadata":{},"operation_url":null,"source":null,"status":"",
        "time_finished":null,"withdrawals":{}}"#,
    needs: &["withdrawals"],
    limits: &[("withdrawals", Limit::Items(200))],
    states: &[
        State::new("pending"),
        State::new("succeeded").stamps("time_finished").emits("batch_withdrawal.succeeded"),
        State::new("partially_succeeded")
            .stamps("time_finished")
            .emits("batch_withdrawal.partially_succeeded"),
        State::new("failed").stamps("time_finished").emits("batch_withdrawal.failed"),
        State::new("canceled").stamps("time_finished").emits("batch_withdrawal.canceled"),
    ],
    books: "its withdrawals post",
    ..Kind::new(
        "batch_withdrawal",
        "/v1/apps/{app}/batch_withdrawals",
        IdForm::Numbered("19026112300", 8),
    )
};
