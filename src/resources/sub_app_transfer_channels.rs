//! Transfer channels of a sub-app: how it pays out.
//! `/v1/apps/{app}/sub_apps/{sub_app}/transfer_channels`
//!
//! As [`sub_app_channels`](crate::sub_app_channels), whose parameters and objects they share. Only the
//! official SDK for Python has these operations.
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does.

use super::sub_app_channels::{
    CreateSubAppChannel, DeletedChannel, SubAppChannel, UpdateSubAppChannel,
};
use super::sub_apps::SubApp;
use crate::call::Call;
use crate::client::Client;
use crate::recovery::Recovery;
use crate::request::{Request, app_segment};
use crate::retry::Repeat;
use crate::types::{Channel, Id};

/// Transfer channels of one sub-app. From [`Client::sub_app_transfer_channels`].
#[derive(Debug, Clone)]
pub struct SubAppTransferChannelApi {
    client: Client,
    sub_app: Id<SubApp>,
}

impl Client {
    /// Transfer channels of a sub-app: create, retrieve, update, delete.
    /// `/v1/apps/{app}/sub_apps/{sub_app}/transfer_channels`
    pub fn sub_app_transfer_channels(
        &self,
        sub_app: impl Into<Id<SubApp>>,
    ) -> SubAppTransferChannelApi {
        SubAppTransferChannelApi { client: self.clone(), sub_app: sub_app.into() }
    }
}

const ROUTE: &str = "/v1/apps/{app}/sub_apps/{sub_app}/transfer_channels";
const ONE: &str = "/v1/apps/{app}/sub_apps/{sub_app}/transfer_channels/{id}";

impl SubAppTransferChannelApi {
    /// Switches a channel on: `POST /v1/apps/{app}/sub_apps/{sub_app}/transfer_channels`.
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

    /// Retrieves a channel: `GET /v1/apps/{app}/sub_apps/{sub_app}/transfer_channels/{id}`.
    pub fn retrieve(&self, channel: impl Into<Channel>) -> Call<SubAppChannel> {
        let channel = channel.into();
        self.about(Request::get(ONE, &self.ids(&channel)), &channel)
    }

    /// Changes a channel: `PUT /v1/apps/{app}/sub_apps/{sub_app}/transfer_channels/{id}`.
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

    /// Switches a channel off: `DELETE /v1/apps/{app}/sub_apps/{sub_app}/transfer_channels/{id}`.
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
