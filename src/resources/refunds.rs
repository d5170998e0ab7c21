//! Refunds: money that goes back to a customer. `/v1/charges/{charge}/refunds`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does.
//!
//! # How to refund safely
//! Ping++ has no idempotency key: a refund that is sent twice can go back twice. So the SDK sends it
//! once, and says so when the answer is lost. What is left to do:
//!
//! 1. Give each refund a tag of its own, and write it down before the call.
//! 2. [`RefundApi::create_once`] writes the tag into the metadata, looks whether there is such a
//!    refund, sends it once, and looks for it if the answer is lost. Spawn it, so that it goes on when
//!    the customer's request is dropped.
//! 3. `Ok` means that Ping++ accepted it, not that the money is back: ask [`Refund::state`].
//! 4. If the outcome is still unknown, look with [`RefundApi::find`] later, and only when the refund
//!    is not there after several minutes make another one.
//!
//! ```no_run
//! # async fn f(client: pingpp::Client, charge: pingpp::Charge) -> Result<(), Box<dyn std::error::Error>> {
//! use pingpp::{Amount, CreateRefund, RefundState};
//!
//! let params = CreateRefund::builder().amount(Amount::from_fen(100)).description("cup broken");
//! let tag = "20261123001-1"; // stored before this line
//! let refund = tokio::spawn(client.refunds(&charge.id).create_once(tag, params)).await??;
//! match refund.state() {
//!     RefundState::Succeeded => println!("the money is back"),
//!     RefundState::Pending => println!("wait for the event refund.succeeded"),
//!     RefundState::NeedsMerchant { url } => println!("open {url:?} today"),
//!     RefundState::Failed => println!("no money moved: {:?}", refund.failure_msg),
//! }
//! # Ok(())
//! # }
//! ```

use std::time::Duration;

use bon::Builder;
use serde::Serialize;
use serde_with::skip_serializing_none;
use tokio::time::{Instant, sleep};

use super::charges::Charge;
pub use super::charges::{FundingSource, Refund, RefundState, RefundStatus};
use super::lost;
use crate::call::Call;
use crate::client::Client;
use crate::error::{BuildError, Error, Outcome};
use crate::pager::Pager;
use crate::recovery::{Recovered, Search, matching};
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
        let (route, ids) = ("/v1/charges/{charge}/refunds", &[self.charge.as_str()]);
        let mut request = Request::post(route, ids)
            .json(&params)
            .about_new::<Refund>()
            .same("charge", self.charge.as_str());
        // The amount alone would take somebody else's refund for the lost one.
        let mut search = Search::list(route, ids);
        if let Some(amount) = params.amount {
            search.marks.insert("amount".into(), amount.as_fen().into());
            request = request.same("amount", amount.as_fen());
        }
        let (metadata, description) = (params.metadata.as_ref(), params.description.as_str());
        self.client.fetch(request.recovery(lost::find_tagged(search, metadata, Some(description))))
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

    /// Finds the refund of this charge whose metadata has this tag, as
    /// [`create_once`](Self::create_once) writes it. It lists the refunds.
    ///
    /// [`Recovered::Candidates`] are several refunds with one tag, newest first: more money went back
    /// than was meant. [`Recovered::NotFound`] proves nothing within the first minutes after a send.
    ///
    /// # Errors
    /// Those of any query.
    pub fn find(
        &self,
        tag: impl Into<String>,
    ) -> impl Future<Output = Result<Recovered<Refund>, Error>> + Send + 'static {
        let (api, tag) = (self.clone(), tag.into());
        async move { Ok(Recovered::of(api.tagged(&tag).await?, true)) }
    }

    /// Refunds the charge unless a refund with this tag is there already.
    ///
    /// It writes the tag into the metadata (as `tag`), lists the refunds of the charge and returns the
    /// one that has the tag; else it sends the refund, once. If the answer is lost, it looks for the
    /// tag until the refund is there, for five minutes. So it may be called again with the same tag
    /// after a crash.
    ///
    /// **What it cannot do:** Ping++ has no idempotency key. Two processes that call it at the same
    /// time can both see an empty list and both send; so can one that is called again while the first
    /// send is still on its way, or not yet in the list. Let one owner at a time work on a refund (a
    /// lock, a row in a database), and after a crash wait a few minutes. Without an amount Ping++
    /// refuses a second refund of what is no longer there; with a part of the amount it does not.
    ///
    /// A refund that was refused keeps its tag: to try again, use another one.
    /// **Dropping:** the refund may happen; call it again with the same tag some minutes later.
    ///
    /// # Errors
    /// [`Error::Build`] if the tag is empty, belongs to a refund of another amount, or could not be
    /// looked for: then nothing was sent. On [`Outcome::Unknown`] it was not found within five minutes:
    /// look with [`find`](Self::find) later. Otherwise those of [`create`](Self::create).
    pub fn create_once(
        &self,
        tag: impl Into<String>,
        params: impl Into<CreateRefund>,
    ) -> impl Future<Output = Result<Refund, Error>> + Send + 'static {
        create_once(self.clone(), tag.into(), params.into())
    }

    /// The refunds that have the tag, newest first.
    async fn tagged(&self, tag: &str) -> Result<Vec<Refund>, Error> {
        let request = Request::get("/v1/charges/{charge}/refunds", &[self.charge.as_str()]);
        matching(&self.client, request, None, |item| item["metadata"][TAG] == tag).await
    }
}

/// The key of a tag in the metadata.
const TAG: &str = "tag";

async fn create_once(
    api: RefundApi,
    tag: String,
    mut params: CreateRefund,
) -> Result<Refund, Error> {
    let not_sent = |why: &str| Err(Error::Build(BuildError::new(why)));
    if tag.is_empty() {
        return not_sent("the tag is empty: give each refund a tag of its own");
    }
    let earlier = api.tagged(&tag).await.map_err(|error| {
        let why = format!("the refunds could not be listed, so none was sent: {error}");
        Error::Build(BuildError::because(why, error))
    })?;
    if let Some(first) = earlier.into_iter().next_back() {
        if params.amount.is_some_and(|amount| amount != first.amount) {
            return not_sent("the tag belongs to a refund of another amount");
        }
        return Ok(first);
    }
    params.metadata.get_or_insert_default().insert(TAG.to_owned(), tag.as_str().into());
    let lost = match api.create(params).await {
        Err(error) if error.outcome() == Outcome::Unknown => error,
        result => return result,
    };
    let deadline = Instant::now() + Duration::from_secs(300);
    let mut pause = Duration::from_secs(1);
    while Instant::now() < deadline {
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(15));
        // A look that fails proves nothing.
        if let Some(first) =
            api.tagged(&tag).await.ok().and_then(|found| found.into_iter().next_back())
        {
            return Ok(first);
        }
    }
    Err(lost)
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
