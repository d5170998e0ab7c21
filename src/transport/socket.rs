//! The TCP socket below TLS and HTTP. Knows nothing of either.

use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::{Connected, Connection};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A TCP stream that can be told to [read past the runtime](DirectReads).
pub(super) struct Socket {
    tcp: TcpStream,
    direct: DirectReads,
}

/// Makes a [`Socket`] ask the kernel for bytes, whatever the runtime knows.
///
/// tokio reads a socket only after its I/O driver has reported it as readable. Bytes that have
/// arrived since the driver had its last turn are not seen, not by `try_read` or `poll_peek` either.
/// A read from the kernel costs one system call and goes through TLS like any other read, so that a
/// session ticket is not taken for an answer.
#[derive(Clone, Default)]
pub(super) struct DirectReads(Arc<AtomicBool>);

impl DirectReads {
    pub(super) fn set(&self, on: bool) {
        // The socket is read by the task that sets this.
        self.0.store(on, Relaxed);
    }
}

impl Socket {
    pub(super) fn new(tcp: TcpStream) -> Self {
        Self { tcp, direct: DirectReads::default() }
    }

    fn read_directly(&self, buf: &mut ReadBuf<'_>) -> io::Result<()> {
        // Any byte is enough to know what the connection is worth.
        let part = buf.initialize_unfilled_to(buf.remaining().min(256));
        let read = (&*SockRef::from(&self.tcp)).read(part)?;
        buf.advance(read);
        Ok(())
    }
}

impl Connection for Socket {
    /// Carries the [`DirectReads`] through the layers above.
    fn connected(&self) -> Connected {
        Connected::new().extra(self.direct.clone())
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.direct.0.load(Relaxed) {
            match self.read_directly(buf) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read),
            }
        }
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
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
