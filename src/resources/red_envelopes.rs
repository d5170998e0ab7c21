//! Red envelopes: money given to people in WeChat, who open the envelope. `/v1/red_envelopes`
//!
//! Reads may be repeated and dropped at any time; each write says what a second send does.
//!
//! # How to give money once, and know that it was taken
//! Store the `order_no` before the call, and spawn the call. `Ok` means accepted. An envelope that
//! nobody opens comes back: ask [`RedEnvelope::state`], and wait for the events `red_envelope.sent`
//! and `red_envelope.received` (in test mode there are none).
//!
//! ```no_run
//! # async fn f(client: pingpp::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use pingpp::red_envelopes::{CreateRedEnvelope, RedEnvelopeState};
//! use pingpp::{Amount, Channel, Outcome, Recovered};
//!
//! let params = CreateRedEnvelope::builder()
//!     .order_no("20261123001") // stored before this line
//!     .channel(Channel::WxPub)
//!     .amount(Amount::from_fen(100))
//!     .recipient("o7xEMsySBFG3MVHI-9VsAJX-j50W") // the open id
//!     .subject("Happy new year")
//!     .body("From the tea house")
//!     .description("New year 2027")
//!     .extra([("send_name", "Tea house")]);
//! let envelope = match tokio::spawn(client.red_envelopes().create(params)).await? {
//!     Ok(envelope) => envelope,
//!     Err(error) if error.outcome() == Outcome::Unknown => match client.recover(&error).await? {
//!         Recovered::Found(envelope) => envelope,
//!         _ => return Err(error.into()), // not there yet: ask again later, then a person
//!     },
//!     Err(error) => return Err(error.into()), // nothing was given
//! };
//! // Later:
//! let envelope = client.red_envelopes().retrieve(&envelope.id).await?;
//! match envelope.state() {
//!     RedEnvelopeState::Received => println!("opened"),
//!     RedEnvelopeState::Sent => println!("not opened yet"),
//!     RedEnvelopeState::Pending => println!("under way: look again"),
//!     RedEnvelopeState::Returned => println!("the money is back"),
//!     RedEnvelopeState::Failed => println!("nothing was given: {:?}", envelope.failure_msg),
//! }
//! # Ok(())
//! # }
//! ```

use bon::Builder;
use serde::Serialize;
use serde_json::json;
use serde_with::skip_serializing_none;

use super::lost;
use crate::call::Call;
use crate::client::Client;
use crate::error::ErrorCode;
use crate::macros::object::object;
use crate::macros::open_enum::open_enum;
use crate::pager::Pager;
use crate::request::Request;
use crate::types::{
    Amount, App, Channel, Currency, Expandable, Id, JsonObject, Sensitive, TimeRange, Timestamp,
};

/// Red envelopes. From [`Client::red_envelopes`]; [how to give money](self).
#[derive(Debug, Clone)]
pub struct RedEnvelopeApi {
    client: Client,
}

impl Client {
    /// Red envelopes: create, retrieve, list. `/v1/red_envelopes`
    pub fn red_envelopes(&self) -> RedEnvelopeApi {
        RedEnvelopeApi { client: self.clone() }
    }
}

impl RedEnvelopeApi {
    /// Sends a red envelope: `POST /v1/red_envelopes`.
    ///
    /// **Repeats:** never; a second one can give money twice.
    /// **Dropping:** money may move and nobody will know; spawn the call. A lost one is found by its
    /// order_no with [`Client::recover`], also after `red_system_busy`.
    pub fn create(&self, params: impl Into<CreateRedEnvelope>) -> Call<RedEnvelope> {
        let (params, app) = (params.into(), self.client.app());
        let number = ("order_no", params.order_no.as_str());
        let list = json!({ "app": { "id": app } });
        let request = Request::post("/v1/red_envelopes", &[])
            .in_app_object(app, &params)
            .recovery(lost::find("/v1/red_envelopes", list, number, true, None))
            .about_new::<RedEnvelope>()
            .same("order_no", params.order_no)
            .same("amount", params.amount.as_fen());
        self.client.fetch(request)
    }

    /// Retrieves a red envelope: `GET /v1/red_envelopes/{id}`.
    pub fn retrieve(&self, id: impl Into<Id<RedEnvelope>>) -> Call<RedEnvelope> {
        let id = id.into();
        self.client.fetch(Request::get("/v1/red_envelopes/{id}", &[id.as_str()]).about(&id))
    }

