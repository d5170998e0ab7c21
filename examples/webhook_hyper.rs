//! Takes webhooks with plain hyper: verify the raw bytes, store, then answer 2xx.
//!
//! `cargo run --example webhook_hyper` lets the sandbox's customer pay and prints what arrives.

use std::collections::HashSet;
use std::convert::Infallible;
use std::error::Error;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use pingpp::sandbox::{Options, Sandbox};
use pingpp::{Amount, Channel, Charge, CreateCharge, Event, Mode, PublicKey, webhook};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// What a merchant's server remembers; a real one does it on disk.
struct Inbox {
    key: PublicKey,
    seen: Mutex<HashSet<String>>,
    stored: mpsc::UnboundedSender<Event>,
}

async fn answer(
    request: Request<Incoming>,
    inbox: Arc<Inbox>,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let status = match receive(request, &inbox).await {
        Ok(()) => StatusCode::OK,
        Err(status) => status,
    };
    let mut response = Response::new(Empty::new());
    *response.status_mut() = status;
    Ok(response)
}

async fn receive(request: Request<Incoming>, inbox: &Inbox) -> Result<(), StatusCode> {
    let (head, body) = request.into_parts();
    // The bytes as they came: JSON that was read and written again is not what was signed.
    let body = Limited::new(body, webhook::BODY_LIMIT).collect().await;
    let body = body.map_err(|_| StatusCode::BAD_REQUEST)?.to_bytes();
    let signature = head.headers.get(webhook::SIGNATURE_HEADER);
    let signature = signature.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let event = webhook::verify(&inbox.key, Mode::Test, signature, &body).map_err(|error| {
        eprintln!("refused: {error}");
        StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST)
    })?;
    // The same event may be delivered again.
    let seen = inbox.seen.lock();
    let is_new = seen.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?.insert(event.dedup_key());
    if is_new {
        inbox.stored.send(event).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    }
    Ok(())
}

async fn serve(listener: TcpListener, inbox: Arc<Inbox>) {
    while let Ok((stream, _)) = listener.accept().await {
        let inbox = Arc::clone(&inbox);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, Arc::clone(&inbox)));
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                eprintln!("connection: {error}");
            }
        });
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/webhooks", listener.local_addr()?);
    let sandbox = Sandbox::start_with(Options::builder().webhook(url).build()).await?;
    let (stored, mut news) = mpsc::unbounded_channel();
    // For real: Mode::Live, and PublicKey::from_pem_file of the key that the dashboard shows.
    let inbox = Inbox { key: sandbox.public_key(), seen: Mutex::default(), stored };
    tokio::spawn(serve(listener, Arc::new(inbox)));

    let params = CreateCharge::builder()
        .order_no("20261123001")
        .channel(Channel::AlipayQr)
        .amount(Amount::from_fen(100))
        .client_ip([192, 0, 2, 1])
        .subject("Tea")
        .body("A pot of Longjing")
        // Ping++ delivers the events of such a charge twice, for a test of what comes twice.
        .metadata([("pingpp_tc", "001")]);
    let charge = sandbox.client().charges().create(params).await?;
    sandbox.pay(&charge.id);
    let event = news.recv().await.ok_or("the server is gone")?;
    let paid: Charge = event.object()?;
    println!("{}: {} is paid, key {}", event.kind, paid.id, event.dedup_key());
    Ok(())
}
