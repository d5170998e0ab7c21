//! A fake Ping++ on the loopback interface for tests (feature `sandbox`).
//!
//! Ping++ has no test server, so every merchant writes a fake of their own. This one checks the API
//! key, the timestamp and the RSA signature over the bytes that it received, and answers every
//! [operation](crate::_operations) with the objects of the real API. It keeps everything in memory.
//! Dropping it frees its port and ends its tasks, and several sandboxes can run in one process. The
//! official clients for Python and Node are tested against it.
//!
//! **[Testing your integration](crate::_testing)** has the ten tests that merchants write most, to copy.
//!
//! # What it does
//! - **Rules.** It knows the limits of parameters, what each channel allows, how long an order_no
//!   returns the same charge, and which state follows which. What is wrong is refused as Ping++ refuses
//!   it: 400 with the parameter, 402 from a channel, 404 for an unknown id, and nothing is done.
//! - **Money.** Every write that moves money is a posting in double-entry books, behind orders,
//!   recharges, transfers, withdrawals, royalties and refunds. The balance of a user is what its
//!   `balance_transactions` say. [`check_books`](Sandbox::check_books) holds all of it together.
//! - **Time.** What takes time happens on a clock that [`advance`](Sandbox::advance) puts forward.
//!   A transfer moves forward when it is retrieved, as in the test mode of Ping++.
//! - **People.** [`pay`](Sandbox::pay) and [`decline`](Sandbox::decline) are the customer,
//!   [`confirm`](Sandbox::confirm) is whoever else has to act outside of the API.
//! - **Failures.** What ends later fails if its `metadata[sandbox]` is set, with that text as its
//!   `failure_code` or in its `failure_msg`. A batch passes it on to its parts; `partially` makes the first one fail.
//!   [`Fault`] breaks requests and answers.
//! - **Events** are recorded, signed, and posted to a webhook on the schedule of Ping++.
//!
//! # What is a guess
//! No document says, so a test should not depend on it: with which status and words Ping++ refuses a
//! balance that is too low (400 here, 402 if it was to pay a charge); that the `user_fee` of a withdrawal
//! is part of its amount; that the order_no of a payout is unique in its app; how long red envelopes,
//! withdrawals and batches take (two seconds); ids; what a `funds_transfer` looks like; that split money has
//! to come back before a refund, and that shares are taken back only until they are settled. The account of
//! the merchant is never short of money.
//!
//! # Reversing a charge
//! ```
//! use std::time::Duration;
//!
//! use pingpp::sandbox::Sandbox;
//! use pingpp::{Amount, Client, CreateCharge, Error, Outcome, PayBy};
//!
//! // Your own code, which only needs a client.
//! async fn sell_tea(client: &Client) -> Result<pingpp::Charge, Error> {
//!     let params = CreateCharge::builder()
//!         .order_no("20261123001")
//!         .channel(PayBy::alipay_scan("281000000000000003"))
//!         .amount(Amount::from_fen(100))
//!         .client_ip([192, 0, 2, 1])
//!         .subject("Tea")
//!         .body("A pot of Longjing");
//!     client.charges().create(params).await
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sandbox = Sandbox::start().await?;
//! let client = sandbox.client();
//! let charge = sell_tea(&client).await?;
//!
//! // An `alipay_scan` charge can be reversed within 24 hours.
//! sandbox.advance(Duration::from_secs(25 * 3600));
//! let error = client.charges().reverse(&charge.id).await.unwrap_err();
//! assert_eq!(error.outcome(), Outcome::Rejected);
//! assert!(error.api().unwrap().message().contains("the time to reverse is over"));
//! # Ok(())
//! # }
//! ```
//!
//! # Payments and webhooks
//! [`pay`](Sandbox::pay), [`pay_after`](Sandbox::pay_after) and [`decline`](Sandbox::decline) act
//! for the customer. On channels with a scanned code, the code can decide what the customer does:
//! see [`payer`]. [`events`](Sandbox::events) returns the events as they are posted to a webhook;
//! [`OptionsBuilder::webhook`] sets the URL to post them to.
//! ```
//! # use pingpp::sandbox::{Sandbox, payer};
//! # use pingpp::{Amount, CreateCharge, EventType, Mode, PayBy, webhook};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let params = CreateCharge::builder().order_no("20261123001")
//! #     .channel(PayBy::alipay_scan(payer::PAYS_AFTER_A_PIN))
//! #     .amount(Amount::from_fen(100)).client_ip([192, 0, 2, 1]).subject("Tea").body("Tea");
//! let sandbox = Sandbox::start().await?;
//! let charge = sandbox.client().charges().create(params).await?; // with payer::PAYS_AFTER_A_PIN
//! assert!(!charge.paid);
//! sandbox.advance(payer::PIN_TAKES);
//!
//! let delivery = &sandbox.events()[0];
//! let key = sandbox.public_key();
//! let event = webhook::verify(&key, Mode::Test, &delivery.signature, &delivery.body)?;
//! assert_eq!(event.kind, EventType::ChargeSucceeded);
//! # Ok(())
//! # }
//! ```
//!
//! # Faults: a refund whose answer is lost
//! A [`Fault`] replaces an operation, or only its answer. A refund succeeds [`REFUND_TAKES`] after
//! its creation; with `metadata[sandbox]` set to `refund_refused` or `refund_wait_operation` it
//! fails with that `failure_code`.
//! ```
//! # use pingpp::sandbox::{Fault, Sandbox};
//! # use pingpp::{Amount, Channel, CreateCharge, CreateRefund, Outcome, Recovered, Refund};
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
//! let refund = CreateRefund::builder().description("cup broken").metadata([("tag", "1")]);
//! let lost = client.refunds(&charge.id).create(refund).await.unwrap_err();
//! assert_eq!(lost.outcome(), Outcome::Unknown);
//! let found: Recovered<Refund> = client.recover(&lost).await?;
//! assert!(matches!(found, Recovered::Found(_)));
//! # Ok(())
//! # }
//! ```
//!
//! # The clock
//! The sandbox uses Tokio's clock plus the time added by [`advance`](Sandbox::advance), so that it
//! stands still in a test with paused time. Its answers carry that time in the header `Date`. The
//! timestamps in the headers of requests are compared with the system clock.
//!
//! # Paused time
//! [`client`](Sandbox::client) and [`builder`](Sandbox::builder) make clients that work under
//! `#[tokio::test(start_paused = true)]`: a minute of polling takes no time. They sign where a call is
//! awaited. Other clients sign on threads of their own, which Tokio does not know: its paused clock
//! goes on while they sign, and the call runs into its time limit. With
//! [`signing_threads`](ClientBuilder::signing_threads) a client of the sandbox signs on threads, too.
//! ```
//! # use pingpp::sandbox::Sandbox;
//! # use pingpp::{Amount, CreateCharge, PayBy, Settled};
//! #[tokio::main(flavor = "current_thread", start_paused = true)] // or `#[tokio::test(..)]`
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let sandbox = Sandbox::start().await?;
//! #   let order = CreateCharge::builder().order_no("20261123001")
//! #       .channel(PayBy::alipay_scan(pingpp::sandbox::payer::NEVER_PAYS))
//! #       .amount(Amount::from_fen(100)).client_ip([192, 0, 2, 1]).subject("Tea").body("Tea");
//!     let settled = sandbox.client().charges().create_and_settle(order).await?;
//!     assert!(matches!(settled, Settled::Closed(_))); // after a minute, at once
//!     Ok(())
//! }
//! ```
//!
//! # As a program
//! `cargo run --features sandbox --bin pingpp-sandbox` (or `cargo install`) starts a sandbox for
//! tests in other languages; `--help` lists its options, among them several apps and a file that keeps
//! the state. The page `http://127.0.0.1:PORT/_sandbox/` shows what there is, and has buttons to pay,
//! decline and confirm. It uses calls that tests can use too:
//!
//! | | |
//! |---|---|
//! | `GET /_sandbox/state` | the last objects of each kind, the last requests, the clock |
//! | `GET /_sandbox/snapshot` | everything, as `--state` reads it |
//! | `POST /_sandbox/reset` | back to the start; 409 if the `time_expire` of a seed has passed |
//! | `POST /_sandbox/do` | one of `{"pay": id}`, `{"decline": id}`, `{"confirm": id}`, `{"advance": seconds}`, `{"fail": "close_after_acting"}` (or another [`Fault`]), `"heal"` |
//!
//! The sandbox listens on the loopback interface only and refuses requests from web pages of other
//! origins.

