//! The HTTP server of the sandbox: connections, the checks of a request, and faults.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, DATE, HOST, ORIGIN, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::answer::{Answer, Answered};
use super::fault::{Fault, Kind};
use super::inner::SandboxInner;
use super::page;
use super::received::{ReceivedRequest, SignatureCheck};
use super::reply::{Body, ConnectionAborted, chunked, collect, full, pretty, response_of};

const BODY_LIMIT: usize = 1024 * 1024;

/// How long a client may take to send the head, and then the body, of a request.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Accepts connections. Runs until it is aborted, which closes them.
pub(super) async fn accept(listener: TcpListener, sandbox: Arc<SandboxInner>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let mut locked = sandbox.lock();
                    locked.connections += 1;
                    if locked.faults.refuses_connection() {
                        let _ = stream.set_zero_linger();
                        continue;
                    }
                    connections.spawn(serve(stream, Arc::clone(&sandbox)));
                }
                // The client has gone, or there are no file descriptors left. The pause keeps the
                // second case from becoming a busy loop.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(ended) = connections.join_next() => {
                if ended.is_err_and(|error| error.is_panic()) {
                    sandbox.lock().panicked = true;
                }
            }
        }
    }
}

async fn serve(stream: TcpStream, sandbox: Arc<SandboxInner>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(async |request| {
        let mut response = answer(request, &sandbox).await?;
        let locked = sandbox.lock();
        // What is answered has to be in the last snapshot.
        if locked.has_ended {
            return Err(ConnectionAborted);
        }
        let now = locked.state.clock.date(sandbox.options.clock_ahead);
        drop(locked);
        response.headers_mut().insert(DATE, now);
        Ok::<_, ConnectionAborted>(response)
    });
    // An error here is a connection that the client or a fault has closed.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(READ_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(
    request: Request<Incoming>,
    sandbox: &Arc<SandboxInner>,
) -> Result<Response<Body>, ConnectionAborted> {
    let (head, body) = request.into_parts();
    if !is_local(&head.headers, sandbox) {
        let message =
            "the sandbox accepts no requests to other hosts or from pages of other origins";
        return Ok(response(&Answer::refused(421, message), None));
    }
    let body = tokio::time::timeout(READ_TIMEOUT, Limited::new(body, BODY_LIMIT).collect());
    let Ok(Ok(body)) = body.await else {
        let answer = Answer::refused(413, "the body is too large, or was not received in time");
        return Ok(response(&answer, None));
    };
    let body = body.to_bytes();
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    if head.uri.path().starts_with(page::PATH) {
        return Ok(page::answer(head.method.as_str(), head.uri.path(), &body, sandbox));
    }
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let mut received = ReceivedRequest {
        method: head.method.to_string(),
        target: target.to_owned(),
        body: body.to_vec(),
        signature: SignatureCheck::Missing,
        status: None,
        headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
    };
    received.signature = signature(&received, sandbox);

    let running = Running::begin(sandbox);
    if sandbox.options.max_concurrent.is_some() {
        // Otherwise a request would have ended before the next one is looked at.
        tokio::task::yield_now().await;
    }
    let admitted = match running {
        None => Err(Answer::refused(403, "超过并发数限制 (too many requests at the same time)")),
        Some(_) => admit(&received, sandbox),
    };
    let (fault, answer) = {
        let mut locked = sandbox.lock();
        let fault = locked.faults.for_request(&received.method, head.uri.path());
        let answer = match admitted {
            _ if fault.as_ref().is_some_and(|fault| !fault.acts) => None,
            Err(refusal) => Some(Err(refusal)),
            Ok(()) => Some(Ok(locked.state.handle(&received.method, target, &received.body))),
        };
        received.status = match (&fault, &answer) {
            (Some(fault), _) => fault.status(),
            (None, Some(Ok(answer) | Err(answer))) => Some(answer.status),
            (None, None) => None,
        };
        if let Some(printer) = &sandbox.printer {
            printer.print(received.to_string());
        }
        locked.received.add(received);
        (fault, answer)
    };
    sandbox.changed.notify_one();
    let actual = match answer {
        Some(Ok(answer)) => response(&answer, Some(sandbox)),
        Some(Err(refusal)) => response(&refusal, None),
        None => Response::new(full("")),
    };
    let response = match fault {
        None => actual,
        Some(fault) => fail(fault, actual, sandbox).await?,
    };
    Ok(match running {
        None => response,
        Some(running) => running.until_written(response),
    })
}

/// A request that is being answered. It counts until it is dropped.
struct Running(Arc<SandboxInner>);

impl Running {
    /// `None` if it is one too many.
    fn begin(sandbox: &Arc<SandboxInner>) -> Option<Self> {
        let most = sandbox.options.max_concurrent.unwrap_or(usize::MAX);
        let next = |others| (others < most).then_some(others + 1);
        let begun = sandbox.concurrent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        begun.is_ok().then(|| Self(Arc::clone(sandbox)))
    }

