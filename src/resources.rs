//! The objects of the API and their operations, one file per family.

pub(crate) mod app;
pub(crate) mod channel;
pub(crate) mod charge;
pub(crate) mod event;
pub(crate) mod list;
pub(crate) mod refund;
