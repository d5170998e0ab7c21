//! What the channels of the simulated Ping++ do, by its documentation; nothing is taken from the crate.

use pingpp::PayBy;

pub(crate) const MINUTE: u64 = 60_000;
pub(crate) const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// China is ahead of UTC.
const UTC8: u64 = 8 * HOUR;

/// A channel; times are milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rules {
    pub(crate) name: &'static str,
    pub(crate) reversible: bool,
    /// A reverse of a paid charge gives the money back.
    pub(crate) gives_back: bool,
    /// WeChat refuses earlier reverses.
    pub(crate) reversible_after: u64,
    pub(crate) window: Window,
    /// So long after the create the same fields return the first charge.
    pub(crate) same_within: u64,
    /// After that they make a new one; elsewhere the number is used up.
    pub(crate) doubles: bool,
    pub(crate) expires_after: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Window {
    Open,
    Within(u64),
    SameDay,
    SettlementDay,
}

impl Rules {
    pub(crate) fn reversible_until(&self, created: u64) -> Option<u64> {
        let end_of_day = |shift: u64| (created + shift) / DAY * DAY + DAY - shift;
        match self.window {
            Window::Open => None,
            Window::Within(time) => Some(created + time),
            Window::SameDay => Some(end_of_day(UTC8)),
            Window::SettlementDay => Some(end_of_day(UTC8 + HOUR)),
        }
    }

    /// How the SDK pays by it; a payer's code is the order's own.
    pub(crate) fn pay_by(&self, code: &str) -> PayBy {
        match self.name {
            "alipay_scan" => PayBy::alipay_scan(code),
            "wx_pub_scan" => PayBy::wx_pub_scan(code),
            "isv_scan" => PayBy::isv_scan("SH008", code),
            "wx_pub_qr" => PayBy::wx_pub_qr("product"),
            "upacp_pc" => PayBy::upacp_pc("https://shop.example/paid"),
            "alipay_wap" => PayBy::alipay_wap("https://shop.example/paid"),
            name => PayBy::from(name),
        }
    }
}

const CHANNEL: Rules = Rules {
    name: "alipay_qr",
    reversible: true,
    gives_back: false,
    reversible_after: 0,
    window: Window::Open,
    same_within: MINUTE,
    doubles: false,
    expires_after: DAY,
};

pub(crate) const ALL: [Rules; 8] = [
    CHANNEL,
    Rules { name: "alipay_scan", gives_back: true, window: Window::Within(DAY), ..CHANNEL },
    Rules {
        name: "wx_pub_scan",
        gives_back: true,
        reversible_after: 15_000,
        window: Window::Within(7 * DAY),
        doubles: true,
        expires_after: 2 * HOUR,
        ..CHANNEL
    },
    Rules { name: "isv_scan", gives_back: true, window: Window::SameDay, ..CHANNEL },
    Rules {
        name: "wx_pub_qr",
        reversible_after: 15_000,
        same_within: 2 * HOUR,
        expires_after: 2 * HOUR,
        ..CHANNEL
    },
    Rules { name: "upacp_pc", window: Window::SettlementDay, expires_after: HOUR, ..CHANNEL },
    Rules { name: "alipay_wap", reversible: false, expires_after: 2 * HOUR, ..CHANNEL },
    // Newer than the crate.
    Rules { name: "brand_new", gives_back: true, ..CHANNEL },
];
