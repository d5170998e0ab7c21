//! Coupon templates: what coupons are worth, and coupons for many users at once.
//! `/v1/apps/{app}/coupon_templates`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does. All of it
//! is about the client's app. Coupons of one user: [`coupons`](crate::coupons).

use bon::Builder;
use serde::Serialize;
use serde_with::skip_serializing_none;

use super::lost;
use super::users::User;
use crate::call::Call;
use crate::client::Client;
use crate::macros::object::object;
use crate::pager::{ByNumber, Pager};
use crate::recovery::{Recovery, Search};
use crate::request::{Request, app_segment};
use crate::retry::Repeat;
use crate::types::{Amount, App, Deleted, Id, JsonObject, List, TimeRange, Timestamp};

/// Coupon templates. From [`Client::coupon_templates`].
#[derive(Debug, Clone)]
pub struct CouponTemplateApi {
    client: Client,
}

impl Client {
    /// Coupon templates: create, retrieve, list, update, delete, and their coupons.
    /// `/v1/apps/{app}/coupon_templates`
    pub fn coupon_templates(&self) -> CouponTemplateApi {
        CouponTemplateApi { client: self.clone() }
    }
}

const ROUTE: &str = "/v1/apps/{app}/coupon_templates";
const ONE: &str = "/v1/apps/{app}/coupon_templates/{id}";
const COUPONS: &str = "/v1/apps/{app}/coupon_templates/{coupon_template}/coupons";

impl CouponTemplateApi {
    /// Creates a template: `POST /v1/apps/{app}/coupon_templates`.
    ///
    /// **Repeats:** never; a second one is another template. **Dropping:** the template may exist.
    /// On an unknown outcome, [`Client::recover`] finds it by its metadata; without any it lists
    /// the new ones.
    pub fn create(&self, params: impl Into<CreateCouponTemplate>) -> Call<CouponTemplate> {
        let (params, app) = (params.into(), app_segment(self.client.app()));
        let search = Search { by_time: true, per_page: Some(100), ..Search::list(ROUTE, &[app]) };
        let request = Request::post(ROUTE, &[app])
            .json(&params)
            .recovery(lost::find_tagged(search, params.metadata.as_ref(), None))
            .about_new::<CouponTemplate>()
            .same("app", app)
            .same("type", params.discount.kind);
        self.client.fetch(request)
    }

