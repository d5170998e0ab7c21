//! The promises of the crate, kept against the sandbox and against raw sockets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod accounts;
#[cfg(target_os = "linux")]
mod addresses;
mod api;
mod clocks;
mod desync;
mod dropping;
mod elsewhere;
mod faults;
mod floods;
mod ledger;
mod limits;
mod load;
mod logs;
mod objects;
mod observer;
mod outage;
mod outcomes;
mod pages;
mod raw;
mod recordings;
mod recovery;
mod reverse;
mod runtimes;
mod sandbox;
mod sandbox_books;
mod sandbox_options;
#[cfg(unix)]
mod sandbox_program;
mod sandbox_rules;
mod schema;
mod secrecy;
mod settle;
mod soak;
mod texts;
mod transport;
mod truth;
mod verified;
mod webhook;
mod wechat;
mod wire;

const API_KEY: &str = "sk_test_integration00000000000000";

const ID: &str = "ch_101261123000000000000001";

fn merchant_key() -> pingpp::SigningKey {
    pingpp::SigningKey::from_pem(include_str!("../keys/merchant.pem")).unwrap()
}

/// The charge [`ID`], reversed.
fn charge() -> String {
    serde_json::json!({
        "id": ID, "object": "charge", "created": 1_795_363_200, "livemode": false, "paid": false,
        "refunded": false, "reversed": true, "app": "app_test000000000001", "channel": "isv_scan",
        "order_no": "20261123001", "client_ip": "192.0.2.1", "amount": 100, "amount_settle": 100,
        "currency": "cny", "subject": "Tea", "body": "Longjing", "extra": {}, "time_paid": null,
        "time_expire": 1_795_449_600, "time_settle": null, "transaction_no": null,
        "refunds": { "object": "list", "url": "/v1/x", "has_more": false, "data": [] },
        "amount_refunded": 0, "failure_code": null, "failure_msg": null, "metadata": {},
        "credential": {}, "description": null
    })
    .to_string()
}

fn order(order_no: &str) -> pingpp::CreateCharge {
    pingpp::CreateCharge::builder()
        .order_no(order_no)
        .channel(pingpp::Channel::AlipayQr)
        .amount(pingpp::Amount::from_fen(100))
        .client_ip([192, 0, 2, 1])
        .subject("茶")
        .body("A pot of Longjing")
        .build()
}
