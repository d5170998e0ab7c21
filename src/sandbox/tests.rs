mod books;
mod objects;
mod rules;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::state::APP;
use super::*;
use crate::types::Timestamp;

/// Sends raw bytes and reads one answer: its status and body.
fn send(
    sandbox: &Sandbox,
    method: &str,
    target: &str,
    body: &str,
    change: impl Fn(&mut Vec<String>),
) -> (u16, Value) {
    let now = Timestamp::from(SystemTime::now()).as_unix();
    let signed = format!("{body}{target}{now}");
    let signature = sandbox.merchant_key().sign(signed.as_bytes()).unwrap();
    let mut lines = vec![
        format!("{method} {target} HTTP/1.1"),
        String::from("Host: 127.0.0.1"),
        format!("Authorization: Bearer {}", sandbox.api_key()),
        format!("Pingplusplus-Request-Timestamp: {now}"),
        format!("Pingplusplus-Signature: {signature}"),
        format!("Content-Length: {}", body.len()),
        String::from("Connection: close"),
    ];
    change(&mut lines);
    let mut stream = TcpStream::connect(sandbox.address).unwrap();
    stream.write_all(format!("{}\r\n\r\n{body}", lines.join("\r\n")).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap())
}

fn params(order_no: &str, channel: &str) -> String {
    format!(
        r#"{{"order_no":"{order_no}","app":{{"id":"{APP}"}},"channel":"{channel}","amount":100,
            "client_ip":"192.0.2.1","currency":"cny","subject":"Tea","body":"Longjing",
            "extra":{{"scan_code":"281000000000000000"}}}}"#
    )
}

async fn sandbox() -> Sandbox {
    Sandbox::start().await.unwrap()
}

async fn on<T: Send + 'static>(
    sandbox: &Arc<Sandbox>,
    work: impl FnOnce(&Sandbox) -> T + Send + 'static,
) -> T {
    let sandbox = Arc::clone(sandbox);
    tokio::task::spawn_blocking(move || work(&sandbox)).await.unwrap()
}

#[tokio::test]
async fn it_lets_in_only_signed_requests_with_its_key() {
    let sandbox = Arc::new(sandbox().await);
    on(&sandbox, |sandbox| {
        let get = |change: &dyn Fn(&mut Vec<String>)| {
            send(sandbox, "GET", "/v1/charges/ch_none?a%5Bb%5D=%20", "", change).0
        };
        let replace = |at: usize, line: &str| {
            let line = line.to_owned();
            move |lines: &mut Vec<String>| lines[at] = line.clone()
        };
        assert_eq!(get(&|_| ()), 404);
        let basic = STANDARD.encode(format!("{}:", sandbox.api_key()));
        assert_eq!(get(&replace(2, &format!("Authorization: Basic {basic}"))), 404);
        assert_eq!(get(&replace(2, "Authorization: Bearer sk_test_wrong")), 401);
        assert_eq!(get(&replace(2, "X-Nothing: 1")), 401);
        assert_eq!(get(&replace(3, "Pingplusplus-Request-Timestamp: 1")), 401);
        assert_eq!(get(&replace(3, "X-Nothing: 1")), 401);
        assert_eq!(get(&replace(4, "X-Nothing: 1")), 401);
        assert_eq!(get(&replace(4, "Pingplusplus-Signature: AAAA")), 401);
        // The same target to a lenient reader, but not the bytes that were signed.
        assert_eq!(get(&replace(0, "GET /v1/charges/ch_none?a[b]=%20 HTTP/1.1")), 401);
    })
    .await;
    assert_eq!(sandbox.requests()[0].signature, SignatureCheck::Verified);
}

/// Creates a charge: the status, and the answer or what is wrong with which parameter.
fn create(sandbox: &Sandbox, body: &str) -> (u16, Value) {
    send(sandbox, "POST", "/v1/charges", body, |_| ())
}

