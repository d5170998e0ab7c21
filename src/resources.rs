//! The objects of the API and their operations, one file per path segment.

pub mod batch_refunds;
pub mod batch_transfers;
pub mod charges;
pub mod events;
mod lost;
pub mod orders;
pub mod red_envelopes;
pub mod refunds;
pub mod transfers;
