//! Batch withdrawals: many withdrawals confirmed or canceled at once.
//! `/v1/apps/{app}/batch_withdrawals`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does. All of it
//! is about the client's app.
//!
//! # How to pay many out once, and know who got it
//! Each [withdrawal](crate::withdrawals) is paid out once, in whichever batch it is. Give the batch a
//! tag in its `metadata` and store that before the call, and spawn the call. Ask
//! [`BatchWithdrawal::state`], and each of its withdrawals.
//!
//! ```no_run
//! # async fn f(client: pingpp::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use pingpp::batch_withdrawals::{BatchWithdrawalState, CreateBatchWithdrawal};
//! use pingpp::{Outcome, Recovered};
//!
//! let params = CreateBatchWithdrawal::builder()
//!     .withdrawals(["1701611150302360654".into(), "1701611151015078981".into()])
//!     .metadata([("tag", "bw20261123001")]); // stored before this line
//! let batch = match tokio::spawn(client.batch_withdrawals().create(params)).await? {
//!     Ok(batch) => batch,
//!     Err(error) if error.outcome() == Outcome::Unknown => match client.recover(&error).await? {
//!         Recovered::Found(batch) => batch,
//!         _ => return Err(error.into()), // not there yet: ask again later, then a person
//!     },
//!     Err(error) => return Err(error.into()), // nothing was paid out
//! };
//! match client.batch_withdrawals().retrieve(&batch.id).await?.state() {
//!     BatchWithdrawalState::Succeeded => println!("everybody has it"),
//!     BatchWithdrawalState::PartlySucceeded => println!("read each withdrawal"),
//!     BatchWithdrawalState::NeedsMerchant { url } => println!("confirm it at Alipay: {url}"),
//!     BatchWithdrawalState::Pending => println!("under way: look again"),
//!     BatchWithdrawalState::Failed | BatchWithdrawalState::Canceled => println!("nothing was paid"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! There is no method for `PUT` on a batch, which one official SDK inherits and nothing documents.

use bon::Builder;
use serde::Serialize;
use serde_with::skip_serializing_none;

use super::lost;
use super::tally::{Parts, Tally};
use super::withdrawals::{Withdrawal, WithdrawalStatus};
use crate::call::Call;
use crate::client::Client;
use crate::macros::object::object;
use crate::macros::open_enum::open_enum;
use crate::pager::{ByNumber, Pager};
use crate::recovery::Search;
use crate::request::{Request, app_segment};
use crate::types::{Amount, App, Id, JsonObject, List, TimeRange, Timestamp};

/// Batch withdrawals. From [`Client::batch_withdrawals`]; [how to pay many out](self).
#[derive(Debug, Clone)]
pub struct BatchWithdrawalApi {
    client: Client,
}

impl Client {
    /// Batch withdrawals: create, retrieve, list. `/v1/apps/{app}/batch_withdrawals`
    pub fn batch_withdrawals(&self) -> BatchWithdrawalApi {
        BatchWithdrawalApi { client: self.clone() }
    }
}

const ROUTE: &str = "/v1/apps/{app}/batch_withdrawals";

impl BatchWithdrawalApi {
    /// Pays out many withdrawals, or cancels them: `POST /v1/apps/{app}/batch_withdrawals`.
    ///
    /// **Repeats:** never, since nothing says what a second batch of the same withdrawals does.
    /// **Dropping:** money may move and nobody will know; spawn the call. On an unknown outcome,
    /// [`Client::recover`] finds the batch by its metadata; without any it lists the new ones.
    pub fn create(&self, params: impl Into<CreateBatchWithdrawal>) -> Call<BatchWithdrawal> {
        let (params, app) = (params.into(), app_segment(self.client.app()));
        let search = Search { by_time: true, per_page: Some(100), ..Search::list(ROUTE, &[app]) };
        let request = Request::post(ROUTE, &[app])
            .json(&params)
            .recovery(lost::find_tagged(search, params.metadata.as_ref(), None))
            .about_new::<BatchWithdrawal>()
            .same("app", app);
        self.client.fetch(request)
    }

    /// Retrieves a batch: `GET /v1/apps/{app}/batch_withdrawals/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<BatchWithdrawal>>) -> Call<BatchWithdrawal> {
        let id = id.into();
        let ids = [app_segment(self.client.app()), id.as_str()];
        self.client.fetch(Request::get("/v1/apps/{app}/batch_withdrawals/{id}", &ids).about(&id))
    }

    /// Batches of the app, newest first: `GET /v1/apps/{app}/batch_withdrawals`.
    pub fn list(
        &self,
        filter: impl Into<ListBatchWithdrawals>,
    ) -> Pager<BatchWithdrawal, ByNumber> {
        let request = Request::get(ROUTE, &[app_segment(self.client.app())]);
        let request = request.query_from(&filter.into());
        Pager::by_number(&self.client, request).of_mode(|batch| Some(batch.livemode))
    }
}

