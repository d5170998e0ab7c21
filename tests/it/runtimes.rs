//! One client on several runtimes, of which some stop or are not driven.

use std::time::{Duration, Instant};

use pingpp::Client;
use tokio::runtime::{Builder, Runtime};

use crate::raw::{Act, Server, json};
use crate::{ID, charge};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A server that is driven while the test blocks its own thread, and a client of it.
async fn server() -> (Server, Client) {
    let server = Server::always(Act::Write(json(200, &charge()))).await;
    let client = server.builder().attempt_timeout(Duration::from_millis(500)).build().unwrap();
    (server, client)
}

/// How long a reverse on this runtime took.
fn reverse(runtime: &Runtime, client: &Client) -> Duration {
    let start = Instant::now();
    runtime.block_on(async { client.charges().reverse(ID).await }).unwrap();
    start.elapsed()
}

/// Waits for what other threads are about to do.
async fn until(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), waiting).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_connection_of_a_runtime_that_is_not_driven_is_not_used() {
    let (server, client) = server().await;
    let calls = tokio::task::spawn_blocking(move || {
        let (first, second) = (runtime(), runtime());
        for _ in 0..3 {
            reverse(&first, &client);
            let took = reverse(&second, &client);
            assert!(took < Duration::from_millis(250), "{took:?}");
        }
    });
    calls.await.unwrap();
    // Each was sent once, and each runtime has its own connection.
    assert_eq!((server.request_count(), server.connections()), (6, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_connections_of_a_runtime_that_stopped_are_closed_and_not_used() {
    let (server, client) = server().await;
    for (n, is_multi_thread) in [false, true].into_iter().enumerate() {
        let client = client.clone();
        let calls = tokio::task::spawn_blocking(move || {
            let mut builder = if is_multi_thread {
                Builder::new_multi_thread()
            } else {
                Builder::new_current_thread()
            };
            let runtime = builder.worker_threads(1).enable_all().build().unwrap();
            reverse(&runtime, &client);
        });
        calls.await.unwrap();
        until(|| server.open() == 0).await;
        assert_eq!((server.request_count(), server.connections()), (n + 1, n + 1));
    }
    client.charges().reverse(ID).await.unwrap();
    assert_eq!((server.request_count(), server.connections()), (3, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn idle_connections_are_closed_in_time_although_another_runtime_is_not_driven() {
    let (server, client) = server().await;
    let calls = tokio::task::spawn_blocking(move || {
        let (first, second) = (runtime(), runtime());
        reverse(&first, &client);
        reverse(&second, &client);
        second.block_on(async {
            tokio::time::pause();
            tokio::time::sleep(Duration::from_secs(11)).await;
        });
        (first, second, client)
    });
    let still_there = calls.await.unwrap();
    until(|| server.open() == 0).await;
    // A runtime must not be dropped in an asynchronous context.
    tokio::task::spawn_blocking(|| drop(still_there)).await.unwrap();
}
