//! What is sent again, and what the caller is told.

use std::time::Duration;

use pingpp::{Charge, Error, ErrorType, Outcome, Recovery, Repeat, Request, RetryPolicy};
use serde_json::json;

use crate::raw::{Accept, Act, Server, html, json, with_headers};
use crate::{API_KEY, ID, charge, order};

const PLAIN: &str = r#"{"error":{"type":"invalid_request_error","message":"m"}}"#;

fn refund() -> Request {
    Request::post("/v1/charges/{id}/refunds", &[ID])
        .json(&json!({ "amount": 1, "description": "d" }))
}

/// What a server can do after it read a request, without a usable answer.
fn losses() -> Vec<Act> {
    let whole = json(200, &charge());
    vec![
        Act::WriteAndClose(Vec::new()),
        Act::WriteAndReset(Vec::new()),
        Act::WriteAndClose(whole[..whole.len() - 10].to_vec()),
        Act::WriteAndReset(whole[..20].to_vec()),
        Act::WriteAndClose(b"garbage\r\n\r\n".to_vec()),
        Act::Write(json(200, "null")),
        Act::Write(json(200, "{\"object\":\"charge\",\"reversed\":true}")),
        Act::Write(json(200, "")),
        Act::Write(html(502)),
        Act::Write(html(503)),
        Act::Write(json(500, PLAIN)),
        Act::Write(json(408, PLAIN)),
    ]
}

#[tokio::test]
async fn a_reverse_is_sent_again_until_it_is_answered() {
    for act in losses() {
        let first = act.clone();
        let server = Server::start(move |request| match request.number {
            0 => first.clone(),
            _ => Act::Write(json(200, &charge())),
        })
        .await;
        let call = server.client().charges().reverse(ID).with_response();
        let response = call.await.unwrap_or_else(|error| panic!("{act:?}: {error}"));
        assert_eq!(response.value.reversed, Some(true));
        assert_eq!((response.status(), response.attempts().len()), (200, 2));
        assert_eq!(response.attempts()[0].failed, Some(Outcome::Unknown));
        assert_eq!(server.request_count(), 2);
    }
}

#[tokio::test]
async fn a_refund_is_never_sent_twice() {
    for act in losses() {
        let server = Server::always(act.clone()).await;
        let error = server.client().call::<Charge>(refund()).await.unwrap_err();
        assert_eq!(server.request_count(), 1, "{act:?}");
        assert_eq!(error.outcome(), Outcome::Unknown, "{act:?}");
        assert!(!error.is_retryable());
        assert_eq!(error.recovery(), Some(&Recovery::Manual));
    }
}

#[tokio::test]
async fn a_create_is_sent_again_byte_for_byte_and_three_times_at_the_most() {
    let server = Server::always(Act::Write(html(502))).await;
    let error = server.client().charges().create(order("20261123001")).await.unwrap_err();
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|request| request.body == requests[0].body));
    assert_eq!(error.outcome(), Outcome::Unknown);
    let Some(Recovery::Find(search)) = error.recovery() else {
        panic!("{:?}", error.recovery());
    };
    let search = format!("{search:?}");
    let sent = requests[0].header("pingplusplus-request-timestamp").unwrap();
    for part in ["/v1/charges", "order_no: \"20261123001\"", sent] {
        assert!(search.contains(part), "{search}");
    }
}

#[tokio::test]
async fn a_refusal_is_not_sent_again() {
    for (status, body) in [(400, PLAIN), (401, PLAIN), (404, PLAIN)] {
        let server = Server::always(Act::Write(json(status, body))).await;
        let error = server.client().charges().reverse(ID).await.unwrap_err();
        assert_eq!((error.outcome(), error.status()), (Outcome::Rejected, Some(status)));
        assert_eq!(server.request_count(), 1, "{status}");
        assert_eq!(error.recovery(), None);
    }
}