    /// Retrieves a template: `GET /v1/apps/{app}/coupon_templates/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<CouponTemplate>>) -> Call<CouponTemplate> {
        let id = id.into();
        self.client.fetch(Request::get(ONE, &self.ids(&id)).about(&id))
    }

    /// Templates of the app, newest first: `GET /v1/apps/{app}/coupon_templates`.
    pub fn list(&self, filter: impl Into<ListCouponTemplates>) -> Pager<CouponTemplate, ByNumber> {
        let request = Request::get(ROUTE, &[app_segment(self.client.app())]);
        let request = request.query_from(&filter.into());
        Pager::by_number(&self.client, request).of_mode(|template| Some(template.livemode))
    }

    /// Sets the metadata of a template: `PUT /v1/apps/{app}/coupon_templates/{id}`.
    ///
    /// **Repeats:** always; it sets a value. **Dropping:** call it again.
    pub fn update(
        &self,
        id: impl Into<Id<CouponTemplate>>,
        metadata: impl Into<JsonObject>,
    ) -> Call<CouponTemplate> {
        let id = id.into();
        let request = Request::put(ONE, &self.ids(&id))
            .json(&Metadata { metadata: metadata.into() })
            .repeat(Repeat::Always)
            .recovery(Recovery::retrieve(ONE, &self.ids(&id)))
            .about(&id);
        self.client.fetch(request)
    }

    /// Deletes a template: `DELETE /v1/apps/{app}/coupon_templates/{id}`.
    ///
    /// **Repeats:** always; it stays deleted. **Dropping:** call it again.
    pub fn delete(&self, id: impl Into<Id<CouponTemplate>>) -> Call<Deleted<CouponTemplate>> {
        let id = id.into();
        let request = Request::delete(ONE, &self.ids(&id))
            .repeat(Repeat::Always)
            .recovery(Recovery::retrieve(ONE, &self.ids(&id)))
            .same("id", id.as_str())
            .wants("deleted", true);
        self.client.fetch(request)
    }

    /// Gives each of these users a coupon:
    /// `POST /v1/apps/{app}/coupon_templates/{coupon_template}/coupons`.
    ///
    /// **Repeats:** never; a second one gives each another coupon.
    /// **Dropping:** the coupons may exist. On an unknown outcome, `client.recover::<Coupon>` finds
    /// the coupons by their metadata; without any it lists those of the template.
    pub fn create_coupons(
        &self,
        template: impl Into<Id<CouponTemplate>>,
        params: impl Into<CreateCoupons>,
    ) -> Call<List<Coupon>> {
        let (template, params) = (template.into(), params.into());
        let ids = self.ids(&template);
        let search = Search { per_page: Some(100), ..Search::list(COUPONS, &ids) };
        let request = Request::post(COUPONS, &ids)
            .json(&params)
            .recovery(lost::find_tagged(search, params.metadata.as_ref(), None))
            .about_new::<List<Coupon>>();
        self.client.fetch(request)
    }

    /// Coupons of a template, newest first:
    /// `GET /v1/apps/{app}/coupon_templates/{coupon_template}/coupons`.
    pub fn list_coupons(&self, template: impl Into<Id<CouponTemplate>>) -> Pager<Coupon, ByNumber> {
        let request = Request::get(COUPONS, &self.ids(&template.into()));
        Pager::by_number(&self.client, request).of_mode(|coupon| Some(coupon.livemode))
    }

    fn ids<'a>(&'a self, id: &'a Id<CouponTemplate>) -> [&'a str; 2] {
        [app_segment(self.client.app()), id.as_str()]
    }
}

/// The body of an update that only sets metadata.
#[derive(Serialize)]
pub(super) struct Metadata {
    pub(super) metadata: JsonObject,
}

/// What [`CouponTemplateApi::create`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateCouponTemplate {
    /// What a coupon takes off.
    #[serde(flatten)]
    pub discount: Discount,
    /// The name that users see.
    pub name: Option<String>,
    /// The least that an order must cost, in fen; 0 for any order.
    pub amount_available: Option<Amount>,
    /// How many coupons there can be, 1 to 1,000,000; any number if not set.
    pub max_circulation: Option<i64>,
    /// How many of them a user can get, 1 to 100; one if not set.
    pub max_user_circulation: Option<i64>,
    /// When its coupons can be redeemed; always if not set.
    pub expiration: Option<Expiration>,
    /// Whether the coupon comes back when all of the order is refunded.
    pub refundable: Option<bool>,
    /// The merchant's own keys and values: up to 20, 1,000 characters in all. A good place for a tag.
    pub metadata: Option<JsonObject>,
}

/// What a coupon takes off the price of an order.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Discount {
    #[serde(rename = "type")]
    kind: i64,
    amount_off: Option<Amount>,
    percent_off: Option<i64>,
    discount_amount_limit: Option<Amount>,
}

impl Discount {
    /// An amount, in fen.
    pub fn cash(amount: Amount) -> Self {
        let (percent_off, discount_amount_limit) = (None, None);
        Self { kind: 1, amount_off: Some(amount), percent_off, discount_amount_limit }
    }

    /// A share of the price: with 20 the customer pays 80 %, with 100 nothing.
    pub fn percent(percent: i64) -> Self {
        let (amount_off, discount_amount_limit) = (None, None);
        Self { kind: 2, amount_off, percent_off: Some(percent), discount_amount_limit }
    }

