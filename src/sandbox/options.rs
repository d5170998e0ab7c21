//! The options of a sandbox.

use std::io;
use std::time::Duration;

use bon::Builder;

use super::keys::merchant_key;
use super::state::{APP, State};
use crate::signing::PublicKey;

/// Options of a sandbox, for [`Sandbox::start_with`](super::Sandbox::start_with).
///
/// The setters are those of [`OptionsBuilder`]; every option has a default.
#[derive(Debug, Clone, Builder)]
#[builder(derive(Into))]
#[non_exhaustive]
pub struct Options {
    /// The port on `127.0.0.1`; 0, the default, chooses a free port.
    #[builder(default)]
    pub(super) port: u16,
    /// The only API key that is accepted; `sk_test_sandbox0000000000000000` if not set.
    #[builder(default = String::from("sk_test_sandbox0000000000000000"), into)]
    pub(super) api_key: String,
    /// The key that verifies the signatures of requests; that of
    /// [`Sandbox::merchant_key`](super::Sandbox::merchant_key) if not set.
    merchant_public_key: Option<PublicKey>,
    /// Whether requests are accepted with any signature and timestamp, or without; `false` if not
    /// set.
    #[builder(default)]
    any_signature: bool,
    /// An `http` URL to which events are posted, and posted again on the schedule of Ping++ until
    /// the server answers with a status of 200 to 299.
    #[builder(into)]
    pub(super) webhook: Option<String>,
    /// How far the timestamp of a request may be from the clock of the server; 5 minutes if not set.
    /// The limit of Ping++ is not documented.
    #[builder(default = Duration::from_secs(300))]
    pub(super) clock_tolerance: Duration,
    /// Seconds that the clock of the server is ahead of this machine's, or behind it if negative: for
    /// a test of what a wrong clock does. It counts for the timestamps of requests and for `Date`.
    #[builder(default)]
    pub(super) clock_ahead: i64,
    /// Whether answers are signed; `true` if not set. Signing is what the sandbox spends most of
    /// its time on.
    #[builder(default = true)]
    pub(super) sign_answers: bool,
    /// Whether a line for each request is printed to the standard output; `false` if not set. Lines
    /// are dropped while nobody reads it.
    #[builder(default)]
    pub(super) print_requests: bool,
    /// Charges to create at the start: a JSON array of bodies as for `POST /v1/charges`. Each may
    /// have an `id`, `"paid": true`, `"reversed": true` and `refunds` (a list of bodies as for a
    /// refund) in addition. A missing `app` is the first one.
    #[builder(into)]
    pub(super) seed: Option<String>,
    /// The ids of the apps; one, `app_sandbox000000001`, if not set.
    #[builder(default = vec![String::from(APP)], with = |apps: impl IntoIterator<Item = impl Into<String>>| {
        apps.into_iter().map(Into::into).collect()
    })]
    pub(super) apps: Vec<String>,
    /// Whether other apps are accepted, too, until there are 1,000; `false` if not set.
    #[builder(default)]
    pub(super) any_app: bool,
    /// Whether a `GET` is accepted without a signature; `false` if not set. The documentation of
    /// Ping++ demands signatures for `POST` and `PUT`.
    #[builder(default)]
    pub(super) unsigned_reads: bool,
    /// How many requests are answered at the same time, each until its answer is written. More are
    /// refused with a 403, as by a plan of Ping++. Any number, if not set.
    pub(super) max_concurrent: Option<usize>,
    /// The state to start with: what [`Sandbox::snapshot`](super::Sandbox::snapshot) returned. The
    /// sandbox goes on at the time of the snapshot.
    #[builder(into)]
    pub(super) state: Option<String>,
}

impl Options {
    /// The state that a sandbox with these options starts with.
    pub(super) fn first_state(&self) -> io::Result<State> {
        let wrong = |what| io::Error::new(io::ErrorKind::InvalidInput, what);
        if self.apps.is_empty() || self.apps.iter().any(String::is_empty) {
            return Err(wrong("a sandbox needs an app, and apps need ids"));
        }
        let mut state = State::default();
        state.apps = self.apps.iter().map(|app| app.as_str().into()).collect();
        state.own_apps = (0..self.apps.len()).collect();
        (state.any_app, state.has_webhook) = (self.any_app, self.webhook.is_some());
        if let Some(text) = &self.state {
            state.restore(text)?;
        }
        if let Some(seed) = &self.seed {
            state.load_seed(seed)?;
        }
        Ok(state)
    }

    /// The key that verifies requests; `None` if every signature is accepted.
    pub(super) fn merchant(&self) -> Option<PublicKey> {
        let own = || merchant_key().public_key();
        (!self.any_signature).then(|| self.merchant_public_key.clone().unwrap_or_else(own))
    }
}
