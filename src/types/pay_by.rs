//! How a payment is paid: a channel together with its parameters.
//!
//! The parameters are not validated here: Ping++ does that, and its rules change.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::channel::Channel;
use super::json_object::JsonObject;

/// A payment channel and its parameters (`extra`), in one value.
///
/// Each channel that requires parameters has a constructor with its name, which takes the required
/// ones. Optional ones are added by [`with`](Self::with). A channel that requires nothing, or that
/// is newer than this crate, is converted from its name or from [`Channel`].
///
/// ```
/// use pingpp::{Channel, PayBy};
///
/// let in_wechat = PayBy::wx_pub("o7xEMsySBFG3MVHI-9VsAJX-j50W").with("limit_pay", "no_credit");
/// let in_an_app = PayBy::from(Channel::Alipay);
/// let brand_new = PayBy::from("brand_new").with("key", true);
/// # assert_eq!(in_wechat.channel(), &Channel::WxPub);
/// # assert_eq!(in_wechat.extra()["limit_pay"], "no_credit");
/// # assert!(in_an_app.extra().is_empty());
/// # assert_eq!(brand_new.channel().as_str(), "brand_new");
/// ```
///
/// # What the channels take
///
/// | channel | constructor | required | optional | returned in `extra` after payment |
/// |---|---|---|---|---|
/// | `alipay` | | | `extern_token`, `rn_check` | `buyer_account` |
/// | `alipay_wap` | [`alipay_wap`](Self::alipay_wap) | `success_url` | `cancel_url`, `new_version`, `app_pay` | `buyer_account` |
/// | `alipay_pc_direct` | [`alipay_pc_direct`](Self::alipay_pc_direct) | `success_url` | `enable_anti_phishing_key`, `exter_invoke_ip` | `buyer_account` |
/// | `alipay_qr` | | | | `buyer_account` |
/// | `alipay_scan` | [`alipay_scan`](Self::alipay_scan) | `scan_code` | `terminal_id`, `goods_list`, `operator_id`, `store_id`, `sys_service_provider_id` | `buyer_account` |
/// | `wx` | | | `limit_pay`, `goods_tag` | `open_id`, `bank_type` |
/// | `wx_pub` | [`wx_pub`](Self::wx_pub) | `open_id` | `limit_pay`, `goods_tag` | `open_id`, `bank_type` |
/// | `wx_lite` | [`wx_lite`](Self::wx_lite) | `open_id` | `limit_pay`, `goods_tag` | `open_id`, `bank_type` |
/// | `wx_pub_qr` | [`wx_pub_qr`](Self::wx_pub_qr) | `product_id` | `limit_pay`, `goods_tag` | `open_id`, `bank_type` |
/// | `wx_pub_scan` | [`wx_pub_scan`](Self::wx_pub_scan) | `scan_code` | `terminal_id`, `limit_pay`, `goods_tag` | `open_id`, `bank_type` |
/// | `wx_wap` | | | `result_url`, `goods_tag` | `open_id`, `bank_type` |
/// | `upacp` | | | | `risk_info` |
/// | `upacp_wap` | [`upacp_wap`](Self::upacp_wap) | `result_url` | | `risk_info` |
/// | `upacp_pc` | [`upacp_pc`](Self::upacp_pc) | `result_url` | | `risk_info` |
/// | `applepay_upacp`, `cp_b2b` | | | | |
/// | `qpay` | [`qpay`](Self::qpay) | `device` | | |
/// | `bfb_wap` | [`bfb_wap`](Self::bfb_wap) | `result_url`, `bfb_login` | | |
/// | `jdpay_wap` | [`jdpay_wap`](Self::jdpay_wap) | `success_url`, `fail_url` | `token`, `order_type`, `is_mobile`, `user_type`, `user_id` | |
/// | `yeepay_wap` | [`yeepay_wap`](Self::yeepay_wap) | `product_category`, `identity_id`, `identity_type`, `terminal_type`, `terminal_id`, `user_ua`, `result_url` | | |
/// | `cmb_wallet` | [`cmb_wallet`](Self::cmb_wallet) | `result_url`, `p_no`, `seq`, `m_uid`, `mobile` | | |
/// | `isv_qr` | [`isv_qr`](Self::isv_qr) | `terminal_id`, `pay_channel` | `goods_list` | |
/// | `isv_wap` | [`isv_wap`](Self::isv_wap) | `terminal_id`, `pay_channel`, `result_url` | `goods_list` | |
/// | `isv_scan` | [`isv_scan`](Self::isv_scan) | `terminal_id`, `scan_code` | `goods_list` | |
/// | `balance` | [`balance`](Self::balance) | `user` | | |
/// | `cb_alipay`, `cb_alipay_wap`, `cb_alipay_pc_direct`, `cb_alipay_qr`, `cb_alipay_scan` | | | `payment_type`, `split_fund_info` | |
/// | `cb_wx` | [`cb_wx`](Self::cb_wx) | `goods_list` | `limit_pay` | |
/// | `cb_wx_pub` | [`cb_wx_pub`](Self::cb_wx_pub) | `open_id`, `goods_list` | `limit_pay` | |
/// | `cb_wx_pub_qr` | [`cb_wx_pub_qr`](Self::cb_wx_pub_qr) | `product_id`, `goods_list` | `limit_pay` | |
/// | `cb_wx_pub_scan` | [`cb_wx_pub_scan`](Self::cb_wx_pub_scan) | `scan_code`, `goods_list` | `limit_pay`, `terminal_id` | |
/// | `fqlpay_wap` | [`fqlpay_wap`](Self::fqlpay_wap) | `c_merch_id` | `return_url` | |
/// | `mmdpay_wap` | [`mmdpay_wap`](Self::mmdpay_wap) | `phone`, `id_no`, `name` | | |
/// | `qgbc_wap` | [`qgbc_wap`](Self::qgbc_wap) | `phone` | `term`, `return_url`, `activate_url`, `has_header` | |
///
/// Sources: the examples of the official SDKs and, for what is returned, the Ping++ documentation.
/// `risk_info` is returned since 2025-04-29; since 2025-03-13 `extra` also has the merchant number
/// at the channel. A channel without a row may require parameters too, for which there is no public
/// source; `upacp_scan` is an example.
///
/// Values:
/// - URLs must not have parameters of your own on the `alipay_*`, `bfb_*` and `fqlpay_*` channels.
/// - `limit_pay`: only `no_credit`, which excludes credit cards. `goods_tag`: for WeChat coupons.
/// - `rn_check`: `T` or `F`. `app_pay`, `new_version`, `is_mobile`, `has_header`: booleans; with
///   `app_pay` the Alipay app is opened and `cancel_url` is ignored.
/// - `terminal_id`: the merchant's number of the terminal, such as `SH008`, shown in statements.
/// - `goods_list`: an array of objects. On `cb_wx*` they have `goods_name` and `goods_num`.
/// - `order_type`: 0 for goods, 1 for virtual goods. `user_type`: only `BIZ`.
/// - `term`: 0 for one payment; 1, 2, 3, 4 for 3, 6, 9, 12 instalments.
/// - `split_fund_info`: an array of objects with `account`, `amount` and `desc`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PayBy {
    channel: Channel,
    #[serde(skip_serializing_if = "JsonObject::is_unset")]
    extra: JsonObject,
}

