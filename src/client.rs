//! `Client`: one merchant's access to the API. The operations stand in the files of their families.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::clock::{ClockSkew, ServerClock};
use crate::credentials::Credentials;
use crate::observer::Observer;
use crate::retry::{Budget, RetryPolicy};
use crate::signing::{PublicKey, Signers};
use crate::system::System;
use crate::transport::Transport;
use crate::types::{App, Id, Mode};

/// Access to the API with one API key: a pool of connections, the threads that sign, and limits.
///
/// Cloning is cheap and shares all of it; make one client per account and keep it. It is not bound
/// to a Tokio runtime, but its calls must be awaited inside one with I/O and time enabled.
#[derive(Clone)]
pub struct Client {
    inner: Arc<ClientInner>,
    app: Option<Arc<Id<App>>>,
}

/// What the clones of a client share.
pub(crate) struct ClientInner {
    pub(crate) transport: Transport,
    pub(crate) signers: Signers,
    pub(crate) budget: Mutex<Budget>,
    pub(crate) born: Instant,
    pub(crate) clock: ServerClock,
    pub(crate) correct_clock_skew: bool,
    pub(crate) system: System,
    /// The clock of this machine at `born`.
    pub(crate) born_at: SystemTime,
    pub(crate) credentials: Credentials,
    pub(crate) verify: Vec<PublicKey>,
    pub(crate) timeout: Duration,
    pub(crate) attempt_timeout: Duration,
    pub(crate) retry: RetryPolicy,
    pub(crate) observer: Option<Observer>,
}

impl Client {
    pub(crate) fn new(inner: ClientInner, app: Option<Id<App>>) -> Self {
        Self { inner: Arc::new(inner), app: app.map(Arc::new) }
    }

    /// The same client for another app of the account. An id that is not one of an app
    /// (`app_...`) is refused by the calls that need an app.
    ///
    /// ```
    /// # fn f(client: pingpp::Client) {
    /// let charges_of_another_shop = client.with_app("app_2Hrk69zoQ1nIfY2r").charges();
    /// # }
    /// ```
    #[must_use = "it returns another client"]
    pub fn with_app(&self, app: impl Into<Id<App>>) -> Self {
        Self { inner: Arc::clone(&self.inner), app: Some(Arc::new(app.into())) }
    }

    /// The app of the calls that need one, if it is set.
    pub fn app(&self) -> Option<&Id<App>> {
        self.app.as_deref()
    }

    /// Whether the API key moves real money.
    pub fn mode(&self) -> Mode {
        self.inner.credentials.mode
    }

    /// How far this machine's clock is from the server's, by its last answer; `None` before the
    /// first one, and from when the clock is set until the next one.
    pub fn clock_skew(&self) -> Option<ClockSkew> {
        self.inner.skew()
    }

    pub(crate) fn inner(&self) -> &ClientInner {
        &self.inner
    }
}

impl ClientInner {
    /// Pays for one retry, if the budget allows it.
    pub(crate) fn may_retry(&self) -> bool {
        let now = self.born.elapsed();
        self.budget.lock().unwrap_or_else(PoisonError::into_inner).take(now)
    }

    pub(crate) fn retries_left(&self) -> u32 {
        let now = self.born.elapsed();
        self.budget.lock().unwrap_or_else(PoisonError::into_inner).left(now)
    }

    /// How far this machine's clock is off now.
    pub(crate) fn skew(&self) -> Option<ClockSkew> {
        self.clock.skew(self.system.moment())
    }

    /// This machine's time, on Tokio's clock, so that an hour of paused time is an hour.
    pub(crate) fn now(&self) -> SystemTime {
        self.born_at + self.born.elapsed()
    }

    pub(crate) fn succeeded(&self) {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner).succeeded();
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("server", self.inner.transport.server())
            .field("app", &self.app)
            .field("mode", &self.mode())
            .field("signs", &self.inner.credentials.signing_key.is_some())
            .finish_non_exhaustive()
    }
}
