//! Balance bonuses: balance that the merchant gives to users. `/v1/apps/{app}/balance_bonuses`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does. All of it
//! is about the client's app.
//!
//! # How to give a bonus once, and know that it is there
//! Store the `order_no` before the call, and spawn the call. `paid` says that the user has it.
//!
//! ```no_run
//! # async fn f(client: pingpp::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use pingpp::balance_bonuses::CreateBalanceBonus;
//! use pingpp::{Amount, Outcome, Recovered};
//!
//! let params = CreateBalanceBonus::builder()
//!     .user("user_001")
//!     .amount(Amount::from_fen(500))
//!     .order_no("bb20261123001"); // stored before this line
//! let bonus = match tokio::spawn(client.balance_bonuses().create(params)).await? {
//!     Ok(bonus) => bonus,
//!     Err(error) if error.outcome() == Outcome::Unknown => match client.recover(&error).await? {
//!         Recovered::Found(bonus) => bonus,
//!         _ => return Err(error.into()), // not there yet: ask again later, then a person
//!     },
//!     Err(error) => return Err(error.into()), // nothing was given
//! };
//! let has_it = client.balance_bonuses().retrieve(&bonus.id).await?.paid == Some(true);
//! # Ok(())
//! # }
//! ```

use bon::Builder;
use serde::Serialize;
use serde_json::json;
use serde_with::skip_serializing_none;

use super::balance_transactions::BalanceTransaction;
use super::lost;
use super::users::User;
use crate::call::Call;
use crate::client::Client;
use crate::macros::object::object;
use crate::pager::{ByNumber, Pager};
use crate::recovery::Search;
use crate::request::{Request, app_segment};
use crate::types::{Amount, App, Id, JsonObject, Timestamp};

/// Balance bonuses. From [`Client::balance_bonuses`]; [how to give one](self).
#[derive(Debug, Clone)]
pub struct BalanceBonusApi {
    client: Client,
}

impl Client {
    /// Balance bonuses: create, retrieve, list. `/v1/apps/{app}/balance_bonuses`
    pub fn balance_bonuses(&self) -> BalanceBonusApi {
        BalanceBonusApi { client: self.clone() }
    }
}

const ROUTE: &str = "/v1/apps/{app}/balance_bonuses";

impl BalanceBonusApi {
    /// Gives balance to a user: `POST /v1/apps/{app}/balance_bonuses`.
    ///
    /// **Repeats:** never; a second one can give it twice.
    /// **Dropping:** it may be given and nobody will know; spawn the call. On an unknown outcome,
    /// [`Client::recover`] finds it by its order_no.
    pub fn create(&self, params: impl Into<CreateBalanceBonus>) -> Call<BalanceBonus> {
        let (params, app) = (params.into(), app_segment(self.client.app()));
        let number = ("order_no", params.order_no.as_str());
        let query = json!({ "user": params.user });
        let search = Search { query, per_page: Some(100), ..Search::list(ROUTE, &[app]) };
        let request = Request::post(ROUTE, &[app])
            .json(&params)
            .recovery(lost::find_in(search, number))
            .about_new::<BalanceBonus>()
            .same("app", app)
            .same("user", params.user.as_str())
            .same("order_no", params.order_no)
            .same("amount", params.amount.as_fen());
        self.client.fetch(request)
    }

    /// Retrieves a bonus: `GET /v1/apps/{app}/balance_bonuses/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<BalanceBonus>>) -> Call<BalanceBonus> {
        let id = id.into();
        let ids = [app_segment(self.client.app()), id.as_str()];
        self.client.fetch(Request::get("/v1/apps/{app}/balance_bonuses/{id}", &ids).about(&id))
    }

    /// Bonuses of the app, newest first: `GET /v1/apps/{app}/balance_bonuses`.
    pub fn list(&self, filter: impl Into<ListBalanceBonuses>) -> Pager<BalanceBonus, ByNumber> {
        let request = Request::get(ROUTE, &[app_segment(self.client.app())]);
        let request = request.query_from(&filter.into());
        Pager::by_number(&self.client, request).of_mode(|bonus| bonus.livemode)
    }
}

/// What [`BalanceBonusApi::create`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateBalanceBonus {
    /// Who gets it.
    pub user: Id<User>,
    /// How much, in fen.
    pub amount: Amount,
    /// The merchant's number.
    pub order_no: String,
    /// The merchant's note, up to 255 characters.
    pub description: Option<String>,
    /// The merchant's own keys and values: up to 20, 1,000 characters in all.
    pub metadata: Option<JsonObject>,
}

/// Which bonuses [`BalanceBonusApi::list`] lists; all of the app's without any of these.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct ListBalanceBonuses {
    /// Of this user.
    pub user: Option<Id<User>>,
}

object! {
    /// Balance that the merchant gave.
    pub struct BalanceBonus = "balance_bonus" {
        required {
            /// 24 digits.
            id: Id<BalanceBonus>,
        }
        strict {
            /// Whether it is about real money.
            livemode: bool,
            /// Whether the user has it.
            paid: bool,
            /// Whether some of it was taken back.
            refunded: bool,
            /// How much, in fen.
            amount: Amount,
            /// How much was taken back, in fen.
            amount_refunded: Amount,
        }
        optional {
            /// When it was created.
            created: Timestamp,
            /// The app.
            app: Id<App>,
            /// The merchant's number.
            order_no: String,
            /// Who gets it.
            user: Id<User>,
            /// When the user got it.
            time_paid: Timestamp,
            /// The entry in the user's balance.
            balance_transaction: Id<BalanceTransaction>,
            /// The merchant's note.
            description: String,
        }
        maps {
            /// The merchant's own keys and values.
            metadata,
        }
    }
}
