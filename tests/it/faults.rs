//! Every operation against every fault: what was sent, what was done, and what the caller was told.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pingpp::{Error, Outcome};
use serde_json::Value;
use tokio::net::TcpSocket;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::API_KEY;
use crate::ledger::{Ledger, OPS, Op, beside, body, done};
use crate::raw::{Accept, Act, Plan, Received, Server, html, json as answer, with_headers};
use crate::transport::Authority;

const PLAIN: &str = r#"{"error":{"type":"invalid_request_error","message":"m"}}"#;

const GATEWAY: &str = r#"{"error":{"type":"throttled","message":"Too Many Requests"}}"#;
const DOUBTFUL: &str = r#"{"error":{"type":"channel_error","code":"channel_connection_error"}}"#;
const ODD: &str = r#"{"error":{"type":"invalid_request_error","param":[1],"message":{}}}"#;

/// The true answer with this field turned round.
fn changed(request: &Received, field: &str) -> Vec<u8> {
    let mut body: Value = serde_json::from_str(&body(request)).unwrap();
    body[field] = (!body[field].as_bool().unwrap_or_default()).into();
    answer(200, &body.to_string())
}

/// The order number of every case; each case has a server of its own.
const ORDER: &str = "20261123001";

/// What a fault promises, apart from who may repeat.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Promise {
    /// Nothing was sent.
    Unsent,
    /// As `Unsent`, and not tried again.
    Unsendable,
    /// The connection is closed as it is opened: whether something was sent only timing tells.
    Closed,
    Lost,
    /// An answer that cannot be read: asked once more.
    Garbled,
    Unclear,
    Limited,
    /// Limited, but who says so is not known.
    Throttled,
    /// Refused by somebody in between.
    Foreign,
    /// A reverse that is answered as not done.
    NotDone,
    /// About live money, though the key is one of test mode.
    OtherMode,
    /// The answer before was followed by another one, which must not be taken for this one's.
    Leftover,
    Refused,
    Redirected,
    /// The second request of a kept connection is not answered; the client is not to blame.
    Stale,
}