mod answer;
mod balances;
mod books;
mod charges;
mod check;
mod clock;
mod credential;
mod events;
mod fault;
mod hooks;
mod inner;
mod input;
mod keys;
mod kind;
mod kinds;
mod ledger;
mod lookups;
mod moves;
mod operations;
mod options;
mod orders;
mod page;
pub mod payer;
mod payouts;
mod platforms;
mod printer;
mod received;
mod refunds;
mod reply;
mod router;
mod rules;
mod seed;
mod server;
mod show;
mod snapshot;
mod state;
mod values;
mod webhooks;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;

pub use self::fault::Fault;
use self::inner::{Locked, SandboxInner};
use self::keys::{merchant_key, pingxx_key};
use self::kinds::{CHARGE, EVENT};
pub use self::options::{Options, OptionsBuilder};
use self::printer::Printer;
pub use self::received::{ReceivedRequest, SignatureCheck};
pub use self::refunds::REFUND_TAKES;
use self::state::{Due, State};
use crate::builder::ClientBuilder;
use crate::client::Client;
use crate::resources::charges::Charge;
use crate::signing::{PublicKey, SigningKey};
use crate::types::Id;

/// A running sandbox. Dropping it stops its tasks, closes its connections and frees its port.
///
/// # Panics
/// The drop panics if one of its tasks has panicked, so that the test that owns the sandbox fails.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    inner: Arc<SandboxInner>,
    tasks: JoinSet<()>,
}

