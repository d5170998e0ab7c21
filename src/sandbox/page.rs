//! The page of the sandbox, on which a person can pay and decline charges, and the calls behind it,
//! which tests in other languages use too.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::clock::Millis;
use super::fault::Fault;
use super::inner::SandboxInner;
use super::kind::{By, Kind};
use super::kinds::{self, CHARGE};
use super::reply::{Body, full, response_of};
use super::state::{DELETED, State};

/// The path of the page, and the prefix of its calls.
pub(super) const PATH: &str = "/_sandbox/";

/// The number of objects of each kind that are shown.
const SHOWN: usize = 100;

/// The body of `POST /_sandbox/do`.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Command {
    Pay(String),
    Decline(String),
    /// What the object with this id waits for.
    Confirm(String),
    /// By this number of seconds.
    Advance(u64),
    /// Once, for the next request.
    Fail(Failure),
    Heal,
}

/// A fault by its name.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Failure(Fault);

impl TryFrom<String> for Failure {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Ok(Self(match &*name {
            "refuse" => Fault::refuse(),
            "close" => Fault::close(),
            "close_after_acting" => Fault::close().after_acting(),
            "stall" => Fault::stall(),
            "slow" => Fault::slow(Duration::from_millis(10)),
            "truncate" => Fault::truncate(),
            "garbage" => Fault::garbage(),
            "bad_gateway" => Fault::bad_gateway(),
            "internal_error" => Fault::internal_error(),
            "too_many_requests" => Fault::too_many_requests(Duration::from_secs(1)),
            "forbidden" => Fault::forbidden(),
            "payment_required" => Fault::payment_required("channel_connection_error"),
            "bad_signature" => Fault::bad_signature(),
            _ => return Err(format!("there is no fault {name:?}")),
        }))
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
        ("GET", "snapshot") => {
            let snapshot = sandbox.change(|state| state.snapshot());
            response_of(200, "application/json", full(snapshot))
        }
        ("POST", "reset") => match sandbox.reset() {
            Ok(()) => text(200, String::from("done")),
            Err(error) => text(409, error.to_string()),
        },
        ("POST", "do") => match serde_json::from_slice(body) {
            Ok(command) => match execute(command, sandbox) {
                true => text(200, String::from("done")),
                false => {
                    text(409, String::from("there is no such object, or it does not wait for this"))
                }
            },
            Err(error) => text(400, format!("the body is not a command: {error}")),
        },
        _ => {
            let calls = ["GET state", "GET snapshot", "POST do", "POST reset"];
            text(404, format!("{PATH} is a page, and below it are {}", calls.join(", ")))
        }
    }
}

fn execute(command: Command, sandbox: &SandboxInner) -> bool {
    match command {
        Command::Fail(failure) => sandbox.lock().faults.add_once(failure.0),
        Command::Heal => sandbox.lock().faults.clear(),
        Command::Advance(seconds) => {
            sandbox.change(|state| state.clock.advance(Duration::from_secs(seconds)));
        }
        Command::Pay(id) => return on_charge(&id, sandbox, State::pay),
        Command::Decline(id) => return on_charge(&id, sandbox, State::decline),
        Command::Confirm(id) => return sandbox.change(|state| state.confirm(&id)),
    }
    true
}

fn on_charge(
    id: &str,
    sandbox: &SandboxInner,
    act: impl FnOnce(&mut State, usize, Millis) -> bool,
) -> bool {
    sandbox.change(|state| {
        let now = state.clock.millis();
        state.find_global(&CHARGE, id).is_ok_and(|charge| act(state, charge, now))
    })
}

/// The answer to `GET /_sandbox/state`, newest first.
fn overview(sandbox: &SandboxInner) -> Value {
    let mut locked = sandbox.lock();
    locked.state.catch_up();
    let state = &locked.state;
    let shown = |kind: &&'static Kind| {
        let rows =
            state.of_kind(kind).iter().rev().filter(|row| state.rows[**row].state != DELETED);
        let confirms = |row: usize| kind.leads(By::Confirm, state.rows[row].state).is_some();
        let show = |row: &usize| {
            let mut object = state.show(*row);
            object["_confirms"] = confirms(*row).into();
            object["_state"] = state.rows[*row].state.into();
            object
        };
        let objects: Vec<_> = rows.take(SHOWN).map(show).collect();
        (!objects.is_empty()).then(|| (kind.name.to_owned(), Value::from(objects)))
    };
    let objects: Map<_, _> = kinds::all().filter_map(|kind| shown(&kind)).collect();
    let requests: Vec<_> = locked.received.last(SHOWN).map(ToString::to_string).collect();
    json!({
        "now": state.now(), "objects": objects, "requests": requests,
        "postings": state.ledger.len(),
    })
}
