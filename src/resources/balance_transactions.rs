//! Balance transactions: the entries in the balances of users. `/v1/apps/{app}/balance_transactions`
//!
//! Both operations only read, so they may be repeated and dropped at any time. They are about the
//! client's app.

use bon::Builder;
use serde::Serialize;
use serde_with::skip_serializing_none;

use super::users::User;
use crate::call::Call;
use crate::client::Client;
use crate::macros::object::object;
use crate::macros::open_enum::open_enum;
use crate::pager::{ByNumber, Pager};
use crate::request::{Request, app_segment};
use crate::types::{Amount, App, Id, TimeRange, Timestamp};

/// Balance transactions. From [`Client::balance_transactions`].
#[derive(Debug, Clone)]
pub struct BalanceTransactionApi {
    client: Client,
}

impl Client {
    /// Balance transactions: retrieve, list. `/v1/apps/{app}/balance_transactions`
    pub fn balance_transactions(&self) -> BalanceTransactionApi {
        BalanceTransactionApi { client: self.clone() }
    }
}

impl BalanceTransactionApi {
    /// Retrieves an entry: `GET /v1/apps/{app}/balance_transactions/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<BalanceTransaction>>) -> Call<BalanceTransaction> {
        let id = id.into();
        let ids = [app_segment(self.client.app()), id.as_str()];
        let request = Request::get("/v1/apps/{app}/balance_transactions/{id}", &ids);
        self.client.fetch(request.about(&id))
    }

    /// Entries of the app, newest first: `GET /v1/apps/{app}/balance_transactions`.
    pub fn list(
        &self,
        filter: impl Into<ListBalanceTransactions>,
    ) -> Pager<BalanceTransaction, ByNumber> {
        let app = app_segment(self.client.app());
        let request = Request::get("/v1/apps/{app}/balance_transactions", &[app]);
        let request = request.query_from(&filter.into());
        Pager::by_number(&self.client, request).of_mode(|entry| Some(entry.livemode))
    }
}

/// Which entries [`BalanceTransactionApi::list`] lists; all of the app's without any of these.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct ListBalanceTransactions {
    /// Created in this time: `from..until`.
    pub created: Option<TimeRange>,
    /// Of this user.
    pub user: Option<Id<User>>,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: Option<BalanceTransactionType>,
}

object! {
    /// An entry in a user's balance.
    pub struct BalanceTransaction = "balance_transaction" {
        required {
            /// 24 digits.
            id: Id<BalanceTransaction>,
            /// Whether it is about real money.
            livemode: bool,
            /// How the balance changed, in fen; negative when it became less.
            amount: Amount,
            /// Whose balance it is.
            user: Id<User>,
        }
        strict {
            /// What happened; `type` in the API.
            kind as "type": BalanceTransactionType,
        }
        optional {
            /// When it happened.
            created: Timestamp,
            /// The app.
            app: Id<App>,
            /// The balance after it, in fen.
            available_balance: Amount,
            /// The id of what caused it: a recharge, a withdrawal, a bonus, a charge, a refund, a
            /// balance transfer or a balance settlement.
            source: String,
            /// A note.
            description: String,
        }
    }
}

open_enum! {
    /// `balance_transaction.type`.
    pub enum BalanceTransactionType {
        /// A recharge.
        Recharge = "recharge",
        /// The refund of a recharge.
        RechargeRefund = "recharge_refund",
        /// The refund of a recharge failed: the balance is back.
        RechargeRefundFailed = "recharge_refund_failed",
        /// A withdrawal.
        Withdrawal = "withdrawal",
        /// A withdrawal failed: the balance is back.
        WithdrawalFailed = "withdrawal_failed",
        /// A withdrawal was canceled: the balance is back.
        WithdrawalRevoked = "withdrawal_revoked",
        /// The user paid.
        Payment = "payment",
        /// A payment was refunded.
        PaymentRefund = "payment_refund",
        /// A balance transfer.
        Transfer = "transfer",
        /// Named by the documentation without an explanation.
        ReceiptsExtra = "receipts_extra",
        /// The money of a charge was credited.
        Credited = "credited",
        /// Credited money went back.
        CreditedRefund = "credited_refund",
        /// The return of credited money failed.
        CreditedRefundFailed = "credited_refund_failed",
    }
}
