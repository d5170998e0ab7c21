//! What the tasks of a sandbox share with its handle: settings, and the state behind a lock.

use std::sync::atomic::AtomicUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{fmt, io};

use tokio::sync::Notify;

use super::fault::Faults;
use super::options::Options;
use super::printer::Printer;
use super::received::Received;
use super::state::State;
use crate::signing::{PublicKey, SigningKey};

pub(super) struct SandboxInner {
    pub(super) port: u16,
    pub(super) options: Options,
    /// Whose signatures are accepted; `None` accepts every signature.
    pub(super) merchant: Option<PublicKey>,
    pub(super) pingxx: SigningKey,
    /// Where the line of a request is printed.
    pub(super) printer: Option<Printer>,
    /// The number of requests that are being answered.
    pub(super) concurrent: AtomicUsize,
    pub(super) locked: Mutex<Locked>,
    /// Notified after each change, since the next delivery may be due earlier.
    pub(super) changed: Notify,
}

/// What the lock protects.
#[derive(Default)]
pub(super) struct Locked {
    pub(super) state: State,
    pub(super) faults: Faults,
    pub(super) received: Received,
    pub(super) connections: usize,
    pub(super) resets: usize,
    pub(super) panicked: bool,
    /// Whether the last snapshot was taken.
    pub(super) has_ended: bool,
}

impl SandboxInner {
    /// Ignores poisoning: `panicked` reports a panic, and the data can still be read.
    pub(super) fn lock(&self) -> MutexGuard<'_, Locked> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The clock that the timestamps of requests are compared with, in seconds since 1970.
    pub(super) fn world_clock(&self) -> i64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(now.as_secs()).unwrap_or(i64::MAX).saturating_add(self.options.clock_ahead)
    }

    /// Goes back to the state of the start. Changes nothing if the options make none any more: a
    /// `time_expire` of the seed may have passed.
    pub(super) fn reset(&self) -> io::Result<()> {
        let state = self.options.first_state()?;
        let mut locked = self.lock();
        let Locked { connections, has_ended, .. } = *locked;
        let resets = locked.resets + 1;
        *locked = Locked { state, connections, resets, has_ended, ..Locked::default() };
        drop(locked);
        self.changed.notify_one();
        Ok(())
    }

    /// Applies a change, with everything that is due done before and after it.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut locked = self.lock();
        locked.state.catch_up();
        let result = change(&mut locked.state);
        locked.state.catch_up();
        drop(locked);
        self.changed.notify_one();
        result
    }
}

impl fmt::Debug for SandboxInner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxInner").finish_non_exhaustive()
    }
}
