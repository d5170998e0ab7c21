//! Royalty settlements: shares of orders that are paid out. `/v1/royalty_settlements`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does. The app
//! that pays is the client's app.
//!
//! # How to pay shares out once, and know that they arrived
//! A settlement collects [royalties](crate::royalties) when it is created, and pays them out when it
//! is confirmed; a royalty is in one settlement only. Give it a tag in its `metadata` and store that
//! before the call, and spawn the call. Ask [`RoyaltySettlement::state`], and each of its
//! transactions.
//!
//! ```no_run
//! # async fn f(client: pingpp::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use pingpp::royalty_settlements::{CreateRoyaltySettlement, RoyaltyMethod, RoyaltySettlementState};
//! use pingpp::{Outcome, Recovered};
//!
//! let params = CreateRoyaltySettlement::builder()
//!     .method(RoyaltyMethod::Alipay)
//!     .metadata([("tag", "rs20261123001")]); // stored before this line
//! let api = client.royalty_settlements();
//! let settlement = match tokio::spawn(api.create(params)).await? {
//!     Ok(settlement) => settlement,
//!     Err(error) if error.outcome() == Outcome::Unknown => match client.recover(&error).await? {
//!         Recovered::Found(settlement) => settlement,
//!         _ => return Err(error.into()), // not there yet: ask again later, then a person
//!     },
//!     Err(error) => return Err(error.into()), // nothing happened
//! };
//! api.confirm(&settlement.id).await?;
//! // Later:
//! match api.retrieve(&settlement.id).await?.state() {
//!     RoyaltySettlementState::Created => println!("not confirmed"),
//!     RoyaltySettlementState::NeedsMerchant { url } => println!("confirm it at Alipay: {url}"),
//!     RoyaltySettlementState::Pending => println!("under way: look again"),
//!     RoyaltySettlementState::Succeeded => println!("everybody has it"),
//!     RoyaltySettlementState::PartlySucceeded => println!("read each transaction"),
//!     RoyaltySettlementState::Failed | RoyaltySettlementState::Canceled => println!("nobody has it"),
//! }
//! # Ok(())
//! # }
//! ```

use bon::Builder;
use serde::Serialize;
use serde_json::json;
use serde_with::skip_serializing_none;

use super::lost;
use super::tally::{Parts, Tally};
use super::transfers::Transfer;
use super::users::{SettleAccount, User};
use crate::call::Call;
use crate::client::Client;
use crate::macros::object::object;
use crate::macros::open_enum::open_enum;
use crate::pager::{ByNumber, Pager};
use crate::recovery::{Recovery, Search};
use crate::request::{Method, Request, no_app};
use crate::retry::Repeat;
use crate::types::{Amount, App, Id, JsonObject, List, TimeRange, Timestamp};

/// Royalty settlements. From [`Client::royalty_settlements`]; [how to pay shares out](self).
#[derive(Debug, Clone)]
pub struct RoyaltySettlementApi {
    client: Client,
}

impl Client {
    /// Royalty settlements: create, retrieve, list, confirm, cancel. `/v1/royalty_settlements`
    pub fn royalty_settlements(&self) -> RoyaltySettlementApi {
        RoyaltySettlementApi { client: self.clone() }
    }
}

const ROUTE: &str = "/v1/royalty_settlements";
const ONE: &str = "/v1/royalty_settlements/{id}";

impl RoyaltySettlementApi {
    /// Collects shares for a payout: `POST /v1/royalty_settlements`. It is paid out once confirmed.
    ///
    /// **Repeats:** never; a second one may collect other shares.
    /// **Dropping:** the settlement may exist and nobody will know; spawn the call. On an unknown
    /// outcome, [`Client::recover`] finds it by its metadata; without any it lists the new ones of
    /// this method.
    pub fn create(&self, params: impl Into<CreateRoyaltySettlement>) -> Call<RoyaltySettlement> {
        let params = params.into();
        let (method, app) = (params.method.as_str(), self.client.app());
        let query = json!({ "payer_app": app, "method": method });
        let search =
            Search { query, by_time: true, per_page: Some(100), ..Search::list(ROUTE, &[]) };
        let request = Request::post(ROUTE, &[])
            .recovery(lost::find_tagged(search, params.metadata.as_ref(), None))
            .about_new::<RoyaltySettlement>()
            .same("method", method);
        self.client.fetch(self.paid_by_the_app(request, &params))
    }

