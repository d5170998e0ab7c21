//! Objects with one odd field: only a field on which money hangs may make an answer unusable.
//!
//! Every field of each object is mutated in every way; nested objects count as one field. What is
//! read must be written back equal. Two exceptions, by design: of a field that comes twice the last
//! one is kept, and a number that fits into no type is kept as its text.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use base64::Engine;
use pingpp::{Charge, Client, Event, List, ListCharges, Mode, RetryPolicy, webhook};
use serde_json::{Map, Value, json};

use crate::raw::{Act, Received, Server, json as answer};
use crate::{API_KEY, ID, charge, merchant_key};

/// A mutated object as text, since a `Value` can hold neither doubles nor huge numbers.
struct Mutation {
    field: String,
    what: &'static str,
    text: String,
    /// What is written when it was read; `None` where the exceptions apply.
    written: Option<Value>,
}

const VALUES: [(&str, &str); 13] = [
    ("null", "null"),
    ("empty string", "\"\""),
    ("string", "\"odd\""),
    ("zero", "0"),
    ("number", "7"),
    ("negative", "-1"),
    ("fraction", "1.5"),
    ("float", "100.0"),
    ("huge", "1e30"),
    ("true", "true"),
    ("false", "false"),
    ("array", "[]"),
    ("map", "{}"),
];

fn mutations(object: &Value) -> Vec<Mutation> {
    let fields = object.as_object().unwrap();
    let mut all = Vec::new();
    for (field, original) in fields {
        let mut mutate = |what, text: String, written| {
            all.push(Mutation { field: field.clone(), what, text, written });
        };
        let without: Map<_, _> =
            fields.clone().into_iter().filter(|(key, _)| key != field).collect();
        let without = Value::Object(without);
        mutate("removed", without.to_string(), Some(without.clone()));
        for (what, text) in VALUES {
            let mut changed = object.clone();
            changed[field] = serde_json::from_str(text).unwrap();
            if changed[field] != *original {
                mutate(what, with(&without, field, text), Some(changed));
            }
        }
        let twice = with(object, field, &original.to_string());
        mutate("twice", twice, Some(object.clone()));
        mutate("beyond any type", with(&without, field, "1e999"), None);
    }
    for (what, text) in VALUES {
        let mut more = object.clone();
        more["brand_new"] = serde_json::from_str(text).unwrap();
        all.push(Mutation {
            field: String::from("brand_new"),
            what,
            text: with(object, "brand_new", text),
            written: Some(more),
        });
    }
    all
}

/// The object with one more field in front.
fn with(object: &Value, field: &str, text: &str) -> String {
    object.to_string().replacen('{', &format!("{{{field:?}:{text},"), 1)
}

fn unpaid() -> Value {
    let mut charge: Value = serde_json::from_str(&charge()).unwrap();
    charge["reversed"] = json!(false);
    charge["metadata"] = json!({ "merchant": "own", "n": [1, null] });
    charge
}

fn refund() -> Value {
    json!({
        "id": "re_1", "object": "refund", "order_no": "1", "amount": 9, "created": 1,
        "succeed": false, "status": "pending", "time_succeed": null, "description": "d",
        "failure_code": null, "failure_msg": null, "metadata": { "tag": "1" }, "charge": ID,
        "charge_order_no": "20261123001", "transaction_no": null, "app": "app_1",
        "currency": "cny", "funding_source": null, "extra": {}
    })
}

fn event() -> Value {
    json!({
        "id": "evt_1", "object": "event", "created": 1, "livemode": false, "type": "charge.succeeded",
        "data": { "object": unpaid() }, "pending_webhooks": 0, "request": "iar_1",
        "scope": "app_1", "acct_id": "acct_1"
    })
}

fn list(item: &Value) -> Value {
    json!({ "object": "list", "url": "/v1/charges", "has_more": false, "data": [item] })
}

/// Tries all mutations of an object; which fields fail, and how many mutations of how many.
async fn survey<F>(object: &Value, call: impl Fn(String) -> F) -> (BTreeSet<String>, usize, usize)
where
    F: Future<Output = Option<Value>>,
{
    let (mut failing, mut failed) = (BTreeSet::new(), 0);
    let all = mutations(object);
    for Mutation { field, what, text, written } in &all {
        match call(text.clone()).await {
            None => {
                failed += 1;
                failing.insert(field.clone());
            }
            Some(read) => {
                if let Some(written) = written {
                    assert_eq!(&read, written, "{field} {what}");
                }
            }
        }
    }
    (failing, failed, all.len())
}

