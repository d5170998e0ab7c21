//! Testing your integration: a Ping++ on loopback (feature `sandbox`).
//!
//! Ping++ has no host for tests, so every merchant writes fakes. This one checks the API key, the
//! timestamp and the RSA signature over exactly what it received, knows what each channel allows,
//! and answers in the shapes of the real API. It keeps everything in memory; dropping it frees its
//! port and ends its tasks, and many may run side by side. The official clients for Python and Node
//! are run against it.
//!
//! # An order that is closed
//! ```
//! use std::time::Duration;
//!
//! use pingpp::sandbox::Sandbox;
//! use pingpp::{Amount, Channel, Client, CreateCharge, Error, Outcome};
//!
//! // Your own code: all that it needs is a client.
//! async fn sell_tea(client: &Client) -> Result<pingpp::Charge, Error> {
//!     let params = CreateCharge::builder()
//!         .order_no("20261123001")
//!         .channel(Channel::AlipayScan)
//!         .amount(Amount::from_fen(100))
//!         .client_ip([192, 0, 2, 1])
//!         .subject("Tea")
//!         .body("A pot of Longjing")
//!         .extra([("scan_code", "281000000000000003")])
//!         .build();
//!     client.charges().create(params).await
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sandbox = Sandbox::start().await?;
//! let client = sandbox.client();
//! let charge = sell_tea(&client).await?;
//!
//! // An `alipay_scan` charge can be reversed for 24 hours, no longer.
//! sandbox.advance(Duration::from_secs(25 * 3600));
//! let error = client.charges().reverse(&charge.id).await.unwrap_err();
//! assert_eq!(error.outcome(), Outcome::Rejected);
//! assert!(error.api().unwrap().message().contains("the time to reverse is over"));
//! # Ok(())
//! # }
//! ```
//!
//! # A payer, and the webhook that follows
//! [`pay`](Sandbox::pay), [`pay_after`](Sandbox::pay_after) and [`decline`](Sandbox::decline) are the
//! customer; the scanned code can also say what its owner does, see [`payer`]. What happened is
//! handed over as it would be posted ([`events`](Sandbox::events)), or posted to
//! `Options::webhook`.
//! ```
//! # use pingpp::sandbox::{Sandbox, payer};
//! # use pingpp::{Amount, Channel, CreateCharge, EventType, webhook};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let params = CreateCharge::builder().order_no("20261123001").channel(Channel::AlipayScan)
//! #     .amount(Amount::from_fen(100)).client_ip([192, 0, 2, 1]).subject("Tea").body("Tea")
//! #     .extra([("scan_code", payer::PAYS_AFTER_A_PIN)]).build();
//! let sandbox = Sandbox::start().await?;
//! let charge = sandbox.client().charges().create(params).await?; // with payer::PAYS_AFTER_A_PIN
//! assert!(!charge.paid);
//! sandbox.advance(payer::PIN_TAKES);
//!
//! let delivery = &sandbox.events()[0];
//! let event = webhook::verify(&sandbox.public_key(), &delivery.signature, &delivery.body)?;
//! assert_eq!(event.kind, EventType::ChargeSucceeded);
//! # Ok(())
//! # }
//! ```
//!
//! # A refund whose answer is lost
//! Doing and answering are separate: see [`Fault`]. A refund succeeds [`REFUND_TAKES`] later; with
//! `metadata[sandbox]` set to `refund_refused` or `refund_wait_operation` it fails like that.
//! ```
//! # use pingpp::sandbox::{Fault, Sandbox};
//! # use pingpp::{Amount, Channel, CreateCharge, CreateRefund, Outcome, Recovered};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let params = CreateCharge::builder().order_no("20261123001").channel(Channel::AlipayQr)
//! #     .amount(Amount::from_fen(100)).client_ip([192, 0, 2, 1]).subject("Tea").body("Tea").build();
//! let sandbox = Sandbox::start().await?;
//! let client = sandbox.client();
//! let charge = client.charges().create(params).await?;
//! sandbox.pay(&charge.id);
//! sandbox.fail_next(Fault::close().after_acting().on("POST", "/v1/charges/*/refunds"));
//!
//! let refund = CreateRefund::builder().description("cup broken").metadata([("tag", "1")]).build();
//! let lost = client.refunds(&charge.id).create(refund).await.unwrap_err();
//! assert_eq!(lost.outcome(), Outcome::Unknown);
//! assert!(matches!(client.recover(&lost).await?, Recovered::Refund(_)));
//! # Ok(())
//! # }
//! ```
//!
//! # Its clock
//! It is Tokio's, put forward by [`advance`](Sandbox::advance): in a test with paused time it stands
//! still. The timestamps of requests are held against the world's clock.
//!
//! # As a program
//! `cargo run --features sandbox --bin pingpp-sandbox` (or `cargo install`) is the same for other
//! languages; `--help` tells its options. On `http://127.0.0.1:PORT/_sandbox/` a person plays the
//! payer. Behind the page are `GET /_sandbox/state` and `POST /_sandbox/do` with one of
//! `{"pay": id}`, `{"decline": id}`, `{"advance": seconds}`, `{"fail": "close_after_acting"}`,
//! `"heal"`. It listens on loopback only and refuses requests of other sites' pages.

