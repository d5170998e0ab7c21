//! Refunds, and finding out what became of a call.

use std::time::Duration;

use pingpp::sandbox::{Fault, Sandbox};
use pingpp::{
    Amount, Charge, Client, CreateRefund, Outcome, Recovered, Recovery, Refund, RefundState,
    RetryPolicy, Search,
};
use serde_json::{Value, json};
use tokio::time::Instant;

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
                let mut this: Value = serde_json::from_str(&charge()).unwrap();
                this["created"] = sent_at(request).into();
                // Of another day, with the same number.
                let mut old = this.clone();
                old["created"] = (sent_at(request) - 86_000).into();
                old["id"] = "ch_old".into();
                let charges = [other, this, old];
                Act::Write(list(&charges[..if there { 3 } else { 0 }]))
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
        // The server's clock is not known yet: the gateway that failed is not Ping++.
        let created = format!("created%5Bgte%5D={}", sent_at(&requests[0]) - 86_400);
        assert!(requests[1].target.contains(&created), "{}", requests[1].target);
    }
}

/// Both clocks may be right or wrong; only the server's counts.
#[tokio::test]
async fn a_lost_create_is_found_although_this_machines_clock_is_off() {
    for ahead in [-900, 0, 900] {
        for known in [true, false] {
            let server = Server::start(move |request| {
                let now = sent_at(request) + ahead;
                let date = pingpp::Timestamp::from_unix(now).try_into().unwrap();
                let date = format!("Date: {}\r\n", httpdate::fmt_http_date(date));
                let with_date =
                    |body: &str| Act::Write(crate::raw::with_headers(200, &date, body.as_bytes()));
                let mut this: Value = serde_json::from_str(&charge()).unwrap();
                this["created"] = now.into();
                match (request.method.as_str(), request.target.contains('?')) {
                    ("POST", _) => Act::Write(html(502)),
                    (_, false) => with_date(&this.to_string()),
                    (_, true) => {
                        let target = percent_encoding::percent_decode_str(&request.target);
                        let target = target.decode_utf8().unwrap().into_owned();
                        let bound = |name: &str, missing| {
                            let found = target.split(&format!("created[{name}]=")).nth(1);
                            let found = found.map(|rest| rest.split('&').next().unwrap());
                            found.map_or(missing, |text| text.parse().unwrap())
                        };
                        let window = bound("gte", i64::MIN)..bound("lt", i64::MAX);
                        let data: Vec<_> =
                            Some(this).filter(|_| window.contains(&now)).into_iter().collect();
                        with_date(
                            &json!({ "object": "list", "has_more": false, "data": data })
                                .to_string(),
                        )
                    }
                }
            })
            .await;
            let client = server.builder().retry(RetryPolicy::none()).build().unwrap();
            if known {
                client.charges().retrieve(ID).await.unwrap();
            }
            let error = client.charges().create(order("20261123001")).await.unwrap_err();
            let recovered = client.recover::<Charge>(&error).await.unwrap();
            assert!(matches!(recovered, Recovered::Found(_)), "{ahead} {known}: {recovered:?}");
        }
    }
}

/// What is looked for stays in doubt when the look-up fails; "rejected" would mean that it can be made
/// again.
#[tokio::test]
async fn a_look_up_that_fails_does_not_answer_for_what_is_looked_for() {
    let plain = r#"{"error":{"type":"invalid_request_error","message":"m"}}"#;
    for look in [answer(401, plain), answer(404, plain), html(502), answer(200, "{}")] {
        let server = Server::start(move |request| match request.method.as_str() {
            "POST" => Act::WriteAndClose(html(502)),
            _ => Act::WriteAndClose(look.clone()),
        })
        .await;
        let client = server.builder().retry(RetryPolicy::none()).build().unwrap();
        for lost in [
            client.charges().create(order("20261123001")).await.unwrap_err(),
            client.charges().reverse(ID).await.unwrap_err(),
        ] {
            let error = client.recover::<Charge>(&lost).await.unwrap_err();
            assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
            assert_eq!(format!("{:?}", error.recovery()), format!("{:?}", lost.recovery()));
        }
    }
}

