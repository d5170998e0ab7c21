//! A peer that never comes to an end: the call ends at its limit, and no poll of it is long.

use std::future::poll_fn;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::pin::pin;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use pingpp::{Client, Outcome, RetryPolicy};
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Builder;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::ID;
use crate::transport::Authority;

/// The limit of each call.
const LIMIT: Duration = Duration::from_millis(150);
/// The call may end this much later.
const SLACK: Duration = Duration::from_millis(500);
/// The longest that one poll may take, in CPU time of its thread.
const LONGEST_POLL: Duration = Duration::from_millis(50);

/// How an answer begins, and what follows it again and again.
#[derive(Clone, Copy)]
struct Flood {
    name: &'static str,
    head: &'static str,
    repeated: &'static str,
    /// It is written slowly, not as fast as it is read.
    slow: bool,
}

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const CHUNKED_ONE: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1";
const CHUNKED_END: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";

const fn flood(name: &'static str, head: &'static str, repeated: &'static str) -> Flood {
    Flood { name, head, repeated, slow: false }
}

const FLOODS: [Flood; 15] = [
    flood("100", "", "HTTP/1.1 100 Continue\r\n\r\n"),
    flood("103", "", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    flood("empty lines", "", "\r\n"),
    flood("headers", "HTTP/1.1 200 OK\r\n", "A: b\r\n"),
    flood("a header", "HTTP/1.1 200 OK\r\nA: ", "b"),
    flood("zeros of a chunk size", CHUNKED, "0"),
    flood("blanks of a chunk size", CHUNKED, " "),
    flood("blanks after a chunk size", CHUNKED_ONE, " "),
    flood("a chunk extension", CHUNKED_ONE, ";a"),
    flood("chunk extensions", CHUNKED, "1;a=b\r\n \r\n"),
    flood("chunks of one byte", CHUNKED, "1\r\n \r\n"),
    flood("trailers", CHUNKED_END, "A: b\r\n"),
    flood("a body without an end", "HTTP/1.1 200 OK\r\n\r\n", " "),
    Flood { slow: true, ..flood("a slow head", "", "HTTP/1.1 100 Continue\r\n\r\n") },
    Flood { slow: true, ..flood("a slow body", CHUNKED, "1\r\n \r\n") },
];

/// Serves one connection on a thread of its own, until the client closes it.
fn serve(flood: Flood, tls: Option<Arc<ServerConfig>>) -> u16 {
    fn pour(mut stream: impl Read + Write, flood: Flood) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if stream.read_exact(&mut byte).is_err() {
                return;
            }
            head.push(byte[0]);
        }
        let mut bytes = flood.head.as_bytes().to_vec();
        let times = if flood.slow { 1 } else { 0x1_0000 / flood.repeated.len() };
        while stream.write_all(&bytes).is_ok() {
            bytes = flood.repeated.repeat(times).into_bytes();
            thread::sleep(Duration::from_millis(flood.slow.into()));
        }
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let stream: TcpStream = listener.accept().unwrap().0;
        match tls {
            None => pour(stream, flood),
            Some(config) => {
                let session = ServerConnection::new(config).unwrap();
                pour(StreamOwned::new(session, stream), flood);
            }
        }
    });
    port
}

/// Its result, and the longest poll.
async fn longest_poll<T>(future: impl Future<Output = T>) -> (T, Duration) {
    let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap();
    let mut future = pin!(future);
    let mut longest = Duration::ZERO;
    let result = poll_fn(|cx| {
        let start = now();
        let polled = future.as_mut().poll(cx);
        longest = longest.max(now() - start);
        polled
    })
    .await;
    (result, longest)
}

/// Makes one call in a task of its own, so that only this task can keep the runtime busy. A machine
/// that is busy with other things may be slow twice, but not three times.
fn call(flood: Flood, runtime: fn() -> Builder, client: impl Fn() -> Client) {
    let mut tries = 0;
    loop {
        let (took, longest) = call_once(flood, runtime(), &client());
        tries += 1;
        if took < LIMIT + SLACK && longest < LONGEST_POLL {
            return;
        }
        assert!(tries < 3, "{}: {took:?}, a poll of {longest:?}", flood.name);
    }
}

fn call_once(flood: Flood, mut runtime: Builder, client: &Client) -> (Duration, Duration) {
    let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
    let call = client.charges().reverse(ID).retry(RetryPolicy::none()).timeout(LIMIT);
    let start = Instant::now();
    let task = runtime.spawn(longest_poll(call));
    let (result, longest) = runtime.block_on(task).unwrap();
    let took = start.elapsed();
    let error = result.unwrap_err();
    println!("{:26} {took:>12.1?} {longest:>10.1?} {error}", flood.name);
    assert_eq!(error.outcome(), Outcome::Unknown, "{}", flood.name);
    (took, longest)
}

fn client(port: u16) -> Client {
    let url = format!("http://127.0.0.1:{port}");
    Client::builder(crate::API_KEY).unsigned().base_url(url).build().unwrap()
}

#[test]
fn a_flood_ends_at_the_limit_on_a_runtime_of_one_thread() {
    for flood in FLOODS {
        call(flood, Builder::new_current_thread, || client(serve(flood, None)));
    }
}

#[test]
fn a_flood_ends_at_the_limit_on_a_runtime_of_many_threads() {
    for flood in FLOODS {
        call(flood, Builder::new_multi_thread, || client(serve(flood, None)));
    }
}

#[test]
fn a_flood_over_tls_ends_at_the_limit() {
    let authority = Authority::new();
    for flood in FLOODS {
        let client = || {
            let tls = authority.acceptor("localhost").config().clone();
            let port = serve(flood, Some(tls));
            Client::builder(crate::API_KEY)
                .unsigned()
                .base_url(format!("https://localhost:{port}"))
                .root_certificate(authority.pem())
                .no_proxy()
                .build()
                .unwrap()
        };
        call(flood, Builder::new_current_thread, client);
    }
}
