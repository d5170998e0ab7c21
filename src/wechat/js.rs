//! The ticket and the signature of WeChat's JS-SDK.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::resources::charges::Charge;
use crate::signing::sha1_hex;
use crate::types::{Sensitive, Timestamp};

/// A ticket of WeChat's JS-SDK, from [`WeChat::js_ticket`](super::WeChat::js_ticket).
///
/// WeChat gives out few of them a day, and a new one may end the one before: fetch it in one place,
/// keep it until it [expires](Self::is_expired), and share it among all servers. It has serde for that;
/// it is written with the ticket in it, and `Debug` does not show the ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JsTicket {
    /// The ticket.
    pub ticket: Sensitive,
    /// When it expires; two hours after it was given out.
    pub expires: Timestamp,
}

impl JsTicket {
    /// A ticket that somebody else keeps, and when it expires.
    pub fn new(ticket: impl Into<Sensitive>, expires: Timestamp) -> Self {
        Self { ticket: ticket.into(), expires }
    }

    /// Whether it expires within five minutes, or has expired.
    pub fn is_expired(&self, now: SystemTime) -> bool {
        Timestamp::from(now).as_unix().saturating_add(300) >= self.expires.as_unix()
    }

    /// Signs a page with these values, of which `wx.config` wants the same. The page's address is
    /// taken without what follows `#`, as WeChat demands.
    pub fn sign(&self, nonce_str: &str, timestamp: Timestamp, url: &str) -> JsSignature {
        let page = url.split('#').next().unwrap_or_default();
        let ticket = self.ticket.as_str();
        let text =
            format!("jsapi_ticket={ticket}&noncestr={nonce_str}&timestamp={timestamp}&url={page}");
        let signature = sha1_hex(text.as_bytes());
        JsSignature { timestamp, nonce_str: nonce_str.to_owned(), signature }
    }

    /// Signs the page on which a charge is paid, with the nonce and the time of its credential, so
    /// that one set of values serves `wx.config` and the payment. `None` if the charge has no
    /// credential of `wx_pub`.
    pub fn sign_charge(&self, charge: &Charge, url: &str) -> Option<JsSignature> {
        let credential = charge.credential.get("wx_pub")?;
        let timestamp = match credential.get("timeStamp")? {
            Value::String(text) => text.parse().ok()?,
            number => number.as_i64()?,
        };
        let nonce_str = credential.get("nonceStr")?.as_str()?;
        Some(self.sign(nonce_str, Timestamp::from_unix(timestamp), url))
    }
}

/// What `wx.config` of WeChat's JS-SDK wants, beside the app id. It is written with the names that
/// `wx.config` uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct JsSignature {
    /// The time that was signed.
    pub timestamp: Timestamp,
    /// The nonce that was signed.
    pub nonce_str: String,
    /// SHA-1 in hexadecimal.
    pub signature: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TICKET: &str = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-\
                          HhTdfl2fzFy1AOcHKP7qg";

    #[test]
    fn the_signature_is_that_of_the_documentation_whatever_follows_the_hash() {
        let ticket = JsTicket::new(TICKET, Timestamp::from_unix(0));
        for url in
            ["http://mp.weixin.qq.com?params=value", "http://mp.weixin.qq.com?params=value#/a#b"]
        {
            let signed = ticket.sign("Wm3WZYTPz0wzccnW", Timestamp::from_unix(1_414_587_457), url);
            assert_eq!(
                serde_json::to_value(signed).unwrap(),
                json!({
                    "timestamp": 1_414_587_457, "nonceStr": "Wm3WZYTPz0wzccnW",
                    "signature": "0f9de62fce790f9a083d5c99e95740ceb90c27ed"
                })
            );
        }
    }

    #[test]
    fn a_charge_is_signed_with_the_nonce_and_time_of_its_credential() {
        let charge = |credential: Value| -> Charge {
            serde_json::from_value(json!({
                "object": "charge", "id": "ch_1", "livemode": false, "paid": false,
                "order_no": "1", "amount": 1, "credential": credential
            }))
            .unwrap()
        };
        let ticket = JsTicket::new("t", Timestamp::from_unix(0));
        let expected = ticket.sign("n", Timestamp::from_unix(7), "https://a");
        for time in [json!(7), json!("7")] {
            let paid = charge(json!({ "wx_pub": { "timeStamp": time, "nonceStr": "n" } }));
            assert_eq!(ticket.sign_charge(&paid, "https://a"), Some(expected.clone()));
        }
        for odd in [json!({}), json!({ "wx_pub": {} }), json!({ "wx_pub": { "timeStamp": [] } })] {
            assert_eq!(ticket.sign_charge(&charge(odd), "https://a"), None);
        }
    }

    #[test]
    fn a_ticket_counts_as_expired_a_little_before_it_is_and_does_not_show_itself() {
        let ticket = JsTicket::new("secret", Timestamp::from_unix(7_200));
        let at = |seconds| SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        assert!(!ticket.is_expired(at(6_899)));
        assert!(ticket.is_expired(at(6_900)) && ticket.is_expired(at(9_000)));
        assert!(!format!("{ticket:?}").contains("secret"));
        let kept = serde_json::to_string(&ticket).unwrap();
        assert_eq!(serde_json::from_str::<JsTicket>(&kept).unwrap(), ticket);
    }
}
