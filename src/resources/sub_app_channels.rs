//! Channels of a sub-app: how its customers pay. `/v1/apps/{app}/sub_apps/{sub_app}/channels`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does. All of it
//! is about the client's app, which is the platform's. Works with a live key only. The
//! parameters of a channel contain private keys; `Debug` shows their names only.

use bon::Builder;
use serde::Serialize;
use serde_json::Value;
use serde_with::skip_serializing_none;

use super::sub_apps::SubApp;
use crate::call::Call;
use crate::client::Client;
use crate::macros::object::object;
use crate::recovery::Recovery;
use crate::request::{Request, app_segment};
use crate::retry::Repeat;
use crate::types::{Channel, Id, JsonObject, Timestamp};

/// Channels of one sub-app. From [`Client::sub_app_channels`].
#[derive(Debug, Clone)]
pub struct SubAppChannelApi {
    client: Client,
    sub_app: Id<SubApp>,
}

impl Client {
    /// Channels of a sub-app: create, retrieve, update, delete.
    /// `/v1/apps/{app}/sub_apps/{sub_app}/channels`
    pub fn sub_app_channels(&self, sub_app: impl Into<Id<SubApp>>) -> SubAppChannelApi {
        SubAppChannelApi { client: self.clone(), sub_app: sub_app.into() }
    }
}

const ROUTE: &str = "/v1/apps/{app}/sub_apps/{sub_app}/channels";
const ONE: &str = "/v1/apps/{app}/sub_apps/{sub_app}/channels/{id}";

impl SubAppChannelApi {
    /// Switches a channel on: `POST /v1/apps/{app}/sub_apps/{sub_app}/channels`.
    ///
    /// **Repeats:** never, since nothing says what a second one does.
    /// **Dropping:** the channel may be on. On an unknown outcome, [`Client::recover`] retrieves
    /// the channel.
    pub fn create(&self, params: impl Into<CreateSubAppChannel>) -> Call<SubAppChannel> {
        let params = params.into();
        let ids = [app_segment(self.client.app()), self.sub_app.as_str()];
        let request = Request::post(ROUTE, &ids).json(&params);
        self.about(request, &params.channel)
    }

    /// Retrieves a channel: `GET /v1/apps/{app}/sub_apps/{sub_app}/channels/{id}`.
    pub fn retrieve(&self, channel: impl Into<Channel>) -> Call<SubAppChannel> {
        let channel = channel.into();
        self.about(Request::get(ONE, &self.ids(&channel)), &channel)
    }

    /// Changes a channel: `PUT /v1/apps/{app}/sub_apps/{sub_app}/channels/{id}`.
    ///
    /// **Repeats:** always; it sets values. **Dropping:** call it again.
    pub fn update(
        &self,
        channel: impl Into<Channel>,
        params: impl Into<UpdateSubAppChannel>,
    ) -> Call<SubAppChannel> {
        let channel = channel.into();
        let request = Request::put(ONE, &self.ids(&channel)).json(&params.into());
        self.about(request.repeat(Repeat::Always), &channel)
    }

    /// Switches a channel off: `DELETE /v1/apps/{app}/sub_apps/{sub_app}/channels/{id}`.
    ///
    /// **Repeats:** always; it stays off. **Dropping:** call it again.
    pub fn delete(&self, channel: impl Into<Channel>) -> Call<DeletedChannel> {
        let channel = channel.into();
        let request = Request::delete(ONE, &self.ids(&channel))
            .repeat(Repeat::Always)
            .recovery(Recovery::retrieve(ONE, &self.ids(&channel)))
            .same("channel", channel.as_str())
            .wants("deleted", true);
        self.client.fetch(request)
    }

    fn ids<'a>(&'a self, channel: &'a Channel) -> [&'a str; 3] {
        [app_segment(self.client.app()), self.sub_app.as_str(), channel.as_str()]
    }

    fn about(&self, request: Request, channel: &Channel) -> Call<SubAppChannel> {
        let request = request
            .recovery(Recovery::retrieve(ONE, &self.ids(channel)))
            .about_new::<SubAppChannel>()
            .same("channel", channel.as_str());
        self.client.fetch(request)
    }
}

/// What [`SubAppChannelApi::create`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateSubAppChannel {
    /// Which one.
    pub channel: Channel,
    /// Its parameters, such as the merchant number, the private key and `fee_rate`.
    pub params: JsonObject,
    /// Whether it is blocked for the time being.
    pub banned: Option<bool>,
    /// Why it is blocked, up to 255 characters; [`Value::Null`] for no reason.
    pub banned_msg: Option<Value>,
    /// The merchant's note, up to 255 characters.
    pub description: Option<String>,
}

/// What [`SubAppChannelApi::update`] changes; what is not set stays.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct UpdateSubAppChannel {
    /// Its parameters, instead of those it has.
    pub params: Option<JsonObject>,
    /// Whether it is blocked.
    pub banned: Option<bool>,
    /// Why it is blocked, up to 255 characters; [`Value::Null`] for no reason.
    pub banned_msg: Option<Value>,
    /// The merchant's note, up to 255 characters.
    pub description: Option<String>,
}

object! {
    /// A channel of a sub-app, for payments or for payouts.
    pub struct SubAppChannel = "channel" {
        required {
            /// Which one.
            channel: Channel,
        }
        strict {
            /// Whether it is blocked.
            banned: bool,
        }
        optional {
            /// When it was created.
            created: Timestamp,
            /// Why it is blocked.
            banned_msg: String,
            /// The merchant's note.
            description: String,
        }
        maps {
            /// Its parameters, private keys among them.
            params,
        }
    }
}

object! {
    /// A channel that was switched off.
    pub struct DeletedChannel {
        required {
            /// Which one.
            channel: Channel,
            /// Whether it is off.
            deleted: bool,
        }
    }
}
