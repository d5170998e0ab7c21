//! Royalties: shares of orders that apps and users get. `/v1/royalties`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does. Ask with
//! the API key of the app that got the money. Shares are given when an
//! [order](crate::orders::CreateOrder::royalty_users) is created, or by
//! [`create_data`](RoyaltyApi::create_data), and paid out by
//! [`royalty_settlements`](crate::royalty_settlements).
//!
//! # How to mark shares that were paid outside of Ping++
//! ```no_run
//! # async fn f(client: pingpp::Client) -> Result<(), pingpp::Error> {
//! use pingpp::royalties::{RoyaltyMark, UpdateRoyalties};
//! use pingpp::royalty_settlements::RoyaltyMethod;
//!
//! let royalties = ["411170318162310000".into(), "411170318162310001".into()];
//! let params = UpdateRoyalties::builder().ids(royalties).method(RoyaltyMark::Manual);
//! for royalty in client.royalties().batch_update(params).await?.data {
//!     println!("{} {}", royalty.id, royalty.method == Some(RoyaltyMethod::Manual));
//! }
//! # Ok(())
//! # }
//! ```
//!
//! There is no method for `POST`, which one official SDK inherits and nothing documents.

use bon::Builder;
use serde::{Serialize, Serializer};
use serde_with::skip_serializing_none;

use super::charges::Charge;
use super::orders::{Order, RoyaltyUser};
use super::royalty_settlements::{RoyaltyMethod, RoyaltySettlement, RoyaltyTransaction};
use super::users::{SettleAccount, User};
use crate::call::Call;
use crate::client::Client;
use crate::macros::object::object;
use crate::macros::open_enum::open_enum;
use crate::pager::{ByNumber, Pager};
use crate::request::Request;
use crate::retry::Repeat;
use crate::types::{Amount, App, Id, JsonObject, List, TimeRange, Timestamp};

/// Royalties. From [`Client::royalties`]; [how to mark them](self).
#[derive(Debug, Clone)]
pub struct RoyaltyApi {
    client: Client,
}

impl Client {
    /// Royalties: retrieve, list, mark, and give for an order. `/v1/royalties`
    pub fn royalties(&self) -> RoyaltyApi {
        RoyaltyApi { client: self.clone() }
    }
}

impl RoyaltyApi {
    /// Retrieves a royalty: `GET /v1/royalties/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<Royalty>>) -> Call<Royalty> {
        let id = id.into();
        self.client.fetch(Request::get("/v1/royalties/{id}", &[id.as_str()]).about(&id))
    }

    /// Royalties, newest first: `GET /v1/royalties`.
    pub fn list(&self, filter: impl Into<ListRoyalties>) -> Pager<Royalty, ByNumber> {
        let request = Request::get("/v1/royalties", &[]);
        let request = request.query_from(&filter.into());
        Pager::by_number(&self.client, request).of_mode(|royalty| royalty.livemode)
    }

    /// Marks royalties as paid outside of Ping++, or takes the mark away: `PUT /v1/royalties`.
    ///
    /// **Repeats:** always; it sets values. **Dropping:** call it again.
    pub fn batch_update(&self, params: impl Into<UpdateRoyalties>) -> Call<List<Royalty>> {
        let request = Request::put("/v1/royalties", &[])
            .json(&params.into())
            .repeat(Repeat::Always)
            .about_new::<List<Royalty>>();
        self.client.fetch(request)
    }

    /// Says who gets which share of an order that was created without:
    /// `POST /v1/orders/{order}/royalty_datas`. Only two official SDKs have it.
    ///
    /// **Repeats:** never; a second one may give the shares twice.
    /// **Dropping:** the shares may be given; [`list`](Self::list) those of the order. On an
    /// unknown outcome, [`list`](Self::list) the royalties of the order by `source_no`.
    pub fn create_data(
        &self,
        order: impl Into<Id<Order>>,
        params: impl Into<CreateRoyaltyData>,
    ) -> Call<RoyaltyData> {
        let order = order.into();
        let request = Request::post("/v1/orders/{order}/royalty_datas", &[order.as_str()])
            .in_app(self.client.app(), &params.into())
            .same("order", order.as_str());
        self.client.fetch(request)
    }
}

