//! Events: news that Ping++ keeps and delivers to webhooks. `/v1/events`
//!
//! Both operations only read, so they may be repeated and dropped at any time. To receive events see
//! [`webhook`](crate::webhook).

use std::fmt;

use bon::Builder;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use serde_with::skip_serializing_none;

use crate::call::Call;
use crate::client::Client;
use crate::macros::from_json::{
    ApiObject, FromJson, Names, fault, from_body, raw_fields, text_of, value_of,
};
use crate::macros::object::object;
use crate::macros::open_enum::open_enum;
use crate::pager::Pager;
use crate::request::Request;
use crate::signing::fingerprint;
use crate::types::{Id, TimeRange, Timestamp};

/// Events. From [`Client::events`].
#[derive(Debug, Clone)]
pub struct EventApi {
    client: Client,
}

impl Client {
    /// Events: retrieve, list. `/v1/events`
    pub fn events(&self) -> EventApi {
        EventApi { client: self.clone() }
    }
}

impl EventApi {
    /// Retrieves an event: `GET /v1/events/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<Event>>) -> Call<Event> {
        let id = id.into();
        self.client.fetch(Request::get("/v1/events/{id}", &[id.as_str()]).about(&id))
    }

    /// Events, newest first: `GET /v1/events`.
    ///
    /// An old operation: Ping++ documented it once, and its own SDKs have dropped it.
    pub fn list(&self, filter: impl Into<ListEvents>) -> Pager<Event> {
        let request = Request::get("/v1/events", &[]).query_from(&filter.into());
        Pager::by_cursor(&self.client, request, |event| event.id.as_ref().map_or("", Id::as_str))
    }
}

/// Which events [`EventApi::list`] lists; all of them without any of these.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct ListEvents {
    /// What happened.
    #[serde(rename = "type")]
    pub kind: Option<EventType>,
    /// Created in this time: `from..until`.
    pub created: Option<TimeRange>,
}

object! {
    /// Something that happened, with the object as it was then.
    ///
    /// Ping++ delivers an event until it is answered with 2xx, so the same one may come twice:
    /// remember its [`dedup_key`](Self::dedup_key).
    pub struct Event = "event" {
        required {
            /// Whether it is about real money. Events of both modes are signed with the same key.
            livemode: bool,
            /// What happened; `type` in the API.
            kind as "type": EventType,
            /// What it happened to; see [`object`](Self::object).
            data: EventData,
        }
        optional {
            /// `evt_` and 24 characters; some real events have none.
            id: Id<Event>,
            /// When it happened.
            created: Timestamp,
            /// Deliveries still to be made.
            pending_webhooks: i64,
            /// The request that caused it, `iar_` and 20 to 24 characters.
            request: String,
            /// The account or app it belongs to.
            scope: String,
            /// The account.
            acct_id: String,
        }
    }
}

