//! Posts events to the merchant's webhook until they are accepted or the schedule of retries ends.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{Request, Uri};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::inner::SandboxInner;
use super::state::Delivery;

/// How long one delivery may take.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);

/// Parses the URL of the webhook.
pub(super) fn target(url: &str) -> io::Result<Uri> {
    let uri: Option<Uri> = url.parse().ok();
    let is_good = |uri: &Uri| uri.scheme_str() == Some("http") && uri.host().is_some();
    uri.filter(is_good).ok_or_else(|| {
        let message =
            format!("{url:?} is not a URL for webhooks: use one like http://127.0.0.1:8080/");
        io::Error::new(io::ErrorKind::InvalidInput, message)
    })
}

/// Delivers each event at its time on the sandbox's clock. Runs until it is aborted.
pub(super) async fn deliver(sandbox: Arc<SandboxInner>, url: Uri) {
    let mut running = JoinSet::new();
    loop {
        let (delivery, wait, resets) = {
            let mut locked = sandbox.lock();
            locked.state.catch_up();
            let now = locked.state.clock.millis();
            let (due, deliveries) = (&locked.state.due, &locked.state.deliveries);
            let next = due.next_due().into_iter().chain(deliveries.next_due()).min();
            let wait = next.map(|next| next.saturating_sub(now));
            let taken = locked.state.deliveries.take_due(now).map(|(_, delivery)| delivery);
            // Compact, as the real ones.
            let with_body = |d: Delivery| (d, locked.state.show(d.event).to_string());
            (taken.map(with_body), wait, locked.resets)
        };
        if let Some((delivery, body)) = delivery {
            let (sandbox, url) = (Arc::clone(&sandbox), url.clone());
            running.spawn(async move {
                let posted =
                    tokio::time::timeout(DELIVERY_TIMEOUT, post(&sandbox, &url, body)).await;
                let accepted = matches!(posted, Ok(Ok(true)));
                let mut locked = sandbox.lock();
                // After a reset the event is gone.
                if locked.resets == resets {
                    locked.state.record_delivery(delivery, accepted);
                }
                drop(locked);
                sandbox.changed.notify_one();
            });
            continue;
        }
        let next_is_due = async {
            match wait {
                Some(wait) => tokio::time::sleep(Duration::from_millis(wait)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = next_is_due => {}
            () = sandbox.changed.notified() => {}
        }
        while running.try_join_next().is_some() {}
    }
}

/// Posts an event once. Returns whether it was accepted.
async fn post(
    sandbox: &SandboxInner,
    url: &Uri,
    body: String,
) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
    let signature = sandbox.pingxx.sign(body.as_bytes())?;
    let host = url.host().unwrap_or_default();
    let port = url.port_u16().unwrap_or(80);
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::post(url.path_and_query().map_or("/", |target| target.as_str()))
        .header(HOST, format!("{host}:{port}"))
        .header(CONTENT_TYPE, "application/json;charset=utf-8")
        .header("X-Pingplusplus-Signature", signature)
        .body(Full::new(Bytes::from(body)))?;
    // The connection must be polled while the answer is awaited.
    let mut connection = std::pin::pin!(connection);
    let mut answer = std::pin::pin!(sender.send_request(request));
    let answer = tokio::select! {
        answer = &mut answer => answer?,
        ended = &mut connection => { ended?; answer.await? }
    };
    Ok(answer.status().is_success())
}