fn fields(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A server that answers with what it is given, and a client that asks once.
#[derive(Clone)]
struct Stage {
    body: Arc<Mutex<String>>,
    server: Arc<Server>,
    client: Client,
}

impl Stage {
    async fn start() -> Self {
        let body = Arc::<Mutex<String>>::default();
        let answered = Arc::clone(&body);
        let act = move |_: &Received| Act::Write(answer(200, &answered.lock().unwrap()));
        let server = Server::start(act).await;
        // One attempt: what is asked again would hide nothing, but cost time.
        let client = Client::builder(API_KEY)
            .unsigned()
            .app("app_test000000000001")
            .retry(RetryPolicy::none())
            .base_url(server.url())
            .no_proxy()
            .build()
            .unwrap();
        Self { body, server: Arc::new(server), client }
    }

    fn answers(&self, text: String) -> &Client {
        *self.body.lock().unwrap() = text;
        &self.client
    }
}

/// Reads it as an answer over a real socket, and writes it.
async fn retrieved(stage: Stage, text: String, path: &'static str) -> Option<Value> {
    let client = stage.answers(text);
    let written = match path {
        "charge" => client.charges().retrieve(ID).await.map(serde_json::to_value),
        "refund" => client.refunds(ID).retrieve("re_1").await.map(serde_json::to_value),
        "reverse" => client.charges().reverse(ID).await.map(|charge| {
            assert_eq!(charge.reversed, Some(true), "called reversed, but is not");
            serde_json::to_value(charge)
        }),
        _ => client.events().retrieve("evt_1").await.map(serde_json::to_value),
    };
    assert!(stage.server.request_count() > 0);
    written.ok().map(Result::unwrap)
}

#[tokio::test]
async fn an_odd_field_of_a_charge_is_no_reason_to_doubt_a_reverse() {
    let mut reversed = unpaid();
    reversed["reversed"] = json!(true);
    let stage = Stage::start().await;
    let call = |text| retrieved(stage.clone(), text, "reverse");
    let (failing, failed, all) = survey(&reversed, call).await;
    let required = ["object", "id", "livemode", "paid", "order_no", "amount"];
    let strict = ["reversed", "amount_refunded"];
    assert_eq!(failing, fields(&[&required[..], &strict].concat()));
    println!("reverse: {failed} of {all} mutations fail, none is called reversed that is not");

    // The 15 mutations of each of the 28 fields with which the shape was designed.
    let designed = mutations(&reversed).into_iter();
    let designed: Vec<_> =
        designed.filter(|m| m.field != "brand_new" && m.what != "beyond any type").collect();
    let mut doubtful = 0;
    for mutation in &designed {
        doubtful += usize::from(call(mutation.text.clone()).await.is_none());
    }
    println!("of the {} of the design {doubtful} fail", designed.len());
    assert!(doubtful <= 115, "{doubtful}");
}

#[tokio::test]
async fn only_fields_on_which_money_hangs_make_a_charge_unreadable() {
    let stage = Stage::start().await;
    let call = |text| retrieved(stage.clone(), text, "charge");
    let (failing, failed, all) = survey(&unpaid(), call).await;
    println!("retrieve a charge: {failed} of {all} mutations fail");
    assert_eq!(
        failing,
        fields(&[
            "object",
            "id",
            "livemode",
            "paid",
            "order_no",
            "amount",
            "reversed",
            "amount_refunded"
        ])
    );
}

#[tokio::test]
async fn only_fields_on_which_money_hangs_make_a_refund_unreadable() {
    let stage = Stage::start().await;
    let call = |text| retrieved(stage.clone(), text, "refund");
    let (failing, failed, all) = survey(&refund(), call).await;
    println!("retrieve a refund: {failed} of {all} mutations fail");
    assert_eq!(
        failing,
        fields(&["object", "id", "amount", "succeed", "charge", "status", "failure_code"])
    );
}

#[tokio::test]
async fn only_the_envelope_of_an_event_must_be_as_documented() {
    let stage = Stage::start().await;
    let call = |text| retrieved(stage.clone(), text, "event");
    let (failing, failed, all) = survey(&event(), call).await;
    println!("retrieve an event: {failed} of {all} mutations fail");
    // Its id is what was asked for.
    assert_eq!(failing, fields(&["object", "livemode", "type", "data", "id"]));
}

#[tokio::test]
async fn an_odd_field_does_not_keep_a_delivery_from_being_read() {
    let key = merchant_key().public_key();
    let pem = pem::parse(include_str!("../keys/merchant.pem")).unwrap();
    let pair = ring::rsa::KeyPair::from_pkcs8(pem.contents()).unwrap();
    let signed = |body: &[u8]| {
        let mut signature = vec![0; pair.public().modulus_len()];
        let random = ring::rand::SystemRandom::new();
        let padding = &ring::signature::RSA_PKCS1_SHA256;
        pair.sign(padding, &random, body, &mut signature).unwrap();
        base64::engine::general_purpose::STANDARD.encode(signature)
    };
    let (mut failing, mut failed) = (BTreeSet::new(), 0);
    let all = mutations(&event());
    for mutation in &all {
        let body = mutation.text.as_bytes();
        let event = webhook::verify(&key, Mode::Test, &signed(body), body);
        match event {
            Ok(event) => {
                if let Some(written) = &mutation.written {
                    assert_eq!(serde_json::to_value(event).unwrap(), *written);
                }
            }
            Err(_) => {
                failed += 1;
                failing.insert(mutation.field.clone());
            }
        }
    }
    println!("verify an event: {failed} of {} mutations fail", all.len());
    assert_eq!(failing, fields(&["object", "livemode", "type", "data"]));
}

/// `previous_attributes` and whatever else stands beside the object.
#[test]
fn what_stands_beside_the_object_of_an_event_never_makes_it_unreadable() {
    for beside in ["1e999", r#""\ud83d""#, r#"{"description":"\ud83d"}"#, "7", "null", "[[]]"] {
        let text = event().to_string();
        let text = text.replacen("\"data\":{", &format!("\"data\":{{\"previous\":{beside},"), 1);
        let charge = webhook_of(&text).object::<Charge>().unwrap();
        assert_eq!(charge.id, ID, "{beside}");
    }
}

/// As an answer, which is read tolerantly; `serde_json::from_str` is the straight pass only.
fn webhook_of(text: &str) -> Event {
    let pem = pem::parse(include_str!("../keys/merchant.pem")).unwrap();
    let pair = ring::rsa::KeyPair::from_pkcs8(pem.contents()).unwrap();
    let mut signature = vec![0; pair.public().modulus_len()];
    let random = ring::rand::SystemRandom::new();
    pair.sign(&ring::signature::RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature)
        .unwrap();
    let signature = base64::engine::general_purpose::STANDARD.encode(signature);
    let key = merchant_key().public_key();
    webhook::verify(&key, Mode::Test, &signature, text.as_bytes()).unwrap()
}

#[tokio::test]
async fn an_odd_field_does_not_keep_a_list_from_being_read() {
    async fn listed(stage: Stage, text: String) -> Option<Value> {
        let mut pages = stage.answers(text.clone()).charges().list(ListCharges::default());
        let page = pages.next_page().await.ok()?.unwrap();
        // The envelope is not kept whole; its items are.
        let list: List<Charge> = serde_json::from_str(&text).or_else(|_| tolerant(&text)).ok()?;
        assert_eq!(page.items, list.data);
        Some(serde_json::to_value(list).unwrap())
    }
    fn tolerant(text: &str) -> Result<List<Charge>, ()> {
        // As an event's object, which is read like an answer.
        let event = format!(
            r#"{{"object":"event","livemode":false,"type":"x","data":{{"object":{text}}}}}"#
        );
        serde_json::from_str::<Event>(&event).unwrap().object().map_err(drop)
    }
    let stage = Stage::start().await;
    let (failing, failed, all) = survey(&list(&unpaid()), |text| listed(stage.clone(), text)).await;
    println!("list: {failed} of {all} mutations of the envelope fail");
    // Over the pooled connection of this stage an odd path is asked for once more; it asks once only.
    assert_eq!(failing, fields(&["object", "has_more", "data", "url"]));

    let in_list =
        |text: String| listed(stage.clone(), list(&json!(null)).to_string().replace("null", &text));
    let (mut failing, mut failed) = (BTreeSet::new(), 0);
    let all = mutations(&unpaid());
    for mutation in &all {
        match in_list(mutation.text.clone()).await {
            None => {
                failed += 1;
                failing.insert(mutation.field.clone());
            }
            Some(read) => {
                if let Some(written) = &mutation.written {
                    assert_eq!(read["data"][0], *written, "{}", mutation.what);
                }
            }
        }
    }
    println!("list: {failed} of {} mutations of a charge in it fail", all.len());
    assert_eq!(
        failing,
        fields(&[
            "object",
            "id",
            "livemode",
            "paid",
            "order_no",
            "amount",
            "reversed",
            "amount_refunded"
        ])
    );
}

/// Whatever a merchant writes into the metadata, a reverse is not in doubt because of it.
#[test]
fn a_merchants_metadata_never_makes_a_charge_unreadable() {
    let text = unpaid().to_string();
    let metadata = unpaid()["metadata"].to_string();
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    for odd in [
        "null",
        "[]",
        "[1]",
        "7",
        "1e999",
        "\"x\"",
        r#"{"a":1e999}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"paid":1,"id":2,"object":3}"#,
        r#"{"a":1,"a":2}"#,
        &deep,
    ] {
        assert!(read(&text.replace(&metadata, odd)).is_some(), "{odd:.30}");
    }
}

fn read(text: &str) -> Option<Charge> {
    let event =
        format!(r#"{{"object":"event","livemode":false,"type":"x","data":{{"object":{text}}}}}"#);
    serde_json::from_str::<Event>(&event).ok()?.object().ok()
}
