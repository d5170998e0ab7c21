//! `Client`: one merchant's access to the API, and the way to its operations.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::builder::{ClientBuilder, ConfigError};
use crate::call::Call;
use crate::credentials::Credentials;
use crate::recovery::{self, Recovered};
use crate::resources::charge::ChargeApi;
use crate::resources::event::EventApi;
use crate::resources::refund::RefundApi;
use crate::retry::{Budget, RetryPolicy};
use crate::signing::Signers;
use crate::transport::Transport;
use crate::{App, Charge, Error, Id, PublicKey, Request};

/// Access to the API with one API key: a pool of connections, the threads that sign, and limits.
///
/// Cloning is cheap and shares all of it; make one client per account and keep it. It is not bound
/// to a Tokio runtime, but its calls must be awaited inside one with I/O and time enabled.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) transport: Transport,
    pub(crate) signers: Signers,
    pub(crate) budget: Mutex<Budget>,
    pub(crate) born: Instant,
    pub(crate) credentials: Credentials,
    pub(crate) verify: Vec<PublicKey>,
    pub(crate) app: Option<Id<App>>,
    pub(crate) timeout: Duration,
    pub(crate) attempt_timeout: Duration,
    pub(crate) retry: RetryPolicy,
}

impl Client {
    /// Begins a client that uses this secret API key (`sk_test_...` or `sk_live_...`; it decides
    /// between test and live mode).
    pub fn builder(api_key: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(api_key.into())
    }

    /// Makes a client from the environment:
    ///
    /// | variable | |
    /// |---|---|
    /// | `PINGPP_API_KEY` | the secret key; required |
    /// | `PINGPP_PRIVATE_KEY_PATH` | a PEM file with the key that signs, or |
    /// | `PINGPP_PRIVATE_KEY` | its text; line breaks may be written as `\n` |
    /// | `PINGPP_APP_ID` | default app |
    /// | `PINGPP_BASE_URL` | default `https://api.pingxx.com` |
    ///
    /// # Errors
    /// [`ConfigError`], which names the variable. A key that is set but unusable is an error, never
    /// a client that does not sign.
    pub fn from_env() -> Result<Self, ConfigError> {
        ClientBuilder::from_vars(|name| std::env::var_os(name))?.build()
    }

    /// Charges: create, retrieve, list, reverse.
    pub fn charges(&self) -> ChargeApi {
        ChargeApi::new(self.clone())
    }

    /// Refunds of a charge: create, retrieve, list.
    pub fn refunds(&self, charge: impl Into<Id<Charge>>) -> RefundApi {
        RefundApi::new(self.clone(), charge.into())
    }

    /// Events: retrieve, list. To receive them, see [`webhook`](crate::webhook).
    pub fn events(&self) -> EventApi {
        EventApi::new(self.clone())
    }

    /// Looks up what became of a call whose outcome is [`Outcome::Unknown`](crate::Outcome::Unknown),
    /// as its [`recovery`](Error::recovery) says.
    ///
    /// It only reads, never sends the call again, and may be repeated and dropped at any time.
    ///
    /// ```no_run
    /// # async fn f(client: pingpp::Client, params: pingpp::CreateCharge) -> Result<(), pingpp::Error> {
    /// use pingpp::{Outcome, Recovered};
    ///
    /// let charge = match client.charges().create(params).await {
    ///     Err(error) if error.outcome() == Outcome::Unknown => match client.recover(&error).await? {
    ///         Recovered::Charge(charge) => *charge,
    ///         _ => return Err(error), // not there yet: ask again later
    ///     },
    ///     result => result?,
    /// };
    /// # let _ = charge;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Build`] if there is nothing to look up: the outcome is known, or no query settles it
    /// ([`Recovery::Manual`](crate::Recovery::Manual)). Otherwise those of any query.
    pub fn recover(
        &self,
        error: &Error,
    ) -> impl Future<Output = Result<Recovered, Error>> + Send + 'static + use<> {
        recovery::recover(self.clone(), error.recovery().cloned())
    }

    /// Any operation that has no method of its own, with the same signing, limits and errors.
    ///
    /// ```no_run
    /// # async fn f(client: pingpp::Client) -> Result<(), pingpp::Error> {
    /// use pingpp::Request;
    ///
    /// let order: serde_json::Value =
    ///     client.call(Request::get(["orders", "2001708220000281981"])).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn call<T: DeserializeOwned>(&self, request: Request) -> Call<T> {
        Call::new(self.clone(), request)
    }

    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared: Arc::new(shared) }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }
}

impl Shared {
    /// Takes the token for one retry.
    pub(crate) fn may_retry(&self) -> bool {
        let now = self.born.elapsed();
        self.budget.lock().unwrap_or_else(PoisonError::into_inner).take(now)
    }

    pub(crate) fn succeeded(&self) {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner).succeeded();
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("server", self.shared.transport.server())
            .field("app", &self.shared.app)
            .field("signs", &self.shared.credentials.signing_key.is_some())
            .finish_non_exhaustive()
    }
}