#[tokio::test]
async fn a_create_with_a_wrong_field_names_it() {
    let sandbox = Arc::new(sandbox().await);
    on(&sandbox, |sandbox| {
        for name in ["order_no", "channel", "client_ip", "currency", "subject", "body", "amount"] {
            let mut body: Value = serde_json::from_str(&params("01", "wx")).unwrap();
            body.as_object_mut().unwrap().remove(name);
            let (status, answer) = create(sandbox, &body.to_string());
            assert_eq!((status, answer["error"]["param"].as_str()), (400, Some(name)));
        }
        let expiry = |after: i64| Value::from(Timestamp::from(SystemTime::now()).as_unix() + after);
        for (channel, name, value) in [
            ("wx", "order_no", "1".into()),
            ("alipay_qr", "order_no", "a-b".into()),
            ("upacp", "order_no", "1234567".into()),
            ("isv_qr", "order_no", "1".repeat(33).into()),
            ("wx", "amount", 0.into()),
            ("wx", "amount", "100".into()),
            ("wx", "subject", "茶".repeat(33).into()),
            ("wx", "time_expire", expiry(30)),
            ("upacp", "time_expire", expiry(2 * 3600)),
            ("alipay_qr", "time_expire", expiry(16 * 24 * 3600)),
        ] {
            let mut body: Value = serde_json::from_str(&params("00000001", channel)).unwrap();
            body[name] = value;
            let (status, answer) = create(sandbox, &body.to_string());
            assert_eq!((status, answer["error"]["param"].as_str()), (400, Some(name)), "{channel}");
        }
        for (channel, extra) in
            [("alipay_wap", "success_url"), ("wx_pub", "open_id"), ("isv_scan", "terminal_id")]
        {
            let (status, answer) = create(sandbox, &params("00000001", channel));
            let named = answer["error"]["param"].as_str().unwrap();
            assert_eq!((status, named), (400, &*format!("extra[{extra}]")));
        }
        assert_eq!(create(sandbox, "[]").0, 400);
        let (status, answer) = send(sandbox, "POST", "/v1/customs", "{}", |_| ());
        assert_eq!((status, answer["error"]["param"].as_str()), (400, Some("charge")));
    })
    .await;
}

#[tokio::test]
async fn the_same_order_returns_the_first_charge_as_long_as_its_channel_says() {
    let sandbox = Arc::new(sandbox().await);
    on(&sandbox, |sandbox| {
        for (number, (channel, window, later)) in [
            ("alipay_qr", 60, 200),
            ("alipay_scan", 60, 200),
            ("wx_pub_scan", 60, 200),
            ("wx", 7200, 400),
            ("wx_wap", 300, 400),
        ]
        .into_iter()
        .enumerate()
        {
            let body = params(&format!("0000000{number}"), channel);
            let (_, first) = create(sandbox, &body);
            sandbox.advance(Duration::from_secs(window - 5));
            assert_eq!(create(sandbox, &body).1["id"], first["id"], "{channel}");
            let other = body.replace("\"amount\":100", "\"amount\":101");
            let (status, answer) = create(sandbox, &other);
            assert_eq!((status, &answer["error"]["code"]), (400, &"charge_order_no_used".into()));
            sandbox.advance(Duration::from_secs(10));
            let (status, second) = create(sandbox, &body);
            assert_eq!(status, later, "{channel}");
            assert_ne!(second["id"], first["id"], "{channel}");
        }
        // Other instalments make another charge, also within the minute.
        let body = params("00000009", "alipay_qr");
        let (_, first) = create(sandbox, &body);
        let other = body.replace("\"scan_code\"", "\"hb_fq_num\":3,\"scan_code\"");
        let (status, second) = create(sandbox, &other);
        assert!(status == 200 && first["id"] != second["id"]);
        // Nobody pays twice for an order.
        assert!(sandbox.pay(second["id"].as_str().unwrap()));
        sandbox.advance(Duration::from_secs(61));
        assert_eq!(create(sandbox, &other).0, 400);
    })
    .await;
}

#[tokio::test]
async fn an_empty_value_in_a_query_and_a_slash_at_the_end_of_a_path_say_nothing() {
    let sandbox = Arc::new(sandbox().await);
    on(&sandbox, |sandbox| {
        let (_, charge) = create(sandbox, &params("01", "wx"));
        let list = |target: String| send(sandbox, "GET", &target, "", |_| ());
        let of_app = format!("app%5Bid%5D={APP}");
        let empty = "limit=&starting_after=&created%5Bgt%5D=&channel=&paid=&expand%5B%5D=";
        for target in [format!("?{empty}&{of_app}"), format!("/?{of_app}")] {
            let (status, answer) = list(format!("/v1/charges{target}"));
            assert_eq!((status, &answer["data"][0]["id"]), (200, &charge["id"]), "{target}");
        }
        // The app is needed, and an empty one is none.
        assert_eq!(list("/v1/charges?app%5Bid%5D=".into()).0, 400);
    })
    .await;
}

