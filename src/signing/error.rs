//! Why a key cannot be used, and why there is no signature.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a key cannot be used. The message says what to do and contains no key material.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyError {
    /// The file could not be read.
    #[non_exhaustive]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The text of a key where the path of its file is needed.
    TextForPath,
    /// There is no key in the text.
    Missing,
    /// The text has more than one key.
    Several,
    /// The key is protected by a password.
    Encrypted,
    /// A key, but not an RSA key.
    NotRsa,
    /// A private key in the format of OpenSSH, which may be an RSA key.
    OpenSsh,
    /// A public key where the private one is needed.
    Public,
    /// A private key where the public one is needed.
    Private,
    /// A certificate instead of a key.
    Certificate,
    /// The key is truncated or was changed.
    Damaged,
    /// Too short to be secure.
    #[non_exhaustive]
    TooSmall {
        /// The size of the key.
        bits: usize,
    },
    /// Too long for the operation.
    #[non_exhaustive]
    TooLarge {
        /// The size of the key.
        bits: usize,
        /// The largest size that can be used.
        limit: usize,
    },
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const GENERATE: &str = "`openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out \
                                key.pem`, then upload the public half in the Ping++ dashboard";
        match self {
            Self::Unreadable { path, source } => {
                write!(f, "the key file {} cannot be read: {source}", path.display())
            }
            Self::TextForPath => f.write_str(
                "this is the text of a key, not the path of its file: pass it to `from_pem`, or \
                 put it into PINGPP_PRIVATE_KEY",
            ),
            Self::Missing => f.write_str(
                "there is no key in the text: it must be PEM, from `-----BEGIN` to `-----END`, or \
                 its base64",
            ),
            Self::Several => f.write_str("there is more than one key in the text: keep one"),
            Self::Encrypted => f.write_str(
                "the key is protected by a password: remove it with `openssl pkey -in key.pem -out \
                 plain.pem` and protect the file instead",
            ),
            Self::NotRsa => write!(f, "the key is not an RSA key: make one with {GENERATE}"),
            Self::OpenSsh => write!(
                f,
                "this is an OpenSSH key: if it is an RSA key, convert a copy of it with \
                 `ssh-keygen -p -m PEM -f key`, with an empty new password; else make an RSA key \
                 with {GENERATE}"
            ),
            Self::Public => f.write_str(
                "this is a public key (judged by its contents, not the `BEGIN` line): the private \
                 key that belongs to it is needed here",
            ),
            Self::Private => f.write_str(
                "this is a private key: the public key of Ping++ is needed here, which the \
                 dashboard shows",
            ),
            Self::Certificate => f.write_str(
                "this is a certificate: a key is needed here; the public key of a certificate is \
                 printed by `openssl x509 -in certificate.pem -pubkey -noout`",
            ),
            Self::Damaged => f.write_str(
                "the key is damaged or cut off: copy it again, whole; `openssl pkey -in key.pem \
                 -check -noout` tests it",
            ),
            Self::TooSmall { bits } => {
                write!(
                    f,
                    "the key has {bits} bits, at least 2048 are needed: make one with {GENERATE}"
                )
            }
            Self::TooLarge { bits, limit } => {
                write!(
                    f,
                    "the key has {bits} bits, at most {limit} can be used: make one with {GENERATE}"
                )
            }
        }
    }
}

impl StdError for KeyError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        None
    }
}

/// Why signing failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignError {
    /// ring returned an error. Its errors carry no reason.
    Refused,
    /// No signing thread is running and none could be started.
    NoThread,
    /// The signing thread panicked.
    Panicked,
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "the RSA operation failed",
            Self::NoThread => "no thread could be started for it",
            Self::Panicked => "the signing thread panicked",
        })
    }
}

impl StdError for SignError {}
