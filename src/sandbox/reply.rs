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

/// Ends a connection without an answer, or in the middle of one.
#[derive(Debug)]
pub(super) struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken on request")
    }
}

impl std::error::Error for Broken {}

pub(super) type Body = UnsyncBoxBody<Bytes, Broken>;

pub(super) fn full(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).map_err(|never: Infallible| match never {}).boxed_unsync()
}

pub(super) fn response_of(status: u16, content: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content));
    response
}

pub(super) async fn taken_apart(answer: Response<Body>) -> (response::Parts, Bytes) {
    let (mut head, body) = answer.into_parts();
    head.headers.remove(CONTENT_LENGTH);
    let bytes = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    (head, bytes)
}

/// A body that comes in pieces, and breaks off behind them unless it is whole.
pub(super) fn in_pieces(pieces: Vec<Bytes>, pause: Duration, is_whole: bool) -> Body {
    let (mut sender, body) = Channel::new(1);
    // Ends with the connection, which holds the other end.
    tokio::spawn(async move {
        for piece in pieces {
            if sender.send_data(piece).await.is_err() {
                return;
            }
            tokio::time::sleep(pause).await;
        }
        if !is_whole {
            sender.abort(Broken);
        }
    });
    body.boxed_unsync()
}

/// Indented by four, as the real API does it: a signature is over these bytes, not over the value.
pub(super) fn pretty(value: &Value) -> Vec<u8> {
    let mut text = Vec::new();
    let formatter = PrettyFormatter::with_indent(b"    ");
    // A `Value` in memory always serialises.
    let _ = value.serialize(&mut Serializer::with_formatter(&mut text, formatter));
    text
}
