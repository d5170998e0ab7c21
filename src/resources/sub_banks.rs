//! Sub-banks: the branches of a bank in a city. `/v1/sub_banks`
//!
//! The operation only reads, so it may be repeated and dropped at any time.

use bon::Builder;
use serde::Serialize;

use crate::call::Call;
use crate::client::Client;
use crate::macros::object::object;
use crate::request::Request;
use crate::types::List;

/// Sub-banks. From [`Client::sub_banks`].
#[derive(Debug, Clone)]
pub struct SubBankApi {
    client: Client,
}

impl Client {
    /// Sub-banks: list. `/v1/sub_banks`
    pub fn sub_banks(&self) -> SubBankApi {
        SubBankApi { client: self.clone() }
    }
}

impl SubBankApi {
    /// The branches of a bank in a city, all at once: `GET /v1/sub_banks`.
    pub fn list(&self, params: impl Into<ListSubBanks>) -> Call<List<SubBank>> {
        let request = Request::get("/v1/sub_banks", &[]);
        let request = request.in_app(self.client.app(), &params.into());
        self.client.fetch(request.about_new::<List<SubBank>>())
    }
}

/// What [`SubBankApi::list`] needs.
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct ListSubBanks {
    /// The code of the bank, 4 digits.
    pub open_bank_code: String,
    /// The province, in Chinese.
    pub prov: String,
    /// The city, in Chinese.
    pub city: String,
    /// The channel of the payout, such as `chanpay`.
    pub channel: String,
}

object! {
    /// A branch of a bank.
    pub struct SubBank = "sub_bank" {
        optional {
            /// Its name.
            sub_bank: String,
            /// Its code.
            sub_bank_code: String,
            /// The province.
            prov: String,
            /// The city.
            city: String,
        }
    }
}
