//! Orders: what a customer owes, paid by one or several charges. `/v1/orders`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does.
//!
//! # How to take money for an order, and know that it came
//! An order is created once and paid as often as the customer tries. `Ok` is never a payment: ask
//! [`Order::state`], on the event `order.succeeded` or by [`retrieve`](OrderApi::retrieve).
//!
//! ```no_run
//! # async fn f(client: pingpp::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use pingpp::orders::{CreateOrder, OrderState, PayOrder};
//! use pingpp::{Amount, PayBy};
//!
//! let params = CreateOrder::builder()
//!     .merchant_order_no("20261123001") // stored before this line; `client.recover` finds it
//!     .amount(Amount::from_fen(12_800))
//!     .client_ip([203, 0, 113, 7])
//!     .subject("Longjing")
//!     .body("A tin of tea");
//! let order = client.orders().create(params).await?;
//! let pay = PayOrder::builder().channel(PayBy::wx_pub("o7xEMs...")).charge_amount(order.amount);
//! let order = client.orders().pay(&order.id, pay).await?;
//! let for_the_browser = order.client_credential();
//!
//! // Later:
//! match client.orders().retrieve(&order.id).await?.state() {
//!     OrderState::Paid => println!("release the goods"),
//!     OrderState::Pending => println!("not paid: look again, or cancel it"),
//!     OrderState::Canceled => println!("it cannot be paid any more"),
//!     OrderState::NeedsRefund => println!("canceled, but money came: refund it"),
//!     OrderState::Refunded => println!("money went back"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! There is no `settle` for an order. A settlement closes by a reverse, and that acts on one charge; an
//! order can be paid by several, and one that is canceled can still be paid late by a charge that was made
//! before. Settle the charge that the customer is paying, `client.charges().settle(id)`, and cancel the
//! order when none of its charges can be paid any more: [`OrderApi::list_charges`] lists them.

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
use crate::recovery::Recovery;
use crate::request::Request;
use crate::retry::Repeat;
use crate::types::{
    Amount, App, Channel, ClientIp, Currency, Expandable, Id, JsonObject, List, PayBy, TimeRange,
    Timestamp,
};

/// Orders. From [`Client::orders`]; [how to take money](self).
#[derive(Debug, Clone)]
pub struct OrderApi {
    client: Client,
}

impl Client {
    /// Orders: create, pay, retrieve, list, update, cancel, and their charges. `/v1/orders`
    pub fn orders(&self) -> OrderApi {
        OrderApi { client: self.clone() }
    }
}

impl OrderApi {
    /// Creates an order: `POST /v1/orders`. It is not paid until [`pay`](Self::pay) and the customer.
    ///
    /// **Repeats:** never, since nothing says that a second one is the same order.
    /// **Dropping:** the order may exist; [`Client::recover`] finds it by its merchant_order_no.
    pub fn create(&self, params: impl Into<CreateOrder>) -> Call<Order> {
        let (params, app) = (params.into(), self.client.app());
        let number = ("merchant_order_no", params.merchant_order_no.as_str());
        let list = json!({ "app": app });
        let request = Request::post("/v1/orders", &[])
            .in_app(app, &params)
            .recovery(lost::find("/v1/orders", list, number, true, Some(20)))
            .about_new::<Order>()
            .same("merchant_order_no", params.merchant_order_no)
            .same("amount", params.amount.as_fen());
        self.client.fetch(request)
    }

    /// Makes a charge for the order: `POST /v1/orders/{id}/pay`.
    ///
    /// The answer carries the credential with which the customer's client pays:
    /// [`Order::client_credential`].
    ///
    /// **Repeats:** never; a second one makes another charge, and the customer may pay both.
    /// **Dropping:** a charge may exist; [`retrieve`](Self::retrieve) the order and read its charges.
    pub fn pay(&self, id: impl Into<Id<Order>>, params: impl Into<PayOrder>) -> Call<Order> {
        let id = id.into();
        let request = Request::post("/v1/orders/{id}/pay", &[id.as_str()]);
        self.client.fetch(request.json(&params.into()).recovery(look_at(&id)).about(&id))
    }

