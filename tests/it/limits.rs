//! Against a plan that admits only so many requests at a time.

use std::time::Duration;

use pingpp::{Client, CreateRefund, Outcome};
use tokio::task::JoinSet;

use crate::raw::{Act, Received, Server, html, json};
use crate::{ID, charge};

const REFUSAL: &str = r#"{ "error": { "type": "api_error", "message": "too many requests" } }"#;
const ANSWER_TIME: Duration = Duration::from_millis(20);

/// Admits ten requests at a time and refuses others, at once; the 60th request meets an outage.
async fn of_ten() -> Server {
    let answer = json(200, &charge());
    Server::start(move |request| match request {
        Received { number: 59, .. } => Act::Write(html(502)),
        Received { under_way: ..10, .. } => Act::Late(ANSWER_TIME, answer.clone()),
        _ => Act::Write(json(403, REFUSAL)),
    })
    .await
}

fn unsigned(server: &Server) -> Client {
    let builder = Client::builder(crate::API_KEY).unsigned();
    builder.base_url(server.url()).no_proxy().build().unwrap()
}

/// The requests for each of 200 reverses that begin together, all of which succeed.
async fn two_hundred(server: &Server, client: &Client) -> f64 {
    let before = server.request_count();
    let mut calls = JoinSet::new();
    for _ in 0..200 {
        calls.spawn(client.charges().reverse(ID));
    }
    let failed: Vec<_> = calls.join_all().await.into_iter().filter_map(Result::err).collect();
    assert!(failed.is_empty(), "{} failed: {}", failed.len(), failed[0]);
    (server.request_count() - before) as f64 / 200.0
}

/// With a client that does not know the plan, and again when it does.
async fn cold_and_warm(client: impl FnOnce(&Server) -> Client) {
    let server = of_ten().await;
    let client = client(&server);
    let cold = two_hundred(&server, &client).await;
    let warm = two_hundred(&server, &client).await;
    println!("requests per reverse: {cold:.2} cold, {warm:.2} warm");
    assert!(cold <= 2.2 && warm <= 1.2, "{cold:.2} cold, {warm:.2} warm");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_reverses_succeed_against_a_plan_of_ten() {
    cold_and_warm(Server::client).await;
}

/// Without signatures nothing keeps them from being sent all at once.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_unsigned_reverses_succeed_against_a_plan_of_ten() {
    cold_and_warm(unsigned).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_is_always_refused_alone_throttles_nothing() {
    let answer = json(200, &charge());
    let server = Server::start(move |request| match request.target.ends_with("/reverse") {
        // Long enough for all of them to be signed.
        true => Act::Late(Duration::from_secs(1), answer.clone()),
        false => Act::Write(json(403, REFUSAL)),
    })
    .await;
    let client = server.builder().max_in_flight(50).build().unwrap();
    for _ in 0..20 {
        let refund = CreateRefund::builder().description("cup broken").build();
        let error = client.refunds(ID).create(refund).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::Rejected);
    }
    let mut calls = JoinSet::new();
    for _ in 0..50 {
        calls.spawn(client.charges().reverse(ID));
    }
    calls.join_all().await.into_iter().for_each(|result| assert!(result.is_ok()));
    assert_eq!(server.most_under_way(), 50);
}

/// What is refused costs nothing of what an outage may need.
#[tokio::test]
async fn refusals_cost_no_retry_budget() {
    let server = Server::start(|request| match request.target.ends_with("/reverse") {
        true if request.number == 26 => Act::Write(html(502)),
        true => Act::Write(json(200, &charge())),
        false if request.number % 2 == 0 => Act::Write(json(429, REFUSAL)),
        false => Act::Write(json(200, &charge())),
    })
    .await;
    // The threads that sign would not keep a paused clock from running on.
    let client = unsigned(&server);
    tokio::time::pause();
    for _ in 0..13 {
        client.charges().retrieve(ID).await.unwrap();
    }
    client.charges().reverse(ID).await.unwrap();
}
