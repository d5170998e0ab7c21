//! Many exchanges of all kinds, good and bad: nothing is left behind.

use std::time::Duration;

use pingpp::{Request, RetryPolicy};
use serde_json::Value;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::raw::{Accept, Act, Server, json, with_headers};
use crate::{ID, charge};

/// Set in the child that soaks: the descriptors of a process are counted, so it must be alone.
const CHILD: &str = "PINGPP_TEST_SOAK";

#[test]
fn connections_descriptors_and_tasks_do_not_grow() {
    if std::env::var_os(CHILD).is_some() {
        return soak();
    }
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "soak::connections_descriptors_and_tasks_do_not_grow", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&child.stdout);
    println!("{printed}");
    assert!(child.status.success(), "{printed}{}", String::from_utf8_lossy(&child.stderr));
}

/// Runs for `PINGPP_TEST_SECONDS`, 2 if that is not set.
fn soak() {
    let seconds = std::env::var("PINGPP_TEST_SECONDS").map_or(2, |text| text.parse().unwrap());
    let end = std::time::Instant::now() + Duration::from_secs(seconds);
    let servers = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = servers.block_on(server());
    let builder = server.builder().max_in_flight(16).retry(RetryPolicy::none());
    let client = builder.timeout(Duration::from_millis(100)).build().unwrap();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();

    let (mut calls, mut after_warming_up) = (0, None);
    while std::time::Instant::now() < end {
        runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for n in 0..200 {
                let request = match n % 4 {
                    0 => Request::post("/v1/charges/{id}/refunds", &[ID]),
                    _ => Request::get("/v1/charges/{id}", &[ID]),
                };
                let call = client.call::<Value>(request);
                tasks.spawn(async move {
                    // Some are dropped on the way.
                    let limit = Duration::from_millis(if n % 10 == 9 { 1 } else { 10_000 });
                    let _ = tokio::time::timeout(limit, call).await;
                });
            }
            tasks.join_all().await;
        });
        calls += 200;
        let tasks = runtime.metrics().num_alive_tasks();
        assert!(tasks <= 1, "{tasks} tasks beside the reaper");
        let descriptors = descriptors();
        let first = *after_warming_up.get_or_insert(descriptors);
        // Each of the 16 connections has two ends in this process.
        assert!(descriptors <= first + 32, "{first} descriptors, then {descriptors}");
    }
    assert!(server.most_open() <= 16 + CLOSING, "{}", server.most_open());

    // Idle connections are closed, and the reaper ends with them.
    runtime.block_on(async {
        tokio::time::pause();
        tokio::time::sleep(Duration::from_secs(11)).await;
        tokio::time::resume();
        while server.open() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    assert_eq!(runtime.metrics().num_alive_tasks(), 0);
    println!(
        "{calls} calls, {} connections, at most {} at a time; {:?} descriptors, then {}",
        server.connections(),
        server.most_open(),
        after_warming_up,
        descriptors()
    );
}

/// Connections that the client has closed and the server has not noticed yet.
const CLOSING: usize = 16;

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// Most of its answers are good, some are not, and some never come.
async fn server() -> Server {
    let good = json(200, &charge());
    let script = move |request: &crate::raw::Received| match request.number % 40 {
        7 => Act::WriteAndClose(good.clone()),
        13 => Act::WriteAndReset(good[..20].to_vec()),
        19 => Act::WriteAndStall(good[..20].to_vec()),
        23 => Act::Write(good.repeat(2)),
        29 => Act::Write(with_headers(500, "", b"")),
        31 => Act::Write(b"garbage\r\n\r\n".to_vec()),
        _ => Act::Write(good.clone()),
    };
    let on_accept = |number| match number % 20 {
        9 => Accept::Close,
        19 => Accept::Reset,
        _ => Accept::Serve,
    };
    Server::plan(script).on_accept(on_accept).start().await
}
