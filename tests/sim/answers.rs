//! Answers as bytes: true ones, and those of each fault.

use serde_json::{Value, json};

use crate::books::{Reply, Request};
use crate::faults::Fault;
use crate::keys;
use crate::world::World;

const PLAIN: &str = r#"{"error":{"type":"invalid_request_error","message":"m"}}"#;
const STRAY: &str =
    r#"{"error":{"type":"invalid_request_error","param":"somebodys","message":"m"}}"#;
const ODD: &str = r#"{"error":{"type":"invalid_request_error","param":[1],"message":{}}}"#;
const GATEWAY: &str = r#"{"error":{"type":"throttled","message":"Too Many Requests"}}"#;
const HTML: &str = "<html><h1>Bad Gateway</h1></html>";

/// A whole answer.
pub(crate) struct Answer(Vec<u8>);

impl Answer {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// A true answer, which is signed where answers are.
    pub(crate) fn of(world: &World, reply: &Reply) -> Self {
        json_answer(world, reply.status, &reply.body.to_string())
    }
}

fn json_answer(world: &World, status: u16, body: &str) -> Answer {
    json_with(world, status, "Content-Type: application/json;charset=utf-8\r\n", body)
}

fn json_with(world: &World, status: u16, headers: &str, body: &str) -> Answer {
    let mut headers = headers.to_owned();
    if world.plan().rsa {
        headers += &format!("X-Pingplusplus-Signature: {}\r\n", keys::sign_answer(body.as_bytes()));
    }
    with_headers(world, status, &headers, body.as_bytes())
}

fn with_headers(world: &World, status: u16, headers: &str, body: &[u8]) -> Answer {
    let date = match headers.contains("Date: ") {
        true => String::new(),
        false => format!("Date: {}\r\n", httpdate::fmt_http_date(world.clock(0))),
    };
    let length = match headers.contains("Content-Length: ") {
        true => String::new(),
        false => format!("Content-Length: {}\r\n", body.len()),
    };
    let head = format!("HTTP/1.1 {status} Status\r\n{date}{headers}{length}\r\n");
    Answer([head.as_bytes(), body].concat())
}

/// An error of Ping++ without a code.
pub(crate) fn plain(world: &World, status: u16) -> Answer {
    json_answer(world, status, PLAIN)
}

/// The refusal of somebody else's request. Its words are its own: if the next request were refused in the
/// same ones, on a connection of its own and without a reason, nobody could tell.
pub(crate) fn stray(world: &World, status: u16) -> Answer {
    json_answer(world, status, STRAY)
}

pub(crate) fn html(world: &World, status: u16) -> Answer {
    with_headers(world, status, "Content-Type: text/html\r\n", HTML.as_bytes())
}

fn coded(world: &World, status: u16, code: &str) -> Answer {
    let body = json!({ "error": { "type": "channel_error", "code": code } });
    json_answer(world, status, &body.to_string())
}

/// The beginning of an answer that never ends, and what follows again and again.
pub(crate) fn flood(fault: Fault) -> (&'static [u8], &'static [u8]) {
    match fault {
        Fault::Flood1xx => (b"", b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"),
        _ => (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", &[b'0'; 64]),
    }
}

/// Whether a fault can strike this request.
pub(crate) fn fits(fault: Fault, request: &Request) -> bool {
    match fault {
        Fault::Delayed => !request.reads(),
        Fault::Cached => request.reads(),
        Fault::NotDone => request.path.ends_with("/reverse"),
        Fault::OtherMode => !is_list(request) && !request.path.ends_with("/refunds"),
        Fault::ResetInRequest | Fault::Stale => false,
        _ => true,
    }
}

fn is_list(request: &Request) -> bool {
    request.reads() && (request.path.ends_with('s'))
}

/// The true answer, changed; an answer that was no success stays as it is.
fn changed(world: &World, reply: Option<&Reply>, change: impl FnOnce(&mut Value)) -> Answer {
    let Some(reply) = reply else { return html(world, 502) };
    let mut body = reply.body.clone();
    if reply.status == 200 {
        change(&mut body);
    }
    json_answer(world, reply.status, &body.to_string())
}

fn about_something_else(request: &Request, body: &mut Value) {
    match request.segments().as_slice() {
        ["charges"] | ["transfers"] if !request.reads() => body["order_no"] = "somebodys".into(),
        _ if is_list(request) => *body = json!({ "object": "charge", "id": "ch_other" }),
        ["charges", _, "refunds"] => body["charge"] = "ch_other".into(),
        _ => body["id"] = "ch_other".into(),
    }
}

/// The answer of a fault that is one whole answer.
pub(crate) fn wrong(
    world: &World,
    request: &Request,
    fault: Fault,
    reply: Option<&Reply>,
) -> Answer {
    use Fault::*;
    match fault {
        Unsaid400 => plain(world, 400),
        OddParam400 => json_answer(world, 400, ODD),
        Unauthorized => plain(world, 401),
        Closed402 => coded(world, 402, "charge_closed"),
        NotFound => plain(world, 404),
        Forbidden => plain(world, 403),
        TooMany => plain(world, 429),
        Channel402 => coded(world, 402, "channel_connection_error"),
        Doubtful403 => coded(world, 403, "channel_connection_error"),
        Gateway403 => with_headers(world, 403, "", GATEWAY.as_bytes()),
        Html403 => html(world, 403),
        Html429 => html(world, 429),
        Empty400 => with_headers(world, 400, "", b""),
        Timeout408 => plain(world, 408),
        Error500 => plain(world, 500),
        Html502 => html(world, 502),
        Unavailable503 => {
            let seconds = world.pick(&[0, 1, 100]);
            with_headers(world, 503, &format!("Retry-After: {seconds}\r\n"), b"")
        }
        WrongDate => {
            let date = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
            with_headers(world, 502, date, HTML.as_bytes())
        }
        Cached => {
            let date = httpdate::fmt_http_date(world.clock(-900_000));
            let headers = format!("Age: 900\r\nDate: {date}\r\n");
            let refused = || Reply::refused(404, "invalid_request_error", "no_such_thing");
            match reply.filter(|_| world.chance(50)) {
                Some(reply) => json_with(world, reply.status, &headers, &reply.body.to_string()),
                None => json_with(world, 404, &headers, &refused().body.to_string()),
            }
        }
        Redirect => with_headers(world, 307, "Location: http://192.0.2.1/\r\n", b""),
        Null => json_answer(world, 200, "null"),
        Html200 => html(world, 200),
        Gzip => with_headers(world, 200, "Content-Encoding: gzip\r\n", b"\x1f\x8b"),
        TooLarge => with_headers(world, 200, "Content-Length: 9999999\r\n", b"{\"id\":\""),
        ShortLength => {
            let body = reply.map_or_else(String::new, |reply| reply.body.to_string());
            let short = format!("Content-Length: {}\r\n", body.len().saturating_sub(5));
            with_headers(world, reply.map_or(502, |reply| reply.status), &short, body.as_bytes())
        }
        SomethingElse => changed(world, reply, |body| about_something_else(request, body)),
        NotDone => changed(world, reply, |body| body["reversed"] = false.into()),
        OtherMode => changed(world, reply, |body| body["livemode"] = true.into()),
        _ => unreachable!("{fault:?} is not one answer"),
    }
}
