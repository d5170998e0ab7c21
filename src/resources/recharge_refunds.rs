//! Refunds of recharges: all of what was paid in goes back.
//! `/v1/apps/{app}/recharges/{recharge}/refunds`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does. How to
//! refund once, and know that the money is back: as [for charges](crate::refunds), with a tag in the
//! `metadata`.
//!
//! ```no_run
//! # async fn f(client: pingpp::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use pingpp::recharge_refunds::CreateRechargeRefund;
//! use pingpp::{Outcome, Recovered, RefundState};
//!
//! let params = CreateRechargeRefund::builder()
//!     .description("paid in by mistake")
//!     .metadata([("tag", "rc20261123001-1")]); // stored before this line
//! let api = client.recharge_refunds("220170822000028198100011");
//! let refund = match tokio::spawn(api.create(params)).await? {
//!     Ok(refund) => refund,
//!     Err(error) if error.outcome() == Outcome::Unknown => match client.recover(&error).await? {
//!         Recovered::Found(refund) => refund,
//!         _ => return Err(error.into()), // not there yet: ask again later, then a person
//!     },
//!     Err(error) => return Err(error.into()), // nothing happened
//! };
//! // Later, for example on the event `recharge.refund.succeeded`:
//! match client.recharge_refunds("220170822000028198100011").retrieve(refund.id).await?.state() {
//!     RefundState::Succeeded => println!("the money is back"),
//!     RefundState::Pending => println!("under way: look again"),
//!     RefundState::NeedsMerchant { url } => println!("open {url:?} today"),
//!     RefundState::Failed => println!("no money moved"),
//! }
//! # Ok(())
//! # }
//! ```

use bon::Builder;
use serde::Serialize;
use serde_with::skip_serializing_none;

use super::charges::{FundingSource, Refund};
use super::lost;
use super::recharges::Recharge;
use crate::call::Call;
use crate::client::Client;
use crate::pager::{ByNumber, Pager};
use crate::recovery::Search;
use crate::request::{Request, app_segment};
use crate::types::{Id, JsonObject};

/// Refunds of one recharge. From [`Client::recharge_refunds`]; [how to refund](self).
#[derive(Debug, Clone)]
pub struct RechargeRefundApi {
    client: Client,
    recharge: Id<Recharge>,
}

impl Client {
    /// Refunds of a recharge: create, retrieve, list. `/v1/apps/{app}/recharges/{recharge}/refunds`
    pub fn recharge_refunds(&self, recharge: impl Into<Id<Recharge>>) -> RechargeRefundApi {
        RechargeRefundApi { client: self.clone(), recharge: recharge.into() }
    }
}

const ROUTE: &str = "/v1/apps/{app}/recharges/{recharge}/refunds";

impl RechargeRefundApi {
    fn ids(&self) -> [&str; 2] {
        [app_segment(self.client.app()), self.recharge.as_str()]
    }

    /// Refunds all of it: `POST /v1/apps/{app}/recharges/{recharge}/refunds`.
    ///
    /// **Repeats:** never; a second one can move money twice.
    /// **Dropping:** the refund may happen and nobody will know; spawn the call. A lost one is found
    /// by its metadata with [`Client::recover`]; without any it lists what fits.
    pub fn create(&self, params: impl Into<CreateRechargeRefund>) -> Call<Refund> {
        let (params, ids) = (params.into(), &self.ids());
        let search = Search { per_page: Some(100), ..Search::list(ROUTE, ids) };
        let (metadata, description) = (params.metadata.as_ref(), params.description.as_str());
        let request = Request::post(ROUTE, ids)
            .json(&params)
            .recovery(lost::find_tagged(search, metadata, Some(description)))
            .about_new::<Refund>();
        self.client.fetch(request)
    }

    /// Retrieves a refund: `GET /v1/apps/{app}/recharges/{recharge}/refunds/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<Refund>>) -> Call<Refund> {
        let (id, [app, recharge]) = (id.into(), self.ids());
        let route = "/v1/apps/{app}/recharges/{recharge}/refunds/{id}";
        self.client.fetch(Request::get(route, &[app, recharge, id.as_str()]).about(&id))
    }

    /// Refunds of the recharge: `GET /v1/apps/{app}/recharges/{recharge}/refunds`.
    pub fn list(&self) -> Pager<Refund, ByNumber> {
        Pager::by_number(&self.client, Request::get(ROUTE, &self.ids()))
    }
}

/// What [`RechargeRefundApi::create`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateRechargeRefund {
    /// The reason, up to 255 characters.
    pub description: String,
    /// The merchant's own keys and values: up to 20, 1,000 characters in all. A good place for a tag.
    pub metadata: Option<JsonObject>,
    /// Which money it is paid from; money not yet settled if not set.
    pub funding_source: Option<FundingSource>,
}
