//! How a settlement ends.

use super::machine::Obstacle;
use super::token::SettleToken;
use crate::resources::charges::Charge;

/// How a charge ended, with the charge as it was last seen.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Settled {
    /// It is paid and stays so. This alone releases goods.
    Paid(Box<Charge>),
    /// It was reversed, unpaid.
    Closed(Box<Charge>),
    /// It was paid, and the money went back.
    Refunded(Box<Charge>),
    /// It was paid too late, and must be refunded: by you, see [`RefundApi`](crate::RefundApi).
    NeedsRefund(Box<Charge>),
    /// It failed or expired unpaid, and could not be reversed.
    Failed(Box<Charge>),
    /// The time was over before it came to an end.
    Unresolved(Unresolved),
}

impl Settled {
    /// The charge as it was last seen, if it was.
    pub fn charge(&self) -> Option<&Charge> {
        match self {
            Self::Paid(charge)
            | Self::Closed(charge)
            | Self::Refunded(charge)
            | Self::NeedsRefund(charge)
            | Self::Failed(charge) => Some(charge),
            Self::Unresolved(left) => left.charge.as_deref(),
        }
    }
}

/// What is left of a settlement that found no end in its time.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Unresolved {
    /// With this it goes on: [`ChargeApi::resume`](crate::ChargeApi::resume).
    pub token: SettleToken,
    /// The charge as it was last seen.
    pub charge: Option<Box<Charge>>,
    /// What is in the way.
    pub obstacle: Obstacle,
}
