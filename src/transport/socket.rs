//! The TCP socket below TLS and HTTP. Knows nothing of either.

use std::error::Error;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::{fmt, io};

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::resolve::Origin;
use crate::system::{Tcp, read_directly};

/// How many bytes are read in a row. Larger than most answers, and parsed within a few milliseconds
/// even byte by byte, as the size of a chunk is.
const READ_IN_A_ROW: usize = 16 * 1024;

/// A TCP stream that can be told by a [`Rein`] how to read and write, and that pauses.
///
/// hyper and rustls read for as long as there is something to read and their message is not complete.
/// A peer can make that arbitrarily long: with 1xx answers, or the digits of a chunk size. So the
/// socket pauses after [`READ_IN_A_ROW`]: the task is polled again at once, but the timer and other
/// tasks get their turn.
pub(super) struct Socket {
    tcp: Tcp,
    rein: Rein,
    read_in_a_row: usize,
    /// Until the first byte.
    origin: Option<Origin>,
}

/// What a connection tells its [`Socket`], through the layers between them.
#[derive(Clone, Default)]
pub(super) struct Rein(Arc<Held>);

#[derive(Default)]
struct Held {
    reads_directly: AtomicBool,
    write_by: Mutex<Option<Instant>>,
}

impl Rein {
    /// Asks the kernel for bytes, whatever the runtime knows, until it has no more.
    ///
    /// tokio reads a socket only after its I/O driver has reported it as readable. Bytes that have
    /// arrived since the driver had its last turn are not seen, not by `try_read` or `poll_peek` either.
    /// A read from the kernel costs one system call and goes through TLS like any other read, so that a
    /// session ticket is not taken for an answer.
    pub(super) fn read_directly(&self) {
        // Relaxed, because the socket is read by the task that does this.
        self.0.reads_directly.store(true, Relaxed);
    }

    /// Writes nothing from this moment on.
    ///
    /// The rest of a request would be sent late if its peer reads slowly, or its process was frozen: a
    /// charge is created twice by a second request that is complete a minute after the first one.
    pub(super) fn write_by(&self, time: Instant) {
        *self.lock() = Some(time);
    }

    fn check_write(&self) -> io::Result<()> {
        match *self.lock() {
            Some(time) if Instant::now() >= time => {
                Err(io::Error::new(io::ErrorKind::TimedOut, OutOfTime))
            }
            _ => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.write_by.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error of a write for which it is too late.
#[derive(Debug)]
pub(super) struct OutOfTime;

impl fmt::Display for OutOfTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request was not written in its time")
    }
}

impl Error for OutOfTime {}

impl Socket {
    pub(super) fn new(tcp: Tcp, origin: Option<Origin>) -> Self {
        Self { tcp, rein: Rein::default(), read_in_a_row: 0, origin }
    }

    fn read_directly(&self, buf: &mut ReadBuf<'_>) -> io::Result<()> {
        // Any byte is enough to know what the connection is worth.
        let part = buf.initialize_unfilled_to(buf.remaining().min(256));
        let read = read_directly(&self.tcp, part)?;
        buf.advance(read);
        Ok(())
    }
}

impl Connection for Socket {
    /// Carries the [`Rein`] through the layers above.
    fn connected(&self) -> Connected {
        Connected::new().extra(self.rein.clone())
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.rein.0.reads_directly.load(Relaxed) {
            match self.read_directly(buf) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.rein.0.reads_directly.store(false, Relaxed);
                }
                read => return Poll::Ready(read),
            }
        }
        if self.read_in_a_row >= READ_IN_A_ROW {
            self.read_in_a_row = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.tcp).poll_read(cx, buf);
        match polled {
            Poll::Ready(_) => {
                let read = buf.filled().len() - before;
                self.read_in_a_row += read;
                if let Some(origin) = self.origin.take_if(|_| read > 0) {
                    origin.answered();
                }
            }
            Poll::Pending => self.read_in_a_row = 0,
        }
        polled
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.rein.check_write()?;
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.rein.check_write()?;
        Pin::new(&mut self.tcp).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::Write;
    use std::net::{Ipv4Addr, TcpListener};
    use std::time::Duration;

    use tokio::io::AsyncReadExt;
    use tokio::net::TcpStream;

    use super::*;
    use crate::system::of_kernel;

    /// A socket, and a peer that has written all these bytes.
    async fn connected(bytes: &[u8]) -> (Socket, std::net::TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut peer = listener.accept().unwrap().0;
        peer.write_all(bytes).unwrap();
        (Socket::new(of_kernel(tcp), None), peer)
    }

    /// Reads in one poll until the socket says that there is nothing; how much that was.
    async fn read_in_one_poll(socket: &mut Socket) -> usize {
        poll_fn(|cx| {
            let mut read = 0;
            loop {
                let mut bytes = [0; 4096];
                let mut buf = ReadBuf::new(&mut bytes);
                match Pin::new(&mut *socket).poll_read(cx, &mut buf) {
                    Poll::Ready(result) => result.unwrap(),
                    Poll::Pending => return Poll::Ready(read),
                }
                read += buf.filled().len();
            }
        })
        .await
    }

    #[tokio::test]
    async fn one_poll_reads_no_more_than_so_much_and_the_next_one_comes_at_once() {
        const WRITTEN: usize = 3 * READ_IN_A_ROW;
        let (mut socket, _peer) = connected(&[b' '; WRITTEN]).await;
        socket.tcp.readable().await.unwrap();
        assert_eq!(read_in_one_poll(&mut socket).await, READ_IN_A_ROW);
        let rest = async {
            for _ in READ_IN_A_ROW / 4096..WRITTEN / 4096 {
                socket.read_exact(&mut [0; 4096]).await.unwrap();
            }
        };
        let start = Instant::now();
        tokio::time::timeout(Duration::from_secs(5), rest).await.unwrap();
        assert!(start.elapsed() < Duration::from_secs(1), "woken by the time-out alone");
    }

    #[tokio::test]
    async fn a_direct_read_sees_what_the_runtime_has_not_noticed() {
        let (mut socket, _peer) = connected(b"x").await;
        assert_eq!(read_in_one_poll(&mut socket).await, 0, "the runtime had no turn");
        socket.rein.read_directly();
        assert_eq!(read_in_one_poll(&mut socket).await, 1);
        assert!(!socket.rein.0.reads_directly.load(Relaxed));
    }
}