#[tokio::test]
async fn a_channel_that_did_not_answer_leaves_the_outcome_unknown() {
    let coded = |code| format!(r#"{{"error":{{"type":"channel_error","code":"{code}"}}}}"#);
    for (code, outcome) in
        [("channel_connection_error", Outcome::Unknown), ("charge_closed", Outcome::Rejected)]
    {
        let server = Server::always(Act::Write(json(402, &coded(code)))).await;
        let error = server.client().charges().reverse(ID).await.unwrap_err();
        assert_eq!((error.outcome(), server.request_count()), (outcome, 1), "{code}");
    }
}

#[tokio::test]
async fn a_later_refusal_does_not_prove_that_nothing_happened() {
    let server = Server::start(|request| match request.number {
        0 => Act::WriteAndClose(Vec::new()),
        _ => Act::Write(json(400, PLAIN)),
    })
    .await;
    let error = server.client().charges().reverse(ID).await.unwrap_err();
    assert_eq!((error.status(), error.outcome()), (Some(400), Outcome::Unknown));
    let outcomes: Vec<_> = error.attempts().iter().map(|attempt| attempt.failed).collect();
    assert_eq!(outcomes, [Some(Outcome::Unknown), Some(Outcome::Rejected)]);
    assert!(matches!(error.recovery(), Some(Recovery::Retrieve { ids, .. }) if ids == &[ID]));
}

/// It was measured to act behind its page, so the page is no proof.
#[tokio::test]
async fn a_refusal_by_somebody_in_between_proves_nothing() {
    let odd = r#"{"error":{"type":"brand_new","message":"m"}}"#;
    for (status, body) in [(400, "<html>"), (401, ""), (403, "<html>"), (404, "{}"), (400, odd)] {
        let server = Server::always(Act::Write(json(status, body))).await;
        let error = server.client().charges().reverse(ID).await.unwrap_err();
        assert_eq!((error.outcome(), error.status()), (Outcome::Unknown, Some(status)));
        let error = server.client().call::<Charge>(refund()).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::Unknown);
        let error = server.client().charges().retrieve(ID).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::Rejected, "a read changes nothing");
        assert_eq!(server.request_count(), 3, "{status}");
    }
}

/// A refund was measured to go out four times on such an answer.
#[tokio::test]
async fn a_doubtful_code_counts_more_than_its_status() {
    let code = r#"{"error":{"type":"channel_error","code":"channel_connection_error"}}"#;
    for status in [400, 403, 404, 429, 502] {
        let server = Server::always(Act::Write(json(status, code))).await;
        for call in
            [server.client().call::<Charge>(refund()), server.client().charges().reverse(ID)]
        {
            assert_eq!(call.await.unwrap_err().outcome(), Outcome::Unknown, "{status}");
        }
        assert_eq!(server.request_count(), 2, "{status}");
    }
}

#[tokio::test]
async fn a_rate_limit_is_waited_out_by_what_may_be_repeated_and_told_to_the_others() {
    for status in [403, 429] {
        let server = Server::start(move |request| match request.number {
            0 | 2 => Act::Write(json(status, PLAIN)),
            _ => Act::Write(json(200, &charge())),
        })
        .await;
        server.client().charges().reverse(ID).await.unwrap();
        let error = server.client().call::<Charge>(refund()).await.unwrap_err();
        assert_eq!((error.outcome(), error.is_retryable()), (Outcome::Rejected, true));
        assert_eq!(server.request_count(), 3);
    }
    let server = Server::always(Act::Write(json(403, PLAIN))).await;
    let call = server.client().charges().reverse(ID).retry(RetryPolicy::none());
    let error = call.await.unwrap_err();
    assert!(error.api().unwrap().is_rate_limit() && error.is_retryable());
}

#[tokio::test]
async fn a_pause_that_does_not_fit_is_not_made() {
    let busy = with_headers(503, "Retry-After: 20\r\n", b"");
    let server = Server::always(Act::Write(busy)).await;
    let call = server.client().charges().reverse(ID).timeout(Duration::from_secs(10));
    let error = tokio::time::timeout(Duration::from_secs(5), call).await.unwrap().unwrap_err();
    assert_eq!((error.status(), error.attempts().len()), (Some(503), 1));
}

