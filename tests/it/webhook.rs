//! Deliveries of events, verified and read.

use pingpp::sandbox::Sandbox;
use pingpp::webhook::{self, Error};
use pingpp::{Charge, Event, EventType, Mode, ObjectError, PublicKey, Refund, SigningKey};
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
    let event =
        webhook::verify(&key(), Mode::Test, &signed(body.as_bytes()), body.as_bytes()).unwrap();
    assert_eq!(event.kind, EventType::ChargeSucceeded);
    assert!(!event.object::<Charge>().unwrap().paid);
    assert_eq!(
        (event.object_type().as_deref(), event.object_id().as_deref()),
        (Some("charge"), Some(crate::ID))
    );
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
        assert_eq!(serde_json::from_str::<Value>(event.object_json()).unwrap(), object);
        assert!(matches!(event.object::<Charge>(), Err(ObjectError::Other { .. })));
        assert_eq!(serde_json::to_value(&event).unwrap(), body);
    }
}

/// It must not be taken for "nothing happened": the payment would be gone.
#[test]
fn a_known_object_that_cannot_be_read_is_a_loud_error_and_its_json_is_there() {
    let mut body = event();
    body["data"]["object"]["amount"] = "1.00".into();
    let text = body.to_string();
    let event =
        webhook::verify(&key(), Mode::Test, &signed(text.as_bytes()), text.as_bytes()).unwrap();
    let error = event.object::<Charge>().unwrap_err();
    assert!(matches!(error, ObjectError::Unreadable { .. }), "{error}");
    assert!(error.to_string().contains("amount") && !error.to_string().contains("1.00"), "{error}");
    assert!(event.object_json().contains("1.00"));
}

#[test]
fn a_test_event_is_not_taken_for_a_live_one_nor_the_other_way_round() {
    for (livemode, mode) in [(false, Mode::Live), (true, Mode::Test)] {
        let mut body = event();
        body["livemode"] = livemode.into();
        let (text, found) = (body.to_string(), Mode::from_livemode(livemode));
        let signature = signed(text.as_bytes());
        let error = webhook::verify(&key(), mode, &signature, text.as_bytes()).unwrap_err();
        assert!(matches!(error, Error::Mode { .. }), "{error}");
        assert_eq!(error.status(), 403);
        assert!(webhook::verify(&key(), found, &signature, text.as_bytes()).is_ok());
    }
}

#[test]
fn an_event_that_comes_again_has_the_same_key_and_another_one_has_not() {
    let key_of = |change: fn(&mut Value)| {
        let mut body = event();
        change(&mut body);
        serde_json::from_value::<Event>(body).unwrap().dedup_key()
    };
    assert_eq!(key_of(|_| ()), "evt_1");
    let without_id = key_of(|body| body["id"] = json!(null));
    let again = key_of(|body| {
        body["id"] = json!(null);
        body["pending_webhooks"] = json!(1);
    });
    assert_eq!(without_id, again);
    for change in [
        (|body: &mut Value| body["type"] = json!("charge.failed")) as fn(&mut Value),
        |body| body["created"] = json!(2),
        |body| body["data"]["object"]["id"] = json!("ch_2"),
        |body| body["data"]["object"] = json!({ "object": "summary", "day": 1 }),
        |body| body["data"]["object"] = json!({ "object": "summary", "day": 2 }),
    ] {
        let mut body = event();
        body["id"] = json!(null);
        change(&mut body);
        assert_ne!(serde_json::from_value::<Event>(body).unwrap().dedup_key(), without_id);
    }
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
        let error = webhook::verify(&key(), Mode::Test, &wrong, body.as_bytes()).unwrap_err();
        assert_eq!((&error, error.status()), (&Error::Signature, 401));
    }
    for cut in 0..signature.len() {
        let cut = &signature[..cut];
        assert_eq!(
            webhook::verify(&key(), Mode::Test, cut, body.as_bytes()),
            Err(Error::Signature)
        );
    }
    assert_eq!(
        webhook::verify_any(&[], Mode::Test, &signature, body.as_bytes()),
        Err(Error::Signature)
    );
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
        assert_eq!(
            webhook::verify(&key(), Mode::Test, &signature, &body),
            Err(Error::Signature),
            "{at}"
        );
        body[at] ^= 1;
    }
    assert!(webhook::verify(&key(), Mode::Test, &signature, &body).is_ok());
}

#[test]
fn keys_can_rotate() {
    let old = SigningKey::from_pem(include_str!("../keys/rsa4096.pem")).unwrap().public_key();
    let body = event().to_string();
    let signature = signed(body.as_bytes());
    assert!(
        webhook::verify_any(&[old.clone(), key()], Mode::Test, &signature, body.as_bytes()).is_ok()
    );
    assert!(webhook::verify(&old, Mode::Test, &signature, body.as_bytes()).is_err());
}

#[test]
fn a_signed_body_that_is_no_event_is_said_to_be_so_without_quoting_it() {
    let large = " ".repeat(webhook::BODY_LIMIT + 1);
    for body in ["", "null", "[]", "{}", r#"{"object":"charge","id":"secret"}"#, "secret", &large] {
        let error = webhook::verify(&key(), Mode::Test, &signed(body.as_bytes()), body.as_bytes())
            .unwrap_err();
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
        let sent: Value = serde_json::from_str(&text).unwrap();
        match event.object_type().as_deref() {
            Some("charge") => {
                drop(event.object::<Charge>().unwrap_or_else(|e| panic!("{name}: {e}")))
            }
            Some("refund") => {
                drop(event.object::<Refund>().unwrap_or_else(|e| panic!("{name}: {e}")))
            }
            _ => {}
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
