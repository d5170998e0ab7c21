//! Lists: pages and streams.

use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures_core::Stream;
use pingpp::sandbox::Sandbox;
use pingpp::{Charge, Error, ListCharges, Request};
use serde_json::Value;
use tokio::time::timeout;

use crate::order;
use crate::raw::{Act, Server, html, json};

async fn collect(stream: impl Stream<Item = Result<Charge, Error>>) -> Vec<Result<String, Error>> {
    let mut stream = Box::pin(stream);
    let mut items = Vec::new();
    while let Some(item) = std::future::poll_fn(|cx| Pin::as_mut(&mut stream).poll_next(cx)).await {
        items.push(item.map(|charge| charge.order_no));
    }
    items
}

async fn sandbox_with(orders: usize) -> Sandbox {
    let sandbox = Sandbox::start().await.unwrap();
    let charges = sandbox.client().charges();
    for n in 0..orders {
        charges.create(order(&n.to_string())).await.unwrap();
    }
    sandbox
}

#[tokio::test]
async fn a_stream_gives_every_charge_once_newest_first() {
    let sandbox = sandbox_with(7).await;
    let list = sandbox.client().charges().list(ListCharges::default()).limit(3);
    let items = collect(list.into_stream()).await;
    let items: Vec<_> = items.into_iter().map(Result::unwrap).collect();
    assert_eq!(items, ["6", "5", "4", "3", "2", "1", "0"]);
    assert_eq!(sandbox.requests().len(), 7 + 3);
}

#[tokio::test]
async fn a_list_can_be_walked_towards_newer_charges() {
    let sandbox = sandbox_with(7).await;
    let charges = sandbox.client().charges();
    let mut all = charges.list(ListCharges::default()).limit(100);
    let all = all.next_page().await.unwrap().unwrap().items;
    let oldest = &all.last().unwrap().id;
    let list = charges.list(ListCharges::default()).limit(2).before(oldest);
    let items = collect(list.into_stream()).await;
    let items: Vec<_> = items.into_iter().map(Result::unwrap).collect();
    assert_eq!(items, ["1", "2", "3", "4", "5", "6"]);
}

#[tokio::test]
async fn pages_follow_each_other_and_end() {
    let sandbox = sandbox_with(4).await;
    let mut pages = sandbox.client().charges().list(ListCharges::default()).limit(2);
    let mut sizes = Vec::new();
    while let Some(page) = pages.next_page().await.unwrap() {
        sizes.push((page.items.len(), page.has_more));
    }
    assert_eq!(sizes, [(2, true), (2, false)]);
    assert!(pages.next_page().await.unwrap().is_none());
}