#[tokio::test]
async fn a_connection_that_closes_on_arrival_is_tried_again() {
    for accept in [Accept::Close, Accept::Reset] {
        let server = Server::plan(|_| Act::Write(json(200, &charge())))
            .on_accept(move |number| if number == 0 { accept } else { Accept::Serve })
            .start()
            .await;
        server.client().charges().reverse(ID).await.unwrap();
        assert_eq!((server.connections(), server.request_count()), (2, 1));
    }
}

#[tokio::test]
async fn an_answer_about_something_else_is_a_security_error() {
    let other_id = charge().replace(ID, "ch_other");
    let other_object = charge().replacen("\"charge\"", "\"order\"", 1);
    for body in [other_id, other_object] {
        let server = Server::always(Act::Write(json(200, &body))).await;
        for call in [server.client().charges().reverse(ID), server.client().charges().retrieve(ID)]
        {
            let error = call.await.unwrap_err();
            assert!(matches!(&error, Error::Response(flaw) if flaw.is_security()), "{error}");
            assert_eq!(error.outcome(), Outcome::Unknown);
        }
        assert_eq!(server.request_count(), 2, "not asked again");
    }
}

#[tokio::test]
async fn any_error_body_keeps_its_status_and_text() {
    for (body, kind, message) in [
        ("", None, ""),
        ("<html>no</html>", None, ""),
        ("null", None, ""),
        ("[]", None, ""),
        ("{}", None, ""),
        (r#"{"error":null}"#, None, ""),
        (r#"{"error":"text"}"#, None, ""),
        (r#"{"error":{"type":7}}"#, None, ""),
        (r#"{"error":{"type":"brand_new","message":"m"}}"#, Some("brand_new"), "m"),
        (r#"{"error":{"type":"api_error","code":null,"param":null}}"#, Some("api_error"), ""),
    ] {
        let server = Server::always(Act::Write(json(400, body))).await;
        let error = server.client().charges().reverse(ID).await.unwrap_err();
        let api = error.api().unwrap();
        assert_eq!((api.status(), api.text(), api.message()), (400, body, message));
        assert_eq!(api.kind().map(ErrorType::as_str), kind, "{body}");
        assert!(error.to_string().contains("400"));
        assert!(!error.to_string().contains("html"), "{error}");
    }
}

#[tokio::test]
async fn an_api_key_that_the_server_repeats_is_not_repeated_to_anybody() {
    let body = format!(r#"{{"error":{{"type":"x","message":"bad key {API_KEY}."}}}}"#);
    let server = Server::always(Act::Write(json(401, &body))).await;
    let error = server.client().charges().reverse(ID).await.unwrap_err();
    assert_eq!(error.api().unwrap().message(), "bad key [api key].");
    assert!(!error.api().unwrap().text().contains(API_KEY));
}

#[tokio::test]
async fn a_dropped_call_stops_and_frees_its_place() {
    let server = Server::start(|request| match request.number {
        0 => Act::WriteAndStall(Vec::new()),
        _ => Act::Write(json(200, &charge())),
    })
    .await;
    let client = server.builder().max_in_flight(1).build().unwrap();
    let call = client.charges().reverse(ID);
    assert!(tokio::time::timeout(Duration::from_millis(100), call).await.is_err());
    client.charges().reverse(ID).await.unwrap();
    assert_eq!(server.request_count(), 2);
}

#[tokio::test]
async fn a_call_does_nothing_until_it_is_awaited() {
    let server = Server::always(Act::Write(json(200, &charge()))).await;
    drop(server.client().charges().reverse(ID));
    let _ = Repeat::Never;
    tokio::task::yield_now().await;
    assert_eq!(server.connections(), 0);
}
