//! Finds the key in a text: PEM among other text, or base64 without PEM lines.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pem::Pem;
use zeroize::Zeroizing;

use crate::signing::der::{self, Der};
use crate::signing::error::KeyError;

/// A key in its PKCS#1 form.
pub(super) enum Found {
    Private(Zeroizing<Vec<u8>>),
    Public(Vec<u8>),
}

/// The one private key of the text; if it has none, the one public key.
pub(super) fn find(text: &[u8]) -> Result<Found, KeyError> {
    let text = tidy(text)?;
    if !text.contains("-----BEGIN") {
        return bare(&text);
    }
    let blocks = pem::parse_many(text.as_bytes()).map_err(|_| KeyError::Damaged)?;
    if blocks.len() != text.matches("-----BEGIN").count() {
        return Err(KeyError::Damaged);
    }
    let (keys, other): (Vec<_>, Vec<_>) =
        blocks.into_iter().partition(|block| block.tag().ends_with("KEY"));
    let (private, public): (Vec<_>, Vec<_>) = keys.into_iter().partition(is_private);
    match (private.as_slice(), public.as_slice()) {
        // A public key beside a private one is its public half or that of Ping++.
        ([key], _) | ([], [key]) => block(key),
        ([], []) if other.iter().any(|block| block.tag().ends_with("CERTIFICATE")) => {
            Err(KeyError::Certificate)
        }
        ([], []) => Err(KeyError::Missing),
        _ => Err(KeyError::Several),
    }
}

/// Removes a byte order mark, indentation and carriage returns, and turns the two characters `\n`,
/// which environment variables have in place of line breaks, into line breaks.
fn tidy(text: &[u8]) -> Result<Zeroizing<String>, KeyError> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let text = std::str::from_utf8(text).map_err(|_| KeyError::Missing)?;
    let text = Zeroizing::new(text.replace("\\r", "").replace("\\n", "\n"));
    let mut tidied = Zeroizing::new(String::with_capacity(text.len() + 1));
    for line in text.lines() {
        tidied.push_str(line.trim());
        tidied.push('\n');
    }
    Ok(tidied)
}

/// Judges by the contents, because the dashboard has shown the public key of Ping++ under
/// `BEGIN PRIVATE KEY`; by the `BEGIN` line if the contents are not an RSA key.
fn is_private(block: &Pem) -> bool {
    match der::identify(block.contents()) {
        Some(Der::RsaPrivate(_)) => true,
        Some(Der::RsaPublic(_)) => false,
        _ => block.tag().ends_with("PRIVATE KEY"),
    }
}

fn block(block: &Pem) -> Result<Found, KeyError> {
    let encrypted = block.headers().iter().any(|(_, value)| value.contains("ENCRYPTED"));
    match block.tag() {
        _ if encrypted => Err(KeyError::Encrypted),
        "ENCRYPTED PRIVATE KEY" => Err(KeyError::Encrypted),
        "PRIVATE KEY" | "RSA PRIVATE KEY" | "PUBLIC KEY" | "RSA PUBLIC KEY" => {
            key(block.contents())
        }
        "OPENSSH PRIVATE KEY" => Err(KeyError::OpenSsh),
        _ => Err(KeyError::NotRsa),
    }
}

/// Reads base64 without PEM lines, as some dashboards show it.
fn bare(text: &str) -> Result<Found, KeyError> {
    let base64 = Zeroizing::new(text.split_whitespace().collect::<String>());
    if base64.is_empty() {
        return Err(KeyError::Missing);
    }
    match STANDARD.decode(base64.as_bytes()).map(Zeroizing::new) {
        Ok(der) => key(&der),
        // Every DER key begins with a SEQUENCE of at least 128 bytes, in base64 `MI`.
        Err(_) if base64.starts_with("MI") => Err(KeyError::Damaged),
        Err(_) => Err(KeyError::Missing),
    }
}

fn key(der: &[u8]) -> Result<Found, KeyError> {
    match der::identify(der).ok_or(KeyError::Damaged)? {
        Der::RsaPrivate(der) => Ok(Found::Private(Zeroizing::new(der.to_vec()))),
        Der::RsaPublic(der) => Ok(Found::Public(der.to_vec())),
        Der::Encrypted => Err(KeyError::Encrypted),
        Der::NotRsa => Err(KeyError::NotRsa),
    }
}
