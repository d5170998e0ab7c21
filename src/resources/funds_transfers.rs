//! Funds transfers: the merchant's own money moved between its accounts.
//! `/v1/apps/{app}/funds_transfers`
//!
//! Only the official SDK for PHP has these operations; there is no documentation, no example of an
//! answer, and no list. So all fields of the object are optional, and what else came is in
//! [`FundsTransfer::other`].
//!
//! # How to move money once
//! Store the `order_no` before the call, and spawn the call. If its outcome is unknown, no query of
//! this API finds it: look in the Ping++ dashboard before another one is made.
//!
//! ```no_run
//! # async fn f(client: pingpp::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use pingpp::funds_transfers::CreateFundsTransfer;
//! use pingpp::{Amount, Outcome};
//!
//! let params = CreateFundsTransfer::builder()
//!     .channel("alipay_fund")
//!     .order_no("ft20261123001") // stored before this line
//!     .amount(Amount::from_fen(100))
//!     .subject("October");
//! let id = match tokio::spawn(client.funds_transfers().create(params)).await? {
//!     Ok(transfer) => transfer.id.ok_or("accepted, but without an id: look in the dashboard")?,
//!     Err(error) if error.outcome() == Outcome::Unknown => {
//!         return Err("it may have happened: look in the dashboard".into());
//!     }
//!     Err(error) => return Err(error.into()), // nothing happened
//! };
//! // Later; which status means that it arrived is not documented:
//! let status = client.funds_transfers().retrieve(id).await?.status;
//! # Ok(())
//! # }
//! ```

use bon::Builder;
use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::call::Call;
use crate::client::Client;
use crate::macros::object::object;
use crate::request::{Request, app_segment};
use crate::types::{Amount, Id, Timestamp};

/// Funds transfers. From [`Client::funds_transfers`]; [how to move money](self).
#[derive(Debug, Clone)]
pub struct FundsTransferApi {
    client: Client,
}

impl Client {
    /// Funds transfers: create, retrieve. `/v1/apps/{app}/funds_transfers`
    pub fn funds_transfers(&self) -> FundsTransferApi {
        FundsTransferApi { client: self.clone() }
    }
}

impl FundsTransferApi {
    /// Moves money: `POST /v1/apps/{app}/funds_transfers`.
    ///
    /// **Repeats:** never; a second one can move money twice.
    /// **Dropping:** money may move and nobody will know; spawn the call.
    pub fn create(&self, params: impl Into<CreateFundsTransfer>) -> Call<FundsTransfer> {
        let params = params.into();
        let app = app_segment(self.client.app());
        let request = Request::post("/v1/apps/{app}/funds_transfers", &[app]).json(&params);
        self.client.fetch(request.same("order_no", params.order_no))
    }

    /// Retrieves a transfer: `GET /v1/apps/{app}/funds_transfers/{id}`. May be repeated and dropped
    /// at any time.
    pub fn retrieve(&self, id: impl Into<Id<FundsTransfer>>) -> Call<FundsTransfer> {
        let id = id.into();
        let ids = [app_segment(self.client.app()), id.as_str()];
        let request = Request::get("/v1/apps/{app}/funds_transfers/{id}", &ids);
        self.client.fetch(request.same("id", id.as_str()))
    }
}

/// What [`FundsTransferApi::create`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateFundsTransfer {
    /// The way it goes: `alipay_fund`.
    pub channel: String,
    /// The merchant's number.
    pub order_no: String,
    /// How much, in fen.
    pub amount: Amount,
    /// Title.
    pub subject: String,
    /// The merchant's note.
    pub description: Option<String>,
}

object! {
    /// A transfer of the merchant's own money. Its fields are guessed from the request and from
    /// similar objects.
    pub struct FundsTransfer {
        optional {
            /// Its id.
            id: Id<FundsTransfer>,
            /// The merchant's number.
            order_no: String,
            /// The way it goes.
            channel: String,
            /// How much, in fen.
            amount: Amount,
            /// How far it got.
            status: String,
            /// When it was created.
            created: Timestamp,
            /// Title.
            subject: String,
            /// The merchant's note.
            description: String,
            /// Why it failed, in words.
            failure_msg: String,
        }
    }
}
