//! Calls that are dropped at every point at which they wait.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use pingpp::{Call, CreateRefund, Error, Outcome};

use crate::ledger::{Ledger, Op, done};
use crate::raw::{Act, Server, html, json};
use crate::{ID, charge};

/// Polls this often at the most, then drops; whether it was done before.
async fn dropped_after<F: Future + Unpin>(polls: usize, mut call: F) -> bool {
    let mut polled = 0;
    poll_fn(|cx| {
        if polled == polls {
            return Poll::Ready(false);
        }
        polled += 1;
        Pin::new(&mut call).poll(cx).map(|_| true)
    })
    .await
}

/// Drops a call after 0, 1, 2, ... polls, each with a client and an order of its own, until it is
/// done; how many were dropped. The first answer to each order is `first`, unless that is `None`.
async fn dropped_everywhere(op: Op, first: Option<Act>) -> usize {
    let ledger = Arc::<Mutex<Ledger>>::default();
    let book = Arc::clone(&ledger);
    let last = Mutex::new(String::new());
    let server = Server::start(move |request| {
        book.lock().unwrap().enter(request);
        let asked = format!("{} {}", request.target, String::from_utf8_lossy(&request.body));
        let new = std::mem::replace(&mut *last.lock().unwrap(), asked.clone()) != asked;
        match &first {
            Some(act) if new && Op::of(request) == op => act.clone(),
            _ => Act::Write(done(request)),
        }
    })
    .await;
    for polls in 0.. {
        let client = server.builder().max_in_flight(1).build().unwrap();
        let order_no = format!("2026{polls:08}");
        let complete = dropped_after(polls, op.call(&client, &order_no)).await;

        let next = Op::List.call(&client, "");
        tokio::time::timeout(Duration::from_secs(10), next).await.unwrap().unwrap();
        let effects = ledger.lock().unwrap().effects(op, &order_no);
        assert!(effects <= 1, "{op:?} dropped after {polls} polls: done {effects} times");
        if complete {
            assert!(op.reads() || effects == 1);
            return polls;
        }
    }
    unreachable!()
}

#[tokio::test]
async fn a_call_dropped_anywhere_is_done_once_at_most_and_gives_back_its_place() {
    for op in [Op::Retrieve, Op::Reverse, Op::Create, Op::Refund] {
        let points = dropped_everywhere(op, None).await;
        assert!(points >= 3, "{op:?} waits for its key, its connection and its answer: {points}");
        let points_of_two = dropped_everywhere(op, Some(Act::Write(html(502)))).await;
        println!(
            "{op:?}: dropped at {points} points, and at {points_of_two} with a failed attempt"
        );
        assert!(op == Op::Refund || points_of_two > points, "{op:?}: {points_of_two}");
    }
}

/// Polls with so long a pause behind each that the connection is ready only when it is too late.
async fn polled_late<T>(mut call: Call<T>, pause: Duration) -> Error
where
    Call<T>: Future<Output = Result<T, Error>> + Unpin,
{
    poll_fn(|cx| {
        let poll = Pin::new(&mut call).poll(cx);
        // The worker is busy with something else.
        std::thread::sleep(pause);
        poll.map(|result| result.err().unwrap())
    })
    .await
}

#[tokio::test]
async fn a_call_that_is_polled_late_sends_nothing() {
    let server = Server::always(Act::Write(json(200, &charge()))).await;
    let limit = Duration::from_millis(200);
    let client = server.builder().timeout(limit).build().unwrap();
    let refund = CreateRefund::builder().description("cup broken").build();
    let errors = [
        polled_late(client.charges().reverse(ID), limit / 2).await,
        polled_late(client.refunds(ID).create(refund), limit / 4).await,
    ];
    assert!(errors.iter().all(|error| error.outcome() == Outcome::NotSent), "{errors:?}");
    assert_eq!(server.request_count(), 0);
}
