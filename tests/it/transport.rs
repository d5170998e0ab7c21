//! Connections, limits, TLS and proxies.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use pingpp::{Charge, Error, Outcome, Request, RetryPolicy, TransportError};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::raw::{Accept, Act, Server, html, json, with_headers};
use crate::{ID, charge};

fn transport(error: &Error) -> &TransportError {
    match error {
        Error::Transport(error) => error,
        other => panic!("{other:?}"),
    }
}

/// A POST that must not be repeated, like a refund.
fn risky() -> Request {
    Request::post("/v1/charges/{id}/refunds", &[ID]).json(&serde_json::json!({ "amount": 1 }))
}

#[tokio::test]
async fn calls_one_after_another_share_a_connection() {
    let server = Server::always(Act::Write(json(200, &charge()))).await;
    let client = server.client();
    for _ in 0..20 {
        client.charges().reverse(ID).await.unwrap();
    }
    assert_eq!((server.connections(), server.request_count()), (1, 20));
}

#[tokio::test]
async fn a_request_that_must_not_be_repeated_has_a_connection_of_its_own() {
    let server = Server::always(Act::Write(json(200, &charge()))).await;
    let client = server.client();
    client.charges().reverse(ID).await.unwrap();
    for _ in 0..3 {
        let _: serde_json::Value = client.call(risky()).await.unwrap();
    }
    let connections: Vec<_> = server.requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [0, 1, 2, 3]);
}

#[tokio::test]
async fn no_more_than_max_in_flight_requests_are_under_way() {
    let late = Act::Late(Duration::from_millis(5), json(200, &charge()));
    let server = Server::always(late).await;
    let client = server.builder().max_in_flight(3).build().unwrap();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..30 {
        calls.spawn(client.charges().reverse(ID));
    }
    while let Some(result) = calls.join_next().await {
        result.unwrap().unwrap();
    }
    assert!(server.most_under_way() <= 3, "{}", server.most_under_way());
}

#[tokio::test]
async fn waiting_for_a_place_counts_against_the_call_and_sends_nothing() {
    let server = Server::always(Act::WriteAndStall(Vec::new())).await;
    let client = server.builder().max_in_flight(1).build().unwrap();
    let first = tokio::spawn(client.charges().reverse(ID));
    while server.request_count() == 0 {
        tokio::task::yield_now().await;
    }
    let call = client.charges().reverse(ID).timeout(Duration::from_millis(50));
    let error = call.await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotSent);
    assert!(transport(&error).is_timeout() && error.attempts().is_empty(), "{error}");
    assert_eq!(server.request_count(), 1);
    first.abort();
    assert!(first.await.is_err());
    // The place of the call that was dropped is free again.
    let call = client.charges().reverse(ID).timeout(Duration::from_millis(50));
    assert_eq!(call.await.unwrap_err().outcome(), Outcome::Unknown);
}

#[tokio::test]
async fn a_silent_or_slow_server_ends_in_a_time_out_with_unknown_outcome() {
    let whole = json(200, &charge());
    let half = whole[..whole.len() / 2].to_vec();
    for act in [
        Act::WriteAndStall(Vec::new()),
        Act::WriteAndStall(half),
        Act::Trickle(whole, Duration::from_millis(20)),
    ] {
        let server = Server::always(act.clone()).await;
        let call = server.client().charges().reverse(ID).retry(RetryPolicy::none());
        let error = call.timeout(Duration::from_millis(100)).await.unwrap_err();
        assert!(transport(&error).is_timeout(), "{act:?}: {error}");
        assert_eq!((error.outcome(), server.request_count()), (Outcome::Unknown, 1));
    }
}

#[tokio::test]
async fn an_attempt_has_a_limit_of_its_own_within_the_call() {
    let server = Server::start(|request| match request.number {
        0 => Act::WriteAndStall(Vec::new()),
        _ => Act::Write(json(200, &charge())),
    })
    .await;
    let client = server.builder().attempt_timeout(Duration::from_millis(100)).build().unwrap();
    client.charges().reverse(ID).await.unwrap();
    assert_eq!(server.request_count(), 2);
}

#[tokio::test]
async fn a_server_that_never_shakes_hands_is_a_connect_time_out() {
    let server = Server::plan(|_| unreachable!()).on_accept(|_| Accept::Ignore);
    let server = server.tls(Authority::new().acceptor("localhost")).start().await;
    let client = server.builder().connect_timeout(Duration::from_millis(50)).build().unwrap();
    let error = client.charges().reverse(ID).retry(RetryPolicy::none()).await.unwrap_err();
    assert!(transport(&error).is_connect() && transport(&error).is_timeout(), "{error}");
    assert_eq!(error.outcome(), Outcome::NotSent);
    let text = format!("timed out while connecting to localhost:{}; nothing", server.port());
    assert!(error.to_string().starts_with(&text), "{error}");
}