/// An event as it is posted to a webhook: the input of [`webhook::verify`](crate::webhook::verify).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SignedEvent {
    /// The value of the header `X-Pingplusplus-Signature`.
    pub signature: String,
    /// The bytes of the body.
    pub body: Vec<u8>,
}

impl Sandbox {
    /// Starts a sandbox on a free port of `127.0.0.1`, on the current Tokio runtime.
    ///
    /// # Errors
    /// If binding a port fails.
    pub async fn start() -> io::Result<Self> {
        Self::start_with(Options::builder()).await
    }

    /// Starts a sandbox with options: an [`Options`] or its builder.
    ///
    /// ```
    /// # use pingpp::sandbox::{Options, Sandbox};
    /// # async fn f() -> std::io::Result<()> {
    /// let options = Options::builder().webhook("http://127.0.0.1:8080/events");
    /// let sandbox = Sandbox::start_with(options.sign_answers(false)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If binding the port fails, or if the webhook or the seed is invalid.
    pub async fn start_with(options: impl Into<Options>) -> io::Result<Self> {
        let options = options.into();
        let webhook = options.webhook.as_deref().map(webhooks::target).transpose()?;
        let state = options.first_state()?;
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
        let listener = TcpListener::bind(wanted)
            .await
            .map_err(|error| io::Error::new(error.kind(), format!("{wanted}: {error}")))?;
        let address = listener.local_addr()?;
        let printer = options.print_requests.then(Printer::start);
        let inner = Arc::new(SandboxInner {
            port: address.port(),
            merchant: options.merchant(),
            options,
            pingxx: pingxx_key(),
            printer,
            concurrent: AtomicUsize::new(0),
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

    /// A client of this sandbox, with its API key, the merchant's signing key and the app. It works
    /// with [paused time](self#paused-time).
    pub fn client(&self) -> Client {
        self.builder().build().expect("the sandbox's own configuration is good")
    }

    /// The builder of [`client`](Self::client), to configure it further.
    pub fn builder(&self) -> ClientBuilder {
        Client::builder(&self.inner.options.api_key)
            .signing_key(self.merchant_key())
            .app(self.app())
            .base_url(self.base_url())
            .no_proxy()
            .signs_inline()
    }

    /// The base URL for clients: `http://127.0.0.1:PORT`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The only API key that the sandbox accepts.
    pub fn api_key(&self) -> &str {
        &self.inner.options.api_key
    }

    /// The id of the app, or of the first one.
    pub fn app(&self) -> &str {
        &self.inner.options.apps[0]
    }

    /// The key with which the merchant signs requests: a public one, the same for every sandbox.
    pub fn merchant_key(&self) -> SigningKey {
        merchant_key()
    }

    /// The key that verifies the signatures of answers and events.
    pub fn public_key(&self) -> PublicKey {
        self.inner.pingxx.public_key()
    }

    /// The customer pays a charge. Returns `false` if the charge does not exist or cannot be paid
    /// any more.
    pub fn pay(&self, id: impl Into<Id<Charge>>) -> bool {
        self.on_charge(id, |state, charge| state.pay(charge, state.clock.millis()))
    }

    /// The customer pays a charge after this time on the sandbox's clock, if it can still be paid
    /// then. Returns `false` if the charge does not exist.
    pub fn pay_after(&self, id: impl Into<Id<Charge>>, time: Duration) -> bool {
        self.on_charge(id, |state, charge| {
            let at = state.clock.millis().saturating_add(clock::millis(time));
            state.due.add(at, Due { row: charge, from: "open", to: "paid" });
            true
        })
    }

    /// The channel refuses the payment of a charge, which cannot be paid afterwards. Returns
    /// `false` if the charge does not exist or cannot be paid any more.
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
            state.find_global(&CHARGE, id.as_str()).is_ok_and(|charge| change(state, charge))
        })
    }

