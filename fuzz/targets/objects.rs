//! Any bytes as any object: read or refused, never a panic, and what is read is written as it came.
//! The first byte says which object it is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pingpp::fuzzing::OBJECTS;

#[path = "../plain.rs"]
mod plain;

fuzz_target!(|data: &[u8]| {
    let Some((which, body)) = data.split_first() else { return };
    let (name, read) = OBJECTS[usize::from(*which) % OBJECTS.len()];
    let Some(written) = read(body) else { return };
    if let Some(plain) = plain::parse(body) {
        assert_eq!(written, plain, "{name}");
    }
    let again = read(written.to_string().as_bytes());
    assert_eq!(again.as_ref(), Some(&written), "{name}");
});
