//! Payment channels, and what Ping++ documents about reversing their charges.

use std::time::Duration;

use crate::Timestamp;
use crate::open_enum::open_enum;

open_enum! {
    /// `charge.channel`: the way a customer pays.
    pub enum Channel {
        /// Alipay app.
        Alipay = "alipay",
        /// Alipay mobile web.
        AlipayWap = "alipay_wap",
        /// Alipay PC web.
        AlipayPcDirect = "alipay_pc_direct",
        /// Alipay, the merchant shows a code.
        AlipayQr = "alipay_qr",
        /// Alipay mini program.
        AlipayLite = "alipay_lite",
        /// Alipay, the customer shows a code.
        AlipayScan = "alipay_scan",
        /// WeChat app.
        Wx = "wx",
        /// WeChat official account (JSAPI).
        WxPub = "wx_pub",
        /// WeChat, the merchant shows a code.
        WxPubQr = "wx_pub_qr",
        /// WeChat, the customer shows a code.
        WxPubScan = "wx_pub_scan",
        /// WeChat mini program.
        WxLite = "wx_lite",
        /// WeChat H5.
        WxWap = "wx_wap",
        /// UnionPay app.
        Upacp = "upacp",
        /// UnionPay mobile web.
        UpacpWap = "upacp_wap",
        /// UnionPay PC web.
        UpacpPc = "upacp_pc",
        /// UnionPay, the customer shows a code.
        UpacpScan = "upacp_scan",
        /// UnionPay B2B gateway.
        CpB2b = "cp_b2b",
        /// Apple Pay.
        ApplepayUpacp = "applepay_upacp",
        /// QQ wallet app.
        Qpay = "qpay",
        /// QQ wallet JSAPI.
        QpayPub = "qpay_pub",
        /// Baidu wallet.
        Bfb = "bfb",
        /// Baidu wallet web.
        BfbWap = "bfb_wap",
        /// Yeepay web.
        YeepayWap = "yeepay_wap",
        /// JD Pay web.
        JdpayWap = "jdpay_wap",
        /// China Merchants Bank wallet.
        CmbWallet = "cmb_wallet",
        /// China Merchants Bank, code on a PC.
        CmbPcQr = "cmb_pc_qr",
        /// China Construction Bank.
        CcbPay = "ccb_pay",
        /// China Construction Bank, code.
        CcbQr = "ccb_qr",
        /// China Mobile wallet.
        Cmpay = "cmpay",
        /// Aggregated, the merchant shows a code.
        IsvQr = "isv_qr",
        /// Aggregated web.
        IsvWap = "isv_wap",
        /// Aggregated, the customer shows a code.
        IsvScan = "isv_scan",
        /// Aggregated mini program.
        IsvLite = "isv_lite",
        /// Cross-border Alipay app.
        CbAlipay = "cb_alipay",
        /// Cross-border Alipay mobile web.
        CbAlipayWap = "cb_alipay_wap",
        /// Cross-border Alipay PC web.
        CbAlipayPcDirect = "cb_alipay_pc_direct",
        /// Cross-border Alipay, the merchant shows a code.
        CbAlipayQr = "cb_alipay_qr",
        /// Cross-border Alipay, the customer shows a code.
        CbAlipayScan = "cb_alipay_scan",
        /// Cross-border WeChat app.
        CbWx = "cb_wx",
        /// Cross-border WeChat official account.
        CbWxPub = "cb_wx_pub",
        /// Cross-border WeChat, the merchant shows a code.
        CbWxPubQr = "cb_wx_pub_qr",
        /// Cross-border WeChat, the customer shows a code.
        CbWxPubScan = "cb_wx_pub_scan",
        /// PayPal.
        Paypal = "paypal",
        /// Instalments.
        Coolcredit = "coolcredit",
        /// Instalments.
        FqlpayWap = "fqlpay_wap",
        /// Instalments.
        QgbcWap = "qgbc_wap",
        /// Instalments.
        MmdpayWap = "mmdpay_wap",
        /// The user's balance (account product).
        Balance = "balance",
        /// Paid outside (account product).
        Custom = "custom",
        /// Of sub-apps.
        Czpay = "czpay",
        /// Gone; still in old objects.
        CnpU = "cnp_u",
        /// Gone; still in old objects.
        CnpF = "cnp_f",
        /// Gone; still in old objects.
        Upmp = "upmp",
        /// Gone; still in old objects.
        UpmpWap = "upmp_wap",
    }
}

open_enum! {
    /// ISO 4217, in lower case.
    pub enum Currency {
        /// Renminbi; amounts are in fen.
        Cny = "cny",
        /// Hong Kong dollar (`isv_lite`); amounts are in cents.
        Hkd = "hkd",
    }
}

/// Until when a reverse works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReverseWindow {
    /// So long after the charge was created.
    Within(Duration),
    /// Until midnight (UTC+8) of the day on which it was created.
    SameDay,
    /// Until 23:00 (UTC+8), when UnionPay's day ends.
    SettlementDay,
}

impl ReverseWindow {
    /// The first second at which it is too late, for a charge created then.
    pub fn closes_at(self, created: Timestamp) -> Timestamp {
        const HOUR: i64 = 3600;
        const DAY: i64 = 24 * HOUR;
        // A day of this kind begins `shift` seconds before midnight UTC.
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
    /// Whether Ping++ documents that an *unpaid* charge can be reversed. `false` also means "not
    /// known", as for channels that are newer than this crate: it is no proof that it cannot.
    ///
    /// `alipay` is `false`: one page of the documentation still lists it, but the change log of
    /// 2025-04-29 dropped it.
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

    /// Whether Ping++ documents that reversing a *paid* charge gives the money back: the
    /// payer-code channels. Everywhere else a paid charge needs a refund.
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

    /// The first second at which a charge created then can be reversed: 15 s later on the reversible
    /// channels of WeChat, which refuses sooner; at once elsewhere.
    pub fn reversible_from(&self, created: Timestamp) -> Timestamp {
        use Channel::*;
        let waits = matches!(self, Wx | WxPub | WxPubQr | WxLite | WxWap | WxPubScan | CbWxPubScan);
        let pause = if waits { 15 } else { 0 };
        Timestamp::from_unix(created.as_unix().saturating_add(pause))
    }

    /// Until when Ping++ documents that a reverse works; `None` if it documents no limit, or if the
    /// channel is not reversible or not known.
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
    fn the_payer_code_channels_are_the_eight_of_the_documentation() {
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
