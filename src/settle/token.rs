//! What a settlement keeps, so that it can go on in another process; and its clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::machine::{Machine, Millis};
use crate::resources::charges::Charge;
use crate::types::{App, Id, Timestamp};

/// The version of the token that this crate writes.
pub(super) const VERSION: u8 = 1;

/// Where a settlement stands, to be kept and resumed. It serialises; no secrets are in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SettleToken {
    pub(super) version: u8,
    pub(super) subject: Subject,
    #[serde(rename = "core")]
    pub(super) machine: Machine,
}

impl SettleToken {
    /// The charge, once it is known: a create whose answer was lost has none yet.
    pub fn charge(&self) -> Option<&Id<Charge>> {
        match &self.subject {
            Subject::Charge(id) => Some(id),
            Subject::Order { .. } => None,
        }
    }

    /// Whether a reverse may have been sent.
    pub fn may_have_reversed(&self) -> bool {
        self.machine.may_have_reversed()
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Subject {
    Charge(Id<Charge>),
    /// It may have been created, or be about to.
    Order {
        app: Id<App>,
        order_no: String,
        since: Timestamp,
    },
}

impl SettleToken {
    pub(super) fn new(subject: Subject) -> Self {
        Self { version: VERSION, subject, machine: Machine::new(Clock::start().now()) }
    }
}

/// Tokio's clock, in the world's time: tokens outlive the process.
pub(super) struct Clock {
    base: Millis,
    start: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        let base = millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
        Self { base, start: Instant::now() }
    }

    pub(super) fn now(&self) -> Millis {
        self.base.saturating_add(millis(self.start.elapsed()))
    }
}

pub(super) fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX)
}
