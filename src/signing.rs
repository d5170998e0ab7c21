//! RSA keys: reading them, signing requests with them, verifying what Ping++ signed.
//!
//! Each file imports only files above it in this list:
//!
//! - `error`: why a key cannot be used, and why there is no signature
//! - `der`: recognises the formats of RSA keys
//! - `pem_text`: finds the key in a text
//! - `keys`: [`SigningKey`] and [`PublicKey`]; the only file that uses ring
//! - `pool`: the threads that sign, so that no async worker does
//!
//! What is signed is decided in `request`.

mod der;
mod error;
mod keys;
mod pem_text;
mod pool;

pub use self::error::KeyError;
pub use self::keys::{PublicKey, SigningKey};
pub(crate) use self::keys::{fingerprint, sha1_hex};
pub(crate) use self::pool::Signers;

#[cfg(test)]
mod tests;