    /// Counts until the connection drops the body of the response.
    fn until_written(self, mut response: Response<Body>) -> Response<Body> {
        // The new body does not know its length.
        if let Some(length) = response.body().size_hint().exact() {
            response.headers_mut().insert(CONTENT_LENGTH, length.into());
        }
        response.map(|body| {
            let counted = body.map_frame(move |frame| {
                let _running = &self;
                frame
            });
            counted.boxed_unsync()
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.concurrent.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Applies a fault to the answer of the operation.
async fn fail(
    fault: Fault,
    mut answer: Response<Body>,
    sandbox: &SandboxInner,
) -> Result<Response<Body>, ConnectionAborted> {
    match fault.kind {
        #[cfg(test)]
        Kind::Panic => panic!("simulated by a fault"),
        Kind::Refuse | Kind::Close => Err(ConnectionAborted),
        Kind::Stall => std::future::pending().await,
        Kind::Slow(pause) => {
            let (head, bytes) = collect(answer).await;
            let chunks = bytes.chunks(1).map(Bytes::copy_from_slice).collect();
            Ok(Response::from_parts(head, chunked(chunks, pause, true)))
        }
        Kind::Truncate => {
            let (mut head, bytes) = collect(answer).await;
            head.headers.insert(CONTENT_LENGTH, bytes.len().into());
            let half = bytes.slice(..bytes.len() / 2);
            Ok(Response::from_parts(head, chunked(vec![half], Duration::ZERO, false)))
        }
        Kind::Garbage => Ok(response_of(200, "application/json", full("\u{0}garbage"))),
        Kind::Html(status) => {
            let page = "<html><body><h1>502 Bad Gateway</h1></body></html>";
            Ok(response_of(status, "text/html", full(page)))
        }
        Kind::Error { status, code, retry_after } => {
            let kind = if status == 402 { "channel_error" } else { "api_error" };
            let message = "沙箱模拟的错误 (an error simulated by the sandbox)";
            let error = Answer::error(status, kind, message, code.as_deref(), None);
            answer = response(&error, Some(sandbox));
            if let Some(pause) = retry_after {
                answer.headers_mut().insert(RETRY_AFTER, pause.as_secs().into());
            }
            Ok(answer)
        }
        Kind::BadSignature => {
            if let Ok(other) = signed(b"something else", sandbox) {
                answer.headers_mut().insert(SIGNATURE, other);
            }
            Ok(answer)
        }
    }
}

const SIGNATURE: &str = "x-pingplusplus-signature";

/// Whether a request was sent to a name of the loopback interface, and not by a web page of another
/// origin: this keeps web pages from using the sandbox, also by DNS rebinding.
fn is_local(headers: &HeaderMap, sandbox: &SandboxInner) -> bool {
    let is_loopback = |host: &str| {
        let name = host.strip_suffix(&format!(":{}", sandbox.port)).unwrap_or(host);
        matches!(name, "127.0.0.1" | "localhost" | "[::1]")
    };
    // Without a port, an origin has port 80. A client may leave the port of the host out.
    let is_here = |host: &str| host.ends_with(&format!(":{}", sandbox.port)) || sandbox.port == 80;
    let is_own = |host: &str| is_loopback(host) && is_here(host);
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let origin = headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
    host.is_some_and(is_loopback)
        && origin.is_none_or(|origin| origin.strip_prefix("http://").is_some_and(is_own))
}

/// Checks the signature over the body, target and timestamp that were received.
fn signature(received: &ReceivedRequest, sandbox: &SandboxInner) -> SignatureCheck {
    let Some(signature) = received.header("pingplusplus-signature") else {
        return SignatureCheck::Missing;
    };
    match &sandbox.merchant {
        None => SignatureCheck::Unchecked,
        Some(key) if key.verifies(&received.signed_bytes(), signature) => SignatureCheck::Verified,
        Some(_) => SignatureCheck::Wrong,
    }
}

/// Refuses a request whose API key, timestamp or signature is not accepted.
fn admit(received: &ReceivedRequest, sandbox: &SandboxInner) -> Answered<()> {
    if !has_api_key(received, &sandbox.options.api_key) {
        return Err(Answer::refused(401, "提供了无效的 API KEY (invalid API key)"));
    }
    let is_missing = received.signature == SignatureCheck::Missing;
    if sandbox.merchant.is_none()
        || is_missing && sandbox.options.unsigned_reads && received.method == "GET"
    {
        return Ok(());
    }
    if is_missing {
        return Err(Answer::refused(401, "缺少签名 (the request is not signed)"));
    }
    // The client uses the system clock, not the sandbox's.
    let now = sandbox.world_clock();
    let timestamp = received.header("pingplusplus-request-timestamp").unwrap_or_default();
    let distance = timestamp.parse::<i64>().map_or(u64::MAX, |time| time.abs_diff(now));
    if distance > sandbox.options.clock_tolerance.as_secs() {
        return Err(Answer::refused(401, "请求时间戳无效 (the timestamp is missing or off)"));
    }
    match received.signature {
        SignatureCheck::Verified => Ok(()),
        _ => Err(Answer::refused(401, "签名验证失败 (the signature does not verify)")),
    }
}

/// The key is sent as `Bearer KEY`, or as `Basic` with the key as user name.
fn has_api_key(received: &ReceivedRequest, key: &str) -> bool {
    let Some(value) = received.header(AUTHORIZATION.as_str()) else { return false };
    if let Some(bearer) = value.strip_prefix("Bearer ") {
        return bearer == key;
    }
    value.strip_prefix("Basic ").is_some_and(|basic| {
        STANDARD.decode(basic).is_ok_and(|user| user == format!("{key}:").into_bytes())
    })
}

/// The response for an answer. It is signed if a signer is given; a refused request (401) gets an
/// unsigned one.
fn response(answer: &Answer, signer: Option<&SandboxInner>) -> Response<Body> {
    let body = pretty(&answer.body);
    let signature = signer.filter(|sandbox| sandbox.options.sign_answers).map(|s| signed(&body, s));
    let mut response = response_of(answer.status, "application/json;charset=utf-8", full(body));
    if let Some(Ok(signature)) = signature {
        response.headers_mut().insert(SIGNATURE, signature);
    }
    response
}

fn signed(body: &[u8], sandbox: &SandboxInner) -> Result<HeaderValue, header::InvalidHeaderValue> {
    HeaderValue::try_from(sandbox.pingxx.sign(body).unwrap_or_default())
}
