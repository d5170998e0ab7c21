//! Charges: what customers pay. `/v1/charges`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does.
//!
//! # How to take money, and know that it came
//! `Ok` is no payment. The customer's browser or app pays with [`Charge::client_credential`], and `paid`
//! says that the money came: on the event `charge.succeeded`, or by [`retrieve`](ChargeApi::retrieve).
//!
//! ```no_run
//! # async fn f(client: pingpp::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use pingpp::{Amount, CreateCharge, Outcome, PayBy, Recovered};
//!
//! let params = CreateCharge::builder()
//!     .order_no("20261123001") // stored before this line
//!     .channel(PayBy::wx_pub("o7xEMsySBFG3MVHI-9VsAJX-j50W"))
//!     .amount(Amount::from_fen(12_800)) // 128 yuan
//!     .client_ip([203, 0, 113, 7])
//!     .subject("Longjing")
//!     .body("A tin of tea");
//! let charge = match client.charges().create(params).await {
//!     Ok(charge) => charge,
//!     Err(error) if error.outcome() == Outcome::Unknown => match client.recover(&error).await? {
//!         Recovered::Found(charge) => charge,
//!         _ => return Err(error.into()), // not there yet: ask again later
//!     },
//!     Err(error) => return Err(error.into()), // there is no charge
//! };
//! let for_the_browser = charge.client_credential();
//!
//! // Later, for example on the event `charge.succeeded`:
//! let charge = client.charges().retrieve(&charge.id).await?;
//! match (charge.reversed == Some(true), charge.paid) {
//!     (true, _) => println!("closed: it cannot be paid any more"),
//!     (false, true) => println!("release the goods"),
//!     (false, false) => println!("not paid: look again, or reverse it"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! At a counter, and wherever an order has to end either paid or closed, let
//! [`create_and_settle`](ChargeApi::create_and_settle) ask and reverse. For money that goes back see
//! [`refunds`](crate::refunds).

mod refund;

use std::time::Duration;

use bon::Builder;
use serde::Serialize;
use serde_json::json;
use serde_with::skip_serializing_none;

pub use self::refund::{FundingSource, Refund, RefundState, RefundStatus};
use crate::call::Call;
use crate::client::Client;
use crate::error::ErrorCode;
use crate::macros::object::object;
use crate::pager::Pager;
use crate::recovery::{Recovery, Search};
use crate::request::Request;
use crate::retry::Repeat;
use crate::types::{
    Amount, App, Channel, ClientIp, Currency, Expandable, Id, JsonObject, List, PayBy, TimeRange,
    Timestamp,
};

/// Charges: payments by customers. From [`Client::charges`].
#[derive(Debug, Clone)]
pub struct ChargeApi {
    client: Client,
}

impl Client {
    /// Charges: create, retrieve, list, reverse. `/v1/charges`
    pub fn charges(&self) -> ChargeApi {
        ChargeApi { client: self.clone() }
    }
}

impl ChargeApi {
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Creates a charge: `POST /v1/charges`.
    ///
    /// The answer carries the credential with which the customer's client pays: give it
    /// [`Charge::client_credential`], or the whole charge.
    ///
    /// **Repeats:** within 50 s of the first send, byte for byte. Ping++ returns the first charge if
    /// order_no, channel, amount, subject, body and app are the same within a minute.
    /// **Dropping:** the charge may exist; create it again with the same fields within 50 s, or look
    /// it up by its order_no with [`list`](Self::list).
    ///
    /// # Errors
    /// `charge_order_no_used` if the order_no belongs to another charge; [`Error`](crate::Error) has
    /// the rest. On [`Outcome::Unknown`](crate::Outcome::Unknown), [`Client::recover`] finds the
    /// charge by its order_no.
    pub fn create(&self, params: impl Into<CreateCharge>) -> Call<Charge> {
        let params = params.into();
        let app = self.client.app();
        let mut request = Request::post("/v1/charges", &[])
            .in_app_object(app, &params)
            .repeat(Repeat::Within(Duration::from_secs(50)))
            .recovery(Recovery::Find(search(app, &params.order_no)))
            .about_new::<Charge>()
            .same("order_no", params.order_no)
            .same("amount", params.amount.as_fen());
        // Within a minute Ping++ returns the first charge even if another code was scanned.
        if let Some(code) = params.channel.extra().get("scan_code") {
            request = request.same_inside("extra", "scan_code", code.clone());
        }
        self.client.fetch(request)
    }

    /// Retrieves a charge: `GET /v1/charges/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<Charge>>) -> Call<Charge> {
        let id = id.into();
        self.client.fetch(Request::get("/v1/charges/{id}", &[id.as_str()]).about(&id))
    }

    /// Closes a charge whose payment is not wanted any more: `POST /v1/charges/{id}/reverse`.
    ///
    /// For the moment when a server does not know what happened to an order: afterwards it cannot
    /// be paid any more. Returns the charge with `reversed: true`.
    ///
    /// An *unpaid* charge can be reversed on the channels of [`Channel::is_reversible`]. A *paid*
    /// one only on the payer-code channels of [`Channel::is_reversible_when_paid`], where the money
    /// goes back; Ping++ prefers a refund there, and everywhere else a refund is the only way. A
    /// charge that belongs to an order is reversed only while unpaid. WeChat refuses within about
    /// 15 s of the creation, and many channels after some [time](Channel::reverse_window). The SDK
    /// sends the call all the same: the rules are Ping++'s to judge.
    ///
    /// **Repeats:** always; a second reverse leaves the charge as the first did.
    /// **Dropping:** the charge may be reversed; call it again.
    ///
    /// # Errors
    /// [`Outcome::Rejected`](crate::Outcome::Rejected) if Ping++ or the channel refused, for example
    /// because the time is over. On [`Outcome::Unknown`](crate::Outcome::Unknown) reverse again or
    /// [`retrieve`](Self::retrieve) the charge.
    pub fn reverse(&self, id: impl Into<Id<Charge>>) -> Call<Charge> {
        let id = id.into();
        let request = Request::post("/v1/charges/{id}/reverse", &[id.as_str()])
            .json(&json!({}))
            .repeat(Repeat::Always)
            .recovery(Recovery::retrieve("/v1/charges/{id}", &[id.as_str()]))
            .about(&id)
            .wants("reversed", true);
        self.client.fetch(request)
    }

    /// Charges of the app, newest first: `GET /v1/charges`.
    pub fn list(&self, filter: impl Into<ListCharges>) -> Pager<Charge> {
        let request =
            Request::get("/v1/charges", &[]).in_app_object(self.client.app(), &filter.into());
        Pager::by_cursor(&self.client, request, |charge: &Charge| charge.id.as_str())
            .of_mode(|charge| Some(charge.livemode))
    }
}

