//! Identification: whether a name, a number and a card belong together. `/v1/identification`
//!
//! Works with a live key only, and each call is charged to the merchant.

use bon::Builder;
use serde::Serialize;
use serde_json::{Value, json};
use serde_with::skip_serializing_none;

use crate::call::Call;
use crate::client::Client;
use crate::macros::object::object;
use crate::macros::open_enum::open_enum;
use crate::request::Request;
use crate::types::{App, Expandable, Sensitive};

/// Identification. From [`Client::identification`].
#[derive(Debug, Clone)]
pub struct IdentificationApi {
    client: Client,
}

impl Client {
    /// Identification: identify. `/v1/identification`
    pub fn identification(&self) -> IdentificationApi {
        IdentificationApi { client: self.clone() }
    }
}

impl IdentificationApi {
    /// Checks an identity card, or a bank card if its number is given: `POST /v1/identification`.
    ///
    /// **Repeats:** never; a second one costs money. **Dropping:** it may have cost money.
    pub fn identify(&self, identity: impl Into<Identity>) -> Call<Identification> {
        let identity = identity.into();
        let kind = match identity.card_number {
            Some(_) => IdentityType::BankCard,
            None => IdentityType::IdCard,
        };
        let params = json!({ "type": kind, "data": identity });
        let request = Request::post("/v1/identification", &[]);
        self.client.fetch(request.in_app(self.client.app(), &params).same("type", kind.as_str()))
    }
}

/// What [`IdentificationApi::identify`] checks.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct Identity {
    /// The name, up to 16 characters.
    pub id_name: Sensitive,
    /// The number of the identity card: 15 or 18 characters.
    pub id_number: Sensitive,
    /// The number of the bank card: 12 to 19 digits.
    pub card_number: Option<Sensitive>,
    /// The phone number that the bank knows: 11 digits; only with a card.
    pub phone_number: Option<Sensitive>,
}

object! {
    /// What came of an identification.
    pub struct Identification {
        optional {
            /// What was checked; `type` in the API.
            kind as "type": IdentityType,
            /// The app.
            app: Expandable<App>,
            /// The result; see [`code`](Self::code).
            result_code: Value,
            /// The result in words.
            message: String,
            /// Whether the merchant pays for it.
            paid: bool,
        }
        maps {
            /// What was checked, as it was sent.
            data,
        }
    }
}

impl Identification {
    /// The result as a number, in whichever form it came: 0 if everything belongs together, as far as
    /// public sources tell. Their table of the others is not public.
    pub fn code(&self) -> Option<i64> {
        match self.result_code.as_ref()? {
            Value::String(text) => text.parse().ok(),
            number => number.as_i64(),
        }
    }
}

open_enum! {
    /// `identification.type`: what is checked.
    pub enum IdentityType {
        /// A name and the number of an identity card.
        IdCard = "id_card",
        /// These and a bank card.
        BankCard = "bank_card",
    }
}
