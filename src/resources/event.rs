//! Events: news that Ping++ keeps and delivers to webhooks. Handle, object, parameters.

use std::fmt;

use bon::Builder;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::call::Call;
use crate::client::Client;
use crate::object::object;
use crate::open_enum::open_enum;
use crate::page::{Pager, Paging};
use crate::request::{Asked, Request};
use crate::{Charge, Id, Refund, Timestamp};

/// Events. From [`Client::events`].
#[derive(Debug, Clone)]
pub struct EventApi {
    client: Client,
}

impl EventApi {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Looks at an event: `GET /v1/events/{id}`.
    ///
    /// **Repeats:** always. **Dropping:** at any time.
    pub fn retrieve(&self, id: impl Into<Id<Event>>) -> Call<Event> {
        let id = id.into();
        self.client
            .call(Request::get(["events", id.as_str()]).expect(Event::OBJECT, Some(id.as_str())))
    }

    /// Events, newest first: `GET /v1/events`.
    ///
    /// An old operation: Ping++ documented it once, and its own SDKs have dropped it.
    ///
    /// **Repeats:** always. **Dropping:** at any time.
    pub fn list(&self, params: ListEvents) -> Pager<Event> {
        let mut params = params;
        let paging = Paging {
            limit: params.limit,
            after: params.starting_after.take(),
            before: params.ending_before.take(),
        };
        Pager::new(
            self.client.clone(),
            paging,
            |event| event.id.as_ref().map_or("", Id::as_str),
            move || Request::get(["events"]).queries(params.query()),
        )
    }
}

/// Which events [`EventApi::list`] lists; all of them without any of these.
#[derive(Debug, Clone, PartialEq, Builder)]
#[non_exhaustive]
pub struct ListEvents {
    /// Events per page, 1 to 100; 10 if not set.
    pub limit: Option<u32>,
    /// Begin behind this event, towards older ones.
    #[builder(into)]
    pub starting_after: Option<Id<Event>>,
    /// Begin before this event, towards newer ones.
    #[builder(into)]
    pub ending_before: Option<Id<Event>>,
    /// What happened.
    #[builder(into)]
    pub kind: Option<EventType>,
    /// Created then or later.
    pub created_from: Option<Timestamp>,
    /// Created before then.
    pub created_before: Option<Timestamp>,
}

