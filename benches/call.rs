//! What the SDK costs beside a hand-written hyper + ring + serde loop: `cargo bench --bench call`.
//!
//! Both sides call the same server, which runs in a process of its own, and take turns in short
//! rounds; the ratios are medians over the rounds. CPU is that of this process alone.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on fails")]

#[path = "support/floor.rs"]
mod floor;
#[path = "support/load.rs"]
mod load;
#[path = "support/server.rs"]
mod server;

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use floor::{Floor, Signing};
use load::{median, round};
use pingpp::{Client, SigningKey};
use server::{ID, Server};

const RSA_2048: &str = include_str!("../tests/keys/merchant.pem");
const RSA_4096: &str = include_str!("../tests/keys/rsa4096.pem");

fn main() {
    server::serve_if_asked();
    let server = Server::start();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    println!(
        "{:<28} {:>9} {:>9} {:>12}",
        "SDK / hand-written", "CPU/call", "calls/s", "calls/s here"
    );
    for (name, pem, calls) in [
        ("signed, 2048 bits", Some(RSA_2048), 1_000),
        ("signed, 4096 bits", Some(RSA_4096), 256),
        ("unsigned", None, 10_000),
    ] {
        for in_flight in [1, 32, 256] {
            let row_name = format!("{name}, {in_flight} in flight");
            if !wanted(&row_name) {
                continue;
            }
            let calls = if in_flight == 1 { calls / 2 } else { calls };
            let row = runtime.block_on(compare(&server.url, pem, in_flight, calls));
            println!(
                "{:<28} {:>9.3} {:>9.3} {:>12.0}",
                row_name, row.cpu, row.rate, row.calls_per_second
            );
        }
    }
    if wanted("observer") {
        let ratio = runtime.block_on(observed(&server.url));
        println!("CPU with an observer / without, 32 in flight: {ratio:.3}");
    }
}

/// CPU per call with an observer that counts / without one, 32 unsigned calls in flight.
async fn observed(url: &str) -> f64 {
    let client = |observe: bool| {
        let builder = Client::builder("sk_test_benchmark").base_url(url).unsigned();
        let told = AtomicUsize::new(0);
        let builder = match observe {
            true => builder.observe(move |info| {
                told.fetch_add(info.attempts, Relaxed);
            }),
            false => builder,
        };
        builder.build().unwrap()
    };
    let reverse = |client: &Client| {
        let call = client.charges().reverse(ID);
        async move { assert_eq!(call.await.unwrap().reversed, Some(true)) }
    };
    let (without, with) = (client(false), client(true));
    round(32, 1_000, || reverse(&without)).await;
    round(32, 1_000, || reverse(&with)).await;
    let mut ratios = Vec::new();
    for _ in 0..4 * ROUNDS {
        let (bare, _) = round(32, 5_000, || reverse(&without)).await;
        let (observed, _) = round(32, 5_000, || reverse(&with)).await;
        ratios.push(observed.as_secs_f64() / bare.as_secs_f64());
    }
    median(ratios)
}

/// Whether the row was asked for: `cargo bench --bench call -- unsigned`.
fn wanted(row: &str) -> bool {
    let mut asked = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).peekable();
    asked.peek().is_none() || asked.any(|part| row.contains(&part))
}

struct Row {
    cpu: f64,
    rate: f64,
    calls_per_second: f64,
}

const ROUNDS: usize = 9;

async fn compare(url: &str, pem: Option<&str>, in_flight: usize, calls: usize) -> Row {
    let floor = Floor::new(url, pem, Signing::Inline);
    let mut builder = Client::builder("sk_test_benchmark").base_url(url);
    builder = match pem {
        Some(pem) => builder.signing_key(SigningKey::from_pem(pem).unwrap()),
        None => builder.unsigned(),
    };
    let client = builder.build().unwrap();

    let by_hand = || {
        let floor = floor.clone();
        async move { assert!(floor.reverse(ID).await.reversed) }
    };
    let by_sdk = || {
        let call = client.charges().reverse(ID);
        async move { assert_eq!(call.await.unwrap().reversed, Some(true)) }
    };
    // Connections, threads and caches first.
    round(in_flight, in_flight * 4, by_hand).await;
    round(in_flight, in_flight * 4, by_sdk).await;

    let (mut cpu, mut rate, mut here) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (floor_cpu, floor_time) = round(in_flight, calls, by_hand).await;
        let (sdk_cpu, sdk_time) = round(in_flight, calls, by_sdk).await;
        cpu.push(sdk_cpu.as_secs_f64() / floor_cpu.as_secs_f64());
        rate.push(floor_time.as_secs_f64() / sdk_time.as_secs_f64());
        here.push(calls as f64 / sdk_time.as_secs_f64());
    }
    Row { cpu: median(cpu), rate: median(rate), calls_per_second: median(here) }
}
