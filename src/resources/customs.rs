//! Customs: paid charges declared to the customs office. `/v1/customs`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does. Works with
//! a live key only.

use bon::Builder;
use serde::Serialize;
use serde_json::json;
use serde_with::skip_serializing_none;

use super::charges::Charge;
use super::lost;
use crate::call::Call;
use crate::client::Client;
use crate::error::ErrorCode;
use crate::macros::object::object;
use crate::macros::open_enum::open_enum;
use crate::pager::{ByNumber, Pager};
use crate::request::Request;
use crate::types::{Amount, App, Channel, Expandable, Id, JsonObject, Timestamp};

/// Customs declarations. From [`Client::customs`].
#[derive(Debug, Clone)]
pub struct CustomsApi {
    client: Client,
}

impl Client {
    /// Customs declarations: create, retrieve, list. `/v1/customs`
    pub fn customs(&self) -> CustomsApi {
        CustomsApi { client: self.clone() }
    }
}

impl CustomsApi {
    /// Declares a charge that is paid: `POST /v1/customs`. Only signed requests are accepted.
    ///
    /// **Repeats:** never, since nothing says what a second declaration does.
    /// **Dropping:** it may have been made; [`Client::recover`] looks for its trade_no in
    /// [`list`](Self::list).
    pub fn create(&self, params: impl Into<CreateCustoms>) -> Call<Customs> {
        let (params, app) = (params.into(), self.client.app());
        let number = ("trade_no", params.trade_no.as_str());
        let list = json!({ "app": app });
        let request = Request::post("/v1/customs", &[])
            .in_app(app, &params)
            .recovery(lost::find("/v1/customs", list, number, false, Some(100)))
            .about_new::<Customs>()
            .same("trade_no", params.trade_no);
        self.client.fetch(request)
    }

    /// Retrieves a declaration: `GET /v1/customs/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<Customs>>) -> Call<Customs> {
        let id = id.into();
        self.client.fetch(Request::get("/v1/customs/{id}", &[id.as_str()]).about(&id))
    }

    /// Declarations of the app: `GET /v1/customs`. In three official SDKs, but not documented.
    pub fn list(&self) -> Pager<Customs, ByNumber> {
        let request = Request::get("/v1/customs", &[]);
        Pager::by_number(&self.client, request.in_app(self.client.app(), &json!({})))
    }
}

/// What [`CustomsApi::create`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateCustoms {
    /// The charge, which is paid.
    pub charge: Id<Charge>,
    /// The channel of the charge.
    pub channel: Channel,
    /// The merchant's number of the declaration: 8 to 20 characters, not the charge's order_no.
    pub trade_no: String,
    /// The code of the customs office, such as `GUANGZHOU`.
    pub customs_code: String,
    /// What is declared, in fen: 1 to 1,000,000,000.
    pub amount: Amount,
    /// The freight, in fen.
    pub transport_amount: Option<Amount>,
    /// Whether the order is split into several declarations.
    pub is_split: Option<bool>,
    /// The number of this part, up to 30 characters; needed if it is split.
    pub sub_order_no: Option<String>,
    /// `pay_account`, `certif_type`, `customer_name`, `certif_id`, `tax_amount`; UnionPay needs them.
    pub extra: Option<JsonObject>,
}

object! {
    /// A customs declaration.
    pub struct Customs = "customs" {
        required {
            /// 20 digits.
            id: Id<Customs>,
        }
        optional {
            /// How far it got.
            status: CustomsStatus,
            /// When it was created.
            created: Timestamp,
            /// The app.
            app: Expandable<App>,
            /// The channel of the charge.
            channel: Channel,
            /// The merchant's number.
            trade_no: String,
            /// The code of the customs office.
            customs_code: String,
            /// What is declared, in fen.
            amount: Amount,
            /// The charge.
            charge: Id<Charge>,
            /// The freight, in fen.
            transport_amount: Amount,
            /// Whether the order is split.
            is_split: bool,
            /// The number of this part.
            sub_order_no: String,
            /// When it was accepted.
            time_succeeded: Timestamp,
            /// Why it failed.
            failure_code: ErrorCode,
            /// Why it failed, in words.
            failure_msg: String,
            /// The channel's number.
            transaction_no: String,
        }
        maps {
            /// What the declaration says about the customer.
            extra,
        }
    }
}

open_enum! {
    /// `customs.status`. The values are read from similar objects.
    pub enum CustomsStatus {
        /// Under way.
        Pending = "pending",
        /// Accepted.
        Succeeded = "succeeded",
        /// Refused or failed.
        Failed = "failed",
    }
}
