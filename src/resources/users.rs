//! Users of the account product: customers and businesses with a balance. `/v1/apps/{app}/users`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does. All of it
//! is about the client's app. The id of a user is the merchant's own choice, and may be an e-mail
//! address. Where a user's money is paid out to: [`settle_accounts`](crate::settle_accounts).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bon::Builder;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_with::skip_serializing_none;

use crate::call::Call;
use crate::client::Client;
use crate::macros::object::object;
use crate::macros::open_enum::open_enum;
use crate::pager::{ByNumber, Pager};
use crate::recovery::Recovery;
use crate::request::{Request, app_segment};
use crate::retry::Repeat;
use crate::types::{Amount, App, Deleted, Id, JsonObject, Sensitive, TimeRange, Timestamp};

/// Users. From [`Client::users`].
#[derive(Debug, Clone)]
pub struct UserApi {
    client: Client,
}

impl Client {
    /// Users: create, retrieve, list, update, delete, upload a picture. `/v1/apps/{app}/users`
    pub fn users(&self) -> UserApi {
        UserApi { client: self.clone() }
    }
}

const ROUTE: &str = "/v1/apps/{app}/users";
const ONE: &str = "/v1/apps/{app}/users/{id}";

impl UserApi {
    /// Creates a user: `POST /v1/apps/{app}/users`. Recharges and coupons create missing users too.
    ///
    /// **Repeats:** never; a second one is refused, since the id is taken.
    /// **Dropping:** the user may exist. On an unknown outcome, [`Client::recover`] retrieves the
    /// user of this id, whoever created it.
    pub fn create(&self, params: impl Into<CreateUser>) -> Call<User> {
        let (params, app) = (params.into(), app_segment(self.client.app()));
        let request = Request::post(ROUTE, &[app])
            .json(&params)
            .recovery(Recovery::retrieve(ONE, &[app, params.id.as_str()]))
            .about(&params.id)
            .same("app", app);
        self.client.fetch(request)
    }

    /// Retrieves a user: `GET /v1/apps/{app}/users/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<User>>) -> Call<User> {
        let id = id.into();
        self.client.fetch(Request::get(ONE, &self.ids(&id)).about(&id))
    }

    /// Users of the app, newest first: `GET /v1/apps/{app}/users`.
    pub fn list(&self, filter: impl Into<ListUsers>) -> Pager<User, ByNumber> {
        let request = Request::get(ROUTE, &[app_segment(self.client.app())]);
        let request = request.query_from(&filter.into());
        Pager::by_number(&self.client, request).of_mode(|user| Some(user.livemode))
    }

    /// Changes a user, or blocks one: `PUT /v1/apps/{app}/users/{id}`.
    ///
    /// **Repeats:** always; it sets values. **Dropping:** call it again.
    pub fn update(&self, id: impl Into<Id<User>>, params: impl Into<UpdateUser>) -> Call<User> {
        let id = id.into();
        let request = Request::put(ONE, &self.ids(&id))
            .json(&params.into())
            .repeat(Repeat::Always)
            .recovery(Recovery::retrieve(ONE, &self.ids(&id)))
            .about(&id);
        self.client.fetch(request)
    }

    /// Deletes a user: `DELETE /v1/apps/{app}/users/{id}`.
    ///
    /// Two official SDKs inherit it, and nothing documents it, so Ping++ may refuse it.
    /// To block a user, [`update`](Self::update) `disabled`.
    ///
    /// **Repeats:** never; a user of the same id may have been created since.
    /// **Dropping:** the user may be gone. On an unknown outcome, `client.recover::<User>` says
    /// whether the user is still there.
    pub fn delete(&self, id: impl Into<Id<User>>) -> Call<Deleted<User>> {
        let id = id.into();
        let request = Request::delete(ONE, &self.ids(&id))
            .recovery(Recovery::retrieve(ONE, &self.ids(&id)))
            .same("id", id.as_str())
            .wants("deleted", true);
        self.client.fetch(request)
    }

    /// Uploads a picture of a document of a user: `POST /v1/apps/{app}/users/upload_pic`. Only the
    /// official SDK for Java has it.
    ///
    /// **Repeats:** never, since nothing says what a second one does.
    /// **Dropping:** the picture may have been stored.
    pub fn upload_pic(&self, params: impl Into<UploadPic>) -> Call<UserPic> {
        let (params, app) = (params.into(), app_segment(self.client.app()));
        let request = Request::post("/v1/apps/{app}/users/upload_pic", &[app]).json(&params);
        self.client.fetch(request.same("user", params.user.as_str()))
    }

    fn ids<'a>(&'a self, id: &'a Id<User>) -> [&'a str; 2] {
        [app_segment(self.client.app()), id.as_str()]
    }
}

