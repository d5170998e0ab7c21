//! How a settlement ends.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::obstacle::{NotCreated, Obstacle};
use super::state::{Done, State};
use super::token::SettleToken;
use super::transition::Ending;
use crate::resources::charges::Charge;

/// How a charge ended, with the charge as it was last seen.
///
/// Only [`Paid`](Self::Paid) releases goods. Treat a variant that you do not know as one that keeps
/// them:
/// ```
/// fn may_hand_over(settled: &pingpp::Settled) -> bool {
///     matches!(settled, pingpp::Settled::Paid(_))
/// }
/// ```
///
/// It serialises with its charge, and `Display` names the ending and the id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Settled {
    /// It is paid and stays so. This alone releases goods.
    Paid(Box<Charge>),
    /// It was reversed, unpaid.
    Closed(Box<Charge>),
    /// It was paid, and the money went back.
    Refunded(Box<Charge>),
    /// It was paid too late, or reversed without giving the money back, and must be refunded: by you,
    /// see [`RefundApi`](crate::RefundApi).
    NeedsRefund(Box<Charge>),
    /// It expired unpaid, and could not be reversed.
    Failed(Box<Charge>),
    /// There is no charge: the create was refused, was never sent, or left no charge.
    NotCreated(Box<NotCreated>),
    /// There are several charges with the number of the order: the ending of each. At most one is
    /// [`Paid`](Self::Paid).
    Several(Vec<Self>),
    /// The time was over before it came to an end, or the hook stopped it.
    Unresolved(Box<Unresolved>),
}

impl Settled {
    /// The charge as it was last seen. Of several charges, the paid one.
    pub fn charge(&self) -> Option<&Charge> {
        match self {
            Self::Paid(charge)
            | Self::Closed(charge)
            | Self::Refunded(charge)
            | Self::NeedsRefund(charge)
            | Self::Failed(charge) => Some(charge),
            Self::NotCreated(_) => None,
            Self::Several(all) => all.iter().find_map(Self::paid),
            Self::Unresolved(left) => left.charge.as_deref(),
        }
    }

    /// The charge that is paid, if one is: hand over the goods.
    pub fn paid(&self) -> Option<&Charge> {
        match self {
            Self::Paid(charge) => Some(charge),
            Self::Several(all) => all.iter().find_map(Self::paid),
            _ => None,
        }
    }
}

impl Settled {
    /// As serde names it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Paid(_) => "paid",
            Self::Closed(_) => "closed",
            Self::Refunded(_) => "refunded",
            Self::NeedsRefund(_) => "needs_refund",
            Self::Failed(_) => "failed",
            Self::NotCreated(_) => "not_created",
            Self::Several(_) => "several",
            Self::Unresolved(_) => "unresolved",
        }
    }
}

impl fmt::Display for Settled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ending, charge) = match self {
            Self::Paid(charge) => ("paid", charge),
            Self::Closed(charge) => ("closed unpaid", charge),
            Self::Refunded(charge) => ("the money went back", charge),
            Self::NeedsRefund(charge) => ("needs a refund", charge),
            Self::Failed(charge) => ("expired unpaid", charge),
            Self::NotCreated(reason) => return reason.fmt(f),
            Self::Unresolved(left) => return left.fmt(f),
            Self::Several(all) => {
                write!(f, "{} charges", all.len())?;
                return all.iter().try_for_each(|one| write!(f, "; {one}"));
            }
        };
        write!(f, "{ending}: {}", charge.id)
    }
}

/// What is left of a settlement that found no end in its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Unresolved {
    /// With this it goes on: [`ChargeApi::resume`](crate::ChargeApi::resume).
    pub token: SettleToken,
    /// The charge as it was last seen.
    pub charge: Option<Box<Charge>>,
    /// What is in the way.
    pub obstacle: Obstacle,
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unresolved: {}", self.obstacle)
    }
}

impl SettleToken {
    /// The ending, once there is one.
    pub fn ending(&self) -> Option<Settled> {
        let state = self.known()?;
        state.machine.ending?;
        Some(state.settled(None))
    }
}

impl State {
    /// The ending. `live` is the charge as it was last seen by this process.
    pub(super) fn settled(&self, live: Option<Box<Charge>>) -> Settled {
        match self.done.as_slice() {
            [one] => self.settled_one(one, live),
            all => Settled::Several(all.iter().map(|one| self.settled_one(one, None)).collect()),
        }
    }

    fn settled_one(&self, done: &Done, live: Option<Box<Charge>>) -> Settled {
        let charge = live.or_else(|| done.charge.clone());
        match (done.ending, charge) {
            (Ending::Paid, Some(charge)) => Settled::Paid(charge),
            (Ending::Closed, Some(charge)) => Settled::Closed(charge),
            (Ending::Refunded, Some(charge)) => Settled::Refunded(charge),
            (Ending::NeedsRefund, Some(charge)) => Settled::NeedsRefund(charge),
            (Ending::Failed, Some(charge)) => Settled::Failed(charge),
            (Ending::NotCreated, _) => Settled::NotCreated(match &done.refusal {
                Some(refusal) => refusal.clone(),
                None => Box::new(NotCreated {
                    order_no: self.order_no.clone().unwrap_or_default(),
                    status: None,
                    code: None,
                    reason: None,
                }),
            }),
            (ending, charge) => {
                let obstacle = match ending {
                    Ending::Unresolved(obstacle) => obstacle,
                    _ => Obstacle::InDoubt,
                };
                self.unresolved(charge, obstacle)
            }
        }
    }

    pub(super) fn unresolved(&self, charge: Option<Box<Charge>>, obstacle: Obstacle) -> Settled {
        let token = SettleToken::of(self.clone());
        Settled::Unresolved(Box::new(Unresolved { token, charge, obstacle }))
    }
}
