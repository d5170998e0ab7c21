#![doc = include_str!("../README.md")]
//!
//! # Where to go from here
//!
//! | | |
//! |---|---|
//! | [`Client`] | one merchant's access to the API; [`Client::charges`] leads to the operations |
//! | [`Call`] | what every operation returns: a future with options |
//! | [`Error`], [`Outcome`] | why there is no result, and whether it may have happened all the same |
//! | [`Repeat`] | what is sent again, and when: the whole table |
//! | [`PayBy`] | what each channel needs |
//! | [`orders`], [`recharges`], [`agreements`], ... | money that comes in; modules are named as the path of the API |
//! | [`transfers`], [`red_envelopes`], [`batch_transfers`], [`split_profits`], ... | money that goes out |
//! | [`users`], [`withdrawals`], [`balance_transfers`], [`coupons`], ... | the account product: users with a balance |
//! | [`sub_apps`], [`royalties`], [`royalty_settlements`], ... | the shops of a platform, and shares of orders |
//! | [`settle`] | ask until it is paid, close it if it is not, and end with one truth |
//! | [`ClientCredential`] | what the customer's browser or app gets |
//! | [`Day`] | a day in China, for reconciliation |
//! | [`webhook`] | what Ping++ posts to your server |
//! | [`wechat`] | open ids, and the signature of WeChat's JS-SDK |
//! | [`SigningKey`], [`PublicKey`] | RSA keys, from any PEM form |
//! | [all operations](_operations) | each with its method here, and its names in the seven official SDKs |
//! | [logs and traces](_logs) | each line and each span |
#![cfg_attr(feature = "sandbox", doc = "| [`sandbox`] | a Ping++ on loopback, for tests |")]
#![cfg_attr(
    feature = "sandbox",
    doc = "| [testing your integration](_testing) | the ten tests that merchants write most, to copy |"
)]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder;
mod call;
mod client;
mod client_credential;
mod clock;
mod config_error;
mod credentials;
mod error;
/// Compiles the examples of the Chinese README.
#[cfg(doctest)]
#[doc = include_str!("../README.zh-CN.md")]
struct ReadmeZhCn;

#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
#[doc = include_str!("logs.md")]
pub mod _logs {}
#[doc = include_str!("operations.md")]
pub mod _operations {}
#[cfg(feature = "sandbox")]
#[cfg_attr(docsrs, doc(cfg(feature = "sandbox")))]
#[doc = include_str!("testing.md")]
pub mod _testing {}
mod macros;
mod observer;
mod pager;
mod recovery;
mod request;
mod resources;
mod retry;
#[cfg(feature = "sandbox")]
#[cfg_attr(docsrs, doc(cfg(feature = "sandbox")))]
pub mod sandbox;
pub mod settle;
mod signing;
#[cfg(feature = "_simulation")]
#[doc(hidden)]
pub mod simulation;
mod sync;
mod system;
mod transport;
mod types;
pub mod webhook;
pub mod wechat;

pub use builder::ClientBuilder;
pub use call::{Call, Response};
pub use client::Client;
pub use client_credential::ClientCredential;
pub use clock::ClockSkew;
pub use config_error::ConfigError;
pub use error::{
    ApiError, Attempt, BuildError, Error, ErrorCode, ErrorType, Outcome, ResponseError,
    TransportError,
};
pub use macros::from_json::ApiObject;
pub use macros::open_enum::Unlisted;
pub use observer::{AttemptInfo, Durations, Ended};
pub use pager::{ByCursor, ByNumber, Items, Page, Pager};
pub use recovery::{Recovered, Recovery, Search};
pub use request::Request;
pub use resources::charges::{
    Charge, ChargeApi, CreateCharge, FundingSource, ListCharges, Refund, RefundState, RefundStatus,
};
pub use resources::events::{Event, EventApi, EventData, EventType, ListEvents, ObjectError};
pub use resources::refunds::{CreateRefund, RefundApi};
pub use resources::{
    agreements, balance_bonuses, balance_settlements, balance_transactions, balance_transfers,
    batch_refunds, batch_transfers, batch_withdrawals, card_info, charges, contacts,
    coupon_templates, coupons, customs, events, funds_transfers, identification, order_refunds,
    orders, profit_transactions, recharge_refunds, recharges, red_envelopes, refunds, royalties,
    royalty_settlements, royalty_templates, royalty_transactions, settle_accounts, split_profits,
    split_receivers, sub_app_channels, sub_app_transfer_channels, sub_apps, sub_banks, summaries,
    transfers, users, withdrawals,
};
pub use retry::{Repeat, RetryPolicy};
pub use settle::{SettleHandle, SettleToken, Settled, Settlement};
pub use signing::{KeyError, PublicKey, SigningKey};
pub use types::{
    Amount, App, Channel, ClientIp, CmbWallet, Currency, Day, Deleted, Expandable, Id, JsonObject,
    List, Mode, OutOfRange, ParseAmountError, ParseDayError, PayBy, ReverseWindow, Sensitive,
    TimeRange, Timestamp, YeepayWap,
};
