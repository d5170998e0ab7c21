//! The two key pairs of the sandbox. They are public: see `keys/README.md`.

use crate::signing::SigningKey;

/// The key with which the merchant signs requests.
pub(super) fn merchant_key() -> SigningKey {
    SigningKey::from_pem(include_str!("keys/merchant.pem")).expect("a good key")
}

/// The key with which the sandbox signs answers and events.
pub(super) fn pingxx_key() -> SigningKey {
    SigningKey::from_pem(include_str!("keys/pingxx.pem")).expect("a good key")
}
