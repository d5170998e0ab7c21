//! What it costs to keep unknown fields, and to verify an event: `cargo bench --bench decode`.
//!
//! Beside a plain derive that forgets what it does not know, and two other ways to remember it.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on fails")]

#[path = "support/floor.rs"]
#[allow(dead_code, reason = "only its charge is used")]
mod floor;
#[path = "support/server.rs"]
#[allow(dead_code, reason = "only its charge is used")]
mod server;

use std::hint::black_box;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pingpp::{List, Mode, PublicKey, SigningKey, webhook};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use server::CHARGE;

const ROUNDS: usize = 21;

#[derive(Deserialize)]
#[allow(dead_code, reason = "decoded as a program would")]
struct Plain<T> {
    object: String,
    url: String,
    has_more: bool,
    data: Vec<T>,
}

/// Unknown fields by serde's own means.
#[derive(Deserialize)]
#[allow(dead_code, reason = "decoded as a program would")]
struct Flattened {
    #[serde(flatten)]
    known: floor::Charge,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "decoded as a program would")]
struct PlainEvent {
    id: String,
    object: String,
    created: i64,
    livemode: bool,
    #[serde(rename = "type")]
    kind: String,
    data: PlainData,
    pending_webhooks: i64,
    request: Option<String>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "decoded as a program would")]
struct PlainData {
    object: floor::Charge,
}

fn main() {
    println!("{:<44} {:>8}", "time / plain derive", "ratio");
    let list = format!(
        r#"{{"object":"list","url":"/v1/charges","has_more":false,"data":[{}]}}"#,
        vec![CHARGE; 100].join(",")
    );
    let plain = || drop(black_box(read::<floor::Charge>(CHARGE)));
    show("charge, this crate", 2_000, plain, || {
        drop(black_box(read::<pingpp::Charge>(CHARGE)));
    });
    show("charge, its text kept beside a plain derive", 2_000, plain, || {
        let text = read::<Box<RawValue>>(CHARGE);
        drop(black_box((read::<floor::Charge>(text.get()), text)));
    });
    show("charge, flattened map", 2_000, plain, || drop(black_box(read::<Flattened>(CHARGE))));
    show(
        "list of 100, this crate",
        20,
        || drop(black_box(read::<Plain<floor::Charge>>(&list))),
        || drop(black_box(read::<List<pingpp::Charge>>(&list))),
    );
    events();
}

fn events() {
    let body = format!(
        r#"{{"id":"evt_1","object":"event","created":1,"livemode":false,"type":"charge.succeeded",
        "data":{{"object":{CHARGE}}},"pending_webhooks":0,"request":null}}"#
    );
    let pem = include_str!("../tests/keys/merchant.pem");
    let pair = KeyPair::from_pkcs8(pem::parse(pem).unwrap().contents()).unwrap();
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), body.as_bytes(), &mut signature).unwrap();
    let header = STANDARD.encode(&signature);
    let der = pair.public().as_ref().to_vec();
    let key: PublicKey = SigningKey::from_pem(pem).unwrap().public_key();
    show(
        "event verified and read / ring and plain",
        500,
        || {
            let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &der);
            key.verify(body.as_bytes(), &STANDARD.decode(&header).unwrap()).unwrap();
            drop(black_box(read::<PlainEvent>(&body)));
        },
        || {
            let event = webhook::verify(&key, Mode::Test, &header, body.as_bytes()).unwrap();
            drop(black_box(event.object::<pingpp::Charge>().unwrap()));
        },
    );
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> T {
    serde_json::from_slice(text.as_bytes()).unwrap()
}

/// Both sides in turns; the median of the ratios.
fn show(name: &str, times: usize, plain: impl Fn(), other: impl Fn()) {
    let time = |work: &dyn Fn()| {
        let began = Instant::now();
        (0..times).for_each(|_| work());
        began.elapsed().as_secs_f64()
    };
    time(&plain);
    time(&other);
    let mut ratios: Vec<_> = (0..ROUNDS).map(|_| 1.0 / time(&plain) * time(&other)).collect();
    ratios.sort_by(f64::total_cmp);
    println!("{name:<44} {:>8.2}", ratios[ROUNDS / 2]);
}
