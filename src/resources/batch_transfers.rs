//! Batch transfers: payouts to many people or companies at once. `/v1/batch_transfers`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does.
//!
//! # How to pay many out once, and know who got it
//! Store the `batch_no` before the call, and spawn the call. `Ok` means accepted. Ask
//! [`BatchTransfer::state`] for the whole and each recipient's `status` for the parts: the event
//! `batch_transfer.succeeded` also comes when only a part was paid.
//!
//! ```no_run
//! # async fn f(client: pingpp::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use pingpp::batch_transfers::{BatchTransferState, CreateBatchTransfer, PayTo};
//! use pingpp::transfers::{TransferChannel, TransferStatus, TransferType};
//! use pingpp::{Amount, Outcome, Recovered};
//!
//! let wage = |card: &str, name: &str, fen| {
//!     let card = PayTo::builder().account(card).name(name).open_bank_code("0103");
//!     card.amount(Amount::from_fen(fen)).build()
//! };
//! let params = CreateBatchTransfer::builder()
//!     .batch_no("bt20261123001") // stored before this line
//!     .channel(TransferChannel::Unionpay)
//!     .kind(TransferType::B2c)
//!     .amount(Amount::from_fen(8_000)) // the sum
//!     .description("October")
//!     .recipients([wage("6228480402564890011", "A", 5_000), wage("6228480402564890029", "B", 3_000)]);
//! let batch = match tokio::spawn(client.batch_transfers().create(params)).await? {
//!     Ok(batch) => batch,
//!     Err(error) if error.outcome() == Outcome::Unknown => match client.recover(&error).await? {
//!         Recovered::Found(batch) => batch,
//!         _ => return Err(error.into()), // not there yet: ask again later, then a person
//!     },
//!     Err(error) => return Err(error.into()), // nothing was paid out
//! };
//! // Later:
//! let batch = client.batch_transfers().retrieve(&batch.id).await?;
//! match batch.state() {
//!     BatchTransferState::Succeeded => println!("everybody has it"),
//!     BatchTransferState::PartlySucceeded => {
//!         for part in batch.recipients.iter().flatten() {
//!             println!("{:?} {}", part.transfer, part.status == Some(TransferStatus::Paid));
//!         }
//!     }
//!     BatchTransferState::Pending => println!("under way: look again"),
//!     BatchTransferState::Failed => println!("nothing was paid out: {:?}", batch.failure_msg),
//! }
//! # Ok(())
//! # }
//! ```

use bon::Builder;
use serde::Serialize;
use serde_json::json;
use serde_with::skip_serializing_none;

use super::lost;
use super::transfers::{Transfer, TransferChannel, TransferStatus, TransferType};
use crate::call::Call;
use crate::client::Client;
use crate::macros::object::object;
use crate::macros::open_enum::open_enum;
use crate::pager::{ByNumber, Pager};
use crate::recovery::Recovery;
use crate::request::Request;
use crate::retry::Repeat;
use crate::types::{Amount, App, Currency, Id, JsonObject, Sensitive, TimeRange, Timestamp};

/// Batch transfers. From [`Client::batch_transfers`]; [how to pay out](self).
#[derive(Debug, Clone)]
pub struct BatchTransferApi {
    client: Client,
}

impl Client {
    /// Batch transfers: create, retrieve, list, cancel. `/v1/batch_transfers`
    pub fn batch_transfers(&self) -> BatchTransferApi {
        BatchTransferApi { client: self.clone() }
    }
}

impl BatchTransferApi {
    /// Pays out to many: `POST /v1/batch_transfers`.
    ///
    /// **Repeats:** never; a second one can move money twice.
    /// **Dropping:** money may move and nobody will know; spawn the call. A lost one is found by its
    /// batch_no with [`Client::recover`].
    pub fn create(&self, params: impl Into<CreateBatchTransfer>) -> Call<BatchTransfer> {
        let (params, app) = (params.into(), self.client.app());
        let number = ("batch_no", params.batch_no.as_str());
        let list = json!({ "app": app });
        let request = Request::post("/v1/batch_transfers", &[])
            .in_app(app, &params)
            .recovery(lost::find("/v1/batch_transfers", list, number, true, Some(100)))
            .about_new::<BatchTransfer>()
            .same("batch_no", params.batch_no)
            .same("amount", params.amount.as_fen());
        self.client.fetch(request)
    }