impl PayBy {
    /// The channel.
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// The parameters of the channel.
    pub fn extra(&self) -> &JsonObject {
        &self.extra
    }

    /// Adds a parameter, or replaces the one with this key.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(key.into(), value.into());
        self
    }

    /// Adds parameters, and replaces those with the same keys.
    #[must_use]
    pub fn with_all(mut self, parameters: impl Into<JsonObject>) -> Self {
        self.extra.merge(parameters.into());
        self
    }

    fn new<V: Into<Value>, const N: usize>(channel: Channel, extra: [(&str, V); N]) -> Self {
        Self { channel, extra: extra.into() }
    }

    /// Alipay mobile web. `success_url` is where the customer is sent after payment.
    pub fn alipay_wap(success_url: impl Into<String>) -> Self {
        Self::new(Channel::AlipayWap, [("success_url", success_url.into())])
    }

    /// Alipay PC web. `success_url` is where the customer is sent after payment.
    pub fn alipay_pc_direct(success_url: impl Into<String>) -> Self {
        Self::new(Channel::AlipayPcDirect, [("success_url", success_url.into())])
    }

    /// Alipay payer code. `scan_code` is what the scanner read from the customer's screen.
    ///
    /// The examples of four official SDKs also mark `terminal_id` as required: add it with
    /// [`with`](Self::with) if Ping++ refuses the payment without it.
    pub fn alipay_scan(scan_code: impl Into<String>) -> Self {
        Self::new(Channel::AlipayScan, [("scan_code", scan_code.into())])
    }

    /// WeChat official account (JSAPI). `open_id` identifies the customer within that account.
    pub fn wx_pub(open_id: impl Into<String>) -> Self {
        Self::new(Channel::WxPub, [("open_id", open_id.into())])
    }

    /// WeChat mini program. `open_id` identifies the customer within that mini program.
    pub fn wx_lite(open_id: impl Into<String>) -> Self {
        Self::new(Channel::WxLite, [("open_id", open_id.into())])
    }

    /// WeChat QR code. `product_id` is the merchant's number of the product, 1 to 32 characters.
    pub fn wx_pub_qr(product_id: impl Into<String>) -> Self {
        Self::new(Channel::WxPubQr, [("product_id", product_id.into())])
    }

    /// WeChat payer code. `scan_code` is what the scanner read from the customer's screen.
    pub fn wx_pub_scan(scan_code: impl Into<String>) -> Self {
        Self::new(Channel::WxPubScan, [("scan_code", scan_code.into())])
    }

    /// UnionPay mobile web. `result_url` is where the customer is sent after payment.
    pub fn upacp_wap(result_url: impl Into<String>) -> Self {
        Self::new(Channel::UpacpWap, [("result_url", result_url.into())])
    }

    /// UnionPay PC web. `result_url` is where the customer is sent after payment.
    pub fn upacp_pc(result_url: impl Into<String>) -> Self {
        Self::new(Channel::UpacpPc, [("result_url", result_url.into())])
    }

    /// QQ wallet app. `device` is the customer's system: `ios` or `android`.
    pub fn qpay(device: impl Into<String>) -> Self {
        Self::new(Channel::Qpay, [("device", device.into())])
    }

    /// Baidu wallet mobile web. `result_url` is where the customer is sent after payment;
    /// `bfb_login` says whether the customer has to log in to pay.
    pub fn bfb_wap(result_url: impl Into<String>, bfb_login: bool) -> Self {
        Self::new(Channel::BfbWap, [("result_url", result_url.into())]).with("bfb_login", bfb_login)
    }

    /// JD Pay mobile web. The URLs are where the customer is sent after a payment that succeeded
    /// or failed.
    pub fn jdpay_wap(success_url: impl Into<String>, fail_url: impl Into<String>) -> Self {
        let urls = [("success_url", success_url.into()), ("fail_url", fail_url.into())];
        Self::new(Channel::JdpayWap, urls)
    }

    /// Yeepay mobile web. [`YeepayWap`] has the values.
    pub fn yeepay_wap(required: YeepayWap<'_>) -> Self {
        let extra = [
            ("product_category", required.product_category),
            ("identity_id", required.identity_id),
            ("terminal_id", required.terminal_id),
            ("user_ua", required.user_ua),
            ("result_url", required.result_url),
        ];
        Self::new(Channel::YeepayWap, extra)
            .with("identity_type", required.identity_type)
            .with("terminal_type", required.terminal_type)
    }

    /// China Merchants Bank wallet. [`CmbWallet`] has the values.
    pub fn cmb_wallet(required: CmbWallet<'_>) -> Self {
        let extra = [
            ("result_url", required.result_url),
            ("p_no", required.p_no),
            ("seq", required.seq),
            ("m_uid", required.m_uid),
            ("mobile", required.mobile),
        ];
        Self::new(Channel::CmbWallet, extra)
    }

    /// Aggregated QR code. `terminal_id` is the merchant's number of the terminal; `pay_channel` is
    /// the wallet: `alipay`, `wx` or `bfb`.
    pub fn isv_qr(terminal_id: impl Into<String>, pay_channel: impl Into<String>) -> Self {
        let extra = [("terminal_id", terminal_id.into()), ("pay_channel", pay_channel.into())];
        Self::new(Channel::IsvQr, extra)
    }

    /// Aggregated mobile web. `terminal_id` is the merchant's number of the terminal, `00000001` if
    /// there is none; `pay_channel` is the wallet, `alipay` or `wx`; `result_url` is where the
    /// customer is sent after a payment that succeeded or failed.
    pub fn isv_wap(
        terminal_id: impl Into<String>,
        pay_channel: impl Into<String>,
        result_url: impl Into<String>,
    ) -> Self {
        let extra = [
            ("terminal_id", terminal_id.into()),
            ("pay_channel", pay_channel.into()),
            ("result_url", result_url.into()),
        ];
        Self::new(Channel::IsvWap, extra)
    }

    /// Aggregated payer code. `terminal_id` is the merchant's number of the terminal; `scan_code`
    /// is what the scanner read from the customer's screen.
    pub fn isv_scan(terminal_id: impl Into<String>, scan_code: impl Into<String>) -> Self {
        let extra = [("terminal_id", terminal_id.into()), ("scan_code", scan_code.into())];
        Self::new(Channel::IsvScan, extra)
    }

    /// The balance of a user (account product). `user` is the id of the user who pays.
    pub fn balance(user: impl Into<String>) -> Self {
        Self::new(Channel::Balance, [("user", user.into())])
    }

    /// Cross-border WeChat app. `goods_list` is an array of objects with `goods_name` and
    /// `goods_num`.
    pub fn cb_wx(goods_list: impl Into<Value>) -> Self {
        Self::new(Channel::CbWx, [("goods_list", goods_list)])
    }

    /// Cross-border WeChat official account (JSAPI). `open_id` identifies the customer within that
    /// account; `goods_list` is an array of objects with `goods_name` and `goods_num`.
    pub fn cb_wx_pub(open_id: impl Into<String>, goods_list: impl Into<Value>) -> Self {
        Self::new(Channel::CbWxPub, [("open_id", open_id.into())]).with("goods_list", goods_list)
    }

    /// Cross-border WeChat QR code. `product_id` is the merchant's number of the product, 1 to 32
    /// characters; `goods_list` is an array of objects with `goods_name` and `goods_num`.
    pub fn cb_wx_pub_qr(product_id: impl Into<String>, goods_list: impl Into<Value>) -> Self {
        Self::new(Channel::CbWxPubQr, [("product_id", product_id.into())])
            .with("goods_list", goods_list)
    }

    /// Cross-border WeChat payer code. `scan_code` is what the scanner read from the customer's
    /// screen; `goods_list` is an array of objects with `goods_name` and `goods_num`.
    pub fn cb_wx_pub_scan(scan_code: impl Into<String>, goods_list: impl Into<Value>) -> Self {
        Self::new(Channel::CbWxPubScan, [("scan_code", scan_code.into())])
            .with("goods_list", goods_list)
    }

    /// An instalment product. `c_merch_id` is the number of the sub-merchant.
    pub fn fqlpay_wap(c_merch_id: impl Into<String>) -> Self {
        Self::new(Channel::FqlpayWap, [("c_merch_id", c_merch_id.into())])
    }

    /// An instalment product. The values are the customer's mobile number, identity card number and
    /// real name.
    pub fn mmdpay_wap(
        phone: impl Into<String>,
        id_no: impl Into<String>,
        name: impl Into<String>,
    ) -> Self {
        let extra = [("phone", phone.into()), ("id_no", id_no.into()), ("name", name.into())];
        Self::new(Channel::MmdpayWap, extra)
    }

    /// An instalment product. `phone` is the customer's mobile number.
    pub fn qgbc_wap(phone: impl Into<String>) -> Self {
        Self::new(Channel::QgbcWap, [("phone", phone.into())])
    }
}

