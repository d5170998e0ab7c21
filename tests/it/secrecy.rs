//! Nothing secret in spans, events, Debug or Display.

use std::io;
use std::sync::{Arc, Mutex};

use pingpp::sandbox::Sandbox;
use pingpp::{Client, Outcome, RetryPolicy};
use tracing_subscriber::fmt::format::FmtSpan;

use crate::raw::{Act, Server, html, json};
use crate::{API_KEY, ID, charge, merchant_key, order};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

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
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Everything that is logged on this thread, down to TRACE, until the guard goes.
fn logged() -> (Log, tracing::subscriber::DefaultGuard) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    (log, tracing::subscriber::set_default(subscriber))
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
        4 => Act::Write(json(400, r#"{"error":{"type":"api_error","message":"Longjing"}}"#)),
        5 => Act::Write(json(200, r#"{"object":"charge","id":{"Longjing":1}}"#)),
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
