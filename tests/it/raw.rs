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
pub enum Act {
    /// Write these bytes and wait for the next request.
    Write(Vec<u8>),
    /// Write these bytes, then close the connection (FIN).
    WriteAndClose(Vec<u8>),
    /// Write these bytes, then reset the connection (RST).
    WriteAndReset(Vec<u8>),
    /// Write these bytes, then nothing any more.
    WriteAndStall(Vec<u8>),
    /// Write these bytes one at a time, with this pause between them.
    Trickle(Vec<u8>, Duration),
}

/// What to do with a connection before anything is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Accept {
    Serve,
    Close,
    Reset,
    /// Accept and never read.
    Ignore,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Received {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Counts connections from 0.
    pub connection: usize,
    /// Counts requests from 0.
    pub number: usize,
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} twice");
        value
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

type Script = dyn Fn(&Received) -> Act + Send + Sync;

/// Stops when dropped.
pub struct Server {
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
    requests: Vec<Received>,
}

/// A server that is not started yet.
pub struct Plan {
    script: Box<Script>,
    accept: Box<dyn Fn(usize) -> Accept + Send + Sync>,
    tls: Option<TlsAcceptor>,
    idle: Duration,
}

impl Plan {
    pub fn on_accept(mut self, accept: impl Fn(usize) -> Accept + Send + Sync + 'static) -> Self {
        self.accept = Box::new(accept);
        self
    }

    pub fn tls(mut self, acceptor: TlsAcceptor) -> Self {
        self.tls = Some(acceptor);
        self
    }

    /// Closes connections that were idle for so long.
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    pub async fn start(self) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let Self { script, accept, tls, idle } = self;
        let state = Arc::new(State { script, accept, tls, idle, log: Mutex::default() });
        let accepting = tokio::spawn(serve(listener, Arc::clone(&state)));
        Server { address, state, accepting }
    }
}

impl Server {
    pub fn plan(script: impl Fn(&Received) -> Act + Send + Sync + 'static) -> Plan {
        Plan {
            script: Box::new(script),
            accept: Box::new(|_| Accept::Serve),
            tls: None,
            idle: Duration::from_secs(3600),
        }
    }

    /// Answers by the script.
    pub async fn start(script: impl Fn(&Received) -> Act + Send + Sync + 'static) -> Self {
        Self::plan(script).start().await
    }

    /// Answers everything with this.
    pub async fn always(act: Act) -> Self {
        Self::start(move |_| act.clone()).await
    }

    pub fn url(&self) -> String {
        let scheme = if self.state.tls.is_some() { "https" } else { "http" };
        let host = if self.state.tls.is_some() { "localhost" } else { "127.0.0.1" };
        format!("{scheme}://{host}:{}", self.address.port())
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// A client of this server that signs.
    pub fn client(&self) -> pingpp::Client {
        self.builder().build().unwrap()
    }

    pub fn builder(&self) -> pingpp::ClientBuilder {
        pingpp::Client::builder(crate::API_KEY)
            .signing_key(crate::merchant_key())
            .app("app_test000000000001")
            .base_url(self.url())
            .no_proxy()
    }

    pub fn requests(&self) -> Vec<Received> {
        self.state.log.lock().unwrap().requests.clone()
    }

    pub fn request_count(&self) -> usize {
        self.state.log.lock().unwrap().requests.len()
    }

    pub fn connections(&self) -> usize {
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
                connections.spawn(connection(stream, number, Arc::clone(&state)));
            }
        }
    }
}

async fn connection(stream: TcpStream, number: usize, state: Arc<State>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let reset = match state.tls.clone() {
        None => {
            let mut stream = stream;
            let reset = exchange(&mut stream, number, &state).await?;
            if reset {
                stream.set_zero_linger()?;
            }
            reset
        }
        Some(acceptor) => {
            let mut stream = acceptor.accept(stream).await?;
            let reset = exchange(&mut stream, number, &state).await?;
            if reset {
                stream.get_ref().0.set_zero_linger()?;
            }
            reset
        }
    };
    let _ = reset;
    Ok(())
}

/// Serves requests until the script ends the connection; whether it is to be reset.
async fn exchange<S>(stream: &mut S, connection: usize, state: &State) -> io::Result<bool>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        let Ok(read) = tokio::time::timeout(state.idle, read(stream, connection)).await else {
            stream.shutdown().await?;
            return Ok(false);
        };
        let Some(mut received) = read? else { return Ok(false) };
        {
            let mut log = state.log.lock().unwrap();
            received.number = log.requests.len();
            log.requests.push(received.clone());
        }
        match (state.script)(&received) {
            Act::Write(bytes) => stream.write_all(&bytes).await?,
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
                std::future::pending::<()>().await;
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
    }
}

/// One request with a `Content-Length` body; `None` at the end of the connection.
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
        Received { method, target, headers, body: Vec::new(), connection, number: 0 };
    let length = received.header("content-length").map_or(0, |text| text.parse().unwrap());
    received.body = vec![0; length];
    stream.read_exact(&mut received.body).await?;
    Ok(Some(received))
}

/// A whole answer with a JSON body.
pub fn json(status: u16, body: &str) -> Vec<u8> {
    with_headers(status, "Content-Type: application/json;charset=utf-8\r\n", body.as_bytes())
}

pub fn html(status: u16) -> Vec<u8> {
    with_headers(status, "Content-Type: text/html\r\n", b"<html><h1>Bad Gateway</h1></html>")
}

/// A whole answer; each header ends with a line break.
pub fn with_headers(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 {status} Status\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}
