//! Batch refunds: up to 100 charges refunded at once. `/v1/batch_refunds`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does.
//!
//! # How to refund many once, and know that it is back
//! Store the `batch_no` before the call, and spawn the call. `Ok` means accepted: ask
//! [`BatchRefund::state`], and each of its `refunds`.
//!
//! ```no_run
//! # async fn f(client: pingpp::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use pingpp::batch_refunds::{BatchRefundState, CreateBatchRefund, RefundOf};
//! use pingpp::{Amount, Outcome, Recovered};
//!
//! let params = CreateBatchRefund::builder()
//!     .batch_no("br20261123001") // stored before this line
//!     .description("cups broken")
//!     .charges([
//!         RefundOf::builder().charge("ch_1").amount(Amount::from_fen(100)).build(),
//!         RefundOf::builder().charge("ch_2").build(), // all of it
//!     ]);
//! let batch = match tokio::spawn(client.batch_refunds().create(params)).await? {
//!     Ok(batch) => batch,
//!     Err(error) if error.outcome() == Outcome::Unknown => match client.recover(&error).await? {
//!         Recovered::Found(batch) => batch,
//!         _ => return Err(error.into()), // not there yet: ask again later, then a person
//!     },
//!     Err(error) => return Err(error.into()), // nothing went back
//! };
//! match client.batch_refunds().retrieve(&batch.id).await?.state() {
//!     BatchRefundState::Succeeded => println!("all of it is back"),
//!     BatchRefundState::PartlySucceeded => println!("some of it is back: read the refunds"),
//!     BatchRefundState::Pending => println!("under way: look again"),
//!     BatchRefundState::NeedsMerchant { url } => println!("open {url} today"),
//!     BatchRefundState::Failed => println!("nothing went back"),
//! }
//! # Ok(())
//! # }
//! ```

use bon::Builder;
use serde::Serialize;
use serde_json::json;
use serde_with::skip_serializing_none;

use super::charges::{Charge, FundingSource, Refund, RefundState};
use super::lost;
use crate::call::Call;
use crate::client::Client;
use crate::macros::object::object;
use crate::macros::open_enum::open_enum;
use crate::pager::{ByNumber, Pager};
use crate::request::Request;
use crate::types::{Amount, App, Id, JsonObject, List, TimeRange, Timestamp};

/// Batch refunds. From [`Client::batch_refunds`]; [how to refund](self).
#[derive(Debug, Clone)]
pub struct BatchRefundApi {
    client: Client,
}

impl Client {
    /// Batch refunds: create, retrieve, list. `/v1/batch_refunds`
    pub fn batch_refunds(&self) -> BatchRefundApi {
        BatchRefundApi { client: self.clone() }
    }
}

impl BatchRefundApi {
    /// Refunds many charges: `POST /v1/batch_refunds`.
    ///
    /// **Repeats:** never; a second one can move money twice.
    /// **Dropping:** money may move and nobody will know; spawn the call. A lost one is found by its
    /// batch_no with [`Client::recover`].
    pub fn create(&self, params: impl Into<CreateBatchRefund>) -> Call<BatchRefund> {
        let (params, app) = (params.into(), self.client.app());
        let number = ("batch_no", params.batch_no.as_str());
        let list = json!({ "app": app });
        let request = Request::post("/v1/batch_refunds", &[])
            .in_app(app, &params)
            .recovery(lost::find("/v1/batch_refunds", list, number, false, Some(100)))
            .about_new::<BatchRefund>()
            .same("batch_no", params.batch_no);
        self.client.fetch(request)
    }

    /// Retrieves a batch: `GET /v1/batch_refunds/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<BatchRefund>>) -> Call<BatchRefund> {
        let id = id.into();
        self.client.fetch(Request::get("/v1/batch_refunds/{id}", &[id.as_str()]).about(&id))
    }

    /// Batches of the app, newest first: `GET /v1/batch_refunds`.
    pub fn list(&self, filter: impl Into<ListBatchRefunds>) -> Pager<BatchRefund, ByNumber> {
        let request = Request::get("/v1/batch_refunds", &[]);
        let request = request.in_app(self.client.app(), &filter.into());
        Pager::by_number(&self.client, request).of_mode(|batch| batch.livemode)
    }
}

/// What [`BatchRefundApi::create`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateBatchRefund {
    /// The merchant's number of the batch: 3 to 24 letters or digits.
    pub batch_no: String,
    /// What is refunded: up to 100 charges.
    pub charges: Vec<RefundOf>,
    /// The reason, up to 255 characters.
    pub description: String,
    /// The merchant's own keys and values: up to 20, 1,000 characters in all.
    pub metadata: Option<JsonObject>,
}

