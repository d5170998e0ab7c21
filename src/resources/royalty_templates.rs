//! Royalty templates: rules by which orders are shared. `/v1/royalty_templates`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does. An order
//! takes one as [`royalty_template`](crate::orders::CreateOrder::royalty_template).

use bon::Builder;
use serde::Serialize;
use serde_json::json;
use serde_with::skip_serializing_none;

use crate::call::Call;
use crate::client::Client;
use crate::macros::object::object;
use crate::macros::open_enum::open_enum;
use crate::pager::{ByNumber, Pager};
use crate::recovery::{Recovery, Search};
use crate::request::Request;
use crate::retry::Repeat;
use crate::types::{App, Deleted, Id, Timestamp};

/// Royalty templates. From [`Client::royalty_templates`].
#[derive(Debug, Clone)]
pub struct RoyaltyTemplateApi {
    client: Client,
}

impl Client {
    /// Royalty templates: create, retrieve, list, update, delete. `/v1/royalty_templates`
    pub fn royalty_templates(&self) -> RoyaltyTemplateApi {
        RoyaltyTemplateApi { client: self.clone() }
    }
}

const ROUTE: &str = "/v1/royalty_templates";
const ONE: &str = "/v1/royalty_templates/{id}";

impl RoyaltyTemplateApi {
    /// Creates a template: `POST /v1/royalty_templates`.
    ///
    /// **Repeats:** never; a second one is another template. **Dropping:** the template may exist.
    /// On an unknown outcome, [`Client::recover`] lists the new templates of this name.
    pub fn create(&self, params: impl Into<CreateRoyaltyTemplate>) -> Call<RoyaltyTemplate> {
        let (params, app) = (params.into(), self.client.app());
        let query = json!({ "app": app });
        let mut search =
            Search { query, is_unique: false, per_page: Some(100), ..Search::list(ROUTE, &[]) };
        if let Some(name) = &params.name {
            search.marks.insert("name".into(), name.as_str().into());
        }
        let request = Request::post(ROUTE, &[])
            .in_app(app, &params)
            .recovery(Recovery::Find(search))
            .about_new::<RoyaltyTemplate>();
        self.client.fetch(request)
    }

    /// Retrieves a template: `GET /v1/royalty_templates/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<RoyaltyTemplate>>) -> Call<RoyaltyTemplate> {
        let id = id.into();
        self.client.fetch(Request::get(ONE, &[id.as_str()]).about(&id))
    }

    /// Templates of the app, newest first: `GET /v1/royalty_templates`.
    pub fn list(&self) -> Pager<RoyaltyTemplate, ByNumber> {
        let request = Request::get(ROUTE, &[]).in_app(self.client.app(), &json!({}));
        Pager::by_number(&self.client, request).of_mode(|template| template.livemode)
    }

    /// Changes a template: `PUT /v1/royalty_templates/{id}`.
    ///
    /// **Repeats:** always; it sets values. **Dropping:** call it again.
    pub fn update(
        &self,
        id: impl Into<Id<RoyaltyTemplate>>,
        params: impl Into<UpdateRoyaltyTemplate>,
    ) -> Call<RoyaltyTemplate> {
        let id = id.into();
        let request = Request::put(ONE, &[id.as_str()])
            .json(&params.into())
            .repeat(Repeat::Always)
            .recovery(Recovery::retrieve(ONE, &[id.as_str()]))
            .about(&id);
        self.client.fetch(request)
    }

    /// Deletes a template: `DELETE /v1/royalty_templates/{id}`.
    ///
    /// **Repeats:** always; it stays deleted. **Dropping:** call it again.
    pub fn delete(&self, id: impl Into<Id<RoyaltyTemplate>>) -> Call<Deleted<RoyaltyTemplate>> {
        let id = id.into();
        let request = Request::delete(ONE, &[id.as_str()])
            .repeat(Repeat::Always)
            .recovery(Recovery::retrieve(ONE, &[id.as_str()]))
            .same("id", id.as_str())
            .wants("deleted", true);
        self.client.fetch(request)
    }
}

/// What [`RoyaltyTemplateApi::create`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateRoyaltyTemplate {
    /// The name.
    pub name: Option<String>,
    /// Who gets which share.
    pub rule: RoyaltyRule,
    /// The merchant's note.
    pub description: Option<String>,
}

/// What [`RoyaltyTemplateApi::update`] changes; what is not set stays.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct UpdateRoyaltyTemplate {
    /// The name.
    pub name: Option<String>,
    /// Who gets which share, instead of the rule it has.
    pub rule: Option<RoyaltyRule>,
    /// The merchant's note.
    pub description: Option<String>,
}

/// Who gets which share of an order.
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct RoyaltyRule {
    /// What `value` is.
    pub royalty_mode: RoyaltyMode,
    /// What happens to the shares when the order is refunded.
    pub refund_mode: RoyaltyRefundMode,
    /// Who keeps what is left.
    pub allocation_mode: AllocationMode,
    /// The share of each level.
    pub data: Vec<LevelShare>,
}

/// The share of one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LevelShare {
    /// 0 for the platform, 1 for the sub-apps below it, and so on.
    pub level: i64,
    /// In hundredths of a percent (0 to 10,000) or in fen (0 to 1,000,000), as `royalty_mode` says.
    pub value: i64,
}

object! {
    /// A rule by which orders are shared.
    pub struct RoyaltyTemplate = "royalty_template" {
        required {
            /// 18 digits.
            id: Id<RoyaltyTemplate>,
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
            /// The name.
            name: String,
            /// Who gets which share.
            rule: TemplateRule,
            /// The merchant's note.
            description: String,
        }
    }
}

object! {
    /// Who gets which share of an order, as a template has it.
    pub struct TemplateRule {
        optional {
            /// What `value` is.
            royalty_mode: RoyaltyMode,
            /// What happens to the shares when the order is refunded.
            refund_mode: RoyaltyRefundMode,
            /// Who keeps what is left.
            allocation_mode: AllocationMode,
            /// The share of each level.
            data: Vec<TemplateShare>,
        }
    }
}

object! {
    /// The share of one level, as a template has it.
    pub struct TemplateShare {
        optional {
            /// 0 for the platform, 1 for the sub-apps below it, and so on.
            level: i64,
            /// In hundredths of a percent or in fen, as `royalty_mode` says.
            value: i64,
        }
    }
}

open_enum! {
    /// `rule.royalty_mode`: what the value of a share is.
    pub enum RoyaltyMode {
        /// Hundredths of a percent.
        Rate = "rate",
        /// Fen.
        Fixed = "fixed",
    }
}

open_enum! {
    /// `rule.refund_mode`: what happens to the shares when the order is refunded.
    pub enum RoyaltyRefundMode {
        /// They stay.
        NoRefund = "no_refund",
        /// They go back in proportion.
        Proportional = "proportional",
        /// They go back whole.
        FullRefund = "full_refund",
    }
}

open_enum! {
    /// `rule.allocation_mode`: who keeps what is left.
    pub enum AllocationMode {
        /// The app that gets the money.
        ReceiptReserved = "receipt_reserved",
        /// The app that provides the service.
        ServiceReserved = "service_reserved",
    }
}
