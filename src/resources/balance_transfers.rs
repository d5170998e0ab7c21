//! Balance transfers: balance that goes from one user to another. `/v1/apps/{app}/balance_transfers`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does. All of it
//! is about the client's app.
//!
//! # How to move balance once, and know that it arrived
//! Store the `order_no` before the call, and spawn the call. `Ok` means accepted: ask
//! [`BalanceTransfer::state`].
//!
//! ```no_run
//! # async fn f(client: pingpp::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use pingpp::balance_transfers::{BalanceTransferState, CreateBalanceTransfer};
//! use pingpp::{Amount, Outcome, Recovered};
//!
//! let params = CreateBalanceTransfer::builder()
//!     .user("user_001")
//!     .recipient("user_002")
//!     .amount(Amount::from_fen(1_000))
//!     .order_no("bx20261123001"); // stored before this line
//! let transfer = match tokio::spawn(client.balance_transfers().create(params)).await? {
//!     Ok(transfer) => transfer,
//!     Err(error) if error.outcome() == Outcome::Unknown => match client.recover(&error).await? {
//!         Recovered::Found(transfer) => transfer,
//!         _ => return Err(error.into()), // not there yet: ask again later, then a person
//!     },
//!     Err(error) => return Err(error.into()), // nothing was moved
//! };
//! match client.balance_transfers().retrieve(&transfer.id).await?.state() {
//!     BalanceTransferState::Succeeded => println!("it arrived"),
//!     BalanceTransferState::Pending => println!("under way: look again"),
//!     BalanceTransferState::Failed => println!("nothing was moved"),
//! }
//! # Ok(())
//! # }
//! ```

use bon::Builder;
use serde::Serialize;
use serde_json::json;
use serde_with::skip_serializing_none;

use super::lost;
use super::users::User;
use crate::call::Call;
use crate::client::Client;
use crate::macros::object::object;
use crate::macros::open_enum::open_enum;
use crate::pager::{ByNumber, Pager};
use crate::recovery::Search;
use crate::request::{Request, app_segment};
use crate::types::{Amount, App, Id, JsonObject, Timestamp};

/// Balance transfers. From [`Client::balance_transfers`]; [how to move balance](self).
#[derive(Debug, Clone)]
pub struct BalanceTransferApi {
    client: Client,
}

impl Client {
    /// Balance transfers: create, retrieve, list. `/v1/apps/{app}/balance_transfers`
    pub fn balance_transfers(&self) -> BalanceTransferApi {
        BalanceTransferApi { client: self.clone() }
    }
}

const ROUTE: &str = "/v1/apps/{app}/balance_transfers";

impl BalanceTransferApi {
    /// Moves balance between users: `POST /v1/apps/{app}/balance_transfers`.
    ///
    /// **Repeats:** never; a second one can move money twice.
    /// **Dropping:** money may move and nobody will know; spawn the call. On an unknown outcome,
    /// [`Client::recover`] finds it by its order_no.
    pub fn create(&self, params: impl Into<CreateBalanceTransfer>) -> Call<BalanceTransfer> {
        let (params, app) = (params.into(), app_segment(self.client.app()));
        let number = ("order_no", params.order_no.as_str());
        let query = json!({ "user": params.user });
        let search = Search { query, per_page: Some(100), ..Search::list(ROUTE, &[app]) };
        let request = Request::post(ROUTE, &[app])
            .json(&params)
            .recovery(lost::find_in(search, number))
            .about_new::<BalanceTransfer>()
            .same("app", app)
            .same("user", params.user.as_str())
            .same("recipient", params.recipient.as_str())
            .same("order_no", params.order_no)
            .same("amount", params.amount.as_fen());
        self.client.fetch(request)
    }