/// What [`BatchWithdrawalApi::create`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateBatchWithdrawal {
    /// What is paid out or canceled: up to 200 withdrawals.
    pub withdrawals: Vec<Id<Withdrawal>>,
    /// `Pending` pays them out, `Canceled` cancels them; they are paid out if it is not set.
    #[builder(default = BatchWithdrawalStatus::Pending)]
    pub status: BatchWithdrawalStatus,
    /// The merchant's own keys and values: up to 20, 1,000 characters in all. A good place for a tag.
    pub metadata: Option<JsonObject>,
}

/// Which batches [`BatchWithdrawalApi::list`] lists; all of the app's without any of these.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct ListBatchWithdrawals {
    /// Created in this time: `from..until`.
    pub created: Option<TimeRange>,
}

object! {
    /// A batch of withdrawals. Receiving one does not mean that money arrived: see
    /// [`state`](Self::state).
    pub struct BatchWithdrawal = "batch_withdrawal" {
        required {
            /// 19 digits.
            id: Id<BatchWithdrawal>,
            /// Whether real money moves.
            livemode: bool,
            /// How far it got; [`state`](Self::state) judges it.
            status: BatchWithdrawalStatus,
            /// The sum of all withdrawals, in fen.
            amount: Amount,
        }
        strict {
            /// What was paid out of it, in fen.
            amount_succeeded: Amount,
            /// What failed of it, in fen.
            amount_failed: Amount,
            /// What was canceled of it, in fen.
            amount_canceled: Amount,
            /// How many withdrawals it has.
            count: i64,
            /// How many of them were paid out.
            count_succeeded: i64,
            /// How many of them failed.
            count_failed: i64,
            /// How many of them were canceled.
            count_canceled: i64,
        }
        optional {
            /// The withdrawals.
            withdrawals: List<Withdrawal>,
            /// When it was created.
            created: Timestamp,
            /// The app.
            app: Id<App>,
            /// The fee of the channel, in fen.
            fee: Amount,
            /// The fee of the users, in fen.
            user_fee: Amount,
            /// When it ended.
            time_finished: Timestamp,
            /// The batch transfer that pays it.
            source: String,
            /// The page on which the merchant confirms it at Alipay.
            operation_url: String,
        }
        maps {
            /// The merchant's own keys and values.
            metadata,
        }
    }
}

open_enum! {
    /// `batch_withdrawal.status`.
    pub enum BatchWithdrawalStatus {
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

/// Where a batch of withdrawals stands, from [`BatchWithdrawal::state`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchWithdrawalState<'a> {
    /// Under way, or not clear: any part may still be paid.
    Pending,
    /// The merchant must confirm it on this page of Alipay.
    NeedsMerchant {
        /// The page.
        url: &'a str,
    },
    /// Every withdrawal was paid out.
    Succeeded,
    /// Some were paid out, the others will not be.
    PartlySucceeded,
    /// None was paid out, and none will be.
    Failed,
    /// They were canceled; none was paid out.
    Canceled,
}

impl BatchWithdrawal {
    /// Where it stands, out of its status, its numbers, and the withdrawals that came with it. What
    /// contradicts itself, or is new, is [`Pending`](BatchWithdrawalState::Pending).
    pub fn state(&self) -> BatchWithdrawalState<'_> {
        use BatchWithdrawalStatus::{Canceled, Failed, PartiallySucceeded, Pending, Succeeded};
        let tally = Tally {
            count: self.count,
            succeeded: self.count_succeeded,
            failed: self.count_failed,
            canceled: self.count_canceled,
        };
        let url = self.operation_url.as_deref().filter(|url| !url.is_empty());
        match (&self.status, tally.parts(), url) {
            (Pending, Parts::Open, Some(url)) => BatchWithdrawalState::NeedsMerchant { url },
            _ if self.has_open_part() => BatchWithdrawalState::Pending,
            (Succeeded, Parts::Succeeded, _) => BatchWithdrawalState::Succeeded,
            (PartiallySucceeded, Parts::Partly, _) => BatchWithdrawalState::PartlySucceeded,
            (Failed, Parts::NotOne, _) => BatchWithdrawalState::Failed,
            (Canceled, Parts::NotOne, _) => BatchWithdrawalState::Canceled,
            _ => BatchWithdrawalState::Pending,
        }
    }

    /// One that is `created` again, for lack of money, is done with as a part of this batch.
    fn has_open_part(&self) -> bool {
        use WithdrawalStatus::{Other, Pending};
        let mut parts = self.withdrawals.iter().flat_map(|list| &list.data);
        parts.any(|part| matches!(part.status, Pending | Other(_)))
    }
}