    /// Red envelopes of the app, newest first: `GET /v1/red_envelopes`.
    pub fn list(&self, filter: impl Into<ListRedEnvelopes>) -> Pager<RedEnvelope> {
        let request = Request::get("/v1/red_envelopes", &[]);
        let request = request.in_app_object(self.client.app(), &filter.into());
        Pager::by_cursor(&self.client, request, |envelope: &RedEnvelope| envelope.id.as_str())
            .of_mode(|envelope| Some(envelope.livemode))
    }
}

/// What [`RedEnvelopeApi::create`] needs.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct CreateRedEnvelope {
    /// The merchant's number: up to 28 digits, unique within a day.
    pub order_no: String,
    /// `wx`, `wx_pub` or `wx_lite`.
    pub channel: Channel,
    /// How much is in it, in fen: 100 to 20,000.
    pub amount: Amount,
    /// The currency; `cny` if not set.
    #[builder(default = Currency::Cny)]
    pub currency: Currency,
    /// The open id of the person.
    pub recipient: Sensitive,
    /// Title, up to 32 bytes.
    pub subject: String,
    /// Greeting, up to 128 characters.
    pub body: String,
    /// The merchant's note, up to 255 characters.
    pub description: String,
    /// `send_name`, the name of the merchant, up to 32 bytes; and what else the channel takes.
    pub extra: JsonObject,
    /// The merchant's own keys and values: up to 20, 1,000 characters in all.
    pub metadata: Option<JsonObject>,
}

/// Which envelopes [`RedEnvelopeApi::list`] lists; all of the app's without any of these.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Default, Builder, Serialize)]
#[builder(on(_, into), derive(Into))]
#[non_exhaustive]
pub struct ListRedEnvelopes {
    /// Created in this time: `from..until`.
    pub created: Option<TimeRange>,
    /// On this channel.
    pub channel: Option<Channel>,
    /// With this status.
    pub status: Option<RedEnvelopeStatus>,
}

object! {
    /// A red envelope. Receiving one does not mean that the money was taken: see
    /// [`state`](Self::state).
    pub struct RedEnvelope = "red_envelope" {
        required {
            /// `red_` and 24 characters.
            id: Id<RedEnvelope>,
            /// Whether real money moves.
            livemode: bool,
            /// How far it got; [`state`](Self::state) judges it.
            status: RedEnvelopeStatus,
            /// The merchant's number.
            order_no: String,
            /// How much is in it, in fen.
            amount: Amount,
        }
        strict {
            /// When it was opened.
            received: Timestamp,
            /// When the money came back.
            refunded: Timestamp,
            /// Why it failed.
            failure_code: ErrorCode,
        }
        optional {
            /// When it was created.
            created: Timestamp,
            /// The app: its id, or all of it with [`Call::expand`].
            app: Expandable<App>,
            /// `wx`, `wx_pub` or `wx_lite`.
            channel: Channel,
            /// The channel's number.
            transaction_no: String,
            /// What it costs the merchant, in fen.
            amount_settle: Amount,
            /// The currency.
            currency: Currency,
            /// The open id of the person.
            recipient: Sensitive,
            /// Title.
            subject: String,
            /// Greeting.
            body: String,
            /// The merchant's note.
            description: String,
            /// Why it failed, in words.
            failure_msg: String,
        }
        maps {
            /// `send_name`, and values of the channel.
            extra,
            /// The merchant's own keys and values.
            metadata,
        }
    }
}

open_enum! {
    /// `red_envelope.status`.
    pub enum RedEnvelopeStatus {
        /// Being sent.
        Sending = "sending",
        /// Sent, not opened.
        Sent = "sent",
        /// Refused or failed.
        Failed = "failed",
        /// Opened.
        Received = "received",
        /// Not opened in time; the money came back.
        Refund = "refund",
    }
}

/// Where a red envelope stands, from [`RedEnvelope::state`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RedEnvelopeState {
    /// Under way, or not clear.
    Pending,
    /// Sent, not opened yet.
    Sent,
    /// The person has the money.
    Received,
    /// Nobody opened it; the money came back.
    Returned,
    /// It did not happen and will not.
    Failed,
}

impl RedEnvelope {
    /// Where it stands. What contradicts itself, or is new, is
    /// [`Pending`](RedEnvelopeState::Pending).
    pub fn state(&self) -> RedEnvelopeState {
        use RedEnvelopeStatus::{Failed, Received, Refund, Sent};
        let is_failed = self.failure_code.is_some();
        match (&self.status, self.received, self.refunded) {
            (Received, _, None) if !is_failed => RedEnvelopeState::Received,
            (Sent, None, None) if !is_failed => RedEnvelopeState::Sent,
            (Refund, None, _) => RedEnvelopeState::Returned,
            (Failed, None, None) => RedEnvelopeState::Failed,
            _ => RedEnvelopeState::Pending,
        }
    }
}