#[tokio::test]
async fn nobody_at_the_port_is_tried_again_and_then_not_sent() {
    let port = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let client = pingpp::Client::builder("sk_test_1")
        .unsigned()
        .base_url(format!("http://127.0.0.1:{port}"))
        .build()
        .unwrap();
    for call in [client.charges().reverse(ID), client.call::<Charge>(risky())] {
        let error = call.await.unwrap_err();
        assert_eq!((error.outcome(), error.attempts().len()), (Outcome::NotSent, 4));
        assert!(transport(&error).is_connect() && error.is_retryable());
        assert!(!transport(&error).is_timeout());
        let text = format!("connecting to 127.0.0.1:{port} failed: connection refused (");
        assert!(error.to_string().starts_with(&text), "{error}");
        assert!(error.attempts().iter().all(|attempt| !attempt.sent()));
    }
}

#[tokio::test]
async fn a_lost_connection_is_named_with_its_cause() {
    for (act, text) in [
        (Act::WriteAndReset(Vec::new()), "failed before an answer came: connection "),
        (
            Act::WriteAndClose(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".to_vec()),
            "failed inside the answer: ",
        ),
    ] {
        let server = Server::always(act).await;
        let call = server.client().charges().reverse(ID).retry(RetryPolicy::none());
        let error = call.await.unwrap_err();
        let text = format!("the connection to 127.0.0.1:{} {text}", server.port());
        assert!(error.to_string().starts_with(&text), "{error}");
    }
}

#[tokio::test]
async fn a_body_over_two_mib_is_refused() {
    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n";
    let chunk = [&vec![b' '; 0x10_0000][..], b"\r\n100000\r\n"].concat();
    let endless = [&head[..], &chunk.repeat(3)].concat();
    let announced = with_headers(200, "", &vec![b' '; 3 << 20]);
    for answer in [endless, announced] {
        let server = Server::always(Act::WriteAndClose(answer)).await;
        let call = server.client().charges().reverse(ID).retry(RetryPolicy::none());
        let error = call.await.unwrap_err();
        assert!(error.to_string().contains("2 MiB"), "{error}");
        assert_eq!(error.outcome(), Outcome::Unknown);
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Server::always(Act::Write(json(200, &charge()))).await;
    let location = format!("Location: {}/v1/charges\r\n", elsewhere.url());
    let server = Server::always(Act::Write(with_headers(307, &location, b""))).await;
    let error = server.client().charges().reverse(ID).await.unwrap_err();
    assert_eq!((error.status(), error.outcome()), (Some(307), Outcome::Unknown));
    let error = server.client().charges().retrieve(ID).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Rejected);
    assert_eq!((server.request_count(), elsewhere.connections()), (2, 0));
}

#[tokio::test]
async fn a_compressed_answer_is_refused() {
    let gzip = with_headers(200, "Content-Encoding: gzip\r\n", b"\x1f\x8b");
    let server = Server::always(Act::Write(gzip)).await;
    let call = server.client().charges().reverse(ID).retry(RetryPolicy::none());
    let error = call.await.unwrap_err();
    assert!(error.to_string().contains("compressed"), "{error}");
    assert_eq!(error.outcome(), Outcome::Unknown);
}

#[tokio::test]
async fn a_client_outlives_the_runtime_it_was_first_used_on() {
    let server = Server::always(Act::Write(json(200, &charge()))).await;
    let client = server.client();
    let elsewhere = client.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(elsewhere.charges().reverse(ID)).unwrap();
    })
    .join_on_another_thread()
    .await;
    client.charges().reverse(ID).await.unwrap();
}

trait JoinOnAnotherThread {
    async fn join_on_another_thread(self);
}

impl JoinOnAnotherThread for std::thread::JoinHandle<()> {
    /// Without blocking this runtime, on which the server runs.
    async fn join_on_another_thread(self) {
        tokio::task::spawn_blocking(|| self.join().unwrap()).await.unwrap();
    }
}

