//! Bytes that no request asked for: they close an idle connection and are no answer.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use pingpp::{Client, Repeat, Request, RetryPolicy};
use serde_json::Value;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::raw::{json, with_headers};
use crate::transport::Authority;

/// What follows each answer, and when.
#[derive(Clone)]
struct Extra {
    /// `None`: in the same write as the answer.
    after: Option<Duration>,
    /// `None`: the answer once more.
    bytes: Option<Vec<u8>>,
}

/// A server on threads of its own, so that a test may block the runtime of the client.
struct Peer {
    port: u16,
    extras: Receiver<()>,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
    stopped: Arc<AtomicBool>,
}

impl Peer {
    fn start(extra: Extra, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (written, extras) = mpsc::channel();
        let connections = Arc::<AtomicUsize>::default();
        let requests = Arc::<AtomicUsize>::default();
        let stopped = Arc::<AtomicBool>::default();
        let stopped_here = Arc::clone(&stopped);
        let counts = (Arc::clone(&connections), Arc::clone(&requests));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped_here.load(SeqCst) {
                    return;
                }
                let (extra, tls, written) = (extra.clone(), tls.clone(), written.clone());
                counts.0.fetch_add(1, SeqCst);
                let requests = Arc::clone(&counts.1);
                thread::spawn(move || {
                    let stream = stream?;
                    stream.set_nodelay(true)?;
                    match tls {
                        None => serve(stream, &extra, &requests, &written),
                        Some(config) => {
                            let session = ServerConnection::new(config).unwrap();
                            serve(StreamOwned::new(session, stream), &extra, &requests, &written)
                        }
                    }
                });
            }
        });
        Self { port, extras, connections, requests, stopped }
    }

    fn client(&self) -> Client {
        let url = format!("http://127.0.0.1:{}", self.port);
        Client::builder(crate::API_KEY).unsigned().base_url(url).build().unwrap()
    }

    /// Waits until the extra bytes of one answer have been written, without a turn of the runtime.
    fn wait_for_extra(&self) {
        self.extras.recv_timeout(Duration::from_secs(5)).unwrap();
    }

    /// How many connections and requests there were.
    fn counts(&self) -> (usize, usize) {
        (self.connections.load(SeqCst), self.requests.load(SeqCst))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stopped.store(true, SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

/// Serves requests without a body; each answer has the id of its request.
fn serve(
    mut stream: impl Read + Write,
    extra: &Extra,
    requests: &AtomicUsize,
    written: &Sender<()>,
) -> io::Result<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        requests.fetch_add(1, SeqCst);
        let head = String::from_utf8(head).unwrap();
        let target = head.split(' ').nth(1).unwrap();
        let id = target.trim_start_matches("/v1/charges/").trim_end_matches("/reverse");
        let answer = json(200, &format!(r#"{{"id":"{id}"}}"#));
        let bytes = extra.bytes.as_ref().unwrap_or(&answer);
        if let Some(pause) = extra.after {
            stream.write_all(&answer)?;
            stream.flush()?;
            thread::sleep(pause);
            // The client may have closed it already.
            let _ = stream.write_all(bytes);
        } else {
            stream.write_all(&[&answer[..], bytes].concat())?;
        }
        let _ = stream.flush();
        let _ = written.send(());
    }
}

/// Calls one after another, each with an id of its own and sent when the extra bytes of the answer
/// before have arrived; how many of the answers were for another request.
async fn wrong_answers(peer: &Peer, client: &Client, calls: usize) -> usize {
    let mut wrong = 0;
    for n in 0..calls {
        let id = format!("ch_{n}");
        let request = match n % 2 {
            0 => Request::post("/v1/charges/{id}/reverse", &[&id]).repeat(Repeat::Always),
            _ => Request::get("/v1/charges/{id}", &[&id]),
        };
        let call = client.call::<Value>(request).retry(RetryPolicy::none());
        wrong += usize::from(call.await.unwrap()["id"] != id);
        peer.wait_for_extra();
    }
    wrong
}

fn on_a_runtime<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work)
}

#[test]
fn an_answer_that_is_sent_twice_is_taken_once() {
    for after in [None, Some(0), Some(1), Some(5), Some(30)] {
        let extra = Extra { after: after.map(Duration::from_millis), bytes: None };
        // Side by side, to be done sooner.
        let callers: Vec<_> = (0..10)
            .map(|_| {
                let peer = Peer::start(extra.clone(), None);
                thread::spawn(move || on_a_runtime(wrong_answers(&peer, &peer.client(), 20)))
            })
            .collect();
        let wrong: usize = callers.into_iter().map(|caller| caller.join().unwrap()).sum();
        assert_eq!(wrong, 0, "of 200, after {after:?}");
    }
}

#[test]
fn an_answer_that_is_sent_twice_over_tls_is_taken_once() {
    let authority = Authority::new();
    for after in [None, Some(Duration::from_millis(1))] {
        let tls = authority.acceptor("localhost").config().clone();
        let peer = Peer::start(Extra { after, bytes: None }, Some(tls));
        let client = Client::builder(crate::API_KEY)
            .unsigned()
            .base_url(format!("https://localhost:{}", peer.port))
            .root_certificate(authority.pem())
            .no_proxy()
            .build()
            .unwrap();
        assert_eq!(on_a_runtime(wrong_answers(&peer, &client, 20)), 0, "of 20, after {after:?}");
    }
}

#[test]
fn a_refusal_that_no_request_asked_for_is_not_taken() {
    for status in [400, 404, 408] {
        let refusal = with_headers(status, "Connection: close\r\n", b"");
        let extra = Extra { after: Some(Duration::ZERO), bytes: Some(refusal) };
        let peer = Peer::start(extra, None);
        // Any refusal that is taken for an answer is an error.
        let wrong = on_a_runtime(wrong_answers(&peer, &peer.client(), 20));
        assert_eq!((wrong, peer.counts()), (0, (20, 20)), "{status}");
    }
}

/// The runtime sees the bytes while the connection is idle.
#[test]
fn bytes_that_arrive_while_a_connection_is_idle_close_it() {
    for bytes in [None, Some(b"\n".to_vec()), Some(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec())] {
        let peer = Peer::start(Extra { after: Some(Duration::ZERO), bytes }, None);
        let client = peer.client();
        on_a_runtime(async {
            for _ in 0..5 {
                assert_eq!(wrong_answers(&peer, &client, 1).await, 0);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        assert_eq!(peer.counts(), (5, 5));
    }
}
