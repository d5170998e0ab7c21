//! Any text as a settlement token: refused, or kept with all that it holds, also after any steps. The
//! steps stand behind the first zero byte.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pingpp::SettleToken;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let at = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let Ok(text) = std::str::from_utf8(&data[..at]) else { return };
    let Ok(token) = text.parse::<SettleToken>() else { return };
    let written = survives(&token);
    let came: Value = serde_json::from_str(text).unwrap();
    // What this version does not know is kept, and a token of a later version is kept as it came.
    match came["version"].as_u64().unwrap() {
        1 => assert_eq!(written["version"], 2),
        2 => {
            let known = |name: &String| written.get(name).is_some();
            let lost: Vec<_> =
                came.as_object().unwrap().keys().filter(|name| !known(name)).collect();
            let may_be_left_out = |name: &&String| !name.starts_with("x_");
            assert!(lost.iter().all(may_be_left_out), "{lost:?}");
        }
        _ => assert_eq!(written, came),
    }
    let mut cancelled = token.clone();
    cancelled.cancel();
    cancelled.reopen();
    survives(&cancelled);
    let mut ended: Option<SettleToken> = None;
    let answers = data.get(at + 1..).unwrap_or_default();
    let answers = &answers[..answers.len().min(4 * MOST_STEPS)];
    let tokens = pingpp::fuzzing::settle(token, answers);
    if let Some(last) = tokens.last() {
        survives(last);
    }
    for (token, answer) in tokens.into_iter().zip(answers.chunks(4)) {
        // Only a token that is reopened goes on after its ending.
        let is_reopened = answer[1] & 128 != 0;
        if let Some(ended) = ended.take()
            && !is_reopened
        {
            assert_eq!(token, ended);
        }
        ended = token.due().is_none().then_some(token);
    }
});

const MOST_STEPS: usize = 32;

/// Writes a token, reads it again, and returns what it was written as.
fn survives(token: &SettleToken) -> Value {
    let written = token.to_string();
    let again: SettleToken = written.parse().unwrap();
    assert_eq!(again.to_string(), written);
    assert_eq!(
        (again.due(), again.charge(), again.order_no()),
        (token.due(), token.charge(), token.order_no())
    );
    let _ = format!("{token:?} {:?} {}", token.app(), token.may_have_reversed());
    serde_json::to_value(token).unwrap()
}
