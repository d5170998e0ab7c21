//! Profit transactions: each share of a [split](crate::split_profits). `/v1/profit_transactions`
//!
//! Both operations only read, so they may be repeated and dropped at any time.

use bon::Builder;
use serde::Serialize;
use serde_with::skip_serializing_none;

use super::split_profits::{ProfitStatus, SplitProfit};
use super::split_receivers::SplitReceiver;
use crate::call::Call;
use crate::client::Client;
use crate::macros::object::object;
use crate::pager::{ByNumber, Pager};
use crate::request::Request;
use crate::types::{Amount, App, Currency, Id, Sensitive, Timestamp};

/// Profit transactions. From [`Client::profit_transactions`].
#[derive(Debug, Clone)]
pub struct ProfitTransactionApi {
    client: Client,
}

impl Client {
    /// Profit transactions: retrieve, list. `/v1/profit_transactions`
    pub fn profit_transactions(&self) -> ProfitTransactionApi {
        ProfitTransactionApi { client: self.clone() }
    }
}

impl ProfitTransactionApi {
    /// Retrieves a share: `GET /v1/profit_transactions/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<ProfitTransaction>>) -> Call<ProfitTransaction> {
        let id = id.into();
        self.client.fetch(Request::get("/v1/profit_transactions/{id}", &[id.as_str()]).about(&id))
    }

    /// Shares of the app, newest first: `GET /v1/profit_transactions`.
    pub fn list(
        &self,
        filter: impl Into<ListProfitTransactions>,
    ) -> Pager<ProfitTransaction, ByNumber> {
        let request = Request::get("/v1/profit_transactions", &[]);
        let request = request.in_app(self.client.app(), &filter.into());
        Pager::by_number(&self.client, request).of_mode(|share| share.livemode)
    }
}

/// Which shares [`ProfitTransactionApi::list`] lists; all of the app's without any of these.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct ListProfitTransactions {
    /// Of this split.
    pub split_profit: Option<Id<SplitProfit>>,
    /// Of this receiver.
    pub split_receiver: Option<Id<SplitReceiver>>,
    /// With this status.
    pub status: Option<ProfitStatus>,
}

object! {
    /// One share of a split.
    pub struct ProfitTransaction = "profit_transaction" {
        required {
            /// `ptxn_` and 14 characters.
            id: Id<ProfitTransaction>,
        }
        strict {
            /// Whether real money moves.
            livemode: bool,
            /// How far it got.
            status: ProfitStatus,
            /// How much, in fen.
            amount: Amount,
        }
        optional {
            /// When it was created.
            created: Timestamp,
            /// The app.
            app: Id<App>,
            /// The currency.
            currency: Currency,
            /// The name of the receiver.
            name: Sensitive,
            /// What for.
            description: String,
            /// Who gets it.
            split_receiver: Id<SplitReceiver>,
            /// The split it belongs to.
            split_profit: Id<SplitProfit>,
            /// When it ended.
            time_finished: Timestamp,
            /// Why it failed, in words.
            failure_msg: String,
        }
    }
}
