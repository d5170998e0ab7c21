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
//! | [`webhook`] | what Ping++ posts to your server |
//! | [`SigningKey`], [`PublicKey`] | RSA keys, from any PEM form |
#![cfg_attr(feature = "sandbox", doc = "| [`sandbox`] | a Ping++ on loopback, for tests |")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder;
mod call;
mod client;
mod codes;
mod credentials;
mod error;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod object;
mod open_enum;
mod page;
mod recovery;
mod request;
mod resources;
mod retry;
#[cfg(feature = "sandbox")]
#[cfg_attr(docsrs, doc(cfg(feature = "sandbox")))]
pub mod sandbox;
pub mod settle;
mod signing;
mod transport;
mod types;
pub mod webhook;

pub use builder::{ClientBuilder, ConfigError};
pub use call::{Call, Response};
pub use client::Client;
pub use codes::{ErrorCode, ErrorType};
pub use error::{ApiError, Attempt, BuildError, Error, Outcome, ResponseError, TransportError};
pub use open_enum::Unlisted;
pub use page::{Items, Page, Pager};
pub use recovery::{Recovered, Recovery, RefundMark};
pub use request::Request;
pub use resources::app::App;
pub use resources::channel::{Channel, Currency, ReverseWindow};
pub use resources::charge::{Charge, ChargeApi, CreateCharge, ListCharges};
pub use resources::event::{Event, EventApi, EventData, EventObject, EventType, ListEvents};
pub use resources::list::List;
pub use resources::refund::{
    CreateRefund, FundingSource, ListRefunds, Refund, RefundApi, RefundState, RefundStatus,
};
pub use retry::{Repeat, RetryPolicy};
pub use settle::{SettleHandle, SettleToken, Settled, Settlement};
pub use signing::{KeyError, PublicKey, SigningKey};
pub use types::{Amount, Expandable, Id, Object, OutOfRange, Timestamp};
