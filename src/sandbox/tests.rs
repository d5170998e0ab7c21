use std::io::{Read, Write};
use std::net::TcpStream;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::*;

/// Sends raw bytes and reads one answer: its status and body.
fn send(
    sandbox: &Sandbox,
    method: &str,
    target: &str,
    body: &str,
    change: impl Fn(&mut Vec<String>),
) -> (u16, Value) {
    let now = sandbox.shared.inner().state.now();
    let signed = format!("{body}{target}{now}");
    let signature = sandbox.merchant_key().sign(signed.as_bytes()).unwrap();
    let mut lines = vec![
        format!("{method} {target} HTTP/1.1"),
        String::from("Host: sandbox"),
        format!("Authorization: Bearer {API_KEY}"),
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
            "client_ip":"192.0.2.1","currency":"cny","subject":"Tea","body":"Longjing"}}"#
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
        let basic = STANDARD.encode(format!("{API_KEY}:"));
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

#[tokio::test]
async fn a_create_without_a_field_names_it() {
    let sandbox = Arc::new(sandbox().await);
    on(&sandbox, |sandbox| {
        for name in ["order_no", "channel", "client_ip", "currency", "subject", "body", "amount"] {
            let mut body: Value = serde_json::from_str(&params("1", "wx")).unwrap();
            body.as_object_mut().unwrap().remove(name);
            let (status, answer) = send(sandbox, "POST", "/v1/charges", &body.to_string(), |_| ());
            assert_eq!((status, answer["error"]["param"].as_str()), (400, Some(name)));
        }
        let (status, _) = send(sandbox, "POST", "/v1/charges", "[]", |_| ());
        assert_eq!(status, 400);
    })
    .await;
}

#[tokio::test]
async fn the_same_order_returns_the_first_charge_for_a_minute() {
    let sandbox = Arc::new(sandbox().await);
    on(&sandbox, |sandbox| {
        let create = |body: &str| send(sandbox, "POST", "/v1/charges", body, |_| ());
        let (_, first) = create(&params("1", "wx"));
        assert_eq!(create(&params("1", "wx")).1, first);
        let (status, other) = create(&params("1", "alipay_scan"));
        assert_eq!((status, &other["error"]["code"]), (400, &"charge_order_no_used".into()));
        sandbox.advance(Duration::from_secs(61));
        assert_eq!(create(&params("1", "wx")).0, 400);
    })
    .await;
}

#[tokio::test]
async fn it_reverses_by_channel_payment_and_time() {
    let sandbox = Arc::new(sandbox().await);
    on(&sandbox, |sandbox| {
        let charge = |order_no: &str, channel: &str| {
            let body = params(order_no, channel);
            let (_, charge) = send(sandbox, "POST", "/v1/charges", &body, |_| ());
            charge["id"].as_str().unwrap().to_owned()
        };
        let reverse = |id: &str| {
            let (status, answer) =
                send(sandbox, "POST", &format!("/v1/charges/{id}/reverse"), "{}", |_| ());
            (status, answer["reversed"] == true)
        };
        let (wx, scan, web) =
            (charge("1", "wx"), charge("2", "alipay_scan"), charge("3", "paypal"));
        assert_eq!(reverse(&wx), (200, true));
        assert_eq!(reverse(&wx), (200, true), "again");
        assert!(!sandbox.pay(wx.as_str()), "closed");
        assert_eq!(reverse(&web), (400, false));
        let paid = charge("4", "wx");
        assert!(sandbox.pay(paid.as_str()) && sandbox.pay(scan.as_str()));
        assert_eq!(reverse(&paid), (400, false), "needs a refund");
        assert_eq!(reverse(&scan), (200, true), "a payer-code channel");
        let late = charge("5", "alipay_scan");
        sandbox.advance(Duration::from_secs(24 * 3600));
        assert_eq!(reverse(&late), (400, false));
        assert_eq!(reverse("ch_none"), (404, false));
    })
    .await;
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
