//! Coupons of one user. `/v1/apps/{app}/users/{user}/coupons`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does. All of it
//! is about the client's app. Coupons for many users at once:
//! [`coupon_templates`](crate::coupon_templates).

use bon::Builder;
use serde::Serialize;
use serde_with::skip_serializing_none;

pub use super::coupon_templates::Coupon;
use super::coupon_templates::{CouponTemplate, Metadata};
use super::lost;
use super::users::User;
use crate::call::Call;
use crate::client::Client;
use crate::pager::{ByNumber, Pager};
use crate::recovery::{Recovery, Search};
use crate::request::{Request, app_segment};
use crate::retry::Repeat;
use crate::types::{Deleted, Id, JsonObject, TimeRange};

/// Coupons of one user. From [`Client::coupons`].
#[derive(Debug, Clone)]
pub struct CouponApi {
    client: Client,
    user: Id<User>,
}

impl Client {
    /// Coupons of a user: create, retrieve, list, update, delete.
    /// `/v1/apps/{app}/users/{user}/coupons`
    pub fn coupons(&self, user: impl Into<Id<User>>) -> CouponApi {
        CouponApi { client: self.clone(), user: user.into() }
    }
}

const ROUTE: &str = "/v1/apps/{app}/users/{user}/coupons";
const ONE: &str = "/v1/apps/{app}/users/{user}/coupons/{id}";

impl CouponApi {
    /// Gives the user a coupon: `POST /v1/apps/{app}/users/{user}/coupons`.
    ///
    /// **Repeats:** never; a second one gives another coupon. **Dropping:** the coupon may exist.
    /// On an unknown outcome, [`Client::recover`] finds it by its metadata; without any it lists
    /// the user's new ones.
    pub fn create(&self, params: impl Into<CreateCoupon>) -> Call<Coupon> {
        let (params, ids) = (params.into(), [app_segment(self.client.app()), self.user.as_str()]);
        let search = Search { by_time: true, per_page: Some(100), ..Search::list(ROUTE, &ids) };
        let request = Request::post(ROUTE, &ids)
            .json(&params)
            .recovery(lost::find_tagged(search, params.metadata.as_ref(), None))
            .about_new::<Coupon>()
            .same("user", self.user.as_str())
            .same("coupon_template", params.coupon_template.as_str());
        self.client.fetch(request)
    }

    /// Retrieves a coupon: `GET /v1/apps/{app}/users/{user}/coupons/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<Coupon>>) -> Call<Coupon> {
        let id = id.into();
        self.client.fetch(Request::get(ONE, &self.ids(&id)).about(&id))
    }

    /// Coupons of the user, newest first: `GET /v1/apps/{app}/users/{user}/coupons`.
    pub fn list(&self, filter: impl Into<ListCoupons>) -> Pager<Coupon, ByNumber> {
        let ids = [app_segment(self.client.app()), self.user.as_str()];
        let request = Request::get(ROUTE, &ids).query_from(&filter.into());
        Pager::by_number(&self.client, request).of_mode(|coupon| Some(coupon.livemode))
    }

    /// Sets the metadata of a coupon: `PUT /v1/apps/{app}/users/{user}/coupons/{id}`.
    ///
    /// **Repeats:** always; it sets a value. **Dropping:** call it again.
    pub fn update(
        &self,
        id: impl Into<Id<Coupon>>,
        metadata: impl Into<JsonObject>,
    ) -> Call<Coupon> {
        let id = id.into();
        let request = Request::put(ONE, &self.ids(&id))
            .json(&Metadata { metadata: metadata.into() })
            .repeat(Repeat::Always)
            .recovery(Recovery::retrieve(ONE, &self.ids(&id)))
            .about(&id);
        self.client.fetch(request)
    }

    /// Takes a coupon away: `DELETE /v1/apps/{app}/users/{user}/coupons/{id}`.
    ///
    /// **Repeats:** always; it stays away. **Dropping:** call it again.
    pub fn delete(&self, id: impl Into<Id<Coupon>>) -> Call<Deleted<Coupon>> {
        let id = id.into();
        let request = Request::delete(ONE, &self.ids(&id))
            .repeat(Repeat::Always)
            .recovery(Recovery::retrieve(ONE, &self.ids(&id)))
            .same("id", id.as_str())
            .wants("deleted", true);
        self.client.fetch(request)
    }

    fn ids<'a>(&'a self, id: &'a Id<Coupon>) -> [&'a str; 3] {
        [app_segment(self.client.app()), self.user.as_str(), id.as_str()]
    }
}

/// What [`CouponApi::create`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateCoupon {
    /// What the coupon is worth.
    pub coupon_template: Id<CouponTemplate>,
    /// The merchant's own keys and values: up to 20, 1,000 characters in all. A good place for a tag.
    pub metadata: Option<JsonObject>,
}

/// Which coupons [`CouponApi::list`] lists; all of the user's without any of these.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct ListCoupons {
    /// Created in this time: `from..until`.
    pub created: Option<TimeRange>,
    /// Redeemed, or not.
    pub redeemed: Option<bool>,
}
