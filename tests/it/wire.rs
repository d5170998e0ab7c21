//! What is on the wire, byte for byte.

use std::collections::HashSet;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pingpp::{Error, ListCharges, Outcome, Request, SigningKey, Timestamp};

use crate::raw::{Act, Received, Server, html, json};
use crate::{API_KEY, ID, charge, merchant_key, order};

/// Body, target and timestamp as they arrived.
fn signed_text(received: &Received) -> Vec<u8> {
    let timestamp = received.header("pingplusplus-request-timestamp").unwrap();
    [&received.body, received.target.as_bytes(), timestamp.as_bytes()].concat()
}

#[tokio::test]
async fn openssl_verifies_the_signature_of_every_captured_request() {
    let server = Server::start(|request| match request.method.as_str() {
        "GET" if !request.target.contains(ID) => {
            Act::Write(json(200, r#"{"object":"list","has_more":false,"data":[]}"#))
        }
        _ => Act::Write(json(200, &charge())),
    })
    .await;
    let charges = server.client().charges();
    charges.reverse(ID).await.unwrap();
    charges.retrieve(ID).await.unwrap();
    charges.create(order("20261123001")).await.unwrap();
    let from = Timestamp::from_unix(1);
    let list = ListCharges::builder().created(from..);
    charges.list(list).expand("app").next_page().await.unwrap();

    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let key = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/merchant.pub.pem");
    assert_eq!(server.request_count(), 4);
    for request in server.requests() {
        std::fs::write(file("text"), signed_text(&request)).unwrap();
        let signature = request.header("pingplusplus-signature").unwrap();
        std::fs::write(file("signature"), STANDARD.decode(signature).unwrap()).unwrap();
        let openssl = Command::new("openssl")
            .args(["dgst", "-sha256", "-verify", key, "-signature"])
            .args([file("signature"), file("text")])
            .output()
            .expect("openssl is installed");
        assert_eq!(String::from_utf8_lossy(&openssl.stdout), "Verified OK\n", "{request:?}");
    }
}

#[tokio::test]
async fn a_request_carries_what_ping_asks_for_and_nothing_twice() {
    let server = Server::always(Act::Write(json(200, &charge()))).await;
    let client = server.builder().accept_language("en").user_agent("shop/7").build().unwrap();
    client.charges().reverse(ID).await.unwrap();
    client.charges().retrieve(ID).await.unwrap();
    let [reverse, retrieve] = &server.requests()[..] else { panic!() };

    assert_eq!(reverse.text(), "{}");
    assert_eq!(reverse.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(reverse.header("authorization"), Some(&*format!("Bearer {API_KEY}")));
    assert_eq!(reverse.header("accept-language"), Some("en"));
    assert_eq!(reverse.header("accept-encoding"), Some("identity"));
    assert_eq!(reverse.header("host"), Some(&*format!("127.0.0.1:{}", server.port())));
    let agent = reverse.header("user-agent").unwrap();
    assert!(agent.starts_with("pingpp-rust/") && agent.ends_with(" shop/7"), "{agent}");
    let timestamp: u64 = reverse.header("pingplusplus-request-timestamp").unwrap().parse().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!(now.abs_diff(timestamp) < 60);

    assert_eq!(retrieve.method, "GET");
    assert_eq!((retrieve.header("content-type"), retrieve.body.len()), (None, 0));
}

#[tokio::test]
async fn each_attempt_is_signed_anew_over_the_same_bytes() {
    // The second attempt comes in another second, so that its signature has to differ.
    let server = Server::start(|request| {
        if request.number == 0 {
            std::thread::sleep(std::time::Duration::from_millis(1_100));
            Act::Write(html(502))
        } else {
            Act::Write(json(200, &charge()))
        }
    })
    .await;
    server.client().charges().reverse(ID).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    let signatures: HashSet<_> =
        requests.iter().map(|r| r.header("pingplusplus-signature").unwrap()).collect();
    assert_eq!(signatures.len(), 2);
    for request in &requests {
        let signature = request.header("pingplusplus-signature").unwrap();
        assert!(merchant_key().public_key().verifies(&signed_text(request), signature));
    }
    assert_eq!(requests[0].body, requests[1].body);
}

#[tokio::test]
async fn an_id_stays_one_segment_and_a_bad_one_is_never_sent() {
    let server = Server::always(Act::Write(json(200, &charge()))).await;
    let charges = server.client().charges();
    for id in ["", ".", ".."] {
        let error = charges.reverse(id).await.unwrap_err();
        assert!(matches!(error, Error::Build(_)), "{error}");
        assert_eq!(error.outcome(), Outcome::NotSent);
    }
    let long = "x".repeat(70_000);
    assert!(matches!(charges.reverse(&long).await.unwrap_err(), Error::Build(_)));
    assert_eq!(server.connections(), 0, "nothing was opened");

    for id in ["a/../b", "a?b#c", "a b", "订单", "a%2Fb", "a\r\nX: 1", "user007@gmail.com"] {
        let _ = charges.reverse(id).await;
        let target = server.requests().pop().unwrap().target;
        assert_eq!(target.split('/').count(), 5, "{target}");
        assert!(!target.contains(['?', '#']), "{target}");
    }
}

#[tokio::test]
async fn queries_are_percent_encoded_and_signed_as_sent() {
    let server = Server::always(Act::Write(json(200, "{}"))).await;
    let request = Request::get("/v1/charges", &[]);
    let request = request.query("app[id]", "a&b").query("expand[]", "茶 ");
    let _: serde_json::Value = server.client().call(request).await.unwrap();
    let received = server.requests().pop().unwrap();
    assert_eq!(received.target, "/v1/charges?app%5Bid%5D=a%26b&expand%5B%5D=%E8%8C%B6%20");
    let signature = received.header("pingplusplus-signature").unwrap();
    assert!(merchant_key().public_key().verifies(&signed_text(&received), signature));
}

#[tokio::test]
async fn a_call_can_use_another_key_and_another_api_key() {
    let server = Server::always(Act::Write(json(200, &charge()))).await;
    let other = SigningKey::from_pem(include_str!("../keys/rsa4096.pem")).unwrap();
    let call = server.client().charges().reverse(ID);
    call.api_key("sk_test_other").signing_key(other.clone()).await.unwrap();
    let received = server.requests().pop().unwrap();
    assert_eq!(received.header("authorization"), Some("Bearer sk_test_other"));
    let signature = received.header("pingplusplus-signature").unwrap();
    assert!(other.public_key().verifies(&signed_text(&received), signature));

    let error = server.client().charges().reverse(ID).api_key("no good").await.unwrap_err();
    assert!(error.to_string().contains("API key"), "{error}");
    assert_eq!(server.request_count(), 1);
}
