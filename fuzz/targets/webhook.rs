//! Any bytes as a delivery: never accepted unsigned, and an event that is read is kept whole.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pingpp::{Event, Mode, PublicKey, webhook};
use serde_json::Value;

static KEY: LazyLock<PublicKey> =
    LazyLock::new(|| PublicKey::from_pem(include_str!("key.pub.pem")).unwrap());

fuzz_target!(|data: &[u8]| {
    let at = data.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let signature = String::from_utf8_lossy(&data[..at]);
    assert!(webhook::verify(&KEY, Mode::Test, &signature, &data[at..]).is_err());

    if let Ok(event) = serde_json::from_slice::<Event>(data) {
        let written = serde_json::to_string(&event).unwrap();
        let again: Event = serde_json::from_str(&written).unwrap();
        let value: Value = serde_json::from_str(&written).unwrap();
        assert_eq!(serde_json::to_value(&again).unwrap(), value);
    }
});