    /// Retrieves an order: `GET /v1/orders/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<Order>>) -> Call<Order> {
        let id = id.into();
        self.client.fetch(Request::get("/v1/orders/{id}", &[id.as_str()]).about(&id))
    }

    /// Orders of the app, newest first: `GET /v1/orders`. A page has at most 20.
    pub fn list(&self, filter: impl Into<ListOrders>) -> Pager<Order, ByNumber> {
        let request = Request::get("/v1/orders", &[]);
        let request = request.in_app(self.client.app(), &filter.into());
        Pager::by_number(&self.client, request).of_mode(|order| Some(order.livemode))
    }

    /// Changes an order that is not paid: `PUT /v1/orders/{id}`.
    ///
    /// **Repeats:** always; it sets values. **Dropping:** call it again.
    pub fn update(&self, id: impl Into<Id<Order>>, params: impl Into<UpdateOrder>) -> Call<Order> {
        let id = id.into();
        let request = Request::put("/v1/orders/{id}", &[id.as_str()]).json(&params.into());
        self.client.fetch(request.repeat(Repeat::Always).recovery(look_at(&id)).about(&id))
    }

    /// Cancels an order that is not paid: `PUT /v1/orders/{id}`. `user` is the `uid` with which it
    /// was created; Ping++ compares it if it is given.
    ///
    /// A payment that is under way may still arrive: see [`OrderState::NeedsRefund`].
    ///
    /// **Repeats:** always; a second one leaves it as the first did. **Dropping:** call it again.
    pub fn cancel(&self, id: impl Into<Id<Order>>, user: Option<&str>) -> Call<Order> {
        let id = id.into();
        let mut params = json!({ "status": "canceled" });
        if let Some(user) = user {
            params["user"] = user.into();
        }
        let request = Request::put("/v1/orders/{id}", &[id.as_str()])
            .json(&params)
            .repeat(Repeat::Always)
            .recovery(look_at(&id))
            .about(&id)
            .wants("status", "canceled");
        self.client.fetch(request)
    }

    /// Retrieves a charge of an order: `GET /v1/orders/{order}/charges/{id}`.
    pub fn retrieve_charge(
        &self,
        order: impl Into<Id<Order>>,
        id: impl Into<Id<Charge>>,
    ) -> Call<Charge> {
        let (order, id) = (order.into(), id.into());
        let ids = [order.as_str(), id.as_str()];
        self.client.fetch(Request::get("/v1/orders/{order}/charges/{id}", &ids).about(&id))
    }

    /// Charges of an order: `GET /v1/orders/{order}/charges`.
    pub fn list_charges(&self, order: impl Into<Id<Order>>) -> Pager<Charge, ByNumber> {
        let request = Request::get("/v1/orders/{order}/charges", &[order.into().as_str()]);
        Pager::by_number(&self.client, request).of_mode(|charge: &Charge| Some(charge.livemode))
    }
}

fn look_at(id: &Id<Order>) -> Recovery {
    Recovery::retrieve("/v1/orders/{id}", &[id.as_str()])
}

/// What [`OrderApi::create`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateOrder {
    /// The merchant's number of the order: 8 to 20 letters or digits.
    pub merchant_order_no: String,
    /// What it costs, in fen.
    pub amount: Amount,
    /// The currency; `cny` if not set.
    #[builder(default = Currency::Cny)]
    pub currency: Currency,
    /// The IP address of the customer.
    pub client_ip: ClientIp,
    /// Title, up to 32 characters.
    pub subject: String,
    /// Description of the goods, up to 128 characters.
    pub body: String,
    /// The merchant's note, up to 255 characters.
    pub description: Option<String>,
    /// The user who pays (account product).
    pub uid: Option<String>,
    /// The coupon that is redeemed.
    pub coupon: Option<String>,
    /// What is left to pay, in fen: the amount without the coupon.
    pub actual_amount: Option<Amount>,
    /// When it can no longer be paid.
    pub time_expire: Option<Timestamp>,
    /// The merchant's own keys and values: up to 20, 1,000 characters in all.
    pub metadata: Option<JsonObject>,
    /// The app that gets the money.
    pub receipt_app: Option<Id<App>>,
    /// The app that provides the service.
    pub service_app: Option<Id<App>>,
    /// Who gets a share.
    pub royalty_users: Option<Vec<RoyaltyUser>>,
    /// The template of the shares; not used when `royalty_users` is set.
    pub royalty_template: Option<String>,
    /// The user whose balance gets the money.
    pub balance_settlement: Option<BalanceSettlement>,
}

