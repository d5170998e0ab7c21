//! The options of a sandbox.

use bon::Builder;

use super::keys::merchant_key;
use crate::PublicKey;

/// How a sandbox differs from the usual one, for [`Sandbox::start_with`](super::Sandbox::start_with).
#[derive(Debug, Clone, Builder)]
#[non_exhaustive]
pub struct Options {
    /// The port on `127.0.0.1`; any free one if not set.
    #[builder(default)]
    pub(super) port: u16,
    /// The only API key that is let in.
    #[builder(default = String::from("sk_test_sandbox0000000000000000"), into)]
    pub(super) api_key: String,
    /// Whose signatures are accepted; those of [`Sandbox::merchant_key`](super::Sandbox::merchant_key)
    /// if not set.
    merchant_public_key: Option<PublicKey>,
    /// Accept every signature, a missing one too, and any timestamp.
    #[builder(default)]
    any_signature: bool,
    /// Deliver events to this `http` URL, with the redelivery schedule of Ping++.
    #[builder(into)]
    pub(super) webhook: Option<String>,
    /// Sign the answers. That is what costs the sandbox most of its time.
    #[builder(default = true)]
    pub(super) sign_answers: bool,
    /// Print a line for each request to the standard output.
    #[builder(default)]
    pub(super) print_requests: bool,
    /// Charges to begin with: a JSON array of bodies as `POST /v1/charges` takes them, each with an
    /// `id` of your choice, `"paid": true` or `"reversed": true` if you like. The `app` is added if
    /// it is missing.
    #[builder(into)]
    pub(super) seed: Option<String>,
}

impl Options {
    pub(super) fn merchant(&self) -> Option<PublicKey> {
        let own = || merchant_key().public_key();
        (!self.any_signature).then(|| self.merchant_public_key.clone().unwrap_or_else(own))
    }
}