impl Event {
    /// The object that it happened to, as it was then.
    ///
    /// ```
    /// use pingpp::{Charge, Event, EventType};
    ///
    /// fn paid(event: &Event) -> Result<(), Box<dyn std::error::Error>> {
    ///     if event.kind == EventType::ChargeSucceeded {
    ///         let charge: Charge = event.object()?;
    ///         println!("{} is paid", charge.order_no);
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ObjectError`] if it is another object, or cannot be read. Then do not answer 2xx, so that
    /// the event comes again; [`object_json`](Self::object_json) is what arrived.
    pub fn object<T: ApiObject>(&self) -> Result<T, ObjectError> {
        from_body(self.object_json().as_bytes()).map_err(|error| match self.object_type() {
            Some(found) if found == T::OBJECT => {
                ObjectError::Unreadable { expected: T::OBJECT, why: fault(&error) }
            }
            found => ObjectError::Other { expected: T::OBJECT, found },
        })
    }

    /// The `object` of the object: `charge`, `refund`, ...
    pub fn object_type(&self) -> Option<String> {
        self.data.text_of("object")
    }

    /// The id of the object, if it has one.
    pub fn object_id(&self) -> Option<String> {
        self.data.text_of("id")
    }

    /// The JSON of the object as it arrived, byte for byte.
    pub fn object_json(&self) -> &str {
        self.data.object.get()
    }

    /// What to remember, so that an event that comes again is known: its id, or if it has none, what
    /// it says about what.
    pub fn dedup_key(&self) -> String {
        match &self.id {
            Some(id) => id.to_string(),
            None => {
                let created = self.created.map_or(0, Timestamp::as_unix);
                let about =
                    self.object_id().unwrap_or_else(|| fingerprint(self.object_json().as_bytes()));
                format!("{}:{created}:{about}", self.kind)
            }
        }
    }
}

/// Why [`Event::object`] gives no object.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ObjectError {
    /// It is another object.
    #[non_exhaustive]
    Other {
        /// The one that was asked for.
        expected: &'static str,
        /// What its `object` says.
        found: Option<String>,
    },
    /// It is the object that was asked for, but a field on which money hangs cannot be read.
    #[non_exhaustive]
    Unreadable {
        /// The one that was asked for.
        expected: &'static str,
        /// What is wrong with it, without quoting it.
        why: String,
    },
}

impl fmt::Display for ObjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other { expected, found } => {
                let found = found.as_deref().unwrap_or("nothing that says what it is");
                write!(f, "the event is not about a {expected} but about {found:?}")
            }
            Self::Unreadable { expected, why } => {
                write!(f, "the {expected} of the event cannot be read: {why}")
            }
        }
    }
}

impl std::error::Error for ObjectError {}

open_enum! {
    /// `event.type`: what happened. For each type the object that [`Event::object`] gives is named;
    /// those without a type here are read by [`Event::object_json`].
    pub enum EventType {
        /// A charge was paid: [`Charge`](crate::Charge).
        ChargeSucceeded = "charge.succeeded",
        /// A charge failed: [`Charge`](crate::Charge).
        ChargeFailed = "charge.failed",
        /// The money of a refund went back: [`Refund`](crate::Refund).
        RefundSucceeded = "refund.succeeded",
        /// A refund failed: [`Refund`](crate::Refund).
        RefundFailed = "refund.failed",
        /// A transfer was paid out: [`Transfer`](crate::transfers::Transfer).
        TransferSucceeded = "transfer.succeeded",
        /// A transfer failed: [`Transfer`](crate::transfers::Transfer).
        TransferFailed = "transfer.failed",
        /// A batch of transfers is done: [`BatchTransfer`](crate::batch_transfers::BatchTransfer).
        BatchTransferSucceeded = "batch_transfer.succeeded",
        /// A batch of transfers failed: [`BatchTransfer`](crate::batch_transfers::BatchTransfer).
        BatchTransferFailed = "batch_transfer.failed",
        /// A batch of refunds is done: [`BatchRefund`](crate::batch_refunds::BatchRefund).
        BatchRefundSucceeded = "batch_refund.succeeded",
        /// A red envelope was sent: [`RedEnvelope`](crate::red_envelopes::RedEnvelope).
        RedEnvelopeSent = "red_envelope.sent",
        /// A red envelope was opened: [`RedEnvelope`](crate::red_envelopes::RedEnvelope).
        RedEnvelopeReceived = "red_envelope.received",
        /// A customs declaration was accepted: [`Customs`](crate::customs::Customs).
        CustomsSucceeded = "customs.succeeded",
        /// An order was paid: [`Order`](crate::orders::Order).
        OrderSucceeded = "order.succeeded",
        /// An order was refunded: [`Order`](crate::orders::Order).
        OrderRefunded = "order.refunded",
        /// A recharge was paid: [`Recharge`](crate::recharges::Recharge).
        RechargeSucceeded = "recharge.succeeded",
        /// A recharge was refunded: [`Refund`](crate::Refund).
        RechargeRefundSucceeded = "recharge.refund.succeeded",
        /// A withdrawal was paid out:
        /// [`Withdrawal`](crate::withdrawals::Withdrawal).
        BalanceWithdrawalSucceeded = "balance.withdrawal.succeeded",
        /// A withdrawal failed:
        /// [`Withdrawal`](crate::withdrawals::Withdrawal).
        BalanceWithdrawalFailed = "balance.withdrawal.failed",
        /// A batch of withdrawals is done:
        /// [`BatchWithdrawal`](crate::batch_withdrawals::BatchWithdrawal).
        BatchWithdrawalSucceeded = "batch_withdrawal.succeeded",
        /// A batch of withdrawals is done in part:
        /// [`BatchWithdrawal`](crate::batch_withdrawals::BatchWithdrawal).
        BatchWithdrawalPartiallySucceeded = "batch_withdrawal.partially_succeeded",
        /// A batch of withdrawals failed:
        /// [`BatchWithdrawal`](crate::batch_withdrawals::BatchWithdrawal).
        BatchWithdrawalFailed = "batch_withdrawal.failed",
        /// A batch of withdrawals was canceled:
        /// [`BatchWithdrawal`](crate::batch_withdrawals::BatchWithdrawal).
        BatchWithdrawalCanceled = "batch_withdrawal.canceled",
        /// A royalty settlement is done:
        /// [`RoyaltySettlement`](crate::royalty_settlements::RoyaltySettlement).
        RoyaltySettlementSucceeded = "royalty_settlement.succeeded",
        /// A royalty settlement is done in part:
        /// [`RoyaltySettlement`](crate::royalty_settlements::RoyaltySettlement).
        RoyaltySettlementPartiallySucceeded = "royalty_settlement.partially_succeeded",
        /// A royalty settlement failed:
        /// [`RoyaltySettlement`](crate::royalty_settlements::RoyaltySettlement).
        RoyaltySettlementFailed = "royalty_settlement.failed",
        /// A royalty settlement was canceled:
        /// [`RoyaltySettlement`](crate::royalty_settlements::RoyaltySettlement).
        RoyaltySettlementCanceled = "royalty_settlement.canceled",
        /// An agreement was signed: [`Agreement`](crate::agreements::Agreement).
        AgreementSucceeded = "agreement.succeeded",
        /// Yesterday's numbers are there: [`Summary`](crate::summaries::Summary).
        SummaryDailyAvailable = "summary.daily.available",
        /// Last week's numbers are there: [`Summary`](crate::summaries::Summary).
        SummaryWeeklyAvailable = "summary.weekly.available",
        /// Last month's numbers are there: [`Summary`](crate::summaries::Summary).
        SummaryMonthlyAvailable = "summary.monthly.available",
        /// Numbers are there (old name): [`Summary`](crate::summaries::Summary).
        AccountSummaryAvailable = "account.summary.available",
    }
}

/// `event.data`: the object that something happened to, kept as it arrived.
#[derive(Clone)]
pub struct EventData {
    object: Box<RawValue>,
    other: Map<String, Value>,
}

impl EventData {
    /// What came beside the object, such as `previous_attributes`.
    pub fn other(&self) -> &Map<String, Value> {
        &self.other
    }

    fn text_of(&self, field: &str) -> Option<String> {
        text_of(&raw_fields(self.object.get().as_bytes()).ok()?, field)
    }
}

impl PartialEq for EventData {
    fn eq(&self, other: &Self) -> bool {
        let value = |data: &Self| serde_json::from_str::<Value>(data.object.get()).ok();
        let is_same = self.object.get() == other.object.get();
        (is_same || value(self) == value(other)) && self.other == other.other
    }
}

/// Without values: they may be personal data.
impl fmt::Debug for EventData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventData")
            .field("object", &self.text_of("object"))
            .field("id", &self.text_of("id"))
            .field("other", &Names(&self.other))
            .finish()
    }
}

impl<'de> Deserialize<'de> for EventData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = EventData;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map with `object`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<EventData, A::Error> {
                let mut object: Option<Box<RawValue>> = None;
                let mut other = Map::new();
                while let Some(key) = map.next_key::<String>()? {
                    if key != "object" {
                        other.insert(key, map.next_value()?);
                    } else if object.replace(map.next_value()?).is_some() {
                        return Err(A::Error::duplicate_field("object"));
                    }
                }
                let object = object.ok_or_else(|| A::Error::missing_field("object"))?;
                Ok(EventData { object, other })
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

impl FromJson for EventData {
    fn tolerant(text: &str) -> Result<Self, serde_json::Error> {
        let mut fields = raw_fields(text.as_bytes())?;
        let missing = || serde_json::Error::missing_field("object");
        let object = fields.remove("object").ok_or_else(missing)?.to_owned();
        let other = fields.into_iter().map(|(name, text)| (name, value_of(text))).collect();
        Ok(Self { object, other })
    }
}

impl Serialize for EventData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1 + self.other.len()))?;
        map.serialize_entry("object", &self.object)?;
        for (key, value) in &self.other {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}
