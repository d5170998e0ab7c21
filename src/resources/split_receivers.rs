//! Split receivers: who may get a share of a WeChat payment. `/v1/split_receivers`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does. Shares are
//! given by [`split_profits`](crate::split_profits).

use bon::Builder;
use serde::Serialize;
use serde_json::{Map, json};
use serde_with::skip_serializing_none;

use crate::call::Call;
use crate::client::Client;
use crate::macros::object::object;
use crate::macros::open_enum::open_enum;
use crate::pager::{ByNumber, Pager};
use crate::recovery::{Recovery, Search};
use crate::request::Request;
use crate::retry::Repeat;
use crate::types::{App, Channel, Deleted, Id, JsonObject, Sensitive, Timestamp};

/// Split receivers. From [`Client::split_receivers`].
#[derive(Debug, Clone)]
pub struct SplitReceiverApi {
    client: Client,
}

impl Client {
    /// Split receivers: create, retrieve, list, delete. `/v1/split_receivers`
    pub fn split_receivers(&self) -> SplitReceiverApi {
        SplitReceiverApi { client: self.clone() }
    }
}

impl SplitReceiverApi {
    /// Adds a receiver: `POST /v1/split_receivers`.
    ///
    /// **Repeats:** never, since nothing says what a second one does.
    /// **Dropping:** it may exist; [`Client::recover`] finds it by account, type and channel.
    pub fn create(&self, params: impl Into<CreateSplitReceiver>) -> Call<SplitReceiver> {
        let (params, app) = (params.into(), self.client.app());
        let marks = [
            ("account", params.account.as_str()),
            ("type", params.kind.as_str()),
            ("channel", params.channel.as_str()),
        ];
        let marks = marks.map(|(field, value)| (field.to_owned(), value.into()));
        let query = json!({ "app": app });
        let list = Search::list("/v1/split_receivers", &[]);
        let marks = Map::from_iter(marks);
        let search = Search { query, marks, per_page: Some(100), ..list };
        let request = Request::post("/v1/split_receivers", &[])
            .in_app(app, &params)
            .recovery(Recovery::Find(search))
            .about_new::<SplitReceiver>();
        self.client.fetch(request)
    }

    /// Retrieves a receiver: `GET /v1/split_receivers/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<SplitReceiver>>) -> Call<SplitReceiver> {
        let id = id.into();
        self.client.fetch(Request::get("/v1/split_receivers/{id}", &[id.as_str()]).about(&id))
    }

    /// Receivers of the app, newest first: `GET /v1/split_receivers`.
    pub fn list(&self, filter: impl Into<ListSplitReceivers>) -> Pager<SplitReceiver, ByNumber> {
        let request = Request::get("/v1/split_receivers", &[]);
        let request = request.in_app(self.client.app(), &filter.into());
        Pager::by_number(&self.client, request).of_mode(|receiver| receiver.livemode)
    }

    /// Removes a receiver: `DELETE /v1/split_receivers/{id}`.
    ///
    /// **Repeats:** always; it stays removed. **Dropping:** call it again.
    pub fn delete(&self, id: impl Into<Id<SplitReceiver>>) -> Call<Deleted<SplitReceiver>> {
        let id = id.into();
        let request = Request::delete("/v1/split_receivers/{id}", &[id.as_str()])
            .repeat(Repeat::Always)
            .recovery(Recovery::retrieve("/v1/split_receivers/{id}", &[id.as_str()]))
            .same("id", id.as_str())
            .wants("deleted", true);
        self.client.fetch(request)
    }
}

/// What [`SplitReceiverApi::create`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateSplitReceiver {
    /// What the account is; `type` in the API.
    #[serde(rename = "type")]
    pub kind: SplitReceiverType,
    /// The account at WeChat, up to 64 characters.
    pub account: Sensitive,
    /// The name of the person or merchant, up to 1,024 characters.
    pub name: Option<Sensitive>,
    /// The WeChat channel of the payments.
    pub channel: Channel,
    /// The merchant's own keys and values: up to 20, 1,000 characters in all.
    pub metadata: Option<JsonObject>,
}

/// Which receivers [`SplitReceiverApi::list`] lists; all of the app's without any of these.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct ListSplitReceivers {
    /// Whose account is this.
    #[serde(rename = "type")]
    pub kind: Option<SplitReceiverType>,
    /// On this channel.
    pub channel: Option<Channel>,
}

object! {
    /// A receiver of shares.
    pub struct SplitReceiver = "split_receiver" {
        required {
            /// `recv_` and 14 characters.
            id: Id<SplitReceiver>,
        }
        strict {
            /// Whether it is about real money.
            livemode: bool,
        }
        optional {
            /// When it was created.
            created: Timestamp,
            /// The app.
            app: Id<App>,
            /// The WeChat channel of the payments.
            channel: Channel,
            /// What the account is; `type` in the API.
            kind as "type": SplitReceiverType,
            /// The account at WeChat.
            account: Sensitive,
            /// The name of the person or merchant.
            name: Sensitive,
        }
        maps {
            /// Values of the channel.
            extra,
            /// The merchant's own keys and values.
            metadata,
        }
    }
}

open_enum! {
    /// `split_receiver.type`: what the account is.
    pub enum SplitReceiverType {
        /// A merchant number.
        MerchantId = "MERCHANT_ID",
        /// A WeChat id.
        PersonalWechatid = "PERSONAL_WECHATID",
        /// An open id.
        PersonalOpenid = "PERSONAL_OPENID",
        /// An open id of a sub-merchant.
        PersonalSubOpenid = "PERSONAL_SUB_OPENID",
    }
}
