use std::time::UNIX_EPOCH;

use super::*;
use crate::error::{ErrorDetail, Outcome};

const MINUTE: Duration = Duration::from_secs(60);
const CREATE: Repeat = Repeat::Within(Duration::from_secs(50));

fn of(status: u16, body: &str) -> Failure {
    Failure::of_status(status, ErrorDetail::parse(body.as_bytes()).as_ref())
}

fn coded(status: u16, code: &str) -> Failure {
    of(status, &format!(r#"{{"error":{{"type":"channel_error","code":"{code}"}}}}"#))
}

const PLAIN: &str = r#"{"error":{"type":"invalid_request_error","message":"m"}}"#;
const HTML: &str = "<html>Bad Gateway</html>";
/// An error body of gateways that use JSON.
const GATEWAY: &str = r#"{"error":{"message":"Too Many Requests","type":"throttled"}}"#;
const LIST: &str = r#"[{"error":[]}]"#;

fn progress(sends: u32) -> Progress {
    Progress {
        sends,
        since_sent: Some(Duration::ZERO),
        left: MINUTE,
        retry_after: None,
        was_pooled: false,
        was_garbled: false,
        jitter: 1.0,
    }
}

fn next(repeat: Repeat, failure: Failure, progress: Progress) -> Option<Duration> {
    next_attempt(repeat, failure, RetryPolicy::default(), &progress)
}

/// Every row of the published table, with all that must fall into it.
fn rows() -> Vec<(&'static str, Vec<Failure>)> {
    let statuses = |all: &[u16], bodies: &[&str]| {
        all.iter().flat_map(|&s| bodies.iter().map(move |b| of(s, b))).collect::<Vec<_>>()
    };
    let doubtful = |status| coded(status, "channel_connection_error");
    let odd = r#"{"error":{"type":"invalid_request_error","param":{"a":[1]},"message":7}}"#;
    vec![
        ("DNS, TCP, TLS or proxy failed; no byte was written", vec![Failure::Unsent]),
        ("TLS certificate refused; request not signed", vec![Failure::Unsendable]),
        ("time-out, reset, end or garbage on a connection", vec![Failure::Lost]),
        (
            "408, 5xx",
            statuses(&[408, 500, 502, 503, 504, 599], &[PLAIN, HTML, "", "null", GATEWAY]),
        ),
        ("403, 429 of Ping++", statuses(&[403, 429], &[PLAIN, odd])),
        ("403, 429 with a JSON error of an unknown type", statuses(&[403, 429], &[GATEWAY])),
        (
            "any status with a code that leaves open what the channel did; 4xx with `channel_error` and \
             no definite code",
            [400, 401, 402, 403, 404, 408, 429, 500, 502]
                .into_iter()
                .map(doubtful)
                .chain(
                    ["refund_retry", "transfer_system_busy", "something_new"]
                        .map(|c| coded(402, c)),
                )
                .chain([of(402, PLAIN), of(402, HTML), coded(400, "channel_timeout")])
                .collect(),
        ),
        (
            "400, 401, 404 of Ping++; 402 with a code of definite refusal",
            statuses(&[400, 401, 404], &[PLAIN, odd])
                .into_iter()
                .chain(
                    ["charge_closed", "charge_unexpected_status", "refund_refused"]
                        .map(|c| coded(402, c)),
                )
                .chain([400, 401, 404].map(|status| coded(status, "charge_closed")))
                .chain([of(
                    400,
                    &PLAIN.replace("\"message\"", "\"code\":\"something_new\",\"message\""),
                )])
                .collect(),
        ),
        (
            "400, 401, 403, 404 that is not of Ping++",
            statuses(&[400, 401, 404], &[HTML, "", "{}", "[]", GATEWAY])
                .into_iter()
                .chain(statuses(&[403, 429], &[HTML, "", "{}", LIST]))
                .collect(),
        ),
        ("3xx", statuses(&[301, 302, 307], &[HTML, ""])),
        ("2xx that does not decode, is cut, too large or compressed", vec![Failure::Garbled]),
        (
            "2xx about something else, or that does not say that it was done",
            vec![Failure::Mismatch],
        ),
        (
            "2xx of the other mode or another app; not signed by Ping++ (if keys are set)",
            vec![Failure::Unclear],
        ),
    ]
}

#[test]
fn the_published_table_says_what_the_code_does() {
    let mut table = String::from(
        "\n| what happened | `Always` | `Within` | `Never` | outcome if it ends here |\n\
         |---|---|---|---|---|\n",
    );
    for (what, failures) in rows() {
        let cells = |failure| {
            let cell = |repeat| {
                let again = |change: fn(&mut Progress)| {
                    let mut progress = progress(1);
                    change(&mut progress);
                    next(repeat, failure, progress).is_some()
                };
                let limit = match repeat {
                    Repeat::Within(_) if failure != Failure::Unsent => ", in time",
                    _ => "",
                };
                if !again(|_| ()) && again(|p| p.was_pooled = true) {
                    return format!("once, if pooled{limit}");
                }
                match again(|_| ()) {
                    true if !again(|p| p.was_garbled = true) => format!("once{limit}"),
                    true => format!("again{limit}"),
                    false => String::from("-"),
                }
            };
            let outcome = match (failure.outcome(true), failure.outcome(false)) {
                (read, write) if read == write => format!("{read:?}"),
                (read, write) => format!("reads {read:?}, writes {write:?}"),
            };
            let [always, within, never] = [Repeat::Always, CREATE, Repeat::Never].map(cell);
            format!("| {always} | {within} | {never} | {outcome} |")
        };
        let line = cells(failures[0]);
        for (at, &failure) in failures.iter().enumerate() {
            assert_eq!(cells(failure), line, "{what}: {at}");
        }
        table += &format!("| {what} {line}\n");
    }
    let published = include_str!("table.md");
    assert!(published.contains(&table), "src/retry/table.md should contain:\n{table}");
}

#[test]
fn an_odd_field_of_an_error_does_not_hide_its_code() {
    let odd =
        r#"{"error":{"type":"channel_error","code":"refund_retry","param":[1],"message":{}}}"#;
    assert_eq!(of(402, odd), Failure::Unclear);
    let odd = odd.replace("refund_retry", "charge_closed");
    assert_eq!(of(402, &odd), Failure::Refused);
}

#[test]
fn one_doubtful_attempt_leaves_the_call_in_doubt() {
    use Outcome::{NotSent, Rejected, Unknown};
    for (attempts, sum) in [
        (vec![], NotSent),
        (vec![NotSent, NotSent], NotSent),
        (vec![NotSent, Rejected], Rejected),
        (vec![Rejected, NotSent], Rejected),
        (vec![Unknown, Rejected], Unknown),
        (vec![Unknown, NotSent], Unknown),
        (vec![NotSent, Unknown], Unknown),
    ] {
        assert_eq!(combined(attempts.clone()), sum, "{attempts:?}");
    }
}

#[test]
fn sends_are_counted() {
    assert!(next(Repeat::Always, Failure::Lost, progress(3)).is_some());
    assert!(next(Repeat::Always, Failure::Lost, progress(4)).is_none());
    assert!(next(CREATE, Failure::Lost, progress(2)).is_some());
    assert!(next(CREATE, Failure::Lost, progress(3)).is_none());
    let once = RetryPolicy::none();
    assert!(next_attempt(Repeat::Always, Failure::Unsent, once, &progress(1)).is_none());
    assert_eq!(RetryPolicy::max_sends(0), once);
    let most = [once, RetryPolicy::default(), RetryPolicy::max_sends(9)].map(|p| p.most_sends());
    assert_eq!(most, [1, 4, 9]);
}

#[test]
fn what_was_lost_with_a_pooled_connection_is_sent_again_at_once() {
    let stale = |repeat, sends| {
        next(repeat, Failure::Lost, Progress { was_pooled: true, ..progress(sends) })
    };
    assert_eq!(stale(Repeat::Always, 1), Some(Duration::ZERO));
    assert_eq!(stale(CREATE, 1), Some(Duration::ZERO));
    assert_eq!(stale(Repeat::Always, 4), None);
    assert_eq!(stale(Repeat::Never, 1), None);
}

#[test]
fn a_create_is_not_sent_again_after_its_window() {
    let at = |seconds, jitter| {
        let since_sent = Some(Duration::from_secs(seconds));
        next(CREATE, Failure::Lost, Progress { since_sent, jitter, ..progress(1) })
    };
    assert!(at(49, 1.0).is_some());
    assert!(at(50, 0.0).is_some());
    assert!(at(50, 0.1).is_none(), "the pause counts as well");
    let unsent = Progress { since_sent: None, ..progress(1) };
    assert!(next(CREATE, Failure::Unsent, unsent).is_some());
}

#[test]
fn no_pause_ends_after_the_deadline() {
    let left = |millis| Progress { left: Duration::from_millis(millis), ..progress(1) };
    assert_eq!(next(Repeat::Always, Failure::Lost, left(101)), Some(Duration::from_millis(100)));
    assert_eq!(next(Repeat::Always, Failure::Lost, left(100)), None);
}

#[test]
fn pauses_double_with_full_jitter_up_to_five_seconds() {
    let policy = RetryPolicy::max_sends(100);
    let pause = |failure, sends, jitter| {
        let progress = Progress { jitter, ..progress(sends) };
        next_attempt(Repeat::Always, failure, policy, &progress).unwrap().as_millis()
    };
    let lost: Vec<_> = (1..9).map(|sends| pause(Failure::Lost, sends, 1.0)).collect();
    assert_eq!(lost, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    assert_eq!(pause(Failure::Lost, 80, 1.0), 5000);
    assert_eq!(pause(Failure::Lost, 3, 0.0), 0);
    assert_eq!(pause(Failure::RateLimited, 1, 1.0), 1000);
}

#[test]
fn retry_after_is_honoured_between_the_backoff_and_thirty_seconds() {
    let pause = |asked| {
        let retry_after = Some(Duration::from_secs(asked));
        let progress = Progress { retry_after, ..progress(1) };
        next(Repeat::Always, Failure::RateLimited, progress).unwrap().as_secs()
    };
    assert_eq!((pause(0), pause(7), pause(300)), (1, 7, 30));
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
    let read = |value| retry_after(value, now).map(|wait| wait.as_secs());
    assert_eq!(read("120"), Some(120));
    assert_eq!(read(" 3 "), Some(3));
    assert_eq!(read("Sun, 06 Nov 1994 08:49:47 GMT"), Some(10));
    assert_eq!(read("Sun, 06 Nov 1994 08:49:30 GMT"), Some(0));
    for nonsense in ["", "-1", "1.5", "soon", "99999999999999999999999"] {
        assert_eq!(read(nonsense), None, "{nonsense}");
    }
}
