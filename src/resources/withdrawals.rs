//! Withdrawals: balance that is paid out to users. `/v1/apps/{app}/withdrawals`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does. All of it
//! is about the client's app.
//!
//! # How to pay a user out once, and know that it arrived
//! A withdrawal takes the balance when it is created, and is paid out when the merchant confirms it,
//! alone or in a [batch](crate::batch_withdrawals). Store the `order_no` before the call, and spawn
//! the call. Ask [`Withdrawal::state`], and wait for the events `balance.withdrawal.succeeded` and
//! `balance.withdrawal.failed`.
//!
//! ```no_run
//! # async fn f(client: pingpp::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use pingpp::withdrawals::{CreateWithdrawal, WithdrawalState};
//! use pingpp::{Amount, Outcome, Recovered};
//!
//! let params = CreateWithdrawal::builder()
//!     .user("user_001")
//!     .amount(Amount::from_fen(20_000)) // 200 yuan
//!     .order_no("20261123001") // stored before this line
//!     .settle_account("320217022818035400000601");
//! let withdrawal = match tokio::spawn(client.withdrawals().create(params)).await? {
//!     Ok(withdrawal) => withdrawal,
//!     Err(error) if error.outcome() == Outcome::Unknown => match client.recover(&error).await? {
//!         Recovered::Found(withdrawal) => withdrawal,
//!         _ => return Err(error.into()), // not there yet: ask again later, then a person
//!     },
//!     Err(error) => return Err(error.into()), // nothing happened
//! };
//! client.withdrawals().confirm(&withdrawal.id).await?;
//! // Later:
//! match client.withdrawals().retrieve(&withdrawal.id).await?.state() {
//!     WithdrawalState::Created => println!("not confirmed, or the merchant's account lacks money"),
//!     WithdrawalState::NeedsMerchant { url } => println!("confirm it at Alipay: {url}"),
//!     WithdrawalState::Pending => println!("under way: look again"),
//!     WithdrawalState::Succeeded => println!("it arrived"),
//!     WithdrawalState::Failed | WithdrawalState::Canceled => println!("the balance is back"),
//! }
//! # Ok(())
//! # }
//! ```

use bon::Builder;
use serde::Serialize;
use serde_json::json;
use serde_with::skip_serializing_none;

use super::lost;
use super::users::{SettleAccount, User};
use crate::call::Call;
use crate::client::Client;
use crate::macros::object::object;
use crate::macros::open_enum::open_enum;
use crate::pager::{ByNumber, Pager};
use crate::recovery::{Recovery, Search};
use crate::request::{Request, app_segment};
use crate::retry::Repeat;
use crate::types::{Amount, App, Id, JsonObject, TimeRange, Timestamp};

/// Withdrawals. From [`Client::withdrawals`]; [how to pay a user out](self).
#[derive(Debug, Clone)]
pub struct WithdrawalApi {
    client: Client,
}

impl Client {
    /// Withdrawals: create, retrieve, list, confirm, cancel. `/v1/apps/{app}/withdrawals`
    pub fn withdrawals(&self) -> WithdrawalApi {
        WithdrawalApi { client: self.clone() }
    }
}

const ROUTE: &str = "/v1/apps/{app}/withdrawals";
const ONE: &str = "/v1/apps/{app}/withdrawals/{id}";

impl WithdrawalApi {
    /// Takes balance for a payout: `POST /v1/apps/{app}/withdrawals`. It is paid out once confirmed.
    ///
    /// **Repeats:** never; a second one can move money twice.
    /// **Dropping:** the balance may be taken and nobody will know; spawn the call. On an unknown
    /// outcome, [`Client::recover`] finds it by its order_no.
    pub fn create(&self, params: impl Into<CreateWithdrawal>) -> Call<Withdrawal> {
        let (params, app) = (params.into(), app_segment(self.client.app()));
        let number = ("order_no", params.order_no.as_str());
        let query = json!({ "user": params.user });
        let search =
            Search { query, by_time: true, per_page: Some(100), ..Search::list(ROUTE, &[app]) };
        let request = Request::post(ROUTE, &[app])
            .json(&params)
            .recovery(lost::find_in(search, number))
            .about_new::<Withdrawal>()
            .same("app", app)
            .same("user", params.user.as_str())
            .same("order_no", params.order_no)
            .same("amount", params.amount.as_fen());
        self.client.fetch(request)
    }

