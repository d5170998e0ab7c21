//! The sandbox's own page, on which a person plays the payer, and the few calls behind it. Other
//! languages' tests use them too.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::fault::Fault;
use super::inner::SandboxInner;
use super::reply::{Body, full, response_of};

/// Where the page and its calls are.
pub(super) const PATH: &str = "/_sandbox/";

/// So many of each kind are shown.
const SHOWN: usize = 100;

/// What the page asks the sandbox to do: `POST /_sandbox/do`.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wish {
    Pay(String),
    Decline(String),
    /// Seconds.
    Advance(u64),
    /// Once, with the next request.
    Fail(Failure),
    Heal,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Failure {
    Refuse,
    Close,
    CloseAfterActing,
    Stall,
    Slow,
    Truncate,
    Garbage,
    BadGateway,
    InternalError,
    TooManyRequests,
    Forbidden,
    PaymentRequired,
    BadSignature,
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refuse => Self::refuse(),
            Failure::Close => Self::close(),
            Failure::CloseAfterActing => Self::close().after_acting(),
            Failure::Stall => Self::stall(),
            Failure::Slow => Self::slow(Duration::from_millis(10)),
            Failure::Truncate => Self::truncate(),
            Failure::Garbage => Self::garbage(),
            Failure::BadGateway => Self::bad_gateway(),
            Failure::InternalError => Self::internal_error(),
            Failure::TooManyRequests => Self::too_many_requests(Duration::from_secs(1)),
            Failure::Forbidden => Self::forbidden(),
            Failure::PaymentRequired => Self::payment_required("channel_connection_error"),
            Failure::BadSignature => Self::bad_signature(),
        }
    }
}

pub(super) fn answer(
    method: &str,
    path: &str,
    body: &Bytes,
    sandbox: &SandboxInner,
) -> Response<Body> {
    let text = |status, text: String| response_of(status, "text/plain;charset=utf-8", full(text));
    match (method, &path[PATH.len()..]) {
        ("GET", "") => response_of(200, "text/html;charset=utf-8", full(include_str!("page.html"))),
        ("GET", "state") => {
            response_of(200, "application/json", full(overview(sandbox).to_string()))
        }
        ("POST", "do") => match serde_json::from_slice(body) {
            Ok(wish) => match fulfil(wish, sandbox) {
                true => text(200, String::from("done")),
                false => text(409, String::from("there is no such charge, or it is not open")),
            },
            Err(error) => text(400, format!("the body is no wish: {error}")),
        },
        _ => text(404, format!("there are GET {PATH}, GET {PATH}state and POST {PATH}do")),
    }
}

fn fulfil(wish: Wish, sandbox: &SandboxInner) -> bool {
    match wish {
        Wish::Fail(failure) => sandbox.lock().faults.add_once(failure.into()),
        Wish::Heal => sandbox.lock().faults.clear(),
        Wish::Advance(seconds) => {
            sandbox.change(|state| state.clock.advance(Duration::from_secs(seconds)));
        }
        Wish::Pay(id) => {
            return sandbox.change(|state| {
                let now = state.clock.millis();
                state.find_charge(&id).is_ok_and(|charge| state.pay(charge, now))
            });
        }
        Wish::Decline(id) => {
            return sandbox.change(|state| {
                let now = state.clock.millis();
                state.find_charge(&id).is_ok_and(|charge| state.decline(charge, now))
            });
        }
    }
    true
}

/// What the page shows, newest first.
fn overview(sandbox: &SandboxInner) -> Value {
    let mut locked = sandbox.lock();
    locked.state.catch_up();
    let state = &locked.state;
    let last = |count: usize| (0..count).rev().take(SHOWN);
    let charges: Vec<_> = last(state.charges.len()).map(|c| state.show_charge(c, false)).collect();
    let refunds: Vec<_> = last(state.refunds.len()).map(|r| state.show_refund(r)).collect();
    let events: Vec<_> = last(state.events.len()).map(|e| state.show_event(e)).collect();
    let requests: Vec<_> = locked.received.last(SHOWN).map(ToString::to_string).collect();
    json!({
        "now": state.clock.now(), "charges": charges, "refunds": refunds, "events": events,
        "requests": requests,
    })
}
