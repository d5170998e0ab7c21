//! The threads, locks and channels of `signing::pool` and `transport::permits`.
//!
//! `schedules/` compiles those two files with a module of the same names, which runs their threads in
//! many orders.

pub(crate) use std::sync::atomic::AtomicBool;
pub(crate) use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
pub(crate) use std::thread;
pub(crate) use std::time::Instant;

pub(crate) use tokio::sync::oneshot;
