//! The two kinds of RSA keys: the merchant's, which signs, and that of Ping++, which verifies.
//!
//! The only file that uses ring. The threads that sign are in `pool`; what is signed is decided in
//! `request`.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pem::{EncodeConfig, LineEnding, Pem};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};
use zeroize::Zeroizing;

use crate::signing::der;
use crate::signing::error::{KeyError, SignError};
use crate::signing::pem_text::{self, Found};

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
    /// Reads a private key in PKCS#8 or PKCS#1, as PEM or as base64 without PEM lines.
    ///
    /// Accepts the changes that mail programs, editors and environment variables make to PEM: other
    /// line ends, a byte order mark, indentation, text before and after the key, and `\n` as two
    /// characters.
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
                // ring does not check every number of the key when it reads it. With one that is
                // wrong, signing fails; the trial reports that here, not in the first call.
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

    /// RSASSA-PKCS1-v1_5 with SHA-256, in base64. Takes about a millisecond of CPU, so that async
    /// code calls it by way of `pool`.
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

/// The public half of the RSA key with which Ping++ signs webhooks and answers: 2048 to 8192 bits.
///
/// The Ping++ dashboard shows it.
#[derive(Clone)]
pub struct PublicKey {
    bits: usize,
    /// `RSAPublicKey` of PKCS#1, the form that ring reads.
    der: Arc<[u8]>,
}

impl PublicKey {
    /// Reads a public key: `BEGIN PUBLIC KEY`, `BEGIN RSA PUBLIC KEY` or base64 without PEM lines.
    /// Accepts the same changes to the text as [`SigningKey::from_pem`], and a public key under
    /// `BEGIN PRIVATE KEY`, which the dashboard has shown.
    ///
    /// # Errors
    /// [`KeyError`], which says what was found instead and what to do.
    pub fn from_pem(text: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        let der = match pem_text::find(text.as_ref()) {
            Ok(Found::Public(der)) => der,
            // Both are private keys; advice on how to convert them would not help here.
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

    /// The key in PEM (`BEGIN PUBLIC KEY`), the format that other programs read.
    pub fn to_pem(&self) -> String {
        let config = EncodeConfig::new().set_line_ending(LineEnding::LF);
        pem::encode_config(&Pem::new("PUBLIC KEY", der::public_key_info(&self.der)), config)
    }

    /// Whether `signature` is the signature of `message` by this key: RSASSA-PKCS1-v1_5 with
    /// SHA-256, in standard base64 with padding and without white space.
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
    // If the caller passed the key instead of a path, an error that names the path would show it.
    let name = path.as_os_str().to_string_lossy();
    if name.contains("-----BEGIN") || name.len() > 1_000 {
        return Err(KeyError::TextForPath);
    }
    match std::fs::read(path) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(source) => Err(KeyError::Unreadable { path: path.to_owned(), source }),
    }
}

/// SHA-256 in base64: the same bytes have the same one.
pub(crate) fn fingerprint(bytes: &[u8]) -> String {
    STANDARD.encode(digest(&SHA256, bytes))
}

/// SHA-1 in hexadecimal: too weak to prove anything, but what WeChat's JS-SDK asks for.
pub(crate) fn sha1_hex(bytes: &[u8]) -> String {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes);
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