/// One refund of a batch.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into))]
#[non_exhaustive]
pub struct RefundOf {
    /// The charge it refunds.
    pub charge: Id<Charge>,
    /// How much goes back, in fen; all that remains if not set.
    pub amount: Option<Amount>,
    /// The reason, instead of the batch's.
    pub description: Option<String>,
    /// Which money it is paid from; money not yet settled if not set.
    pub funding_source: Option<FundingSource>,
}

/// Which batches [`BatchRefundApi::list`] lists; all of the app's without any of these.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct ListBatchRefunds {
    /// Created in this time: `from..until`. Recorded, but not documented.
    pub created: Option<TimeRange>,
}

object! {
    /// A batch of refunds. Receiving one does not mean that money went back: see
    /// [`state`](Self::state).
    pub struct BatchRefund = "batch_refund" {
        required {
            /// 18 digits.
            id: Id<BatchRefund>,
            /// The merchant's number.
            batch_no: String,
        }
        strict {
            /// Whether real money moves; absent in old objects.
            livemode: bool,
            /// How far it got; [`state`](Self::state) judges it. Absent in old objects.
            status: BatchRefundStatus,
            /// The refunds that were made.
            refunds: List<Refund>,
        }
        optional {
            /// When it was created.
            created: Timestamp,
            /// The app.
            app: Id<App>,
            /// The reason.
            description: String,
            /// What is refunded; old objects have plain ids, in [`other`](Self::other).
            charges: Vec<BatchRefundCharge>,
            /// The page on which the merchant confirms an Alipay batch.
            refund_url: String,
            /// When all of it was back.
            time_succeeded: Timestamp,
        }
        maps {
            /// The merchant's own keys and values.
            metadata,
        }
    }
}

object! {
    /// One charge of a batch of refunds.
    pub struct BatchRefundCharge {
        required {
            /// The charge.
            charge: Id<Charge>,
        }
        optional {
            /// How much goes back, in fen.
            amount: Amount,
            /// The reason.
            description: String,
            /// How far it got.
            status: BatchRefundStatus,
            /// The refund, once it was made.
            refund: Id<Refund>,
            /// Why it failed, in words.
            failure_msg: String,
            /// Which money it is paid from.
            funding_source: FundingSource,
        }
    }
}

open_enum! {
    /// `batch_refund.status`.
    pub enum BatchRefundStatus {
        /// Not begun.
        Created = "created",
        /// Under way.
        Pending = "pending",
        /// All of it went back.
        Succeeded = "succeeded",
        /// Some of it went back.
        PartiallySucceeded = "partially_succeeded",
        /// Refused or failed.
        Failed = "failed",
    }
}

/// Where a batch of refunds stands, from [`BatchRefund::state`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BatchRefundState<'a> {
    /// Under way, or not clear.
    Pending,
    /// The merchant must confirm it on a page of the channel, the same day.
    NeedsMerchant {
        /// The page.
        url: &'a str,
    },
    /// Every refund went back.
    Succeeded,
    /// Some refunds went back, the others will not.
    PartlySucceeded,
    /// Nothing went back, and nothing will.
    Failed,
}

impl BatchRefund {
    /// Where it stands, out of its status and [`Refund::state`] of each refund. What contradicts
    /// itself, or is new, is [`Pending`](BatchRefundState::Pending).
    pub fn state(&self) -> BatchRefundState<'_> {
        use BatchRefundStatus::{Created, Failed, PartiallySucceeded, Pending, Succeeded};
        let refunds = self.refunds.as_ref().map_or(&[][..], |list| &list.data);
        let count = |state| refunds.iter().filter(|refund| refund.state() == state).count();
        let (done, failed) = (count(RefundState::Succeeded), count(RefundState::Failed));
        let url = self.refund_url.as_deref().filter(|url| !url.is_empty());
        match (&self.status, url) {
            (Some(Created | Pending), Some(url)) => BatchRefundState::NeedsMerchant { url },
            _ if done + failed < refunds.len() => BatchRefundState::Pending,
            (Some(Succeeded), _) if failed == 0 => BatchRefundState::Succeeded,
            (Some(PartiallySucceeded), _) if done > 0 => BatchRefundState::PartlySucceeded,
            (Some(Failed), _) if done == 0 => BatchRefundState::Failed,
            _ => BatchRefundState::Pending,
        }
    }
}
