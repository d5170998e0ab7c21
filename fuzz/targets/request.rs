//! Any ids and parameters: each stays one segment or one pair, or the request is refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use percent_encoding::percent_decode_str;

fuzz_target!(|data: (&str, &str, &str)| {
    let (id, key, value) = data;
    let Some(target) = pingpp::fuzzing::target(id, key, value) else { return };
    assert!(target.bytes().all(|byte| byte.is_ascii_graphic()), "{target}");
    let _: http::Uri = target.parse().unwrap();
    let (path, query) = target.split_once('?').unwrap();
    let segments: Vec<_> = path.split('/').collect();
    assert_eq!(segments.len(), 5, "{target}");
    assert_eq!(percent_decode_str(segments[3]).decode_utf8().unwrap(), id);
    let (written_key, written_value) = query.split_once('=').unwrap();
    assert!(!written_value.contains('&'));
    assert_eq!(percent_decode_str(written_key).decode_utf8().unwrap(), key);
    assert_eq!(percent_decode_str(written_value).decode_utf8().unwrap(), value);
});
