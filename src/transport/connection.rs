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
use tokio::task::unconstrained;
use tokio::time::{Instant, sleep_until};

use super::connect::Stream;
use super::socket::Rein;

/// The largest head of an answer, and the most that is read at once.
const BUFFER: usize = 32 * 1024;

type Driver = http1::Connection<Stream, Full<Bytes>>;
type Request = http::Request<Full<Bytes>>;

/// One connection. Dropping it closes it.
pub(crate) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    /// `None` once it has returned: only when it is dropped are requests handed back that it has not
    /// taken. Boxed, since a connection is moved several times for each request.
    driver: Option<Box<Driver>>,
    rein: Rein,
    /// Opened the connection and drives its I/O.
    pub(super) runtime: runtime::Id,
    /// It was idle in the pool before this exchange.
    pub(super) was_pooled: bool,
}

/// Why there is no answer.
pub(super) struct Unanswered {
    pub(super) error: hyper::Error,
    /// hyper hands it back if no byte of it was written.
    pub(super) request: Option<Request>,
}

impl Connection {
    pub(super) async fn new(stream: Stream) -> Result<Self, hyper::Error> {
        let mut extras = Extensions::new();
        stream.connected().get_extras(&mut extras);
        let rein = extras.remove().expect("every stream of the connector is over a `Socket`");
        let (sender, driver) = http1::Builder::new().max_buf_size(BUFFER).handshake(stream).await?;
        let (driver, runtime) = (Some(Box::new(driver)), Handle::current().id());
        Ok(Self { sender, driver, rein, runtime, was_pooled: false })
    }

    /// Hands a request to the driver, which writes it when the connection is [run](Self::run), all of it
    /// before `write_by` or not all of it.
    ///
    /// Before it does, hyper looks for bytes: if there are any, or the server has closed the
    /// connection, it ends the connection and hands the request back. It is made to see everything
    /// that has arrived by then. What arrives after the request was written is taken for its answer.
    pub(super) fn send(
        &mut self,
        request: Request,
        write_by: Instant,
    ) -> impl Future<Output = Result<http::Response<Incoming>, Unanswered>> + use<> {
        self.rein.read_directly();
        self.rein.write_by(write_by);
        let answer = self.sender.try_send_request(request);
        async {
            answer.await.map_err(|mut error| {
                let request = error.take_message();
                Unanswered { error: error.into_error(), request }
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
        let mut timer = pin!(sleep_until(deadline));
        poll_fn(|cx| {
            self.drive(cx);
            if let Poll::Ready(result) = work.as_mut().poll(cx) {
                return Poll::Ready(Some(result));
            }
            // A task that wakes itself is polled many times before tokio looks at its timers.
            if Instant::now() >= deadline {
                return Poll::Ready(None);
            }
            // The driver may have used up the budget that tokio gives a task for one poll.
            pin!(unconstrained(timer.as_mut())).poll(cx).map(|()| None)
        })
        .await
    }

    pub(super) fn is_ready(&self) -> bool {
        self.driver.is_some() && self.sender.is_ready()
    }

    fn drive(&mut self, cx: &mut Context<'_>) {
        if let Some(driver) = &mut self.driver
            && Pin::new(driver).poll(cx).is_ready()
        {
            // Its error, if any, reaches the future of the answer, too.
            self.driver = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpListener};
    use std::time::Duration;

    use hyper_rustls::MaybeHttpsStream::Http;
    use hyper_util::rt::TokioIo;
    use tokio::net::TcpStream;

    use super::super::socket::Socket;
    use super::*;
    use crate::system::of_kernel;

    #[tokio::test]
    async fn a_request_is_handed_back_at_once_by_a_connection_that_was_closed_while_idle() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let stream = Http(Http(TokioIo::new(Socket::new(of_kernel(tcp), None))));
        let mut connection = Connection::new(stream).await.unwrap();
        let mut peer = listener.accept().unwrap().0;
        let deadline = Instant::now() + Duration::from_secs(5);

        let answer = connection.send(Request::new(Full::default()), deadline);
        let server = std::thread::spawn(move || {
            peer.read_exact(&mut [0; 18]).unwrap();
            peer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
            peer
        });
        connection.run(deadline, answer).await.unwrap().ok().unwrap();

        drop(server.join().unwrap());
        let answer = connection.send(Request::new(Full::default()), deadline);
        let answer = connection.run(deadline, answer).await.expect("no answer until the deadline");
        assert!(answer.err().unwrap().request.is_some());
        assert!(!connection.is_ready());
    }
}
