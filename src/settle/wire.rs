//! Tokens of the first version.

use std::time::SystemTime;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::clock::{Millis, unix_millis};
use super::machine::Machine;
use super::state::State;
use super::transition::Phase;
use crate::resources::charges::Charge;
use crate::types::{App, Id, Timestamp};

#[derive(Deserialize)]
struct Token {
    subject: Subject,
    core: Core,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Subject {
    Charge(Id<Charge>),
    Order { app: Id<App>, order_no: String, since: Timestamp },
}

#[derive(Deserialize)]
struct Core {
    every: Millis,
    give_up_after: Millis,
    resolve_within: Millis,
    accept_late_payment: bool,
    started: Millis,
    gave_up: Option<Millis>,
    phase: String,
    reverses: u32,
    refusals: u32,
}

/// The state of a token of the first version. Its times are those of the machine that wrote it.
pub(super) fn first_version(map: Map<String, Value>) -> Result<State, serde_json::Error> {
    let Token { subject, core } = serde_json::from_value(map.into())?;
    let is_under_way = core.phase == "sent";
    // The token does not say when its last reverse was sent, so it counts as sent just now.
    let may_act = is_under_way || core.reverses > core.refusals;
    let mut machine = Machine {
        every: Some(core.every),
        give_up_after: Some(core.give_up_after),
        resolve_within: Some(core.resolve_within),
        accept_late_payment: Some(core.accept_late_payment),
        gave_up: core.gave_up,
        reverses: core.reverses,
        has_begun_it: false,
        last_reverse: may_act.then(|| unix_millis(SystemTime::now())),
        ..Machine::new(Phase::Watch, core.started)
    };
    Ok(match subject {
        Subject::Charge(id) => State { charge: Some(id), machine, ..State::default() },
        Subject::Order { app, order_no, since } => {
            machine.phase = Phase::Create;
            let since = Millis::try_from(since.as_unix()).unwrap_or(0).saturating_mul(1_000);
            machine.started = machine.started.min(since);
            State { app: Some(app), order_no: Some(order_no), machine, ..State::default() }
        }
    })
}
