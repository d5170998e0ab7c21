//! A server of raw sockets that does to its clients what a script says, and counts.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// What to do with one request that was read.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Write these bytes and wait for the next request.
    Write(Vec<u8>),
    /// Write these bytes, then close the connection (FIN).
    WriteAndClose(Vec<u8>),
    /// Write these bytes, then reset the connection (RST).
    WriteAndReset(Vec<u8>),
    /// Write these bytes, then nothing any more.
    WriteAndStall(Vec<u8>),
    /// Write these bytes after this time.
    Late(Duration, Vec<u8>),
    /// Write the first bytes, and after this time the second ones, which nobody asked for.
    WriteThenLate(Vec<u8>, Duration, Vec<u8>),
    /// Write these bytes one at a time, with this pause between them.
    Trickle(Vec<u8>, Duration),
}

/// What to do with a connection before anything is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Accept {
    Serve,
    Close,
    Reset,
    /// Accept and never read.
    Ignore,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Counts connections from 0.
    pub(crate) connection: usize,
    /// Counts requests from 0.
    pub(crate) number: usize,
    /// The requests that were being answered when this one came.
    pub(crate) under_way: usize,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} twice");
        value
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

type Script = dyn Fn(&Received) -> Act + Send + Sync;

/// Stops when dropped.
pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

struct State {
    script: Box<Script>,
    accept: Box<dyn Fn(usize) -> Accept + Send + Sync>,
    tls: Option<TlsAcceptor>,
    idle: Duration,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    connections: usize,
    open: usize,
    most_open: usize,
    requests: Vec<Received>,
    under_way: usize,
    most_under_way: usize,
}

/// A server that is not started yet.
pub(crate) struct Plan {
    script: Box<Script>,
    accept: Box<dyn Fn(usize) -> Accept + Send + Sync>,
    tls: Option<TlsAcceptor>,
    idle: Duration,
}

impl Plan {
    /// Closes connections on which no further request comes for this long.
    pub(crate) fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    pub(crate) fn on_accept(
        mut self,
        accept: impl Fn(usize) -> Accept + Send + Sync + 'static,
    ) -> Self {
        self.accept = Box::new(accept);
        self
    }

    pub(crate) fn tls(mut self, acceptor: TlsAcceptor) -> Self {
        self.tls = Some(acceptor);
        self
    }