impl ListEvents {
    fn query(&self) -> [(&'static str, Option<String>); 3] {
        [
            ("type", self.kind.as_ref().map(EventType::to_string)),
            ("created[gte]", self.created_from.map(|time| time.as_unix().to_string())),
            ("created[lt]", self.created_before.map(|time| time.as_unix().to_string())),
        ]
    }
}

object! {
    /// Something that happened, with the object as it was then.
    ///
    /// Ping++ delivers an event until it is answered with 2xx, so the same one may come twice:
    /// remember its id.
    pub struct Event = "event" {
        required {
            /// When it happened.
            created: Timestamp,
            /// Whether it is about live money.
            livemode: bool,
            /// What happened; `type` in the API.
            kind as "type": EventType,
            /// What it happened to.
            data: EventData,
        }
        optional {
            /// `evt_` and 24 characters; some real events have none.
            id: Id<Event>,
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

open_enum! {
    /// `event.type`: what happened.
    pub enum EventType {
        /// A charge was paid.
        ChargeSucceeded = "charge.succeeded",
        /// A charge failed.
        ChargeFailed = "charge.failed",
        /// The money of a refund went back.
        RefundSucceeded = "refund.succeeded",
        /// A refund failed.
        RefundFailed = "refund.failed",
        /// A transfer was paid out.
        TransferSucceeded = "transfer.succeeded",
        /// A transfer failed.
        TransferFailed = "transfer.failed",
        /// A batch of transfers is done.
        BatchTransferSucceeded = "batch_transfer.succeeded",
        /// A batch of transfers failed.
        BatchTransferFailed = "batch_transfer.failed",
        /// A batch of refunds is done.
        BatchRefundSucceeded = "batch_refund.succeeded",
        /// A red envelope was sent.
        RedEnvelopeSent = "red_envelope.sent",
        /// A red envelope was opened.
        RedEnvelopeReceived = "red_envelope.received",
        /// A customs declaration was accepted.
        CustomsSucceeded = "customs.succeeded",
        /// An order was paid.
        OrderSucceeded = "order.succeeded",
        /// An order was refunded.
        OrderRefunded = "order.refunded",
        /// A recharge was paid.
        RechargeSucceeded = "recharge.succeeded",
        /// A recharge was refunded.
        RechargeRefundSucceeded = "recharge.refund.succeeded",
        /// A withdrawal was paid out.
        BalanceWithdrawalSucceeded = "balance.withdrawal.succeeded",
        /// A withdrawal failed.
        BalanceWithdrawalFailed = "balance.withdrawal.failed",
        /// A batch of withdrawals is done.
        BatchWithdrawalSucceeded = "batch_withdrawal.succeeded",
        /// A batch of withdrawals is done in part.
        BatchWithdrawalPartiallySucceeded = "batch_withdrawal.partially_succeeded",
        /// A batch of withdrawals failed.
        BatchWithdrawalFailed = "batch_withdrawal.failed",
        /// A batch of withdrawals was canceled.
        BatchWithdrawalCanceled = "batch_withdrawal.canceled",
        /// A royalty settlement is done.
        RoyaltySettlementSucceeded = "royalty_settlement.succeeded",
        /// A royalty settlement is done in part.
        RoyaltySettlementPartiallySucceeded = "royalty_settlement.partially_succeeded",
        /// A royalty settlement failed.
        RoyaltySettlementFailed = "royalty_settlement.failed",
        /// A royalty settlement was canceled.
        RoyaltySettlementCanceled = "royalty_settlement.canceled",
        /// An agreement was signed.
        AgreementSucceeded = "agreement.succeeded",
        /// Yesterday's numbers are there.
        SummaryDailyAvailable = "summary.daily.available",
        /// Last week's numbers are there.
        SummaryWeeklyAvailable = "summary.weekly.available",
        /// Last month's numbers are there.
        SummaryMonthlyAvailable = "summary.monthly.available",
        /// Numbers are there (old name).
        AccountSummaryAvailable = "account.summary.available",
    }
}

/// `event.data`: what it happened to.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct EventData {
    /// The object, as it was when it happened.
    pub object: EventObject,
    /// What else came beside it.
    pub other: Map<String, Value>,
}

/// The object of an event, by its own `object` field.
///
/// What this crate has no type for, or cannot read as one, is kept whole; something new is never an
/// error.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum EventObject {
    /// A charge.
    Charge(Box<Charge>),
    /// A refund.
    Refund(Box<Refund>),
    /// Anything else, as it came.
    Other(Value),
}

impl EventObject {
    fn read(text: &str) -> Result<Self, serde_json::Error> {
        let is = |object| matches!(Asked::new(object).is_answered_by(text.as_bytes()), Ok(true));
        if is(Charge::OBJECT)
            && let Ok(charge) = serde_json::from_str(text)
        {
            return Ok(Self::Charge(charge));
        }
        if is(Refund::OBJECT)
            && let Ok(refund) = serde_json::from_str(text)
        {
            return Ok(Self::Refund(refund));
        }
        serde_json::from_str(text).map(Self::Other)
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
                let mut object = None;
                let mut other = Map::new();
                while let Some(key) = map.next_key::<String>()? {
                    if key != "object" {
                        other.insert(key, map.next_value()?);
                    } else if object.is_some() {
                        return Err(A::Error::duplicate_field("object"));
                    } else {
                        // Which type it is stands inside, so its text is needed first.
                        let text: Box<RawValue> = map.next_value()?;
                        object = Some(EventObject::read(text.get()).map_err(A::Error::custom)?);
                    }
                }
                let object = object.ok_or_else(|| A::Error::missing_field("object"))?;
                Ok(EventData { object, other })
            }
        }

        deserializer.deserialize_map(Fields)
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
