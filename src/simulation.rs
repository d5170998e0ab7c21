//! Replaces the operating system of a client for the simulation in `tests/sim`; not there in any other
//! build.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;
use std::{fmt, io};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What a simulated client has instead of the operating system; `ClientBuilder::simulated` takes it.
#[derive(Clone)]
pub struct Simulated {
    /// Opens a TCP connection. A read of it must see everything that has arrived.
    pub connect: Arc<dyn Fn(SocketAddr) -> Answer<Box<dyn Stream>> + Send + Sync>,
    /// Looks up a host.
    pub look_up: Arc<LookUp>,
    /// The clock of the machine.
    pub now: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    /// Signs instead of RSA, which takes a millisecond. Without it RSA signs where it is awaited.
    pub sign: Option<fn(&[u8]) -> String>,
}

/// What the operating system answers, and when.
pub type Answer<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

/// A name server.
pub type LookUp = dyn Fn(&str) -> Answer<Vec<IpAddr>> + Send + Sync;

/// A simulated TCP connection.
pub trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

impl fmt::Debug for Simulated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Simulated")
    }
}

/// A TCP connection of the kernel, or a simulated one.
pub(crate) enum Tcp {
    Kernel(TcpStream),
    Simulated(Box<dyn Stream>),
}

impl Tcp {
    fn stream(&mut self) -> Pin<&mut dyn Stream> {
        Pin::new(match self {
            Self::Kernel(tcp) => tcp,
            Self::Simulated(stream) => &mut **stream,
        })
    }

    #[cfg(test)]
    pub(crate) async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Kernel(tcp) => tcp.readable().await,
            Self::Simulated(_) => Ok(()),
        }
    }
}

impl AsyncRead for Tcp {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream().poll_read(cx, buf)
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream().poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Kernel(tcp) => tcp.is_write_vectored(),
            Self::Simulated(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(cx)
    }
}
