//! What a look shows of a charge, as far as a settlement is concerned.

use serde::{Deserialize, Serialize};

use super::clock::Millis;
use crate::resources::charges::{Charge, Refund, RefundState};
use crate::types::{Channel, Timestamp};

/// What a look shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ChargeView {
    pub(super) paid: bool,
    pub(super) time_paid: Option<Millis>,
    pub(super) reversed: bool,
    /// All of the money went back by refunds.
    pub(super) refunded: bool,
    /// All of the money is going back by refunds, or may be.
    pub(super) refunding: bool,
    /// A payment was refused.
    pub(super) failed: bool,
    pub(super) facts: Facts,
}

/// What does not change about a charge.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) created: Millis,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<Millis>,
    /// Ping++ documents that it can be reversed, or does not know the channel.
    pub(super) reversible: bool,
    /// A reverse gives a payment back.
    pub(super) gives_back: bool,
    /// A reverse may give a payment back: that of an unknown channel may.
    pub(super) may_give_back: bool,
    /// How long after its creation a reverse is refused.
    #[serde(default)]
    pub(super) reversible_after: Millis,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reversible_until: Option<Millis>,
}

impl ChargeView {
    pub(super) fn of(charge: &Charge) -> Self {
        let refunded = charge.amount_refunded.is_some_and(|refunded| refunded >= charge.amount);
        Self {
            paid: charge.paid,
            time_paid: charge.time_paid.map(millis),
            reversed: charge.reversed == Some(true),
            refunded: charge.paid && refunded,
            refunding: charge.paid && under_way(charge) >= charge.amount.as_fen(),
            failed: charge.failure_code.is_some(),
            facts: Facts::of(charge),
        }
    }
}

/// What refunds have taken or may still take, in fen.
fn under_way(charge: &Charge) -> i64 {
    let counts = |refund: &&Refund| refund.state() != RefundState::Failed;
    let refunds = charge.refunds.iter().flat_map(|refunds| &refunds.data);
    refunds.filter(counts).fold(0, |sum, refund| sum.saturating_add(refund.amount.as_fen()))
}

impl Facts {
    pub(super) fn of(charge: &Charge) -> Self {
        let unknown = Channel::from("");
        let channel = charge.channel.as_ref().unwrap_or(&unknown);
        let is_unknown = matches!(channel, Channel::Other(_));
        // Without it the charge counts as old: what waits for its age does not wait.
        let created = charge.created.unwrap_or(Timestamp::from_unix(0));
        let window = channel.reverse_window().filter(|_| charge.created.is_some());
        Self {
            created: millis(created),
            expires: charge.time_expire.map(millis),
            reversible: channel.is_reversible() || is_unknown,
            gives_back: channel.is_reversible_when_paid(),
            may_give_back: channel.is_reversible_when_paid() || is_unknown,
            reversible_after: millis(channel.reversible_from(Timestamp::from_unix(0))),
            reversible_until: window.map(|window| millis(window.closes_at(created))),
        }
    }
}

fn millis(time: Timestamp) -> Millis {
    Millis::try_from(time.as_unix()).unwrap_or(0).saturating_mul(1_000)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn view(changes: &[(&str, Value)]) -> ChargeView {
        let mut charge = json!({
            "id": "ch_1", "object": "charge", "livemode": false, "paid": false, "order_no": "1",
            "amount": 100, "channel": "alipay_scan", "created": 1_795_363_200
        });
        for (name, value) in changes {
            charge[*name] = value.clone();
        }
        ChargeView::of(&serde_json::from_value(charge).unwrap())
    }

    #[test]
    fn a_channel_goes_by_its_documented_rules() {
        // 2026-11-23 00:00:00 UTC+8.
        let midnight = 1_795_363_200;
        let facts = |channel: &str, created: i64| {
            view(&[("channel", json!(channel)), ("created", json!(created))]).facts
        };
        let at = |seconds: i64| Some(seconds as Millis * 1_000);
        for (channel, created, until) in [
            ("isv_scan", midnight - 1, at(midnight)),
            ("upacp", midnight, at(midnight + 23 * 3_600)),
            ("alipay_scan", midnight, at(midnight + 24 * 3_600)),
            ("wx_pub_scan", midnight, at(midnight + 7 * 24 * 3_600)),
            ("alipay_qr", midnight, None),
        ] {
            assert_eq!(facts(channel, created).reversible_until, until, "{channel}");
        }
        assert!(!facts("alipay_wap", midnight).reversible);
        assert_eq!(facts("wx_pub", midnight).reversible_after, 15_000);
        // Ping++ may know better than this crate, in either direction.
        let new = facts("brand_new", midnight);
        assert_eq!((new.reversible, new.gives_back, new.may_give_back), (true, false, true));
        let scan = facts("wx_pub_scan", midnight);
        assert_eq!((scan.gives_back, scan.may_give_back), (true, true));
        assert!(!facts("wx_pub", midnight).may_give_back);
    }

    #[test]
    fn only_a_field_that_says_so_means_reversed_or_failed() {
        for (value, reversed) in [(json!(true), true), (json!(false), false), (json!(null), false)]
        {
            assert_eq!(view(&[("reversed", value)]).reversed, reversed);
        }
        assert!(!view(&[]).reversed && !view(&[]).failed);
        assert!(view(&[("failure_code", json!("x"))]).failed);
    }

    #[test]
    fn a_refund_counts_while_it_may_still_succeed() {
        let paid = ("paid", json!(true));
        let refunds = |refunds: &[(i64, &str)]| {
            let refunds = refunds.iter().map(|(amount, status)| {
                json!({
                    "id": "re_1", "object": "refund", "amount": amount, "charge": "ch_1",
                    "succeed": *status == "succeeded", "status": status
                })
            });
            let data: Vec<_> = refunds.collect();
            ("refunds", json!({ "object": "list", "has_more": false, "data": data }))
        };
        for (of, refunding) in [
            (refunds(&[]), false),
            (refunds(&[(100, "pending")]), true),
            (refunds(&[(100, "failed")]), false),
            (refunds(&[(40, "pending")]), false),
            (refunds(&[(40, "pending"), (60, "succeeded")]), true),
        ] {
            assert_eq!(view(&[paid.clone(), of.clone()]).refunding, refunding, "{of:?}");
        }
        assert!(view(&[paid.clone(), ("amount_refunded", json!(100))]).refunded);
        assert!(!view(&[paid, ("amount_refunded", json!(99))]).refunded);
    }
}
