//! The sandbox's HTTP side: connections, and the checks before a request is let in.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::state::Answer;
use super::{API_KEY, ReceivedRequest, Shared, SignatureCheck};

const BODY_LIMIT: usize = 1024 * 1024;

/// How far a request's timestamp may be off. Ping++ does not say what it allows.
const CLOCK_SKEW: i64 = 300;

/// Accepts connections until it is aborted, and takes them along.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // One that is gone before it was accepted is nobody's loss.
                let Ok((stream, _)) = accepted else { continue };
                shared.inner().connections += 1;
                connections.spawn(serve(stream, Arc::clone(&shared)));
            }
            Some(ended) = connections.join_next() => {
                if ended.is_err_and(|error| error.is_panic()) {
                    shared.inner().panicked = true;
                }
            }
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| answer(request, &shared));
    // What breaks a connection is the client's business.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(30))
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(
    request: Request<Incoming>,
    shared: &Shared,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body =
        tokio::time::timeout(Duration::from_secs(30), Limited::new(body, BODY_LIMIT).collect());
    let Ok(Ok(body)) = body.await else {
        let answer = Answer::refused(413, "the body is too large, or did not come");
        return Ok(response(answer, None));
    };
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let mut received = ReceivedRequest {
        method: head.method.to_string(),
        target: head.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned(),
        body: body.to_bytes().to_vec(),
        signature: SignatureCheck::Missing,
        headers: head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
    };
    received.signature = signature(&received, shared);
    let mut inner = shared.inner();
    inner.requests.push(received.clone());
    let now = inner.state.now();
    let answer = match admit(&received, now) {
        Err(refusal) => return Ok(response(refusal, None)),
        Ok(()) => inner.state.handle(&received.method, &received.target, &received.body),
    };
    drop(inner);
    Ok(response(answer, Some(shared)))
}

/// Whether the signature is over what was received: body, target, timestamp.
fn signature(received: &ReceivedRequest, shared: &Shared) -> SignatureCheck {
    let Some(signature) = received.header("pingplusplus-signature") else {
        return SignatureCheck::Missing;
    };
    let timestamp = received.header("pingplusplus-request-timestamp").unwrap_or_default();
    let signed = [&received.body, received.target.as_bytes(), timestamp.as_bytes()].concat();
    if shared.merchant_public.verifies(&signed, signature) {
        SignatureCheck::Verified
    } else {
        SignatureCheck::Wrong
    }
}

fn admit(received: &ReceivedRequest, now: i64) -> Result<(), Answer> {
    if !has_api_key(received) {
        return Err(Answer::refused(401, "提供了无效的 API KEY (invalid API key)"));
    }
    let timestamp = received.header("pingplusplus-request-timestamp").unwrap_or_default();
    match timestamp.parse::<i64>() {
        Ok(timestamp) if timestamp.abs_diff(now) <= CLOCK_SKEW.unsigned_abs() => {}
        _ => return Err(Answer::refused(401, "请求时间戳无效 (the timestamp is missing or off)")),
    }
    match received.signature {
        SignatureCheck::Verified => Ok(()),
        SignatureCheck::Missing => {
            Err(Answer::refused(401, "缺少签名 (the request is not signed)"))
        }
        SignatureCheck::Wrong => {
            Err(Answer::refused(401, "签名验证失败 (the signature does not verify)"))
        }
    }
}

/// `Bearer KEY`, or `Basic` with the key as user name.
fn has_api_key(received: &ReceivedRequest) -> bool {
    let Some(value) = received.header(AUTHORIZATION.as_str()) else { return false };
    if let Some(key) = value.strip_prefix("Bearer ") {
        return key == API_KEY;
    }
    value.strip_prefix("Basic ").is_some_and(|basic| {
        STANDARD.decode(basic).is_ok_and(|user| user == format!("{API_KEY}:").into_bytes())
    })
}

/// Signed if there is somebody to sign: a 401 is not.
fn response(answer: Answer, signer: Option<&Shared>) -> Response<Full<Bytes>> {
    let body = pretty(&answer.body);
    let mut response = Response::new(Full::new(Bytes::from(body.clone())));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json;charset=utf-8"));
    let signature = signer.and_then(|shared| shared.pingxx.sign(&body).ok());
    if let Some(signature) = signature.and_then(|text| HeaderValue::try_from(text).ok()) {
        headers.insert("x-pingplusplus-signature", signature);
    }
    response
}

/// Indented by four, as the real API does it: a signature is over these bytes, not over the value.
fn pretty(value: &Value) -> Vec<u8> {
    let mut text = Vec::new();
    let formatter = PrettyFormatter::with_indent(b"    ");
    // A `Value` in memory always serialises.
    let _ = value.serialize(&mut Serializer::with_formatter(&mut text, formatter));
    text
}
