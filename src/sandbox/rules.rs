//! The documented rules for charges, refunds and payouts, by channel. Tables and checks without state.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::answer::{Answer, Answered};
use super::check;
use super::kind::Limit;
use super::values::{Fields, given, text};
use crate::types::Channel;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The checked values of a request to create a charge.
pub(super) struct Order {
    pub(super) channel: Channel,
    pub(super) time_expire: i64,
}

/// Checks the parameters of a charge, except for what depends on other charges.
pub(super) fn check(params: &Fields, now: i64) -> Answered<Order> {
    let required = |name: &str| check::required(params, name);
    for name in ["order_no", "channel", "client_ip", "currency", "subject", "body"] {
        required(name)?;
    }
    // A channel that is not known here may be a new one.
    let channel = Channel::from(required("channel")?);
    // Official clients have 32 bits for it.
    let amount = params.get("amount").unwrap_or(&Value::Null);
    check::within("amount", amount, Limit::Number(1, i32::MAX.into()))?;
    if !takes_order_no(&channel, required("order_no")?) {
        let (least, most) = order_no_length(&channel).into_inner();
        let why = format!("{channel} takes {least} to {most} letters or digits");
        return Err(Answer::bad_parameter("order_no", &why));
    }
    let subject = match is_unionpay(&channel) {
        true => Limit::Bytes(32),
        false => Limit::Chars(1, 32),
    };
    let body = Limit::Chars(1, if channel == Channel::YeepayWap { 100 } else { 128 });
    let description = Limit::Chars(0, 255);
    for (name, limit) in [("subject", subject), ("body", body), ("description", description)] {
        if let Some(value) = given(params, name) {
            check::within(name, value, limit)?;
        }
    }
    check::metadata(params.get("metadata").unwrap_or(&Value::Null))?;
    if required("currency")?.len() != 3 {
        return Err(Answer::bad_parameter("currency", "not three letters"));
    }
    for name in required_extra(&channel) {
        let given = params.get("extra").and_then(|extra| extra.get(name));
        if given.is_none_or(Value::is_null) {
            let why = format!("{channel} needs it");
            return Err(Answer::bad_parameter(&format!("extra[{name}]"), &why));
        }
    }
    let time_expire = match given(params, "time_expire") {
        None => now + default_expiry(&channel),
        Some(given) => {
            let least = if is_wechat(&channel) { 5 * MINUTE } else { MINUTE };
            let (least, most) = (now + least, now + longest_expiry(&channel));
            given.as_i64().filter(|time| (least..=most).contains(time)).ok_or_else(|| {
                Answer::bad_parameter("time_expire", "too early, or too late for the channel")
            })?
        }
    };
    Ok(Order { channel, time_expire })
}

fn takes_order_no(channel: &Channel, order_no: &str) -> bool {
    let only_letters = is_alipay(channel);
    let fits = |b: u8| b.is_ascii_alphanumeric() || (!only_letters && b"-_|*".contains(&b));
    order_no_length(channel).contains(&order_no.len()) && order_no.bytes().all(fits)
}

fn order_no_length(channel: &Channel) -> RangeInclusive<usize> {
    use Channel::*;
    match channel {
        Wx | WxPub | WxLite | WxWap | WxPubQr => 2..=32,
        WxPubScan | CbWx | CbWxPub | CbWxPubQr | CbWxPubScan | Paypal | Coolcredit => 1..=32,
        Upacp | UpacpWap | UpacpPc | UpacpScan | CpB2b | ApplepayUpacp => 8..=40,
        Bfb | BfbWap => 1..=20,
        YeepayWap | Cmpay => 1..=50,
        JdpayWap | Qpay | CcbPay | CcbQr => 1..=30,
        IsvQr | IsvWap | IsvScan | IsvLite => 8..=32,
        CmbWallet => 6..=32,
        _ => 1..=64,
    }
}

/// Only a recharge or a withdrawal can be marked as paid outside.
pub(super) fn not_custom(params: &Fields) -> Answered<()> {
    match params.get("channel").is_some_and(|channel| channel == "custom") {
        true => Err(Answer::bad_parameter("channel", "only for recharges and withdrawals")),
        false => Ok(()),
    }
}

/// What a channel of transfers and withdrawals takes.
struct Payout {
    order_no: RangeInclusive<usize>,
    /// The characters of an order_no.
    fits: fn(char) -> bool,
    description: Limit,
    pays_companies: bool,
    needs_recipient: bool,
}

impl Payout {
    fn of(channel: &str) -> Self {
        let alnum = |c: char| c.is_ascii_alphanumeric();
        let other = Self {
            order_no: 1..=64,
            fits: |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'),
            description: Limit::Chars(1, 100),
            pays_companies: true,
            needs_recipient: false,
        };
        match channel {
            "wx" | "wx_pub" | "wx_lite" => Self {
                order_no: 1..=32,
                fits: alnum,
                description: Limit::Bytes(99),
                pays_companies: false,
                needs_recipient: true,
            },
            "alipay" => Self { fits: alnum, needs_recipient: true, ..other },
            "jdpay" => Self { fits: alnum, ..other },
            "unionpay" => Self {
                order_no: 1..=16,
                fits: |c| c.is_ascii_digit(),
                description: Limit::Chars(1, 99),
                ..other
            },
            "allinpay" => {
                Self { order_no: 20..=40, fits: alnum, description: Limit::Chars(1, 30), ..other }
            }
            "balance" => Self { pays_companies: false, needs_recipient: true, ..other },
            _ => other,
        }
    }
}

