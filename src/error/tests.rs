use std::error::Error as StdError;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::HeaderMap;

use super::*;

fn attempt(status: Option<u16>, failed: Option<Outcome>) -> Attempt {
    Attempt { started: UNIX_EPOCH, took: Duration::ZERO, status, failed }
}

fn report(outcome: Outcome, attempts: &[Option<u16>]) -> Report {
    let attempts = attempts.iter().map(|status| attempt(*status, Some(outcome))).collect();
    Report { attempts, retryable: true, ..Report::of_answer(outcome) }
}

fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("x-request-id", "req_1"),
        ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("x-secret", "a secret"),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    headers
}

fn date() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(784_111_777)
}

fn api(status: u16, body: &str) -> ApiError {
    let redact = |text: &str| text.replace("secret", "[redacted]");
    ApiError::new(status, headers(), body.as_bytes(), redact, report(Outcome::Rejected, &[None]))
}

fn transport(step: Step, outcome: Outcome) -> TransportError {
    TransportError::new(step, "host:443".into(), None, report(outcome, &[None, None]))
}

fn response(flaw: Flaw) -> ResponseError {
    let body = Bytes::from_static(br#"{"id":"ch_1"}"#);
    ResponseError::new(flaw, headers(), body, report(Outcome::Unknown, &[Some(502), Some(200)]))
}

const FULL: &str = r#"{"error":{"type":"channel_error","code":"charge_closed","param":"secret",
    "message":"a secret word"}}"#;

/// One of each variant.
fn all() -> [Error; 4] {
    [
        Error::Build(BuildError::new("no id")),
        Error::Transport(transport(Step::Connect, Outcome::NotSent)),
        Error::Api(api(402, FULL)),
        Error::Response(response(Flaw::Unsigned)),
    ]
}

#[test]
fn every_error_tells_its_outcome_its_attempts_and_its_status() {
    let outcomes = all().map(|error| error.outcome());
    assert_eq!(outcomes, [Outcome::NotSent, Outcome::NotSent, Outcome::Rejected, Outcome::Unknown]);
    assert_eq!(all().map(|error| error.is_retryable()), [false, true, true, true]);
    assert_eq!(all().map(|error| error.attempts().len()), [0, 2, 1, 2]);
    assert_eq!(all().map(|error| error.status()), [None, None, Some(402), Some(200)]);
    assert_eq!(all().map(|error| error.api().is_some()), [false, false, true, false]);
    assert_eq!(all().map(|error| error.recovery().is_some()), [false, false, false, true]);
}

#[test]
fn the_text_of_an_error_says_what_happened_and_what_is_known() {
    assert_eq!(
        all().map(|error| error.to_string()),
        [
            "no id; nothing was sent",
            "connecting to host:443 failed (attempt 2); nothing was sent",
            "HTTP 402 channel_error charge_closed (param [redacted]): a [redacted] word",
            "the answer carries no signature of Ping++ (attempt 2); whether it took effect is unknown",
        ]
    );
    let words = [Outcome::NotSent, Outcome::Rejected, Outcome::Unknown].map(|o| o.to_string());
    assert_eq!(words, ["not sent", "rejected", "unknown"]);
}

#[test]
fn the_source_of_an_error_is_what_a_library_or_the_system_said() {
    let io = || std::io::Error::other("the reason");
    let report = || report(Outcome::NotSent, &[]);
    let step = Step::Connect;
    let caused = TransportError::new(step, "host:443".into(), Some(Box::new(io())), report());
    assert_eq!(caused.to_string(), "connecting to host:443 failed: the reason");
    let errors = [
        Error::Build(BuildError::new("no id")),
        Error::Build(BuildError::because("no body", io())),
        Error::Transport(TransportError::new(step, "host:443".into(), None, report())),
        Error::Transport(caused),
        Error::Api(api(402, FULL)),
        Error::Response(response(Flaw::Unsigned)),
    ];
    let sources = errors.each_ref().map(|error| error.source().map(|source| source.to_string()));
    let reason = || Some("the reason".to_owned());
    assert_eq!(sources, [None, reason(), None, reason(), None, None]);
}

#[test]
fn the_error_of_a_look_up_leaves_what_is_looked_for_in_doubt() {
    let recovery = Recovery::retrieve("/v1/charges/{id}", &["ch_1"]);
    let in_doubt = all().map(|error| error.in_doubt(recovery.clone()));
    assert_eq!(
        in_doubt.each_ref().map(Error::outcome),
        [Outcome::NotSent, Outcome::Unknown, Outcome::Unknown, Outcome::Unknown]
    );
    let recoveries = in_doubt.each_ref().map(|error| error.recovery() == Some(&recovery));
    assert_eq!(recoveries, [false, true, true, true]);
}

