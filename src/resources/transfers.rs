//! Transfers: payouts to people and companies. `/v1/transfers`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does.
//!
//! # How to pay out once, and know that it arrived
//! Store the `order_no` before the call, and spawn the call. `Ok` means that Ping++ accepted it: ask
//! [`Transfer::state`], and wait for the events `transfer.succeeded` and `transfer.failed`.
//!
//! ```no_run
//! # async fn f(client: pingpp::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use pingpp::transfers::{CreateTransfer, TransferChannel, TransferState, TransferType};
//! use pingpp::{Amount, Outcome, Recovered};
//!
//! let params = CreateTransfer::builder()
//!     .channel(TransferChannel::WxPub)
//!     .order_no("tr20261123001") // stored before this line
//!     .amount(Amount::from_fen(10_000)) // 100 yuan
//!     .kind(TransferType::B2c)
//!     .recipient("o7xEMsySBFG3MVHI-9VsAJX-j50W") // the open id
//!     .description("October");
//! let transfer = match tokio::spawn(client.transfers().create(params)).await? {
//!     Ok(transfer) => transfer,
//!     Err(error) if error.outcome() == Outcome::Unknown => match client.recover(&error).await? {
//!         Recovered::Found(transfer) => transfer,
//!         _ => return Err(error.into()), // not there yet: ask again later, then a person
//!     },
//!     Err(error) => return Err(error.into()), // nothing was paid out
//! };
//! // Later, for example on the event `transfer.succeeded`:
//! let transfer = client.transfers().retrieve(&transfer.id).await?;
//! match transfer.state() {
//!     TransferState::Paid => println!("it arrived"),
//!     TransferState::Pending => println!("under way: look again"),
//!     TransferState::NeedsRecipient => println!("the recipient has to confirm it in WeChat"),
//!     TransferState::NeedsMerchant => println!("confirm it: {:?}", transfer.failure_msg),
//!     TransferState::Failed => println!("nothing was paid out: {:?}", transfer.failure_msg),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! There is no method for `PUT` on a transfer, which once canceled it: the operation is retired.

use bon::Builder;
use serde::Serialize;
use serde_json::json;
use serde_with::skip_serializing_none;

use super::lost;
use crate::call::Call;
use crate::client::Client;
use crate::error::ErrorCode;
use crate::macros::object::object;
use crate::macros::open_enum::open_enum;
use crate::pager::Pager;
use crate::recovery::Recovery;
use crate::request::Request;
use crate::retry::Repeat;
use crate::types::{
    Amount, App, Currency, Expandable, Id, JsonObject, Sensitive, TimeRange, Timestamp,
};

/// Transfers. From [`Client::transfers`]; [how to pay out](self).
#[derive(Debug, Clone)]
pub struct TransferApi {
    client: Client,
}

impl Client {
    /// Transfers: create, retrieve, list, reverse. `/v1/transfers`
    pub fn transfers(&self) -> TransferApi {
        TransferApi { client: self.clone() }
    }
}

impl TransferApi {
    /// Pays out: `POST /v1/transfers`. On most channels only signed requests are accepted.
    ///
    /// **Repeats:** never; a second one can move money twice.
    /// **Dropping:** money may move and nobody will know; spawn the call. A lost one is found by its
    /// order_no with [`Client::recover`], also after `transfer_system_busy`.
    pub fn create(&self, params: impl Into<CreateTransfer>) -> Call<Transfer> {
        let (params, app) = (params.into(), self.client.app());
        let number = ("order_no", params.order_no.as_str());
        let request = Request::post("/v1/transfers", &[])
            .in_app_object(app, &params)
            .recovery(lost::find(
                "/v1/transfers",
                json!({ "app": { "id": app } }),
                number,
                true,
                None,
            ))
            .about_new::<Transfer>()
            .same("order_no", params.order_no)
            .same("amount", params.amount.as_fen());
        self.client.fetch(request)
    }

    /// Retrieves a transfer: `GET /v1/transfers/{id}`. In test mode this moves it forward.
    pub fn retrieve(&self, id: impl Into<Id<Transfer>>) -> Call<Transfer> {
        let id = id.into();
        self.client.fetch(Request::get("/v1/transfers/{id}", &[id.as_str()]).about(&id))
    }

    /// Withdraws a transfer that its recipient has not confirmed: `POST /v1/transfers/{id}/reverse`.
    ///
    /// For WeChat, since 2025. `Ok` means accepted: read [`Transfer::state`].
    ///
    /// **Repeats:** always; a second one leaves it as the first did. **Dropping:** call it again.
    pub fn reverse(&self, id: impl Into<Id<Transfer>>) -> Call<Transfer> {
        let id = id.into();
        let request = Request::post("/v1/transfers/{id}/reverse", &[id.as_str()])
            .json(&json!({}))
            .repeat(Repeat::Always)
            .recovery(Recovery::retrieve("/v1/transfers/{id}", &[id.as_str()]))
            .about(&id);
        self.client.fetch(request)
    }

    /// Transfers of the app, newest first: `GET /v1/transfers`. Without `created` those of the last
    /// month.
    pub fn list(&self, filter: impl Into<ListTransfers>) -> Pager<Transfer> {
        let request = Request::get("/v1/transfers", &[]);
        let request = request.in_app_object(self.client.app(), &filter.into());
        Pager::by_cursor(&self.client, request, |transfer: &Transfer| transfer.id.as_str())
            .of_mode(|transfer| Some(transfer.livemode))
    }
}

