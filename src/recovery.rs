//! The next step after an unknown outcome.

use crate::resources::charge::Charge;
use crate::{Amount, App, Id, Timestamp};

/// How to find out what happened to a call whose outcome is [`Outcome::Unknown`](crate::Outcome).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recovery {
    /// Retrieve this charge: it says whether it is paid, reversed or refunded.
    Retrieve(Id<Charge>),
    /// List the charges of the app created since then, and look for this order number.
    FindCharge {
        /// The app the charge was to belong to.
        app: Id<App>,
        /// The merchant's order number.
        order_no: String,
        /// The second of the first send.
        since: Timestamp,
    },
    /// List the refunds of the charge created since then, and look for this amount.
    FindRefund {
        /// The charge that was to be refunded.
        charge: Id<Charge>,
        /// In fen; `None` is all that remained.
        amount: Option<Amount>,
        /// The second of the first send.
        since: Timestamp,
    },
    /// No query of this API settles it; look in the Ping++ dashboard.
    Manual,
}

impl Recovery {
    /// Fills in when the first attempt began.
    pub(crate) fn since(mut self, first: Option<Timestamp>) -> Self {
        if let (Self::FindCharge { since, .. } | Self::FindRefund { since, .. }, Some(first)) =
            (&mut self, first)
        {
            *since = first;
        }
        self
    }
}