#[test]
fn an_answer_of_pingxx_is_read_field_by_field_and_without_secrets() {
    let error = api(402, FULL);
    assert_eq!(error.status(), 402);
    assert_eq!(error.kind(), Some(&ErrorType::ChannelError));
    assert_eq!(error.code(), Some(&ErrorCode::ChargeClosed));
    assert_eq!(error.param(), Some("[redacted]"));
    assert_eq!(error.message(), "a [redacted] word");
    assert_eq!(error.text(), FULL.replace("secret", "[redacted]"));
    assert_eq!(error.header("X-Secret"), Some("a [redacted]"));
    assert_eq!(error.header("x-request-id"), Some("req_1"));
    assert_eq!((error.request_id(), error.date()), (Some("req_1"), Some(date())));
    let debug = format!("{error:?}");
    assert!(debug.contains("402") && debug.contains("ChargeClosed"), "{debug}");
    assert!(!debug.contains("secret"), "{debug}");
    // What is no text cannot be looked through.
    let mut odd = headers();
    odd.insert("x-odd", http::HeaderValue::from_bytes(b"\xff secret").unwrap());
    let redact = |text: &str| text.replace("secret", "\n");
    let error = ApiError::new(400, odd, b"", redact, report(Outcome::Rejected, &[]));
    assert_eq!(error.header("x-odd"), Some("[redacted]"));
    assert_eq!((error.kind(), error.message(), error.text()), (None, "", ""));
}

#[test]
fn a_rate_limit_is_one_of_pingxx() {
    let known = r#"{"error":{"type":"api_error","message":"m"}}"#;
    for (status, body, is_limit) in [
        (403, known, true),
        (429, known, true),
        (402, known, false),
        (503, known, false),
        (429, "", false),
        (429, r#"{"error":{"type":"throttled"}}"#, false),
    ] {
        assert_eq!(api(status, body).is_rate_limit(), is_limit, "{status} {body}");
    }
}

#[test]
fn a_refusal_says_what_to_compare() {
    let texts = [400, 401, 404].map(|status| api(status, "").to_string());
    assert_eq!(
        texts,
        [
            "HTTP 400, not an answer of Ping++",
            "HTTP 401, not an answer of Ping++; compare the API key and the signing key with the \
         Ping++ dashboard",
            "HTTP 404, not an answer of Ping++",
        ]
    );
    for (status, is_told) in [(400, true), (401, true), (402, false)] {
        let mut error = api(status, "");
        let by = Duration::from_secs(600);
        error.report_mut().skew = Some(crate::clock::ClockSkew { by, is_ahead: true });
        assert_eq!(error.to_string().contains("; this machine's clock is"), is_told, "{status}");
    }
}

#[test]
fn each_flaw_has_its_text_and_those_of_somebody_else_are_security_errors() {
    for (flaw, text, word, is_security) in [
        (Flaw::TooLarge, "larger than 2 MiB", "too_large", false),
        (Flaw::Encoded, "compressed", "encoded", false),
        (Flaw::Undecodable { why: "it is cut".into() }, "it is cut", "undecodable", false),
        (Flaw::Unsigned, "no signature", "unsigned", true),
        (Flaw::BadSignature, "not one of Ping++", "bad_signature", true),
        (Flaw::OtherObject { field: "id" }, "its `id` is not", "other_object", true),
        (Flaw::OtherMode, "test and live are mixed up", "other_mode", true),
        (Flaw::NotDone { field: "reversed" }, "see its `reversed`", "not_done", false),
        (Flaw::StuckCursor, "does not move on", "stuck_cursor", false),
        (Flaw::EndlessList, "too long to be searched", "endless_list", false),
    ] {
        assert_eq!(flaw.as_str(), word);
        let error = response(flaw);
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(error.is_security(), is_security, "{error}");
    }
}

#[test]
fn an_unusable_answer_is_still_there() {
    let error = response(Flaw::Unsigned);
    assert_eq!(error.body(), br#"{"id":"ch_1"}"#);
    assert_eq!(error.id().as_deref(), Some("ch_1"));
    assert_eq!((error.header("X-Request-Id"), error.request_id()), (Some("req_1"), Some("req_1")));
    assert_eq!((error.header("x-none"), error.date()), (None, Some(date())));
    let debug = format!("{error:?}");
    assert!(debug.contains("Unsigned") && debug.contains("body_len: 13"), "{debug}");
    assert!(!debug.contains("ch_1"), "{debug}");
}

#[test]
fn each_step_has_its_text_and_says_what_kind_of_failure_it_was() {
    for (step, text, word, is_timeout, is_connect) in [
        (Step::Permit, "waiting for one of the `max_in_flight`", "permit_timeout", true, false),
        (Step::Sign, "could not be signed", "sign", false, false),
        (Step::SignTimeout, "waiting for the signature", "sign_timeout", true, false),
        (Step::Connect, "connecting to host:443 failed", "connect", false, true),
        (Step::ConnectTimeout, "while connecting to host:443", "connect_timeout", true, true),
        (Step::Certificate, "certificate of host:443", "certificate", false, true),
        (Step::Unsent, "before the request was written", "connection_closed", false, false),
        (Step::Exchange, "before an answer came", "connection_lost", false, false),
        (Step::ExchangeTimeout, "waiting for the answer of host:443", "timeout", true, false),
        (Step::Body, "failed inside the answer", "body_lost", false, false),
        (Step::BodyTimeout, "timed out inside the answer", "body_timeout", true, false),
    ] {
        let error = transport(step, Outcome::Unknown);
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(step.as_str(), word);
        assert_eq!((error.is_timeout(), error.is_connect()), (is_timeout, is_connect), "{error}");
    }
}

#[test]
fn an_attempt_was_sent_unless_it_provably_was_not() {
    let sent = |failed| attempt(None, failed).sent();
    assert!(sent(None) && sent(Some(Outcome::Unknown)) && sent(Some(Outcome::Rejected)));
    assert!(!sent(Some(Outcome::NotSent)));
}