    /// Retrieves a withdrawal: `GET /v1/apps/{app}/withdrawals/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<Withdrawal>>) -> Call<Withdrawal> {
        let id = id.into();
        self.client.fetch(Request::get(ONE, &self.ids(&id)).about(&id))
    }

    /// Withdrawals of the app, newest first: `GET /v1/apps/{app}/withdrawals`. The sum of all that fit
    /// is `total_withdrawals_amount` in [`Page::other`](crate::Page::other).
    pub fn list(&self, filter: impl Into<ListWithdrawals>) -> Pager<Withdrawal, ByNumber> {
        let request = Request::get(ROUTE, &[app_segment(self.client.app())]);
        let request = request.query_from(&filter.into());
        Pager::by_number(&self.client, request).of_mode(|withdrawal| Some(withdrawal.livemode))
    }

    /// Pays out a withdrawal: `PUT /v1/apps/{app}/withdrawals/{id}`.
    ///
    /// `Ok` means accepted: read [`Withdrawal::state`]. If the merchant's account lacks money, it is
    /// `created` again.
    ///
    /// **Repeats:** always; a withdrawal is paid out once. **Dropping:** call it again.
    pub fn confirm(&self, id: impl Into<Id<Withdrawal>>) -> Call<Withdrawal> {
        let id = id.into();
        self.client.fetch(self.set_status(&id, "pending"))
    }

    /// Gives the balance back to the user: `PUT /v1/apps/{app}/withdrawals/{id}`. Only before it is
    /// confirmed.
    ///
    /// **Repeats:** always; a second one leaves it as the first did. **Dropping:** call it again.
    pub fn cancel(&self, id: impl Into<Id<Withdrawal>>) -> Call<Withdrawal> {
        let id = id.into();
        self.client.fetch(self.set_status(&id, "canceled").wants("status", "canceled"))
    }

    fn ids<'a>(&'a self, id: &'a Id<Withdrawal>) -> [&'a str; 2] {
        [app_segment(self.client.app()), id.as_str()]
    }

    fn set_status(&self, id: &Id<Withdrawal>, status: &str) -> Request {
        Request::put(ONE, &self.ids(id))
            .json(&json!({ "status": status }))
            .repeat(Repeat::Always)
            .recovery(Recovery::retrieve(ONE, &self.ids(id)))
            .about(id)
    }
}

/// What [`WithdrawalApi::create`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateWithdrawal {
    /// Whose balance is paid out.
    pub user: Id<User>,
    /// How much, in fen.
    pub amount: Amount,
    /// The fee of the user, in fen; nothing if not set.
    #[builder(default)]
    pub user_fee: Amount,
    /// The merchant's number: letters and digits, on WeChat up to 32, on Alipay up to 64, on
    /// `unionpay` up to 16 digits, on `allinpay` 20 to 40, the merchant's number first.
    pub order_no: String,
    /// How it is paid out; not needed with a settle account.
    pub channel: Option<WithdrawalChannel>,
    /// Whom it is paid to, by channel, such as `card_number`, `user_name` and `open_bank_code` on
    /// `unionpay`; not needed with a settle account.
    pub extra: Option<JsonObject>,
    /// Where it is paid out to, instead of `channel` and `extra`.
    pub settle_account: Option<Id<SettleAccount>>,
    /// What for, up to 60 characters.
    pub description: Option<String>,
    /// The merchant's own keys and values: up to 20, 1,000 characters in all.
    pub metadata: Option<JsonObject>,
}

/// Which withdrawals [`WithdrawalApi::list`] lists; all of the app's without any of these.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct ListWithdrawals {
    /// Created in this time: `from..until`.
    pub created: Option<TimeRange>,
    /// Of this user.
    pub user: Option<Id<User>>,
    /// With this status.
    pub status: Option<WithdrawalStatus>,
    /// On this channel.
    pub channel: Option<WithdrawalChannel>,
}

