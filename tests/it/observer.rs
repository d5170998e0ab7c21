//! What `ClientBuilder::observe` is told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pingpp::{AttemptInfo, CreateRefund, Ended, Outcome, RetryPolicy};

use crate::raw::{Act, Server, html, json};
use crate::{ID, charge};

/// What was told, but for the time.
type Told = (Ended, String, usize, Option<u16>, Option<Outcome>);

fn told(info: &AttemptInfo<'_>) -> Told {
    let operation = format!("{} {}", info.method, info.route);
    (info.ended, operation, info.attempts, info.status, info.failed)
}

#[tokio::test]
async fn each_attempt_and_each_call_is_told_once_with_its_outcome() {
    let server = Server::start(|request| match request.number {
        0 => Act::Write(html(502)),
        1 => Act::Late(Duration::from_millis(50), json(200, &charge())),
        2 => Act::Write(json(200, "{")),
        3 => Act::Write(json(400, r#"{"error":{"type":"invalid_request_error"}}"#)),
        _ => Act::WriteAndStall(Vec::new()),
    })
    .await;
    let all = Arc::<Mutex<Vec<(Told, AttemptTimes)>>>::default();
    let kept = Arc::clone(&all);
    let observe = move |info: &AttemptInfo<'_>| {
        kept.lock().unwrap().push((told(info), times(info)));
    };
    let client = server.builder().observe(observe).max_in_flight(7).build().unwrap();
    let charges = client.charges();
    charges.reverse(ID).await.unwrap();
    charges.retrieve(ID).retry(RetryPolicy::none()).await.unwrap_err();
    let refund = || client.refunds(ID).create(CreateRefund::builder().description("d"));
    refund().await.unwrap_err();
    assert!(tokio::time::timeout(Duration::from_millis(500), refund()).await.is_err());
    charges.retrieve(ID).api_key("no key").await.unwrap_err();

    let (attempt, call) = (Ended::Attempt, Ended::Call);
    let reverse = || "POST /v1/charges/{id}/reverse".to_owned();
    let retrieve = || "GET /v1/charges/{id}".to_owned();
    let refund = || "POST /v1/charges/{charge}/refunds".to_owned();
    let all = all.lock().unwrap();
    let told: Vec<_> = all.iter().map(|(told, _)| told.clone()).collect();
    let expected = [
        (attempt, reverse(), 1, Some(502), Some(Outcome::Unknown)),
        (attempt, reverse(), 2, Some(200), None),
        (call, reverse(), 2, Some(200), None),
        // It cannot be read.
        (attempt, retrieve(), 1, Some(200), Some(Outcome::Unknown)),
        (call, retrieve(), 1, Some(200), Some(Outcome::Unknown)),
        (attempt, refund(), 1, Some(400), Some(Outcome::Rejected)),
        (call, refund(), 1, Some(400), Some(Outcome::Rejected)),
        // Dropped.
        (call, refund(), 1, None, Some(Outcome::Unknown)),
    ];
    assert_eq!(told, expected);

    let answer = Duration::from_millis(50);
    let (_, second) = &all[1];
    assert!(second.answer >= answer && second.took >= answer, "{second:?}");
    let (_, whole) = &all[2];
    assert!(whole.answer >= second.answer && whole.took > whole.answer, "{whole:?}");
    assert!(all.iter().all(|(_, times)| times.permits == 7));
    assert_eq!((all[0].1.retries_left, all[1].1.retries_left), (10, 9));
}

#[derive(Debug)]
struct AttemptTimes {
    took: Duration,
    answer: Duration,
    permits: usize,
    retries_left: u32,
}

fn times(info: &AttemptInfo<'_>) -> AttemptTimes {
    let spent = info.durations;
    let sum = spent.permit + spent.signature + spent.connection + spent.answer;
    assert!(sum <= info.took, "{info:?}");
    let AttemptInfo { took, permits, retries_left, .. } = *info;
    AttemptTimes { took, answer: spent.answer, permits, retries_left }
}

#[tokio::test]
async fn an_observer_that_panics_hurts_no_call() {
    let server = Server::start(|request| match request.number {
        0 => Act::Write(html(502)),
        _ => Act::Write(json(200, &charge())),
    })
    .await;
    let client = server.builder().observe(|_| panic!("the observer's own fault")).build().unwrap();
    for _ in 0..3 {
        client.charges().reverse(ID).await.unwrap();
    }
    assert_eq!(server.request_count(), 4);
}
