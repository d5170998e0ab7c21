//! Refunds of orders: money that goes back to a customer. `/v1/orders/{order}/order_refunds`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does.
//!
//! # How to refund an order once, and know that the money is back
//! As [for charges](crate::refunds): a tag in the `metadata` that is stored before the call, a spawned
//! call, and [`Refund::state`] of every refund. An order that was paid by several charges gets a
//! refund for each of them.
//!
//! ```no_run
//! # async fn f(client: pingpp::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use pingpp::order_refunds::CreateOrderRefund;
//! use pingpp::{Outcome, Recovered, Refund, RefundState};
//!
//! let params = CreateOrderRefund::builder()
//!     .description("cup broken")
//!     .metadata([("tag", "20261123001-1")]); // stored before this line
//! let api = client.order_refunds("2001708220000281981");
//! let refunds = match tokio::spawn(api.create(params)).await? {
//!     Ok(list) => list.data,
//!     Err(error) if error.outcome() == Outcome::Unknown => {
//!         match client.recover::<Refund>(&error).await? {
//!             Recovered::Found(refund) => vec![refund],
//!             Recovered::Candidates(refunds) => refunds, // one for each charge
//!             _ => return Err(error.into()), // not there yet: ask again later, then a person
//!         }
//!     }
//!     Err(error) => return Err(error.into()), // nothing happened
//! };
//! // Later, for example on the event `refund.succeeded`:
//! for refund in refunds {
//!     match client.order_refunds("2001708220000281981").retrieve(refund.id).await?.state() {
//!         RefundState::Succeeded => println!("the money is back"),
//!         RefundState::Pending => println!("under way: look again"),
//!         RefundState::NeedsMerchant { url } => println!("open {url:?} today"),
//!         RefundState::Failed => println!("no money moved"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```

use bon::Builder;
use serde::Serialize;
use serde_with::skip_serializing_none;

use super::charges::{Charge, FundingSource, Refund};
use super::lost;
use super::orders::Order;
use crate::call::Call;
use crate::client::Client;
use crate::macros::open_enum::open_enum;
use crate::pager::{ByNumber, Pager};
use crate::recovery::Search;
use crate::request::Request;
use crate::types::{Amount, Id, JsonObject, List};

/// Refunds of one order. From [`Client::order_refunds`]; [how to refund](self).
#[derive(Debug, Clone)]
pub struct OrderRefundApi {
    client: Client,
    order: Id<Order>,
}

impl Client {
    /// Refunds of an order: create, retrieve, list. `/v1/orders/{order}/order_refunds`
    pub fn order_refunds(&self, order: impl Into<Id<Order>>) -> OrderRefundApi {
        OrderRefundApi { client: self.clone(), order: order.into() }
    }
}

const ROUTE: &str = "/v1/orders/{order}/order_refunds";

impl OrderRefundApi {
    /// Refunds the order, in whole or in part: `POST /v1/orders/{order}/order_refunds`.
    ///
    /// **Repeats:** never; a second one can move money twice.
    /// **Dropping:** the refunds may happen and nobody will know; spawn the call. Lost ones are found
    /// by their metadata with `client.recover::<Refund>`.
    pub fn create(&self, params: impl Into<CreateOrderRefund>) -> Call<List<Refund>> {
        let (params, ids) = (params.into(), &[self.order.as_str()]);
        let mut search = Search { per_page: Some(100), ..Search::list(ROUTE, ids) };
        if let Some(charge) = &params.charge {
            search.marks.insert("charge".into(), charge.as_str().into());
        }
        let (metadata, description) = (params.metadata.as_ref(), params.description.as_str());
        let request = Request::post(ROUTE, ids)
            .json(&params)
            .recovery(lost::find_tagged(search, metadata, Some(description)))
            .about_new::<List<Refund>>();
        self.client.fetch(request)
    }

    /// Retrieves a refund: `GET /v1/orders/{order}/order_refunds/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<Refund>>) -> Call<Refund> {
        let id = id.into();
        let ids = [self.order.as_str(), id.as_str()];
        self.client.fetch(Request::get("/v1/orders/{order}/order_refunds/{id}", &ids).about(&id))
    }

    /// Refunds of the order: `GET /v1/orders/{order}/order_refunds`.
    pub fn list(&self) -> Pager<Refund, ByNumber> {
        Pager::by_number(&self.client, Request::get(ROUTE, &[self.order.as_str()]))
    }
}

/// What [`OrderRefundApi::create`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateOrderRefund {
    /// The charge that is refunded; all of the order's if not set.
    pub charge: Option<Id<Charge>>,
    /// How much of that charge goes back, in fen; all that remains if not set.
    pub charge_amount: Option<Amount>,
    /// The reason, up to 255 characters.
    pub description: String,
    /// Where the money goes.
    pub refund_mode: Option<RefundMode>,
    /// Who gives back how much of a share.
    pub royalty_users: Option<Vec<RoyaltyRefund>>,
    /// Which money it is paid from; money not yet settled if not set.
    pub funding_source: Option<FundingSource>,
    /// The merchant's own keys and values: up to 20, 1,000 characters in all. A good place for a tag.
    pub metadata: Option<JsonObject>,
}

/// What a user gives back of a share.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RoyaltyRefund {
    /// A user of the account product, or an app.
    pub user: String,
    /// How much, in fen.
    pub amount_refunded: Amount,
}

open_enum! {
    /// `refund_mode` of an order's refund: where the money goes.
    pub enum RefundMode {
        /// To where it came from.
        ToSource = "to_source",
        /// To the balance of the user.
        ToBalance = "to_balance",
    }
}
