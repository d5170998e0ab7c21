//! With `verify_responses`, only what Ping++ signed is believed.

use pingpp::{CreateRefund, Outcome, SigningKey};

use crate::raw::{Act, Server, json, with_headers};
use crate::webhook::signed;
use crate::{ID, charge, merchant_key};

const REFUSAL: &str = r#"{"error":{"type":"invalid_request_error","message":"no such charge"}}"#;

/// An answer with this signature, or none.
fn answer(status: u16, body: &str, signature: Option<&str>) -> Act {
    Act::Write(match signature {
        None => json(status, body),
        Some(signature) => {
            let header = format!("X-Pingplusplus-Signature: {signature}\r\n");
            with_headers(status, &header, body.as_bytes())
        }
    })
}

#[tokio::test]
async fn an_answer_that_ping_did_not_sign_is_neither_success_nor_refusal() {
    let (right, other) = (signed(charge().as_bytes()), signed(b"something else"));
    for signature in [None, Some(""), Some(&*other), Some(&right[..right.len() - 4]), Some("%%")] {
        let server = Server::always(answer(200, &charge(), signature)).await;
        let builder = server.builder().verify_responses(merchant_key().public_key());
        let client = builder.build().unwrap();
        let refund = CreateRefund::builder().description("cup broken").build();
        let errors = [
            client.charges().reverse(ID).await.unwrap_err(),
            client.refunds(ID).create(refund).await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.outcome(), Outcome::Unknown, "{signature:?}: {error}");
            assert!(error.to_string().contains("sign") && !error.is_retryable(), "{error}");
        }
        // Nothing was asked for again: somebody is in between.
        assert_eq!(server.request_count(), 2);
        // Without keys nobody asks.
        assert!(server.client().charges().reverse(ID).await.is_ok());
    }
}

#[tokio::test]
async fn a_refusal_is_believed_unsigned_or_signed_truly_but_not_signed_falsely() {
    let (right, other) = (signed(REFUSAL.as_bytes()), signed(b"something else"));
    for (signature, outcome) in [
        (None, Outcome::Rejected),
        (Some(&*right), Outcome::Rejected),
        (Some(&*other), Outcome::Unknown),
    ] {
        let server = Server::always(answer(404, REFUSAL, signature)).await;
        let builder = server.builder().verify_responses(merchant_key().public_key());
        let error = builder.build().unwrap().charges().reverse(ID).await.unwrap_err();
        assert_eq!(error.outcome(), outcome, "{error}");
    }
}

#[tokio::test]
async fn any_of_several_keys_will_do_while_they_rotate() {
    let old = SigningKey::from_pem(include_str!("../keys/rsa4096.pem")).unwrap().public_key();
    let signature = signed(charge().as_bytes());
    let server = Server::always(answer(200, &charge(), Some(&signature))).await;
    let both = server
        .builder()
        .verify_responses(old.clone())
        .verify_responses(merchant_key().public_key())
        .build()
        .unwrap();
    assert!(both.charges().reverse(ID).await.is_ok());
    let old = server.builder().verify_responses(old).build().unwrap();
    assert_eq!(old.charges().reverse(ID).await.unwrap_err().outcome(), Outcome::Unknown);
}