/// A user's share of an order.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RoyaltyUser {
    /// A user of the account product, or an app.
    pub user: String,
    /// The share, in fen.
    pub amount: Amount,
}

/// The user whose balance gets the money of an order.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BalanceSettlement {
    /// The user.
    pub user: String,
    /// The user's fee, in fen.
    pub user_fee: Amount,
}

/// What [`OrderApi::pay`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct PayOrder {
    /// The way of paying; not needed when there is nothing to pay.
    #[serde(flatten)]
    pub channel: Option<PayBy>,
    /// What this charge is about, in fen.
    pub charge_amount: Amount,
    /// When the charge can no longer be paid.
    pub time_expire: Option<Timestamp>,
    /// The merchant's number of the charge.
    pub charge_order_no: Option<String>,
    /// A second way of paying a part. Only the examples of the official SDK for Python have it.
    pub combined_with: Option<CombinedWith>,
}

/// A second way of paying a part of an order.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CombinedWith {
    /// The way of paying.
    pub channel: Channel,
    /// The part, in fen.
    pub charge_amount: Amount,
}

/// What [`OrderApi::update`] changes; what is not set stays.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct UpdateOrder {
    /// The `uid` with which it was created; Ping++ compares it.
    pub user: Option<String>,
    /// What it costs, in fen.
    pub amount: Option<Amount>,
    /// Title, up to 32 characters.
    pub subject: Option<String>,
    /// Description of the goods, up to 128 characters.
    pub body: Option<String>,
    /// The merchant's note, up to 255 characters.
    pub description: Option<String>,
    /// When it can no longer be paid.
    pub time_expire: Option<Timestamp>,
    /// The merchant's own keys and values, instead of those it has.
    pub metadata: Option<JsonObject>,
    /// The app that gets the money.
    pub receipt_app: Option<Id<App>>,
    /// The app that provides the service.
    pub service_app: Option<Id<App>>,
    /// Who gets a share.
    pub royalty_users: Option<Vec<RoyaltyUser>>,
    /// The template of the shares.
    pub royalty_template: Option<String>,
    /// The user whose balance gets the money.
    pub balance_settlement: Option<BalanceSettlement>,
}

/// Which orders [`OrderApi::list`] lists; all of the app's without any of these.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct ListOrders {
    /// Created in this time: `from..until`.
    pub created: Option<TimeRange>,
    /// Of this user.
    pub uid: Option<String>,
    /// Whose money goes to this app.
    pub receipt_app: Option<Id<App>>,
    /// Whose service comes from this app.
    pub service_app: Option<Id<App>>,
    /// Paid, or not.
    pub paid: Option<bool>,
    /// With a refund, or without.
    pub refunded: Option<bool>,
    /// Canceled, or not.
    #[serde(with = "serde_with::As::<Option<serde_with::BoolFromInt>>")]
    pub canceled: Option<bool>,
    /// With this status.
    pub status: Option<OrderStatus>,
}

