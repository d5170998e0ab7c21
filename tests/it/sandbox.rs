//! The sandbox as its users know it: payers, refunds, events, webhooks, faults, rude clients.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pingpp::sandbox::{Fault, Options, Sandbox, payer};
use pingpp::webhook;
use pingpp::{
    Amount, Charge, Client, CreateRefund, Error, ErrorCode, Event, EventType, ListCharges,
    ListEvents, Mode, Outcome, PayBy, Recovered, RefundState, RetryPolicy,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::order;

const SECOND: Duration = Duration::from_secs(1);

async fn scanned(client: &Client, code: &str) -> Result<Charge, Error> {
    let mut params = order("20261123001");
    params.channel = PayBy::alipay_scan(code);
    client.charges().create(params).await
}

async fn sandbox() -> Sandbox {
    Sandbox::start().await.unwrap()
}

#[tokio::test]
async fn the_scanned_code_says_what_the_payer_does() {
    let paid = scanned(&sandbox().await.client(), payer::PAYS_AT_ONCE).await.unwrap();
    assert!(paid.paid && paid.time_paid.is_some());

    let sandbox = sandbox().await;
    let client = sandbox.client();
    let asked = scanned(&client, payer::PAYS_AFTER_A_PIN).await.unwrap();
    assert!(!asked.paid);
    sandbox.advance(payer::PIN_TAKES);
    let paid = client.charges().retrieve(&asked.id).await.unwrap();
    assert!(paid.paid);

    let sandbox = self::sandbox().await;
    let client = sandbox.client();
    let never = scanned(&client, payer::NEVER_PAYS).await.unwrap();
    sandbox.advance(3600 * SECOND);
    assert!(!client.charges().retrieve(&never.id).await.unwrap().paid);

    let sandbox = self::sandbox().await;
    let refused = scanned(&sandbox.client(), payer::IS_REFUSED_BY_THE_CHANNEL).await.unwrap_err();
    assert_eq!(refused.status(), Some(402));
    let Recovered::Found::<Charge>(failed) = sandbox.client().recover(&refused).await.unwrap()
    else {
        panic!("it is there");
    };
    assert_eq!(failed.failure_code, Some(ErrorCode::ChannelResponseCodeFail));
    assert!(!sandbox.pay(&failed.id));
}

#[tokio::test]
async fn a_payer_who_comes_after_the_reverse_cannot_pay() {
    let sandbox = sandbox().await;
    let charges = sandbox.client().charges();
    let charge = charges.create(order("1")).await.unwrap();
    assert!(sandbox.pay_after(&charge.id, 5 * SECOND));
    charges.reverse(&charge.id).await.unwrap();
    sandbox.advance(6 * SECOND);
    assert!(!charges.retrieve(&charge.id).await.unwrap().paid);
    assert!(!sandbox.pay("ch_none") && !sandbox.decline("ch_none"));
}

#[tokio::test]
async fn money_goes_back_in_parts_and_never_more_than_there_was() {
    let sandbox = sandbox().await;
    let client = sandbox.client();
    let charge = client.charges().create(order("1")).await.unwrap();
    let refunds = client.refunds(&charge.id);
    let part = |amount: i64| {
        let amount = Amount::from_fen(amount);
        CreateRefund::builder().amount(amount).description("cup broken").build()
    };
    let unpaid = refunds.create(part(1)).await.unwrap_err();
    assert_eq!(unpaid.api().unwrap().code(), Some(&ErrorCode::ChargeUnexpectedStatus));
    assert!(sandbox.pay(&charge.id));

    let first = refunds.create(part(40)).await.unwrap();
    assert_eq!(first.state(), RefundState::Pending);
    sandbox.advance(2 * SECOND);
    let first = refunds.retrieve(&first.id).await.unwrap();
    assert_eq!(first.state(), RefundState::Succeeded);
    let too_much = refunds.create(part(61)).await.unwrap_err();
    assert_eq!(too_much.api().unwrap().param(), Some("amount"));
    let rest = CreateRefund::builder().description("all").build();
    assert_eq!(refunds.create(rest.clone()).await.unwrap().amount, Amount::from_fen(60));
    assert_eq!(refunds.create(rest).await.unwrap_err().outcome(), Outcome::Rejected);

    let listed = refunds.list().next_page().await.unwrap().unwrap();
    assert_eq!(listed.items.iter().map(|r| r.amount.as_fen()).collect::<Vec<_>>(), [60, 40]);
    sandbox.advance(2 * SECOND);
    let charge = client.charges().retrieve(&charge.id).await.unwrap();
    assert_eq!(charge.refunded, Some(true));
    assert_eq!(charge.amount_refunded, Some(Amount::from_fen(100)));
}

#[tokio::test]
async fn a_refund_fails_on_request_and_the_money_stays() {
    let sandbox = sandbox().await;
    let client = sandbox.client();
    let charge = client.charges().create(order("1")).await.unwrap();
    assert!(sandbox.pay(&charge.id));
    let refund = |wish: &str| {
        let params = CreateRefund::builder().description("x").metadata([("sandbox", wish)]);
        client.refunds(&charge.id).create(params.build())
    };
    assert_eq!(refund("refund_refused").await.unwrap().state(), RefundState::Failed);
    let waits = refund("refund_wait_operation").await.unwrap();
    assert!(matches!(waits.state(), RefundState::NeedsMerchant { url: Some(_) }));
    let charge = client.charges().retrieve(&charge.id).await.unwrap();
    assert_eq!(charge.amount_refunded, Some(Amount::from_fen(0)));
}

#[tokio::test]
async fn what_happened_can_be_listed_and_verified() {
    let sandbox = sandbox().await;
    let client = sandbox.client();
    let charge = client.charges().create(order("1")).await.unwrap();
    assert!(sandbox.pay(&charge.id));
    client
        .refunds(&charge.id)
        .create(CreateRefund::builder().description("x").build())
        .await
        .unwrap();
    sandbox.advance(2 * SECOND);
    let signed = sandbox.events();
    let read = |event: &pingpp::sandbox::SignedEvent| {
        webhook::verify(&sandbox.public_key(), Mode::Test, &event.signature, &event.body).unwrap()
    };
    let events: Vec<Event> = signed.iter().map(read).collect();
    let kinds: Vec<_> = events.iter().map(|event| event.kind.clone()).collect();
    assert_eq!(kinds, [EventType::ChargeSucceeded, EventType::RefundSucceeded]);
    assert!(events[0].object::<Charge>().unwrap().paid);
    let id = events[0].id.clone().unwrap();
    assert_eq!(client.events().retrieve(id).await.unwrap(), events[0]);
    let list = ListEvents::builder().kind("refund.succeeded").build();
    let listed = client.events().list(list).next_page().await.unwrap().unwrap();
    assert_eq!(listed.items, [events[1].clone()]);
}

/// A merchant's server that takes deliveries and answers with these statuses, in turn.
async fn merchant(
    statuses: &'static [u16],
) -> (SocketAddr, tokio::task::JoinHandle<Vec<(String, Vec<u8>)>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let taking = tokio::spawn(async move {
        let mut taken = Vec::new();
        for status in statuses {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = Vec::new();
            let mut piece = [0; 4096];
            let (head, length) = loop {
                let read = stream.read(&mut piece).await.unwrap();
                text.extend_from_slice(&piece[..read]);
                let Some(at) = text.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
                let head = String::from_utf8(text[..at + 4].to_vec()).unwrap();
                let value = |name: &str| {
                    let line = head.lines().find(|l| l.to_lowercase().starts_with(name)).unwrap();
                    line.split_once(": ").unwrap().1.to_owned()
                };
                break (value("x-pingplusplus-signature"), value("content-length"));
            };
            let start = text.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
            while text.len() - start < length.parse().unwrap() {
                let read = stream.read(&mut piece).await.unwrap();
                text.extend_from_slice(&piece[..read]);
            }
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            taken.push((head, text[start..].to_vec()));
        }
        taken
    });
    (address, taking)
}

#[tokio::test]
async fn an_event_is_delivered_until_it_is_accepted() {
    let (address, taking) = merchant(&[500, 302, 200]).await;
    let options = Options::builder().webhook(format!("http://{address}/webhooks")).build();
    let sandbox = Sandbox::start_with(options).await.unwrap();
    let charge = sandbox.client().charges().create(order("1")).await.unwrap();
    assert!(sandbox.pay(&charge.id));
    let taking = async {
        tokio::pin!(taking);
        loop {
            tokio::select! {
                taken = &mut taking => break taken.unwrap(),
                // Whatever the schedule waits for, the next delivery is due.
                () = tokio::time::sleep(Duration::from_millis(20)) => sandbox.advance(10 * SECOND),
            }
        }
    };
    let taken = tokio::time::timeout(20 * SECOND, taking).await.unwrap();
    assert_eq!(taken.len(), 3);
    for (signature, body) in &taken {
        let event = webhook::verify(&sandbox.public_key(), Mode::Test, signature, body).unwrap();
        assert_eq!((event.kind, event.pending_webhooks), (EventType::ChargeSucceeded, Some(1)));
    }
    let bad = Options::builder().webhook("ftp://127.0.0.1").build();
    assert!(Sandbox::start_with(bad).await.unwrap_err().to_string().contains("http://"));
}

#[tokio::test]
async fn every_fault_looks_to_the_client_as_it_is_named() {
    let sandbox = sandbox().await;
    let short = Duration::from_millis(300);
    let client = sandbox.builder().attempt_timeout(short).timeout(short).build().unwrap();
    let charge = client.charges().create(order("1")).await.unwrap();
    for (fault, status, outcome) in [
        (Fault::refuse(), None, Outcome::Unknown),
        (Fault::close(), None, Outcome::Unknown),
        (Fault::close().after_acting(), None, Outcome::Unknown),
        (Fault::stall(), None, Outcome::Unknown),
        (Fault::slow(SECOND), Some(200), Outcome::Unknown),
        (Fault::truncate(), Some(200), Outcome::Unknown),
        (Fault::garbage(), Some(200), Outcome::Unknown),
        (Fault::bad_gateway(), Some(502), Outcome::Unknown),
        (Fault::internal_error(), Some(500), Outcome::Unknown),
        (Fault::too_many_requests(SECOND), Some(429), Outcome::Rejected),
        (Fault::forbidden(), Some(403), Outcome::Rejected),
        (Fault::payment_required("channel_connection_error"), Some(402), Outcome::Unknown),
        (Fault::payment_required("charge_closed"), Some(402), Outcome::Rejected),
    ] {
        // A client of its own, so that there is a connection to refuse.
        let client = sandbox.builder().attempt_timeout(short).timeout(short).build().unwrap();
        sandbox.fail_next(fault.clone());
        let error =
            client.charges().reverse(&charge.id).retry(RetryPolicy::none()).await.unwrap_err();
        assert_eq!((error.status(), error.outcome()), (status, outcome), "{fault:?}: {error}");
    }
    let strict = sandbox.builder().verify_responses(sandbox.public_key()).build().unwrap();
    sandbox.fail_next(Fault::bad_signature());
    let error = strict.charges().retrieve(&charge.id).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert!(strict.charges().retrieve(&charge.id).await.is_ok());
}

#[tokio::test]
async fn doing_and_answering_are_separate() {
    let sandbox = sandbox().await;
    let client = sandbox.client();
    let charge = client.charges().create(order("1")).await.unwrap();
    assert!(sandbox.pay(&charge.id));
    let refund = || CreateRefund::builder().amount(Amount::from_fen(1)).description("x").build();
    let to_refunds = |fault: Fault| fault.on("POST", "/v1/charges/*/refunds");
    for (fault, made) in [(Fault::close(), 0), (Fault::close().after_acting(), 1)] {
        sandbox.fail_next(to_refunds(fault));
        let lost = client.refunds(&charge.id).create(refund()).await.unwrap_err();
        assert_eq!(lost.outcome(), Outcome::Unknown);
        let list = client.refunds(&charge.id).list();
        let listed = {
            let mut list = list;
            list.next_page().await.unwrap().unwrap()
        };
        assert_eq!(listed.items.len(), made);
    }
    sandbox.fail(Fault::bad_gateway(), 1.0);
    assert!(client.charges().retrieve(&charge.id).retry(RetryPolicy::none()).await.is_err());
    sandbox.heal();
    assert!(client.charges().retrieve(&charge.id).await.is_ok());
}

#[tokio::test]
async fn it_can_start_with_charges_and_accept_anybody() {
    let seed = r#"[{
        "id": "ch_mine", "order_no": "20261123001", "channel": "alipay_qr", "amount": 100,
        "client_ip": "192.0.2.1", "currency": "cny", "subject": "s", "body": "b", "paid": true
    }]"#;
    let options = Options::builder().seed(seed).any_signature(true).api_key("sk_test_mine").build();
    let sandbox = Sandbox::start_with(options).await.unwrap();
    let unsigned =
        Client::builder("sk_test_mine").unsigned().base_url(sandbox.base_url()).no_proxy();
    assert!(unsigned.build().unwrap().charges().retrieve("ch_mine").await.unwrap().paid);
    let bad = Options::builder().seed(r#"[{"channel": "wx"}]"#).build();
    let error = Sandbox::start_with(bad).await.unwrap_err().to_string();
    assert!(error.contains("charge 0") && error.contains("order_no"), "{error}");
}

