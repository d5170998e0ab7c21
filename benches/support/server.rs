//! A server in a process of its own, so that its work is not counted as the client's: answers every
//! request with one charge, and checks nothing.

use std::convert::Infallible;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

/// The process; ended when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
}

impl Server {
    /// Runs this benchmark again as the server.
    pub(crate) fn start() -> Self {
        let program = std::env::current_exe().unwrap();
        let mut child =
            Command::new(program).arg("--serve").stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { child, url: url.trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves and never returns if this process was started by [`Server::start`].
pub(crate) fn serve_if_asked() {
    if std::env::args().nth(1).as_deref() != Some("--serve") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("http://{}", listener.local_addr().unwrap());
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let serving =
                http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
            tokio::spawn(serving);
        }
    });
}

async fn answer(
    request: Request<hyper::body::Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let _ = request.into_body().collect().await;
    let mut response = Response::new(Full::new(Bytes::from_static(CHARGE.as_bytes())));
    let json = hyper::header::HeaderValue::from_static("application/json;charset=utf-8");
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, json);
    Ok(response)
}

/// What the server answers: a charge that was reversed unpaid.
pub(crate) const CHARGE: &str = r#"{
    "id": "ch_101261123000000000000001",
    "object": "charge",
    "created": 1795449600,
    "livemode": false,
    "paid": false,
    "refunded": false,
    "reversed": true,
    "app": "app_benchmark0000001",
    "channel": "isv_scan",
    "order_no": "20261123001",
    "client_ip": "192.0.2.1",
    "amount": 100,
    "amount_settle": 100,
    "currency": "cny",
    "subject": "Tea",
    "body": "A pot of Longjing",
    "extra": {
        "terminal_id": "T0001",
        "scan_code": "280000000000000000"
    },
    "time_paid": null,
    "time_expire": 1795536000,
    "time_settle": null,
    "transaction_no": null,
    "refunds": {
        "object": "list",
        "url": "/v1/charges/ch_101261123000000000000001/refunds",
        "has_more": false,
        "data": []
    },
    "amount_refunded": 0,
    "failure_code": null,
    "failure_msg": null,
    "metadata": {
        "table": "12"
    },
    "credential": {},
    "description": null
}"#;

/// The id in [`CHARGE`].
pub(crate) const ID: &str = "ch_101261123000000000000001";
