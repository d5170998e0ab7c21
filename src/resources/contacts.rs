//! Contacts of businesses: people who answer for a user's account. `/v1/apps/{app}/sub_apps/contact`
//!
//! Only the official SDK for Java has this operation; there is no documentation and no example of an
//! answer.

use bon::Builder;
use serde::Serialize;
use serde_with::skip_serializing_none;

use super::users::User;
use crate::call::Call;
use crate::client::Client;
use crate::macros::object::object;
use crate::request::{Request, app_segment};
use crate::types::{Id, Sensitive};

/// Contacts. From [`Client::contacts`].
#[derive(Debug, Clone)]
pub struct ContactApi {
    client: Client,
}

impl Client {
    /// Contacts: create. `/v1/apps/{app}/sub_apps/contact`
    pub fn contacts(&self) -> ContactApi {
        ContactApi { client: self.clone() }
    }
}

impl ContactApi {
    /// Adds a contact: `POST /v1/apps/{app}/sub_apps/contact`.
    ///
    /// **Repeats:** never, since nothing says what a second one does.
    /// **Dropping:** the contact may exist.
    pub fn create(&self, params: impl Into<CreateContact>) -> Call<Contact> {
        let (params, app) = (params.into(), app_segment(self.client.app()));
        let request = Request::post("/v1/apps/{app}/sub_apps/contact", &[app]).json(&params);
        self.client.fetch(request.same("user", params.user.as_str()))
    }
}

/// What [`ContactApi::create`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateContact {
    /// The user whose contact it is.
    pub user: Id<User>,
    /// The number of the account.
    pub acc_no: Sensitive,
    /// What the contact is, 1 to 5; what these mean is not documented.
    pub contact_type: i64,
    /// The name.
    pub contact_name: Sensitive,
    /// What document it is, `01` to `06`; what these mean is not documented.
    pub contact_cert_type: String,
    /// The number of the document.
    pub contact_cert_no: Sensitive,
    /// The first day of the document, such as `2015-01-01`.
    pub contact_cert_valid_from: String,
    /// The last day of the document.
    pub contact_cert_valid_until: String,
    /// The number of the mobile phone.
    pub contact_cert_mobile: Sensitive,
    /// The profession, 1 to 8; what these mean is not documented.
    pub contact_job_type: Option<i64>,
    /// The relation to the user, 1 to 8; what these mean is not documented.
    pub contact_relation_ship: Option<i64>,
}

object! {
    /// A contact that was added.
    pub struct Contact {
        strict {
            /// Whether it is about real money.
            livemode: bool,
        }
        optional {
            /// Its number.
            contact_no: String,
            /// The user whose contact it is.
            user: Id<User>,
            /// The number of the account.
            acc_no: Sensitive,
        }
    }
}