    /// Retrieves a transfer: `GET /v1/apps/{app}/balance_transfers/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<BalanceTransfer>>) -> Call<BalanceTransfer> {
        let id = id.into();
        let ids = [app_segment(self.client.app()), id.as_str()];
        self.client.fetch(Request::get("/v1/apps/{app}/balance_transfers/{id}", &ids).about(&id))
    }

    /// Transfers of the app, newest first: `GET /v1/apps/{app}/balance_transfers`.
    pub fn list(
        &self,
        filter: impl Into<ListBalanceTransfers>,
    ) -> Pager<BalanceTransfer, ByNumber> {
        let request = Request::get(ROUTE, &[app_segment(self.client.app())]);
        let request = request.query_from(&filter.into());
        Pager::by_number(&self.client, request).of_mode(|transfer| transfer.livemode)
    }
}

/// What [`BalanceTransferApi::create`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateBalanceTransfer {
    /// Who pays; not `0`.
    pub user: Id<User>,
    /// Who gets it; `0` is the app.
    pub recipient: Id<User>,
    /// How much, in fen.
    pub amount: Amount,
    /// The merchant's number.
    pub order_no: String,
    /// The fee of the user who pays, in fen.
    pub user_fee: Option<Amount>,
    /// The merchant's note, up to 255 characters.
    pub description: Option<String>,
    /// The merchant's own keys and values: up to 20, 1,000 characters in all.
    pub metadata: Option<JsonObject>,
}

/// Which transfers [`BalanceTransferApi::list`] lists; all of the app's without any of these.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct ListBalanceTransfers {
    /// Paid by this user.
    pub user: Option<Id<User>>,
    /// To this user.
    pub recipient: Option<Id<User>>,
}

object! {
    /// Balance that goes from one user to another. Receiving one does not mean that it arrived: see
    /// [`state`](Self::state).
    pub struct BalanceTransfer = "balance_transfer" {
        required {
            /// 24 digits.
            id: Id<BalanceTransfer>,
        }
        strict {
            /// Whether it is about real money.
            livemode: bool,
            /// How far it got; [`state`](Self::state) judges it.
            status: BalanceTransferStatus,
            /// How much, in fen.
            amount: Amount,
            /// The entry in the balance of the user who pays; empty if there is none.
            user_balance_transaction: String,
            /// The entry in the balance of the user who gets it; empty if there is none.
            recipient_balance_transaction: String,
        }
        optional {
            /// When it was created.
            created: Timestamp,
            /// The app.
            app: Id<App>,
            /// The merchant's number.
            order_no: String,
            /// Who pays.
            user: Id<User>,
            /// Who gets it.
            recipient: Id<User>,
            /// The fee of the user who pays, in fen. One official SDK has it as a text.
            user_fee: Amount,
            /// The merchant's note.
            description: String,
        }
        maps {
            /// The merchant's own keys and values.
            metadata,
        }
    }
}

open_enum! {
    /// `balance_transfer.status`. Only `succeeded` is documented; the others are those of similar
    /// objects.
    pub enum BalanceTransferStatus {
        /// Accepted.
        Created = "created",
        /// Under way.
        Pending = "pending",
        /// It arrived.
        Succeeded = "succeeded",
        /// It failed.
        Failed = "failed",
    }
}

/// Where a balance transfer stands, from [`BalanceTransfer::state`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BalanceTransferState {
    /// Under way, or not clear: it may still arrive.
    Pending,
    /// The recipient has it.
    Succeeded,
    /// It did not happen and will not.
    Failed,
}

impl BalanceTransfer {
    /// Where it stands. What contradicts itself, or is new, is
    /// [`Pending`](BalanceTransferState::Pending): neither done nor failed.
    pub fn state(&self) -> BalanceTransferState {
        let arrived = self.recipient_balance_transaction.as_deref().unwrap_or_default();
        match (&self.status, arrived) {
            (Some(BalanceTransferStatus::Succeeded), _) => BalanceTransferState::Succeeded,
            (Some(BalanceTransferStatus::Failed), "") => BalanceTransferState::Failed,
            _ => BalanceTransferState::Pending,
        }
    }
}