    /// Retrieves a batch: `GET /v1/batch_transfers/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<BatchTransfer>>) -> Call<BatchTransfer> {
        let id = id.into();
        self.client.fetch(Request::get("/v1/batch_transfers/{id}", &[id.as_str()]).about(&id))
    }

    /// Batches of the app, newest first: `GET /v1/batch_transfers`.
    pub fn list(&self, filter: impl Into<ListBatchTransfers>) -> Pager<BatchTransfer, ByNumber> {
        let request = Request::get("/v1/batch_transfers", &[]);
        let request = request.in_app(self.client.app(), &filter.into());
        Pager::by_number(&self.client, request).of_mode(|batch| Some(batch.livemode))
    }

    /// Cancels a batch that is not paid out: `PUT /v1/batch_transfers/{id}`.
    ///
    /// An old operation: three official SDKs have it, the others dropped it in 2018.
    ///
    /// **Repeats:** always; a second one leaves it as the first did. **Dropping:** call it again.
    pub fn cancel(&self, id: impl Into<Id<BatchTransfer>>) -> Call<BatchTransfer> {
        let id = id.into();
        let request = Request::put("/v1/batch_transfers/{id}", &[id.as_str()])
            .json(&json!({ "status": "canceled" }))
            .repeat(Repeat::Always)
            .recovery(Recovery::retrieve("/v1/batch_transfers/{id}", &[id.as_str()]))
            .about(&id)
            .wants("status", "canceled");
        self.client.fetch(request)
    }
}

/// What [`BatchTransferApi::create`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateBatchTransfer {
    /// The merchant's number of the batch: 11 to 32 letters or digits.
    pub batch_no: String,
    /// How it is paid out.
    pub channel: TransferChannel,
    /// The sum of all parts, in fen.
    pub amount: Amount,
    /// To people or to companies; `type` in the API.
    #[serde(rename = "type")]
    pub kind: TransferType,
    /// The currency; `cny` if not set.
    #[builder(default = Currency::Cny)]
    pub currency: Currency,
    /// What for, up to 200 bytes.
    pub description: String,
    /// Who is paid how much.
    pub recipients: Vec<PayTo>,
    /// The merchant's own keys and values: up to 20, 1,000 characters in all.
    pub metadata: Option<JsonObject>,
}

/// One payout of a batch. What it needs depends on the channel.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into))]
#[non_exhaustive]
pub struct PayTo {
    /// How much, in fen.
    pub amount: Amount,
    /// The number of the card, or the account at Alipay.
    pub account: Option<Sensitive>,
    /// The open id, on WeChat.
    pub open_id: Option<Sensitive>,
    /// The user, on `balance`.
    pub user: Option<String>,
    /// The name of the person or company.
    pub name: Option<Sensitive>,
    /// What for, up to 200 bytes.
    pub description: Option<String>,
    /// The merchant's number of this payout.
    pub order_no: Option<String>,
    /// What `account` is at Alipay: `ALIPAY_USERID`, or `ALIPAY_LOGONID` if not set.
    pub account_type: Option<String>,
    /// The name of the bank.
    pub open_bank: Option<String>,
    /// The code of the bank, 4 digits.
    pub open_bank_code: Option<String>,
    /// The code of the business, on `allinpay`.
    pub business_code: Option<String>,
    /// 0 for a debit card, 1 for a passbook, 2 for a credit card, 3 for a quasi-credit card.
    pub card_type: Option<i64>,
    /// Whether the name is checked, on WeChat.
    pub force_check: Option<bool>,
}

/// Which batches [`BatchTransferApi::list`] lists; all of the app's without any of these.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct ListBatchTransfers {
    /// Created in this time: `from..until`.
    pub created: Option<TimeRange>,
}

