//! Bodies and responses of the sandbox's HTTP server.

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode, response};
use http_body_util::channel::Channel;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};

/// The error with which a fault closes a connection, before the answer or in the middle of it.
#[derive(Debug)]
pub(super) struct ConnectionAborted;

impl fmt::Display for ConnectionAborted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("closed by a fault of the sandbox")
    }
}

impl std::error::Error for ConnectionAborted {}

pub(super) type Body = UnsyncBoxBody<Bytes, ConnectionAborted>;

pub(super) fn full(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).map_err(|never: Infallible| match never {}).boxed_unsync()
}

pub(super) fn response_of(status: u16, content: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content));
    response
}

/// Reads a response to its end: the head without a content length, and the whole body.
pub(super) async fn collect(answer: Response<Body>) -> (response::Parts, Bytes) {
    let (mut head, body) = answer.into_parts();
    head.headers.remove(CONTENT_LENGTH);
    let bytes = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    (head, bytes)
}

/// A body that is sent in chunks with a pause after each. Unless it is complete, the connection is
/// closed after the last chunk.
pub(super) fn chunked(chunks: Vec<Bytes>, pause: Duration, is_complete: bool) -> Body {
    let (mut sender, body) = Channel::new(1);
    // This task ends with the connection, which owns the receiver.
    tokio::spawn(async move {
        for chunk in chunks {
            if sender.send_data(chunk).await.is_err() {
                return;
            }
            tokio::time::sleep(pause).await;
        }
        if !is_complete {
            sender.abort(ConnectionAborted);
        }
    });
    body.boxed_unsync()
}

/// The JSON text of a value, indented by four spaces as by the real API. The signature is over
/// these bytes.
pub(super) fn pretty(value: &Value) -> Vec<u8> {
    let mut text = Vec::new();
    let formatter = PrettyFormatter::with_indent(b"    ");
    // Serializing a `Value` to memory cannot fail.
    let _ = value.serialize(&mut Serializer::with_formatter(&mut text, formatter));
    text
}