object! {
    /// An order. Whether it is paid is judged by [`state`](Self::state).
    pub struct Order = "order" {
        required {
            /// 19 digits.
            id: Id<Order>,
            /// Whether real money moves.
            livemode: bool,
            /// How far it got; [`state`](Self::state) judges it.
            status: OrderStatus,
            /// Whether the merchant holds what is due. A canceled order may be paid as well.
            paid: bool,
            /// The merchant's number.
            merchant_order_no: String,
            /// What it costs, in fen.
            amount: Amount,
        }
        strict {
            /// What is due, in fen: the amount without coupon and discount.
            actual_amount: Amount,
            /// What the charges brought, in fen; more than is due if the customer paid twice.
            amount_paid: Amount,
            /// What was refunded, in fen.
            amount_refunded: Amount,
        }
        optional {
            /// When it was created.
            created: Timestamp,
            /// The app.
            app: Expandable<App>,
            /// The app that gets the money.
            receipt_app: Id<App>,
            /// The app that provides the service.
            service_app: Id<App>,
            /// Whether there is a refund.
            refunded: bool,
            /// The user who pays.
            uid: String,
            /// The balance that the user can pay with, in fen.
            available_balance: Amount,
            /// The discount of the coupon, in fen.
            coupon_amount: Amount,
            /// Another discount, in fen.
            discount_amount: Amount,
            /// The currency.
            currency: Currency,
            /// Title.
            subject: String,
            /// Description of the goods.
            body: String,
            /// The IP address of the customer.
            client_ip: String,
            /// When it was paid.
            time_paid: Timestamp,
            /// When it can no longer be paid.
            time_expire: Timestamp,
            /// The newest charge.
            charge: Id<Charge>,
            /// The coupon that is redeemed.
            coupon: String,
            /// The merchant's note.
            description: String,
            /// What the customer's client needs of the newest charge.
            charge_essentials: ChargeEssentials,
            /// Its charges, without their refunds.
            charges: List<Charge>,
            /// The channels that the user may pay with.
            available_methods: Vec<Channel>,
        }
        maps {
            /// The merchant's own keys and values.
            metadata,
        }
    }
}

object! {
    /// The newest charge of an order, as far as the customer's client needs it.
    pub struct ChargeEssentials {
        optional {
            /// The way of paying.
            channel: Channel,
            /// The channel's number of the payment.
            transaction_no: String,
            /// Why the payment failed; the customer may try again.
            failure_code: ErrorCode,
            /// Why the payment failed, in words.
            failure_msg: String,
        }
        maps {
            /// Parameters of the channel, and what it returned after payment.
            extra,
            /// What the customer's client needs to pay; pass it on as it is.
            credential,
        }
    }
}

open_enum! {
    /// `order.status`.
    pub enum OrderStatus {
        /// Not paid.
        Created = "created",
        /// Paid.
        Paid = "paid",
        /// Refunded.
        Refunded = "refunded",
        /// Canceled.
        Canceled = "canceled",
    }
}

/// Where an order stands, from [`Order::state`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderState {
    /// Not paid, paid in part, or not clear: it may still become anything.
    Pending,
    /// Paid in full. The customer may have paid more: compare `amount_paid` with `actual_amount`.
    Paid,
    /// Canceled, and the merchant holds no money for it.
    Canceled,
    /// Canceled, but the customer paid all the same: refund it.
    NeedsRefund,
    /// Money went back, and less is left than is due.
    Refunded,
}

impl Order {
    /// Where it stands, out of `status`, `paid` and the amounts together. What contradicts itself, or
    /// is new, is [`Pending`](OrderState::Pending).
    pub fn state(&self) -> OrderState {
        let due = self.actual_amount.unwrap_or_default();
        let returned = self.amount_refunded.unwrap_or_default();
        let held = self.amount_paid.and_then(|paid| paid.checked_sub(returned));
        let has_returned = returned > Amount::default();
        match (&self.status, self.paid) {
            (OrderStatus::Paid, true) if held.is_none_or(|held| held >= due) => OrderState::Paid,
            (OrderStatus::Paid | OrderStatus::Refunded, false)
                if has_returned && held.is_none_or(|held| held < due) =>
            {
                OrderState::Refunded
            }
            (OrderStatus::Canceled, paid) => match held {
                Some(held) if held > Amount::default() => OrderState::NeedsRefund,
                None if paid => OrderState::NeedsRefund,
                _ if paid => OrderState::Pending,
                _ => OrderState::Canceled,
            },
            _ => OrderState::Pending,
        }
    }
}
