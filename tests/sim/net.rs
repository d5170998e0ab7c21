//! Connections in memory: what one side writes the other can read at once. Delays are the server's.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

#[derive(Default)]
struct Pipe {
    bytes: VecDeque<u8>,
    /// The writer has closed it.
    closed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

struct Wire {
    to_server: Pipe,
    to_client: Pipe,
    /// How many bytes the server's side takes before it reads.
    room: usize,
    reset: bool,
    /// The server has closed its side and reads no more.
    server_left: bool,
}

impl Wire {
    fn wake(&mut self) {
        for pipe in [&mut self.to_server, &mut self.to_client] {
            pipe.reader.take().into_iter().chain(pipe.writer.take()).for_each(Waker::wake);
        }
    }
}

type Shared = Arc<Mutex<Wire>>;

fn lock(wire: &Shared) -> MutexGuard<'_, Wire> {
    wire.lock().unwrap()
}

/// The client's side.
pub(crate) struct ClientSide(Shared);

/// The server's side. Dropping it closes the connection.
pub(crate) struct ServerSide(Shared);

/// A connection; the server's side takes `room` bytes before it reads.
pub(crate) fn connection(room: usize) -> (ClientSide, ServerSide) {
    let wire = Wire {
        to_server: Pipe::default(),
        to_client: Pipe::default(),
        room,
        reset: false,
        server_left: false,
    };
    let wire = Arc::new(Mutex::new(wire));
    (ClientSide(Arc::clone(&wire)), ServerSide(wire))
}

impl AsyncRead for ClientSide {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut wire = lock(&self.0);
        if wire.reset {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let pipe = &mut wire.to_client;
        let (front, _) = pipe.bytes.as_slices();
        let n = front.len().min(buf.remaining());
        if n == 0 && !pipe.closed {
            pipe.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        buf.put_slice(&front[..n]);
        pipe.bytes.drain(..n);
        if let Some(writer) = pipe.writer.take() {
            writer.wake();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientSide {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut wire = lock(&self.0);
        if wire.reset {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        // What nobody will read is taken all the same: the reset is still on its way.
        let room = if wire.server_left {
            bytes.len()
        } else {
            wire.room.saturating_sub(wire.to_server.bytes.len())
        };
        if room == 0 && !bytes.is_empty() {
            wire.to_server.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let n = room.min(bytes.len());
        wire.to_server.bytes.extend(&bytes[..n]);
        if let Some(reader) = wire.to_server.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(n))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut wire = lock(&self.0);
        wire.to_server.closed = true;
        wire.wake();
        Poll::Ready(Ok(()))
    }
}

impl Drop for ClientSide {
    fn drop(&mut self) {
        let mut wire = lock(&self.0);
        wire.to_server.closed = true;
        wire.wake();
    }
}

impl ServerSide {
    /// Some bytes that have arrived; `None` once the client has closed the connection.
    pub(crate) async fn read(&self) -> Option<Vec<u8>> {
        poll_fn(|cx| {
            let mut wire = lock(&self.0);
            if wire.to_server.bytes.is_empty() {
                if wire.to_server.closed {
                    return Poll::Ready(None);
                }
                wire.to_server.reader = Some(cx.waker().clone());
                return Poll::Pending;
            }
            if let Some(writer) = wire.to_server.writer.take() {
                writer.wake();
            }
            Poll::Ready(Some(wire.to_server.bytes.drain(..).collect()))
        })
        .await
    }

    pub(crate) fn write(&self, bytes: &[u8]) {
        let mut wire = lock(&self.0);
        wire.to_client.bytes.extend(bytes);
        if let Some(reader) = wire.to_client.reader.take() {
            reader.wake();
        }
    }

    /// Waits until the client has read everything; whether it has.
    pub(crate) async fn is_read(&self) -> bool {
        poll_fn(|cx| {
            let mut wire = lock(&self.0);
            if wire.to_client.bytes.is_empty() || wire.to_server.closed {
                return Poll::Ready(wire.to_client.bytes.is_empty() && !wire.to_server.closed);
            }
            wire.to_client.writer = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Ends the connection with a reset: what was written and not yet read is lost.
    pub(crate) fn reset(self) {
        let mut wire = lock(&self.0);
        wire.reset = true;
        wire.wake();
    }

    /// Reads and drops what comes until the client closes the connection.
    pub(crate) async fn ignore(self) {
        while self.read().await.is_some() {}
    }
}

impl Drop for ServerSide {
    fn drop(&mut self) {
        let mut wire = lock(&self.0);
        (wire.to_client.closed, wire.server_left) = (true, true);
        wire.wake();
    }
}