/// What [`UserApi::create`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateUser {
    /// The merchant's id of the user: up to 64 letters, digits, `_`, `-` or `@`.
    pub id: Id<User>,
    /// The postal address.
    pub address: Option<Sensitive>,
    /// The URL of a portrait.
    pub avatar: Option<String>,
    /// The e-mail address.
    pub email: Option<Sensitive>,
    /// Male or female.
    pub gender: Option<Gender>,
    /// The number of the mobile phone.
    pub mobile: Option<Sensitive>,
    /// The name.
    pub name: Option<Sensitive>,
    /// The user above this one.
    pub parent_user_id: Option<Id<User>>,
    /// The merchant's own keys and values: up to 20, 1,000 characters in all.
    pub metadata: Option<JsonObject>,
}

/// What [`UserApi::update`] changes; what is not set stays.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct UpdateUser {
    /// The postal address.
    pub address: Option<Sensitive>,
    /// The URL of a portrait.
    pub avatar: Option<String>,
    /// The e-mail address.
    pub email: Option<Sensitive>,
    /// Male or female.
    pub gender: Option<Gender>,
    /// The number of the mobile phone.
    pub mobile: Option<Sensitive>,
    /// The name.
    pub name: Option<Sensitive>,
    /// Whether the user is blocked; not together with other fields.
    pub disabled: Option<bool>,
    /// The merchant's own keys and values, instead of those it has.
    pub metadata: Option<JsonObject>,
}

/// Which users [`UserApi::list`] lists; all of the app's without any of these.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct ListUsers {
    /// Created in this time: `from..until`.
    pub created: Option<TimeRange>,
    /// Customers or businesses.
    #[serde(rename = "type")]
    pub kind: Option<UserType>,
    /// Blocked, or not.
    pub disabled: Option<bool>,
}

/// What [`UserApi::upload_pic`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct UploadPic {
    /// Whose document it is.
    pub user: Id<User>,
    /// Whether that is a customer or a business; `type` in the API.
    #[serde(rename = "type")]
    pub kind: UserType,
    /// The number of the account.
    pub acc_no: Option<Sensitive>,
    /// `00`, `01` or `02`; what these mean is not documented.
    pub operate_type: Option<String>,
    /// The picture.
    pub pic: Picture,
    /// `jpg` or `png`.
    pub pic_fmt: String,
    /// What it shows, such as `101`, `102`, `201` or `202`; what these mean is not documented.
    pub pic_type: String,
}

/// The bytes of a picture, at most [`Picture::MAX_LEN`]; a call that would send more is refused before
/// anything is sent. `Debug` shows their number only.
#[derive(Clone, PartialEq)]
pub struct Picture(Vec<u8>);

impl Picture {
    /// 2 MiB. A limit of this crate: what Ping++ accepts is not documented.
    pub const MAX_LEN: usize = 2 << 20;
}

