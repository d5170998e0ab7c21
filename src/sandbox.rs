//! A Ping++ on loopback, for tests and examples (feature `sandbox`).
//!
//! It checks the API key, the timestamp and the RSA signature over exactly what it received, keeps
//! charges in memory and answers in the shapes of the real API. Its clock is its own.
//!
//! ```
//! use std::time::Duration;
//!
//! use pingpp::sandbox::Sandbox;
//! use pingpp::{Amount, Channel, CreateCharge, Outcome};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sandbox = Sandbox::start().await?;
//! let charges = sandbox.client().charges();
//! let charge = charges
//!     .create(
//!         CreateCharge::builder()
//!             .order_no("20261123001")
//!             .channel(Channel::AlipayScan)
//!             .amount(Amount::from_fen(100))
//!             .client_ip([192, 0, 2, 1])
//!             .subject("Tea")
//!             .body("A pot of Longjing")
//!             .build(),
//!     )
//!     .await?;
//!
//! // An `alipay_scan` charge can be reversed for 24 hours, no longer.
//! sandbox.advance(Duration::from_secs(25 * 3600));
//! let error = charges.reverse(&charge.id).await.unwrap_err();
//! assert_eq!(error.outcome(), Outcome::Rejected);
//! # Ok(())
//! # }
//! ```

mod server;
mod state;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use self::state::State;
use crate::{Charge, Client, ClientBuilder, Id, PublicKey, SigningKey};

const API_KEY: &str = "sk_test_sandbox0000000000000000";
const APP: &str = "app_sandbox000000001";

/// A running Ping++. Dropping it stops it, closes its connections and frees its port.
///
/// # Panics
/// Dropping it panics if it panicked itself, so that the test that owns it fails.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    merchant: SigningKey,
    merchant_public: PublicKey,
    pingxx: SigningKey,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    state: State,
    requests: Vec<ReceivedRequest>,
    connections: usize,
    panicked: bool,
}

impl Shared {
    /// A panic in the middle of a change is reported by `panicked`; what is left can be read.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// What the sandbox made of a request's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureCheck {
    /// It is the merchant's, over exactly what was received.
    Verified,
    /// There is none.
    Missing,
    /// It is not the merchant's, or over something else.
    Wrong,
}

/// A request as the sandbox received it.
#[derive(Clone)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// `GET`, `POST`, ...
    pub method: String,
    /// Path and query, byte for byte.
    pub target: String,
    /// The body, byte for byte.
    pub body: Vec<u8>,
    /// What became of its signature.
    pub signature: SignatureCheck,
    headers: Vec<(String, String)>,
}

impl ReceivedRequest {
    /// The value of a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for ReceivedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceivedRequest")
            .field("method", &self.method)
            .field("target", &self.target)
            .field("body_len", &self.body.len())
            .field("signature", &self.signature)
            .finish_non_exhaustive()
    }
}

impl Sandbox {
    /// Starts one on a free port of `127.0.0.1`, on the current Tokio runtime.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let key = |pem| SigningKey::from_pem(pem).expect("the sandbox's own keys are good");
        let merchant = key(include_str!("sandbox/keys/merchant.pem"));
        let shared = Arc::new(Shared {
            merchant_public: merchant.public_key(),
            merchant,
            pingxx: key(include_str!("sandbox/keys/pingxx.pem")),
            inner: Mutex::default(),
        });
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(server::accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, accepting })
    }

    /// A client of this sandbox: its API key, its merchant's signing key, its app.
    pub fn client(&self) -> Client {
        self.builder().build().expect("the sandbox's own configuration is good")
    }

    /// A client of this sandbox that can be configured further.
    pub fn builder(&self) -> ClientBuilder {
        Client::builder(API_KEY)
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
        API_KEY
    }

    /// The id of its only app.
    pub fn app(&self) -> &str {
        APP
    }

    /// The key with which its merchant signs. Everybody knows it.
    pub fn merchant_key(&self) -> SigningKey {
        self.shared.merchant.clone()
    }

    /// The key with which it signs its answers.
    pub fn public_key(&self) -> PublicKey {
        self.shared.pingxx.public_key()
    }

    /// Lets the customer pay a charge; `false` if there is none, or it can no longer be paid.
    pub fn pay(&self, id: impl Into<Id<Charge>>) -> bool {
        self.shared.inner().state.pay(id.into().as_str())
    }

    /// Moves its clock forward.
    pub fn advance(&self, by: Duration) {
        self.shared.inner().state.advance(by);
    }

    /// The requests it received, first to last.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.shared.inner().requests.clone()
    }

    /// How many connections it accepted.
    pub fn connections(&self) -> usize {
        self.shared.inner().connections
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.accepting.abort();
        if self.shared.inner().panicked && !std::thread::panicking() {
            panic!("the sandbox panicked; its message is above");
        }
    }
}

#[cfg(test)]
mod tests;
