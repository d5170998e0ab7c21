//! Making a client, its first call, and what a kept connection saves: `cargo bench --bench latency`.
//!
//! Over TLS on loopback, with a certificate made for this run.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on fails")]

#[path = "support/server.rs"]
mod server;

use std::time::{Duration, Instant};

use pingpp::{Charge, Client, ClientBuilder, Request, SigningKey};
use serde_json::json;
use server::{ID, Server};

const ROUNDS: usize = 41;

fn main() {
    server::serve_if_asked();
    let server = Server::start_tls();
    let pem = include_str!("../tests/keys/merchant.pem");
    let key = SigningKey::from_pem(pem).unwrap();
    let builder = || -> ClientBuilder {
        Client::builder("sk_test_benchmark")
            .signing_key(key.clone())
            .root_certificate(&server.certificate)
            .base_url(&server.url)
            .no_proxy()
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let [mut read, mut build, mut first, mut warm, mut fresh] =
            [const { Vec::<Duration>::new() }; 5];
        let warmed = builder().build().unwrap();
        warmed.charges().reverse(ID).await.unwrap();
        for _ in 0..ROUNDS {
            read.push(time(async { drop(SigningKey::from_pem(pem).unwrap()) }).await);
            let began = Instant::now();
            let client = builder().build().unwrap();
            build.push(began.elapsed());
            first.push(time(async { drop(client.charges().reverse(ID).await.unwrap()) }).await);
            warm.push(time(async { drop(warmed.charges().reverse(ID).await.unwrap()) }).await);
            // What must not be repeated goes over a connection of its own.
            let request = Request::post("/v1/charges/{id}/reverse", &[ID]).json(&json!({}));
            fresh.push(time(async { drop(warmed.call::<Charge>(request).await.unwrap()) }).await);
        }
        let warm = median(warm);
        println!("{:<44} {:>9} {:>11}", "", "ms here", "/ warm call");
        for (name, took) in [
            ("a signing key is read and tried", median(read)),
            ("a client is built", median(build)),
            ("first call: connection, TLS, signing thread", median(first)),
            ("a call on a kept connection", warm),
            ("a call on a new connection", median(fresh)),
        ] {
            println!("{name:<44} {took:>9.2} {:>11.2}", took / warm);
        }
    });
}

async fn time(work: impl Future<Output = ()>) -> Duration {
    let began = Instant::now();
    work.await;
    began.elapsed()
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e3
}