/// What [`TransferApi::create`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateTransfer {
    /// How it is paid out.
    pub channel: TransferChannel,
    /// The merchant's number of the payout: letters and digits, on WeChat up to 32, on Alipay up to
    /// 64; on `unionpay` up to 16 digits, on `allinpay` 20 to 40, the merchant's number first.
    pub order_no: String,
    /// How much is paid out, in fen.
    pub amount: Amount,
    /// To a person or to a company; `type` in the API.
    #[serde(rename = "type")]
    pub kind: TransferType,
    /// The currency; `cny` if not set.
    #[builder(default = Currency::Cny)]
    pub currency: Currency,
    /// Who is paid: an open id on WeChat, an account on Alipay, a user on `balance`. In `extra`
    /// elsewhere.
    pub recipient: Option<Sensitive>,
    /// What for: up to 100 characters, on WeChat 99 bytes, on `allinpay` 30 characters.
    pub description: String,
    /// Parameters of the channel, such as `user_name`, `force_check`, `scene_id` and
    /// `scene_report_info` on WeChat, or `card_number`, `user_name` and `open_bank_code` on `unionpay`.
    pub extra: Option<JsonObject>,
    /// The merchant's own keys and values: up to 20, 1,000 characters in all.
    pub metadata: Option<JsonObject>,
}

/// Which transfers [`TransferApi::list`] lists; all of the app's without any of these.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct ListTransfers {
    /// Created in this time: `from..until`.
    pub created: Option<TimeRange>,
    /// On this channel.
    pub channel: Option<TransferChannel>,
    /// With this status.
    pub status: Option<TransferStatus>,
    /// To a person or to a company.
    #[serde(rename = "type")]
    pub kind: Option<TransferType>,
}

object! {
    /// A payout. Receiving one does not mean that the money arrived: see [`state`](Self::state).
    pub struct Transfer = "transfer" {
        required {
            /// `tr_` and 24 characters.
            id: Id<Transfer>,
            /// Whether real money moves.
            livemode: bool,
            /// How far it got; [`state`](Self::state) judges it.
            status: TransferStatus,
            /// The merchant's number.
            order_no: String,
            /// How much is paid out, in fen.
            amount: Amount,
        }
        strict {
            /// When it was paid out.
            time_transferred: Timestamp,
            /// Why it failed.
            failure_code: ErrorCode,
        }
        optional {
            /// When it was created.
            created: Timestamp,
            /// To a person or to a company; `type` in the API.
            kind as "type": TransferType,
            /// The app: its id, or all of it with [`Call::expand`].
            app: Expandable<App>,
            /// How it is paid out.
            channel: TransferChannel,
            /// The number of its batch.
            batch_no: String,
            /// What it costs the merchant, in fen.
            amount_settle: Amount,
            /// The currency.
            currency: Currency,
            /// Who is paid.
            recipient: Sensitive,
            /// What for.
            description: String,
            /// The channel's number of the payout.
            transaction_no: String,
            /// Why it failed, in words.
            failure_msg: String,
        }
        maps {
            /// Parameters of the channel, and what it returned, such as the `package` with which the
            /// recipient confirms.
            extra,
            /// The merchant's own keys and values.
            metadata,
        }
    }
}

open_enum! {
    /// `transfer.channel`: how money is paid out.
    pub enum TransferChannel {
        /// Alipay.
        Alipay = "alipay",
        /// WeChat app.
        Wx = "wx",
        /// WeChat official account.
        WxPub = "wx_pub",
        /// WeChat mini program.
        WxLite = "wx_lite",
        /// To a bank card, by UnionPay.
        Unionpay = "unionpay",
        /// To a bank card, by Allinpay.
        Allinpay = "allinpay",
        /// JD Pay; retired in 2025.
        Jdpay = "jdpay",
        /// Only an example of an official SDK names it.
        Chanpay = "chanpay",
        /// To the balance of a user (account product).
        Balance = "balance",
    }
}

open_enum! {
    /// `transfer.type`. On WeChat and `balance` only `b2c`.
    pub enum TransferType {
        /// To a person.
        B2c = "b2c",
        /// To a company.
        B2b = "b2b",
    }
}

open_enum! {
    /// `transfer.status`.
    pub enum TransferStatus {
        /// Under way.
        Pending = "pending",
        /// Waits for its time.
        Scheduled = "scheduled",
        /// Waits for the recipient's confirmation in WeChat.
        WaitUserConfirm = "wait_user_confirm",
        /// Paid out.
        Paid = "paid",
        /// Refused or failed.
        Failed = "failed",
        /// Canceled.
        Canceled = "canceled",
    }
}

/// Where a transfer stands, from [`Transfer::state`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransferState {
    /// Under way, or not clear: no money has provably moved, and it still may.
    Pending,
    /// The recipient must confirm it in WeChat; until then it can be
    /// [withdrawn](TransferApi::reverse).
    NeedsRecipient,
    /// The merchant must confirm it; `failure_msg` may say where.
    NeedsMerchant,
    /// The money arrived.
    Paid,
    /// It did not happen and will not.
    Failed,
}

impl Transfer {
    /// Where it stands. What contradicts itself, or is new, is [`Pending`](TransferState::Pending):
    /// neither done nor failed.
    pub fn state(&self) -> TransferState {
        use TransferStatus::{Canceled, Failed, Paid, Pending, WaitUserConfirm};
        match (&self.status, &self.failure_code, self.time_transferred) {
            (Paid, None, _) => TransferState::Paid,
            (Failed | Canceled, _, None) => TransferState::Failed,
            (WaitUserConfirm, None, None) => TransferState::NeedsRecipient,
            (Pending, Some(ErrorCode::TransferWaitOperation), None) => TransferState::NeedsMerchant,
            _ => TransferState::Pending,
        }
    }
}
