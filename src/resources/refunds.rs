//! Refunds: money that goes back to a customer. `/v1/charges/{charge}/refunds`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does.
//!
//! # How to refund safely
//! Ping++ has no idempotency key: a refund that is sent twice can go back twice. So the SDK sends it
//! once, and says so when the answer is lost. What is left to do:
//!
//! 1. Give each refund a tag of its own in the `description` or the `metadata`, and write it down
//!    before the call.
//! 2. Spawn the call, so that it goes on when the customer's request is dropped.
//! 3. `Ok` means that Ping++ accepted it, not that the money is back: ask [`Refund::state`].
//! 4. If the outcome is unknown, look with [`Client::recover`], which compares the tag. Only when the
//!    refund is not there after several minutes make another one.
//!
//! ```no_run
//! # async fn f(client: pingpp::Client, charge: pingpp::Charge) -> Result<(), Box<dyn std::error::Error>> {
//! use pingpp::{Amount, CreateRefund, Outcome, Recovered, RefundState};
//!
//! let params = CreateRefund::builder()
//!     .amount(Amount::from_fen(100))
//!     .description("cup broken")
//!     .metadata([("tag", "20261123001-1")]); // stored before this line
//! let refund = match tokio::spawn(client.refunds(&charge.id).create(params)).await? {
//!     Ok(refund) => refund,
//!     Err(error) if error.outcome() == Outcome::Unknown => match client.recover(&error).await? {
//!         Recovered::Found(refund) => refund,
//!         _ => return Err(error.into()), // not there yet: ask again later, then a person
//!     },
//!     Err(error) => return Err(error.into()), // nothing happened
//! };
//! match refund.state() {
//!     RefundState::Succeeded => println!("the money is back"),
//!     RefundState::Pending => println!("wait for the event refund.succeeded"),
//!     RefundState::NeedsMerchant { url } => println!("open {url:?} today"),
//!     RefundState::Failed => println!("no money moved: {:?}", refund.failure_msg),
//! }
//! # Ok(())
//! # }
//! ```

use bon::Builder;
use serde::Serialize;
use serde_json::{Map, Value};
use serde_with::skip_serializing_none;

use super::charges::Charge;
pub use super::charges::{FundingSource, Refund, RefundState, RefundStatus};
use crate::call::Call;
use crate::client::Client;
use crate::pager::Pager;
use crate::recovery::{Recovery, Search};
use crate::request::Request;
use crate::types::{Amount, Id, JsonObject};

/// Refunds of one charge. From [`Client::refunds`]; [how to refund safely](self).
#[derive(Debug, Clone)]
pub struct RefundApi {
    client: Client,
    charge: Id<Charge>,
}

impl Client {
    /// Refunds of a charge: create, retrieve, list. `/v1/charges/{charge}/refunds`
    pub fn refunds(&self, charge: impl Into<Id<Charge>>) -> RefundApi {
        RefundApi { client: self.clone(), charge: charge.into() }
    }
}

impl RefundApi {
    /// Refunds the charge, in whole or in part: `POST /v1/charges/{charge}/refunds`.
    ///
    /// `Ok` may carry a refund that failed or is only under way: see [`Refund::state`].
    ///
    /// **Repeats:** never, since a second one can move money twice; only if it was provably not
    /// sent. It uses a new connection, which the server has not timed out.
    /// **Dropping:** the refund may happen and nobody will know; spawn the call.
    ///
    /// # Errors
    /// `charge_unexpected_status` if the charge is not paid or was refunded already;
    /// [`Error`](crate::Error) has the rest.
    pub fn create(&self, params: impl Into<CreateRefund>) -> Call<Refund> {
        let params = params.into();
        let mut request = Request::post("/v1/charges/{charge}/refunds", &[self.charge.as_str()])
            .json(&params)
            .about_new::<Refund>()
            .same("charge", self.charge.as_str());
        if let Some(amount) = params.amount {
            request = request.same("amount", amount.as_fen());
        }
        self.client.fetch(request.recovery(Recovery::Find(self.search(&params))))
    }

    /// Retrieves a refund: `GET /v1/charges/{charge}/refunds/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<Refund>>) -> Call<Refund> {
        let id = id.into();
        let ids = [self.charge.as_str(), id.as_str()];
        self.client.fetch(Request::get("/v1/charges/{charge}/refunds/{id}", &ids).about(&id))
    }

    /// Refunds of the charge, newest first: `GET /v1/charges/{charge}/refunds`.
    pub fn list(&self) -> Pager<Refund> {
        let request = Request::get("/v1/charges/{charge}/refunds", &[self.charge.as_str()]);
        let charge = self.charge.clone();
        Pager::by_cursor(&self.client, request, |refund: &Refund| refund.id.as_str())
            .refuse(move |refund| (refund.charge != charge).then_some("charge"))
    }

    /// The amount alone would take somebody else's refund for the lost one, so the metadata has to
    /// be the same, or without any the description, which is no proof.
    fn search(&self, params: &CreateRefund) -> Search {
        let mut marks = Map::new();
        if let Some(amount) = params.amount {
            marks.insert("amount".into(), amount.as_fen().into());
        }
        let tag = params.metadata.as_ref().filter(|metadata| !metadata.is_empty());
        match tag {
            Some(tag) => marks.insert("metadata".into(), Value::Object(tag.clone().into())),
            None => marks.insert("description".into(), params.description.as_str().into()),
        };
        let is_unique = tag.is_some();
        let list = Search::list("/v1/charges/{charge}/refunds", &[self.charge.as_str()]);
        Search { marks, is_unique, ..list }
    }
}

/// What [`RefundApi::create`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateRefund {
    /// How much goes back, in fen; all that remains if not set.
    pub amount: Option<Amount>,
    /// The reason, up to 255 characters (99 bytes on `cmb_wallet`, 128 on `jdpay_wap`).
    pub description: String,
    /// The merchant's own keys and values: up to 20, 1,000 characters in all. A good place for a tag.
    pub metadata: Option<JsonObject>,
    /// Which money it is paid from; money not yet settled if not set.
    pub funding_source: Option<FundingSource>,
    /// Parameters of the channel; cross-border ones need some.
    pub extra: Option<JsonObject>,
}
