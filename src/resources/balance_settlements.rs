//! Balance settlements: money of charges that is credited to a user's balance.
//! `/v1/apps/{app}/balance_settlements`
//!
//! Both operations only read, so they may be repeated and dropped at any time. They are about the
//! client's app. A settlement is made by an order with
//! [`balance_settlement`](crate::orders::CreateOrder::balance_settlement).

use bon::Builder;
use serde::Serialize;
use serde_with::skip_serializing_none;

use super::charges::Charge;
use super::users::User;
use crate::call::Call;
use crate::client::Client;
use crate::macros::object::object;
use crate::macros::open_enum::open_enum;
use crate::pager::{ByNumber, Pager};
use crate::request::{Request, app_segment};
use crate::types::{Amount, App, Id, Timestamp};

/// Balance settlements. From [`Client::balance_settlements`].
#[derive(Debug, Clone)]
pub struct BalanceSettlementApi {
    client: Client,
}

impl Client {
    /// Balance settlements: retrieve, list. `/v1/apps/{app}/balance_settlements`
    pub fn balance_settlements(&self) -> BalanceSettlementApi {
        BalanceSettlementApi { client: self.clone() }
    }
}

impl BalanceSettlementApi {
    /// Retrieves a settlement: `GET /v1/apps/{app}/balance_settlements/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<BalanceSettlement>>) -> Call<BalanceSettlement> {
        let id = id.into();
        let ids = [app_segment(self.client.app()), id.as_str()];
        self.client.fetch(Request::get("/v1/apps/{app}/balance_settlements/{id}", &ids).about(&id))
    }

    /// Settlements of the app, newest first: `GET /v1/apps/{app}/balance_settlements`.
    pub fn list(
        &self,
        filter: impl Into<ListBalanceSettlements>,
    ) -> Pager<BalanceSettlement, ByNumber> {
        let app = app_segment(self.client.app());
        let request = Request::get("/v1/apps/{app}/balance_settlements", &[app]);
        let request = request.query_from(&filter.into());
        Pager::by_number(&self.client, request).of_mode(|settlement| settlement.livemode)
    }
}

/// Which settlements [`BalanceSettlementApi::list`] lists; all of the app's without any of these.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct ListBalanceSettlements {
    /// Of this user.
    pub user: Option<Id<User>>,
}

object! {
    /// Money of a charge that is credited to a user.
    pub struct BalanceSettlement = "balance_settlement" {
        required {
            /// 24 digits.
            id: Id<BalanceSettlement>,
        }
        strict {
            /// Whether it is about real money.
            livemode: bool,
            /// How far it got.
            status: BalanceSettlementStatus,
            /// How much is credited, in fen.
            amount: Amount,
            /// How much went back, in fen.
            amount_refunded: Amount,
        }
        optional {
            /// When it was created.
            created: Timestamp,
            /// The app.
            app: Id<App>,
            /// Who is credited.
            user: Id<User>,
            /// The fee of the user, in fen. One official SDK has it as a text.
            user_fee: Amount,
            /// The charge whose money it is.
            charge: Id<Charge>,
            /// The merchant's number of the order.
            order_no: String,
            /// Whether there is a refund.
            refunded: bool,
            /// When it was credited.
            time_credited: Timestamp,
            /// When it was done.
            time_succeeded: Timestamp,
            /// The channel's number.
            transaction_no: String,
            /// Why it failed, in words.
            failure_msg: String,
        }
    }
}

open_enum! {
    /// `balance_settlement.status`. No source lists them; these are read from the names of the
    /// object's fields.
    pub enum BalanceSettlementStatus {
        /// Not credited.
        Created = "created",
        /// Under way.
        Pending = "pending",
        /// Credited.
        Credited = "credited",
        /// Done.
        Succeeded = "succeeded",
        /// It failed.
        Failed = "failed",
    }
}
