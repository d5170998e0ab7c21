//! Many calls: dying connections, and limits.

use std::time::Duration;

use pingpp::CreateRefund;
use tokio::task::JoinSet;

use crate::raw::{Act, Server, json};
use crate::{ID, charge};

/// Closes connections after 20 ms, while calls come at about that pace.
async fn impatient() -> Server {
    let plan = Server::plan(|_| {
        let refund = r#"{"id":"re_1","object":"refund","order_no":"1","amount":1,"created":1,
            "succeed":true,"description":"d","metadata":{},"charge":"ch_1"}"#;
        Act::Write(json(200, refund))
    });
    plan.idle(Duration::from_millis(20)).start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_refunds_never_meet_a_dying_connection() {
    let server = impatient().await;
    let client = server.client();
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let client = client.clone();
        tasks.spawn(async move {
            for n in 0..50 {
                let refund = CreateRefund::builder().description("d").build();
                client.refunds(ID).create(refund).await.unwrap();
                tokio::time::sleep(Duration::from_millis(18 + n % 5)).await;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(server.request_count(), 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_ten_thousand_calls_no_more_than_256_are_under_way() {
    let answer = json(200, &charge());
    let server = Server::start(move |_| Act::Late(Duration::from_millis(5), answer.clone())).await;
    let client = pingpp::Client::builder(crate::API_KEY).base_url(server.url()).build().unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..10_000 {
        tasks.spawn(client.charges().reverse(ID));
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    assert_eq!(server.request_count(), 10_000);
    assert!(server.most_under_way() <= 256, "{}", server.most_under_way());
}
