//! Refunds: money that goes back to a customer. Handle, object, parameters.

use bon::Builder;
use serde::Serialize;

use crate::call::Call;
use crate::client::Client;
use crate::object::object;
use crate::open_enum::open_enum;
use crate::page::{Pager, Paging};
use crate::recovery::RefundMark;
use crate::request::{Asked, Request};
use crate::{Amount, App, Charge, Currency, ErrorCode, Id, Object, Recovery, Timestamp};

/// Refunds of one charge. From [`Client::refunds`].
///
/// # How to refund safely
/// Ping++ has no idempotency key: a refund that is sent twice can go back twice. So the SDK sends
/// one once, and when the answer is lost says so. What is left to do:
///
/// 1. Give each refund a tag of its own in the `description` or the `metadata`, and write it down
///    before the call.
/// 2. Spawn the call, so that a customer who goes away does not take it along.
/// 3. `Ok` means that Ping++ took the order, not that the money is back: ask [`Refund::state`].
/// 4. If the outcome is unknown, look with [`Client::recover`], which compares the tag. Only when the
///    refund is not there after several minutes make another one.
///
/// ```no_run
/// # async fn f(client: pingpp::Client, charge: pingpp::Charge) -> Result<(), Box<dyn std::error::Error>> {
/// use pingpp::{Amount, CreateRefund, Outcome, Recovered, RefundState};
///
/// let params = CreateRefund::builder()
///     .amount(Amount::from_fen(100))
///     .description("cup broken")
///     .metadata([("tag", "20261123001-1")]) // stored before this line
///     .build();
/// let refund = match tokio::spawn(client.refunds(&charge.id).create(params)).await? {
///     Ok(refund) => refund,
///     Err(error) if error.outcome() == Outcome::Unknown => match client.recover(&error).await? {
///         Recovered::Refund(refund) => *refund,
///         other => todo!("ask again later, then a person: {other:?}"),
///     },
///     Err(error) => return Err(error.into()), // nothing happened
/// };
/// match refund.state() {
///     RefundState::Succeeded => println!("the money is back"),
///     RefundState::Pending => println!("wait for the event refund.succeeded"),
///     RefundState::NeedsMerchant { url } => println!("open {url:?} today"),
///     RefundState::Failed => println!("no money moved: {:?}", refund.failure_msg),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct RefundApi {
    client: Client,
    charge: Id<Charge>,
}

impl RefundApi {
    pub(crate) fn new(client: Client, charge: Id<Charge>) -> Self {
        Self { client, charge }
    }

    /// Refunds the charge, in whole or in part: `POST /v1/charges/{charge}/refunds`.
    ///
    /// `Ok` may carry a refund that failed or is only under way: see [`Refund::state`].
    ///
    /// **Repeats:** never, since a second one can move money twice; only if it was provably not
    /// sent, or if Ping++ itself answered that it is too busy. It uses a connection of its own, so
    /// that a dying one is never met.
    /// **Dropping:** the refund may happen and nobody will know; spawn the call.
    ///
    /// # Errors
    /// `charge_unexpected_status` if the charge is not paid or was refunded already;
    /// [`Error`](crate::Error) has the rest.
    pub fn create(&self, params: CreateRefund) -> Call<Refund> {
        let request = Request::post(["charges", self.charge.as_str(), "refunds"])
            .json(&params)
            .asked(Asked {
                charge: Some(self.charge.as_str().to_owned()),
                ..Asked::new(Refund::OBJECT)
            });
        self.client.call(request.recovery(Recovery::FindRefund {
            charge: self.charge.clone(),
            amount: params.amount,
            mark: RefundMark::of(params),
            since: Timestamp::from_unix(0),
        }))
    }

    /// Looks at a refund: `GET /v1/charges/{charge}/refunds/{id}`.
    ///
    /// **Repeats:** always. **Dropping:** at any time.
    pub fn retrieve(&self, id: impl Into<Id<Refund>>) -> Call<Refund> {
        let id = id.into();
        self.client.call(
            Request::get(["charges", self.charge.as_str(), "refunds", id.as_str()])
                .expect(Refund::OBJECT, Some(id.as_str())),
        )
    }

    /// Refunds of the charge, newest first: `GET /v1/charges/{charge}/refunds`.
    ///
    /// **Repeats:** always. **Dropping:** at any time.
    pub fn list(&self, params: ListRefunds) -> Pager<Refund> {
        let ListRefunds { limit, starting_after: after, ending_before: before } = params;
        let charge = self.charge.clone();
        Pager::new(
            self.client.clone(),
            Paging { limit, after, before },
            |refund| refund.id.as_str(),
            move || Request::get(["charges", charge.as_str(), "refunds"]),
        )
    }
}

/// What [`RefundApi::create`] needs.
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[non_exhaustive]
pub struct CreateRefund {
    /// How much goes back, in fen; all that remains if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// The reason, up to 255 characters (99 bytes on `cmb_wallet`, 128 on `jdpay_wap`).
    #[builder(into)]
    pub description: String,
    /// The merchant's own keys and values: up to 20, 1000 characters in all. A good place for a tag.
    #[builder(default, into)]
    #[serde(skip_serializing_if = "is_empty")]
    pub metadata: Object,
    /// Which money it is paid from; money not yet settled if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub funding_source: Option<FundingSource>,
    /// Parameters of the channel; cross-border ones need some.
    #[builder(default, into)]
    #[serde(skip_serializing_if = "is_empty")]
    pub extra: Object,
}

fn is_empty(object: &Object) -> bool {
    object.is_empty()
}

/// Which refunds [`RefundApi::list`] lists; all of the charge's without any of these.
#[derive(Debug, Clone, PartialEq, Builder)]
#[non_exhaustive]
pub struct ListRefunds {
    /// Refunds per page, 1 to 100; 10 if not set.
    pub limit: Option<u32>,
    /// Begin behind this refund, towards older ones.
    #[builder(into)]
    pub starting_after: Option<Id<Refund>>,
    /// Begin before this refund, towards newer ones.
    #[builder(into)]
    pub ending_before: Option<Id<Refund>>,
}

object! {
    /// A refund of a charge, whole or in part.
    ///
    /// One that the channel refused is an ordinary answer with the status `failed`: receiving a
    /// refund does not mean that the money went back.
    pub struct Refund = "refund" {
        required {
            /// `re_` and 24 characters.
            id: Id<Refund>,
            /// The refund number, made by Ping++.
            order_no: String,
            /// In fen.
            amount: Amount,
            /// When it was created.
            created: Timestamp,
            /// Whether the money went back.
            succeed: bool,
            /// The reason the merchant gave.
            description: String,
            /// The merchant's own keys and values.
            metadata: Object,
            /// The charge it refunds.
            charge: Id<Charge>,
        }
        optional {
            /// The app; since 2026.
            app: Id<App>,
            /// The currency.
            currency: Currency,
            /// How far it got; absent in objects of 2015.
            status: RefundStatus,
            /// When the money went back.
            time_succeed: Timestamp,
            /// Why it failed.
            failure_code: ErrorCode,
            /// Why it failed, in words; for `refund_wait_operation` with a page to open.
            failure_msg: String,
            /// The order_no of the charge; absent in objects of 2015.
            charge_order_no: String,
            /// The channel's number of the refund.
            transaction_no: String,
            /// Which money it is paid from, if the request said so.
            funding_source: FundingSource,
            /// Values of the channel.
            extra: Object,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
