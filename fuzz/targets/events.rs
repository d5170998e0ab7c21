//! Any bytes as an event, and its object as any object: read or refused, never a panic, and what is
//! read is written as it came. The first byte says which object is asked for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pingpp::fuzzing::EVENT_OBJECTS;
use serde_json::value::RawValue;

#[path = "../plain.rs"]
mod plain;

fuzz_target!(|data: &[u8]| {
    let Some((which, body)) = data.split_first() else { return };
    let Some(event) = pingpp::fuzzing::event(body) else { return };
    if let Some(plain) = plain::parse(body) {
        assert_eq!(serde_json::to_value(&event).unwrap(), plain);
    }
    let (name, read) = EVENT_OBJECTS[usize::from(*which) % EVENT_OBJECTS.len()];
    // Its text is JSON, whatever the rest of the event is.
    let text = event.object_json();
    let _: &RawValue = serde_json::from_str(text).unwrap();
    if let (Some(written), Some(plain)) = (read(&event), plain::parse(text.as_bytes())) {
        assert_eq!(written, plain, "{name}");
    }
    let _ = format!("{event:?} {:?} {:?}", event.object_type(), event.object_id());
    // An event that is kept and read again is the same event.
    let kept = serde_json::to_string(&event).unwrap();
    let again = pingpp::fuzzing::event(kept.as_bytes()).unwrap();
    assert_eq!(again.dedup_key(), event.dedup_key());
    assert_eq!(again, event);
});
