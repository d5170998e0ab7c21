//! Royalty transactions: the payouts of a settlement to each recipient. `/v1/royalty_transactions`
//!
//! Both operations only read, so they may be repeated and dropped at any time. The payouts are made
//! by [`royalty_settlements`](crate::royalty_settlements).

use bon::Builder;
use serde::Serialize;
use serde_with::skip_serializing_none;

use super::royalty_settlements::RoyaltySettlement;
pub use super::royalty_settlements::{RoyaltyTransaction, RoyaltyTransactionStatus};
use crate::call::Call;
use crate::client::Client;
use crate::pager::{ByNumber, Pager};
use crate::request::Request;
use crate::types::Id;

/// Royalty transactions. From [`Client::royalty_transactions`].
#[derive(Debug, Clone)]
pub struct RoyaltyTransactionApi {
    client: Client,
}

impl Client {
    /// Royalty transactions: retrieve, list. `/v1/royalty_transactions`
    pub fn royalty_transactions(&self) -> RoyaltyTransactionApi {
        RoyaltyTransactionApi { client: self.clone() }
    }
}

impl RoyaltyTransactionApi {
    /// Retrieves a transaction: `GET /v1/royalty_transactions/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<RoyaltyTransaction>>) -> Call<RoyaltyTransaction> {
        let id = id.into();
        self.client.fetch(Request::get("/v1/royalty_transactions/{id}", &[id.as_str()]).about(&id))
    }

    /// Transactions, newest first: `GET /v1/royalty_transactions`.
    pub fn list(
        &self,
        filter: impl Into<ListRoyaltyTransactions>,
    ) -> Pager<RoyaltyTransaction, ByNumber> {
        let request = Request::get("/v1/royalty_transactions", &[]);
        Pager::by_number(&self.client, request.query_from(&filter.into()))
    }
}

/// Which transactions [`RoyaltyTransactionApi::list`] lists; all of them without any of these.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct ListRoyaltyTransactions {
    /// Of this settlement.
    pub royalty_settlement: Option<Id<RoyaltySettlement>>,
    /// With this status.
    pub status: Option<RoyaltyTransactionStatus>,
}
