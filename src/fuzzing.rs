//! Exposes internal functions to the fuzz targets; not there in any other build.

use std::fmt::Debug;
use std::time::SystemTime;

use serde::Serialize;
use serde_json::Value;

use crate::error::ErrorDetail;
use crate::macros::from_json::{ApiObject, FromJson, from_body};
use crate::request::Request;
use crate::resources::agreements::{Agreement, AgreementNotice};
use crate::resources::balance_bonuses::BalanceBonus;
use crate::resources::balance_settlements::BalanceSettlement;
use crate::resources::balance_transactions::BalanceTransaction;
use crate::resources::balance_transfers::BalanceTransfer;
use crate::resources::batch_refunds::BatchRefund;
use crate::resources::batch_transfers::BatchTransfer;
use crate::resources::batch_withdrawals::BatchWithdrawal;
use crate::resources::card_info::CardInfo;
use crate::resources::charges::{Charge, Refund};
use crate::resources::contacts::Contact;
use crate::resources::coupon_templates::CouponTemplate;
use crate::resources::coupons::Coupon;
use crate::resources::customs::Customs;
use crate::resources::events::Event;
use crate::resources::funds_transfers::FundsTransfer;
use crate::resources::identification::Identification;
use crate::resources::orders::Order;
use crate::resources::profit_transactions::ProfitTransaction;
use crate::resources::recharges::Recharge;
use crate::resources::red_envelopes::RedEnvelope;
use crate::resources::royalties::Royalty;
use crate::resources::royalty_settlements::{RoyaltySettlement, RoyaltyTransaction};
use crate::resources::royalty_templates::RoyaltyTemplate;
use crate::resources::split_profits::SplitProfit;
use crate::resources::split_receivers::SplitReceiver;
use crate::resources::sub_app_channels::{DeletedChannel, SubAppChannel};
use crate::resources::sub_apps::SubApp;
use crate::resources::sub_banks::SubBank;
use crate::resources::summaries::Summary;
use crate::resources::transfers::Transfer;
use crate::resources::users::{SettleAccount, User, UserPic};
use crate::resources::withdrawals::Withdrawal;
use crate::retry::{Failure, retry_after as parse_retry_after};
use crate::settle::SettleToken;
use crate::types::{App, Deleted, List, Mode};

/// Judges an answer as the loop does.
pub fn answer(status: u16, was_pooled: bool, body: &[u8]) {
    let failure = Failure::of_status(status, ErrorDetail::parse(body).as_ref());
    let _ = (failure.outcome(true), failure.outcome(false));
    let request = Request::get("/v1/charges", &[]).expect("charge", Some("ch_1"));
    let request = request.same("order_no", "1").same("app", "app_1").wants("reversed", true);
    let _ = request.same_inside("extra", "scan_code", "28").expected.check(
        body,
        Mode::Test,
        was_pooled,
    );
    let list = Request::get("/v1/charges", &[]).about_list::<List<Charge>>();
    let _ = list.expected.check(body, Mode::Test, was_pooled);
}

/// Reads a body as an object, and returns what the object is written as.
pub type Read = fn(&[u8]) -> Option<Value>;

/// The same of the object of an event.
pub type ReadEvent = fn(&Event) -> Option<Value>;

macro_rules! table {
    ($read:ident: $($name:ty),*) => { &[$((stringify!($name), $read::<$name>)),*] };
}

/// All objects that say in `object` what they are, by the names of their types.
pub const EVENT_OBJECTS: &[(&str, ReadEvent)] = table!(of_event:
    Agreement, App, BalanceBonus, BalanceSettlement, BalanceTransaction, BalanceTransfer,
    BatchRefund, BatchTransfer, BatchWithdrawal, Charge, Coupon, CouponTemplate, Customs, Event,
    List<Charge>, List<Refund>, Order, ProfitTransaction, Recharge, RedEnvelope, Refund, Royalty,
    RoyaltySettlement, RoyaltyTemplate, RoyaltyTransaction, SettleAccount, SplitProfit,
    SplitReceiver, SubApp, SubAppChannel, SubBank, Transfer, User, Withdrawal);

/// All objects that are the answer to something, by the names of their types.
pub const OBJECTS: &[(&str, Read)] = table!(of_body:
    Agreement, App, BalanceBonus, BalanceSettlement, BalanceTransaction, BalanceTransfer,
    BatchRefund, BatchTransfer, BatchWithdrawal, Charge, Coupon, CouponTemplate, Customs, Event,
    List<Charge>, List<Refund>, Order, ProfitTransaction, Recharge, RedEnvelope, Refund, Royalty,
    RoyaltySettlement, RoyaltyTemplate, RoyaltyTransaction, SettleAccount, SplitProfit,
    SplitReceiver, SubApp, SubAppChannel, SubBank, Transfer, User, Withdrawal,
    // Without a field `object`.
    AgreementNotice, CardInfo, Contact, Deleted<Charge>, DeletedChannel, FundsTransfer,
    Identification, Summary, UserPic);

fn of_body<T: FromJson + Serialize + Debug>(body: &[u8]) -> Option<Value> {
    from_body::<T>(body).ok().map(written)
}

fn of_event<T: ApiObject + Serialize + Debug>(event: &Event) -> Option<Value> {
    event.object::<T>().ok().map(written)
}

#[allow(clippy::unwrap_used, reason = "what was read can be written; else the target fails")]
fn written<T: Serialize + Debug>(object: T) -> Value {
    let _ = format!("{object:?}");
    serde_json::to_value(object).unwrap()
}

/// Reads a delivery as `webhook::verify` does after the signature was verified.
pub fn event(body: &[u8]) -> Option<Event> {
    from_body(body).ok()
}

/// The target of a request with these parts, unless they are refused.
pub fn target(id: &str, key: &str, value: &str) -> Option<String> {
    let mut request = Request::get("/v1/charges/{id}/refunds", &[id]).query(key, value);
    request.take_error().is_none().then(|| request.target())
}

/// The query of a request with these parameters.
pub fn query(params: &Value) -> Option<String> {
    let mut request = Request::get("/v1/charges", &[]).query_from(params);
    let target = request.target();
    request.take_error().is_none().then(|| target["/v1/charges".len()..].to_owned())
}

/// Reads a `Retry-After`.
pub fn retry_after(value: &str) {
    let _ = parse_retry_after(value, SystemTime::now());
}

/// Takes steps of a settlement with the answers that these bytes stand for, and returns the token
/// after each of them; nothing of a token of a later version.
pub fn settle(token: SettleToken, answers: &[u8]) -> Vec<SettleToken> {
    crate::settle::fuzzing::steps(token, answers)
}
