//! Lists: pages and streams.

use std::pin::Pin;

use futures_core::Stream;
use pingpp::sandbox::Sandbox;
use pingpp::{Charge, Error, ListCharges};

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
    let list = ListCharges::builder().limit(3).build();
    let items = collect(sandbox.client().charges().list(list).into_stream()).await;
    let items: Vec<_> = items.into_iter().map(Result::unwrap).collect();
    assert_eq!(items, ["6", "5", "4", "3", "2", "1", "0"]);
    assert_eq!(sandbox.requests().len(), 7 + 3);
}

#[tokio::test]
async fn a_list_can_be_walked_towards_newer_charges() {
    let sandbox = sandbox_with(7).await;
    let charges = sandbox.client().charges();
    let mut all = charges.list(ListCharges::builder().limit(100).build());
    let all = all.next_page().await.unwrap().unwrap().items;
    let oldest = &all.last().unwrap().id;
    let list = ListCharges::builder().limit(2).ending_before(oldest).build();
    let items = collect(charges.list(list).into_stream()).await;
    let items: Vec<_> = items.into_iter().map(Result::unwrap).collect();
    assert_eq!(items, ["1", "2", "3", "4", "5", "6"]);
}

#[tokio::test]
async fn pages_follow_each_other_and_end() {
    let sandbox = sandbox_with(4).await;
    let mut pages = sandbox.client().charges().list(ListCharges::builder().limit(2).build());
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
        1 => Act::Write(html(404)),
        _ => Act::Write(list("ch_2", false)),
    })
    .await;
    let mut pages = server.client().charges().list(ListCharges::builder().build());
    assert_eq!(pages.next_page().await.unwrap().unwrap().items[0].id, "ch_1");
    assert!(pages.next_page().await.is_err());
    assert_eq!(pages.next_page().await.unwrap().unwrap().items[0].id, "ch_2");
    let requests = server.requests();
    assert!(requests[1].target.ends_with("starting_after=ch_1"));
    assert_eq!(requests[1].target, requests[2].target);
}

#[tokio::test]
async fn a_list_that_does_not_move_ends_in_an_error() {
    let charge = crate::charge();
    let same = json(200, &format!(r#"{{"object":"list","has_more":true,"data":[{charge}]}}"#));
    for (answer, before_error) in
        [(same, 1), (json(200, r#"{"object":"list","has_more":true,"data":[]}"#), 0)]
    {
        let server = Server::always(Act::Write(answer)).await;
        let list = server.client().charges().list(ListCharges::builder().build());
        let mut items = collect(list.into_stream()).await;
        assert!(items.pop().unwrap().is_err());
        assert_eq!(items.len(), before_error);
        assert!(items.iter().all(Result::is_ok));
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_asked_for_is_refused_unsent() {
    let sandbox = sandbox_with(0).await;
    for (list, advice) in [
        (ListCharges::builder().limit(0).build(), "1 to 100"),
        (ListCharges::builder().limit(101).build(), "1 to 100"),
        (ListCharges::builder().starting_after("a").ending_before("b").build(), "set one"),
    ] {
        let error = sandbox.client().charges().list(list).next_page().await.unwrap_err();
        assert!(error.to_string().contains(advice), "{error}");
    }
    let no_app = pingpp::Client::builder("sk_test_1").base_url(sandbox.base_url()).build().unwrap();
    let error =
        no_app.charges().list(ListCharges::builder().build()).next_page().await.unwrap_err();
    assert!(error.to_string().contains("no app"), "{error}");
    assert!(no_app.charges().create(order("1")).await.is_err());
    assert_eq!(sandbox.connections(), 0);
}
