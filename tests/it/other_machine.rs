//! What was lost is found again although clocks are wrong, are set, or belong to two machines.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use pingpp::simulation::{Simulated, Stream};
use pingpp::{Charge, Client, CreateRefund, Recovered, Recovery, Refund, RetryPolicy, Settled};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::raw::{Act, Received, Server, html, json as answer, with_headers};
use crate::{ID, charge, order};

const HOUR: u64 = 3_600;

/// A machine whose clock is ahead by so many seconds.
fn machine(server: &Server, ahead: &Arc<AtomicU64>) -> Client {
    let ahead = Arc::clone(ahead);
    let system = Simulated {
        connect: Arc::new(|address| {
            Box::pin(
                async move { Ok(Box::new(TcpStream::connect(address).await?) as Box<dyn Stream>) },
            )
        }),
        look_up: Arc::new(|_| Box::pin(std::future::pending())),
        now: Arc::new(move || SystemTime::now() + Duration::from_secs(ahead.load(Relaxed))),
        sign: None,
    };
    server.builder().retry(RetryPolicy::none()).simulated(system).build().unwrap()
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

/// Loses writes, and lists what they made, by the filter of the list.
async fn loses_writes() -> Server {
    Server::start(|request: &Received| {
        let list = |item: Value| {
            let target = percent_encoding::percent_decode_str(&request.target);
            let target = target.decode_utf8().unwrap().into_owned();
            let bound = |name: &str, missing| {
                let found = target.split(&format!("created[{name}]=")).nth(1);
                found.map_or(missing, |rest| rest.split('&').next().unwrap().parse().unwrap())
            };
            let window = bound("gte", 0)..bound("lt", u64::MAX);
            let is_there = window.contains(&item["created"].as_u64().unwrap());
            let data: Vec<_> = Some(item).filter(|_| is_there).into_iter().collect();
            let body = json!({ "object": "list", "has_more": false, "data": data });
            Act::Write(answer(200, &body.to_string()))
        };
        let mut this: Value = serde_json::from_str(&charge()).unwrap();
        this["created"] = now().into();
        match (request.method.as_str(), request.target.contains("/refunds")) {
            ("POST", _) => Act::Write(html(502)),
            (_, true) => list(json!({
                "id": "re_1", "object": "refund", "amount": 1, "created": now(), "succeed": true,
                "status": "succeeded", "charge": ID, "metadata": { "tag": "1" }
            })),
            (_, false) if request.target.contains('?') => list(this),
            _ => Act::Write(answer(200, &this.to_string())),
        }
    })
    .await
}

/// Found by the simulation, seed 213: the time of the lost call, by the clock of the machine that made
/// it, was corrected by what another machine knew about its own clock.
#[tokio::test]
async fn a_call_that_was_lost_by_a_machine_with_a_wrong_clock_is_found_by_another_one() {
    let server = loses_writes().await;
    let wrong = machine(&server, &Arc::new(AtomicU64::new(HOUR)));
    let error = wrong.charges().create(order("20261123001")).await.unwrap_err();
    let row = serde_json::to_string(error.recovery().unwrap()).unwrap();

    let right = machine(&server, &Arc::default());
    right.charges().retrieve(ID).await.unwrap();
    assert!(right.clock_skew().is_some());
    let kept: Recovery = serde_json::from_str(&row).unwrap();
    let recovered = right.recover::<Charge>(&kept).await.unwrap();
    assert!(matches!(recovered, Recovered::Found(_)), "{recovered:?}");
}

/// Found by the simulation, seed 73: the clock was set since the last answer, but the time of the lost
/// call was still corrected by how far it had been off before.
#[tokio::test]
async fn a_call_that_was_lost_after_the_clock_was_set_is_found() {
    let server = loses_writes().await;
    let ahead = Arc::new(AtomicU64::new(HOUR));
    let client = machine(&server, &ahead);
    client.charges().retrieve(ID).await.unwrap();
    assert!(client.clock_skew().unwrap().by > Duration::from_secs(HOUR - 60));
    ahead.store(0, Relaxed);
    assert_eq!(client.clock_skew(), None, "what was measured is not true any more");

    let refund = CreateRefund::builder().description("cup").metadata([("tag", "1")]);
    let error = client.refunds(ID).create(refund).await.unwrap_err();
    let recovered = client.recover::<Refund>(&error).await.unwrap();
    assert!(matches!(recovered, Recovered::Found(_)), "{recovered:?}");
}

/// The same if the clock is set between the call and the look-up.
#[tokio::test]
async fn a_call_that_was_lost_before_the_clock_was_set_is_found() {
    let server = loses_writes().await;
    let ahead = Arc::new(AtomicU64::new(HOUR));
    let client = machine(&server, &ahead);
    let error = client.charges().create(order("20261123001")).await.unwrap_err();
    ahead.store(0, Relaxed);
    client.charges().retrieve(ID).await.unwrap();
    let recovered = client.recover::<Charge>(&error).await.unwrap();
    assert!(matches!(recovered, Recovered::Found(_)), "{recovered:?}");
}

/// Found by the simulation: the settlement took the time from the `Date` of a gateway, so that with the
/// next good answer the ten minutes in which a lost create is searched for were over.
#[tokio::test]
async fn a_date_of_somebody_in_between_does_not_end_the_search_for_a_lost_create() {
    for status in [502, 200] {
        let server = Server::start(move |request: &Received| {
            let mut this: Value = serde_json::from_str(&charge()).unwrap();
            (this["created"], this["time_paid"]) = (now().into(), now().into());
            (this["paid"], this["reversed"]) = (true.into(), false.into());
            let list = |data: &[Value]| {
                let list = json!({ "object": "list", "has_more": false, "data": data });
                Act::Write(answer(200, &list.to_string()))
            };
            match (request.method.as_str(), request.number) {
                ("POST", _) => {
                    let date = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
                    Act::Write(with_headers(status, date, b"<html>"))
                }
                (_, 1) => list(&[]),
                _ if request.target.contains('?') => list(&[this]),
                _ => Act::Write(answer(200, &this.to_string())),
            }
        })
        .await;
        let client = server.builder().retry(RetryPolicy::none()).build().unwrap();
        let settlement = client.charges().create_and_settle(order("20261123001"));
        let settled = settlement.every(Duration::from_millis(20)).await.unwrap();
        assert!(matches!(settled, Settled::Paid(_)), "{status}: {settled}");
    }
}
