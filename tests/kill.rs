//! A process that settles over a directory of tokens is killed (SIGKILL) again and again, against a
//! sandbox with faults: nothing is lost, nothing is stuck, and every ending is the truth.
//!
//! `cargo test` kills it ten times; `PINGPP_KILLS=100 cargo test --test kill` takes a minute.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pingpp::sandbox::{Fault, Sandbox};
use pingpp::settle::Next;
use pingpp::{
    Amount, Charge, Client, CreateCharge, ListCharges, PayBy, SettleToken, Settled, SigningKey,
};
use tokio::task::JoinSet;
use tokio::time::sleep;

const ORDERS: usize = 240;
/// Says to a child where the tokens and the sandbox are.
const DIRECTORY: &str = "PINGPP_TEST_KILLED_DIRECTORY";
const URL: &str = "PINGPP_TEST_KILLED_URL";

fn order(n: usize) -> CreateCharge {
    CreateCharge::builder()
        .order_no(format!("20261123{n:04}"))
        // The channel gives money back if it is reversed after the payment; or does not.
        .channel(if n.is_multiple_of(2) {
            PayBy::alipay_scan("281000000000000003")
        } else {
            pingpp::Channel::AlipayQr.into()
        })
        .amount(Amount::from_fen(100))
        .client_ip([192, 0, 2, 1])
        .subject("Tea")
        .body("A pot of Longjing")
        .build()
}

/// Replaced as a whole, so that a killed process leaves the old token or the new one.
fn keep(path: &Path, token: &SettleToken) {
    let new = path.with_extension("new");
    std::fs::write(&new, token.to_string()).unwrap();
    std::fs::rename(new, path).unwrap();
}

fn read(path: &Path) -> SettleToken {
    std::fs::read_to_string(path).unwrap().parse().unwrap()
}

fn rows(directory: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|end| end == "json")).collect()
}

/// The process that is killed: steps every token that has not ended, again and again.
async fn worker(directory: &Path) {
    let key = include_str!("../src/sandbox/keys/merchant.pem");
    let client = Client::builder("sk_test_sandbox0000000000000000")
        .signing_key(SigningKey::from_pem(key).unwrap())
        .app("app_sandbox000000001")
        .base_url(std::env::var(URL).unwrap())
        .attempt_timeout(Duration::from_millis(300))
        .timeout(Duration::from_millis(900))
        .no_proxy();
    let client = client.build().unwrap();
    let mut open = rows(directory);
    while !open.is_empty() {
        fastrand::shuffle(&mut open);
        let mut stepping = JoinSet::new();
        let mut left = Vec::new();
        for path in open {
            if stepping.len() >= 16 {
                left.extend(stepping.join_next().await.unwrap().unwrap());
            }
            let client = client.clone();
            stepping.spawn(async move { step(&client, path).await });
        }
        left.extend(stepping.join_all().await.into_iter().flatten());
        open = left;
    }
}

/// Steps a row; gives it back unless it has ended.
async fn step(client: &Client, path: PathBuf) -> Option<PathBuf> {
    let mut token = read(&path);
    if matches!(token.ending(), Some(Settled::Unresolved(_))) {
        token.reopen();
    }
    let (token, has_ended) = match token.step(client).await.unwrap() {
        Next::Wait(token, _) => (token, false),
        Next::Ended(token, settled) => (token, !matches!(settled, Settled::Unresolved(_))),
        other => panic!("{other:?}"),
    };
    keep(&path, &token);
    (!has_ended).then_some(path)
}

fn start(directory: &Path, sandbox: &Sandbox) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["kills_lose_nothing_and_leave_nothing_stuck", "--exact", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(URL, sandbox.base_url())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_lose_nothing_and_leave_nothing_stuck() {
    // This process is the one that is killed.
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        return worker(Path::new(&directory)).await;
    }
    let sandbox = Sandbox::start().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let client = sandbox.client();
    for n in 0..ORDERS {
        let row = directory.path().join(format!("{n:04}.json"));
        // Each eighth died after its create was sent, each fortieth before.
        let token = client.charges().create_and_settle(order(n)).token().unwrap();
        if n % 40 == 1 {
            keep(&row, &token);
            continue;
        }
        let charge = client.charges().create(order(n)).await.unwrap();
        let options = client.charges().settle(&charge.id).accept_late_payment(n % 5 > 0);
        keep(&row, &if n % 8 == 2 { token } else { options.token().unwrap() });
        if n % 3 > 0 {
            // Some pay in time, some late, some after they were closed.
            sandbox.pay_after(&charge.id, Duration::from_secs(fastrand::u64(20..300)));
        }
    }
    for (fault, share) in [
        (Fault::close(), 0.06),
        (Fault::close().after_acting(), 0.08),
        (Fault::bad_gateway(), 0.05),
        (Fault::bad_gateway().after_acting(), 0.05),
        (Fault::garbage().after_acting(), 0.02),
        (Fault::forbidden(), 0.02),
        (Fault::payment_required("channel_connection_error"), 0.03),
    ] {
        sandbox.fail(fault, share);
    }
    let begun = Instant::now();
    let kills = std::env::var("PINGPP_KILLS").map_or(10, |n| n.parse().unwrap());
    for _ in 0..kills {
        let mut child = start(directory.path(), &sandbox);
        for _ in 0..fastrand::u64(1..12) {
            sleep(Duration::from_millis(30)).await;
            sandbox.advance(Duration::from_secs(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let killed = begun.elapsed();
    sandbox.heal();
    let mut child = start(directory.path(), &sandbox);
    let status = loop {
        sandbox.advance(Duration::from_secs(30));
        sleep(Duration::from_millis(50)).await;
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(begun.elapsed() < Duration::from_secs(240), "stuck");
    };
    assert!(status.success(), "{status}");

    let mut endings = BTreeMap::<&str, usize>::new();
    let truth = truth(&client).await;
    for row in rows(directory.path()) {
        let token = read(&row);
        let settled = token.ending().expect("each row has ended");
        let name = is_true(&settled, &truth, token.order_no().unwrap());
        *endings.entry(name).or_default() += 1;
    }
    assert_eq!(endings.values().sum::<usize>(), ORDERS, "none is lost");
    println!("{kills} kills in {killed:?}, {:?} in all: {endings:?}", begun.elapsed());
}

/// What the sandbox's books say, by the number of the order.
async fn truth(client: &Client) -> BTreeMap<String, Charge> {
    let mut charges = client.charges().list(ListCharges::builder()).limit(100);
    let mut truth = BTreeMap::new();
    while let Some(charge) = charges.next().await.unwrap() {
        assert_eq!(truth.insert(charge.order_no.clone(), charge), None, "created twice");
    }
    truth
}

fn is_true(settled: &Settled, truth: &BTreeMap<String, Charge>, order_no: &str) -> &'static str {
    let state = truth.get(order_no).map(|charge| (charge.paid, charge.reversed == Some(true)));
    let (name, is_true) = match settled {
        Settled::Paid(_) => ("paid", state == Some((true, false))),
        Settled::NeedsRefund(_) => ("needs a refund", state == Some((true, false))),
        Settled::Closed(_) => ("closed", state == Some((false, true))),
        Settled::Refunded(_) => ("refunded", state == Some((true, true))),
        Settled::Failed(_) => ("failed", state == Some((false, false))),
        Settled::NotCreated(_) => ("not created", state.is_none()),
        _ => ("?", false),
    };
    assert!(is_true, "{order_no}: {settled}, and in truth {state:?}");
    name
}