#[tokio::test]
async fn rude_clients_do_not_disturb_it() {
    let sandbox = sandbox().await;
    let address = sandbox.base_url()["http://".len()..].to_owned();
    let large = format!(
        "POST /v1/charges HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\r\n{}",
        3 << 20,
        "x".repeat(2 << 20)
    );
    let mut rude: Vec<Vec<u8>> = vec![
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        b"POST /v1/charges HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n".to_vec(),
        b"POST /v1/charges HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
            .to_vec(),
        format!("GET /{} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "a".repeat(1 << 20)).into_bytes(),
        large.into_bytes(),
    ];
    rude.extend((0..10_000).map(|n| (0..n % 200).map(|_| fastrand::u8(..)).collect()));
    let mut slow = TcpStream::connect(&address).await.unwrap();
    slow.write_all(b"GET /v1/ch").await.unwrap();
    for bytes in rude {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        // It may hang up in the middle; that is its right.
        let _ = stream.write_all(&bytes).await;
    }
    let error = sandbox.client().charges().retrieve("ch_none").await.unwrap_err();
    assert_eq!(error.status(), Some(404));
}

/// A client that signs nothing and asks once.
fn plain_client(sandbox: &Sandbox) -> Client {
    let builder = Client::builder(sandbox.api_key()).unsigned().app(sandbox.app());
    let builder = builder.retry(RetryPolicy::none()).max_in_flight(100);
    builder.base_url(sandbox.base_url()).no_proxy().build().unwrap()
}

#[test]
fn sixty_requests_at_once_are_more_than_two() {
    for mut runtime in
        [tokio::runtime::Builder::new_current_thread(), tokio::runtime::Builder::new_multi_thread()]
    {
        runtime.worker_threads(2).enable_all().build().unwrap().block_on(async {
            let options = Options::builder().any_signature(true).max_concurrent(2);
            let sandbox = Sandbox::start_with(options).await.unwrap();
            let client = plain_client(&sandbox);
            let ask = || client.charges().retrieve("ch_none");
            let all: Vec<_> = (0..60).map(|_| tokio::spawn(ask())).collect();
            let mut counts = [0, 0];
            for one in all {
                let status = one.await.unwrap().unwrap_err().status().unwrap();
                counts[[404, 403].iter().position(|known| *known == status).unwrap()] += 1;
            }
            assert!(counts[0] > 0 && counts[1] > 0, "{counts:?}");
            for _ in 0..100 {
                assert_eq!(ask().await.unwrap_err().status(), Some(404), "one at a time");
            }
        });
    }
}

#[tokio::test]
async fn a_request_counts_until_its_answer_is_written() {
    let options = Options::builder().any_signature(true).max_concurrent(1);
    let sandbox = Sandbox::start_with(options).await.unwrap();
    let client = plain_client(&sandbox);
    let ask = || client.charges().retrieve("ch_none");
    sandbox.fail_next(Fault::slow(Duration::from_millis(5)));
    let slow = tokio::spawn(ask());
    while sandbox.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(ask().await.unwrap_err().status(), Some(403));
    assert_eq!(slow.await.unwrap().unwrap_err().status(), Some(404));
    assert_eq!(ask().await.unwrap_err().status(), Some(404));
}

#[tokio::test]
async fn a_reset_that_is_not_possible_changes_nothing_and_says_why() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let seed = serde_json::json!([{
        "id": "ch_mine", "order_no": "1", "channel": "alipay_qr", "amount": 100, "currency": "cny",
        "client_ip": "192.0.2.1", "subject": "s", "body": "b", "time_expire": now + 62,
    }]);
    let sandbox = Sandbox::start_with(Options::builder().seed(seed.to_string())).await.unwrap();
    let client = sandbox.client();
    let other = client.charges().create(order("2")).await.unwrap();
    // A charge has to be open for a minute, by the clock of the system at a reset.
    tokio::time::sleep(3 * SECOND).await;
    let answer = post(&sandbox, "/_sandbox/reset", "").await;
    assert!(answer.starts_with("HTTP/1.1 409 ") && answer.contains("time_expire"), "{answer}");
    let reset = std::panic::AssertUnwindSafe(|| sandbox.reset());
    assert!(std::panic::catch_unwind(reset).is_err());
    for id in ["ch_mine", other.id.as_str()] {
        assert!(!client.charges().retrieve(id).await.unwrap().paid);
    }
}