    /// But at most so much, in fen; for a share.
    #[must_use = "it returns another discount"]
    pub fn up_to(self, limit: Amount) -> Self {
        Self { discount_amount_limit: Some(limit), ..self }
    }
}

/// When coupons can be redeemed.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Expiration {
    time_start: Option<Timestamp>,
    time_end: Option<Timestamp>,
    duration: Option<i64>,
}

impl Expiration {
    /// Between these times.
    pub fn between(start: Timestamp, end: Timestamp) -> Self {
        Self { time_start: Some(start), time_end: Some(end), duration: None }
    }

    /// So many seconds from when the user got it.
    pub fn after_seconds(duration: i64) -> Self {
        Self { time_start: None, time_end: None, duration: Some(duration) }
    }
}

/// Which templates [`CouponTemplateApi::list`] lists; all of the app's without any of these.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct ListCouponTemplates {
    /// Created in this time: `from..until`.
    pub created: Option<TimeRange>,
}

/// What [`CouponTemplateApi::create_coupons`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateCoupons {
    /// Who gets one.
    pub users: Vec<Id<User>>,
    /// The merchant's own keys and values of each: up to 20, 1,000 characters in all.
    pub metadata: Option<JsonObject>,
}

object! {
    /// What coupons are worth.
    pub struct CouponTemplate = "coupon_template" {
        required {
            /// 24 digits.
            id: Id<CouponTemplate>,
            /// Whether it is about real money.
            livemode: bool,
        }
        strict {
            /// 1 for an amount, 2 for a share; `type` in the API.
            kind as "type": i64,
            /// What a coupon takes off, in fen.
            amount_off: Amount,
            /// What a coupon takes off, in percent: with 20 the customer pays 80 %.
            percent_off: i64,
        }
        optional {
            /// When it was created.
            created: Timestamp,
            /// The app.
            app: Id<App>,
            /// The name that users see.
            name: String,
            /// The most that a share takes off, in fen.
            discount_amount_limit: Amount,
            /// The least that an order must cost, in fen.
            amount_available: Amount,
            /// How many coupons there can be.
            max_circulation: i64,
            /// How many of them a user can get.
            max_user_circulation: i64,
            /// When its coupons can be redeemed.
            expiration: CouponExpiration,
            /// Whether the coupon comes back when all of the order is refunded.
            refundable: bool,
            /// How many coupons there are.
            times_circulated: i64,
            /// How many of them were redeemed.
            times_redeemed: i64,
        }
        maps {
            /// The merchant's own keys and values.
            metadata,
        }
    }
}

object! {
    /// When the coupons of a template can be redeemed.
    pub struct CouponExpiration {
        optional {
            /// From then on.
            time_start: Timestamp,
            /// Until then.
            time_end: Timestamp,
            /// For so many seconds from when the user got it.
            duration: i64,
        }
    }
}

object! {
    /// A coupon of a user. An order takes it as [`coupon`](crate::orders::CreateOrder::coupon).
    pub struct Coupon = "coupon" {
        required {
            /// 24 digits.
            id: Id<Coupon>,
            /// Whether it is about real money.
            livemode: bool,
        }
        strict {
            /// Whether it can be redeemed now.
            valid: bool,
            /// Whether it was redeemed.
            redeemed: bool,
            /// What the order cost with it, in fen; once redeemed.
            actual_amount: Amount,
        }
        optional {
            /// When it was created.
            created: Timestamp,
            /// The app.
            app: Id<App>,
            /// What it is worth.
            coupon_template: CouponTemplate,
            /// Whose it is.
            user: Id<User>,
            /// From when it can be redeemed.
            time_start: Timestamp,
            /// Until when it can be redeemed.
            time_end: Timestamp,
            /// The order that redeemed it.
            order: String,
            /// How many coupons of the template the user got.
            user_times_circulated: i64,
        }
        maps {
            /// The merchant's own keys and values.
            metadata,
        }
    }
}
