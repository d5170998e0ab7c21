//! One HTTP/1.1 connection and its driver.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Extensions;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::client::legacy::connect::Connection as _;
use tokio::runtime::{self, Handle};
use tokio::time::{Instant, sleep_until};

use super::connect::Stream;
use super::socket::DirectReads;

/// The largest head of an answer, and the most that is read at once.
const BUFFER: usize = 32 * 1024;

type Driver = http1::Connection<Stream, Full<Bytes>>;

/// One connection. Dropping it closes it.
pub(crate) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: Driver,
    direct_reads: DirectReads,
    /// Opened the connection and drives its I/O.
    pub(super) runtime: runtime::Id,
    /// The driver has returned.
    ended: bool,
    /// It was idle in the pool before this exchange.
    pub(super) was_pooled: bool,
}

/// Why there is no answer, and whether hyper returned the request before it wrote a byte of it.
pub(super) struct Unanswered {
    pub(super) error: hyper::Error,
    pub(super) unsent: bool,
}

impl Connection {
    pub(super) async fn new(stream: Stream) -> Result<Self, hyper::Error> {
        let mut extras = Extensions::new();
        stream.connected().get_extras(&mut extras);
        let direct_reads =
            extras.remove().expect("every stream of the connector is over a `Socket`");
        let (sender, driver) = http1::Builder::new().max_buf_size(BUFFER).handshake(stream).await?;
        let runtime = Handle::current().id();
        Ok(Self { sender, driver, direct_reads, runtime, ended: false, was_pooled: false })
    }

    /// Hands a request to the driver, which writes it when the connection is [run](Self::run).
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

    /// Polls the driver together with `work`, both in the caller's task: dropping the call drops its
    /// connection, and nothing of it continues in the background. `None` at the deadline.
    pub(super) async fn run<T>(
        &mut self,
        deadline: Instant,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let mut work = pin!(work);
        let mut deadline = pin!(sleep_until(deadline));
        poll_fn(|cx| {
            // Before the driver, which may use up what tokio lets a task do in one poll.
            let is_late = deadline.as_mut().poll(cx).is_ready();
            self.drive(cx);
            match work.as_mut().poll(cx) {
                Poll::Ready(result) => Poll::Ready(Some(result)),
                Poll::Pending if is_late => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// Whether a request can be sent: the server has not closed the connection, and has sent nothing
    /// that would be taken for the answer.
    ///
    /// hyper ends an idle connection on which it reads anything; this makes it read what has arrived
    /// by now. What arrives later, up to the moment when the request is written, is not seen.
    pub(super) async fn is_usable(&mut self) -> bool {
        self.direct_reads.set(true);
        poll_fn(|cx| {
            self.drive(cx);
            Poll::Ready(())
        })
        .await;
        self.direct_reads.set(false);
        self.is_ready()
    }

    pub(super) fn is_ready(&self) -> bool {
        !self.ended && self.sender.is_ready()
    }

    fn drive(&mut self, cx: &mut Context<'_>) {
        // hyper reports its errors to the future of the answer, too.
        self.ended = self.ended || Pin::new(&mut self.driver).poll(cx).is_ready();
    }
}
