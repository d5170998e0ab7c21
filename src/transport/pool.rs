//! The connection pool: idle connections, at most as many connections as permits.
//!
//! hyper-util's pool is not used: it opens connections in the background beyond any limit, and does
//! not tell whether the connection of a lost request had been idle in the pool.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use http::Uri;
use tokio::runtime::{self, Handle};
use tokio::time::{Instant, sleep_until};
use tower_service::Service;

use super::connect::Connector;
use super::connection::Connection;
use super::permits::{Permit, Permits, Turn};
use crate::error::BoxError;

/// How long an unused connection is kept: below what load balancers keep theirs (15 s and more), so
/// that it is this side that closes first.
const IDLE: Duration = Duration::from_secs(10);

pub(super) struct Pool {
    connector: Connector,
    server: Uri,
    permits: Permits,
    idle: Mutex<Idle>,
}

/// The idle connections, the longest idle one first.
#[derive(Default)]
struct Idle {
    connections: VecDeque<(Instant, Connection)>,
    /// The runtimes on which a [`Reaper`] runs.
    reapers: Vec<runtime::Id>,
}

impl Pool {
    pub(super) fn new(connector: Connector, server: Uri, permits: usize) -> Arc<Self> {
        let permits = Permits::new(permits);
        Arc::new(Self { connector, server, permits, idle: Mutex::default() })
    }

    /// Waits for a permit, first come first served.
    pub(super) async fn permit(&self, turn: &mut Turn) -> Permit<'_> {
        self.permits.acquire(turn).await
    }

    /// What may explain that there is no connection yet.
    pub(super) fn obstacle(&self) -> Option<BoxError> {
        self.connector.obstacle()
    }

    /// An idle connection, if there is one that this runtime opened: the I/O driver of another one
    /// may not be running.
    pub(super) fn take_idle(&self, _permit: &Permit<'_>) -> Option<Connection> {
        let here = Handle::current().id();
        let mut idle = self.idle();
        // The newest, so that those that are not needed reach their age limit.
        let newest = idle.connections.iter().rposition(|(_, idle)| idle.runtime == here)?;
        let (since, mut connection) = idle.connections.remove(newest)?;
        connection.was_pooled = true;
        (since.elapsed() < IDLE).then_some(connection)
    }

    /// Puts a connection on which no exchange is under way into the pool.
    pub(super) fn keep(self: &Arc<Self>, connection: Connection) {
        if !connection.is_ready() {
            return;
        }
        let runtime = connection.runtime;
        let mut idle = self.idle();
        idle.connections.push_back((Instant::now(), connection));
        if !idle.reapers.contains(&runtime) {
            idle.reapers.push(runtime);
            // A runtime that is shutting down drops the task at once, which needs the lock.
            drop(idle);
            tokio::spawn(Reaper { pool: Arc::downgrade(self), runtime }.run());
        }
    }

    pub(super) async fn open(&self, _permit: &Permit<'_>) -> Result<Connection, BoxError> {
        self.make_room();
        let mut connector = self.connector.clone();
        poll_fn(|cx| connector.poll_ready(cx)).await?;
        Ok(Connection::new(connector.call(self.server.clone()).await?).await?)
    }

    pub(super) fn permits_now(&self) -> usize {
        self.permits.now()
    }

    /// Closes idle connections until they are not more than the unused permits. A permit allows one
    /// connection, so idle and busy connections together are not more than the permits.
    fn make_room(&self) {
        loop {
            let mut idle = self.idle();
            if idle.connections.len() <= self.permits.unused() {
                return;
            }
            let oldest = idle.connections.pop_front();
            drop(idle);
            drop(oldest);
        }
    }

    /// Closes what has been idle for too long, on whatever runtime. Returns when the next connection
    /// will have been; if there is none, the reaper of `runtime` is no longer registered.
    fn close_old(&self, runtime: runtime::Id) -> Option<Instant> {
        let now = Instant::now();
        let mut idle = self.idle();
        let old = idle.connections.iter().take_while(|(since, _)| *since + IDLE <= now).count();
        let old: Vec<_> = idle.connections.drain(..old).collect();
        let next = idle.connections.front().map(|(since, _)| *since + IDLE);
        if next.is_none() {
            idle.reapers.retain(|reaper| *reaper != runtime);
        }
        drop(idle);
        drop(old);
        next
    }

    /// Closes the idle connections of a runtime that has stopped.
    fn close_all_of(&self, runtime: runtime::Id) {
        let mut idle = self.idle();
        idle.reapers.retain(|reaper| *reaper != runtime);
        let (closed, open): (VecDeque<_>, _) = std::mem::take(&mut idle.connections)
            .into_iter()
            .partition(|(_, connection)| connection.runtime == runtime);
        idle.connections = open;
        drop(idle);
        drop(closed);
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes idle connections at their age limit until there are none or the pool is gone; one for each
/// runtime that put a connection into the pool, since any of them may stop. A runtime that stops drops
/// it, which closes the connections of that runtime.
struct Reaper {
    pool: Weak<Pool>,
    runtime: runtime::Id,
}

impl Reaper {
    async fn run(mut self) {
        while let Some(next) = self.pool.upgrade().and_then(|pool| pool.close_old(self.runtime)) {
            sleep_until(next).await;
        }
        // A new reaper may have been registered meanwhile.
        self.pool = Weak::new();
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.close_all_of(self.runtime);
        }
    }
}
