//! Charges: what a customer pays. Handle, object, parameters.

use std::net::IpAddr;
use std::time::Duration;

use bon::Builder;
use serde::Serialize;
use serde_json::json;

use crate::call::Call;
use crate::client::Client;
use crate::error::BuildError;
use crate::object::object;
use crate::page::{Pager, Paging};
use crate::request::{Asked, Request};
use crate::{
    Amount, App, Channel, Currency, ErrorCode, Expandable, Id, List, Object, Recovery, Refund,
    Repeat, Timestamp,
};

/// Charges: payments by customers. From [`Client::charges`].
///
/// Holds a clone of the client, so it can be kept or moved as it is.
#[derive(Debug, Clone)]
pub struct ChargeApi {
    client: Client,
}

impl ChargeApi {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Creates a charge: `POST /v1/charges`.
    ///
    /// The answer carries the [`credential`](Charge::credential) with which the customer's client
    /// pays; forward the charge to it as it came.
    ///
    /// **Repeats:** within 50 s of the first send, byte for byte. Ping++ returns the first charge if
    /// order_no, channel, amount, subject, body and app are the same within a minute.
    /// **Dropping:** the charge may exist; create it again with the same fields within 50 s, or look
    /// it up by its order_no with [`list`](Self::list).
    ///
    /// # Errors
    /// `charge_order_no_used` if the order_no belongs to another charge; [`Error`](crate::Error) has
    /// the rest.
    pub fn create(&self, params: CreateCharge) -> Call<Charge> {
        let mut params = params;
        params.app = params.app.or_else(|| self.client.shared().app.clone());
        let request = Request::post(["charges"])
            .json(&params)
            .repeat(Repeat::Within(Duration::from_secs(50)))
            .asked(Asked { order_no: Some(params.order_no.clone()), ..Asked::new(Charge::OBJECT) });
        self.client.call(match params.app {
            Some(app) => request.recovery(Recovery::FindCharge {
                app,
                order_no: params.order_no,
                since: Timestamp::from_unix(0),
            }),
            None => request.or_error(no_app()),
        })
    }

    /// Looks at a charge: `GET /v1/charges/{id}`.
    ///
    /// **Repeats:** always. **Dropping:** at any time.
    pub fn retrieve(&self, id: impl Into<Id<Charge>>) -> Call<Charge> {
        let id = id.into();
        self.client.call(
            Request::get(["charges", id.as_str()])
                .expect(Charge::OBJECT, Some(id.as_str()))
                .recovery(Recovery::Retrieve(id)),
        )
    }

    /// Closes a charge whose payment is not wanted any more: `POST /v1/charges/{id}/reverse`.
    ///
    /// For the moment when a server does not know what happened to an order: afterwards it cannot
    /// be paid any more. Returns the charge with `reversed: true`.
    ///
    /// An *unpaid* charge can be reversed on the channels of [`Channel::is_reversible`]. A *paid*
    /// one only on the payer-code channels of [`Channel::is_reversible_when_paid`] (`wx_pub_scan`,
    /// `cb_wx_pub_scan`, `alipay_scan`, `cb_alipay_scan`, `upacp_scan`, `isv_scan`, `isv_wap`,
    /// `isv_qr`), where the money goes back; Ping++ prefers a refund there, and everywhere else a
    /// refund is the only way. A charge that belongs to an order is reversed only while unpaid.
    ///
    /// | channel | until |
    /// |---|---|
    /// | `wx_pub_scan`, `cb_wx_pub_scan` | 7 days |
    /// | `alipay_scan` | 24 hours |
    /// | `upacp`, `upacp_wap`, `upacp_pc`, `upacp_scan` | the end of the settlement day, 23:00 to 23:00 (UTC+8) |
    /// | `isv_scan`, `isv_qr`, `isv_wap` | the end of the day (UTC+8) |
    ///
    /// WeChat refuses within about 15 s of the creation. The SDK sends the call all the same: the
    /// rules are Ping++'s to judge. [`Channel::reverse_window`] answers who wants to ask first.
    /// (Rules: Ping++ documentation of `reverse`, 2026.)
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
        self.client.call(
            Request::post(["charges", id.as_str(), "reverse"])
                .json(&json!({}))
                .repeat(Repeat::Always)
                .expect(Charge::OBJECT, Some(id.as_str()))
                .recovery(Recovery::Retrieve(id)),
        )
    }

    /// Charges of an app, newest first: `GET /v1/charges`.
    ///
    /// **Repeats:** always. **Dropping:** at any time.
    pub fn list(&self, params: ListCharges) -> Pager<Charge> {
        let mut params = params;
        params.app = params.app.or_else(|| self.client.shared().app.clone());
        let paging = Paging {
            limit: params.limit,
            after: params.starting_after.take(),
            before: params.ending_before.take(),
        };
        Pager::new(
            self.client.clone(),
            paging,
            |charge| charge.id.as_str(),
            move || {
                let request = Request::get(["charges"]).queries(params.query());
                match params.app {
                    None => request.or_error(no_app()),
                    Some(_) => request,
                }
            },
        )
    }
}

pub(crate) fn no_app() -> BuildError {
    BuildError::new(
        "no app: set `ClientBuilder::app`, PINGPP_APP_ID or the `app` of the parameters",
    )
}

