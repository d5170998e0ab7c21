//! Payment channels and currencies, and what Ping++ documents about reversing charges by channel.

use std::time::Duration;

use super::timestamp::Timestamp;
use crate::macros::open_enum::open_enum;

open_enum! {
    /// `charge.channel`: how a customer pays.
    ///
    /// A channel is never refused because this crate does not know it: `Channel::from` takes any
    /// string, and what Ping++ does not accept is refused by Ping++.
    ///
    /// The last twenty, from `abc_pay`, are named by the official browser SDK 2.4.0 only; their
    /// descriptions here are read from their names.
    pub enum Channel {
        /// Alipay app.
        Alipay = "alipay",
        /// Alipay mobile web.
        AlipayWap = "alipay_wap",
        /// Alipay PC web.
        AlipayPcDirect = "alipay_pc_direct",
        /// Alipay QR code: the customer scans a code that the merchant shows.
        AlipayQr = "alipay_qr",
        /// Alipay mini program.
        AlipayLite = "alipay_lite",
        /// Alipay payer code: the merchant scans a code that the customer shows.
        AlipayScan = "alipay_scan",
        /// WeChat app.
        Wx = "wx",
        /// WeChat official account (JSAPI).
        WxPub = "wx_pub",
        /// WeChat QR code: the customer scans a code that the merchant shows.
        WxPubQr = "wx_pub_qr",
        /// WeChat payer code: the merchant scans a code that the customer shows.
        WxPubScan = "wx_pub_scan",
        /// WeChat mini program.
        WxLite = "wx_lite",
        /// WeChat mobile web (H5).
        WxWap = "wx_wap",
        /// UnionPay app.
        Upacp = "upacp",
        /// UnionPay mobile web.
        UpacpWap = "upacp_wap",
        /// UnionPay PC web.
        UpacpPc = "upacp_pc",
        /// UnionPay payer code: the merchant scans a code that the customer shows.
        UpacpScan = "upacp_scan",
        /// UnionPay B2B gateway.
        CpB2b = "cp_b2b",
        /// Apple Pay with UnionPay cards.
        ApplepayUpacp = "applepay_upacp",
        /// QQ wallet app.
        Qpay = "qpay",
        /// QQ wallet official account (JSAPI).
        QpayPub = "qpay_pub",
        /// Baidu wallet app; discontinued.
        Bfb = "bfb",
        /// Baidu wallet mobile web; discontinued.
        BfbWap = "bfb_wap",
        /// Yeepay mobile web.
        YeepayWap = "yeepay_wap",
        /// JD Pay mobile web.
        JdpayWap = "jdpay_wap",
        /// China Merchants Bank wallet.
        CmbWallet = "cmb_wallet",
        /// China Merchants Bank QR code on a PC.
        CmbPcQr = "cmb_pc_qr",
        /// China Construction Bank.
        CcbPay = "ccb_pay",
        /// China Construction Bank QR code.
        CcbQr = "ccb_qr",
        /// China Mobile wallet.
        Cmpay = "cmpay",
        /// Aggregated QR code: the customer scans it with one of several wallets.
        IsvQr = "isv_qr",
        /// Aggregated mobile web.
        IsvWap = "isv_wap",
        /// Aggregated payer code: the merchant scans a code of one of several wallets.
        IsvScan = "isv_scan",
        /// Aggregated mini program.
        IsvLite = "isv_lite",
        /// Cross-border Alipay app.
        CbAlipay = "cb_alipay",
        /// Cross-border Alipay mobile web.
        CbAlipayWap = "cb_alipay_wap",
        /// Cross-border Alipay PC web.
        CbAlipayPcDirect = "cb_alipay_pc_direct",
        /// Cross-border Alipay QR code: the customer scans it.
        CbAlipayQr = "cb_alipay_qr",
        /// Cross-border Alipay payer code: the merchant scans it.
        CbAlipayScan = "cb_alipay_scan",
        /// Cross-border WeChat app.
        CbWx = "cb_wx",
        /// Cross-border WeChat official account (JSAPI).
        CbWxPub = "cb_wx_pub",
        /// Cross-border WeChat QR code: the customer scans it.
        CbWxPubQr = "cb_wx_pub_qr",
        /// Cross-border WeChat payer code: the merchant scans it.
        CbWxPubScan = "cb_wx_pub_scan",
        /// PayPal.
        Paypal = "paypal",
        /// An instalment product.
        Coolcredit = "coolcredit",
        /// An instalment product.
        FqlpayWap = "fqlpay_wap",
        /// An instalment product.
        QgbcWap = "qgbc_wap",
        /// An instalment product.
        MmdpayWap = "mmdpay_wap",
        /// The balance of a user (account product).
        Balance = "balance",
        /// Marked as paid outside of Ping++ (account product: recharges and withdrawals).
        Custom = "custom",
        /// A channel of sub-apps; only an example of an official SDK names it.
        Czpay = "czpay",
        /// Discontinued; occurs in old objects.
        CnpU = "cnp_u",
        /// Discontinued; occurs in old objects.
        CnpF = "cnp_f",
        /// Discontinued; occurs in old objects.
        Upmp = "upmp",
        /// Discontinued; occurs in old objects.
        UpmpWap = "upmp_wap",
        /// Agricultural Bank of China.
        AbcPay = "abc_pay",
        /// Agricultural Bank of China, official account.
        AbcPub = "abc_pub",
        /// Alipay QR code by way of Lakala.
        AlipayQrLakala = "alipay_qr_lakala",
        /// Alipay mobile web by way of Lakala.
        AlipayWapLakala = "alipay_wap_lakala",
        /// China Construction Bank mobile web.
        CcbWap = "ccb_wap",
        /// Alipay official account by way of China UMS.
        ChinaumsAlipayPub = "chinaums_alipay_pub",
        /// Alipay mobile web by way of China UMS.
        ChinaumsAlipayWap = "chinaums_alipay_wap",
        /// UnionPay mobile web by way of China UMS.
        ChinaumsUpacpWap = "chinaums_upacp_wap",
        /// WeChat official account by way of China UMS.
        ChinaumsWxPub = "chinaums_wx_pub",
        /// WeChat mobile web by way of China UMS.
        ChinaumsWxWap = "chinaums_wx_wap",
        /// NetsUnion payment by companies, by way of Lakala.
        NuccB2bLakala = "nucc_b2b_lakala",
        /// NetsUnion payment by consumers, by way of Lakala.
        NuccB2cLakala = "nucc_b2c_lakala",
        /// Ping An Bank PC web.
        PabPc = "pab_pc",
        /// UnionPay payment by companies.
        UpacpB2b = "upacp_b2b",
        /// WeChat mini program by way of Ping An Bank.
        WxLitePab = "wx_lite_pab",
        /// WeChat official account by way of Ping An Bank.
        WxPubPab = "wx_pub_pab",
        /// WeChat mini program by way of Yeepay.
        YeepayWxLite = "yeepay_wx_lite",
        /// WeChat mini program by way of Yeepay, for payments on site.
        YeepayWxLiteOfl = "yeepay_wx_lite_ofl",
        /// WeChat official account by way of Yeepay.
        YeepayWxPub = "yeepay_wx_pub",
        /// WeChat official account by way of Yeepay, for payments on site.
        YeepayWxPubOfl = "yeepay_wx_pub_ofl",
    }
}

