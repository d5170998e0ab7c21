//! Calls whose name server is silent.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio::task::JoinSet;

use super::Lookup;
use crate::client::Client;
use crate::error::{Error, Outcome};
use crate::request::Request;
use crate::retry::RetryPolicy;

/// Look-ups that last until the sender is dropped, at most 30 s; how many there were at a time.
fn silent() -> (Lookup, mpsc::Sender<()>, Arc<AtomicUsize>) {
    let (end, ends) = mpsc::channel::<()>();
    let ends = Mutex::new(ends);
    let most = Arc::new(AtomicUsize::new(0));
    let (count, now) = (Arc::clone(&most), AtomicUsize::new(0));
    let lookup = Lookup::new(move |_| {
        count.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
        let ends = ends.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = ends.recv_timeout(Duration::from_secs(30));
        now.fetch_sub(1, SeqCst);
        Err(io::Error::other("the name server is silent"))
    });
    (lookup, end, most)
}

fn client(lookup: Lookup, limit: Duration) -> Client {
    let builder = Client::builder("sk_test_1").unsigned().no_proxy().timeout(limit);
    builder.lookup(lookup).build().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_calls_make_one_look_up_and_end_in_time() {
    let (lookup, _end, most) = silent();
    let limit = Duration::from_millis(500);
    let client = client(lookup, limit);
    let start = Instant::now();
    let mut calls = JoinSet::new();
    for _ in 0..1_000 {
        let client = client.clone();
        calls.spawn(async move {
            let request = Request::post("/v1/charges/{id}/refunds", &["ch_1"]);
            client.call::<serde_json::Value>(request).await.unwrap_err()
        });
    }
    tokio::time::sleep(limit / 10).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let reading = Instant::now();
    tokio::fs::read(file.path()).await.unwrap();
    assert!(reading.elapsed() < Duration::from_millis(50), "{:?}", reading.elapsed());

    let errors = calls.join_all().await;
    assert!(start.elapsed() < 2 * limit, "{:?}", start.elapsed());
    for error in &errors {
        assert_eq!(error.outcome(), Outcome::NotSent);
        assert!(matches!(error, Error::Transport(error) if error.is_timeout()), "{error}");
    }
    assert_eq!(most.load(SeqCst), 1);
    let text = "timed out while connecting to api.pingxx.com:443: the name server has not answered";
    assert!(errors.iter().any(|error| error.to_string().starts_with(text)), "{}", errors[0]);
}

#[test]
fn a_runtime_ends_at_once_while_a_look_up_hangs() {
    for mut builder in [Builder::new_multi_thread(), Builder::new_current_thread()] {
        let (lookup, _end, most) = silent();
        let client = client(lookup, Duration::from_secs(60));
        let runtime = builder.worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            for _ in 0..10 {
                let call = client.call::<serde_json::Value>(Request::get("/v1/charges", &[]));
                tokio::spawn(call);
            }
            while most.load(SeqCst) == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        let start = Instant::now();
        drop(runtime);
        assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    }
}

#[tokio::test]
async fn a_look_up_that_fails_is_told() {
    let client = client(Lookup::new(|_| Err(io::Error::other("no such host"))), Duration::MAX);
    let call = client.call::<serde_json::Value>(Request::get("/v1/charges", &[]));
    let error = call.retry(RetryPolicy::none()).await.unwrap_err();
    let text = "connecting to api.pingxx.com:443 failed: no such host; nothing was sent";
    assert_eq!(error.to_string(), text);
}
