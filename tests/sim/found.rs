//! What simulated worlds found, each as a small world of its own: clocks that are wrong, that are set, or
//! that belong to two machines.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pingpp::simulation::{Simulated, Stream};
use pingpp::{
    Amount, Channel, Charge, Client, ClientBuilder, CreateCharge, CreateRefund, Error, Outcome,
    Recovered, Recovery, Refund, RetryPolicy, Settled,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep};

use crate::books::APP;
use crate::keys;

const ID: &str = "ch_101261123000000000000001";
const HOUR: u64 = 3_600;
/// 2026-11-23 00:00:00 UTC+8.
const EPOCH: u64 = 1_795_363_200;

/// A Ping++ that answers by a script, and the true time.
#[derive(Clone)]
struct Place {
    started: Instant,
    /// From the number of a request, its method and its target to the answer, without a `Date` if that is
    /// true.
    script: Arc<Script>,
    requests: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
    /// Connections are refused for so long.
    refuses_for: Duration,
    /// From then on it begins to read after 16 seconds.
    reads_slowly_from: Duration,
}

type Script = dyn Fn(&Place, usize, &str, &str) -> Answer + Send + Sync;

struct Answer {
    status: u16,
    headers: &'static str,
    body: String,
}

fn answer(status: u16, body: impl ToString) -> Answer {
    Answer { status, headers: "", body: body.to_string() }
}

fn list(data: &[Value]) -> Answer {
    answer(200, json!({ "object": "list", "has_more": false, "data": data }))
}

impl Place {
    fn new(script: impl Fn(&Self, usize, &str, &str) -> Answer + Send + Sync + 'static) -> Self {
        Self {
            started: Instant::now(),
            script: Arc::new(script),
            requests: Arc::default(),
            connections: Arc::default(),
            refuses_for: Duration::ZERO,
            reads_slowly_from: Duration::MAX,
        }
    }

    fn time(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(EPOCH) + self.started.elapsed()
    }

    fn now(&self) -> u64 {
        EPOCH + self.started.elapsed().as_secs()
    }

    /// A machine whose clock is ahead by so many seconds.
    fn machine(&self, ahead: &Arc<AtomicU64>) -> ClientBuilder {
        let (connects, clock, ahead) = (self.clone(), self.clone(), Arc::clone(ahead));
        let system = Simulated {
            connect: Arc::new(move |_| {
                let place = connects.clone();
                Box::pin(async move {
                    if place.started.elapsed() < place.refuses_for {
                        return Err(std::io::ErrorKind::ConnectionRefused.into());
                    }
                    place.connections.fetch_add(1, Relaxed);
                    let (client, server) = duplex(256);
                    tokio::spawn(place.serve(server));
                    Ok(Box::new(client) as Box<dyn Stream>)
                })
            }),
            look_up: Arc::new(|_| Box::pin(std::future::pending())),
            now: Arc::new(move || clock.time() + Duration::from_secs(ahead.load(Relaxed))),
            sign: Some(keys::cheap),
        };
        Client::builder(keys::API_KEY)
            .signing_key(keys::merchant())
            .app(APP)
            .base_url("http://127.0.0.1")
            .no_proxy()
            .retry(RetryPolicy::none())
            .simulated(system)
    }

    fn client(&self, ahead: &Arc<AtomicU64>) -> Client {
        self.machine(ahead).build().unwrap()
    }

    async fn serve(self, mut side: DuplexStream) {
        let mut bytes = Vec::new();
        if self.started.elapsed() >= self.reads_slowly_from {
            sleep(Duration::from_secs(16)).await;
        }
        while side.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
            let text = String::from_utf8(bytes.clone()).unwrap();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case("content-length").then(|| value.parse().unwrap())
            });
            if body.len() < length.unwrap_or(0) {
                continue;
            }
            bytes.clear();
            let mut words = head.split(' ');
            let (method, target) = (words.next().unwrap(), words.next().unwrap());
            let Answer { status, headers, body } =
                (self.script)(&self, self.requests.fetch_add(1, Relaxed), method, target);
            let date = match headers.contains("Date: ") {
                true => String::new(),
                false => format!("Date: {}\r\n", httpdate::fmt_http_date(self.time())),
            };
            let length = body.len();
            let text = format!(
                "HTTP/1.1 {status} Status\r\n{date}{headers}Content-Length: {length}\r\n\r\n{body}"
            );
            if side.write_all(text.as_bytes()).await.is_err() {
                return;
            }
        }
    }

    /// The charge as it is, made now.
    fn charge(&self) -> Value {
        json!({
            "id": ID, "object": "charge", "created": self.now(), "livemode": false, "paid": false,
            "refunded": false, "reversed": false, "app": APP,
            "channel": "alipay_qr", "order_no": "20261123001", "client_ip": "192.0.2.1",
            "amount": 100, "currency": "cny", "subject": "Tea", "body": "Tea", "metadata": {},
            "amount_refunded": 0
        })
    }
}