mod answer;
mod charges;
mod clock;
mod events;
mod fault;
mod inner;
mod input;
mod keys;
mod options;
mod page;
pub mod payer;
mod received;
mod refunds;
mod reply;
mod router;
mod rules;
mod seed;
mod server;
mod show;
mod state;
mod webhooks;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;

pub use self::fault::Fault;
use self::inner::{Locked, SandboxInner};
use self::keys::{merchant_key, pingxx_key};
pub use self::options::Options;
pub use self::received::{ReceivedRequest, SignatureCheck};
pub use self::refunds::REFUND_TAKES;
use self::state::{APP, Due, State};
use crate::{Charge, Client, ClientBuilder, Id, PublicKey, SigningKey};

/// A running Ping++. Dropping it stops it, closes its connections and frees its port.
///
/// # Panics
/// Dropping it panics if it panicked itself, so that the test that owns it fails.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    inner: Arc<SandboxInner>,
    tasks: JoinSet<()>,
}

/// An event as it is delivered to a merchant's server, for [`webhook::verify`](crate::webhook::verify).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SignedEvent {
    /// The value of the header `X-Pingplusplus-Signature`.
    pub signature: String,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

impl Sandbox {
    /// Starts one on a free port of `127.0.0.1`, on the current Tokio runtime.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn start() -> io::Result<Self> {
        Self::start_with(Options::builder().build()).await
    }

    /// Starts one that differs from the usual.
    ///
    /// # Errors
    /// If the port cannot be had, or an option makes no sense.
    pub async fn start_with(options: Options) -> io::Result<Self> {
        let webhook = options.webhook.as_deref().map(webhooks::target).transpose()?;
        let mut state = State::default();
        state.has_webhook = webhook.is_some();
        if let Some(seed) = &options.seed {
            state.load_seed(seed)?;
        }
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
        let listener = TcpListener::bind(wanted)
            .await
            .map_err(|error| io::Error::new(error.kind(), format!("{wanted}: {error}")))?;
        let address = listener.local_addr()?;
        let inner = Arc::new(SandboxInner {
            port: address.port(),
            merchant: options.merchant(),
            api_key: options.api_key,
            pingxx: pingxx_key(),
            signs_answers: options.sign_answers,
            prints: options.print_requests,
            locked: Mutex::new(Locked { state, ..Locked::default() }),
            changed: Notify::new(),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(server::accept(listener, Arc::clone(&inner)));
        if let Some(url) = webhook {
            tasks.spawn(webhooks::deliver(Arc::clone(&inner), url));
        }
        Ok(Self { address, inner, tasks })
    }

    /// A client of this sandbox: its API key, its merchant's signing key, its app.
    pub fn client(&self) -> Client {
        self.builder().build().expect("the sandbox's own configuration is good")
    }

    /// A client of this sandbox that can be configured further.
    pub fn builder(&self) -> ClientBuilder {
        Client::builder(&self.inner.api_key)
            .signing_key(self.merchant_key())
            .app(APP)
            .base_url(self.base_url())
            .no_proxy()
    }

    /// `http://127.0.0.1:PORT`
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The API key that it accepts.
    pub fn api_key(&self) -> &str {
        &self.inner.api_key
    }

    /// The id of its only app.
    pub fn app(&self) -> &str {
        APP
    }

    /// The key with which its merchant signs. Everybody knows it.
    pub fn merchant_key(&self) -> SigningKey {
        merchant_key()
    }

    /// The key with which it signs its answers and events.
    pub fn public_key(&self) -> PublicKey {
        self.inner.pingxx.public_key()
    }

    /// Lets the customer pay a charge; `false` if there is none, or it can no longer be paid.
    pub fn pay(&self, id: impl Into<Id<Charge>>) -> bool {
        self.on_charge(id, |state, charge| state.pay(charge, state.clock.millis()))
    }

    /// Lets the customer pay a charge after this time on the sandbox's clock, if it can still be
    /// paid by then; `false` if there is none.
    pub fn pay_after(&self, id: impl Into<Id<Charge>>, time: Duration) -> bool {
        self.on_charge(id, |state, charge| {
            state
                .due
                .add(state.clock.millis().saturating_add(clock::millis(time)), Due::Pay(charge));
            true
        })
    }

    /// Lets the channel refuse the customer's money, for good; `false` if there is no such charge,
    /// or it can no longer be paid.
    pub fn decline(&self, id: impl Into<Id<Charge>>) -> bool {
        self.on_charge(id, |state, charge| state.decline(charge, state.clock.millis()))
    }

    fn on_charge(
        &self,
        id: impl Into<Id<Charge>>,
        change: impl FnOnce(&mut State, usize) -> bool,
    ) -> bool {
        let id = id.into();
        self.inner.change(|state| {
            state.find_charge(id.as_str()).is_ok_and(|charge| change(state, charge))
        })
    }

    /// Moves its clock forward. What was to happen in between happens, each thing at its time.
    pub fn advance(&self, by: Duration) {
        self.inner.change(|state| state.clock.advance(by));
    }

    /// Lets something go wrong once, with the next request that the fault is meant for.
    pub fn fail_next(&self, fault: Fault) {
        self.inner.lock().faults.add_once(fault);
    }

    /// Lets something go wrong with this share (0 to 1) of the requests that the fault is meant for,
    /// until [`heal`](Self::heal).
    pub fn fail(&self, fault: Fault, share: f64) {
        self.inner.lock().faults.add_share(fault, share);
    }

    /// Lets nothing go wrong any more.
    pub fn heal(&self) {
        self.inner.lock().faults.clear();
    }

    /// What happened so far, first to last, as it would be posted to a merchant's server.
    pub fn events(&self) -> Vec<SignedEvent> {
        let bodies: Vec<_> = self.inner.change(|state| {
            (0..state.events.len()).map(|event| reply::pretty(&state.show_event(event))).collect()
        });
        let signed = |body: Vec<u8>| {
            let signature = self.inner.pingxx.sign(&body).expect("the sandbox's own key is good");
            SignedEvent { signature, body }
        };
        bodies.into_iter().map(signed).collect()
    }

    /// The requests it received, first to last; of more than 10,000 the last ones.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.inner.lock().received.kept()
    }

    /// How many connections it accepted.
    pub fn connections(&self) -> usize {
        self.inner.lock().connections
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.tasks.abort_all();
        if self.inner.lock().panicked && !std::thread::panicking() {
            panic!("the sandbox panicked; its message is above");
        }
    }
}

#[cfg(test)]
mod tests;
