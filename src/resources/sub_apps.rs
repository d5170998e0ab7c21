//! Sub-apps: the shops of a platform. `/v1/apps/{app}/sub_apps`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does. All of it
//! is about the client's app, which is the platform's. To work for a shop:
//! `client.with_app(&sub_app.id)`.

use bon::Builder;
use serde::Serialize;
use serde_json::Map;
use serde_with::skip_serializing_none;

use super::users::User;
use crate::call::Call;
use crate::client::Client;
use crate::macros::object::object;
use crate::pager::{ByNumber, Pager};
use crate::recovery::{Recovery, Search};
use crate::request::{Request, app_segment};
use crate::retry::Repeat;
use crate::types::{App, Channel, Deleted, Expandable, Id, JsonObject, TimeRange, Timestamp};

/// Sub-apps. From [`Client::sub_apps`].
#[derive(Debug, Clone)]
pub struct SubAppApi {
    client: Client,
}

impl Client {
    /// Sub-apps: create, retrieve, list, update, delete. `/v1/apps/{app}/sub_apps`
    pub fn sub_apps(&self) -> SubAppApi {
        SubAppApi { client: self.clone() }
    }
}

const ROUTE: &str = "/v1/apps/{app}/sub_apps";
const ONE: &str = "/v1/apps/{app}/sub_apps/{id}";

impl SubAppApi {
    /// Creates a sub-app: `POST /v1/apps/{app}/sub_apps`.
    ///
    /// **Repeats:** never; a second one is another sub-app. **Dropping:** the sub-app may exist. On
    /// an unknown outcome, [`Client::recover`] finds the new sub-app of this user and name.
    pub fn create(&self, params: impl Into<CreateSubApp>) -> Call<SubApp> {
        let (params, app) = (params.into(), app_segment(self.client.app()));
        let marks = [("user", params.user.as_str()), ("display_name", &params.display_name)];
        let marks = Map::from_iter(marks.map(|(field, value)| (field.to_owned(), value.into())));
        let search =
            Search { marks, by_time: true, per_page: Some(100), ..Search::list(ROUTE, &[app]) };
        let request = Request::post(ROUTE, &[app])
            .json(&params)
            .recovery(Recovery::Find(search))
            .about_new::<SubApp>()
            .same("user", params.user.as_str());
        self.client.fetch(request)
    }

    /// Retrieves a sub-app: `GET /v1/apps/{app}/sub_apps/{id}`. [`Call::expand`] shows its `user`.
    pub fn retrieve(&self, id: impl Into<Id<SubApp>>) -> Call<SubApp> {
        let id = id.into();
        self.client.fetch(Request::get(ONE, &self.ids(&id)).about(&id))
    }

    /// Sub-apps of the app, newest first: `GET /v1/apps/{app}/sub_apps`.
    pub fn list(&self, filter: impl Into<ListSubApps>) -> Pager<SubApp, ByNumber> {
        let request = Request::get(ROUTE, &[app_segment(self.client.app())]);
        Pager::by_number(&self.client, request.query_from(&filter.into()))
    }

    /// Changes a sub-app: `PUT /v1/apps/{app}/sub_apps/{id}`.
    ///
    /// **Repeats:** always; it sets values. **Dropping:** call it again.
    pub fn update(
        &self,
        id: impl Into<Id<SubApp>>,
        params: impl Into<UpdateSubApp>,
    ) -> Call<SubApp> {
        let id = id.into();
        let request = Request::put(ONE, &self.ids(&id))
            .json(&params.into())
            .repeat(Repeat::Always)
            .recovery(Recovery::retrieve(ONE, &self.ids(&id)))
            .about(&id);
        self.client.fetch(request)
    }

    /// Deletes a sub-app: `DELETE /v1/apps/{app}/sub_apps/{id}`.
    ///
    /// **Repeats:** always; it stays deleted. **Dropping:** call it again.
    pub fn delete(&self, id: impl Into<Id<SubApp>>) -> Call<Deleted<SubApp>> {
        let id = id.into();
        let request = Request::delete(ONE, &self.ids(&id))
            .repeat(Repeat::Always)
            .recovery(Recovery::retrieve(ONE, &self.ids(&id)))
            .same("id", id.as_str())
            .wants("deleted", true);
        self.client.fetch(request)
    }

    fn ids<'a>(&'a self, id: &'a Id<SubApp>) -> [&'a str; 2] {
        [app_segment(self.client.app()), id.as_str()]
    }
}

/// What [`SubAppApi::create`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateSubApp {
    /// The name, 2 to 50 characters.
    pub display_name: String,
    /// The user whose shop it is; a business.
    pub user: Id<User>,
    /// The app above it.
    pub parent_app: Option<Id<App>>,
    /// The merchant's note, 2 to 50 characters.
    pub description: Option<String>,
    /// The merchant's own keys and values: up to 20, 1,000 characters in all.
    pub metadata: Option<JsonObject>,
}

/// What [`SubAppApi::update`] changes; what is not set stays.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct UpdateSubApp {
    /// The name, 2 to 50 characters.
    pub display_name: Option<String>,
    /// The app above it.
    pub parent_app: Option<Id<App>>,
    /// The merchant's note, 2 to 50 characters.
    pub description: Option<String>,
    /// The merchant's own keys and values, instead of those it has.
    pub metadata: Option<JsonObject>,
}

/// Which sub-apps [`SubAppApi::list`] lists; all of the app's without any of these.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct ListSubApps {
    /// Created in this time: `from..until`.
    pub created: Option<TimeRange>,
}

/// A sub-app is an app, and can be used as one.
impl From<&Id<SubApp>> for Id<App> {
    fn from(id: &Id<SubApp>) -> Self {
        Self::from(id.as_str())
    }
}

object! {
    /// The shop of a platform.
    pub struct SubApp = "sub_app" {
        required {
            /// `app_` and 16 characters.
            id: Id<SubApp>,
        }
        optional {
            /// When it was created.
            created: Timestamp,
            /// The name.
            display_name: String,
            /// The account it belongs to.
            account: String,
            /// The user whose shop it is: the id, or all of it with [`Call::expand`].
            user: Expandable<User>,
            /// The app above it.
            parent_app: Id<App>,
            /// How far below the platform it is, from 1.
            level: i64,
            /// The channels that are switched on.
            available_methods: Vec<Channel>,
            /// The merchant's note.
            description: String,
        }
        maps {
            /// Not documented.
            extra,
            /// The merchant's own keys and values.
            metadata,
        }
    }
}