pub(crate) enum How {
    Act(fn(&Received) -> Act),
    Accept(Accept),
    /// Nobody listens at the port.
    Nobody,
    /// A certificate by somebody else, or for another name.
    Certificate(&'static str),
}

pub(crate) struct Fault {
    name: &'static str,
    pub(crate) how: How,
    /// The server does what it is asked before it fails.
    pub(crate) acts: bool,
    promise: Promise,
}

pub(crate) fn faults() -> Vec<Fault> {
    use Promise::{
        Closed, Foreign, Garbled, Leftover, Limited, Lost, NotDone, OtherMode, Redirected, Refused,
        Stale, Throttled, Unclear, Unsendable, Unsent,
    };
    let fault = |name, acts, promise, act| Fault { name, how: How::Act(act), acts, promise };
    let accept =
        |name, accept| Fault { name, how: How::Accept(accept), acts: false, promise: Closed };
    let tls =
        |name, host| Fault { name, how: How::Certificate(host), acts: false, promise: Unsendable };
    fn coded(code: &str) -> Vec<u8> {
        answer(402, &format!(r#"{{"error":{{"type":"channel_error","code":"{code}"}}}}"#))
    }
    fn cut(request: &Received, short_by: usize) -> Vec<u8> {
        let mut whole = done(request);
        whole.truncate(whole.len() - short_by);
        whole
    }
    vec![
        Fault { name: "refused", how: How::Nobody, acts: false, promise: Unsent },
        accept("reset on accept", Accept::Reset),
        accept("FIN on accept", Accept::Close),
        tls("unknown authority", "localhost"),
        tls("certificate for another name", "example.com"),
        fault("FIN instead of acting", false, Lost, |_| Act::WriteAndClose(Vec::new())),
        fault("FIN after acting", true, Lost, |_| Act::WriteAndClose(Vec::new())),
        fault("reset after acting", true, Lost, |_| Act::WriteAndReset(Vec::new())),
        fault("kept connection closed", true, Stale, |_| Act::WriteAndClose(Vec::new())),
        fault("stall before the head", true, Lost, |_| Act::WriteAndStall(Vec::new())),
        fault("stall in the body", true, Lost, |request| Act::WriteAndStall(cut(request, 9))),
        fault("trickle", true, Lost, |request| {
            Act::Trickle(done(request), Duration::from_millis(20))
        }),
        fault("truncated", true, Lost, |request| Act::WriteAndClose(cut(request, 1))),
        fault("reset in the body", true, Lost, |request| Act::WriteAndReset(cut(request, 9))),
        fault("Content-Length too small", true, Garbled, |request| {
            let body = body(request);
            let short =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len() - 5);
            Act::WriteAndClose(short.into_bytes())
        }),
        fault("garbage", true, Lost, |_| Act::WriteAndClose(b"\x16\x03\x01 oops\r\n\r\n".to_vec())),
        fault("200 null", true, Garbled, |_| Act::Write(answer(200, "null"))),
        fault("200 HTML", true, Garbled, |_| Act::Write(html(200))),
        fault("200 about something else", true, Unclear, |request| {
            Act::Write(answer(200, &beside(request)))
        }),
        fault("200 gzip", true, Garbled, |_| {
            Act::Write(with_headers(200, "Content-Encoding: gzip\r\n", b"\x1f\x8b"))
        }),
        fault("307 to another host", true, Redirected, |_| {
            Act::Write(with_headers(307, "Location: http://192.0.2.1/\r\n", b""))
        }),
        fault("400", false, Refused, |_| Act::Write(answer(400, PLAIN))),
        fault("401", false, Refused, |_| Act::Write(answer(401, PLAIN))),
        fault("402 charge_closed", false, Refused, |_| Act::Write(coded("charge_closed"))),
        fault("402 channel_connection_error", true, Unclear, |_| {
            Act::Write(coded("channel_connection_error"))
        }),
        fault("403 JSON", false, Limited, |_| Act::Write(answer(403, PLAIN))),
        fault("403 HTML", false, Foreign, |_| Act::Write(html(403))),
        fault("403 HTML after acting", true, Foreign, |_| Act::Write(html(403))),
        fault("403 JSON of a gateway", true, Throttled, |_| Act::Write(answer(403, GATEWAY))),
        fault("403 channel_connection_error", true, Unclear, |_| Act::Write(answer(403, DOUBTFUL))),
        fault("400 empty", true, Foreign, |_| Act::Write(answer(400, ""))),
        fault("400 with an odd param", false, Refused, |_| Act::Write(answer(400, ODD))),
        fault("404", false, Refused, |_| Act::Write(answer(404, PLAIN))),
        fault("408", true, Lost, |_| Act::Write(answer(408, PLAIN))),
        fault("429 JSON", false, Limited, |_| Act::Write(answer(429, PLAIN))),
        fault("429 HTML", true, Foreign, |_| Act::Write(html(429))),
        fault("500", true, Lost, |_| Act::Write(answer(500, PLAIN))),
        fault("502 HTML", true, Lost, |_| Act::Write(html(502))),
        fault("503 Retry-After: 1", true, Lost, |_| {
            Act::Write(with_headers(503, "Retry-After: 1\r\n", b""))
        }),
        fault("1xx flood", true, Lost, |_| {
            Act::Trickle(b"HTTP/1.1 102 Processing\r\n\r\n".repeat(200), Duration::ZERO)
        }),
        fault("reversed: false", true, NotDone, |request| Act::Write(changed(request, "reversed"))),
        fault("livemode: true", true, OtherMode, |request| {
            Act::Write(changed(request, "livemode"))
        }),
        fault("answer repeated", true, Leftover, |request| Act::Write(done(request).repeat(2))),
        fault("unasked 400 behind the answer", true, Leftover, |request| {
            Act::Write([done(request), answer(400, PLAIN)].concat())
        }),
        fault("unasked 404 behind the answer", true, Leftover, |request| {
            Act::Write([done(request), answer(404, PLAIN)].concat())
        }),
        fault("unasked 408 behind the answer", true, Leftover, |request| {
            Act::Write([done(request), answer(408, PLAIN)].concat())
        }),
    ]
}

/// What is promised: how many requests the server reads, and how the call may end; `None` is success.
fn promised(
    op: Op,
    promise: Promise,
    for_ever: bool,
) -> (RangeInclusive<usize>, &'static [Option<Outcome>]) {
    use Outcome::{NotSent, Rejected, Unknown};
    let most = if op == Op::Create { 3 } else { 4 };
    // Of a write, since only a read is sure to have changed nothing.
    let refused = if op.reads() { Rejected } else { Unknown };
    let again = match promise {
        Promise::Unsent | Promise::Stale => true,
        Promise::Lost
        | Promise::Garbled
        | Promise::Closed
        | Promise::Limited
        | Promise::Throttled => op != Op::Refund,
        _ => false,
    };
    let failed: &[_] = match promise {
        Promise::Unsent | Promise::Unsendable => &[Some(NotSent)],
        Promise::Closed if again => &[Some(NotSent), Some(Unknown)],
        Promise::Closed if for_ever => &[Some(NotSent), Some(Unknown)],
        // Noticed before a byte was written, it is sent again.
        Promise::Closed => &[Some(Unknown), None],
        Promise::Limited | Promise::Refused => &[Some(Rejected)],
        Promise::Redirected | Promise::Throttled | Promise::Foreign if refused == Rejected => {
            &[Some(Rejected)]
        }
        Promise::NotDone if op != Op::Reverse => &[None],
        Promise::Stale | Promise::Leftover => &[None],
        _ => &[Some(Unknown)],
    };
    let reads = match (promise, again, for_ever) {
        // A refund has a connection to itself, which the fault does not reach.
        (Promise::Stale, ..) => {
            if op == Op::Refund {
                1..=1
            } else {
                2..=2
            }
        }
        (Promise::Unsent | Promise::Closed, true, false) => 1..=1,
        (Promise::Closed, false, false) => 0..=1,
        (Promise::Unsent | Promise::Closed | Promise::Unsendable, ..) => 0..=0,
        (_, true, false) => 2..=2,
        (Promise::Garbled, true, true) => 2..=2,
        (_, true, true) => most..=most,
        (_, false, _) => 1..=1,
    };
    (reads, if again && !for_ever { &[None] } else { failed })
}

/// Fails the first time, or every time.
#[derive(Clone)]
struct Failing {
    failed: Arc<AtomicBool>,
    for_ever: bool,
    /// How often.
    injected: Arc<AtomicUsize>,
}

impl Failing {
    fn now(&self) -> bool {
        !self.failed.swap(true, SeqCst) || self.for_ever
    }
}

fn plan(fault: &Fault, failing: &Failing, ledger: Arc<Mutex<Ledger>>) -> Plan {
    let (acts, stale) = (fault.acts, fault.promise == Promise::Stale);
    let (failing, injected) = (failing.clone(), Arc::clone(&failing.injected));
    let fault = if let How::Act(act) = fault.how { Some(act) } else { None };
    let used = Mutex::new(HashSet::new());
    Server::plan(move |request: &Received| {
        let kept = !used.lock().unwrap().insert(request.connection);
        let fails = (kept || !stale) && fault.is_some() && failing.now();
        if !fails || acts {
            ledger.lock().unwrap().enter(request);
        }
        match fault {
            Some(act) if fails => {
                injected.fetch_add(1, SeqCst);
                act(request)
            }
            _ => Act::Write(done(request)),
        }
    })
}

/// Runs one case; its line of the table, every promise it broke, and how often the fault struck.
async fn run(op: Op, fault: Arc<Fault>, for_ever: bool) -> (String, Vec<String>, usize) {
    let ledger = Arc::<Mutex<Ledger>>::default();
    let failing = Failing { failed: Arc::default(), for_ever, injected: Arc::default() };
    let plan = plan(&fault, &failing, Arc::clone(&ledger));
    let authority = Authority::new();
    let mut late = None;
    let mut held = None;
    let server = match fault.how {
        How::Act(_) => plan.start().await,
        How::Accept(accept) => {
            let failing = failing.clone();
            let accept = move |_| {
                if failing.now() {
                    failing.injected.fetch_add(1, SeqCst);
                    accept
                } else {
                    Accept::Serve
                }
            };
            plan.on_accept(accept).start().await
        }
        How::Certificate(host) => plan.tls(authority.acceptor(host)).start().await,
        How::Nobody => {
            // Bound, so that nobody else is given the port.
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
            let port = socket.local_addr().unwrap().port();
            if for_ever {
                held = Some(socket);
            } else {
                late = Some(tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    plan.start_on(socket.listen(64).unwrap())
                }));
            }
            Server::nobody(port)
        }
    };
    let mut builder = server.builder();
    if fault.name.starts_with("stall") || fault.name == "trickle" || fault.name == "1xx flood" {
        builder = builder.attempt_timeout(Duration::from_millis(500));
        if op == Op::Refund {
            builder = builder.timeout(Duration::from_millis(500));
        }
    }
    if fault.name == "certificate for another name" {
        builder = builder.root_certificate(authority.pem());
    }
    let client = builder.build().unwrap();
    let warmed = usize::from(matches!(fault.promise, Promise::Stale | Promise::Leftover));
    if warmed == 1 {
        Op::Retrieve.call(&client, ORDER).await.unwrap();
    }
    let result = op.call(&client, ORDER).await;
    let server = match late {
        Some(late) => late.await.unwrap(),
        None => server,
    };
    drop(held);

