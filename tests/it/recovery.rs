//! Refunds, and finding out what became of a call.

use pingpp::{Amount, Charge, CreateRefund, Outcome, Recovered, Refund, RefundState, RetryPolicy};
use serde_json::{Value, json};

use crate::raw::{Act, Received, Server, html, json as answer};
use crate::{ID, charge, order};

fn refund(id: &str, created: i64, amount: i64, tag: &str) -> Value {
    json!({
        "id": id, "object": "refund", "order_no": "1", "amount": amount, "created": created,
        "succeed": false, "status": "pending", "description": "cup", "metadata": { "tag": tag },
        "charge": ID
    })
}

fn list(items: &[Value]) -> Vec<u8> {
    answer(200, &json!({ "object": "list", "has_more": false, "data": items }).to_string())
}

fn params(tag: &str) -> CreateRefund {
    CreateRefund::builder()
        .amount(Amount::from_fen(30))
        .description("cup")
        .metadata([("tag", tag)])
        .build()
}

fn sent_at(request: &Received) -> i64 {
    request.header("pingplusplus-request-timestamp").unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_refund_goes_out_as_documented_and_ok_does_not_mean_done() {
    let server =
        Server::always(Act::Write(answer(200, &refund("re_1", 1, 30, "a").to_string()))).await;
    let refund: Refund = server.client().refunds(ID).create(params("a")).await.unwrap();
    assert_eq!(refund.state(), RefundState::Pending);
    let request = &server.requests()[0];
    assert_eq!(request.target, format!("/v1/charges/{ID}/refunds"));
    let body: Value = serde_json::from_str(request.text()).unwrap();
    assert_eq!(body, json!({ "amount": 30, "description": "cup", "metadata": { "tag": "a" } }));
}

#[tokio::test]
async fn a_lost_refund_is_found_by_its_tag_and_never_sent_again() {
    for (others, tags, found) in [
        (vec![], vec!["a"], "one"),
        (vec!["b", "c"], vec!["a"], "one"),
        (vec!["b"], vec![], "none"),
        (vec![], vec!["a", "a"], "several"),
    ] {
        let server = Server::start(move |request| match request.method.as_str() {
            "POST" => Act::Write(html(502)),
            _ => {
                let now = sent_at(request);
                let old = refund("re_old", now - 3_600, 30, "a");
                let tags = others.iter().chain(&tags);
                let mut items: Vec<_> =
                    tags.map(|tag| refund(&format!("re_{tag}"), now, 30, tag)).collect();
                items.push(refund("re_more", now, 31, "a"));
                items.push(old);
                Act::Write(list(&items))
            }
        })
        .await;
        let client = server.client();
        let error = client.refunds(ID).create(params("a")).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::Unknown);
        let recovered = client.recover::<Refund>(&error).await.unwrap();
        match (found, &recovered) {
            ("one", Recovered::Found(refund)) => assert_eq!(refund.id, "re_a"),
            ("none", Recovered::NotFound) => {}
            ("several", Recovered::Candidates(refunds)) => assert_eq!(refunds.len(), 2),
            _ => panic!("{found}: {recovered:?}"),
        }
        let posts = server.requests().iter().filter(|request| request.method == "POST").count();
        assert_eq!(posts, 1);
    }
}

/// Two equal refunds in a row, and the first is taken for the second: one of them is never made.
#[tokio::test]
async fn a_refund_without_a_tag_is_never_taken_for_the_lost_one() {
    let server = Server::start(move |request| match request.method.as_str() {
        "POST" => Act::Write(html(502)),
        _ => {
            let mut first = refund("re_1", sent_at(request), 30, "a");
            first["metadata"] = json!({});
            Act::Write(list(&[first]))
        }
    })
    .await;
    let untagged = CreateRefund::builder().amount(Amount::from_fen(30)).description("cup").build();
    let error = server.client().refunds(ID).create(untagged).await.unwrap_err();
    let recovered = server.client().recover::<Refund>(&error).await.unwrap();
    assert!(matches!(recovered, Recovered::Candidates(found) if found.len() == 1));
}

#[tokio::test]
async fn a_lost_create_is_found_by_its_order_number() {
    for there in [true, false] {
        let server = Server::start(move |request| match request.method.as_str() {
            "POST" => Act::Write(html(502)),
            _ => {
                let mut other: Value = serde_json::from_str(&charge()).unwrap();
                other["order_no"] = "20261123002".into();
                other["id"] = "ch_2".into();
                let this = serde_json::from_str(&charge()).unwrap();
                let charges = [other, this];
                Act::Write(list(&charges[..if there { 2 } else { 0 }]))
            }
        })
        .await;
        let client = server.builder().retry(RetryPolicy::none()).build().unwrap();
        let error = client.charges().create(order("20261123001")).await.unwrap_err();
        let recovered = client.recover::<Charge>(&error).await.unwrap();
        match recovered {
            Recovered::Found(charge) if there => assert_eq!(charge.id, ID),
            Recovered::NotFound if !there => {}
            other => panic!("{other:?}"),
        }
        let requests = server.requests();
        let created = format!("created%5Bgte%5D={}", sent_at(&requests[0]) - 120);
        assert!(requests[1].target.contains(&created), "{}", requests[1].target);
    }
}

#[tokio::test]
async fn a_lost_reverse_is_settled_by_a_look() {
    let server = Server::start(|request| match request.method.as_str() {
        "POST" => Act::WriteAndClose(Vec::new()),
        _ => Act::Write(answer(200, &charge())),
    })
    .await;
    let client = server.builder().retry(RetryPolicy::none()).build().unwrap();
    let error = client.charges().reverse(ID).await.unwrap_err();
    let recovered = client.recover::<Charge>(&error).await.unwrap();
    let Recovered::Found(charge) = recovered else { panic!() };
    assert_eq!(charge.reversed, Some(true));
}

#[tokio::test]
async fn what_is_known_is_not_looked_up() {
    let body = r#"{"error":{"type":"invalid_request_error","message":"m"}}"#;
    let server = Server::always(Act::Write(answer(404, body))).await;
    let client = server.client();
    let error = client.charges().reverse(ID).await.unwrap_err();
    let refused = client.recover::<Charge>(&error).await.unwrap_err();
    assert!(refused.to_string().contains("is known"), "{refused}");
    assert_eq!(server.request_count(), 1);
}
