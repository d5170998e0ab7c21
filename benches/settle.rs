//! Ten thousand settlements at once, on a paused clock: what each holds in memory, how often each
//! asks. Then a million tokens that a worker steps: what each row holds, and how many steps a second.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on ends")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use pingpp::settle::Next;
use pingpp::{Charge, Client, SettleToken};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const COUNT: usize = 10_000;
const MINUTES: u64 = 5;
const TOKENS: usize = 1_000_000;
const WORKERS: usize = 64;

fn charge(id: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let expires = now + 86_400;
    format!(
        r#"{{"id":"{id}","object":"charge","created":{now},"livemode":false,"paid":false,
        "refunded":false,"reversed":false,"app":"app_test000000000001","channel":"alipay_scan",
        "order_no":"20261123001","client_ip":"192.0.2.1","amount":100,"amount_settle":100,
        "currency":"cny","subject":"Tea","body":"Longjing","extra":{{}},"time_paid":null,
        "time_expire":{expires},"time_settle":null,"transaction_no":null,"amount_refunded":0,
        "failure_code":null,"failure_msg":null,"metadata":{{}},"credential":{{}},
        "description":null}}"#
    )
}

/// Answers every request with the charge that it asks for, unpaid.
async fn serve(listener: TcpListener, requests: Arc<AtomicUsize>) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let requests = Arc::clone(&requests);
        tokio::spawn(async move {
            let mut buffer = vec![0; 4096];
            loop {
                let mut filled = 0;
                while !buffer[..filled].ends_with(b"\r\n\r\n") {
                    match stream.read(&mut buffer[filled..]).await {
                        Ok(0) | Err(_) => return,
                        Ok(read) => filled += read,
                    }
                }
                let head = std::str::from_utf8(&buffer[..filled]).unwrap();
                let body = charge(head.split(['/', ' ']).nth(4).unwrap().trim());
                requests.fetch_add(1, Ordering::Relaxed);
                let answer =
                    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        });
    }
}

fn allocated() -> usize {
    dhat::HeapStats::get().curr_bytes
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    settlements().await;
    tokio::time::resume();
    tokens().await;
}

async fn settlements() {
    let _profiler = dhat::Profiler::builder().testing().build();
    tokio::time::pause();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::<AtomicUsize>::default();
    tokio::spawn(serve(listener, Arc::clone(&requests)));
    // No more connections than a listener's queue takes: a dropped one costs real time.
    let client =
        Client::builder("sk_test_bench").unsigned().base_url(base_url).no_proxy().max_in_flight(64);
    let client = client.build().unwrap();
    let id = |n: usize| format!("ch_{n:024}");

    let before = allocated();
    let charges: Vec<Box<Charge>> =
        (0..COUNT).map(|n| serde_json::from_str(&charge(&id(n))).unwrap()).collect();
    let charge_size = (allocated() - before) / COUNT;
    drop(charges);

    // The connections are there before anything is measured.
    let warm = (0..1_000).map(|n| client.charges().retrieve(id(n))).map(tokio::spawn);
    for call in warm.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
    let before = allocated();
    let mut settling = JoinSet::new();
    for n in 0..COUNT {
        let settlement = client.charges().settle(id(n));
        settling.spawn(settlement.give_up_after(Duration::from_secs(3_600)));
    }
    sleep(Duration::from_secs(30)).await;
    let each = (allocated() - before) / COUNT;
    println!("{COUNT} settlements: {each} bytes each, {charge_size} of them the charge");

    assert!(settling.try_join_next().is_none(), "all of them are still asking");
    let begun = requests.load(Ordering::Relaxed);
    sleep(Duration::from_secs(60 * MINUTES)).await;
    let asked = requests.load(Ordering::Relaxed) - begun;
    let rate = asked as f64 / COUNT as f64 / MINUTES as f64;
    println!("looks a minute: {rate:.2} each (12 are configured)");
}

/// Resident memory of this process, in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4_096
}

/// A million tokens, each stepped once by a few workers; the profiler is off.
async fn tokens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(serve(listener, Arc::default()));
    let client = Client::builder("sk_test_bench").unsigned().base_url(base_url).no_proxy();
    let client = client.max_in_flight(WORKERS).build().unwrap();
    client.charges().retrieve("ch_1").await.unwrap();

    let before = resident();
    let mut tokens: Vec<Option<SettleToken>> = Vec::with_capacity(TOKENS);
    tokens.extend((0..TOKENS).map(|n| Some(SettleToken::new(format!("ch_{n:024}")))));
    let fresh = (resident() - before) / TOKENS;
    let begun = Instant::now();
    let mut stepping = JoinSet::new();
    let mut next = 0;
    let mut row = 0;
    while next < TOKENS || !stepping.is_empty() {
        while next < TOKENS && stepping.len() < WORKERS {
            let step = tokens[next].take().unwrap().step(&client);
            let at = next;
            stepping.spawn(async move { (at, step.await.unwrap()) });
            next += 1;
        }
        let (at, stepped) = stepping.join_next().await.unwrap().unwrap();
        let Next::Wait(token, _) = stepped else { panic!("it is unpaid") };
        if at == 0 {
            row = token.to_string().len();
        }
        tokens[at] = Some(token);
    }
    let rate = TOKENS as f64 / begun.elapsed().as_secs_f64();
    let stepped = (resident() - before) / TOKENS;
    println!(
        "{TOKENS} tokens stepped once by {WORKERS} workers: {rate:.0} steps/s; each {fresh} bytes \
         before and {stepped} after, {row} bytes as JSON"
    );
}
