//! Who a request comes from: the API key and the key that signs. Neither shows itself.

use std::fmt;

use http::HeaderValue;

use crate::SigningKey;

/// An API key that does not show itself.
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

/// What makes a request ours.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    pub(crate) api_key: ApiKey,
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
        if api_key.0.is_empty() {
            return Err("it is empty: pass the secret key (sk_test_... or sk_live_...) of your \
                        Ping++ dashboard");
        }
        if !api_key.0.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err("it has characters other than letters, digits and `_`: look for spaces, \
                        quotes or a line break around it");
        }
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", api_key.0))
            .map_err(|_| "it cannot be sent in a header")?;
        authorization.set_sensitive(true);
        Ok(Self { api_key, authorization, signing_key })
    }

    /// The text without the API key, should a server repeat it.
    pub(crate) fn redact(&self, text: &str) -> String {
        text.replace(&self.api_key.0, "[api key]")
    }
}
