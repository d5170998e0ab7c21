//! How a settlement ends.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::obstacle::Obstacle;
use super::token::SettleToken;
use crate::error::ErrorCode;
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

/// Why there is no charge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NotCreated {
    /// The number of the order.
    pub order_no: String,
    /// The HTTP status of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The code of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<ErrorCode>,
    /// The error of a create that was refused or never sent, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl fmt::Display for NotCreated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no charge of order {}", self.order_no)?;
        self.reason.as_ref().map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}
