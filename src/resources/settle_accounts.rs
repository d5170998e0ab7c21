//! Settle accounts: where a user's money is paid out to.
//! `/v1/apps/{app}/users/{user}/settle_accounts`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does. All of it
//! is about the client's app. Money is paid out by [`withdrawals`](crate::withdrawals) and
//! [`royalty_settlements`](crate::royalty_settlements).

use bon::Builder;
use serde::Serialize;
use serde_json::json;
use serde_with::skip_serializing_none;

use super::users::User;
pub use super::users::{SettleAccount, SettleAccountRecipient, SettleChannel};
use crate::call::Call;
use crate::client::Client;
use crate::pager::{ByNumber, Pager};
use crate::recovery::{Recovery, Search};
use crate::request::{Request, app_segment};
use crate::retry::Repeat;
use crate::types::{Amount, Deleted, Id, JsonObject, Sensitive};

/// Settle accounts of one user. From [`Client::settle_accounts`].
#[derive(Debug, Clone)]
pub struct SettleAccountApi {
    client: Client,
    user: Id<User>,
}

impl Client {
    /// Settle accounts of a user: create, retrieve, list, update, verify, delete.
    /// `/v1/apps/{app}/users/{user}/settle_accounts`
    pub fn settle_accounts(&self, user: impl Into<Id<User>>) -> SettleAccountApi {
        SettleAccountApi { client: self.clone(), user: user.into() }
    }
}

const ROUTE: &str = "/v1/apps/{app}/users/{user}/settle_accounts";
const ONE: &str = "/v1/apps/{app}/users/{user}/settle_accounts/{id}";

impl SettleAccountApi {
    /// Adds an account: `POST /v1/apps/{app}/users/{user}/settle_accounts`.
    ///
    /// **Repeats:** never, since nothing says that a second one is the same account.
    /// **Dropping:** the account may exist. On an unknown outcome, [`Client::recover`] lists the
    /// user's new accounts of the channel: their numbers come masked, so a person must tell.
    pub fn create(&self, params: impl Into<CreateSettleAccount>) -> Call<SettleAccount> {
        let (params, ids) = (params.into(), [app_segment(self.client.app()), self.user.as_str()]);
        let mut search =
            Search { is_unique: false, per_page: Some(100), ..Search::list(ROUTE, &ids) };
        search.marks.insert("channel".into(), params.channel.as_str().into());
        let request = Request::post(ROUTE, &ids)
            .json(&params)
            .recovery(Recovery::Find(search))
            .about_new::<SettleAccount>()
            .same("channel", params.channel.as_str());
        self.client.fetch(request)
    }