    /// Retrieves a settlement: `GET /v1/royalty_settlements/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<RoyaltySettlement>>) -> Call<RoyaltySettlement> {
        let id = id.into();
        self.client.fetch(Request::get(ONE, &[id.as_str()]).about(&id))
    }

    /// Settlements that the app pays, newest first: `GET /v1/royalty_settlements`.
    pub fn list(
        &self,
        filter: impl Into<ListRoyaltySettlements>,
    ) -> Pager<RoyaltySettlement, ByNumber> {
        let request = self.paid_by_the_app(Request::get(ROUTE, &[]), &filter.into());
        Pager::by_number(&self.client, request).of_mode(|settlement| Some(settlement.livemode))
    }

    /// Pays a settlement out: `PUT /v1/royalty_settlements/{id}`.
    ///
    /// `Ok` means accepted: read [`RoyaltySettlement::state`].
    ///
    /// **Repeats:** always; a settlement is paid out once. **Dropping:** call it again.
    pub fn confirm(&self, id: impl Into<Id<RoyaltySettlement>>) -> Call<RoyaltySettlement> {
        self.client.fetch(set_status(&id.into(), "pending"))
    }

    /// Gives a settlement up, so that its shares can be collected again: the same operation as
    /// [`confirm`](Self::confirm), with another status. Only before it is confirmed.
    ///
    /// **Repeats:** always; a second one leaves it as the first did. **Dropping:** call it again.
    pub fn cancel(&self, id: impl Into<Id<RoyaltySettlement>>) -> Call<RoyaltySettlement> {
        self.client.fetch(set_status(&id.into(), "canceled").wants("status", "canceled"))
    }

    /// Sends the parameters with the app as the one that pays.
    fn paid_by_the_app<P: Serialize>(&self, request: Request, params: &P) -> Request {
        #[derive(Serialize)]
        struct PaidBy<'a, P> {
            payer_app: &'a Id<App>,
            #[serde(flatten)]
            params: &'a P,
        }
        let Some(payer_app) = self.client.app() else { return request.or_error(no_app()) };
        let request = request.same("payer_app", payer_app.as_str());
        let params = PaidBy { payer_app, params };
        match request.method {
            Method::Get | Method::Delete => request.query_from(&params),
            Method::Post | Method::Put => request.json(&params),
        }
    }
}

fn set_status(id: &Id<RoyaltySettlement>, status: &str) -> Request {
    Request::put(ONE, &[id.as_str()])
        .json(&json!({ "status": status }))
        .repeat(Repeat::Always)
        .recovery(Recovery::retrieve(ONE, &[id.as_str()]))
        .about(id)
}

/// What [`RoyaltySettlementApi::create`] needs. Without a filter it collects all royalties that the
/// app has to pay by this method.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateRoyaltySettlement {
    /// How it is paid out.
    pub method: RoyaltyMethod,
    /// Of this app that gets them.
    pub recipient_app: Option<Id<App>>,
    /// Created in this time: `from..until`.
    pub created: Option<TimeRange>,
    /// Of this user who gets them.
    pub source_user: Option<Id<User>>,
    /// Of the order with this merchant's number.
    pub source_no: Option<String>,
    /// Of at least so much, in fen.
    pub min_amount: Option<Amount>,
    /// Whether it is only calculated, and not made.
    pub is_preview: Option<bool>,
    /// The merchant's own keys and values: up to 20, 1,000 characters in all. A good place for a tag.
    pub metadata: Option<JsonObject>,
}

/// Which settlements [`RoyaltySettlementApi::list`] lists; all of the app's without any of these.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct ListRoyaltySettlements {
    /// Created in this time: `from..until`.
    pub created: Option<TimeRange>,
    /// Paid out this way.
    pub method: Option<RoyaltyMethod>,
    /// With this status.
    pub status: Option<RoyaltySettlementStatus>,
}

object! {
    /// A payout of shares. Receiving one does not mean that money arrived: see
    /// [`state`](Self::state).
    pub struct RoyaltySettlement = "royalty_settlement" {
        required {
            /// 18 digits.
            id: Id<RoyaltySettlement>,
            /// Whether real money moves.
            livemode: bool,
            /// The sum of all shares, in fen.
            amount: Amount,
        }
        strict {
            /// How far it got; [`state`](Self::state) judges it.
            status: RoyaltySettlementStatus,
            /// What was paid out of it, in fen.
            amount_succeeded: Amount,
            /// What failed of it, in fen.
            amount_failed: Amount,
            /// What was canceled of it, in fen.
            amount_canceled: Amount,
            /// How many shares it has.
            count: i64,
            /// How many of them were paid out.
            count_succeeded: i64,
            /// How many of them failed.
            count_failed: i64,
            /// How many of them were canceled.
            count_canceled: i64,
        }
        optional {
            /// When it was created.
            created: Timestamp,
            /// The app that pays.
            payer_app: Id<App>,
            /// How it is paid out.
            method: RoyaltyMethod,
            /// The fee of the channel, in fen.
            fee: Amount,
            /// When it ended.
            time_finished: Timestamp,
            /// The page on which the merchant confirms it at Alipay.
            operation_url: String,
            /// The payouts to each recipient.
            royalty_transactions: List<RoyaltyTransaction>,
        }
        maps {
            /// The merchant's own keys and values.
            metadata,
        }
    }
}