#[tokio::test]
async fn another_object_is_not_taken_for_the_one_that_is_looked_for() {
    let server = Server::start(|request| match request.method.as_str() {
        "POST" => Act::WriteAndClose(Vec::new()),
        _ => Act::WriteAndClose(answer(200, &charge().replace(ID, "ch_other"))),
    })
    .await;
    let client = server.builder().retry(RetryPolicy::none()).build().unwrap();
    let lost = client.charges().reverse(ID).await.unwrap_err();
    assert!(client.recover::<Charge>(&lost).await.is_err());

    // Contradictory, or of live money.
    let item = charge().replacen("\"paid\":false", "\"paid\":true,\"paid\":false", 1);
    let live = charge().replace("\"livemode\":false", "\"livemode\":true");
    for item in [item, live] {
        let list = format!(r#"{{"object":"list","has_more":false,"data":[{item}]}}"#);
        let server = Server::start(move |request| match request.method.as_str() {
            "POST" => Act::WriteAndClose(Vec::new()),
            _ => Act::WriteAndClose(answer(200, &list)),
        })
        .await;
        let client = server.builder().retry(RetryPolicy::none()).build().unwrap();
        let search = Search::list("/v1/charges", &[]).field("order_no", "20261123001");
        let found = client.recover::<Charge>(&Recovery::Find(search)).await;
        assert!(found.is_err(), "{found:?}");
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

/// What became of a call is looked up by another process, of what the first one wrote down.
#[tokio::test]
async fn a_recovery_outlives_the_process() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = sandbox.builder().retry(RetryPolicy::none()).build().unwrap();
    sandbox.fail_next(Fault::close().after_acting().on("POST", "/v1/charges"));
    let error = client.charges().create(order("20261123001")).await.unwrap_err();
    let recovery = error.recovery().unwrap();
    let row = serde_json::to_string(recovery).unwrap();
    assert!(!row.contains(sandbox.api_key()), "{row}");
    let kept: Recovery = serde_json::from_str(&row).unwrap();
    assert_eq!(&kept, recovery);
    drop(client);

    let client = sandbox.client();
    let Recovered::Found(charge) = client.recover::<Charge>(&kept).await.unwrap() else { panic!() };
    assert_eq!(charge.order_no, "20261123001");
    // By hand, of what the merchant's own books say.
    let look = Recovery::retrieve("/v1/charges/{id}", &[charge.id.as_str()]);
    assert_eq!(client.recover::<Charge>(look).await.unwrap(), Recovered::Found(charge.clone()));
    let search = Search::list("/v1/charges", &[]).query(json!({ "app": { "id": sandbox.app() } }));
    for (search, found) in [
        (search.clone().field("order_no", "20261123001"), true),
        (search.clone().field("order_no", "20261123002"), false),
        (
            search
                .clone()
                .field("order_no", "20261123001")
                .by_time()
                .since(charge.created.unwrap()),
            true,
        ),
    ] {
        let recovered = client.recover::<Charge>(&Recovery::Find(search)).await.unwrap();
        assert_eq!(matches!(recovered, Recovered::Found(_)), found, "{recovered:?}");
    }
    let many = search.field("amount", 100).not_unique();
    let recovered = client.recover::<Charge>(Recovery::Find(many)).await.unwrap();
    assert!(matches!(recovered, Recovered::Candidates(all) if all.len() == 1));
    // A route that was changed on the way is no way to another host or another API.
    for route in ["https://evil.example/v1/x", "/admin", "/v1/../x"] {
        let error = client.recover::<Charge>(Recovery::retrieve(route, &[])).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::NotSent, "{route}");
    }
}

#[tokio::test]
async fn a_search_ends_although_the_list_does_not() {
    let server = Server::start(|request| {
        Act::Write(answer(
            200,
            &json!({
                "object": "list", "has_more": true,
                "data": [refund(&format!("re_{}", request.number), sent_at(request), 1, "b")]
            })
            .to_string(),
        ))
    })
    .await;
    let client = server.client();
    let error = client.refunds(ID).find("a").await.unwrap_err();
    assert!(error.to_string().contains("too long"), "{error}");
    assert_eq!(server.request_count(), 50);
}

/// Each page begins behind the last item of the one before.
#[tokio::test]
async fn a_search_goes_through_all_pages_and_ends_where_they_do_not_move_on() {
    let page = |number: usize, sent: i64| match number {
        0 => (true, json!([refund("re_1", sent, 1, "b")])),
        1 => (true, json!([refund("re_2", sent, 1, "b")])),
        _ => (false, json!([refund("re_3", sent, 1, "a")])),
    };
    let server = Server::start(move |request| {
        let behind = request.target.split("starting_after=re_").nth(1);
        let number = behind.map_or(0, |id| id.split('&').next().unwrap().parse().unwrap());
        let (has_more, data) = page(number, sent_at(request));
        let list = json!({ "object": "list", "has_more": has_more, "data": data });
        Act::Write(answer(200, &list.to_string()))
    })
    .await;
    let found = server.client().refunds(ID).find("a").await.unwrap();
    assert!(matches!(&found, Recovered::Found(refund) if refund.id == "re_3"), "{found:?}");
    assert_eq!(server.request_count(), 3);

    let item = refund("re_1", 1, 1, "b");
    let mut nameless = item.clone();
    nameless.as_object_mut().unwrap().remove("id");
    for (item, requests) in [(item, 2), (nameless, 1)] {
        let list = json!({ "object": "list", "has_more": true, "data": [item] }).to_string();
        let server = Server::always(Act::Write(answer(200, &list))).await;
        let error = server.client().refunds(ID).find("a").await.unwrap_err();
        assert!(error.to_string().contains("does not move on"), "{error}");
        assert_eq!(server.request_count(), requests);
    }
}

async fn paid() -> (Sandbox, Client, Charge) {
    let sandbox = Sandbox::start().await.unwrap();
    let client = sandbox.client();
    let charge = client.charges().create(order("20261123001")).await.unwrap();
    assert!(sandbox.pay(&charge.id));
    (sandbox, client, charge)
}

fn sends(sandbox: &Sandbox) -> usize {
    let is_send = |r: &&pingpp::sandbox::ReceivedRequest| {
        r.method == "POST" && r.target.ends_with("/refunds")
    };
    sandbox.requests().iter().filter(is_send).count()
}

fn part() -> CreateRefund {
    CreateRefund::builder().amount(Amount::from_fen(30)).description("cup").build()
}

#[tokio::test(start_paused = true)]
async fn a_refund_with_a_tag_is_sent_once_however_often_it_is_asked_for() {
    let (sandbox, client, charge) = paid().await;
    let refunds = client.refunds(&charge.id);
    assert_eq!(refunds.find("a").await.unwrap(), Recovered::NotFound);
    let other = CreateRefund::builder().amount(Amount::from_fen(1)).description("spoon");
    refunds.create_once("b", other.metadata([("shop", "7")])).await.unwrap();
    let first = refunds.create_once("a", part()).await.unwrap();
    assert_eq!(first.metadata["tag"], "a");
    for _ in 0..3 {
        assert_eq!(refunds.create_once("a", part()).await.unwrap().id, first.id);
    }
    assert_eq!(sends(&sandbox), 2);
    let found = refunds.find("b").await.unwrap();
    let Recovered::Found(spoon) = found else { panic!("{found:?}") };
    assert_eq!((spoon.amount.as_fen(), &spoon.metadata["shop"]), (1, &json!("7")));
    // A tag belongs to one refund.
    let mut more = part();
    more.amount = Some(Amount::from_fen(31));
    for (tag, params) in [("a", more), ("", part())] {
        let error = refunds.create_once(tag, params).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::NotSent, "{error}");
    }
    assert_eq!(sends(&sandbox), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refund_whose_answer_is_lost_is_looked_for_until_it_is_there() {
    let (sandbox, client, charge) = paid().await;
    sandbox.fail_next(Fault::close().after_acting().on("POST", "/v1/charges/*/refunds"));
    // The list is not to be had for a while, after the first look at it.
    let refunds = client.refunds(&charge.id);
    let (refund, ()) = tokio::join!(refunds.create_once("a", part()), async {
        tokio::time::sleep(Duration::from_millis(900)).await;
        sandbox.fail(Fault::bad_gateway().on("GET", "/v1/charges/*/refunds"), 1.0);
        tokio::time::sleep(Duration::from_secs(100)).await;
        sandbox.heal();
    });
    assert_eq!(refund.unwrap().amount.as_fen(), 30);
    assert_eq!(sends(&sandbox), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refund_that_never_arrived_stays_in_doubt_and_is_not_sent_again() {
    let (sandbox, client, charge) = paid().await;
    sandbox.fail_next(Fault::close().on("POST", "/v1/charges/*/refunds"));
    let refunds = client.refunds(&charge.id);
    let begin = Instant::now();
    let error = refunds.create_once("a", part()).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert!((300..330).contains(&begin.elapsed().as_secs()));
    assert_eq!(sends(&sandbox), 1);
    // Minutes later the owner asks again.
    assert!(refunds.create_once("a", part()).await.is_ok());
    // What cannot be looked for is not sent.
    sandbox.fail(Fault::bad_gateway().on("GET", "/v1/charges/*/refunds"), 1.0);
    let error = refunds.create_once("c", part()).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotSent, "{error}");
    assert!(error.to_string().contains("could not be listed"), "{error}");
    assert_eq!(sends(&sandbox), 2);
}
