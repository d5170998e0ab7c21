//! Agreements: customers who let the merchant deduct money. `/v1/agreements`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does. The
//! customer signs with the [`credential`](Agreement::credential); that it is signed says the status
//! `succeeded`, and the event `agreement.succeeded`.
//!
//! # How to let a customer sign, and know that it is signed
//! ```no_run
//! # async fn f(client: pingpp::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use pingpp::Channel;
//! use pingpp::agreements::{AgreementStatus, CreateAgreement};
//!
//! let params = CreateAgreement::builder()
//!     .contract_no("ct20261123001") // stored before this line; `client.recover` finds it
//!     .channel(Channel::Qpay)
//!     .extra([("display_account", "Tea of the month")]);
//! let agreement = client.agreements().create(params).await?;
//! let for_the_browser = serde_json::to_string(&agreement)?; // for `pingpp.signAgreement`
//!
//! // Later, for example on the event `agreement.succeeded`:
//! match client.agreements().retrieve(&agreement.id).await?.status {
//!     AgreementStatus::Succeeded => println!("signed"),
//!     AgreementStatus::Canceled => println!("ended"),
//!     _ => println!("not signed: look again"),
//! }
//! # Ok(())
//! # }
//! ```

use bon::Builder;
use serde::Serialize;
use serde_json::json;
use serde_with::skip_serializing_none;

use super::lost;
use crate::call::Call;
use crate::client::Client;
use crate::error::ErrorCode;
use crate::macros::object::object;
use crate::macros::open_enum::open_enum;
use crate::pager::{ByNumber, Pager};
use crate::recovery::Recovery;
use crate::request::Request;
use crate::retry::Repeat;
use crate::types::{Amount, App, Channel, Id, JsonObject, Timestamp};

/// Agreements. From [`Client::agreements`].
#[derive(Debug, Clone)]
pub struct AgreementApi {
    client: Client,
}

impl Client {
    /// Agreements: create, retrieve, list, cancel, notify. `/v1/agreements`
    pub fn agreements(&self) -> AgreementApi {
        AgreementApi { client: self.clone() }
    }
}

impl AgreementApi {
    /// Creates an agreement for the customer to sign: `POST /v1/agreements`.
    ///
    /// **Repeats:** never, since nothing says that a second one is the same agreement.
    /// **Dropping:** it may exist, unsigned; [`Client::recover`] finds it by its contract_no.
    pub fn create(&self, params: impl Into<CreateAgreement>) -> Call<Agreement> {
        let (params, app) = (params.into(), self.client.app());
        let number = ("contract_no", params.contract_no.as_str());
        let list = json!({ "app": app });
        let request = Request::post("/v1/agreements", &[])
            .in_app(app, &params)
            .recovery(lost::find("/v1/agreements", list, number, false, Some(100)))
            .about_new::<Agreement>()
            .same("contract_no", params.contract_no);
        self.client.fetch(request)
    }

    /// Retrieves an agreement: `GET /v1/agreements/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<Agreement>>) -> Call<Agreement> {
        let id = id.into();
        self.client.fetch(Request::get("/v1/agreements/{id}", &[id.as_str()]).about(&id))
    }

    /// Agreements of the app, newest first: `GET /v1/agreements`.
    pub fn list(&self, filter: impl Into<ListAgreements>) -> Pager<Agreement, ByNumber> {
        let request = Request::get("/v1/agreements", &[]);
        let request = request.in_app(self.client.app(), &filter.into());
        Pager::by_number(&self.client, request).of_mode(|agreement| Some(agreement.livemode))
    }

    /// Ends an agreement: `PUT /v1/agreements/{id}`. WeChat wants to know why.
    ///
    /// **Repeats:** always; a second one leaves it as the first did. **Dropping:** call it again.
    pub fn cancel(&self, id: impl Into<Id<Agreement>>, reason: Option<&str>) -> Call<Agreement> {
        let id = id.into();
        let mut params = json!({ "status": "canceled" });
        if let Some(reason) = reason {
            params["extra"] = json!({ "description": reason });
        }
        let request = Request::put("/v1/agreements/{id}", &[id.as_str()])
            .json(&params)
            .repeat(Repeat::Always)
            .recovery(Recovery::retrieve("/v1/agreements/{id}", &[id.as_str()]))
            .about(&id)
            .wants("status", "canceled");
        self.client.fetch(request)
    }

    /// Tells the customer what will be deducted, in fen: `POST /v1/agreements/{id}/notify`. WeChat
    /// demands it before a deduction.
    ///
    /// **Repeats:** never; the customer might hear it twice.
    /// **Dropping:** the customer may have been told.
    pub fn notify(&self, id: impl Into<Id<Agreement>>, amount: Amount) -> Call<AgreementNotice> {
        let id = id.into();
        let request = Request::post("/v1/agreements/{id}/notify", &[id.as_str()])
            .json(&json!({ "amount": amount }))
            .same("id", id.as_str());
        self.client.fetch(request)
    }
}

/// What [`AgreementApi::create`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateAgreement {
    /// The merchant's number of the contract.
    pub contract_no: String,
    /// `qpay` or `wx`.
    pub channel: Channel,
    /// Parameters of the channel, such as `display_account`, which the customer sees.
    pub extra: Option<JsonObject>,
    /// The merchant's own keys and values: up to 20, 1,000 characters in all.
    pub metadata: Option<JsonObject>,
}

/// Which agreements [`AgreementApi::list`] lists; all of the app's without any of these.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct ListAgreements {
    /// With this status.
    pub status: Option<AgreementStatus>,
}

object! {
    /// An agreement.
    pub struct Agreement = "agreement" {
        required {
            /// `agr_` and 14 characters.
            id: Id<Agreement>,
            /// Whether it is about real money.
            livemode: bool,
            /// Whether it is signed.
            status: AgreementStatus,
            /// The merchant's number.
            contract_no: String,
        }
        optional {
            /// When it was created.
            created: Timestamp,
            /// The app.
            app: Id<App>,
            /// Where it is signed.
            channel: Channel,
            /// The channel's number, once signed.
            contract_id: String,
            /// When it was signed.
            time_succeeded: Timestamp,
            /// When it was ended.
            time_canceled: Timestamp,
            /// Why it failed.
            failure_code: ErrorCode,
            /// Why it failed, in words.
            failure_msg: String,
        }
        maps {
            /// Parameters of the channel.
            extra,
            /// The merchant's own keys and values.
            metadata,
            /// What the customer's client needs to sign; pass it on as it is. Empty once signed.
            credential,
        }
    }
}

object! {
    /// Whether the customer was told.
    pub struct AgreementNotice {
        required {
            /// The agreement.
            id: Id<Agreement>,
            /// Whether the channel took the notice.
            succeed: bool,
        }
    }
}

open_enum! {
    /// `agreement.status`.
    pub enum AgreementStatus {
        /// Not signed.
        Created = "created",
        /// Signed.
        Succeeded = "succeeded",
        /// Ended.
        Canceled = "canceled",
    }
}
