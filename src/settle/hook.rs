//! The hook of a settlement: what is about to happen, and whether it may.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use super::ending::Settled;
use super::token::SettleToken;
use crate::resources::charges::Charge;

/// What [`Settlement::on_step`](crate::Settlement::on_step) is given.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Step {
    /// To be kept: with it the settlement goes on elsewhere.
    pub token: SettleToken,
    /// What is about to happen, or has ended.
    pub kind: StepKind,
    /// The charge as it was last seen by this process.
    pub charge: Option<Box<Charge>>,
}

/// What is about to happen in a settlement once its token is kept.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum StepKind {
    /// It looks, which changes nothing: at the beginning, and after a create or a reverse.
    Look,
    /// A charge is created.
    Create,
    /// A reverse is sent.
    Reverse,
    /// It has ended so, and is about to say it.
    Ended(Settled),
}

/// What a hook returns if the token was not kept, or if the settlement is no longer its own: nothing
/// is sent, and the settlement ends [`Unresolved`](Settled::Unresolved) with
/// [`Obstacle::Stopped`](super::Obstacle::Stopped) and the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop;

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settlement is to stop")
    }
}

impl std::error::Error for Stop {}

pub(super) type Hook =
    Arc<dyn Fn(Step) -> Pin<Box<dyn Future<Output = Result<(), Stop>> + Send>> + Send + Sync>;
