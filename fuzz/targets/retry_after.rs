//! Any text as `Retry-After`: a pause or nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|value: &str| {
    pingpp::fuzzing::retry_after(value);
});