object! {
    /// A batch of payouts. Receiving one does not mean that money arrived: see
    /// [`state`](Self::state).
    pub struct BatchTransfer = "batch_transfer" {
        required {
            /// 18 digits.
            id: Id<BatchTransfer>,
            /// Whether real money moves.
            livemode: bool,
            /// How far it got; [`state`](Self::state) judges it.
            status: BatchTransferStatus,
            /// The merchant's number.
            batch_no: String,
            /// The sum of all parts, in fen.
            amount: Amount,
        }
        optional {
            /// When it was created.
            created: Timestamp,
            /// The app.
            app: Id<App>,
            /// How it is paid out.
            channel: TransferChannel,
            /// To people or to companies; `type` in the API.
            kind as "type": TransferType,
            /// The currency.
            currency: Currency,
            /// What for.
            description: String,
            /// What the channel takes, in fen; known after success.
            fee: Amount,
            /// Who is paid how much, and how far that got.
            recipients: Vec<BatchTransferRecipient>,
            /// When it was paid out; may be absent all the same.
            time_succeeded: Timestamp,
            /// The channel's number.
            transaction_no: String,
            /// Why it failed, in words; at first also the page on which the merchant confirms an
            /// Alipay batch.
            failure_msg: String,
        }
        maps {
            /// Not used today.
            extra,
            /// The merchant's own keys and values.
            metadata,
        }
    }
}

object! {
    /// One payout of a batch.
    pub struct BatchTransferRecipient {
        strict {
            /// How far it got.
            status: TransferStatus,
            /// How much, in fen.
            amount: Amount,
        }
        optional {
            /// The transfer that pays it.
            transfer: Id<Transfer>,
            /// The number of the card, or the account at Alipay.
            account: Sensitive,
            /// The open id, on WeChat.
            open_id: Sensitive,
            /// The user, on `balance`.
            user: String,
            /// The name of the person or company.
            name: Sensitive,
            /// What for.
            description: String,
            /// The merchant's number of this payout.
            order_no: String,
            /// The channel's number of this payout.
            transaction_no: String,
            /// What the channel takes, in fen.
            fee: Amount,
            /// Why it failed, in words.
            failure_msg: String,
            /// The name of the bank.
            open_bank: String,
            /// The code of the bank.
            open_bank_code: String,
        }
    }
}

open_enum! {
    /// `batch_transfer.status`.
    pub enum BatchTransferStatus {
        /// Under way.
        Pending = "pending",
        /// Waits for its time.
        Scheduled = "scheduled",
        /// Under way.
        Processing = "processing",
        /// Paid out, perhaps in part.
        Succeeded = "succeeded",
        /// Paid out in part.
        PartiallySucceeded = "partially_succeeded",
        /// Refused or failed.
        Failed = "failed",
        /// Canceled.
        Canceled = "canceled",
    }
}

/// Where a batch of transfers stands, from [`BatchTransfer::state`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BatchTransferState {
    /// Under way, or not clear: any part may still be paid.
    Pending,
    /// Every part was paid.
    Succeeded,
    /// Some parts were paid, the others will not be.
    PartlySucceeded,
    /// No part was paid, and none will be.
    Failed,
}

impl BatchTransfer {
    /// Where it stands, out of its status and those of all parts. What contradicts itself, or is new,
    /// is [`Pending`](BatchTransferState::Pending).
    pub fn state(&self) -> BatchTransferState {
        use BatchTransferStatus::{Canceled, Failed, PartiallySucceeded, Succeeded};
        let Some(parts) = &self.recipients else { return BatchTransferState::Pending };
        let count = |is: fn(&TransferStatus) -> bool| {
            parts.iter().filter(|part| part.status.as_ref().is_some_and(is)).count()
        };
        let paid = count(|status| *status == TransferStatus::Paid);
        let dead =
            count(|status| matches!(status, TransferStatus::Failed | TransferStatus::Canceled));
        match (&self.status, paid, dead) {
            (_, paid, dead) if paid + dead < parts.len() => BatchTransferState::Pending,
            (Succeeded, 1.., 0) => BatchTransferState::Succeeded,
            (Succeeded | PartiallySucceeded, 1.., 1..) => BatchTransferState::PartlySucceeded,
            (Failed | Canceled, 0, _) => BatchTransferState::Failed,
            _ => BatchTransferState::Pending,
        }
    }
}
