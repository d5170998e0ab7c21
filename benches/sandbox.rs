//! What the sandbox costs: its start, its answers, its memory.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on ends")]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use pingpp::sandbox::{Options, Sandbox};
use pingpp::{Amount, Channel, CreateCharge};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const CONNECTIONS: usize = 32;
const CHARGES: usize = 100_000;

#[tokio::main(worker_threads = 2)]
async fn main() {
    println!("start to first answer: {:?} (median of 21)", start().await);
    for sign_answers in [false, true] {
        let rate = verified_requests(sign_answers).await;
        println!("signatures verified, answers signed: {sign_answers}: {rate:.0} requests/s");
    }
    let before = resident();
    let sandbox = many_charges().await;
    println!("{CHARGES} charges: {} MB", (resident() - before) / 1024);
    drop(sandbox);
}

async fn start() -> Duration {
    let mut times = Vec::new();
    for _ in 0..21 {
        let start = Instant::now();
        let sandbox = Sandbox::start().await.unwrap();
        sandbox.client().charges().retrieve("ch_none").await.unwrap_err();
        times.push(start.elapsed());
    }
    times.sort();
    times[10]
}

/// One signed request, again and again: what the client's side costs is next to nothing.
async fn verified_requests(sign_answers: bool) -> f64 {
    let options = Options::builder().sign_answers(sign_answers).build();
    let sandbox = Sandbox::start_with(options).await.unwrap();
    let params = CreateCharge::builder()
        .order_no("20261123001")
        .channel(Channel::AlipayQr)
        .amount(Amount::from_fen(100))
        .client_ip([192, 0, 2, 1])
        .subject("Tea")
        .body("Longjing")
        .build();
    let charge = sandbox.client().charges().create(params).await.unwrap();
    sandbox.client().charges().retrieve(&charge.id).await.unwrap();
    let sent = &sandbox.requests()[1];
    let mut request = format!("GET {} HTTP/1.1\r\nhost: 127.0.0.1\r\n", sent.target);
    for name in ["authorization", "pingplusplus-request-timestamp", "pingplusplus-signature"] {
        request.push_str(&format!("{name}: {}\r\n", sent.header(name).unwrap()));
    }
    request.push_str("\r\n");
    let start = Instant::now();
    let count = load(&sandbox, 4_000 / CONNECTIONS, move |_| request.clone()).await;
    count as f64 / start.elapsed().as_secs_f64()
}

async fn many_charges() -> Sandbox {
    let options = Options::builder().any_signature(true).sign_answers(false).build();
    let sandbox = Sandbox::start_with(options).await.unwrap();
    let (key, app) = (sandbox.api_key().to_owned(), sandbox.app().to_owned());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    load(&sandbox, CHARGES / CONNECTIONS, move |number| {
        let body = format!(
            r#"{{"order_no":"{now}{number}","app":{{"id":"{app}"}},"channel":"alipay_qr","amount":100,
            "client_ip":"192.0.2.1","currency":"cny","subject":"Tea","body":"A pot of Longjing",
            "extra":{{}},"metadata":{{"table":"7"}}}}"#
        );
        format!(
            "POST /v1/charges HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key}\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )
    })
    .await;
    sandbox
}

/// So many requests on each of the connections; how many were answered with 200.
async fn load(
    sandbox: &Sandbox,
    each: usize,
    request: impl Fn(usize) -> String + Clone + Send + 'static,
) -> usize {
    let address = sandbox.base_url()["http://".len()..].to_owned();
    let mut clients = JoinSet::new();
    for client in 0..CONNECTIONS {
        let (address, request) = (address.clone(), request.clone());
        clients.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut buffer = vec![0; 16 * 1024];
            for n in 0..each {
                stream.write_all(request(client * each + n).as_bytes()).await.unwrap();
                let mut filled = 0;
                loop {
                    filled += stream.read(&mut buffer[filled..]).await.unwrap();
                    let text = std::str::from_utf8(&buffer[..filled]).unwrap_or_default();
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                    assert!(head.starts_with("HTTP/1.1 200"), "{text}");
                    let length = head.lines().find_map(|l| l.strip_prefix("content-length: "));
                    if body.len() == length.unwrap().parse::<usize>().unwrap() {
                        break;
                    }
                }
            }
            each
        });
    }
    clients.join_all().await.into_iter().sum()
}

/// Resident memory of this process, in kB.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
