//! Many calls: dying connections, limits, and faults of all kinds at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pingpp::Outcome;
use tokio::task::JoinSet;

use crate::faults::{How, faults};
use crate::ledger::{Ledger, OPS, Op, done};
use crate::raw::{Accept, Act, Received, Server, json};
use crate::{ID, charge};

/// 1,000 calls of each operation to a server that closes connections after 20 ms, at about that pace.
async fn a_thousand_on_dying_connections(op: Op) -> Server {
    let plan = Server::plan(|request| Act::Write(done(request)));
    let server = plan.idle(Duration::from_millis(20)).start().await;
    let client = server.client();
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let client = client.clone();
        tasks.spawn(async move {
            for n in 0..50 {
                op.call(&client, "1").await.unwrap();
                tokio::time::sleep(Duration::from_millis(18 + n % 5)).await;
            }
        });
    }
    tasks.join_all().await;
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_refunds_never_meet_a_dying_connection() {
    let server = a_thousand_on_dying_connections(Op::Refund).await;
    assert_eq!(server.request_count(), 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_reverses_survive_dying_connections() {
    let server = a_thousand_on_dying_connections(Op::Reverse).await;
    assert!(server.connections() > 20, "none died");
}

/// One caller, so that every call meets the connection of the one before.
#[tokio::test(flavor = "multi_thread")]
async fn one_reverse_after_the_other_survives_dying_connections() {
    let plan = Server::plan(|request| Act::Write(done(request)));
    let server = plan.idle(Duration::from_millis(2)).start().await;
    let client = server.client();
    for n in 0..1_000 {
        Op::Reverse.call(&client, "1").await.unwrap();
        tokio::time::sleep(Duration::from_millis(n % 3)).await;
    }
    assert!(server.connections() > 20, "none died");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_ten_thousand_calls_no_more_than_256_are_under_way() {
    let answer = json(200, &charge());
    let server = Server::start(move |_| Act::Late(Duration::from_millis(5), answer.clone())).await;
    let client = pingpp::Client::builder(crate::API_KEY).unsigned().base_url(server.url());
    let client = client.build().unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..10_000 {
        tasks.spawn(client.charges().reverse(ID));
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    assert_eq!(server.request_count(), 10_000);
    assert!(server.most_under_way() <= 256, "{}", server.most_under_way());
    assert!(server.most_open() <= 256, "{}", server.most_open());
}

#[tokio::test]
async fn who_waits_first_is_served_first() {
    let server = Server::start(|request| Act::Write(done(request))).await;
    let client = server.builder().max_in_flight(1).build().unwrap();
    let mut tasks = JoinSet::new();
    let ids: Vec<_> = (0..200).map(|n| format!("ch_{n}")).collect();
    for id in &ids {
        tasks.spawn(client.charges().retrieve(id.as_str()));
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    let targets = ids.iter().map(|id| format!("/v1/charges/{id}"));
    assert!(server.requests().into_iter().map(|request| request.target).eq(targets));
}

/// Every twentieth request meets a fault, each kind in its turn; so does every 50th connection.
async fn hostile(ledger: Arc<Mutex<Ledger>>) -> Server {
    let faults: Vec<_> = faults()
        .into_iter()
        .filter_map(|fault| match fault.how {
            How::Act(act) => Some((act, fault.acts)),
            _ => None,
        })
        .collect();
    let script = move |request: &Received| {
        let (turn, rest) = (request.number / 20, request.number % 20);
        let fault = (rest == 19).then(|| faults[turn % faults.len()]);
        if fault.is_none_or(|(_, acts)| acts) {
            ledger.lock().unwrap().enter(request);
        }
        fault.map_or_else(|| Act::Write(done(request)), |(act, _)| act(request))
    };
    let on_accept = |number| match number % 100 {
        49 => Accept::Close,
        99 => Accept::Reset,
        _ => Accept::Serve,
    };
    Server::plan(script).on_accept(on_accept).start().await
}

/// What became of one call.
struct Ended {
    op: Op,
    order_no: String,
    outcome: Option<Outcome>,
    took: Duration,
}

/// Runs for `PINGPP_TEST_SECONDS`, 2 if that is not set.
#[tokio::test(flavor = "multi_thread")]
async fn under_load_and_faults_nothing_is_done_twice_and_no_outcome_is_false() {
    let seconds = std::env::var("PINGPP_TEST_SECONDS").map_or(2, |text| text.parse().unwrap());
    let ledger = Arc::<Mutex<Ledger>>::default();
    let server = hostile(Arc::clone(&ledger)).await;
    let half_a_second = Duration::from_millis(500);
    let builder = server.builder().attempt_timeout(half_a_second).timeout(4 * half_a_second);
    let client = builder.build().unwrap();
    let next = Arc::new(AtomicUsize::new(0));
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut callers = JoinSet::new();
    for _ in 0..64 {
        let (client, next) = (client.clone(), Arc::clone(&next));
        callers.spawn(async move {
            let mut ended = Vec::new();
            while Instant::now() < end {
                let n = next.fetch_add(1, SeqCst);
                let (op, order_no) = (OPS[n % OPS.len()], format!("2026{n:08}"));
                let start = Instant::now();
                let result = op.call(&client, &order_no).await;
                let outcome = result.err().map(|error| error.outcome());
                ended.push(Ended { op, order_no, outcome, took: start.elapsed() });
            }
            ended
        });
    }
    let mut ended: Vec<_> = callers.join_all().await.into_iter().flatten().collect();

    let ledger = ledger.lock().unwrap();
    let mut outcomes = HashMap::<_, usize>::new();
    for Ended { op, order_no, outcome, .. } in &ended {
        let effects = ledger.effects(*op, order_no);
        assert!(effects <= 1, "{op:?} {order_no} done {effects} times");
        match outcome {
            None => assert!(op.reads() || effects == 1, "{op:?} {order_no} was not done"),
            Some(Outcome::Unknown) => {}
            Some(_) => assert_eq!(effects, 0, "{op:?} {order_no} was done"),
        }
        *outcomes.entry(*outcome).or_default() += 1;
    }
    ended.sort_by_key(|ended| ended.took);
    let share =
        |outcome| 100.0 * outcomes.get(&outcome).copied().unwrap_or(0) as f64 / ended.len() as f64;
    println!(
        "{} calls in {seconds} s ({} calls/s), {} requests: Ok {:.2} %, Unknown {:.2} %, \
         Rejected {:.2} %, NotSent {:.2} %; p50 {:?}, p99 {:?}",
        ended.len(),
        ended.len() as u64 / seconds,
        server.request_count(),
        share(None),
        share(Some(Outcome::Unknown)),
        share(Some(Outcome::Rejected)),
        share(Some(Outcome::NotSent)),
        ended[ended.len() / 2].took,
        ended[ended.len() * 99 / 100].took,
    );
    assert!(outcomes.contains_key(&None) && outcomes.contains_key(&Some(Outcome::Unknown)));
    assert!(server.most_open() <= 256);
}
