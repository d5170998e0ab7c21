//! The object `refund`. It stands with charges because each of the two refers to the other; its
//! operations are in [`refunds`](crate::refunds).

use std::fmt;

use super::Charge;
use crate::error::ErrorCode;
use crate::macros::object::object;
use crate::macros::open_enum::open_enum;
use crate::types::{Amount, App, Currency, Id, Timestamp};

object! {
    /// A refund of a charge, whole or in part.
    ///
    /// One that the channel refused is an ordinary answer with the status `failed`: receiving a
    /// refund does not mean that the money went back.
    pub struct Refund = "refund" {
        required {
            /// `re_` and 24 characters.
            id: Id<Refund>,
            /// In fen.
            amount: Amount,
            /// Whether the money went back.
            succeed: bool,
            /// The charge it refunds.
            charge: Id<Charge>,
        }
        strict {
            /// How far it got; absent in objects of 2015.
            status: RefundStatus,
            /// Why it failed.
            failure_code: ErrorCode,
        }
        optional {
            /// The refund number, made by Ping++.
            order_no: String,
            /// When it was created.
            created: Timestamp,
            /// The reason the merchant gave.
            description: String,
            /// The app; since 2026.
            app: Id<App>,
            /// The currency.
            currency: Currency,
            /// When the money went back.
            time_succeed: Timestamp,
            /// Why it failed, in words; for `refund_wait_operation` with a page to open.
            failure_msg: String,
            /// The order_no of the charge; absent in objects of 2015.
            charge_order_no: String,
            /// The channel's number of the refund.
            transaction_no: String,
            /// Which money it is paid from, if the request said so.
            funding_source: FundingSource,
        }
        maps {
            /// The merchant's own keys and values.
            metadata,
            /// Values of the channel.
            extra,
        }
    }
}

open_enum! {
    /// `refund.status`.
    pub enum RefundStatus {
        /// Under way.
        Pending = "pending",
        /// The money went back.
        Succeeded = "succeeded",
        /// Refused or failed.
        Failed = "failed",
    }
}

open_enum! {
    /// `refund.funding_source`: which money a refund is paid from.
    pub enum FundingSource {
        /// Money not yet settled (the default).
        UnsettledFunds = "unsettled_funds",
        /// Money paid in for refunds.
        RechargeFunds = "recharge_funds",
    }
}

/// Where a refund stands, from [`Refund::state`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefundState<'a> {
    /// Under way, or not clear: no money has provably moved, and it still may.
    Pending,
    /// The money went back.
    Succeeded,
    /// It did not happen and will not.
    Failed,
    /// The merchant must confirm it on a page of the channel, the same day.
    NeedsMerchant {
        /// The page, if the message names it.
        url: Option<&'a str>,
    },
}

impl fmt::Display for RefundState<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pending => f.write_str("pending"),
            Self::Succeeded => f.write_str("succeeded"),
            Self::Failed => f.write_str("failed"),
            Self::NeedsMerchant { url: None } => f.write_str("to be confirmed by the merchant"),
            Self::NeedsMerchant { url: Some(url) } => {
                write!(f, "to be confirmed by the merchant on {url}")
            }
        }
    }
}

impl Refund {
    /// Where it stands, out of `status`, `succeed` and `failure_code` together. What contradicts
    /// itself, or is new, is [`Pending`](RefundState::Pending): neither done nor failed.
    pub fn state(&self) -> RefundState<'_> {
        let done = self.succeed && self.failure_code.is_none();
        match (&self.status, &self.failure_code) {
            (Some(RefundStatus::Succeeded) | None, _) if done => RefundState::Succeeded,
            (_, Some(ErrorCode::RefundWaitOperation)) if !self.succeed => {
                RefundState::NeedsMerchant { url: self.failure_msg.as_deref().and_then(url_in) }
            }
            (Some(RefundStatus::Failed), _) | (None, Some(_)) if !self.succeed => {
                RefundState::Failed
            }
            _ => RefundState::Pending,
        }
    }
}

/// The page behind the words of a `refund_wait_operation`.
fn url_in(message: &str) -> Option<&str> {
    let from = message.find("https://").or_else(|| message.find("http://"))?;
    message[from..].split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn refund(changes: &[(&str, Value)]) -> Refund {
        let mut refund = json!({
            "id": "re_1", "object": "refund", "order_no": "1", "amount": 1, "created": 1,
            "succeed": false, "description": "d", "metadata": {}, "charge": "ch_1"
        });
        for (name, value) in changes {
            refund[*name] = value.clone();
        }
        serde_json::from_value(refund).unwrap()
    }

    #[test]
    fn ok_is_not_mistaken_for_done() {
        use RefundState::{Failed, NeedsMerchant, Pending, Succeeded};
        let yes = ("succeed", json!(true));
        let status = |status: &str| ("status", json!(status));
        let code = |code: &str| ("failure_code", json!(code));
        let page = ("failure_msg", json!("需要登录支付宝: https://a.example/refund?x=1 "));
        let url = Some("https://a.example/refund?x=1");
        for (changes, state) in [
            (vec![], Pending),
            (vec![yes.clone()], Succeeded),
            (vec![yes.clone(), status("succeeded")], Succeeded),
            (vec![status("succeeded")], Pending),
            (vec![status("pending")], Pending),
            (vec![yes.clone(), status("pending")], Pending),
            (vec![status("failed"), code("refund_refused")], Failed),
            (vec![status("failed")], Failed),
            (vec![yes.clone(), status("failed")], Pending),
            (vec![code("refund_refused")], Failed),
            (vec![yes.clone(), code("refund_refused")], Pending),
            (vec![yes, status("brand_new")], Pending),
            (vec![status("brand_new"), code("refund_refused")], Pending),
            (vec![status("pending"), code("refund_wait_operation"), page], NeedsMerchant { url }),
            (vec![code("refund_wait_operation")], NeedsMerchant { url: None }),
        ] {
            assert_eq!(refund(&changes).state(), state, "{changes:?}");
        }
    }
}
