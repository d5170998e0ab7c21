//! Options of the sandbox: apps, admission, snapshots, the charges of the start.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pingpp::sandbox::{Fault, Options, Sandbox};
use pingpp::{Amount, Charge, CreateRefund, Error, ListCharges, ListEvents, Request, RetryPolicy};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::order;

async fn start(options: impl Into<Options>) -> Sandbox {
    Sandbox::start_with(options).await.unwrap()
}

/// Sends a `GET` with these headers beside the API key: the status, and the message if it is refused.
async fn get(sandbox: &Sandbox, target: &str, headers: &[(&str, String)]) -> (u16, String) {
    let address = &sandbox.base_url()["http://".len()..];
    let mut text = format!(
        "GET {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nAuthorization: Bearer {}\r\n",
        sandbox.api_key()
    );
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{text}\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    let message = body["error"]["message"].as_str().unwrap_or_default();
    (head[9..12].parse().unwrap(), message.to_owned())
}

#[tokio::test]
async fn each_app_has_its_own_charges() {
    let sandbox = start(Options::builder().apps(["app_1", "app_2"])).await;
    let (first, second) = (sandbox.client(), sandbox.client().with_app("app_2"));
    let mine = first.charges().create(order("1")).await.unwrap();
    // The number is free in the other app.
    let other = second.charges().create(order("1")).await.unwrap();
    assert_ne!(mine.id, other.id);
    for (client, id) in [(&first, &mine.id), (&second, &other.id)] {
        let mut list = client.charges().list(ListCharges::builder().build());
        let items = list.next_page().await.unwrap().unwrap().items;
        assert_eq!(items.iter().map(|charge| &charge.id).collect::<Vec<_>>(), [id]);
    }
    let stranger = sandbox.client().with_app("app_3");
    let refused = stranger.charges().create(order("2")).await.unwrap_err();
    assert_eq!(refused.status(), Some(400), "{refused}");

    let sandbox = start(Options::builder().any_app(true)).await;
    let anybody = sandbox.client().with_app("app_3");
    assert!(anybody.charges().create(order("2")).await.is_ok());
    assert!(Sandbox::start_with(Options::builder().apps([""; 0])).await.is_err());
}

#[tokio::test]
async fn reads_may_be_unsigned_if_it_is_told_so_but_never_writes() {
    let sandbox = start(Options::builder().unsigned_reads(true)).await;
    assert_eq!(get(&sandbox, "/v1/charges/ch_none", &[]).await.0, 404);
    let client = pingpp::Client::builder(sandbox.api_key()).app(sandbox.app()).unsigned();
    let client = client.base_url(sandbox.base_url()).no_proxy().build().unwrap();
    let refused = client.charges().create(order("1")).await.unwrap_err();
    assert_eq!(refused.status(), Some(401));
    // A signature that is there has to be right.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().to_string();
    let wrong =
        [("Pingplusplus-Request-Timestamp", now), ("Pingplusplus-Signature", "AAAA".into())];
    assert_eq!(get(&sandbox, "/v1/charges/ch_none", &wrong).await.0, 401);

    let strict = start(Options::builder()).await;
    let (status, message) = get(&strict, "/v1/charges/ch_none", &[]).await;
    // Neither signature nor timestamp: the signature is what a merchant has forgotten.
    assert!(status == 401 && message.contains("not signed"), "{message}");
}

#[tokio::test]
async fn the_clock_of_a_request_may_be_off_by_the_tolerance() {
    for (tolerance, ahead, wanted) in [(300, 290, 404), (300, 320, 401), (60, 290, 401)] {
        let options =
            Options::builder().clock_tolerance(Duration::from_secs(tolerance)).clock_ahead(ahead);
        let sandbox = start(options).await;
        // The first request of a client, before it knows the clock of the server.
        let found = sandbox.client().charges().retrieve("ch_none").retry(RetryPolicy::none());
        assert_eq!(found.await.unwrap_err().status(), Some(wanted), "{tolerance} {ahead}");
    }
}

