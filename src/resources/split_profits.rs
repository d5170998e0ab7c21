//! Split profits: shares of a WeChat payment that others get. `/v1/split_profits`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does.
//!
//! # How to give shares once, and know that they arrived
//! Store the `order_no` before the call, and spawn the call. `Ok` means accepted: read the status of
//! each recipient, or of each [transaction](crate::profit_transactions).
//!
//! ```no_run
//! # async fn f(client: pingpp::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use pingpp::split_profits::{CreateSplitProfit, ProfitStatus, SplitProfitType, SplitTo};
//! use pingpp::{Amount, Outcome, Recovered};
//!
//! let share = SplitTo::builder()
//!     .split_receiver("recv_1fRcbVfT2Vwcya")
//!     .amount(Amount::from_fen(600))
//!     .description("commission");
//! let params = CreateSplitProfit::builder()
//!     .charge("ch_100240816592822384640019")
//!     .order_no("sp20261123001") // stored before this line
//!     .kind(SplitProfitType::SplitNormal)
//!     .recipients([share.build()]);
//! let split = match tokio::spawn(client.split_profits().create(params)).await? {
//!     Ok(split) => split,
//!     Err(error) if error.outcome() == Outcome::Unknown => match client.recover(&error).await? {
//!         Recovered::Found(split) => split,
//!         _ => return Err(error.into()), // not there yet: ask again later, then a person
//!     },
//!     Err(error) => return Err(error.into()), // nobody got anything
//! };
//! // Later:
//! let split = client.split_profits().retrieve(&split.id).await?;
//! for share in split.recipients.iter().flatten() {
//!     match share.status {
//!         Some(ProfitStatus::Succeeded) => println!("arrived"),
//!         Some(ProfitStatus::Closed | ProfitStatus::Failed) => println!("did not arrive"),
//!         _ => println!("not clear: look again"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```

use bon::Builder;
use serde::Serialize;
use serde_json::json;
use serde_with::skip_serializing_none;

use super::charges::Charge;
use super::lost;
use super::split_receivers::SplitReceiver;
use crate::call::Call;
use crate::client::Client;
use crate::error::ErrorCode;
use crate::macros::object::object;
use crate::macros::open_enum::open_enum;
use crate::pager::{ByNumber, Pager};
use crate::request::Request;
use crate::types::{Amount, App, Channel, Currency, Id, JsonObject, Sensitive, Timestamp};

/// Split profits. From [`Client::split_profits`]; [how to give shares](self).
#[derive(Debug, Clone)]
pub struct SplitProfitApi {
    client: Client,
}

impl Client {
    /// Split profits: create, retrieve, list. `/v1/split_profits`
    pub fn split_profits(&self) -> SplitProfitApi {
        SplitProfitApi { client: self.clone() }
    }
}

impl SplitProfitApi {
    /// Gives shares of a charge, or takes them back: `POST /v1/split_profits`.
    ///
    /// **Repeats:** never; a second one can move money twice.
    /// **Dropping:** money may move and nobody will know; spawn the call. A lost one is found by its
    /// order_no with [`Client::recover`].
    pub fn create(&self, params: impl Into<CreateSplitProfit>) -> Call<SplitProfit> {
        let (params, app) = (params.into(), self.client.app());
        let number = ("order_no", params.order_no.as_str());
        let list = json!({ "app": app, "charge": params.charge });
        let request = Request::post("/v1/split_profits", &[])
            .in_app(app, &params)
            .recovery(lost::find("/v1/split_profits", list, number, false, Some(100)))
            .about_new::<SplitProfit>()
            .same("order_no", params.order_no)
            .same("charge", params.charge.as_str());
        self.client.fetch(request)
    }

