//! Any bytes with any status as an answer: classified, decoded or refused, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pingpp::{Charge, List, Refund};
use serde::{Serialize, de::DeserializeOwned};

fuzz_target!(|data: &[u8]| {
    let Some((status, body)) = data.split_first_chunk::<2>() else { return };
    pingpp::fuzzing::answer(u16::from_be_bytes(*status), body);
    survives::<Charge>(body);
    survives::<Refund>(body);
    survives::<List<Charge>>(body);
    // Tolerantly read, it is written so that it reads the same again.
    if let Some(written) = pingpp::fuzzing::forwarded(body) {
        let again = pingpp::fuzzing::forwarded(written.to_string().as_bytes());
        assert_eq!(again, Some(written));
    }
});

fn survives<T: DeserializeOwned + Serialize>(body: &[u8]) {
    if let Ok(object) = serde_json::from_slice::<T>(body) {
        let written = serde_json::to_string(&object).unwrap();
        let again: T = serde_json::from_str(&written).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), written);
    }
}