impl From<Vec<u8>> for Picture {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<&[u8]> for Picture {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// In base64.
impl Serialize for Picture {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_empty() || self.0.len() > Self::MAX_LEN {
            let (len, max) = (self.0.len(), Self::MAX_LEN);
            return Err(S::Error::custom(format_args!(
                "a picture of {len} bytes cannot be sent: 1 to {max} are allowed"
            )));
        }
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

object! {
    /// A user of the account product.
    pub struct User = "user" {
        required {
            /// The merchant's id of the user; `0` is the app itself.
            id: Id<User>,
            /// Whether it is about real money.
            livemode: bool,
        }
        strict {
            /// What the user can pay with, in fen.
            available_balance: Amount,
            /// What can be paid out to the user, in fen.
            withdrawable_balance: Amount,
            /// Whether the user is blocked.
            disabled: bool,
        }
        optional {
            /// When it was created.
            created: Timestamp,
            /// The app.
            app: Id<App>,
            /// A customer or a business; `type` in the API.
            kind as "type": UserType,
            /// The sub-app behind a business.
            related_app: Id<App>,
            /// The user above this one.
            parent_user_id: Id<User>,
            /// All of the balance, in fen.
            total_balance: Amount,
            /// How many coupons can be redeemed.
            available_coupons: i64,
            /// Whether the real name was checked.
            identified: bool,
            /// The name.
            name: Sensitive,
            /// Male or female; may be empty.
            gender: Gender,
            /// The number of the mobile phone.
            mobile: Sensitive,
            /// The e-mail address.
            email: Sensitive,
            /// The postal address.
            address: Sensitive,
            /// The URL of a portrait.
            avatar: String,
            /// Where the user's money is paid out to.
            settle_accounts: Vec<SettleAccount>,
        }
        maps {
            /// What is known about the identity.
            identity_info,
            /// Not documented.
            extra,
            /// The merchant's own keys and values.
            metadata,
        }
    }
}

object! {
    /// An account to which a user's money is paid out.
    pub struct SettleAccount = "settle_account" {
        required {
            /// 24 digits.
            id: Id<SettleAccount>,
        }
        strict {
            /// Whether real money is paid out to it.
            livemode: bool,
        }
        optional {
            /// When it was created.
            created: Timestamp,
            /// How it is paid out.
            channel: SettleChannel,
            /// Whose account it is.
            recipient: SettleAccountRecipient,
        }
    }
}

object! {
    /// The recipient of a settle account. Account and name come masked.
    pub struct SettleAccountRecipient {
        optional {
            /// The account, the number of the card, or the open id.
            account: Sensitive,
            /// The owner.
            name: Sensitive,
            /// A person or a company; `type` in the API.
            kind as "type": String,
            /// Whether the name is checked, on WeChat.
            force_check: bool,
            /// What the account is at Alipay: `ALIPAY_USERID` or `ALIPAY_LOGONID`.
            account_type: String,
            /// The name of the bank.
            open_bank: String,
            /// The code of the bank.
            open_bank_code: String,
            /// 0 for a debit card, 1 for a passbook, 2 for a credit card, 3 for a quasi-credit card.
            card_type: i64,
            /// The province of the bank.
            prov: String,
            /// The city of the bank.
            city: String,
            /// The branch.
            sub_bank: String,
            /// The code of the branch.
            sub_bank_code: String,
            /// The number of the mobile phone.
            mobile: Sensitive,
            /// What for.
            useof: String,
            /// The number of the account that pays, between companies.
            sender_card_number: Sensitive,
            /// The code of the branch that pays, between companies.
            sender_sub_bank_code: String,
        }
        maps {
            /// Values of the channel.
            extra,
        }
    }
}

object! {
    /// A picture that was stored. Its fields are those of the official SDK for Java; there is no
    /// example of an answer.
    pub struct UserPic {
        strict {
            /// Whether it is about real money.
            livemode: bool,
        }
        optional {
            /// The id of the picture for later calls.
            pic_external_id: String,
            /// Whose document it is.
            user: Id<User>,
            /// A customer or a business; `type` in the API.
            kind as "type": UserType,
            /// The number of the account.
            acc_no: Sensitive,
            /// As it was sent.
            operate_type: String,
            /// `jpg` or `png`.
            pic_fmt: String,
            /// What it shows.
            pic_type: String,
        }
    }
}

open_enum! {
    /// `user.type`.
    pub enum UserType {
        /// A customer.
        Customer = "customer",
        /// A business, with a sub-app.
        Business = "business",
    }
}

open_enum! {
    /// `user.gender`.
    pub enum Gender {
        /// Male.
        Male = "MALE",
        /// Female.
        Female = "FEMALE",
    }
}

open_enum! {
    /// `settle_account.channel`: how a user's money is paid out.
    pub enum SettleChannel {
        /// To Alipay.
        Alipay = "alipay",
        /// To WeChat, by an app.
        Wx = "wx",
        /// To WeChat, by an official account.
        WxPub = "wx_pub",
        /// To WeChat, by a mini program.
        WxLite = "wx_lite",
        /// To a bank account.
        BankAccount = "bank_account",
    }
}