/// A certificate authority made for one test.
pub(crate) struct Authority {
    issuer: rcgen::CertifiedIssuer<'static, rcgen::KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        Self { issuer: rcgen::CertifiedIssuer::self_signed(params, key).unwrap() }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub(crate) fn acceptor(&self, name: &str) -> TlsAcceptor {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

async fn tls_server(authority: &Authority, name: &str) -> Server {
    let plan = Server::plan(|_| Act::Write(json(200, &charge())));
    plan.tls(authority.acceptor(name)).start().await
}

#[tokio::test]
async fn an_extra_root_is_trusted() {
    let authority = Authority::new();
    let server = tls_server(&authority, "localhost").await;
    let client = server.builder().root_certificate(authority.pem()).build().unwrap();
    for _ in 0..3 {
        client.charges().reverse(ID).await.unwrap();
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_ends_the_call_unsent() {
    let (authority, other) = (Authority::new(), Authority::new());
    for (server, trusted) in [
        (tls_server(&authority, "localhost").await, other.pem()),
        (tls_server(&authority, "example.com").await, authority.pem()),
    ] {
        let client = server.builder().root_certificate(trusted).build().unwrap();
        let error = client.charges().reverse(ID).await.unwrap_err();
        let text = format!("the TLS certificate of localhost:{} was refused: ", server.port());
        assert!(error.to_string().starts_with(&text), "{error}");
        assert_eq!((error.outcome(), error.attempts().len()), (Outcome::NotSent, 1));
        assert!(!error.is_retryable());
        assert_eq!(server.request_count(), 0);
    }
}

/// A proxy that tunnels whatever it is asked for to one port; what it was asked for.
pub(crate) async fn proxy(
    to: u16,
    answer: &'static str,
) -> (u16, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (heads, seen) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let heads = heads.clone();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                let _ = heads.send(String::from_utf8(head).unwrap());
                stream.write_all(answer.as_bytes()).await.unwrap();
                let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).await.unwrap();
                let _ = copy_bidirectional(&mut stream, &mut server).await;
            });
        }
    });
    (port, seen)
}

#[tokio::test]
async fn a_proxy_is_asked_to_tunnel_and_sees_no_request() {
    let authority = Authority::new();
    let server = tls_server(&authority, "localhost").await;
    let (port, mut seen) = proxy(server.port(), "HTTP/1.1 200 OK\r\n\r\n").await;
    let client = server
        .builder()
        .root_certificate(authority.pem())
        .proxy(format!("http://user:secret@127.0.0.1:{port}"))
        .build()
        .unwrap();
    client.charges().reverse(ID).await.unwrap();
    let head = seen.recv().await.unwrap();
    assert!(
        head.starts_with(&format!("CONNECT localhost:{} HTTP/1.1\r\n", server.port())),
        "{head}"
    );
    assert!(head.contains("Proxy-Authorization: Basic "), "{head}");
    assert_eq!(server.requests()[0].target, format!("/v1/charges/{ID}/reverse"));
}

#[tokio::test]
async fn a_proxy_that_refuses_means_not_sent() {
    let server = Server::always(Act::Write(html(500))).await;
    let (port, _seen) = proxy(server.port(), "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n").await;
    let proxy = format!("http://user:secret@127.0.0.1:{port}");
    let client = server.builder().proxy(proxy).build().unwrap();
    let error = client.charges().reverse(ID).retry(RetryPolicy::none()).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotSent, "{error}");
    let text = format!(
        "connecting to 127.0.0.1:{} through a proxy failed: tunnel error: proxy authorization \
         required",
        server.port()
    );
    assert!(error.to_string().starts_with(&text), "{error}");
    assert!(!format!("{error:?}").contains("secret"));
    assert_eq!(server.request_count(), 0);
}

#[tokio::test]
async fn the_proxies_of_the_environment_are_honoured() {
    const SERVER: &str = "PINGPP_TEST_SERVER";
    // The environment of a process with threads is not to be changed, so a child has its own.
    if let Ok(url) = std::env::var(SERVER) {
        let builder = pingpp::Client::builder(crate::API_KEY).unsigned().base_url(url);
        let client = builder.retry(RetryPolicy::none()).build().unwrap();
        let error = client.charges().reverse(ID).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::NotSent, "{error}");
        return;
    }
    for (no_proxy, asked) in [("example.com", true), ("localhost", false)] {
        let server = Server::plan(|_| Act::Write(html(500))).on_accept(|_| Accept::Close);
        let server = server.start().await;
        let answer = "HTTP/1.1 200 OK\r\n\r\n";
        let (port, mut seen) = proxy(server.port(), answer).await;
        let child = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "transport::the_proxies_of_the_environment_are_honoured"])
            .env(SERVER, format!("https://localhost:{}", server.port()))
            .env("HTTPS_PROXY", format!("http://127.0.0.1:{port}"))
            .env("NO_PROXY", no_proxy)
            .env_remove("https_proxy")
            .env_remove("no_proxy")
            .output()
            .await
            .unwrap();
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
        assert_eq!(seen.try_recv().is_ok(), asked, "NO_PROXY={no_proxy}");
    }
}