object! {
    /// A payout of balance. Receiving one does not mean that the money arrived: see
    /// [`state`](Self::state).
    pub struct Withdrawal = "withdrawal" {
        required {
            /// 19 digits.
            id: Id<Withdrawal>,
            /// Whether real money moves.
            livemode: bool,
            /// How far it got; [`state`](Self::state) judges it.
            status: WithdrawalStatus,
            /// The merchant's number.
            order_no: String,
            /// How much, in fen.
            amount: Amount,
            /// Whose balance is paid out.
            user: Id<User>,
        }
        strict {
            /// When it was paid out.
            time_succeeded: Timestamp,
            /// When it was canceled.
            time_canceled: Timestamp,
        }
        optional {
            /// When it was created.
            created: Timestamp,
            /// The app.
            app: Id<App>,
            /// How it is paid out.
            channel: WithdrawalChannel,
            /// Where it is paid out to.
            settle_account: Id<SettleAccount>,
            /// The fee of the channel, in fen.
            fee: Amount,
            /// The fee of the user, in fen.
            user_fee: Amount,
            /// The entry in the user's balance; empty if there is none.
            balance_transaction: String,
            /// The transfer that pays it.
            source: String,
            /// The page on which the merchant confirms it at Alipay.
            operation_url: String,
            /// What for.
            description: String,
            /// Why it failed, in words.
            failure_msg: String,
            /// Of old objects; empty.
            asset_transaction: String,
        }
        maps {
            /// Whom it is paid to, by channel.
            extra,
            /// The merchant's own keys and values.
            metadata,
        }
    }
}

open_enum! {
    /// `withdrawal.channel`: how balance is paid out.
    pub enum WithdrawalChannel {
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
        /// Only official SDKs name it.
        Chanpay = "chanpay",
        /// Paid out outside of Ping++.
        Custom = "custom",
    }
}

open_enum! {
    /// `withdrawal.status`.
    pub enum WithdrawalStatus {
        /// Not confirmed, or back from a payout for which the merchant's account lacked money.
        Created = "created",
        /// Under way.
        Pending = "pending",
        /// Paid out.
        Succeeded = "succeeded",
        /// It failed; the balance is back.
        Failed = "failed",
        /// Canceled; the balance is back.
        Canceled = "canceled",
    }
}

/// Where a withdrawal stands, from [`Withdrawal::state`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithdrawalState<'a> {
    /// The balance is taken, and nothing is paid out until the merchant [confirms](WithdrawalApi) it.
    /// It also comes back here if the merchant's account lacks money.
    Created,
    /// The merchant must confirm it on this page of Alipay.
    NeedsMerchant {
        /// The page.
        url: &'a str,
    },
    /// Under way, or not clear: it may still arrive.
    Pending,
    /// The money arrived.
    Succeeded,
    /// It was not paid out and will not be.
    Failed,
    /// It was canceled before it was paid out.
    Canceled,
}

impl Withdrawal {
    /// Where it stands. What contradicts itself, or is new, is [`Pending`](WithdrawalState::Pending):
    /// neither done nor failed.
    pub fn state(&self) -> WithdrawalState<'_> {
        use WithdrawalStatus::{Canceled, Created, Failed, Pending, Succeeded};
        let url = self.operation_url.as_deref().filter(|url| !url.is_empty());
        let failed = self.failure_msg.as_deref().is_some_and(|why| !why.is_empty());
        match (&self.status, self.time_succeeded, self.time_canceled) {
            (Created, None, None) => WithdrawalState::Created,
            (Pending, None, None) if !failed => match url {
                Some(url) => WithdrawalState::NeedsMerchant { url },
                None => WithdrawalState::Pending,
            },
            (Succeeded, _, None) if !failed => WithdrawalState::Succeeded,
            (Failed, None, None) => WithdrawalState::Failed,
            (Canceled, None, _) => WithdrawalState::Canceled,
            _ => WithdrawalState::Pending,
        }
    }
}