/// Checks the order_no of a transfer or a withdrawal.
pub(super) fn payout_order_no(channel: &str, order_no: &str) -> Answered<()> {
    let Payout { order_no: lengths, fits, .. } = Payout::of(channel);
    let holds = lengths.contains(&order_no.len()) && order_no.chars().all(fits);
    let (least, most) = lengths.into_inner();
    let why = format!("{channel} takes other characters, or not {least} to {most}");
    holds.then_some(()).ok_or_else(|| Answer::bad_parameter("order_no", &why))
}

/// Checks a transfer that is not a part of a batch, but for what its kind says about all channels.
pub(super) fn check_transfer(transfer: &Fields) -> Answered<()> {
    let channel = text(transfer, "channel");
    payout_order_no(channel, text(transfer, "order_no"))?;
    let Payout { description, needs_recipient, .. } = Payout::of(channel);
    check::within("description", &transfer["description"], description)?;
    match needs_recipient {
        true => check::required(transfer, "recipient").map(drop),
        false => Ok(()),
    }
}

/// Checks the type of a transfer or of one in a batch: not every channel pays companies.
pub(super) fn check_type(transfer: &Fields) -> Answered<()> {
    let is_good = Payout::of(text(transfer, "channel")).pays_companies;
    match is_good || text(transfer, "type") == "b2c" {
        true => Ok(()),
        false => Err(Answer::bad_parameter("type", "the channel only takes b2c")),
    }
}

/// How long the reason of a refund may be.
pub(super) fn refund_description(channel: &str) -> Limit {
    match channel {
        "cmb_wallet" | "cmb_pc_qr" => Limit::Bytes(99),
        "jdpay_wap" => Limit::Bytes(128),
        "paypal" => Limit::Bytes(30),
        "coolcredit" => Limit::Chars(1, 100),
        _ => Limit::Chars(1, 255),
    }
}

fn required_extra(channel: &Channel) -> &'static [&'static str] {
    use Channel::*;
    match channel {
        AlipayWap | AlipayPcDirect => &["success_url"],
        AlipayScan | WxPubScan => &["scan_code"],
        WxPub | WxLite => &["open_id"],
        WxPubQr => &["product_id"],
        UpacpWap | UpacpPc => &["result_url"],
        CbWx | CbWxPub | CbWxPubQr | CbWxPubScan => &["goods_list"],
        BfbWap => &["result_url", "bfb_login"],
        JdpayWap => &["success_url", "fail_url"],
        YeepayWap => &[
            "product_category",
            "identity_id",
            "identity_type",
            "terminal_type",
            "terminal_id",
            "user_ua",
            "result_url",
        ],
        Qpay => &["device"],
        CmbWallet => &["result_url", "p_no", "seq", "m_uid", "mobile"],
        IsvScan => &["terminal_id", "scan_code"],
        IsvQr => &["terminal_id", "pay_channel"],
        IsvWap => &["terminal_id", "pay_channel", "result_url"],
        Balance => &["user"],
        _ => &[],
    }
}

fn default_expiry(channel: &Channel) -> i64 {
    match () {
        () if is_wechat(channel) => 2 * HOUR,
        () if is_unionpay(channel) => HOUR,
        () => DAY,
    }
}

fn longest_expiry(channel: &Channel) -> i64 {
    if is_unionpay(channel) { HOUR } else { 15 * DAY }
}

/// The number of seconds during which a repeated create returns the first charge.
pub(super) fn same_order_window(channel: &Channel) -> i64 {
    match channel {
        Channel::WxPubScan | Channel::CbWxPubScan => MINUTE,
        Channel::WxWap => 5 * MINUTE,
        channel if is_wechat(channel) => 2 * HOUR,
        _ => MINUTE,
    }
}

/// Whether an order_no cannot be used for another charge, even if the first one was not paid. The
/// scanned codes of WeChat make a new charge.
pub(super) fn uses_order_no_up(channel: &Channel) -> bool {
    let is_scan = matches!(channel, Channel::WxPubScan | Channel::CbWxPubScan);
    matches!(channel, Channel::IsvQr | Channel::IsvScan | Channel::IsvWap)
        || is_wechat(channel) && !is_scan
}

/// The channels among which an order_no is unique.
pub(super) fn family(channel: &Channel) -> &str {
    let families = ["cb_alipay", "cb_wx", "alipay", "wx", "upacp", "isv", "qpay"];
    let name = channel.as_str();
    families.into_iter().find(|family| name.starts_with(family)).unwrap_or(name)
}

/// Whether it is a channel of Alipay, on which other instalment parameters make another charge.
pub(super) fn is_alipay(channel: &Channel) -> bool {
    let name = channel.as_str();
    name.starts_with("alipay") || name.starts_with("cb_alipay")
}

pub(super) fn is_wechat(channel: &Channel) -> bool {
    let name = channel.as_str();
    name == "wx" || name.starts_with("wx_") || name.starts_with("cb_wx")
}

fn is_unionpay(channel: &Channel) -> bool {
    channel.as_str().contains("upacp")
}
