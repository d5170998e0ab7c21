//! What Ping++'s documentation allows in the texts of a request, so that one that is too long is refused
//! here, with the name of the field, before a customer waits for it.
//!
//! Only upper limits that the documentation states, and states in one way. Which characters a number may
//! have, and how short it may be, is not checked: channels differ from what is documented.

use serde_json::{Map, Value};

use crate::error::BuildError;

enum Limit {
    Characters(usize),
    Bytes(usize),
    Items(usize),
}

use Limit::{Bytes, Characters, Items};

const CHARGES: &str = "/v1/charges";
const ORDERS: &str = "/v1/orders";
const ORDER: &str = "/v1/orders/{id}";
const RECHARGES: &str = "/v1/apps/{app}/recharges";
const RED_ENVELOPES: &str = "/v1/red_envelopes";
const TRANSFERS: &str = "/v1/transfers";

/// What a field may have; `charge.subject` is a field inside of another one.
fn limit(route: &str, field: &str, channel: &str) -> Option<Limit> {
    Some(match (route, field) {
        (CHARGES, "order_no") => Characters(order_no_of_charge(channel)?),
        (CHARGES | ORDERS | ORDER, "subject") | (RECHARGES, "charge.subject") => {
            if channel.contains("upacp") { Bytes(32) } else { Characters(32) }
        }
        (CHARGES, "body") if channel == "yeepay_wap" => Characters(100),
        (CHARGES | ORDERS | ORDER, "body") | (RECHARGES, "charge.body") => Characters(128),
        (CHARGES | ORDERS | ORDER, "description") => Characters(255),
        (ORDERS, "merchant_order_no") => Characters(20),
        ("/v1/charges/{charge}/refunds", "description") => Characters(255),
        ("/v1/orders/{order}/order_refunds", "description") => Characters(255),
        (RED_ENVELOPES, "order_no") => Characters(28),
        (RED_ENVELOPES, "subject" | "extra.send_name") => Bytes(32),
        (RED_ENVELOPES, "body") => Characters(128),
        (RED_ENVELOPES, "description") => Characters(255),
        (TRANSFERS, "order_no") => Characters(match channel {
            "unionpay" => 16,
            "wx" | "wx_pub" | "wx_lite" => 32,
            "allinpay" => 40,
            "alipay" | "jdpay" | "balance" => 64,
            _ => return None,
        }),
        (TRANSFERS, "description") => match channel {
            "wx" | "wx_pub" | "wx_lite" => Bytes(99),
            "unionpay" => Characters(99),
            "alipay" | "jdpay" => Characters(100),
            "allinpay" => Characters(30),
            _ => return None,
        },
        ("/v1/batch_refunds", "batch_no") => Characters(24),
        ("/v1/batch_refunds", "description") => Characters(255),
        ("/v1/batch_refunds", "charges") => Items(100),
        ("/v1/customs", "trade_no") => Characters(20),
        ("/v1/apps/{app}/users", "id") => Characters(64),
        ("/v1/apps/{app}/withdrawals", "description") => Characters(60),
        ("/v1/apps/{app}/batch_withdrawals", "withdrawals") => Items(200),
        ("/v1/split_profits", "order_no") | ("/v1/split_receivers", "account") => Characters(64),
        _ => return None,
    })
}

fn order_no_of_charge(channel: &str) -> Option<usize> {
    Some(match channel {
        "wx" | "wx_pub" | "wx_lite" | "wx_wap" | "wx_pub_qr" | "wx_pub_scan" => 32,
        "cb_wx" | "cb_wx_pub" | "cb_wx_pub_qr" | "cb_wx_pub_scan" | "paypal" | "coolcredit" => 32,
        "isv_qr" | "isv_scan" | "isv_wap" | "cmb_wallet" => 32,
        "upacp" | "upacp_wap" | "upacp_pc" | "upacp_scan" => 40,
        "bfb" | "bfb_wap" => 20,
        "yeepay_wap" | "cmpay" => 50,
        "jdpay_wap" | "qpay" | "ccb_pay" | "ccb_qr" => 30,
        _ if channel.starts_with("alipay") || channel.starts_with("cb_alipay") => 64,
        _ => return None,
    })
}