    /// Retrieves an account: `GET /v1/apps/{app}/users/{user}/settle_accounts/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<SettleAccount>>) -> Call<SettleAccount> {
        let id = id.into();
        self.client.fetch(Request::get(ONE, &self.ids(&id)).about(&id))
    }

    /// Accounts of the user: `GET /v1/apps/{app}/users/{user}/settle_accounts`.
    pub fn list(&self) -> Pager<SettleAccount, ByNumber> {
        let ids = [app_segment(self.client.app()), self.user.as_str()];
        let request = Request::get(ROUTE, &ids);
        Pager::by_number(&self.client, request).of_mode(|account| account.livemode)
    }

    /// Changes whose account it is: `PUT /v1/apps/{app}/users/{user}/settle_accounts/{id}`.
    ///
    /// **Repeats:** always; it sets values. **Dropping:** call it again.
    pub fn update(
        &self,
        id: impl Into<Id<SettleAccount>>,
        recipient: impl Into<SettleTo>,
    ) -> Call<SettleAccount> {
        let (id, params) = (id.into(), json!({ "recipient": recipient.into() }));
        let request = Request::put(ONE, &self.ids(&id)).json(&params).repeat(Repeat::Always);
        self.about(request, &id)
    }

    /// Changes the phone that the bank knows:
    /// `PUT /v1/apps/{app}/users/{user}/settle_accounts/{id}/mobile`.
    ///
    /// **Repeats:** always; it sets a value. **Dropping:** call it again.
    pub fn update_mobile(
        &self,
        id: impl Into<Id<SettleAccount>>,
        mobile: impl Into<Sensitive>,
    ) -> Call<SettleAccount> {
        let id = id.into();
        let route = "/v1/apps/{app}/users/{user}/settle_accounts/{id}/mobile";
        let request = Request::put(route, &self.ids(&id)).json(&json!({ "mobile": mobile.into() }));
        self.about(request.repeat(Repeat::Always), &id)
    }

    /// Proves that the account is the user's by the small amount that arrived on it:
    /// `POST /v1/apps/{app}/users/{user}/settle_accounts/{id}/verify`.
    ///
    /// **Repeats:** never; a wrong amount may count as another attempt.
    /// **Dropping:** the attempt may count.
    pub fn verify(
        &self,
        id: impl Into<Id<SettleAccount>>,
        receive_amount: Amount,
    ) -> Call<SettleAccount> {
        let id = id.into();
        let route = "/v1/apps/{app}/users/{user}/settle_accounts/{id}/verify";
        let params = json!({ "receive_amount": receive_amount });
        self.about(Request::post(route, &self.ids(&id)).json(&params), &id)
    }

    /// Removes an account: `DELETE /v1/apps/{app}/users/{user}/settle_accounts/{id}`.
    ///
    /// **Repeats:** always; it stays removed. **Dropping:** call it again.
    pub fn delete(&self, id: impl Into<Id<SettleAccount>>) -> Call<Deleted<SettleAccount>> {
        let id = id.into();
        let request = Request::delete(ONE, &self.ids(&id))
            .repeat(Repeat::Always)
            .recovery(Recovery::retrieve(ONE, &self.ids(&id)))
            .same("id", id.as_str())
            .wants("deleted", true);
        self.client.fetch(request)
    }

    fn ids<'a>(&'a self, id: &'a Id<SettleAccount>) -> [&'a str; 3] {
        [app_segment(self.client.app()), self.user.as_str(), id.as_str()]
    }

    fn about(&self, request: Request, id: &Id<SettleAccount>) -> Call<SettleAccount> {
        let recovery = Recovery::retrieve(ONE, &self.ids(id));
        self.client.fetch(request.recovery(recovery).about(id))
    }
}

/// What [`SettleAccountApi::create`] needs.
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateSettleAccount {
    /// How it is paid out.
    pub channel: SettleChannel,
    /// Whose account it is.
    pub recipient: SettleTo,
}

/// Whose account it is. What is needed depends on the channel.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct SettleTo {
    /// The account at Alipay, the number of the card, or the open id.
    pub account: Option<Sensitive>,
    /// The owner.
    pub name: Option<Sensitive>,
    /// `b2c` for a person, `b2b` for a company; `type` in the API.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Whether the name is checked, on WeChat.
    pub force_check: Option<bool>,
    /// What the account is at Alipay: `ALIPAY_USERID`, or `ALIPAY_LOGONID` if not set.
    pub account_type: Option<String>,
    /// The name of the bank.
    pub open_bank: Option<String>,
    /// The code of the bank, 4 digits.
    pub open_bank_code: Option<String>,
    /// 0 for a debit card, 1 for a passbook, 2 for a credit card, 3 for a quasi-credit card.
    pub card_type: Option<i64>,
    /// The province of the bank.
    pub prov: Option<String>,
    /// The city of the bank.
    pub city: Option<String>,
    /// The branch.
    pub sub_bank: Option<String>,
    /// The code of the branch.
    pub sub_bank_code: Option<String>,
    /// The phone that the bank knows.
    pub mobile: Option<Sensitive>,
    /// Values of the channel.
    pub extra: Option<JsonObject>,
}
