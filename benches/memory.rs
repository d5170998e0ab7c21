//! Allocations per call, and the memory of 10,000 calls at once: `cargo bench --bench memory`.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on fails")]

#[path = "support/floor.rs"]
mod floor;
#[path = "support/load.rs"]
#[allow(dead_code, reason = "only its rounds are used")]
mod load;
#[path = "support/server.rs"]
mod server;

use dhat::{HeapStats, Profiler};
use floor::{Floor, Signing};
use load::round;
use pingpp::{Client, SigningKey};
use server::{ID, Server};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const PEM: &str = include_str!("../tests/keys/merchant.pem");
const CALLS: usize = 2_000;
const AT_ONCE: usize = 10_000;

fn main() {
    server::serve_if_asked();
    let server = Server::start();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let _profiler = Profiler::builder().testing().build();
    runtime.block_on(async {
        println!("{:<32} {:>12} {:>12}", "per call here", "allocations", "bytes");
        for (name, pem) in [("signed", Some(PEM)), ("unsigned", None)] {
            let floor = Floor::new(&server.url, pem, Signing::Inline);
            let by_hand = || {
                let floor = floor.clone();
                async move { assert!(floor.reverse(ID).await.reversed) }
            };
            let client = client(&server.url, pem);
            let by_sdk = || {
                let call = client.charges().reverse(ID);
                async move { assert_eq!(call.await.unwrap().reversed, Some(true)) }
            };
            for _ in 0..2 {
                round(8, 64, by_hand).await;
                round(8, 64, by_sdk).await;
            }
            let before = HeapStats::get();
            round(8, CALLS, by_hand).await;
            let between = HeapStats::get();
            round(8, CALLS, by_sdk).await;
            let after = HeapStats::get();
            print(&format!("{name}, by hand"), &before, &between);
            print(&format!("{name}, this crate"), &between, &after);
        }

        let client = client(&server.url, None);
        let by_sdk = || {
            let call = client.charges().reverse(ID);
            async move { assert_eq!(call.await.unwrap().reversed, Some(true)) }
        };
        round(256, 1_024, by_sdk).await;
        let before = HeapStats::get();
        round(AT_ONCE, AT_ONCE, by_sdk).await;
        let after = HeapStats::get();
        let grown = after.max_bytes.saturating_sub(before.curr_bytes);
        println!(
            "{AT_ONCE} calls at once through 256 connections: at most {:.1} MiB more, {} bytes each",
            grown as f64 / 1024.0 / 1024.0,
            grown / AT_ONCE
        );
    });
}

fn client(url: &str, pem: Option<&str>) -> Client {
    let mut builder = Client::builder("sk_test_benchmark").base_url(url);
    builder = match pem {
        Some(pem) => builder.signing_key(SigningKey::from_pem(pem).unwrap()),
        None => builder.unsigned(),
    };
    builder.build().unwrap()
}

fn print(name: &str, before: &HeapStats, after: &HeapStats) {
    let blocks = (after.total_blocks - before.total_blocks) / CALLS as u64;
    let bytes = (after.total_bytes - before.total_bytes) / CALLS as u64;
    println!("{name:<32} {blocks:>12} {bytes:>12}");
}
