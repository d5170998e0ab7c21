//! The keys of both sides, and a cheap signature for the seeds without RSA.

use std::cell::OnceCell;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pingpp::{PublicKey, SigningKey};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};

pub(crate) const API_KEY: &str = "sk_test_simulation00000000000000";
pub(crate) const AUTHORIZATION: &str = "Bearer sk_test_simulation00000000000000";

const MERCHANT: &str = include_str!("../keys/merchant.pem");
const PINGXX: &str = include_str!("../keys/pingxx.pem");

struct Keys {
    merchant: SigningKey,
    public: Vec<u8>,
    pingxx: KeyPair,
    pingxx_public: PublicKey,
}

thread_local! {
    /// Read once for all the seeds of a thread.
    static KEYS: OnceCell<Keys> = const { OnceCell::new() };
}

fn with<T>(work: impl FnOnce(&Keys) -> T) -> T {
    KEYS.with(|keys| {
        work(keys.get_or_init(|| {
            let pair =
                |text: &str| KeyPair::from_pkcs8(pem::parse(text).unwrap().contents()).unwrap();
            Keys {
                merchant: SigningKey::from_pem(MERCHANT).unwrap(),
                public: pair(MERCHANT).public().as_ref().to_vec(),
                pingxx: pair(PINGXX),
                pingxx_public: SigningKey::from_pem(PINGXX).unwrap().public_key(),
            }
        }))
    })
}

pub(crate) fn merchant() -> SigningKey {
    with(|keys| keys.merchant.clone())
}

pub(crate) fn pingxx() -> PublicKey {
    with(|keys| keys.pingxx_public.clone())
}

/// Depends on every byte, and is no secret.
pub(crate) fn cheap(message: &[u8]) -> String {
    let hash = message.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    });
    format!("c2lnbmVk{hash:016x}")
}

pub(crate) fn verify(rsa: bool, message: &[u8], signature: &str) -> bool {
    if !rsa {
        return signature == cheap(message);
    }
    let Ok(signature) = STANDARD.decode(signature) else { return false };
    with(|keys| {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &keys.public)
            .verify(message, &signature)
            .is_ok()
    })
}

/// What Ping++ signs.
pub(crate) fn sign_answer(body: &[u8]) -> String {
    with(|keys| {
        let mut signature = vec![0; keys.pingxx.public().modulus_len()];
        keys.pingxx.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), body, &mut signature).unwrap();
        STANDARD.encode(signature)
    })
}