#[tokio::test]
async fn what_is_beyond_max_concurrent_is_refused_until_the_others_have_ended() {
    let sandbox = start(Options::builder().max_concurrent(1)).await;
    let client = sandbox.builder().build().unwrap();
    sandbox.fail_next(Fault::stall());
    let stalled = client.charges().retrieve("ch_none");
    let stalled = tokio::spawn(stalled);
    while sandbox.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let other = sandbox.client();
    let create = || other.charges().create(order("1")).retry(RetryPolicy::none());
    let refused = create().await.unwrap_err();
    assert_eq!(refused.status(), Some(403), "{refused}");
    assert_eq!(refused.outcome(), pingpp::Outcome::Rejected);
    stalled.abort();
    assert!(stalled.await.unwrap_err().is_cancelled());
    drop(client);
    // Its connection closes, which the sandbox notices in its own time.
    let made = loop {
        match create().await {
            Err(error) if error.status() == Some(403) => {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            other => break other.unwrap(),
        }
    };
    let mut list = other.charges().list(ListCharges::builder().build());
    let items = list.next_page().await.unwrap().unwrap().items;
    assert_eq!(items, [made], "what was refused was not done");
}

#[tokio::test]
async fn reset_goes_back_to_the_start() {
    let seed = json!([{
        "id": "ch_mine", "order_no": "1", "channel": "alipay_qr", "amount": 100,
        "client_ip": "192.0.2.1", "currency": "cny", "subject": "s", "body": "b",
    }]);
    let sandbox = start(Options::builder().seed(seed.to_string())).await;
    let charges = sandbox.client().charges();
    assert!(sandbox.pay("ch_mine"));
    let other = charges.create(order("2")).await.unwrap();
    sandbox.advance(Duration::from_secs(86_400));
    sandbox.fail(Fault::bad_gateway(), 1.0);
    sandbox.reset();
    assert!(sandbox.requests().is_empty() && sandbox.events().is_empty());
    let mine = charges.retrieve("ch_mine").await.unwrap();
    assert!(!mine.paid && seconds_since(mine.created) < 60);
    assert_eq!(charges.retrieve(other.id).await.unwrap_err().status(), Some(404));
    assert_eq!(sandbox.postings(), 0);
}

/// Waits for a delivery, of which the head and the body arrive at once.
async fn delivery(merchant: &TcpListener) -> TcpStream {
    let (mut stream, _) = merchant.accept().await.unwrap();
    assert!(stream.read(&mut [0; 16 * 1024]).await.unwrap() > 0);
    stream
}

#[tokio::test]
async fn a_delivery_that_ends_after_a_reset_says_nothing_about_the_new_events() {
    let merchant = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", merchant.local_addr().unwrap());
    let sandbox = start(Options::builder().webhook(url)).await;
    let client = sandbox.client();
    let pay = async || {
        let charge = client.charges().create(order("1")).await.unwrap();
        assert!(sandbox.pay(&charge.id));
        delivery(&merchant).await
    };
    let mut old = pay().await;
    sandbox.reset();
    let _new = pay().await;
    old.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    // The sandbox has read the answer when it closes the connection.
    while old.read(&mut [0; 1024]).await.unwrap() > 0 {}
    for _ in 0..20 {
        let mut list = client.events().list(ListEvents::builder());
        let events = list.next_page().await.unwrap().unwrap().items;
        assert_eq!(events[0].pending_webhooks, Some(1), "nobody has accepted it");
    }
}

fn seconds_since(time: Option<pingpp::Timestamp>) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    time.unwrap().as_unix().unsigned_abs().abs_diff(now)
}

fn with_state(state: &str) -> Options {
    Options::builder().state(state).build()
}

