//! How late a timer of 1 ms is while calls are signed on the same runtime of two workers:
//! `cargo bench --bench stall`.
//!
//! Idle, with this crate, and with loops by hand that sign on the async workers or with
//! `spawn_blocking`. All take turns; median and 99th percentile over all rounds.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on fails")]

#[path = "support/floor.rs"]
mod floor;
#[path = "support/server.rs"]
mod server;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use floor::{Floor, Signing};
use pingpp::{Client, SigningKey};
use server::{ID, Server};

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(800);

fn main() {
    server::serve_if_asked();
    let server = Server::start();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    println!(
        "delay of a timer of 1 ms, median / 99th percentile in ms here; calls/s / inline signing"
    );
    for (bits, pem) in [
        (2048, include_str!("../tests/keys/merchant.pem")),
        (4096, include_str!("../tests/keys/rsa4096.pem")),
    ] {
        for in_flight in [32, 200] {
            println!("{bits} bits, {in_flight} in flight");
            runtime.block_on(compare(&server.url, pem, in_flight));
        }
    }
}

/// What a way of signing did to the timer, and how many calls it made meanwhile.
#[derive(Default)]
struct Seen {
    delays: Vec<f64>,
    calls: usize,
}

async fn compare(url: &str, pem: &str, in_flight: usize) {
    let inline = Floor::new(url, Some(pem), Signing::Inline);
    let blocking = Floor::new(url, Some(pem), Signing::SpawnBlocking);
    let key = SigningKey::from_pem(pem).unwrap();
    let client =
        Client::builder("sk_test_benchmark").signing_key(key).base_url(url).build().unwrap();
    let by_hand = |floor: &Floor| {
        let floor = floor.clone();
        move || {
            let floor = floor.clone();
            async move { assert!(floor.reverse(ID).await.reversed) }
        }
    };
    let by_sdk = move || {
        let call = client.charges().reverse(ID);
        async move { assert_eq!(call.await.unwrap().reversed, Some(true)) }
    };
    let mut seen: [Seen; 4] = Default::default();
    for _ in 0..ROUNDS {
        watch(&mut seen[0], 0, || async {}).await;
        watch(&mut seen[1], in_flight, by_sdk.clone()).await;
        watch(&mut seen[2], in_flight, by_hand(&inline)).await;
        watch(&mut seen[3], in_flight, by_hand(&blocking)).await;
    }
    let inline_calls = seen[2].calls as f64;
    for (name, mut seen) in ["idle", "this crate", "inline", "spawn_blocking"].into_iter().zip(seen)
    {
        seen.delays.sort_by(f64::total_cmp);
        let at = |share: f64| seen.delays[((seen.delays.len() - 1) as f64 * share) as usize];
        let rate = seen.calls as f64 / inline_calls;
        println!("  {name:<16} {:>8.2} / {:>7.2}   calls {rate:.2}", at(0.5), at(0.99));
    }
}

/// Makes calls for one round, `in_flight` at a time, with the timer going on beside them.
async fn watch<F>(seen: &mut Seen, in_flight: usize, call: impl Fn() -> F + Clone + Send + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..in_flight {
        let (stop, calls, call) = (Arc::clone(&stop), Arc::clone(&calls), call.clone());
        tasks.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                call().await;
                calls.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    // On a worker, like any task of the server.
    let timer = tokio::spawn(async {
        let (began, mut delays) = (Instant::now(), Vec::new());
        while began.elapsed() < ROUND {
            let at = Instant::now();
            tokio::time::sleep(Duration::from_millis(1)).await;
            delays.push(at.elapsed().as_secs_f64() * 1e3 - 1.0);
        }
        delays
    });
    seen.delays.extend(timer.await.unwrap());
    seen.calls += calls.load(Ordering::Relaxed);
    stop.store(true, Ordering::Relaxed);
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}