impl From<&Channel> for PayBy {
    fn from(channel: &Channel) -> Self {
        Self::from(channel.clone())
    }
}

impl From<Channel> for PayBy {
    fn from(channel: Channel) -> Self {
        Self { channel, extra: JsonObject::default() }
    }
}

impl From<&str> for PayBy {
    fn from(channel: &str) -> Self {
        Channel::from(channel).into()
    }
}

impl From<String> for PayBy {
    fn from(channel: String) -> Self {
        Channel::from(channel).into()
    }
}

/// Shows the keys of `extra` only: the values may be payer codes or identity card numbers.
/// What [`PayBy::yeepay_wap`] requires.
#[derive(Clone, Copy)]
pub struct YeepayWap<'a> {
    /// The category of the goods, a code of Yeepay.
    pub product_category: &'a str,
    /// The merchant's id of the customer, up to 50 characters.
    pub identity_id: &'a str,
    /// What kind of id `identity_id` is, a code of Yeepay.
    pub identity_type: u32,
    /// What kind of id `terminal_id` is: 0 IMEI, 1 MAC, 2 UUID, 3 another.
    pub terminal_type: u32,
    /// The id of the customer's device.
    pub terminal_id: &'a str,
    /// The `User-Agent` of the customer's device.
    pub user_ua: &'a str,
    /// Where the customer is sent after payment.
    pub result_url: &'a str,
}