/// Posts a body to the page of a sandbox, with a header: the whole answer.
async fn post(sandbox: &Sandbox, path: &str, header: &str) -> String {
    let address = &sandbox.base_url()["http://".len()..];
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{header}");
    stream.write_all(format!("{head}Content-Length: 6\r\n\r\n\"heal\"").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_page_of_another_origin_cannot_use_the_sandbox() {
    let sandbox = sandbox().await;
    for (origin, status) in [
        (sandbox.base_url(), 200),
        (sandbox.base_url().replace("127.0.0.1", "localhost"), 200),
        ("http://localhost".into(), 421),
        ("http://localhost:1".into(), 421),
        ("http://example.com".into(), 421),
        ("null".into(), 421),
    ] {
        let answer = post(&sandbox, "/_sandbox/do", &format!("Origin: {origin}\r\n")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{origin}: {answer}");
    }
}

#[tokio::test]
async fn the_requests_that_are_kept_are_bounded_in_bytes() {
    let sandbox = Sandbox::start_with(Options::builder().any_signature(true)).await.unwrap();
    let client = plain_client(&sandbox);
    for _ in 0..100 {
        let body = serde_json::json!({ "x": "x".repeat(1_000_000) });
        let large = pingpp::Request::post("/v1/charges", &[]).json(&body);
        assert_eq!(client.call::<serde_json::Value>(large).await.unwrap_err().status(), Some(400));
    }
    let kept = sandbox.requests();
    assert_eq!(kept.last().unwrap().body.len(), kept[0].body.len());
    let bytes: usize = kept.iter().map(|request| request.body.len()).sum();
    assert!((32 << 20..=64 << 20).contains(&bytes), "{bytes}");
}

#[test]
fn the_tests_of_the_guide_fit_into_one_file_with_the_dependencies_that_it_names() {
    let guide = include_str!("../../src/testing.md");
    let blocks = |language: &str| -> Vec<Vec<&str>> {
        let blocks = guide.split("```").skip(1).step_by(2);
        let blocks = blocks.filter_map(|block| block.strip_prefix(language));
        let is_shown = |line: &&str| !line.starts_with("# ") && !line.is_empty();
        blocks.map(|block| block.lines().filter(is_shown).collect()).collect()
    };
    let rust = blocks("rust\n");
    assert_eq!(rust.len(), 12, "the beginning, ten tests, and the fixture");
    let mut names = std::collections::HashSet::new();
    for (number, block) in rust.iter().enumerate() {
        let items = block.iter().filter(|line| line.starts_with(char::is_alphabetic));
        for item in items {
            assert!(number == 0 || !item.starts_with("use "), "not in a test: {item}");
            assert!(names.insert(*item), "twice: {item}");
        }
    }
    let toml = blocks("toml\n").concat();
    let paths = rust.iter().flatten().filter_map(|line| line.trim().strip_prefix("use "));
    for crate_name in paths.map(|path| path.split("::").next().unwrap()) {
        let is_named = toml.iter().any(|line| line.starts_with(&format!("{crate_name} = ")));
        assert!(is_named || crate_name == "std", "{crate_name}");
    }
}

#[tokio::test]
async fn any_app_is_not_any_number_of_apps() {
    let options = Options::builder().any_app(true).any_signature(true).sign_answers(false);
    let sandbox = Sandbox::start_with(options).await.unwrap();
    let list = async |app: &str| {
        let mut list = plain_client(&sandbox).with_app(app).charges().list(ListCharges::builder());
        list.next_page().await.map(drop).map_err(|error| error.status().unwrap())
    };
    assert_eq!(list(&format!("app_{}", "a".repeat(61))).await, Err(400));
    for number in 1..1_000 {
        assert_eq!(list(&format!("app_{number}")).await, Ok(()));
    }
    assert_eq!(list("app_1000").await, Err(400));
    assert_eq!((list("app_1").await, list(sandbox.app()).await), (Ok(()), Ok(())));
}
