//! What goes into the machine and what comes out of it.

use serde::{Deserialize, Serialize};

use super::clock::Millis;
use super::obstacle::Obstacle;
use super::view::{ChargeView, Facts};

#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// The intent to create a charge: it may have been sent.
    Create,
    /// The charge of a lost create is searched for.
    Search,
    /// Look after look; reverses are decided after a look.
    #[default]
    Watch,
    /// The intent to reverse: it may have been sent.
    Reverse,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Input {
    /// The owner takes a step; whether it has what is needed to create the charge.
    Step { has_order: bool },
    /// The charge was created, or found by its number.
    Found(Facts),
    /// Ping++ refused the create, or it was never sent.
    NotCreated,
    /// Whether the charge was created is not known.
    CreateInDoubt,
    /// A search did not find the charge.
    Absent,
    /// A look was answered.
    Seen(ChargeView),
    /// A look or a search failed: its status, or 0; whether Ping++ asked for fewer of them.
    Failed { status: u16, slow_down: bool },
    /// A reverse ended. `is_first` means that nobody else can have sent the same intent before.
    Reversed { result: Sent, is_first: bool },
}

/// What is known about a reverse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Sent {
    /// Answered with success, which a look has to confirm; or in doubt.
    Maybe,
    Refused,
    Never,
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Action {
    Create,
    Search,
    Look,
    Reverse,
    Wait(Millis),
    End(Ending),
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ending {
    Paid,
    Closed,
    Refunded,
    NeedsRefund,
    Failed,
    NotCreated,
    Unresolved(Obstacle),
}
