//! An outage under many callers, on a paused clock.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pingpp::Client;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};

use crate::raw::{Act, Server, html, json};
use crate::{API_KEY, ID, charge};

/// Without a signing key: its threads would not keep the clock from running on.
fn unsigned(server: &Server) -> Client {
    Client::builder(API_KEY).unsigned().base_url(server.url()).no_proxy().build().unwrap()
}

/// A server that fails like this while the flag is up.
async fn failing(act: Act) -> (Server, Arc<Mutex<bool>>) {
    let out = Arc::new(Mutex::new(false));
    let flag = Arc::clone(&out);
    let server = Server::start(move |_| {
        if *flag.lock().unwrap() { act.clone() } else { Act::Write(json(200, &charge())) }
    })
    .await;
    (server, out)
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_not_made_worse_by_retries_and_calls_succeed_when_it_ends() {
    for act in [Act::Write(html(502)), Act::WriteAndClose(Vec::new())] {
        let (server, out) = failing(act.clone()).await;
        let client = unsigned(&server);
        let calls = Rc::new(Cell::new(0));
        let local = LocalSet::new();
        let begin = Instant::now();
        let at = move |seconds| begin + Duration::from_secs(seconds);
        for n in 0..200 {
            let (client, calls) = (client.clone(), Rc::clone(&calls));
            local.spawn_local(async move {
                sleep(Duration::from_millis(5 * n)).await;
                while Instant::now() < at(50) {
                    let started = Instant::now();
                    if (at(10)..at(40)).contains(&started) {
                        calls.set(calls.get() + 1);
                    }
                    let result = client.charges().reverse(ID).await;
                    if started >= at(40) {
                        result.unwrap_or_else(|error| {
                            panic!("{:?} after: {error}", started - at(40))
                        });
                    }
                    sleep(Duration::from_secs(1)).await;
                }
            });
        }
        let sends = local
            .run_until(async {
                tokio::time::sleep_until(at(10)).await;
                *out.lock().unwrap() = true;
                let before = server.request_count();
                tokio::time::sleep_until(at(40)).await;
                *out.lock().unwrap() = false;
                server.request_count() - before
            })
            .await;
        local.await;
        let share = sends as f64 / f64::from(calls.get());
        println!("{} calls, {sends} sends: {share:.3}", calls.get());
        assert!(calls.get() > 5_000 && share <= 1.1, "{act:?}: {sends} sends");
    }
}

#[tokio::test(start_paused = true)]
async fn two_seconds_after_an_outage_there_are_retries_again_though_nothing_succeeded() {
    let (server, out) = failing(Act::Write(html(502))).await;
    let client = unsigned(&server);
    *out.lock().unwrap() = true;
    let mut sends = 0;
    for _ in 0..200 {
        sends = client.charges().reverse(ID).await.unwrap_err().attempts().len();
    }
    assert_eq!(sends, 1, "the budget is spent");
    sleep(Duration::from_secs(2)).await;
    let call = tokio::spawn(client.charges().reverse(ID).with_response());
    let before = server.request_count();
    while server.request_count() == before {
        tokio::task::yield_now().await;
    }
    *out.lock().unwrap() = false;
    assert_eq!(call.await.unwrap().unwrap().attempts().len(), 2);
}