    pub(crate) async fn start(self) -> Server {
        self.start_on(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub(crate) fn start_on(self, listener: TcpListener) -> Server {
        let address = listener.local_addr().unwrap();
        let Self { script, accept, tls, idle } = self;
        let state = Arc::new(State { script, accept, tls, idle, log: Mutex::default() });
        let accepting = tokio::spawn(serve(listener, Arc::clone(&state)));
        Server { address, state, accepting }
    }
}

impl Server {
    pub(crate) fn plan(script: impl Fn(&Received) -> Act + Send + Sync + 'static) -> Plan {
        let accept = Box::new(|_| Accept::Serve);
        Plan { script: Box::new(script), accept, tls: None, idle: Duration::from_secs(600) }
    }

    /// Only the address: nobody listens there.
    pub(crate) fn nobody(port: u16) -> Self {
        let Plan { script, accept, tls, idle } = Self::plan(|_| unreachable!());
        let state = Arc::new(State { script, accept, tls, idle, log: Mutex::default() });
        Self { address: ([127, 0, 0, 1], port).into(), state, accepting: tokio::spawn(async {}) }
    }

    /// Answers by the script.
    pub(crate) async fn start(script: impl Fn(&Received) -> Act + Send + Sync + 'static) -> Self {
        Self::plan(script).start().await
    }

    /// Answers everything with this.
    pub(crate) async fn always(act: Act) -> Self {
        Self::start(move |_| act.clone()).await
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if self.state.tls.is_some() { "https" } else { "http" };
        let host = if self.state.tls.is_some() { "localhost" } else { "127.0.0.1" };
        format!("{scheme}://{host}:{}", self.address.port())
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// A client of this server that signs.
    pub(crate) fn client(&self) -> pingpp::Client {
        self.builder().build().unwrap()
    }

    pub(crate) fn builder(&self) -> pingpp::ClientBuilder {
        pingpp::Client::builder(crate::API_KEY)
            .signing_key(crate::merchant_key())
            .app("app_test000000000001")
            .base_url(self.url())
            .no_proxy()
    }

    pub(crate) fn requests(&self) -> Vec<Received> {
        self.state.log.lock().unwrap().requests.clone()
    }

    pub(crate) fn request_count(&self) -> usize {
        self.state.log.lock().unwrap().requests.len()
    }

    /// The most requests that were being answered at a time.
    pub(crate) fn most_under_way(&self) -> usize {
        self.state.log.lock().unwrap().most_under_way
    }

    /// The most connections that were open at a time.
    pub(crate) fn most_open(&self) -> usize {
        self.state.log.lock().unwrap().most_open
    }

    /// The connections that are open now.
    pub(crate) fn open(&self) -> usize {
        self.state.log.lock().unwrap().open
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.log.lock().unwrap().connections
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    // Dropped with this task, and all connections with it.
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        while connections.try_join_next().is_some() {}
        let number = {
            let mut log = state.log.lock().unwrap();
            log.connections += 1;
            log.connections - 1
        };
        match (state.accept)(number) {
            Accept::Close => drop(stream),
            Accept::Reset => stream.set_zero_linger().unwrap(),
            Accept::Ignore => {
                connections.spawn(async move {
                    std::future::pending::<()>().await;
                    drop(stream);
                    Ok(())
                });
            }
            Accept::Serve => {
                let state = Arc::clone(&state);
                {
                    let mut log = state.log.lock().unwrap();
                    log.open += 1;
                    log.most_open = log.most_open.max(log.open);
                }
                connections.spawn(async move {
                    let ended = connection(stream, number, &state).await;
                    state.log.lock().unwrap().open -= 1;
                    ended
                });
            }
        }
    }
}

async fn connection(mut stream: TcpStream, number: usize, state: &State) -> io::Result<()> {
    stream.set_nodelay(true)?;
    match &state.tls {
        None => {
            if exchange(&mut stream, number, state).await? {
                stream.set_zero_linger()?;
            }
        }
        Some(acceptor) => {
            let mut stream = acceptor.accept(stream).await?;
            if exchange(&mut stream, number, state).await? {
                stream.get_ref().0.set_zero_linger()?;
            }
        }
    }
    Ok(())
}

/// Serves requests until the script ends the connection; whether it is to be reset.
async fn exchange<S>(stream: &mut S, connection: usize, state: &State) -> io::Result<bool>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut idle = Duration::from_secs(600);
    loop {
        let Ok(read) = tokio::time::timeout(idle, read(stream, connection)).await else {
            stream.shutdown().await?;
            return Ok(false);
        };
        let Some(mut received) = read? else { return Ok(false) };
        idle = state.idle;
        {
            let mut log = state.log.lock().unwrap();
            received.number = log.requests.len();
            received.under_way = log.under_way;
            log.requests.push(received.clone());
            log.under_way += 1;
            log.most_under_way = log.most_under_way.max(log.under_way);
        }
        match (state.script)(&received) {
            Act::Write(bytes) => stream.write_all(&bytes).await?,
            Act::Late(wait, bytes) => {
                tokio::time::sleep(wait).await;
                stream.write_all(&bytes).await?;
            }
            Act::WriteThenLate(first, pause, second) => {
                stream.write_all(&first).await?;
                stream.flush().await?;
                tokio::time::sleep(pause).await;
                stream.write_all(&second).await?;
            }
            Act::WriteAndClose(bytes) => {
                stream.write_all(&bytes).await?;
                stream.shutdown().await?;
                return Ok(false);
            }
            Act::WriteAndReset(bytes) => {
                stream.write_all(&bytes).await?;
                stream.flush().await?;
                return Ok(true);
            }
            Act::WriteAndStall(bytes) => {
                stream.write_all(&bytes).await?;
                stream.flush().await?;
                // Until the client gives up.
                tokio::io::copy(stream, &mut tokio::io::sink()).await?;
                return Ok(false);
            }
            Act::Trickle(bytes, pause) => {
                for byte in bytes {
                    stream.write_all(&[byte]).await?;
                    stream.flush().await?;
                    tokio::time::sleep(pause).await;
                }
            }
        }
        stream.flush().await?;
        state.log.lock().unwrap().under_way -= 1;
    }
}

/// One request with its body; `None` at the end of the connection.
async fn read<S: AsyncRead + Unpin>(
    stream: &mut S,
    connection: usize,
) -> io::Result<Option<Received>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let mut first = lines.next().unwrap().split(' ');
    let (method, target) = (first.next().unwrap().to_owned(), first.next().unwrap().to_owned());
    let headers: Vec<_> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut received =
        Received { method, target, headers, body: Vec::new(), connection, number: 0, under_way: 0 };
    let length = received.header("content-length").map_or(0, |text| text.parse().unwrap());
    received.body = vec![0; length];
    stream.read_exact(&mut received.body).await?;
    if received.header("transfer-encoding") == Some("chunked") {
        while !received.body.ends_with(b"0\r\n\r\n") {
            received.body.push(stream.read_u8().await?);
        }
        received.body = joined(&received.body);
    }
    Ok(Some(received))
}

/// The content of chunks.
fn joined(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = chunks.windows(2).position(|pair| pair == b"\r\n").unwrap();
        let length = std::str::from_utf8(&chunks[..line]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        let content = &chunks[line + 2..];
        if length == 0 {
            return body;
        }
        body.extend_from_slice(&content[..length]);
        chunks = &content[length + 2..];
    }
}

/// A whole answer with a JSON body.
pub(crate) fn json(status: u16, body: &str) -> Vec<u8> {
    with_headers(status, "Content-Type: application/json;charset=utf-8\r\n", body.as_bytes())
}

pub(crate) fn html(status: u16) -> Vec<u8> {
    with_headers(status, "Content-Type: text/html\r\n", b"<html><h1>Bad Gateway</h1></html>")
}

/// A whole answer; each header ends with a line break. It has a `Date`, as real ones do.
pub(crate) fn with_headers(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let date = match headers.contains("Date: ") {
        true => String::new(),
        false => format!("Date: {}\r\n", httpdate::fmt_http_date(std::time::SystemTime::now())),
    };
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} Status\r\n{date}{headers}Content-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}