#[tokio::test]
async fn it_reverses_by_channel_payment_and_time() {
    let sandbox = Arc::new(sandbox().await);
    on(&sandbox, |sandbox| {
        let charge = |order_no: &str, channel: &str| {
            let (_, charge) = create(sandbox, &params(order_no, channel));
            charge["id"].as_str().unwrap().to_owned()
        };
        let reverse = |id: &str| {
            let target = format!("/v1/charges/{id}/reverse");
            let (status, answer) = send(sandbox, "POST", &target, "{}", |_| ());
            (status, answer["reversed"] == true)
        };
        let (wx, scan, web) =
            (charge("01", "wx"), charge("02", "alipay_scan"), charge("03", "paypal"));
        assert_eq!(reverse(&wx), (400, false), "too soon");
        sandbox.advance(Duration::from_secs(15));
        assert_eq!(reverse(&wx), (200, true));
        assert_eq!(reverse(&wx), (200, true), "again");
        assert!(!sandbox.pay(wx.as_str()), "closed");
        assert_eq!(reverse(&web), (400, false));
        let paid = charge("04", "alipay_qr");
        assert!(sandbox.pay(paid.as_str()) && sandbox.pay(scan.as_str()));
        assert_eq!(reverse(&paid), (400, false), "needs a refund");
        assert_eq!(reverse(&scan), (200, true), "a payer-code channel");
        let late = charge("05", "alipay_scan");
        sandbox.advance(Duration::from_secs(24 * 3600));
        assert_eq!(reverse(&late), (400, false));
        assert!(!sandbox.pay(late.as_str()), "expired");
        assert_eq!(reverse("ch_none"), (404, false));
    })
    .await;
}

#[tokio::test]
async fn pages_of_other_sites_are_not_answered() {
    let sandbox = Arc::new(sandbox().await);
    on(&sandbox, |sandbox| {
        let state = |host: &str, origin: &str| {
            let change = |lines: &mut Vec<String>| {
                lines[1] = format!("Host: {host}");
                lines.push(format!("Origin: {origin}"));
            };
            send(sandbox, "GET", "/_sandbox/state", "", change).0
        };
        let port = sandbox.address.port();
        let here = format!("127.0.0.1:{port}");
        assert_eq!(state(&here, &format!("http://{here}")), 200);
        assert_eq!(state(&format!("localhost:{port}"), &format!("http://localhost:{port}")), 200);
        for origin in ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1"] {
            assert_eq!(state(&here, origin), 421, "{origin}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "127.0.0.1:1"] {
            assert_eq!(state(host, &format!("http://{here}")), 421, "{host}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_panic_in_it_fails_the_test_that_owns_it_and_costs_no_state() {
    let sandbox = sandbox().await;
    let params: Value = serde_json::from_str(&params("1", "alipay_qr")).unwrap();
    let request = crate::Request::post("/v1/charges", &[]).json(&params);
    sandbox.client().call::<Value>(request).await.unwrap();
    sandbox.fail_next(Fault::new(fault::Kind::Panic, false));
    assert!(sandbox.client().refunds("ch_1").retrieve("re_1").await.is_err());
    assert!(sandbox.stop().contains("alipay_qr"));
    let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(sandbox)));
    assert!(dropped.is_err());
}

#[tokio::test]
async fn dropping_it_frees_its_port_and_closes_its_connections() {
    let first = sandbox().await;
    let second = sandbox().await;
    let address = first.address;
    assert_ne!(address, second.address);
    let mut open = tokio::net::TcpStream::connect(address).await.unwrap();
    // Accepted before it is dropped.
    while first.connections() == 0 {
        tokio::task::yield_now().await;
    }
    drop(first);
    let mut byte = [0];
    let closed = tokio::io::AsyncReadExt::read(&mut open, &mut byte).await;
    assert!(matches!(closed, Ok(0) | Err(_)));
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    assert!(tokio::net::TcpStream::connect(second.address).await.is_ok());
}