/// The time during which a charge can be reversed. From [`Channel::reverse_window`].
///
/// | channel | until |
/// |---|---|
/// | `wx_pub_scan`, `cb_wx_pub_scan` | 7 days |
/// | `alipay_scan` | 24 hours |
/// | `upacp`, `upacp_wap`, `upacp_pc`, `upacp_scan` | the end of the settlement day, 23:00 to 23:00 (UTC+8) |
/// | `isv_scan`, `isv_qr`, `isv_wap` | the end of the day (UTC+8) |
///
/// (Source: Ping++ documentation of `reverse`, 2026.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReverseWindow {
    /// This long after the creation of the charge.
    Within(Duration),
    /// Until the end of the day (UTC+8) on which the charge was created.
    SameDay,
    /// Until the end of the settlement day of UnionPay, at 23:00 (UTC+8), in which the charge was
    /// created.
    SettlementDay,
}

impl ReverseWindow {
    /// The end of the window of a charge created at `created`: the first second that is too late.
    pub fn closes_at(self, created: Timestamp) -> Timestamp {
        const HOUR: i64 = 3600;
        const DAY: i64 = 24 * HOUR;
        // The end of the day that contains `created`, where days begin `shift` seconds before
        // midnight UTC.
        let end_of_day = |shift: i64| {
            let created = created.as_unix().saturating_add(shift);
            (created.div_euclid(DAY) + 1).saturating_mul(DAY).saturating_sub(shift)
        };
        Timestamp::from_unix(match self {
            Self::Within(time) => {
                let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
                created.as_unix().saturating_add(seconds)
            }
            Self::SameDay => end_of_day(8 * HOUR),
            Self::SettlementDay => end_of_day(9 * HOUR),
        })
    }
}

impl Channel {
    /// Whether Ping++ documents that an *unpaid* charge can be reversed. `false` does not prove the
    /// contrary: it is also the answer where no documentation is known, for example for a channel
    /// that is newer than this crate.
    ///
    /// `alipay` is `false`: the documentation of `reverse` still lists it, but according to the
    /// change log it was dropped on 2025-04-29.
    pub fn is_reversible(&self) -> bool {
        use Channel::*;
        self.is_reversible_when_paid()
            || matches!(
                self,
                AlipayQr
                    | AlipayLite
                    | Wx
                    | WxPub
                    | WxPubQr
                    | WxLite
                    | WxWap
                    | Upacp
                    | UpacpWap
                    | UpacpPc
            )
    }