fn order() -> CreateCharge {
    CreateCharge::builder()
        .order_no("20261123001")
        .channel(Channel::AlipayQr)
        .amount(Amount::from_fen(100))
        .client_ip("192.0.2.1")
        .subject("Tea")
        .body("Tea")
        .build()
}

fn refund() -> CreateRefund {
    CreateRefund::builder().description("cup").metadata([("tag", "1")]).build()
}

/// Only what was created within the filter of the list.
fn filtered(target: &str, item: Value) -> Answer {
    let target = percent_encoding::percent_decode_str(target).decode_utf8().unwrap();
    let bound = |name: &str, missing| {
        let found = target.split(&format!("created[{name}]=")).nth(1);
        found.map_or(missing, |rest| rest.split('&').next().unwrap().parse().unwrap())
    };
    let window = bound("gte", 0)..bound("lt", u64::MAX);
    let is_there = window.contains(&item["created"].as_u64().unwrap());
    list(if is_there { std::slice::from_ref(&item) } else { &[] })
}

/// Loses writes, and lists what they made.
fn loses_writes() -> Place {
    let made = AtomicU64::new(0);
    Place::new(move |place, _, method, target| {
        if method == "POST" {
            made.store(place.now(), Relaxed);
            return answer(502, "<html>");
        }
        let created = made.load(Relaxed);
        if target.contains("/refunds") {
            return filtered(
                target,
                json!({
                    "id": "re_1", "object": "refund", "amount": 1, "created": created,
                    "succeed": true, "status": "succeeded", "charge": ID,
                    "metadata": { "tag": "1" }
                }),
            );
        }
        let mut this = place.charge();
        this["created"] = created.into();
        if target.contains('?') { filtered(target, this) } else { answer(200, this) }
    })
}

/// Seed 213: the time of the lost call, by the clock of the machine that made it, was corrected by what
/// another machine knew about its own clock.
#[tokio::test(start_paused = true)]
async fn a_call_that_was_lost_by_a_machine_with_a_wrong_clock_is_found_by_another_one() {
    let place = loses_writes();
    let wrong = place.client(&Arc::new(AtomicU64::new(HOUR)));
    let error = wrong.charges().create(order()).await.unwrap_err();
    let row = serde_json::to_string(error.recovery().unwrap()).unwrap();

    let right = place.client(&Arc::default());
    right.charges().retrieve(ID).await.unwrap();
    assert!(right.clock_skew().is_some());
    let kept: Recovery = serde_json::from_str(&row).unwrap();
    let recovered = right.recover::<Charge>(&kept).await.unwrap();
    assert!(matches!(recovered, Recovered::Found(_)), "{recovered:?}");
}

/// Seed 73: the clock was set since the last answer, but the time of the lost call was still corrected by
/// how far it had been off before.
#[tokio::test(start_paused = true)]
async fn a_call_that_was_lost_after_the_clock_was_set_is_found() {
    let place = loses_writes();
    let ahead = Arc::new(AtomicU64::new(HOUR));
    let client = place.client(&ahead);
    client.charges().retrieve(ID).await.unwrap();
    assert!(client.clock_skew().unwrap().by > Duration::from_secs(HOUR - 60));
    ahead.store(0, Relaxed);
    assert_eq!(client.clock_skew(), None, "what was measured is not true any more");

    let error = client.refunds(ID).create(refund()).await.unwrap_err();
    let recovered = client.recover::<Refund>(&error).await.unwrap();
    assert!(matches!(recovered, Recovered::Found(_)), "{recovered:?}");
}

/// The same if the clock is set between the call and the look-up.
#[tokio::test(start_paused = true)]
async fn a_call_that_was_lost_before_the_clock_was_set_is_found() {
    let place = loses_writes();
    let ahead = Arc::new(AtomicU64::new(HOUR));
    let client = place.client(&ahead);
    let error = client.charges().create(order()).await.unwrap_err();
    ahead.store(0, Relaxed);
    client.charges().retrieve(ID).await.unwrap();
    let recovered = client.recover::<Charge>(&error).await.unwrap();
    assert!(matches!(recovered, Recovered::Found(_)), "{recovered:?}");
}

