//! Deliveries of events, verified and read.

use pingpp::sandbox::Sandbox;
use pingpp::webhook::{self, Error};
use pingpp::{Event, EventObject, EventType, PublicKey, SigningKey};
use serde_json::{Value, json};

use crate::{charge, merchant_key};

/// A delivery signed by `openssl`, so that the two sides do not share their mistakes.
pub(crate) fn signed(body: &[u8]) -> String {
    use base64::Engine;
    let folder = tempfile::tempdir().unwrap();
    let (key, text) = (folder.path().join("key.pem"), folder.path().join("body"));
    std::fs::write(&key, include_str!("../keys/merchant.pem")).unwrap();
    std::fs::write(&text, body).unwrap();
    let output = std::process::Command::new("openssl")
        .args(["dgst", "-sha256", "-sign"])
        .args([&key, &text])
        .output()
        .unwrap();
    assert!(output.status.success());
    base64::engine::general_purpose::STANDARD.encode(output.stdout)
}

fn key() -> PublicKey {
    merchant_key().public_key()
}

fn event() -> Value {
    json!({
        "id": "evt_1", "object": "event", "created": 1, "livemode": false, "pending_webhooks": 0,
        "type": "charge.succeeded", "request": null, "brand_new": [1],
        "data": { "object": serde_json::from_str::<Value>(&charge()).unwrap(), "previous": {} }
    })
}

#[test]
fn a_signed_event_is_read_and_forwarded_whole() {
    let body = event().to_string();
    let event = webhook::verify(&key(), &signed(body.as_bytes()), body.as_bytes()).unwrap();
    assert_eq!(event.kind, EventType::ChargeSucceeded);
    assert!(matches!(&event.data.object, EventObject::Charge(charge) if !charge.paid));
    assert_eq!(serde_json::to_value(&event).unwrap(), self::event());
}

#[test]
fn what_is_new_in_an_event_is_kept_and_no_error() {
    for object in [json!({ "object": "brand_new", "id": 1 }), json!({}), json!([1]), json!(null)] {
        let mut body = event();
        body["type"] = "brand.new".into();
        body["data"]["object"] = object.clone();
        body.as_object_mut().unwrap().remove("id");
        body.as_object_mut().unwrap().remove("pending_webhooks");
        let event: Event = serde_json::from_value(body.clone()).unwrap();
        assert_eq!(event.data.object, EventObject::Other(object));
        assert_eq!(serde_json::to_value(&event).unwrap(), body);
    }
    // A charge as this crate cannot read it is still news.
    let mut body = event();
    body["data"]["object"]["amount"] = "1.00".into();
    let event: Event = serde_json::from_str(&body.to_string()).unwrap();
    assert!(matches!(event.data.object, EventObject::Other(_)));
}

#[test]
fn any_other_signature_is_refused() {
    let body = event().to_string();
    let signature = signed(body.as_bytes());
    let other = signed(b"{}");
    for wrong in [
        String::new(),
        other,
        format!("{signature}, {signature}"),
        format!("{signature}{signature}"),
        format!(" {signature}"),
        format!("{signature}\n"),
        signature.replace('+', "-").replace('/', "_").replace('=', ""),
    ] {
        let error = webhook::verify(&key(), &wrong, body.as_bytes()).unwrap_err();
        assert_eq!((&error, error.status()), (&Error::Signature, 401));
    }
    for cut in 0..signature.len() {
        let cut = &signature[..cut];
        assert_eq!(webhook::verify(&key(), cut, body.as_bytes()), Err(Error::Signature));
    }
    assert_eq!(webhook::verify_any(&[], &signature, body.as_bytes()), Err(Error::Signature));
}

#[test]
fn one_flipped_byte_anywhere_in_four_kilobytes_is_refused() {
    let mut body = event();
    body["data"]["object"]["description"] = "x".repeat(4100 - body.to_string().len()).into();
    let mut body = body.to_string().into_bytes();
    assert!(body.len() >= 4096, "{}", body.len());
    let signature = signed(&body);
    for at in 0..body.len() {
        body[at] ^= 1;
        assert_eq!(webhook::verify(&key(), &signature, &body), Err(Error::Signature), "{at}");
        body[at] ^= 1;
    }
    assert!(webhook::verify(&key(), &signature, &body).is_ok());
}

#[test]
fn keys_can_rotate() {
    let old = SigningKey::from_pem(include_str!("../keys/rsa4096.pem")).unwrap().public_key();
    let body = event().to_string();
    let signature = signed(body.as_bytes());
    assert!(webhook::verify_any(&[old.clone(), key()], &signature, body.as_bytes()).is_ok());
    assert!(webhook::verify(&old, &signature, body.as_bytes()).is_err());
}

#[test]
fn a_signed_body_that_is_no_event_is_said_to_be_so_without_quoting_it() {
    let large = " ".repeat(webhook::BODY_LIMIT + 1);
    for body in ["", "null", "[]", "{}", r#"{"object":"charge","id":"secret"}"#, "secret", &large] {
        let error = webhook::verify(&key(), &signed(body.as_bytes()), body.as_bytes()).unwrap_err();
        assert_eq!(error.status(), 400, "{body:.20}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

/// Real deliveries, if they lie beside the checkout.
#[test]
fn real_events_survive() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/samples");
    let Ok(files) = std::fs::read_dir(folder) else {
        println!("no real answers beside the checkout: only the project's own were tried");
        return;
    };
    let mut tried = 0;
    for file in files {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("event_") || name.contains("partial") {
            continue;
        }
        tried += 1;
        let text = std::fs::read_to_string(path).unwrap();
        let event: Event = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(!matches!(event.data.object, EventObject::Other(_)), "{name}");
        let mut sent: Value = serde_json::from_str(&text).unwrap();
        // An empty map that came as an array is written as a map.
        for field in ["extra", "metadata", "credential"] {
            if let Some(value) = sent["data"]["object"].get_mut(field)
                && value.as_array().is_some_and(Vec::is_empty)
            {
                *value = json!({});
            }
        }
        assert_eq!(serde_json::to_value(&event).unwrap(), sent, "{name}");
    }
    println!("{tried} real events");
}

#[tokio::test]
async fn an_event_that_the_server_does_not_know_is_not_found() {
    let sandbox = Sandbox::start().await.unwrap();
    let error = sandbox.client().events().retrieve("evt_1").await.unwrap_err();
    assert_eq!(error.status(), Some(404));
}