object! {
    /// The payout of a settlement to one recipient.
    pub struct RoyaltyTransaction = "royalty_transaction" {
        required {
            /// 18 digits.
            id: Id<RoyaltyTransaction>,
        }
        strict {
            /// How far it got.
            status: RoyaltyTransactionStatus,
            /// How much, in fen.
            amount: Amount,
        }
        optional {
            /// When it was created.
            created: Timestamp,
            /// The settlement that it belongs to.
            royalty_settlement: Id<RoyaltySettlement>,
            /// The user who gets it.
            source_user: Id<User>,
            /// The app that gets it.
            recipient_app: Id<App>,
            /// Where it is paid out to.
            settle_account: Id<SettleAccount>,
            /// The transfer that pays it.
            transfer: Id<Transfer>,
            /// Why it failed, in words.
            failure_msg: String,
        }
    }
}

open_enum! {
    /// How shares are paid out.
    pub enum RoyaltyMethod {
        /// Alipay.
        Alipay = "alipay",
        /// WeChat app.
        Wx = "wx",
        /// WeChat official account.
        WxPub = "wx_pub",
        /// WeChat mini program.
        WxLite = "wx_lite",
        /// To a bank card, by UnionPay.
        Unionpay = "unionpay",
        /// To a bank card, by Allinpay.
        Allinpay = "allinpay",
        /// JD Pay; retired in 2025.
        Jdpay = "jdpay",
        /// To the balance of a user.
        Balance = "balance",
        /// Paid outside of Ping++; only of royalties.
        Manual = "manual",
    }
}

open_enum! {
    /// `royalty_settlement.status`.
    pub enum RoyaltySettlementStatus {
        /// Not confirmed.
        Created = "created",
        /// Under way.
        Pending = "pending",
        /// Paid out.
        Succeeded = "succeeded",
        /// Paid out in part.
        PartiallySucceeded = "partially_succeeded",
        /// It failed.
        Failed = "failed",
        /// Canceled.
        Canceled = "canceled",
    }
}

open_enum! {
    /// `royalty_transaction.status`. No source lists them; these are those of similar objects.
    pub enum RoyaltyTransactionStatus {
        /// Not confirmed.
        Created = "created",
        /// Under way.
        Pending = "pending",
        /// Paid out.
        Succeeded = "succeeded",
        /// It failed.
        Failed = "failed",
        /// Canceled.
        Canceled = "canceled",
    }
}

/// Where a settlement stands, from [`RoyaltySettlement::state`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoyaltySettlementState<'a> {
    /// Nothing is paid out until the merchant [confirms](RoyaltySettlementApi::confirm) it.
    Created,
    /// The merchant must confirm it on this page of Alipay.
    NeedsMerchant {
        /// The page.
        url: &'a str,
    },
    /// Under way, or not clear: any share may still be paid.
    Pending,
    /// Every share was paid out.
    Succeeded,
    /// Some were paid out, the others will not be.
    PartlySucceeded,
    /// None was paid out, and none will be.
    Failed,
    /// It was canceled; none was paid out.
    Canceled,
}

impl RoyaltySettlement {
    /// Where it stands, out of its status, its numbers, and the transactions that came with it. What
    /// contradicts itself, or is new, is [`Pending`](RoyaltySettlementState::Pending).
    pub fn state(&self) -> RoyaltySettlementState<'_> {
        use RoyaltySettlementStatus::{
            Canceled, Created, Failed, PartiallySucceeded, Pending, Succeeded,
        };
        let Some(status) = &self.status else { return RoyaltySettlementState::Pending };
        let tally = Tally {
            count: self.count,
            succeeded: self.count_succeeded,
            failed: self.count_failed,
            canceled: self.count_canceled,
        };
        let url = self.operation_url.as_deref().filter(|url| !url.is_empty());
        match (status, tally.parts(), url) {
            (Created, Parts::Open, _) => RoyaltySettlementState::Created,
            (Pending, Parts::Open, Some(url)) => RoyaltySettlementState::NeedsMerchant { url },
            _ if self.has_open_part() => RoyaltySettlementState::Pending,
            (Succeeded, Parts::Succeeded, _) => RoyaltySettlementState::Succeeded,
            (PartiallySucceeded, Parts::Partly, _) => RoyaltySettlementState::PartlySucceeded,
            (Failed, Parts::NotOne, _) => RoyaltySettlementState::Failed,
            (Canceled, Parts::NotOne, _) => RoyaltySettlementState::Canceled,
            _ => RoyaltySettlementState::Pending,
        }
    }

    fn has_open_part(&self) -> bool {
        use RoyaltyTransactionStatus::{Canceled, Failed, Succeeded};
        let mut parts = self.royalty_transactions.iter().flat_map(|list| &list.data);
        parts.any(|part| !matches!(part.status, Some(Succeeded | Failed | Canceled)))
    }
}