object! {
    /// A payment: created by the merchant, paid by the customer, reversed or refunded if need be.
    ///
    /// It has no status; `paid`, `reversed` and `refunded` say where it stands, and `reversed`
    /// counts more than `paid`: then the money went back or never came.
    pub struct Charge = "charge" {
        required {
            /// `ch_` and 24 characters.
            id: Id<Charge>,
            /// When it was created.
            created: Timestamp,
            /// Whether it was made with a live key.
            livemode: bool,
            /// Whether the customer has paid.
            paid: bool,
            /// Whether there is a refund, whatever became of it.
            refunded: bool,
            /// The app: its id, or all of it with `expand[]=app`.
            app: Expandable<App>,
            /// The way of paying.
            channel: Channel,
            /// The merchant's order number.
            order_no: String,
            /// The IP address of the customer.
            client_ip: String,
            /// What is to be paid, in fen.
            amount: Amount,
            /// What the merchant gets, in fen; 0 on some channels.
            amount_settle: Amount,
            /// The currency.
            currency: Currency,
            /// Title, up to 32 characters.
            subject: String,
            /// Description of the goods, up to 128 characters.
            body: String,
            /// Parameters of the channel, and what it returned after payment.
            extra: Object,
            /// What was refunded, in fen.
            amount_refunded: Amount,
            /// The merchant's own keys and values.
            metadata: Object,
            /// What the customer's client needs to pay; pass it on as it is. Empty once paid.
            credential: Object,
        }
        optional {
            /// Whether it was reversed; absent in objects before 2017.
            reversed: bool,
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
            /// Why it failed.
            failure_code: ErrorCode,
            /// Why it failed, in words.
            failure_msg: String,
            /// The merchant's note, up to 255 characters.
            description: String,
        }
    }
}

/// What [`ChargeApi::create`] needs. A builder without a required field does not compile:
///
/// ```compile_fail
/// pingpp::CreateCharge::builder().order_no("20261123001").build();
/// ```
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[non_exhaustive]
pub struct CreateCharge {
    /// The merchant's number of the order, unique per channel family; 8 to 20 letters or digits fit
    /// every channel.
    #[builder(into)]
    pub order_no: String,
    /// The app; [`ClientBuilder::app`](crate::ClientBuilder::app) if not set.
    #[builder(into)]
    #[serde(serialize_with = "app_object")]
    pub app: Option<Id<App>>,
    /// The way of paying.
    #[builder(into)]
    pub channel: Channel,
    /// What is to be paid, in fen; more than 0.
    pub amount: Amount,
    /// The IP address of the customer.
    #[builder(into)]
    pub client_ip: IpAddr,
    /// The currency; `cny` if not set.
    #[builder(default = Currency::Cny)]
    pub currency: Currency,
    /// Title, up to 32 characters (32 bytes on UnionPay).
    #[builder(into)]
    pub subject: String,
    /// Description of the goods, up to 128 characters.
    #[builder(into)]
    pub body: String,
    /// Parameters of the channel, such as `scan_code`; some channels require some.
    #[builder(default, into)]
    #[serde(skip_serializing_if = "is_empty")]
    pub extra: Object,
    /// When it can no longer be paid: 1 minute to 15 days from now. The channel decides if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_expire: Option<Timestamp>,
    /// The merchant's own keys and values: up to 20, 1000 characters in all.
    #[builder(default, into)]
    #[serde(skip_serializing_if = "is_empty")]
    pub metadata: Object,
    /// The merchant's note, up to 255 characters.
    #[builder(into)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Here the API wants `{"id": "app_..."}`, elsewhere the bare id.
fn app_object<S: serde::Serializer>(
    app: &Option<Id<App>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    json!({ "id": app }).serialize(serializer)
}

fn is_empty(object: &Object) -> bool {
    object.is_empty()
}

/// Which charges [`ChargeApi::list`] lists; all of the app's without any of these.
#[derive(Debug, Clone, PartialEq, Builder)]
#[non_exhaustive]
pub struct ListCharges {
    /// The app; [`ClientBuilder::app`](crate::ClientBuilder::app) if not set.
    #[builder(into)]
    pub app: Option<Id<App>>,
    /// Charges per page, 1 to 100; 10 if not set.
    pub limit: Option<u32>,
    /// Begin behind this charge, towards older ones.
    #[builder(into)]
    pub starting_after: Option<Id<Charge>>,
    /// Begin before this charge, towards newer ones.
    #[builder(into)]
    pub ending_before: Option<Id<Charge>>,
    /// Created then or later.
    pub created_from: Option<Timestamp>,
    /// Created before then.
    pub created_before: Option<Timestamp>,
    /// On this channel.
    #[builder(into)]
    pub channel: Option<Channel>,
    /// Paid, or not.
    pub paid: Option<bool>,
    /// With a refund, or without.
    pub refunded: Option<bool>,
    /// Reversed, or not.
    pub reversed: Option<bool>,
    /// With the whole app in [`Charge::app`].
    #[builder(default)]
    pub expand_app: bool,
}

impl ListCharges {
    fn query(&self) -> [(&'static str, Option<String>); 8] {
        [
            ("app[id]", self.app.clone().map(String::from)),
            ("created[gte]", self.created_from.map(|time| time.as_unix().to_string())),
            ("created[lt]", self.created_before.map(|time| time.as_unix().to_string())),
            ("channel", self.channel.as_ref().map(Channel::to_string)),
            ("paid", self.paid.map(|paid| paid.to_string())),
            ("refunded", self.refunded.map(|refunded| refunded.to_string())),
            ("reversed", self.reversed.map(|reversed| reversed.to_string())),
            ("expand[]", self.expand_app.then(|| String::from("app"))),
        ]
    }
}

#[cfg(test)]
mod tests;
