//! Nothing grows: memory, descriptors and threads of a client under load and faults.
//!
//! `cargo bench --bench soak` runs for 20 s, or as long as `PINGPP_SOAK_SECONDS` says. 200 callers
//! retrieve, list, reverse, create and refund; the sandbox, in a process of its own, fails one
//! request in twenty.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on fails")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use pingpp::sandbox::{Fault, Options, Sandbox};
use pingpp::{Amount, Channel, Client, CreateCharge, CreateRefund, Error, ListCharges};
use tokio::task::JoinSet;

const SERVE: &str = "PINGPP_SOAK_SERVE";
const CALLERS: usize = 200;

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    if std::env::var_os(SERVE).is_some() {
        runtime.block_on(serve());
    } else {
        let seconds = std::env::var("PINGPP_SOAK_SECONDS").map_or(20, |text| text.parse().unwrap());
        runtime.block_on(soak(Duration::from_secs(seconds)));
    }
}

/// Until the standard input ends with the parent.
async fn serve() {
    let options = Options::builder().any_signature(true).sign_answers(false);
    let sandbox = Sandbox::start_with(options).await.unwrap();
    let faults = [
        Fault::close(),
        Fault::close().after_acting(),
        Fault::truncate(),
        Fault::garbage(),
        Fault::bad_gateway(),
        Fault::bad_gateway().after_acting(),
        Fault::internal_error(),
        Fault::forbidden(),
        Fault::payment_required("channel_connection_error"),
        Fault::stall(),
    ];
    for fault in faults {
        sandbox.fail(fault, 0.005);
    }
    println!("{}", sandbox.base_url());
    let end =
        tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    end.await.unwrap().unwrap();
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn soak(time: Duration) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .env(SERVE, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let _server = Server(child);
    let client = Client::builder("sk_test_sandbox0000000000000000")
        .signing_key(
            pingpp::SigningKey::from_pem(include_str!("../tests/keys/merchant.pem")).unwrap(),
        )
        .app("app_sandbox000000001")
        .base_url(url.trim())
        .no_proxy()
        .timeout(Duration::from_secs(4))
        .attempt_timeout(Duration::from_millis(500))
        .build()
        .unwrap();
    let (calls, failures) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let start = Instant::now();
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (client, calls, failures) = (client.clone(), Arc::clone(&calls), Arc::clone(&failures));
        callers.spawn(async move {
            let mut n = caller;
            while start.elapsed() < time {
                let failed = order(&client, n).await.is_err();
                failures.fetch_add(failed.into(), Relaxed);
                calls.fetch_add(1, Relaxed);
                n += CALLERS;
            }
        });
    }
    println!(
        "{:>8} {:>10} {:>9} {:>8} {:>8} {:>8}",
        "seconds", "orders", "failed", "MiB", "files", "threads"
    );
    let mut usages = Vec::new();
    while start.elapsed() < time {
        tokio::time::sleep(time / 10).await;
        let usage = Usage::now();
        println!(
            "{:>8} {:>10} {:>9} {:>8.1} {:>8} {:>8}",
            start.elapsed().as_secs(),
            calls.load(Relaxed),
            failures.load(Relaxed),
            usage.mib,
            usage.files,
            usage.threads
        );
        usages.push(usage);
    }
    callers.join_all().await;
    // From the middle on, when every connection and buffer has been there once.
    let (middle, last) = (&usages[usages.len() / 2], usages.last().unwrap());
    assert!(last.mib < middle.mib * 1.1 + 2.0, "memory grows: {} -> {} MiB", middle.mib, last.mib);
    assert!(usages.iter().all(|usage| usage.files < 256 + 64), "descriptors grow");
    assert!(usages.iter().all(|usage| usage.threads <= usages[0].threads + 2), "threads grow");
}

/// An order and what may be done about it.
async fn order(client: &Client, n: usize) -> Result<(), Error> {
    let charges = client.charges();
    let params = CreateCharge::builder()
        .order_no(format!("2026{n:010}"))
        .channel(Channel::AlipayQr)
        .amount(Amount::from_fen(100))
        .client_ip([192, 0, 2, 1])
        .subject("Tea")
        .body("Tea");
    let charge = charges.create(params).await?;
    charges.retrieve(&charge.id).await?;
    match n % 3 {
        0 => drop(charges.reverse(&charge.id).await?),
        1 => drop(charges.list(ListCharges::default()).limit(1).next_page().await?),
        _ => {
            let refund = CreateRefund::builder().description("not paid, so refused");
            drop(client.refunds(&charge.id).create(refund).await);
        }
    }
    Ok(())
}

struct Usage {
    mib: f64,
    files: usize,
    threads: usize,
}

impl Usage {
    fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let number = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split_whitespace().nth(1)?.parse::<usize>().ok()).unwrap_or(0)
        };
        let files = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        Self { mib: number("VmRSS:") as f64 / 1024.0, files, threads: number("Threads:") }
    }
}
