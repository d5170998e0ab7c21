//! Card info: the bank and the kind of a card. `/v1/card_info`
//!
//! Works with a live key only.

use serde_json::json;

use crate::call::Call;
use crate::client::Client;
use crate::macros::object::object;
use crate::request::Request;
use crate::types::{App, Id, Sensitive};

/// Card info. From [`Client::card_info`].
#[derive(Debug, Clone)]
pub struct CardInfoApi {
    client: Client,
}

impl Client {
    /// Card info: query. `/v1/card_info`
    pub fn card_info(&self) -> CardInfoApi {
        CardInfoApi { client: self.clone() }
    }
}

impl CardInfoApi {
    /// What is known about a card, by its number: `POST /v1/card_info`.
    ///
    /// **Repeats:** never: it moves no money, but whether it costs some is not documented.
    /// **Dropping:** harmless.
    pub fn query(&self, bank_account: impl Into<Sensitive>) -> Call<CardInfo> {
        let params = json!({ "bank_account": bank_account.into() });
        let request = Request::post("/v1/card_info", &[]);
        self.client.fetch(request.in_app(self.client.app(), &params))
    }
}

object! {
    /// The bank and the kind of a card.
    pub struct CardInfo {
        optional {
            /// The app.
            app: Id<App>,
            /// The first digits of the card.
            card_bin: String,
            /// 0 for a debit card, 1 for a passbook, 2 for a credit card, 3 for a quasi-credit card,
            /// 4 for another one.
            card_type: i64,
            /// The code of the bank.
            open_bank_code: String,
            /// The name of the bank.
            open_bank: String,
            /// The channels that can pay out to this card.
            support_channels: Vec<String>,
        }
    }
}