#[tokio::test]
async fn a_sandbox_goes_on_where_its_snapshot_was_taken() -> Result<(), Error> {
    let first = start(Options::builder()).await;
    let client = first.client();
    first.advance(Duration::from_secs(1_000_000));
    let charge = client.charges().create(order("1")).await?;
    assert!(first.pay(&charge.id));
    let refund = CreateRefund::builder().amount(Amount::from_fen(40)).description("x");
    let refund = client.refunds(&charge.id).create(refund).await?;
    let open = client.charges().create(order("2")).await?;
    assert!(first.pay_after(&open.id, Duration::from_secs(10)));
    let bonus = json!({ "user": "user_1", "amount": 500, "order_no": "b1" });
    let bonuses = "/v1/apps/{app}/balance_bonuses";
    let bonus = Request::post(bonuses, &[first.app()]).json(&bonus);
    let bonus: Value = client.call(bonus).await?;
    let (snapshot, postings, events) = (first.snapshot(), first.postings(), first.events().len());
    drop(first);

    let second = start(with_state(&snapshot)).await;
    let client = second.client();
    second.check_books().unwrap();
    assert_eq!((second.postings(), second.events().len()), (postings, events));
    assert!(client.charges().retrieve(&charge.id).await?.paid);
    let user = Request::get("/v1/apps/{app}/users/user_1", &[second.app()]);
    assert_eq!(client.call::<Value>(user).await?["available_balance"], 500);
    let found = "/v1/apps/{app}/balance_bonuses/{id}";
    let found = Request::get(found, &[second.app(), bonus["id"].as_str().unwrap()]);
    assert_eq!(client.call::<Value>(found).await?, bonus);
    // A number that was used stays used, and new ids are new.
    assert_eq!(client.charges().create(order("2")).await?.id, open.id);
    assert_ne!(client.charges().create(order("3")).await?.id, open.id);
    // What was due is due, by the clock of the first one.
    second.advance(Duration::from_secs(10));
    let refund = client.refunds(&charge.id).retrieve(&refund.id).await?;
    assert!(refund.succeed);
    let open = client.charges().retrieve(&open.id).await?;
    let (paid, created) = (open.time_paid.unwrap().as_unix(), open.created.unwrap().as_unix());
    assert!(open.paid && (paid - created - 10).abs() <= 1);
    second.check_books().unwrap();
    Ok(())
}

#[tokio::test]
async fn a_state_that_is_none_is_refused_with_the_reason() {
    let sandbox = start(Options::builder()).await;
    sandbox.client().charges().create(order("1")).await.unwrap();
    let good = sandbox.snapshot();
    for (bad, why) in [
        ("{", "not a state of the sandbox"),
        (r#"{"cows":[]}"#, "cows"),
        (&good.replace("\"kind\":\"charge\"", "\"kind\":\"cow\""), "no such kind"),
        (&good.replace("\"state\":\"open\"", "\"state\":\"asleep\""), "no such state"),
        (&good.replace("\"created\"", "\"parent\":7,\"created\""), "not there"),
    ] {
        assert_ne!(bad, good);
        let error = Sandbox::start_with(with_state(bad)).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains(why), "{why}: {error}");
    }
    assert!(Sandbox::start_with(with_state(&good)).await.is_ok());
}

#[tokio::test]
async fn it_can_start_with_refunds() {
    let seed = json!([{
        "id": "ch_mine", "order_no": "1", "channel": "alipay_qr", "amount": 100,
        "client_ip": "192.0.2.1", "currency": "cny", "subject": "s", "body": "b", "paid": true,
        "refunds": [
            { "amount": 30, "description": "cup broken" },
            { "amount": 20, "description": "x", "metadata": { "sandbox": "refund_refused" } },
        ],
    }]);
    let sandbox = start(Options::builder().seed(seed.to_string())).await;
    sandbox.advance(pingpp::sandbox::REFUND_TAKES);
    let charge: Charge = sandbox.client().charges().retrieve("ch_mine").await.unwrap();
    assert_eq!(charge.amount_refunded, Some(Amount::from_fen(30)));
    sandbox.check_books().unwrap();
    let too_much = seed.to_string().replace("30", "101");
    let error = Sandbox::start_with(Options::builder().seed(too_much)).await.unwrap_err();
    assert!(error.to_string().contains("amount"), "{error}");
}
