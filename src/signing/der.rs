//! A minimal DER reader: recognises the formats of RSA keys and reads their size. It does not
//! validate a key; ring does.

/// The kind of a key in DER. RSA keys are reduced to their PKCS#1 form.
#[derive(Debug, PartialEq)]
pub(super) enum Der<'a> {
    RsaPrivate(&'a [u8]),
    RsaPublic(&'a [u8]),
    Encrypted,
    NotRsa,
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const NULL: u8 = 0x05;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

const RSA_ENCRYPTION: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// Recognises a key; `None` if the bytes are not a key.
pub(super) fn identify(der: &[u8]) -> Option<Der<'_>> {
    let mut outer = Reader(der);
    let mut fields = Reader(outer.expect(SEQUENCE)?);
    if !outer.0.is_empty() {
        return None;
    }
    match fields.next()? {
        // PrivateKeyInfo, RSAPrivateKey, ECPrivateKey or RSAPublicKey: they begin with an integer.
        (INTEGER, _) => match fields.next()? {
            (SEQUENCE, algorithm) if !is_rsa(algorithm)? => Some(Der::NotRsa),
            (SEQUENCE, _) => Some(Der::RsaPrivate(fields.expect(OCTET_STRING)?)),
            (INTEGER, _) if fields.0.is_empty() => Some(Der::RsaPublic(der)),
            (INTEGER, _) => Some(Der::RsaPrivate(der)),
            (OCTET_STRING, _) => Some(Der::NotRsa),
            _ => None,
        },
        // SubjectPublicKeyInfo or EncryptedPrivateKeyInfo: they begin with an algorithm.
        (SEQUENCE, algorithm) => {
            let rsa = is_rsa(algorithm)?;
            match fields.next()? {
                (OCTET_STRING, _) => Some(Der::Encrypted),
                (BIT_STRING, [0, key @ ..]) if rsa => Some(Der::RsaPublic(key)),
                (BIT_STRING, _) => Some(Der::NotRsa),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Wraps an `RSAPublicKey` in a `SubjectPublicKeyInfo`, the format that other programs read.
pub(super) fn public_key_info(key: &[u8]) -> Vec<u8> {
    let algorithm = [element(OID, &RSA_ENCRYPTION), vec![NULL, 0]].concat();
    let key = element(BIT_STRING, &[&[0], key].concat());
    element(SEQUENCE, &[element(SEQUENCE, &algorithm), key].concat())
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let used = &length[content.len().leading_zeros() as usize / 8..];
    let mut head = vec![tag];
    match (content.len(), used) {
        (..128, used) => head.push(used.last().copied().unwrap_or_default()),
        (_, used) => {
            head.push(0x80 | used.len() as u8);
            head.extend_from_slice(used);
        }
    }
    [&head, content].concat()
}

/// The size of the modulus of an `RSAPrivateKey` or `RSAPublicKey`.
pub(super) fn modulus_bits(der: &[u8]) -> Option<usize> {
    let mut fields = Reader(Reader(der).expect(SEQUENCE)?);
    let first = fields.expect(INTEGER)?;
    let second = fields.expect(INTEGER)?;
    // A private key begins with its version, 0; a public key begins with the modulus.
    let modulus = if first == [0] { second } else { first };
    let leading = modulus.iter().position(|&byte| byte != 0)?;
    let digits = &modulus[leading..];
    Some(digits.len() * 8 - digits.first()?.leading_zeros() as usize)
}

fn is_rsa(algorithm: &[u8]) -> Option<bool> {
    Some(Reader(algorithm).expect(OID)? == RSA_ENCRYPTION)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The tag and the contents of the next element.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&length, rest) = rest.split_first()?;
        let (length, rest) = match length {
            ..=0x7f => (usize::from(length), rest),
            // Two length bytes cover every key size that is accepted.
            0x81 | 0x82 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x0f))?;
                (bytes.iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte)), rest)
            }
            _ => return None,
        };
        let (contents, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, contents))
    }

    /// The contents of the next element, if it has this tag.
    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, contents)| contents)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = identify(&bytes);
            let _ = modulus_bits(&bytes);
        }

        #[test]
        fn no_change_to_a_key_makes_it_panic(at in 0usize..294, byte: u8, cut in 0usize..294) {
            let text = include_str!("../../tests/keys/merchant.pub.pem");
            let mut der = pem::parse(text).unwrap().into_contents();
            der[at] = byte;
            let _ = identify(&der);
            let _ = identify(&der[..cut]);
            let _ = modulus_bits(&der[at..]);
        }
    }
}
