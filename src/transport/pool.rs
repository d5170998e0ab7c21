//! Connections: kept while they are idle, opened when needed, never more than there are places.
//!
//! Why not a pool off the shelf: it opens connections in the background beyond any limit, and does
//! not tell whether the connection of a request that was lost had been idle before.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};
use tower_service::Service;

use super::connect::Connector;
use crate::error::BoxError;

/// How long an unused connection is kept: below what load balancers keep theirs (15 s and more), so
/// that it is this side that closes first.
const IDLE: Duration = Duration::from_secs(10);

pub(super) struct Pool {
    connector: Connector,
    server: Uri,
    places: Semaphore,
    idle: Mutex<Idle>,
}

/// The unused connections, the one that has been so for the longest time first.
#[derive(Default)]
struct Idle {
    connections: VecDeque<(Instant, Connection)>,
    reaper: Option<AbortHandle>,
}

/// A place for one call; held as long as the call may use a connection.
pub(crate) struct Permit<'a> {
    _permit: SemaphorePermit<'a>,
}

impl Pool {
    pub(super) fn new(connector: Connector, server: Uri, places: usize) -> Arc<Self> {
        let places = Semaphore::new(places.min(Semaphore::MAX_PERMITS));
        Arc::new(Self { connector, server, places, idle: Mutex::default() })
    }

    /// Waits for a place, first come first served.
    pub(super) async fn permit(&self) -> Result<Permit<'_>, AcquireError> {
        Ok(Permit { _permit: self.places.acquire().await? })
    }

    /// An idle connection that still stands, or a new one, or in any case a new one.
    pub(super) async fn connection(
        &self,
        _permit: &Permit<'_>,
        new: bool,
    ) -> Result<Connection, BoxError> {
        let kept = if new { None } else { self.kept().await };
        match kept {
            Some(connection) => Ok(connection),
            None => self.open().await,
        }
    }

    async fn kept(&self) -> Option<Connection> {
        loop {
            // The newest first: the others can then grow old and go.
            let (since, mut connection) = self.idle().connections.pop_back()?;
            if since.elapsed() < IDLE && connection.stands().await {
                connection.was_pooled = true;
                return Some(connection);
            }
        }
    }

    /// Takes back a connection whose exchange is complete.
    pub(super) fn keep(self: &Arc<Self>, connection: Connection) {
        if !connection.is_ready() {
            return;
        }
        let mut idle = self.idle();
        idle.connections.push_back((Instant::now(), connection));
        if idle.reaper.as_ref().is_none_or(AbortHandle::is_finished) {
            let reaper = tokio::spawn(reap(Arc::downgrade(self)));
            idle.reaper = Some(reaper.abort_handle());
        }
    }

    async fn open(&self) -> Result<Connection, BoxError> {
        self.make_room();
        let mut connector = self.connector.clone();
        poll_fn(|cx| connector.poll_ready(cx)).await?;
        let stream = connector.call(self.server.clone()).await?;
        let (sender, driver) = http1::handshake(stream).await?;
        Ok(Connection { sender, driver, over: false, was_pooled: false })
    }

    /// Closes idle connections until there are no more of them than free places. Whoever has a place
    /// has one connection at the most, so all together they are never more than the places.
    fn make_room(&self) {
        loop {
            let mut idle = self.idle();
            if idle.connections.len() <= self.places.available_permits() {
                return;
            }
            let oldest = idle.connections.pop_front();
            drop(idle);
            drop(oldest);
        }
    }

    /// Closes what has been idle for too long; when the next one will have been.
    fn close_old(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut idle = self.idle();
        let old = idle.connections.iter().take_while(|(since, _)| *since + IDLE <= now).count();
        let old: Vec<_> = idle.connections.drain(..old).collect();
        let next = idle.connections.front().map(|(since, _)| *since + IDLE);
        if next.is_none() {
            idle.reaper = None;
        }
        drop(idle);
        drop(old);
        next
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes idle connections in time, until there are none or the pool is gone.
async fn reap(pool: Weak<Pool>) {
    while let Some(next) = pool.upgrade().and_then(|pool| pool.close_old()) {
        sleep_until(next).await;
    }
}

type Driver = http1::Connection<<Connector as Service<Uri>>::Response, Full<Bytes>>;

/// One connection. Dropping it closes it.
pub(crate) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: Driver,
    /// The driver has ended.
    over: bool,
    /// It was idle before this exchange, so that the server may be closing it meanwhile.
    pub(super) was_pooled: bool,
}

/// Why there is no answer, and whether the request was handed back before a byte of it was written.
pub(super) struct Unanswered {
    pub(super) error: hyper::Error,
    pub(super) unsent: bool,
}

impl Connection {
    /// Sends a request; it goes out while the connection [runs](Self::run).
    pub(super) fn send(
        &mut self,
        request: http::Request<Full<Bytes>>,
    ) -> impl Future<Output = Result<http::Response<Incoming>, Unanswered>> + use<> {
        let answer = self.sender.try_send_request(request);
        async {
            answer.await.map_err(|mut error| {
                let unsent = error.take_message().is_some();
                Unanswered { error: error.into_error(), unsent }
            })
        }
    }

    /// Runs the connection while `work` waits for its answer, both in the caller's task: what drops
    /// the call closes its connection at once, and nothing goes on behind it.
    pub(super) async fn run<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|cx| {
            self.drive(cx);
            work.as_mut().poll(cx)
        })
        .await
    }

    /// Whether the other side has not closed it while it was idle.
    async fn stands(&mut self) -> bool {
        poll_fn(|cx| {
            self.drive(cx);
            Poll::Ready(())
        })
        .await;
        self.is_ready()
    }

    fn is_ready(&self) -> bool {
        !self.over && self.sender.is_ready()
    }

    fn drive(&mut self, cx: &mut Context<'_>) {
        // Its errors reach whoever waits for the answer.
        self.over = self.over || Pin::new(&mut self.driver).poll(cx).is_ready();
    }
}
