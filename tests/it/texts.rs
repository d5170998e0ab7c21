//! Texts and values of parameters: they arrive as they were given, or the call says why not.

use percent_encoding::percent_decode_str;
use pingpp::orders::CreateOrder;
use pingpp::royalties::ListRoyalties;
use pingpp::users::UpdateUser;
use pingpp::{Amount, Error, Outcome, Request};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::order;
use crate::raw::{Act, Received, Server, json as answer};

const REFUSAL: &str = r#"{"error":{"type":"invalid_request_error","message":"no"}}"#;

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            map_of(inner).prop_map(Value::from),
        ]
    })
}

fn map_of(values: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map(".*", values, 0..4).prop_map(|map| map.into_iter().collect())
}

/// The requests that these calls send to a server that refuses all of them.
fn sent<F: Future<Output = ()>>(calls: impl FnOnce(pingpp::Client) -> F) -> Vec<Received> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = Server::always(Act::Write(answer(400, REFUSAL))).await;
        calls(server.client()).await;
        server.requests()
    })
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

/// The pairs of a query, decoded, in the order of their keys.
fn pairs(target: &str) -> Vec<(String, String)> {
    let (_, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap());
    let mut pairs: Vec<_> = pairs.map(|(key, value)| (decoded(key), decoded(value))).collect();
    pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
    pairs
}

/// As the API documents it: `a[b]` for a field of a map, `a[]` for an item of a list, no `null`.
fn written(key: &str, value: &Value, pairs: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::String(text) => pairs.push((key.to_owned(), text.clone())),
        Value::Array(items) => {
            items.iter().for_each(|item| written(&format!("{key}[]"), item, pairs))
        }
        Value::Object(map) => {
            map.iter().for_each(|(name, value)| written(&format!("{key}[{name}]"), value, pairs));
        }
        other => pairs.push((key.to_owned(), other.to_string())),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_value_of_a_parameter_arrives_as_it_was_given(
        user in ".+",
        name in ".*",
        metadata in map_of(json_value())
            .prop_filter("what metadata may have", |map| Value::from(map.clone()).to_string().len() < 1_000),
        numbers in prop::collection::vec(".*", 0..4),
    ) {
        prop_assume!(!matches!(user.as_str(), "." | ".."));
        let sent = sent(async |client| {
            let update = UpdateUser::builder().name(name.as_str()).metadata(metadata.clone());
            client.users().update(user.as_str(), update).await.unwrap_err();
            let list = ListRoyalties::builder().source_nos(numbers.clone()).source_user(&*user);
            client.royalties().list(list).next_page().await.unwrap_err();
        });
        let path: Vec<_> = sent[0].target.split('/').collect();
        prop_assert_eq!(path.len(), 6);
        prop_assert_eq!(&decoded(path[5]), &user);
        let body: Value = serde_json::from_str(sent[0].text()).unwrap();
        prop_assert_eq!(body, json!({ "name": name, "metadata": metadata }));
        let arrived = pairs(&sent[1].target);
        let of = |wanted: &str| {
            let found = arrived.iter().filter(|(key, _)| key == wanted);
            found.map(|(_, value)| value.clone()).collect::<Vec<_>>()
        };
        prop_assert_eq!(of("source_nos[]"), numbers);
        prop_assert_eq!(of("source_user"), [user]);
    }

    #[test]
    fn any_map_arrives_as_it_was_given_in_a_body_and_in_a_query(map in map_of(json_value())) {
        let sent = sent(async |client| {
            let post = Request::post("/v1/charges", &[]).json(&map);
            client.call::<Value>(post).await.unwrap_err();
            let get = Request::get("/v1/charges", &[]).query_from(&map);
            client.call::<Value>(get).await.unwrap_err();
        });
        let body: Value = serde_json::from_str(sent[0].text()).unwrap();
        prop_assert_eq!(body, Value::from(map.clone()));
        let mut expected = Vec::new();
        map.iter().for_each(|(key, value)| written(key, value, &mut expected));
        expected.sort_by(|(a, _), (b, _)| a.cmp(b));
        prop_assert_eq!(pairs(&sent[1].target), expected);
    }
}

#[tokio::test]
async fn a_text_that_is_longer_than_documented_is_refused_before_anything_is_sent() {
    let server = Server::always(Act::Write(answer(400, REFUSAL))).await;
    let client = server.client();
    let mut charge = order("20261123001");
    charge.subject = "茶".repeat(33);
    let error = client.charges().create(charge.clone()).await.unwrap_err();
    assert!(matches!(error, Error::Build(_)) && error.outcome() == Outcome::NotSent, "{error}");
    assert!(error.to_string().contains("subject has 33 characters"), "{error}");
    let order = CreateOrder::builder()
        .merchant_order_no("2".repeat(21))
        .amount(Amount::from_fen(1))
        .client_ip([192, 0, 2, 1])
        .subject("Tea")
        .body("Longjing");
    let error = client.orders().create(order).await.unwrap_err();
    assert!(error.to_string().contains("merchant_order_no has 21 characters"), "{error}");
    assert_eq!(server.connections(), 0);

    // Should Ping++ allow more one day.
    let request = Request::post("/v1/charges", &[]).json(&charge);
    let error = client.call::<Value>(request).await.unwrap_err();
    assert_eq!((error.status(), server.request_count()), (Some(400), 1));
}

#[tokio::test]
async fn a_refusal_of_a_request_with_emoji_says_that_they_are_refused() {
    let server = Server::always(Act::Write(answer(400, REFUSAL))).await;
    let charges = server.client().charges();
    for (body, is_told) in [("一壶龙井 🍵", true), ("一壶龙井 ￥", false)] {
        let mut charge = order("20261123001");
        charge.body = body.to_owned();
        let error = charges.create(charge).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::Rejected);
        assert_eq!(error.to_string().contains("U+FFFF"), is_told, "{error}");
        let sent: Value = serde_json::from_str(server.requests().pop().unwrap().text()).unwrap();
        assert_eq!(sent["body"], body);
    }
}
