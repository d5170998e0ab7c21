//! Nothing secret in spans, events, Debug or Display.

use std::io;
use std::sync::{Arc, LazyLock, Mutex};

use pingpp::sandbox::Sandbox;
use pingpp::{Client, Outcome, RetryPolicy};
use tracing::Dispatch;
use tracing::subscriber::{DefaultGuard, NoSubscriber};
use tracing_subscriber::fmt::format::FmtSpan;

use crate::raw::{Act, Server, html, json};
use crate::{API_KEY, ID, charge, merchant_key, order};

#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Everything that is logged on this thread, down to TRACE, until the guard goes.
pub(crate) fn logged() -> (Log, DefaultGuard) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    (log, set_default(subscriber))
}

/// Sets the subscriber of this thread until the guard goes.
///
/// While a process has only one subscriber, tracing asks only the thread that meets a line first whether
/// it is wanted: another test would silence it here. So there is always a second one.
pub(crate) fn set_default(subscriber: impl Into<Dispatch>) -> DefaultGuard {
    static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::default()));
    LazyLock::force(&SECOND);
    tracing::dispatcher::set_default(&subscriber.into())
}

/// The key, its header forms, and every signature and body that was sent.
fn assert_nothing_secret(text: &str, server: &Server) {
    assert!(!text.contains(API_KEY), "{text}");
    for request in server.requests() {
        assert!(!text.contains(request.header("pingplusplus-signature").unwrap()), "{text}");
        if request.body.len() > 2 {
            assert!(!text.contains(request.text()), "{text}");
        }
    }
    for word in ["A pot of Longjing", "Longjing", "BEGIN"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
}

#[tokio::test]
async fn no_log_line_shows_a_key_a_signature_or_a_body() {
    let (log, _guard) = logged();
    let server = Server::start(|request| match request.number {
        0 => Act::Write(html(502)),
        // Asked once more, since it came over a pooled connection.
        4 | 5 => Act::Write(json(400, r#"{"error":{"type":"api_error","message":"Longjing"}}"#)),
        6 => Act::Write(json(200, r#"{"object":"charge","id":{"Longjing":1}}"#)),
        _ => Act::Write(json(200, &charge())),
    })
    .await;
    let client = server.client();
    client.charges().reverse(ID).await.unwrap();
    client.charges().create(order("20261123001")).await.unwrap();
    client.charges().retrieve(ID).await.unwrap();
    let rejected = client.charges().reverse(ID).await.unwrap_err();
    let garbled = client.charges().reverse(ID).retry(RetryPolicy::none()).await.unwrap_err();
    let text = log.text();
    assert!(
        text.contains("DEBUG") && text.contains("pingpp.call") && text.contains("pingpp.attempt")
    );
    assert_nothing_secret(&text, &server);
    assert_eq!(rejected.outcome(), Outcome::Rejected);
    assert_nothing_secret(&format!("{garbled} {garbled:?}"), &server);
}

#[tokio::test]
async fn nothing_that_can_be_printed_shows_a_secret() {
    let server = Server::always(Act::Write(json(200, &charge()))).await;
    let builder = server.builder().verify_responses(merchant_key().public_key());
    let proxy = Client::builder(API_KEY).proxy("http://user:Longjing@127.0.0.1:1");
    let printed = format!("{builder:?} {proxy:?}");
    let client: Client = builder.build().unwrap();
    let call = client.charges().reverse(ID);
    let error = client.charges().create(order("1")).await.unwrap_err();
    let text = format!("{printed} {client:?} {call:?} {:?} {error} {error:?}", client.charges());
    assert_nothing_secret(&text, &server);
    let response = server.client().charges().reverse(ID).with_response().await.unwrap();
    assert!(!format!("{response:?}").contains("body:  "));

    let sandbox = Sandbox::start().await.unwrap();
    sandbox.client().charges().create(order("1")).await.unwrap();
    let text = format!("{sandbox:?} {:?}", sandbox.requests());
    assert!(!text.contains(sandbox.api_key()) && !text.contains("Longjing"), "{text}");
}

/// What a customer's client, card or code is, and what a merchant noted about them.
#[tokio::test]
async fn debug_of_parameters_objects_and_answers_shows_no_value_of_a_map() {
    let mut secret: serde_json::Value = serde_json::from_str(&charge()).unwrap();
    for map in ["extra", "metadata", "credential"] {
        secret[map] = serde_json::json!({ "key": "Oolong", "card": { "number": "Oolong" } });
    }
    secret["brand_new"] = "Oolong".into();
    secret["refunds"]["data"] = serde_json::json!(["Oolong"]);
    let server = Server::always(Act::WriteAndClose(json(200, &secret.to_string()))).await;
    let client = server.client();
    let response = client.charges().reverse(ID).with_response().await.unwrap();
    let error = client.refunds(ID).retrieve("re_1").await.unwrap_err();
    let page = client.charges().list(pingpp::ListCharges::default()).next_page().await;
    let mut params = order("20261123001");
    params.channel = pingpp::PayBy::alipay_scan("Oolong");
    params.metadata = Some(serde_json::json!({ "name": "Oolong" }).into());
    let refund = pingpp::CreateRefund::builder().description("d").extra([("card", "Oolong")]);
    let refund: pingpp::CreateRefund = refund.metadata([("tag", "Oolong")]).into();
    let lost = client.refunds(ID).create(refund.clone()).await.unwrap_err();
    let event = serde_json::json!({
        "object": "event", "livemode": false, "type": "charge.succeeded", "brand_new": "Oolong",
        "data": { "object": secret, "previous_attributes": { "description": "Oolong" } }
    });
    let event: pingpp::Event = serde_json::from_value(event).unwrap();
    let shown = format!("{response:?} {error:?} {error} {page:?} {params:?} {refund:?} {event:?}");
    let shown = format!("{shown} {lost:?} {lost} {:?}", lost.recovery());
    assert!(shown.contains("scan_code") && shown.contains("\"card\""), "{shown}");
    assert!(!shown.contains("Oolong"), "{shown}");
}

#[tokio::test]
async fn a_signature_that_the_server_repeats_is_not_repeated_to_anybody() {
    let server = Server::start(|request| {
        let signature = request.header("pingplusplus-signature").unwrap();
        let message = format!("bad signature {signature}.");
        let body = serde_json::json!({ "error": { "type": "api_error", "message": message } });
        // As some languages write it.
        let body = match request.number {
            0 => body.to_string(),
            1 => body.to_string().replace('/', "\\/"),
            _ => body.to_string().replace('+', "\\u002b").replace('=', "\\u003D"),
        };
        let echo = format!("X-Echo: {signature}\r\n");
        Act::WriteAndClose(crate::raw::with_headers(401, &echo, body.as_bytes()))
    })
    .await;
    for _ in 0..3 {
        let error = server.client().charges().reverse(ID).await.unwrap_err();
        let api = error.api().unwrap();
        assert_eq!(api.message(), "bad signature [signature].");
        let text = format!("{error} {error:?} {} {:?}", api.text(), api.header("x-echo"));
        assert!(text.matches("[signature]").count() >= 3, "{text}");
        assert_nothing_secret(&text, &server);
    }
}

/// User ids can be e-mail addresses.
#[tokio::test]
async fn spans_show_the_route_and_no_id() {
    let (log, _guard) = logged();
    let server = Server::always(Act::Write(json(200, "{}"))).await;
    let request = pingpp::Request::get("/v1/apps/{app}/users/{user}", &["app_1", "oolong@tea.cn"]);
    let _: serde_json::Value = server.client().call(request).await.unwrap();
    let text = log.text();
    assert!(text.contains("url.template=\"/v1/apps/{app}/users/{user}\""), "{text}");
    let ours: Vec<_> = text.lines().filter(|line| line.contains("pingpp.")).collect();
    assert!(!ours.is_empty() && ours.iter().all(|line| !line.contains("oolong")), "{ours:#?}");
}

#[tokio::test]
async fn a_call_has_one_span_and_one_for_each_attempt_with_the_names_of_opentelemetry() {
    let (log, _guard) = logged();
    let server = Server::start(|request| match request.number {
        0 => Act::Write(html(502)),
        _ => Act::Write(json(200, &charge())),
    })
    .await;
    server.client().charges().reverse(ID).await.unwrap();
    let text = log.text();
    let new = |span: &str| {
        text.lines().filter(|l| l.contains(&format!("{span}{{")) && l.ends_with("new")).count()
    };
    let attempts: Vec<_> =
        text.lines().filter(|l| l.contains("pingpp.attempt{") && l.ends_with("new")).collect();
    assert_eq!(attempts.len(), 2, "{text}");
    assert_eq!(new("pingpp.call") - attempts.len(), 1, "{text}");
    for field in [
        "otel.kind=\"client\"",
        "http.request.method=\"POST\"",
        "server.address=\"127.0.0.1\"",
        &format!("server.port={}", server.port()),
        "url.template=\"/v1/charges/{id}/reverse\"",
    ] {
        assert!(attempts[0].contains(field), "{field}: {}", attempts[0]);
    }
    assert!(attempts[1].contains("http.request.resend_count=1"), "{}", attempts[1]);
    for field in
        ["http.response.status_code=502", "error.type=\"502\"", "http.response.status_code=200"]
    {
        assert!(text.contains(field), "{field}: {text}");
    }
}

#[tokio::test]
async fn a_call_dropped_in_doubt_leaves_one_warning() {
    let (log, _guard) = logged();
    let server = Server::always(Act::WriteAndStall(Vec::new())).await;
    for (call, warnings) in [
        (server.client().charges().reverse(ID), 1),
        (server.client().charges().create(order("20261123009")), 2),
        (server.client().charges().retrieve(ID), 2),
    ] {
        let limit = std::time::Duration::from_millis(100);
        assert!(tokio::time::timeout(limit, call).await.is_err());
        let text = log.text();
        let found: Vec<_> = text.lines().filter(|line| line.contains("outcome unknown")).collect();
        assert_eq!(found.len(), warnings, "{text}");
        assert!(found.iter().all(|line| line.contains("WARN")));
    }
    let text = log.text();
    assert!(text.contains("20261123009"), "the order_no is named");
    assert_nothing_secret(&text, &server);
}
