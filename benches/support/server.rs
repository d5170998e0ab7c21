//! A server in a process of its own, so that its work is not counted as the client's: answers every
//! request with one charge, and checks nothing.

use std::convert::Infallible;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// The process; ended when dropped.
#[allow(dead_code, reason = "not every benchmark uses TLS")]
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    /// PEM, if it was started with TLS.
    pub(crate) certificate: String,
}

#[allow(dead_code, reason = "not every benchmark uses every way")]
impl Server {
    /// Runs this benchmark again as the server.
    pub(crate) fn start() -> Self {
        Self::start_as("--serve")
    }

    /// The same with TLS, for `localhost`, with a certificate of its own.
    pub(crate) fn start_tls() -> Self {
        Self::start_as("--serve-tls")
    }

    fn start_as(role: &str) -> Self {
        let program = std::env::current_exe().unwrap();
        let mut child = Command::new(program).arg(role).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = lines.next().unwrap().unwrap();
        let certificate: Vec<_> =
            lines.map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
        Self { child, url, certificate: certificate.join("\n") }
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
    let role = std::env::args().nth(1);
    let tls = match role.as_deref() {
        Some("--serve") => None,
        Some("--serve-tls") => Some(tls()),
        _ => return,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        match &tls {
            None => println!("http://{address}\n"),
            Some((_, pem)) => println!("https://localhost:{}\n{pem}\n", address.port()),
        }
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let acceptor = tls.as_ref().map(|(acceptor, _)| acceptor.clone());
            tokio::spawn(async move {
                let service = service_fn(answer);
                let http = http1::Builder::new();
                // A connection that fails is the client's to report.
                let _ = match acceptor {
                    None => http.serve_connection(TokioIo::new(stream), service).await,
                    Some(acceptor) => {
                        let Ok(stream) = acceptor.accept(stream).await else { return };
                        http.serve_connection(TokioIo::new(stream), service).await
                    }
                };
            });
        }
    });
}

/// A key and a certificate that nobody has seen before.
fn tls() -> (TlsAcceptor, String) {
    let made = rcgen::generate_simple_self_signed([String::from("localhost")]).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), made.cert.pem())
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