/// The times within which it was searched for began with the first attempt, sent or not.
#[tokio::test(start_paused = true)]
async fn a_refund_that_could_be_sent_only_after_eleven_minutes_is_found() {
    let place = Place { refuses_for: Duration::from_secs(660), ..loses_writes() };
    let client = place.client(&Arc::default());
    // The list is not filtered by the clock until it is known.
    let other = place.client(&Arc::default());
    let create = client.refunds(ID).create(refund()).timeout(Duration::from_secs(HOUR));
    let error = create.retry(RetryPolicy::max_sends(10_000)).await.unwrap_err();
    assert_eq!((error.outcome(), place.requests.load(Relaxed)), (Outcome::Unknown, 1));
    for client in [client, other] {
        client.charges().retrieve(ID).await.unwrap();
        let recovered = client.recover::<Refund>(&error).await.unwrap();
        assert!(matches!(recovered, Recovered::Found(_)), "{recovered:?}");
    }
}

/// The settlement took the time from a `Date` that was not Ping++'s, or was old, so that with the next good
/// answer the ten minutes in which a lost create is searched for were over.
#[tokio::test(start_paused = true)]
async fn a_date_of_somebody_in_between_does_not_end_the_search_for_a_lost_create() {
    const OLD: &str = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    const CACHED: &str = "Age: 900\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    const REFUSED: &str = r#"{"error":{"type":"invalid_request_error","message":"m"}}"#;
    let page = || Answer { status: 502, headers: OLD, body: "<html>".into() };
    let html = || Answer { status: 200, headers: OLD, body: "<html>".into() };
    let refusal = || Answer { status: 404, headers: CACHED, body: REFUSED.into() };
    for (created, first_search) in [(page(), None), (html(), None), (page(), Some(refusal()))] {
        let (created, first_search) = (Arc::new(created), Arc::new(first_search));
        let copy = |answer: &Answer| Answer { body: answer.body.clone(), ..*answer };
        let place = Place::new(move |place, number, method, target| {
            let mut this = place.charge();
            (this["paid"], this["time_paid"]) = (true.into(), place.now().into());
            match (method, number) {
                ("POST", _) => copy(&created),
                (_, 1) => first_search.as_ref().as_ref().map_or_else(|| list(&[]), copy),
                (_, 2) => list(&[]),
                _ if target.contains('?') => list(&[this]),
                _ => answer(200, this),
            }
        });
        let settled = place.client(&Arc::default()).charges().create_and_settle(order()).await;
        let settled = settled.unwrap();
        assert!(matches!(settled, Settled::Paid(_)), "{settled}");
    }
}

/// Seed 162005: the clock was measured by all attempts of a call together, so that it was off by the pauses
/// between them.
#[tokio::test(start_paused = true)]
async fn a_wrong_clock_is_measured_by_the_attempt_that_was_answered() {
    let place = Place::new(|place, number, _, _| {
        let mut this = place.charge();
        if number > 1 {
            (this["paid"], this["time_paid"]) = (true.into(), place.now().into());
        }
        match number {
            0 => Answer { status: 503, headers: "Retry-After: 20\r\n", body: "<html>".into() },
            _ => answer(200, this),
        }
    });
    let client = place.machine(&Arc::new(AtomicU64::new(HOUR)));
    let client = client.retry(RetryPolicy::max_sends(2)).build().unwrap();
    let tokens = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&tokens);
    let settlement = client.charges().create_and_settle(order()).on_step(move |step| {
        kept.lock().unwrap().push(step.token.to_string());
        async { Ok(()) }
    });
    settlement.await.unwrap();
    let tokens = tokens.lock().unwrap();
    let offset = tokens
        .iter()
        .find_map(|token| serde_json::from_str::<Value>(token).unwrap()["clock_offset"].as_i64());
    let off_by = offset.unwrap() + 1_000 * HOUR as i64;
    assert!(off_by.abs() <= 1_000, "{off_by} ms");
}

/// Seed 6068: a process was frozen in the middle of a second create, and completed it two minutes later. On
/// some channels that is a second charge. A server that reads slowly does the same.
#[tokio::test(start_paused = true)]
async fn a_second_create_that_is_read_slowly_is_not_completed_after_its_window() {
    let place = Place::new(|_, _, _, _| Answer {
        status: 503,
        headers: "Retry-After: 20\r\n",
        body: "<html>".into(),
    });
    let place = Place { reads_slowly_from: Duration::from_secs(39), ..place };
    let create = place.client(&Arc::default()).charges().create(order());
    let error = create.retry(RetryPolicy::max_sends(3)).await.unwrap_err();
    assert_eq!((error.outcome(), error.attempts().len()), (Outcome::Unknown, 3));
    assert!(matches!(&error, Error::Transport(error) if error.is_timeout()), "{error}");
    assert_eq!(place.connections.load(Relaxed), 3, "the third attempt was under way");
    assert_eq!(place.requests.load(Relaxed), 2, "and complete after 56 s");
}