    /// Somebody does what an object waits for outside of the API: the customer signs an agreement, a
    /// recipient takes a red envelope or confirms a transfer of WeChat, the merchant confirms a refund
    /// that has the failure_code `refund_wait_operation`. Returns `false` if nothing with this id waits.
    pub fn confirm(&self, id: &str) -> bool {
        self.inner.change(|state| state.confirm(id))
    }

    /// Whether the books balance: all accounts together are zero, no user owes anything, nothing is
    /// reserved for what has ended, and each balance is the sum of its `balance_transactions`.
    ///
    /// # Errors
    /// What does not balance, as text.
    pub fn check_books(&self) -> Result<(), String> {
        self.inner.change(|state| state.check_books())
    }

    /// The number of postings in the books so far: an operation that moves money adds some.
    pub fn postings(&self) -> usize {
        self.inner.change(|state| state.ledger.len())
    }

    /// Everything in the sandbox, as JSON: [`OptionsBuilder::state`] starts another one with it.
    pub fn snapshot(&self) -> String {
        self.inner.change(|state| state.snapshot())
    }

    /// Stops the sandbox, and returns everything in it as [`snapshot`](Self::snapshot) does. What it
    /// has answered until then is in the snapshot, and it answers nothing more. Lines that wait to be
    /// printed are printed, if somebody reads them within a second.
    pub fn stop(&self) -> String {
        let mut locked = self.inner.lock();
        locked.has_ended = true;
        locked.state.catch_up();
        let snapshot = locked.state.snapshot();
        drop(locked);
        if let Some(printer) = &self.inner.printer {
            printer.flush(Duration::from_secs(1));
        }
        snapshot
    }

    /// Goes back to how the sandbox started: objects, clock, faults, and the log of requests.
    ///
    /// # Panics
    /// If the options are not good any more, and nothing is changed then: a `time_expire` of the seed
    /// may have passed.
    pub fn reset(&self) {
        let reset = self.inner.reset();
        reset.unwrap_or_else(|error| panic!("the sandbox cannot go back to its start: {error}"));
    }

    /// Moves the sandbox's clock forward. Payments and refunds that become due happen in order,
    /// each at its own time.
    pub fn advance(&self, by: Duration) {
        self.inner.change(|state| state.clock.advance(by));
    }

    /// Applies a fault once, to the next request that it matches.
    pub fn fail_next(&self, fault: Fault) {
        self.inner.lock().faults.add_once(fault);
    }

    /// Applies a fault to this share (0 to 1) of the requests that it matches, chosen at random,
    /// until [`heal`](Self::heal).
    pub fn fail(&self, fault: Fault, share: f64) {
        self.inner.lock().faults.add_share(fault, share);
    }

    /// Removes all faults.
    pub fn heal(&self) {
        self.inner.lock().faults.clear();
    }

    /// All events so far, oldest first, as they are posted to a webhook.
    pub fn events(&self) -> Vec<SignedEvent> {
        let bodies: Vec<_> = self.inner.change(|state| {
            let events = state.of_kind(&EVENT).iter();
            events.map(|event| state.show(*event).to_string().into_bytes()).collect()
        });
        let signed = |body: Vec<u8>| {
            let signature = self.inner.pingxx.sign(&body).expect("the sandbox's own key is good");
            SignedEvent { signature, body }
        };
        bodies.into_iter().map(signed).collect()
    }

    /// The requests received so far, oldest first; the last 10,000 are kept, or the last 64 MiB.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.inner.lock().received.kept()
    }

    /// The number of connections accepted so far.
    pub fn connections(&self) -> usize {
        self.inner.lock().connections
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.tasks.abort_all();
        if self.inner.lock().panicked && !std::thread::panicking() {
            panic!("the sandbox panicked; see its message above");
        }
    }
}

#[cfg(test)]
mod tests;