    let requests = &server.requests()[warmed..];
    let effects = ledger.lock().unwrap().effects(op, ORDER);
    let broken = broken(op, &fault, for_ever, &result, requests, effects);
    let end = match &result {
        Ok(_) => "Ok".to_owned(),
        Err(error) => format!("{:?}", error.outcome()),
    };
    let times = if for_ever { "for ever" } else { "once" };
    let injected = match fault.how {
        How::Act(_) | How::Accept(_) => failing.injected.load(SeqCst),
        // Each attempt meets it.
        How::Nobody | How::Certificate(_) => match &result {
            Ok(_) => 1,
            Err(error) => error.attempts().len(),
        },
    };
    let line = format!(
        "{:8} | {:30} | {times:8} | {:4} faults | {} sent | {effects} done | {end}",
        format!("{op:?}"),
        fault.name,
        injected,
        requests.len()
    );
    let broken = broken.into_iter().map(|broken| format!("{line}: {broken}")).collect();
    (line, broken, injected)
}

/// Checks the row of the table, and the five invariants.
fn broken(
    op: Op,
    fault: &Fault,
    for_ever: bool,
    result: &Result<Value, Error>,
    requests: &[Received],
    effects: usize,
) -> Vec<String> {
    let mut broken = Vec::new();
    let mut check = |holds: bool, promise: &str| {
        if !holds {
            broken.push(promise.to_owned());
        }
    };
    let (reads, ends) = promised(op, fault.promise, for_ever);
    let end = result.as_ref().err().map(Error::outcome);
    check(reads.contains(&requests.len()), &format!("sends, promised {reads:?}"));
    check(ends.contains(&end), &format!("outcome, promised {ends:?}"));

    check(effects <= 1, "no duplicate");
    check(requests.windows(2).all(|pair| pair[0].body == pair[1].body), "the same bytes");
    match result {
        Ok(value) => {
            check(op.reads() || effects == 1, "no success for a failure");
            // Of no concern to anything but a reverse.
            let may_lie = fault.promise == Promise::NotDone;
            let sent: Value = serde_json::from_str(&body(requests.last().unwrap())).unwrap();
            let is_whole = *value == *sent.get("data").unwrap_or(&sent);
            check(is_whole || may_lie, "nothing of the answer lost");
        }
        Err(error) => {
            let unknown = error.outcome() == Outcome::Unknown;
            check(unknown || effects == 0, "no failure for a success");
            check(error.recovery().is_some() == unknown, "a way out if there is doubt");
            let counted = matches!(fault.how, How::Act(_));
            check(!counted || error.attempts().len() == requests.len(), "every send reported");
            let text = format!("{error} {error:?} {error:#?}");
            check(!text.contains(API_KEY), "no API key in an error");
            let signatures = requests.iter().filter_map(|r| r.header("pingplusplus-signature"));
            check(signatures.clone().count() == requests.len(), "every send signed");
            check(!signatures.into_iter().any(|s| text.contains(s)), "no signature in an error");
        }
    }
    broken
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_an_operation_is_done_once_at_most_and_the_outcome_is_true() {
    let at_a_time = Arc::new(Semaphore::new(32));
    let mut cases = JoinSet::new();
    for (n, fault) in faults().into_iter().map(Arc::new).enumerate() {
        for (op, for_ever) in OPS.iter().flat_map(|&op| [(op, false), (op, true)]) {
            let (fault, at_a_time) = (Arc::clone(&fault), Arc::clone(&at_a_time));
            cases.spawn(async move {
                let _permit = at_a_time.acquire().await.unwrap();
                (n, op as usize, for_ever, run(op, fault, for_ever).await)
            });
        }
    }
    let mut rows = cases.join_all().await;
    rows.sort_by_key(|&(n, op, for_ever, _)| (op, n, for_ever));
    let mut table = String::new();
    let names: Vec<_> = faults().into_iter().map(|fault| fault.name).collect();
    let mut counts = vec![0; names.len()];
    for (n, .., (line, _, injected)) in &rows {
        writeln!(table, "{line}").unwrap();
        counts[*n] += injected;
    }
    for (name, count) in names.into_iter().zip(counts) {
        writeln!(table, "{name}: {count} times").unwrap();
        assert!(count > 0, "{name} never struck");
    }
    let broken: Vec<_> = rows.iter().flat_map(|(.., (_, broken, _))| broken).collect();
    println!("{table}{} cases, {} promises broken", rows.len(), broken.len());
    assert!(broken.is_empty(), "{broken:#?}");
}
