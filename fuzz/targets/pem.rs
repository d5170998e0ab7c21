//! Any bytes as a key: a key or a clear error that does not quote them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pingpp::{PublicKey, SigningKey};

fuzz_target!(|data: &[u8]| {
    if let Err(error) = SigningKey::from_pem(data) {
        let text = format!("{error} {error:?}");
        assert!(text.len() < 1_000);
    }
    if let Ok(key) = PublicKey::from_pem(data) {
        let again = PublicKey::from_pem(key.to_pem()).unwrap();
        assert_eq!(again.to_pem(), key.to_pem());
    }
});