/// Where to find a charge of this app by its order_no.
pub(crate) fn search(app: Option<&Id<App>>, order_no: &str) -> Search {
    Search {
        query: json!({ "app": { "id": app } }),
        number: Some(("order_no", order_no.to_owned())),
        by_time: true,
        ..Search::list("/v1/charges", &[])
    }
}

/// What [`ChargeApi::create`] needs. Texts that are longer than documented are refused before anything is
/// sent. Ping++ refuses characters beyond U+FFFF, such as emoji, wherever they stand.
///
/// A builder without a required field does not compile:
///
/// ```compile_fail
/// # fn f(client: pingpp::Client) {
/// client.charges().create(pingpp::CreateCharge::builder().order_no("20261123001"));
/// # }
/// ```
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateCharge {
    /// The merchant's number of the order, unique per channel family; 8 to 20 letters or digits fit
    /// every channel.
    pub order_no: String,
    /// The way of paying, with what the channel needs: [`PayBy`] has a table. A plain [`Channel`]
    /// is enough where nothing is needed.
    #[serde(flatten)]
    pub channel: PayBy,
    /// What is to be paid, in fen; more than 0.
    pub amount: Amount,
    /// The IP address of the customer.
    pub client_ip: ClientIp,
    /// The currency; `cny` if not set.
    #[builder(default = Currency::Cny)]
    pub currency: Currency,
    /// Title, up to 32 characters (32 bytes on UnionPay).
    pub subject: String,
    /// Description of the goods, up to 128 characters (100 on `yeepay_wap`).
    pub body: String,
    /// When it can no longer be paid: 1 minute to 15 days from now, on WeChat more than 5 minutes,
    /// on UnionPay at most an hour. The channel decides if not set.
    pub time_expire: Option<Timestamp>,
    /// The merchant's own keys and values: up to 20, 1,000 characters in all.
    pub metadata: Option<JsonObject>,
    /// The merchant's note, up to 255 characters.
    pub description: Option<String>,
}

/// Which charges [`ChargeApi::list`] lists; all of the app's without any of these.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct ListCharges {
    /// Created in this time: `from..until`.
    pub created: Option<TimeRange>,
    /// On this channel.
    pub channel: Option<Channel>,
    /// Paid, or not.
    pub paid: Option<bool>,
    /// With a refund, or without.
    pub refunded: Option<bool>,
    /// Reversed, or not. Documented, but in no official SDK.
    pub reversed: Option<bool>,
}

object! {
    /// A payment: created by the merchant, paid by the customer, reversed or refunded if need be.
    ///
    /// It has no status. `reversed`, `paid` and `amount_refunded` say where it stands, and `reversed`
    /// counts more than `paid`: then the money went back or never came.
    pub struct Charge = "charge" {
        required {
            /// `ch_` and 24 characters.
            id: Id<Charge>,
            /// Whether real money moves.
            livemode: bool,
            /// Whether the customer has paid.
            paid: bool,
            /// The merchant's order number.
            order_no: String,
            /// What is to be paid, in fen.
            amount: Amount,
        }
        strict {
            /// Whether it was reversed; absent in objects before 2017.
            reversed: bool,
            /// What was refunded, in fen.
            amount_refunded: Amount,
        }
        optional {
            /// When it was created.
            created: Timestamp,
            /// The way of paying.
            channel: Channel,
            /// Whether there is a refund, whatever became of it.
            refunded: bool,
            /// The app: its id, or all of it with [`Call::expand`].
            app: Expandable<App>,
            /// The IP address of the customer.
            client_ip: String,
            /// What the merchant gets, in fen; 0 on some channels.
            amount_settle: Amount,
            /// The currency.
            currency: Currency,
            /// Title, up to 32 characters.
            subject: String,
            /// Description of the goods, up to 128 characters.
            body: String,
            /// When the customer paid.
            time_paid: Timestamp,
            /// When it can no longer be paid.
            time_expire: Timestamp,
            /// When the merchant got the money.
            time_settle: Timestamp,
            /// The channel's number of the payment.
            transaction_no: String,
            /// The newest refunds; `None` inside an order.
            refunds: List<Refund>,
            /// Why a payment failed. The customer may try again until the charge expires.
            failure_code: ErrorCode,
            /// Why a payment failed, in words.
            failure_msg: String,
            /// The merchant's note, up to 255 characters.
            description: String,
        }
        maps {
            /// Parameters of the channel, and what it returned after payment.
            extra,
            /// The merchant's own keys and values.
            metadata,
            /// What the customer's client needs to pay; pass it on as it is. Empty once paid.
            credential,
        }
    }
}

#[cfg(test)]
mod tests;
