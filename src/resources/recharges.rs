//! Recharges: money that customers pay into the balance of a user. `/v1/apps/{app}/recharges`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does. All of it
//! is about the client's app.
//!
//! # How to let a customer pay in, and know that it came
//! `Ok` is no payment: the customer's client pays the charge of the recharge, and `succeeded` says
//! that the user has the balance, on the event `recharge.succeeded` or by
//! [`retrieve`](RechargeApi::retrieve). For the money back see
//! [`recharge_refunds`](crate::recharge_refunds).
//!
//! ```no_run
//! # async fn f(client: pingpp::Client) -> Result<(), pingpp::Error> {
//! use pingpp::recharges::{CreateRecharge, RechargeCharge};
//! use pingpp::{Amount, PayBy};
//!
//! let charge = RechargeCharge::builder()
//!     .amount(Amount::from_fen(10_000))
//!     .channel(PayBy::wx_pub("o7xEMsySBFG3MVHI-9VsAJX-j50W"))
//!     .order_no("rc20261123001")
//!     .subject("100 yuan")
//!     .body("For your balance");
//! let params = CreateRecharge::builder().user("user_001").charge(charge);
//! let recharge = client.recharges().create(params).await?;
//! let for_the_browser = recharge.client_credential();
//!
//! // Later:
//! if client.recharges().retrieve(&recharge.id).await?.succeeded {
//!     println!("paid in");
//! }
//! # Ok(())
//! # }
//! ```

use bon::Builder;
use serde::Serialize;
use serde_json::json;
use serde_with::skip_serializing_none;

use super::balance_bonuses::BalanceBonus;
use super::charges::{Charge, Refund};
use super::lost;
use crate::call::Call;
use crate::client::Client;
use crate::macros::object::object;
use crate::pager::{ByNumber, Pager};
use crate::recovery::Search;
use crate::request::{Request, app_segment};
use crate::types::{Amount, App, ClientIp, Id, JsonObject, List, PayBy, Timestamp};

/// Recharges. From [`Client::recharges`]; [how to let a customer pay in](self).
#[derive(Debug, Clone)]
pub struct RechargeApi {
    client: Client,
}

impl Client {
    /// Recharges: create, retrieve, list. `/v1/apps/{app}/recharges`
    pub fn recharges(&self) -> RechargeApi {
        RechargeApi { client: self.clone() }
    }
}

const ROUTE: &str = "/v1/apps/{app}/recharges";

impl RechargeApi {
    /// Creates a recharge and its charge: `POST /v1/apps/{app}/recharges`. Only signed requests are
    /// accepted.
    ///
    /// **Repeats:** never; the customer may pay both.
    /// **Dropping:** it may exist, unpaid; [`Client::recover`] finds it by its metadata, and without
    /// any lists what fits.
    pub fn create(&self, params: impl Into<CreateRecharge>) -> Call<Recharge> {
        let (params, app) = (params.into(), app_segment(self.client.app()));
        let query = json!({ "user": params.user });
        let mut search = Search { query, per_page: Some(100), ..Search::list(ROUTE, &[app]) };
        search.marks.insert("user".into(), params.user.as_str().into());
        let (metadata, description) = (params.metadata.as_ref(), params.description.as_deref());
        let request = Request::post(ROUTE, &[app])
            .json(&params)
            .recovery(lost::find_tagged(search, metadata, description))
            .about_new::<Recharge>()
            .same("app", app)
            .same("user", params.user);
        self.client.fetch(request)
    }

    /// Retrieves a recharge: `GET /v1/apps/{app}/recharges/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<Recharge>>) -> Call<Recharge> {
        let id = id.into();
        let ids = [app_segment(self.client.app()), id.as_str()];
        self.client.fetch(Request::get("/v1/apps/{app}/recharges/{id}", &ids).about(&id))
    }

    /// Recharges of the app, newest first: `GET /v1/apps/{app}/recharges`.
    pub fn list(&self, filter: impl Into<ListRecharges>) -> Pager<Recharge, ByNumber> {
        let request = Request::get(ROUTE, &[app_segment(self.client.app())]);
        let request = request.query_from(&filter.into());
        Pager::by_number(&self.client, request).of_mode(|recharge| Some(recharge.livemode))
    }
}

/// What [`RechargeApi::create`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateRecharge {
    /// The user who gets the balance.
    pub user: String,
    /// What the customer pays.
    pub charge: RechargeCharge,
    /// The user's fee, in fen: the balance is so much less. Not together with a bonus.
    pub user_fee: Option<Amount>,
    /// Balance that the merchant adds.
    pub balance_bonus: Option<RechargeBonus>,
    /// The user who pays; the same user if not set.
    pub from_user: Option<String>,
    /// The merchant's note, up to 255 characters.
    pub description: Option<String>,
    /// The merchant's own keys and values: up to 20, 1,000 characters in all. A good place for a tag.
    pub metadata: Option<JsonObject>,
}

/// The charge of a recharge.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct RechargeCharge {
    /// What is to be paid, in fen.
    pub amount: Amount,
    /// The way of paying, with what the channel needs.
    #[serde(flatten)]
    pub channel: PayBy,
    /// The merchant's number of the charge: 8 to 20 letters or digits.
    pub order_no: String,
    /// Title, up to 32 characters.
    pub subject: String,
    /// Description, up to 128 characters.
    pub body: String,
    /// When it can no longer be paid.
    pub time_expire: Option<Timestamp>,
    /// The IP address of the customer.
    pub client_ip: Option<ClientIp>,
}

/// Balance that the merchant adds to a recharge; made from an [`Amount`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RechargeBonus {
    /// In fen.
    pub amount: Amount,
}

impl From<Amount> for RechargeBonus {
    fn from(amount: Amount) -> Self {
        Self { amount }
    }
}

/// Which recharges [`RechargeApi::list`] lists; all of the app's without any of these.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct ListRecharges {
    /// Paid in, or not.
    pub succeeded: Option<bool>,
    /// With a refund, or without.
    pub refunded: Option<bool>,
    /// Of this user.
    pub user: Option<String>,
}

object! {
    /// A recharge. Only `succeeded` says that the user has the balance.
    pub struct Recharge = "recharge" {
        required {
            /// 24 digits.
            id: Id<Recharge>,
            /// Whether real money moves.
            livemode: bool,
            /// Whether the user has the balance.
            succeeded: bool,
            /// The balance that the user gets, in fen: the charge and the bonus, without the fee.
            amount: Amount,
            /// The user who gets it.
            user: String,
        }
        optional {
            /// When it was created.
            created: Timestamp,
            /// The app.
            app: Id<App>,
            /// When the user got the balance.
            time_succeeded: Timestamp,
            /// Whether there is a refund.
            refunded: bool,
            /// The user who pays.
            from_user: String,
            /// The user's fee, in fen.
            user_fee: Amount,
            /// What the customer pays, with the credential for it.
            charge: Box<Charge>,
            /// The refunds, if the answer has them.
            refunds: List<Refund>,
            /// The bonus, if there is one.
            balance_bonus: Box<BalanceBonus>,
            /// The entry in the user's balance, once paid.
            balance_transaction: String,
            /// The merchant's note.
            description: String,
        }
        maps {
            /// The merchant's own keys and values.
            metadata,
        }
    }
}
