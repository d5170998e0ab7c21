//! The objects of the API and their operations, one file per path segment.

pub mod charges;
pub mod events;
mod lost;
pub mod orders;
pub mod refunds;
pub mod transfers;