/// Shows no value: they identify a customer.
impl fmt::Debug for YeepayWap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("YeepayWap").finish_non_exhaustive()
    }
}

/// What [`PayBy::cmb_wallet`] requires.
///
/// Choose `p_no`, `seq`, `m_uid` and `mobile` once for each customer and pass the same values in
/// every payment: after a change the customer has to sign a new agreement, and the bank limits how
/// often that is possible.
#[derive(Clone, Copy)]
pub struct CmbWallet<'a> {
    /// Where the customer is sent after payment.
    pub result_url: &'a str,
    /// The merchant's number of the customer's agreement, up to 30 digits.
    pub p_no: &'a str,
    /// The merchant's number of the request to open the agreement, up to 20 digits, unique.
    pub seq: &'a str,
    /// The merchant's id of the customer in the agreement, up to 20 digits.
    pub m_uid: &'a str,
    /// The mobile number of the agreement, 11 digits.
    pub mobile: &'a str,
}

/// Shows no value: they identify a customer.
impl fmt::Debug for CmbWallet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CmbWallet").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    /// Every constructor, with the name of each parameter as its value.
    fn constructed() -> Vec<(&'static str, PayBy)> {
        let yeepay_wap = YeepayWap {
            product_category: "product_category",
            identity_id: "identity_id",
            identity_type: 1,
            terminal_type: 2,
            terminal_id: "terminal_id",
            user_ua: "user_ua",
            result_url: "result_url",
        };
        let cmb_wallet = CmbWallet {
            result_url: "result_url",
            p_no: "p_no",
            seq: "seq",
            m_uid: "m_uid",
            mobile: "mobile",
        };
        vec![
            ("alipay_wap", PayBy::alipay_wap("success_url")),
            ("alipay_pc_direct", PayBy::alipay_pc_direct("success_url")),
            ("alipay_scan", PayBy::alipay_scan("scan_code")),
            ("wx_pub", PayBy::wx_pub("open_id")),
            ("wx_lite", PayBy::wx_lite("open_id")),
            ("wx_pub_qr", PayBy::wx_pub_qr("product_id")),
            ("wx_pub_scan", PayBy::wx_pub_scan("scan_code")),
            ("upacp_wap", PayBy::upacp_wap("result_url")),
            ("upacp_pc", PayBy::upacp_pc("result_url")),
            ("qpay", PayBy::qpay("device")),
            ("bfb_wap", PayBy::bfb_wap("result_url", true)),
            ("jdpay_wap", PayBy::jdpay_wap("success_url", "fail_url")),
            ("yeepay_wap", PayBy::yeepay_wap(yeepay_wap)),
            ("cmb_wallet", PayBy::cmb_wallet(cmb_wallet)),
            ("isv_qr", PayBy::isv_qr("terminal_id", "pay_channel")),
            ("isv_wap", PayBy::isv_wap("terminal_id", "pay_channel", "result_url")),
            ("isv_scan", PayBy::isv_scan("terminal_id", "scan_code")),
            ("balance", PayBy::balance("user")),
            ("cb_wx", PayBy::cb_wx(json!([]))),
            ("cb_wx_pub", PayBy::cb_wx_pub("open_id", json!([]))),
            ("cb_wx_pub_qr", PayBy::cb_wx_pub_qr("product_id", json!([]))),
            ("cb_wx_pub_scan", PayBy::cb_wx_pub_scan("scan_code", json!([]))),
            ("fqlpay_wap", PayBy::fqlpay_wap("c_merch_id")),
            ("mmdpay_wap", PayBy::mmdpay_wap("phone", "id_no", "name")),
            ("qgbc_wap", PayBy::qgbc_wap("phone")),
        ]
    }

    /// The words in backticks of each cell, by row of the table in the docs of [`PayBy`].
    fn documented() -> Vec<[Vec<&'static str>; 5]> {
        include_str!("pay_by.rs")
            .lines()
            .filter(|line| line.starts_with("/// | `"))
            .map(|line| {
                let cells: Vec<Vec<_>> = line
                    .trim_start_matches("/// |")
                    .trim_end_matches('|')
                    .split('|')
                    .map(|cell| cell.split('`').skip(1).step_by(2).collect())
                    .collect();
                cells.try_into().unwrap_or_else(|_| panic!("not five cells: {line}"))
            })
            .collect()
    }

    #[test]
    fn the_documented_table_is_what_the_constructors_do() {
        let mut undocumented = constructed();
        for [channels, constructors, required, optional, _] in documented() {
            for channel in &channels {
                assert!(!matches!(Channel::from(*channel), Channel::Other(_)), "{channel}");
            }
            assert!(optional.iter().all(|key| !required.contains(key)), "{channels:?}");
            assert_eq!(constructors.is_empty(), required.is_empty(), "{channels:?}");
            let [constructor] = constructors[..] else { continue };
            assert_eq!(channels, [constructor]);
            let at = undocumented.iter().position(|(name, _)| *name == constructor);
            let (_, made) = undocumented.remove(at.unwrap_or_else(|| panic!("{constructor}")));
            assert_eq!(made.channel().as_str(), constructor);
            let keys: BTreeSet<_> = made.extra().keys().map(String::as_str).collect();
            assert_eq!(keys, BTreeSet::from_iter(required), "{constructor}");
        }
        assert!(undocumented.is_empty(), "{undocumented:?}");
    }

    #[test]
    fn every_constructor_is_in_the_table() {
        let public = include_str!("pay_by.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("    pub fn ")?.split('(').next())
            .filter(|name| !["channel", "extra", "with", "with_all"].contains(name));
        let documented = documented().into_iter().flat_map(|[_, constructor, ..]| constructor);
        assert_eq!(BTreeSet::from_iter(public), documented.collect());
    }

    #[test]
    fn each_value_is_under_its_own_key() {
        for (constructor, made) in constructed() {
            for (key, value) in made.extra().iter() {
                match value {
                    Value::String(text) => assert_eq!(text, key, "{constructor}"),
                    _ => assert!(
                        ["bfb_login", "goods_list", "identity_type", "terminal_type"]
                            .contains(&key.as_str()),
                        "{constructor}: {key}"
                    ),
                }
            }
        }
        let yeepay = &constructed().remove(12).1;
        assert_eq!(yeepay.extra()["identity_type"], 1);
        assert_eq!(yeepay.extra()["terminal_type"], 2);
    }

    #[test]
    fn it_is_two_fields_of_the_parameters_that_it_is_flattened_into() {
        #[derive(Serialize)]
        struct Parameters {
            order_no: &'static str,
            #[serde(flatten)]
            pay_by: PayBy,
        }
        let written =
            |pay_by: PayBy| serde_json::to_value(Parameters { order_no: "1", pay_by }).unwrap();
        assert_eq!(
            written(PayBy::wx_pub("o1").with("limit_pay", "no_credit").with("open_id", "o2")),
            json!({
                "order_no": "1",
                "channel": "wx_pub",
                "extra": {"open_id": "o2", "limit_pay": "no_credit"},
            })
        );
        assert_eq!(
            written(PayBy::from("brand_new").with_all([("a", 1), ("b", 2)])),
            json!({"order_no": "1", "channel": "brand_new", "extra": {"a": 1, "b": 2}})
        );
        for plain in [PayBy::from(Channel::Wx), PayBy::from("wx"), PayBy::from("wx".to_owned())] {
            assert_eq!(written(plain), json!({"order_no": "1", "channel": "wx"}));
        }
    }

    #[test]
    fn debug_shows_keys_and_no_values() {
        let shown = format!("{:?}", PayBy::wx_pub_scan("SECRET").with("terminal_id", "SECRET"));
        assert_eq!(shown, r#"PayBy { channel: WxPubScan, extra: {"scan_code", "terminal_id"} }"#);
        let secret = CmbWallet {
            result_url: "SECRET",
            p_no: "SECRET",
            seq: "SECRET",
            m_uid: "SECRET",
            mobile: "SECRET",
        };
        assert!(!format!("{secret:?} {:?}", PayBy::cmb_wallet(secret)).contains("SECRET"));
        let secret = YeepayWap {
            product_category: "SECRET",
            identity_id: "SECRET",
            identity_type: 1,
            terminal_type: 1,
            terminal_id: "SECRET",
            user_ua: "SECRET",
            result_url: "SECRET",
        };
        assert!(!format!("{secret:?} {:?}", PayBy::yeepay_wap(secret)).contains("SECRET"));
    }
}