/// Which royalties [`RoyaltyApi::list`] lists; all of them without any of these.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct ListRoyalties {
    /// Created in this time: `from..until`.
    pub created: Option<TimeRange>,
    /// Paid by this app.
    pub payer_app: Option<Id<App>>,
    /// That this app gets.
    pub recipient_app: Option<Id<App>>,
    /// Of orders of this app.
    pub source_app: Option<Id<App>>,
    /// Of the order with this merchant's number.
    pub source_no: Option<String>,
    /// Of the orders with these merchant's numbers, up to 200; not together with `source_no`.
    pub source_nos: Option<Vec<String>>,
    /// That this user gets.
    pub source_user: Option<Id<User>>,
    /// With this status.
    pub status: Option<RoyaltyStatus>,
    /// In this settlement.
    pub royalty_settlement: Option<Id<RoyaltySettlement>>,
    /// In this transaction.
    pub royalty_transaction: Option<Id<RoyaltyTransaction>>,
}

/// What [`RoyaltyApi::batch_update`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct UpdateRoyalties {
    /// Which ones.
    pub ids: Vec<Id<Royalty>>,
    /// With the mark, or without.
    pub method: RoyaltyMark,
    /// The merchant's note.
    pub description: Option<String>,
    /// The merchant's own keys and values, instead of those they have.
    pub metadata: Option<JsonObject>,
}

/// Whether a royalty is paid outside of Ping++.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoyaltyMark {
    /// It is: no settlement collects it.
    Manual,
    /// It is not (any more): a settlement collects it. Sent as `null`.
    Unmarked,
}

impl Serialize for RoyaltyMark {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Manual => serializer.serialize_str(RoyaltyMethod::Manual.as_str()),
            Self::Unmarked => serializer.serialize_none(),
        }
    }
}

/// What [`RoyaltyApi::create_data`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateRoyaltyData {
    /// The charge that paid the order; needed once it is paid.
    pub charge: Option<Id<Charge>>,
    /// Who gets a share.
    pub royalty_users: Vec<RoyaltyUser>,
}

object! {
    /// A share of an order.
    pub struct Royalty = "royalty" {
        required {
            /// 18 digits.
            id: Id<Royalty>,
        }
        strict {
            /// Whether it is about real money.
            livemode: bool,
            /// How far it got.
            status: RoyaltyStatus,
            /// How much, in fen; negative for the app that pays it.
            amount: Amount,
            /// How it is paid out; `None` until then, unless it is marked.
            method: RoyaltyMethod,
        }
        optional {
            /// When it was created.
            created: Timestamp,
            /// The app that pays it.
            payer_app: Id<App>,
            /// The app that gets it.
            recipient_app: Id<App>,
            /// The app of the order.
            source_app: Id<App>,
            /// The path of the order.
            source_url: String,
            /// The merchant's number of the order.
            source_no: String,
            /// The user who gets it.
            source_user: Id<User>,
            /// The settlement that collected it.
            royalty_settlement: Id<RoyaltySettlement>,
            /// The transaction that pays it.
            royalty_transaction: Id<RoyaltyTransaction>,
            /// When it was paid out.
            time_settled: Timestamp,
            /// Where it is paid out to.
            settle_account: Id<SettleAccount>,
            /// The merchant's note.
            description: String,
        }
        maps {
            /// The merchant's own keys and values.
            metadata,
        }
    }
}

object! {
    /// Whether the shares of an order were accepted.
    pub struct RoyaltyData {
        required {
            /// Whether they were.
            succeeded: bool,
        }
        strict {
            /// Whether it is about real money.
            livemode: bool,
        }
        optional {
            /// The app.
            app: Id<App>,
            /// The order.
            order: Id<Order>,
        }
    }
}

open_enum! {
    /// `royalty.status`.
    pub enum RoyaltyStatus {
        /// Not collected.
        Created = "created",
        /// Being paid out.
        Pending = "pending",
        /// Waits.
        Waiting = "waiting",
        /// Paid out.
        Succeeded = "succeeded",
    }
}