    /// Retrieves a split: `GET /v1/split_profits/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<SplitProfit>>) -> Call<SplitProfit> {
        let id = id.into();
        self.client.fetch(Request::get("/v1/split_profits/{id}", &[id.as_str()]).about(&id))
    }

    /// Splits of the app, newest first: `GET /v1/split_profits`.
    pub fn list(&self, filter: impl Into<ListSplitProfits>) -> Pager<SplitProfit, ByNumber> {
        let request = Request::get("/v1/split_profits", &[]);
        let request = request.in_app(self.client.app(), &filter.into());
        Pager::by_number(&self.client, request).of_mode(|split| split.livemode)
    }
}

/// What [`SplitProfitApi::create`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateSplitProfit {
    /// The charge whose money is shared.
    pub charge: Id<Charge>,
    /// The merchant's number, up to 64 characters.
    pub order_no: String,
    /// Whether shares are given or taken back; `type` in the API.
    #[serde(rename = "type")]
    pub kind: SplitProfitType,
    /// Who gets how much.
    pub recipients: Vec<SplitTo>,
    /// The merchant's own keys and values: up to 20, 1,000 characters in all.
    pub metadata: Option<JsonObject>,
}

/// One share.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into))]
#[non_exhaustive]
pub struct SplitTo {
    /// Who gets it; not set when shares are taken back.
    pub split_receiver: Option<Id<SplitReceiver>>,
    /// How much, in fen.
    pub amount: Amount,
    /// The name of the receiver; not set when shares are taken back.
    pub name: Option<Sensitive>,
    /// What for, up to 80 characters without `&`.
    pub description: Option<String>,
}

/// Which splits [`SplitProfitApi::list`] lists; all of the app's without any of these.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct ListSplitProfits {
    /// Of this charge.
    pub charge: Option<Id<Charge>>,
    /// Given, or taken back.
    #[serde(rename = "type")]
    pub kind: Option<SplitProfitType>,
    /// On this channel.
    pub channel: Option<Channel>,
}

object! {
    /// Shares of a charge. Receiving this does not mean that they arrived.
    pub struct SplitProfit = "split_profit" {
        required {
            /// `sp_` and 14 characters.
            id: Id<SplitProfit>,
        }
        strict {
            /// Whether real money moves.
            livemode: bool,
            /// The charge whose money is shared.
            charge: Id<Charge>,
            /// Why it failed.
            failure_code: ErrorCode,
            /// Who gets how much, and how far that got.
            recipients: Vec<SplitProfitRecipient>,
        }
        optional {
            /// When it was created.
            created: Timestamp,
            /// The app.
            app: Id<App>,
            /// The channel of the charge.
            channel: Channel,
            /// Given, or taken back; `type` in the API.
            kind as "type": SplitProfitType,
            /// The merchant's number.
            order_no: String,
            /// The channel's number.
            transaction_no: String,
            /// Why it failed, in words.
            failure_msg: String,
        }
        maps {
            /// Values of the channel.
            extra,
            /// The merchant's own keys and values.
            metadata,
        }
    }
}

object! {
    /// One share.
    pub struct SplitProfitRecipient {
        strict {
            /// How far it got.
            status: ProfitStatus,
            /// How much, in fen.
            amount: Amount,
        }
        optional {
            /// Who gets it.
            split_receiver: Id<SplitReceiver>,
            /// The name of the receiver.
            name: Sensitive,
            /// What for.
            description: String,
            /// The currency.
            currency: Currency,
            /// When it ended.
            time_finished: Timestamp,
        }
    }
}

open_enum! {
    /// `split_profit.type`.
    pub enum SplitProfitType {
        /// Shares are given, once for the charge.
        SplitNormal = "split_normal",
        /// Shares are given, one of several times for the charge.
        SplitMulti = "split_multi",
        /// Shares are taken back.
        SplitReturn = "split_return",
    }
}

open_enum! {
    /// The status of a share.
    pub enum ProfitStatus {
        /// Under way.
        Pending = "pending",
        /// It arrived.
        Succeeded = "succeeded",
        /// To be adjusted.
        Adjust = "adjust",
        /// It was taken back.
        Returned = "returned",
        /// It was closed.
        Closed = "closed",
        /// It failed.
        Failed = "failed",
    }
}
