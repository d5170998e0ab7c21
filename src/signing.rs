//! RSA keys: reading them from any PEM form, signing requests, verifying what Ping++ signed.
//!
//! The only file that names ring. Where the signing runs is the business of [`pool`]; what is
//! signed is decided in `request`.

mod der;
mod pem_text;
mod pool;

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pem::{EncodeConfig, LineEnding, Pem};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};
use zeroize::Zeroizing;

use self::pem_text::Found;
pub(crate) use self::pool::Signers;

/// The RSA key with which a merchant signs requests: 2048 to 4096 bits.
///
/// Its public half is uploaded in the Ping++ dashboard. Cloning is cheap; the key is read once.
///
/// ```no_run
/// use pingpp::SigningKey;
///
/// let key = SigningKey::from_pem_file("your_rsa_private_key.pem")?;
/// # Ok::<(), pingpp::KeyError>(())
/// ```
#[derive(Clone)]
pub struct SigningKey(Arc<KeyPair>);

impl SigningKey {
    /// Reads a private key: PKCS#8 or PKCS#1, PEM or bare base64, with whatever mail programs,
    /// editors and environment variables do to it (line ends, byte order mark, indentation, text
    /// around it, `\n` written out).
    ///
    /// # Errors
    /// [`KeyError`], which says what was found instead and what to do.
    pub fn from_pem(text: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let der: Zeroizing<Vec<u8>> = match pem_text::find(text.as_ref())? {
            Found::Private(der) => der,
            Found::Public(_) => return Err(KeyError::Public),
        };
        let bits = der::modulus_bits(&der).ok_or(KeyError::Damaged)?;
        match bits {
            ..2048 => Err(KeyError::TooSmall { bits }),
            2048..=4096 => {
                let pair = KeyPair::from_der(&der).map_err(|_| KeyError::Damaged)?;
                let key = Self(Arc::new(pair));
                // Some damage shows only in a signature; better now than in the first call.
                key.sign(b"").map_err(|_| KeyError::Damaged)?;
                Ok(key)
            }
            _ => Err(KeyError::TooLarge { bits, limit: 4096 }),
        }
    }

    /// Reads a private key from a file, as [`from_pem`](Self::from_pem) does.
    ///
    /// # Errors
    /// [`KeyError`], also if the file cannot be read.
    pub fn from_pem_file(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        Self::from_pem(read(path.as_ref())?)
    }

    /// The public half, which verifies what this key signs.
    pub fn public_key(&self) -> PublicKey {
        let der: Arc<[u8]> = self.0.public().as_ref().into();
        PublicKey { bits: self.bits(), der }
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256, in base64. Takes about a millisecond of CPU: see [`pool`].
    pub(crate) fn sign(&self, message: &[u8]) -> Result<String, SignError> {
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| SignError::Refused)?;
        Ok(STANDARD.encode(signature))
    }

    fn bits(&self) -> usize {
        self.0.public().modulus_len() * 8
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(RSA, {} bits)", self.bits())
    }
}

/// An RSA key of Ping++, with which it signs webhooks and answers: 2048 to 8192 bits.
///
/// The dashboard shows it. It can do nothing but verify.
#[derive(Clone)]
pub struct PublicKey {
    bits: usize,
    /// `RSAPublicKey` of PKCS#1, the form that ring reads.
    der: Arc<[u8]>,
}

impl PublicKey {
    /// Reads a public key (`BEGIN PUBLIC KEY` or `BEGIN RSA PUBLIC KEY`, or bare base64), as
    /// forgiving as [`SigningKey::from_pem`].
    ///
    /// # Errors
    /// [`KeyError`], which says what was found instead and what to do.
    pub fn from_pem(text: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let der = match pem_text::find(text.as_ref()) {
            Ok(Found::Public(der)) => der,
            // Only private keys are encrypted or in the form of OpenSSH. To make such a key
            // readable would not help here.
            Ok(Found::Private(_)) | Err(KeyError::Encrypted | KeyError::OpenSsh) => {
                return Err(KeyError::Private);
            }
            Err(error) => return Err(error),
        };
        let bits = der::modulus_bits(&der).ok_or(KeyError::Damaged)?;
        match bits {
            ..2048 => Err(KeyError::TooSmall { bits }),
            2048..=8192 => Ok(Self { bits, der: der.into() }),
            _ => Err(KeyError::TooLarge { bits, limit: 8192 }),
        }
    }

    /// Reads a public key from a file, as [`from_pem`](Self::from_pem) does.
    ///
    /// # Errors
    /// [`KeyError`], also if the file cannot be read.
    pub fn from_pem_file(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        Self::from_pem(read(path.as_ref())?)
    }

    /// The key as `BEGIN PUBLIC KEY`, for other programs.
    pub fn to_pem(&self) -> String {
        let config = EncodeConfig::new().set_line_ending(LineEnding::LF);
        pem::encode_config(&Pem::new("PUBLIC KEY", der::public_key_info(&self.der)), config)
    }

    /// Whether `signature` (standard base64, nothing around it) is this key's over exactly these
    /// bytes: RSASSA-PKCS1-v1_5 with SHA-256.
    #[must_use = "an unverified message may come from anybody"]
    pub fn verifies(&self, message: &[u8], signature: &str) -> bool {
        let Ok(signature) = STANDARD.decode(signature) else { return false };
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.der)
            .verify(message, &signature)
            .is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey(RSA, {} bits)", self.bits)
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    // An error that names the path would show the key.
    let name = path.as_os_str().to_string_lossy();
    if name.contains("-----BEGIN") || name.len() > 1_000 {
        return Err(KeyError::TextForPath);
    }
    match std::fs::read(path) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(source) => Err(KeyError::Unreadable { path: path.to_owned(), source }),
    }
}

/// Why a key cannot be used. The text says what to do; no key material is in it.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyError {
    /// The file could not be read.
    #[non_exhaustive]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
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
    /// Cut off or changed: not the key it once was.
    Damaged,
    /// Too short to be secure.
    #[non_exhaustive]
    TooSmall {
        /// Its size.
        bits: usize,
    },
    /// Longer than can be used.
    #[non_exhaustive]
    TooLarge {
        /// Its size.
        bits: usize,
        /// The largest size.
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

/// Why there is no signature although there is a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignError {
    /// ring refused; it has no other words.
    Refused,
    /// No thread could be started.
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

#[cfg(test)]
mod tests;