#[tokio::test]
async fn after_an_error_the_same_page_is_asked_for_again() {
    let list = |id: &str, more: bool| {
        let charge = crate::charge().replace(crate::ID, id);
        json(200, &format!(r#"{{"object":"list","has_more":{more},"data":[{charge}]}}"#))
    };
    let server = Server::start(move |request| match request.number {
        0 => Act::Write(list("ch_1", true)),
        // Twice, since the first one came over a pooled connection.
        1 | 2 => Act::Write(html(404)),
        _ => Act::Write(list("ch_2", false)),
    })
    .await;
    let mut pages = server.client().charges().list(ListCharges::default());
    assert_eq!(pages.next_page().await.unwrap().unwrap().items[0].id, "ch_1");
    assert!(pages.next_page().await.is_err());
    assert_eq!(pages.next_page().await.unwrap().unwrap().items[0].id, "ch_2");
    let requests = server.requests();
    assert!(requests[1].target.ends_with("starting_after=ch_1"));
    assert_eq!(requests[1].target, requests[3].target);
}

#[tokio::test]
async fn a_list_that_does_not_move_ends_in_an_error() {
    let charge = crate::charge();
    let same = json(200, &format!(r#"{{"object":"list","has_more":true,"data":[{charge}]}}"#));
    for (answer, before_error) in
        [(same, 1), (json(200, r#"{"object":"list","has_more":true,"data":[]}"#), 0)]
    {
        let server = Server::always(Act::Write(answer)).await;
        let list = server.client().charges().list(ListCharges::default());
        let mut items = collect(list.into_stream()).await;
        assert!(items.pop().unwrap().is_err());
        assert_eq!(items.len(), before_error);
        assert!(items.iter().all(Result::is_ok));
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_asked_for_is_refused_unsent() {
    let sandbox = sandbox_with(0).await;
    let list = || sandbox.client().charges().list(ListCharges::default());
    for (mut list, advice) in [
        (list().limit(0), "1 to 100"),
        (list().limit(101), "1 to 100"),
        (list().after("a").before("b"), "only once"),
        (list().after("a").after("b"), "only once"),
    ] {
        let error = list.next_page().await.unwrap_err();
        assert!(error.to_string().contains(advice), "{error}");
    }
    let no_app = sandbox_without_app(&sandbox);
    let error = no_app.charges().list(ListCharges::default()).next_page().await.unwrap_err();
    assert!(error.to_string().contains("no app"), "{error}");
    assert!(no_app.charges().create(order("1")).await.is_err());
    assert_eq!(sandbox.connections(), 0);
}

fn sandbox_without_app(sandbox: &Sandbox) -> pingpp::Client {
    pingpp::Client::builder("sk_test_1").unsigned().base_url(sandbox.base_url()).build().unwrap()
}

#[tokio::test]
async fn items_come_one_by_one_and_none_is_lost_between_items_and_pages() {
    let sandbox = sandbox_with(5).await;
    let mut list = sandbox.client().charges().list(ListCharges::default()).limit(3);
    let mut seen = Vec::new();
    seen.push(list.next().await.unwrap().unwrap().order_no);
    let rest = list.next_page().await.unwrap().unwrap();
    assert!(rest.has_more);
    seen.extend(rest.items.into_iter().map(|charge| charge.order_no));
    while let Some(charge) = list.next().await.unwrap() {
        seen.push(charge.order_no);
    }
    assert_eq!(seen, ["4", "3", "2", "1", "0"]);
    assert!(list.next().await.unwrap().is_none() && list.next_page().await.unwrap().is_none());
}

#[tokio::test]
async fn a_page_keeps_what_came_beside_its_items() {
    let body = r#"{"object":"list","has_more":false,"data":[],"url":"/v1/charges","total":7}"#;
    let server = Server::always(Act::Write(json(200, body))).await;
    let mut list = server.client().charges().list(ListCharges::default());
    assert_eq!(list.next_page().await.unwrap().unwrap().other()["total"], 7);
}

/// Polls once, which takes a permit, and drops.
async fn dropped<F: Future>(future: F) {
    let mut future = Box::pin(future);
    let pending = std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending()));
    assert!(pending.await);
}

#[tokio::test]
async fn a_list_that_is_not_waited_for_any_more_holds_no_permit() {
    let page = format!(r#"{{"object":"list","has_more":false,"data":[{}]}}"#, crate::charge());
    let server = Server::start(move |request| {
        let is_list = request.target.starts_with("/v1/charges?");
        Act::Write(json(200, if is_list { &page } else { "{}" }))
    })
    .await;
    let client = server.builder().max_in_flight(1).build().unwrap();
    let list = || client.charges().list(ListCharges::default());
    let (mut items, mut pages) = (list(), list());
    dropped(items.next()).await;
    dropped(pages.next_page()).await;
    let other = client.call::<Value>(Request::get("/v1/any", &[]));
    timeout(Duration::from_secs(10), other).await.expect("there is a permit").unwrap();
    // Both lists are still good.
    assert!(items.next().await.unwrap().is_some());
    assert_eq!(pages.next_page().await.unwrap().unwrap().items.len(), 1);
}