    /// Whether Ping++ documents that reversing a *paid* charge returns the money: the payer-code
    /// channels and `isv_qr`, `isv_wap`. On all others a paid charge needs a refund.
    pub fn is_reversible_when_paid(&self) -> bool {
        use Channel::*;
        matches!(
            self,
            AlipayScan
                | CbAlipayScan
                | WxPubScan
                | CbWxPubScan
                | UpacpScan
                | IsvScan
                | IsvWap
                | IsvQr
        )
    }

    /// The first second at which a charge created at `created` can be reversed. On the reversible
    /// channels of WeChat this is 15 s later, because WeChat refuses earlier requests; on all
    /// others it is `created`.
    pub fn reversible_from(&self, created: Timestamp) -> Timestamp {
        use Channel::*;
        let waits = matches!(self, Wx | WxPub | WxPubQr | WxLite | WxWap | WxPubScan | CbWxPubScan);
        let pause = if waits { 15 } else { 0 };
        Timestamp::from_unix(created.as_unix().saturating_add(pause))
    }

    /// The window in which Ping++ documents that a charge can be reversed; `None` if it documents
    /// no limit, or if the channel is not reversible or not known.
    pub fn reverse_window(&self) -> Option<ReverseWindow> {
        use Channel::*;
        const DAY: u64 = 24 * 3600;
        match self {
            WxPubScan | CbWxPubScan => Some(ReverseWindow::Within(Duration::from_secs(7 * DAY))),
            AlipayScan => Some(ReverseWindow::Within(Duration::from_secs(DAY))),
            Upacp | UpacpWap | UpacpPc | UpacpScan => Some(ReverseWindow::SettlementDay),
            IsvQr | IsvWap | IsvScan => Some(ReverseWindow::SameDay),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_channels_are_reversible_when_paid_as_documented() {
        let paid: Vec<_> = Channel::NAMED
            .iter()
            .filter(|(_, channel)| channel.is_reversible_when_paid())
            .map(|(name, _)| *name)
            .collect();
        assert_eq!(
            paid,
            [
                "alipay_scan",
                "wx_pub_scan",
                "upacp_scan",
                "isv_qr",
                "isv_wap",
                "isv_scan",
                "cb_alipay_scan",
                "cb_wx_pub_scan"
            ]
        );
        assert_eq!(Channel::NAMED.iter().filter(|(_, c)| c.is_reversible()).count(), 18);
        assert!(!Channel::from("brand_new").is_reversible());
    }

    #[test]
    fn the_channels_of_the_browser_sdk_have_names() {
        // Those of the official browser SDK 2.4.0 that no other official source names.
        for name in [
            "abc_pay",
            "abc_pub",
            "alipay_qr_lakala",
            "alipay_wap_lakala",
            "ccb_wap",
            "chinaums_alipay_pub",
            "chinaums_alipay_wap",
            "chinaums_upacp_wap",
            "chinaums_wx_pub",
            "chinaums_wx_wap",
            "nucc_b2b_lakala",
            "nucc_b2c_lakala",
            "pab_pc",
            "upacp_b2b",
            "wx_lite_pab",
            "wx_pub_pab",
            "yeepay_wx_lite",
            "yeepay_wx_lite_ofl",
            "yeepay_wx_pub",
            "yeepay_wx_pub_ofl",
        ] {
            assert!(!matches!(Channel::from(name), Channel::Other(_)), "{name}");
        }
    }

    #[test]
    fn only_reversible_channels_have_a_window() {
        for (name, channel) in Channel::NAMED {
            assert!(channel.reverse_window().is_none() || channel.is_reversible(), "{name}");
        }
    }

    #[test]
    fn days_end_at_midnight_and_settlement_days_at_eleven_in_china() {
        // 2026-11-23 00:00:00 UTC+8.
        const MIDNIGHT: i64 = 1_795_363_200;
        const HOUR: i64 = 3600;
        let closes = |window: ReverseWindow, created: i64| {
            window.closes_at(Timestamp::from_unix(created)).as_unix()
        };
        for (created, day, settlement) in [
            (MIDNIGHT - 1, MIDNIGHT, MIDNIGHT + 23 * HOUR),
            (MIDNIGHT, MIDNIGHT + 24 * HOUR, MIDNIGHT + 23 * HOUR),
            (MIDNIGHT + 23 * HOUR - 1, MIDNIGHT + 24 * HOUR, MIDNIGHT + 23 * HOUR),
            (MIDNIGHT + 23 * HOUR, MIDNIGHT + 24 * HOUR, MIDNIGHT + 47 * HOUR),
        ] {
            assert_eq!(closes(ReverseWindow::SameDay, created), day);
            assert_eq!(closes(ReverseWindow::SettlementDay, created), settlement);
        }
        assert_eq!(closes(ReverseWindow::Within(Duration::from_secs(5)), 10), 15);
        for extreme in [i64::MIN, i64::MAX] {
            closes(ReverseWindow::SameDay, extreme);
            closes(ReverseWindow::Within(Duration::MAX), extreme);
        }
    }
}
