//! Who a request comes from: the API key and the key that signs. Neither is ever shown.

use std::fmt;

use http::HeaderValue;

use crate::signing::SigningKey;
use crate::types::Mode;

/// An API key whose `Debug` does not show it.
#[derive(Clone)]
pub(crate) struct ApiKey(String);

impl ApiKey {
    pub(crate) fn new(key: String) -> Self {
        Self(key)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(..)")
    }
}

/// The keys of one merchant.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    pub(crate) api_key: ApiKey,
    /// Whether the API key moves real money.
    pub(crate) mode: Mode,
    /// `Bearer ...`, made once and marked sensitive.
    pub(crate) authorization: HeaderValue,
    pub(crate) signing_key: Option<SigningKey>,
}

impl Credentials {
    /// The error says what is wrong with the API key.
    pub(crate) fn new(
        api_key: ApiKey,
        signing_key: Option<SigningKey>,
    ) -> Result<Self, &'static str> {
        let key = api_key.0.as_str();
        if key.is_empty() {
            return Err("it is empty: pass the secret key (sk_test_... or sk_live_...) of your \
                        Ping++ dashboard");
        }
        if !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err("it has characters other than letters, digits and `_`: look for spaces, \
                        quotes or a line break around it");
        }
        let mode = match (key.strip_prefix("sk_test_"), key.strip_prefix("sk_live_")) {
            (Some(rest), _) if !rest.is_empty() => Mode::Test,
            (_, Some(rest)) if !rest.is_empty() => Mode::Live,
            _ => {
                return Err("it does not begin with sk_test_ or sk_live_: pass the secret key of \
                            your Ping++ dashboard, not a publishable key or an id");
            }
        };
        let mut authorization = HeaderValue::try_from(format!("Bearer {key}"))
            .map_err(|_| "it cannot be sent in a header")?;
        authorization.set_sensitive(true);
        Ok(Self { api_key, mode, authorization, signing_key })
    }

    /// The text without the API key and without this signature, should a server repeat them.
    pub(crate) fn redact(&self, text: &str, signature: Option<&HeaderValue>) -> String {
        let mut text = text.replace(&self.api_key.0, "[api key]");
        if let Some(signature) = signature.and_then(|signature| signature.to_str().ok()) {
            // In JSON some servers escape more than they must.
            let slash = signature.replace('/', "\\/");
            let plus = |text: &str, plus, equals| text.replace('+', plus).replace('=', equals);
            for written in [
                plus(&slash, "\\u002b", "\\u003d"),
                plus(&slash, "\\u002B", "\\u003D"),
                plus(signature, "\\u002b", "\\u003d"),
                plus(signature, "\\u002B", "\\u003D"),
                slash,
                signature.to_owned(),
            ] {
                text = text.replace(&written, "[signature]");
            }
        }
        text
    }
}