/// The first field of a body that has more than it may.
pub(super) fn exceeded(route: &str, body: &[u8]) -> Option<BuildError> {
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else { return None };
    let channel = |fields: &Map<String, Value>| {
        fields.get("channel").and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let outer = channel(&fields);
    for (name, value) in &fields {
        let found = match value {
            Value::Object(pairs) if name == "metadata" => metadata(pairs),
            Value::Object(inner) => {
                let channel = channel(inner);
                inner.iter().find_map(|(field, value)| {
                    check(route, &format!("{name}.{field}"), value, &channel)
                })
            }
            value => check(route, name, value, &outer),
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

fn check(route: &str, field: &str, value: &Value, channel: &str) -> Option<BuildError> {
    let (has, most, unit) = match (limit(route, field, channel)?, value) {
        (Characters(most), Value::String(text)) => (text.chars().count(), most, "characters"),
        (Bytes(most), Value::String(text)) => (text.len(), most, "bytes"),
        (Items(most), Value::Array(items)) => (items.len(), most, "items"),
        _ => return None,
    };
    too_much(field, has, most, unit)
}

/// 20 pairs, 1,000 characters in all: of the values alone, since what else counts is not documented.
fn metadata(pairs: &Map<String, Value>) -> Option<BuildError> {
    fn characters(value: &Value) -> usize {
        match value {
            Value::String(text) => text.chars().count(),
            Value::Array(items) => items.iter().map(characters).sum(),
            Value::Object(inner) => inner.values().map(characters).sum(),
            other => other.to_string().len(),
        }
    }
    too_much("metadata", pairs.len(), 20, "pairs")
        .or_else(|| too_much("metadata", pairs.values().map(characters).sum(), 1_000, "characters"))
}

fn too_much(field: &str, has: usize, most: usize, unit: &str) -> Option<BuildError> {
    (has > most).then(|| {
        BuildError::new(format!(
            "{field} has {has} {unit}, and Ping++ takes {most}: shorten it (`Client::call` checks \
             no lengths)"
        ))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_longer_than_documented_is_refused_and_what_is_as_long_is_not() {
        let users = "/v1/apps/{app}/users";
        // Route, body with a text of this length in `field`, the longest one, one unit of it.
        for (route, channel, field, most, unit) in [
            (CHARGES, "alipay_qr", "subject", 32, "茶"),
            (CHARGES, "upacp_wap", "subject", 32, "a"),
            (CHARGES, "alipay_qr", "body", 128, "茶"),
            (CHARGES, "yeepay_wap", "body", 100, "茶"),
            (CHARGES, "alipay_qr", "description", 255, "茶"),
            (CHARGES, "alipay_qr", "order_no", 64, "1"),
            (CHARGES, "wx_pub_scan", "order_no", 32, "1"),
            (CHARGES, "upacp_pc", "order_no", 40, "1"),
            (CHARGES, "bfb_wap", "order_no", 20, "1"),
            (CHARGES, "cmpay", "order_no", 50, "1"),
            (CHARGES, "qpay", "order_no", 30, "1"),
            (ORDERS, "", "merchant_order_no", 20, "1"),
            (ORDER, "", "body", 128, "茶"),
            (RED_ENVELOPES, "wx_pub", "subject", 32, "a"),
            (RED_ENVELOPES, "wx_pub", "order_no", 28, "1"),
            (TRANSFERS, "unionpay", "order_no", 16, "1"),
            (TRANSFERS, "wx_pub", "description", 99, "a"),
            (TRANSFERS, "allinpay", "description", 30, "茶"),
            ("/v1/batch_refunds", "", "batch_no", 24, "1"),
            ("/v1/customs", "alipay", "trade_no", 20, "1"),
            (users, "", "id", 64, "u"),
        ] {
            let has = |length| {
                let body = json!({ "channel": channel, field: unit.repeat(length), "other": unit.repeat(999) });
                exceeded(route, body.to_string().as_bytes())
            };
            assert!(has(most).is_none(), "{route} {field}");
            let refused = has(most + 1).expect(field).to_string();
            assert!(refused.starts_with(&format!("{field} has {} ", most + 1)), "{refused}");
        }
    }

    #[test]
    fn bytes_are_not_characters() {
        let refused = |channel, subject| {
            let body = json!({ "channel": channel, "subject": subject });
            exceeded(CHARGES, body.to_string().as_bytes()).is_some()
        };
        let (thirty, thirty_three) = ("茶".repeat(10), "茶".repeat(11));
        assert!(!refused("upacp", &thirty) && refused("upacp", &thirty_three));
        assert!(!refused("wx", &thirty_three));
    }

    #[test]
    fn fields_inside_of_others_items_and_metadata_have_limits() {
        let refused = |route, body: Value| {
            exceeded(route, body.to_string().as_bytes()).map(|error| error.to_string())
        };
        let long = "茶".repeat(33);
        let of_recharge = json!({ "charge": { "channel": "alipay_qr", "subject": long } });
        assert!(refused(RECHARGES, of_recharge).unwrap().starts_with("charge.subject has 33 "));
        let send_name = json!({ "extra": { "send_name": "茶".repeat(11) } });
        assert!(refused(RED_ENVELOPES, send_name).unwrap().starts_with("extra.send_name has 33 "));
        let items = json!({ "charges": vec!["ch_1"; 101] });
        assert!(refused("/v1/batch_refunds", items).unwrap().contains("101 items"));

        let pairs = |count| (0..count).map(|n| (n.to_string(), json!(n))).collect::<Map<_, _>>();
        let any_route = "/v1/anything";
        assert!(refused(any_route, json!({ "metadata": pairs(20) })).is_none());
        assert!(refused(any_route, json!({ "metadata": pairs(21) })).unwrap().contains("21 pairs"));
        let text = |length| json!({ "metadata": { "a": "茶".repeat(length), "b": 1 } });
        assert!(refused(any_route, text(999)).is_none());
        assert!(refused(any_route, text(1_000)).unwrap().contains("1001 characters"));
    }

    #[test]
    fn what_has_no_documented_limit_is_not_refused() {
        let long = "茶".repeat(5_000);
        for body in [json!({ "channel": "new_in_2030", "order_no": long }), json!([long]), json!(1)]
        {
            assert!(exceeded(CHARGES, body.to_string().as_bytes()).is_none());
        }
        assert!(exceeded(CHARGES, b"").is_none());
    }
}
