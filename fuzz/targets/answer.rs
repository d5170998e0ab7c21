//! Any bytes with any status as an answer: judged, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (u16, bool, &[u8])| {
    let (status, was_pooled, body) = data;
    pingpp::fuzzing::answer(status, was_pooled, body);
});
