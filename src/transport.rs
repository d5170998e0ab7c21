//! One HTTP exchange: connector, pool, limits of time and size, and how far the exchange got.
//!
//! Nothing outside of this module names hyper or rustls. It has no knowledge of charges, signatures
//! or retries.

mod connect;
mod connection;
mod dial;
mod permits;
mod pool;
mod resolve;
mod socket;
#[cfg(test)]
mod tests;

use std::error::Error as StdError;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use tokio::time::{Instant, timeout_at};

use self::connect::Connector;
pub(crate) use self::connect::{Proxy, root_certificates};
pub(crate) use self::connection::Connection;
use self::connection::Unanswered;
pub(crate) use self::permits::{Permit, Turn};
use self::pool::Pool;
pub(crate) use self::resolve::Lookup;
use self::socket::OutOfTime;
use crate::config_error::ConfigError;
use crate::error::{BoxError, Step, chain};
use crate::request::Method;
use crate::system::System;

/// Larger bodies are refused; the largest real one, a list of 100, is about 0.3 MiB.
const BODY_LIMIT: usize = 2 * 1024 * 1024;

const TIMESTAMP: HeaderName = HeaderName::from_static("pingplusplus-request-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("pingplusplus-signature");
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// What a transport is built from, checked by the builder.
pub(crate) struct Config {
    pub(crate) scheme: Scheme,
    pub(crate) authority: Authority,
    pub(crate) connect_timeout: Duration,
    pub(crate) max_in_flight: usize,
    pub(crate) roots: Vec<rustls::pki_types::CertificateDer<'static>>,
    pub(crate) platform_verifier: bool,
    pub(crate) proxy: Proxy,
    /// Hosts with the addresses that they are given.
    pub(crate) pinned: Vec<(String, Vec<IpAddr>)>,
    pub(crate) system: System,
    pub(crate) lookup: Lookup,
    pub(crate) accept_language: HeaderValue,
    pub(crate) user_agent: HeaderValue,
}

/// Sends requests to one server.
pub(crate) struct Transport {
    scheme: Scheme,
    authority: Authority,
    has_proxy: bool,
    headers: HeaderMap,
    pool: Arc<Pool>,
}

/// What one attempt sends.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) target: PathAndQuery,
    pub(crate) body: Bytes,
    /// None for a server that is not Ping++.
    pub(crate) authorization: Option<HeaderValue>,
    pub(crate) timestamp: Option<HeaderValue>,
    pub(crate) signature: Option<HeaderValue>,
    /// Over a new connection that is used for nothing else.
    pub(crate) fresh_connection: bool,
}

/// An answer with any status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Result<Bytes, Unread>,
    /// It came over a connection that had been idle in the pool, so it may have been written for an
    /// earlier request, or for none.
    pub(crate) was_pooled: bool,
}

/// Why an answer's body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    TooLarge,
    Encoded,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct ExchangeError {
    pub(crate) step: Step,
    pub(crate) status: Option<u16>,
    pub(crate) source: Option<BoxError>,
    /// The connection ended, and it had been idle in the pool: the server may have closed it before
    /// the request arrived. Not set for a time-out or an answer that cannot be parsed.
    pub(crate) was_pooled: bool,
}

impl Transport {
    pub(crate) fn new(config: Config) -> Result<Self, ConfigError> {
        let connector = Connector::new(&config)?;
        let mut headers = HeaderMap::new();
        headers.insert(
            header::HOST,
            HeaderValue::from_str(host(&config.scheme, &config.authority))
                .map_err(|error| ConfigError::because("base_url", "its host is unusable", error))?,
        );
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.insert(header::ACCEPT_LANGUAGE, config.accept_language);
        headers.insert(header::USER_AGENT, config.user_agent);
        let server = Uri::builder()
            .scheme(config.scheme.clone())
            .authority(config.authority.clone())
            .path_and_query("/")
            .build()
            .map_err(|error| ConfigError::because("base_url", "it is not a usable URL", error))?;
        let has_proxy = connector.has_proxy();
        let pool = Pool::new(connector, server, config.max_in_flight);
        Ok(Self { scheme: config.scheme, authority: config.authority, has_proxy, headers, pool })
    }

    pub(crate) fn server(&self) -> &Authority {
        &self.authority
    }

    /// The server as errors name it: with its port, and without what is known of a proxy.
    pub(crate) fn server_text(&self) -> String {
        let port = self.port();
        let proxy = if self.has_proxy { " through a proxy" } else { "" };
        format!("{}:{port}{proxy}", self.authority.host())
    }

    pub(crate) fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or_else(|| implied_port(&self.scheme))
    }

    pub(crate) fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Waits for a permit; there are at most `max_in_flight`, first come first served.
    pub(crate) async fn permit(&self, turn: &mut Turn) -> Permit<'_> {
        self.pool.permit(turn).await
    }

    /// How many permits there are at this moment.
    pub(crate) fn permits_now(&self) -> usize {
        self.pool.permits_now()
    }

    /// Sends the request and reads the whole answer. It ends with an error if there is no connection by
    /// `send_by` or no complete answer by `deadline`. Nothing is written after `send_by`, but a request
    /// that is stuck then may not end before `deadline`. `sent` is set just before the first byte of
    /// the request may be written. The connection is returned if it can be used again. `None` if the
    /// permit has to be returned before that.
    pub(crate) async fn exchange(
        &self,
        permit: &mut Permit<'_>,
        outgoing: Outgoing,
        sent: &mut Option<Instant>,
        send_by: Instant,
        deadline: Instant,
    ) -> Result<Option<(Answer, Option<Connection>)>, ExchangeError> {
        let fresh = outgoing.fresh_connection;
        let mut request = self.request(outgoing);
        loop {
            let idle = if fresh { None } else { self.pool.take_idle(permit) };
            let mut connection = match idle {
                Some(connection) => connection,
                None => self.open(permit, send_by.min(deadline)).await?,
            };

            // A task that was not polled for a while may find its connection ready only now.
            let now = Instant::now();
            if now >= send_by.min(deadline) {
                return Err(self.no_connection());
            }
            if !permit.begin() {
                self.pool.keep(connection);
                return Ok(None);
            }
            *sent = Some(now);
            let was_pooled = connection.was_pooled;
            let mut status = None;
            let response = connection.send(request, send_by);
            let answered = connection.run(deadline, async {
                let response = response.await?;
                status = Some(response.status().as_u16());
                Ok(read(response, was_pooled).await)
            });
            let answer = match answered.await {
                Some(Ok(answer)) => answer?,
                // The connection had ended, or bytes had arrived on it, while it was idle.
                Some(Err(Unanswered { request: Some(unsent), .. })) if was_pooled => {
                    *sent = None;
                    request = unsent;
                    continue;
                }
                Some(Err(unanswered)) => {
                    return Err(ExchangeError::unanswered(unanswered, was_pooled));
                }
                None if status.is_none() => {
                    return Err(ExchangeError::new(Step::ExchangeTimeout, None, None));
                }
                None => return Err(ExchangeError::new(Step::BodyTimeout, status, None)),
            };
            let is_reusable = !fresh && answer.body.is_ok();
            return Ok(Some((answer, is_reusable.then_some(connection))));
        }
    }

    async fn open(
        &self,
        permit: &Permit<'_>,
        deadline: Instant,
    ) -> Result<Connection, ExchangeError> {
        match timeout_at(deadline, self.pool.open(permit)).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) if !chain(&*error).any(is_timeout) => {
                Err(ExchangeError::unconnected(error))
            }
            _ => Err(self.no_connection()),
        }
    }

    /// No connection came about in time.
    fn no_connection(&self) -> ExchangeError {
        ExchangeError::new(Step::ConnectTimeout, None, self.pool.obstacle())
    }

    /// Puts a connection into the pool: that of an answer that was accepted, or one without a request.
    pub(crate) fn keep(&self, connection: Connection) {
        self.pool.keep(connection);
    }

    fn request(&self, outgoing: Outgoing) -> http::Request<Full<Bytes>> {
        // A clone would have no room for the other headers, and be copied when it grows.
        let mut headers = HeaderMap::with_capacity(self.headers.len() + 4);
        headers.extend(self.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        headers.extend(outgoing.authorization.map(|value| (header::AUTHORIZATION, value)));
        headers.extend(outgoing.timestamp.map(|value| (TIMESTAMP, value)));
        if !outgoing.body.is_empty() {
            headers.insert(header::CONTENT_TYPE, JSON);
        }
        if let Some(signature) = outgoing.signature {
            headers.insert(SIGNATURE, signature);
        }
        let mut request = http::Request::new(Full::new(outgoing.body));
        *request.method_mut() = match outgoing.method {
            Method::Get => http::Method::GET,
            Method::Post => http::Method::POST,
            Method::Put => http::Method::PUT,
            Method::Delete => http::Method::DELETE,
        };
        *request.uri_mut() = outgoing.target.into();
        *request.headers_mut() = headers;
        request
    }
}

/// Reads the body of an answer whose head has arrived.
async fn read(
    response: http::Response<Incoming>,
    was_pooled: bool,
) -> Result<Answer, ExchangeError> {
    let (head, body) = response.into_parts();
    let status = head.status.as_u16();
    let encoding = head.headers.get(header::CONTENT_ENCODING);
    let body = if encoding.is_some_and(|encoding| encoding != "identity") {
        Err(Unread::Encoded)
    } else {
        whole(body)
            .await
            .map_err(|error| ExchangeError::new(Step::Body, Some(status), Some(error.into())))?
    };
    Ok(Answer { status, headers: head.headers, body, was_pooled })
}

/// A body in one piece. Usually it arrives in one, which is not copied; what arrives in many pieces is,
/// since a peer could make them very small and their number very large.
async fn whole(mut body: Incoming) -> Result<Result<Bytes, Unread>, hyper::Error> {
    let announced = body.size_hint().lower();
    if announced > BODY_LIMIT as u64 {
        return Ok(Err(Unread::TooLarge));
    }
    let mut first = Bytes::new();
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if first.is_empty() {
            first = data;
            continue;
        }
        if all.is_empty() {
            all.reserve(announced as usize);
            all.extend_from_slice(&first);
        }
        if all.len() + data.len() > BODY_LIMIT {
            return Ok(Err(Unread::TooLarge));
        }
        all.extend_from_slice(&data);
    }
    Ok(Ok(if all.is_empty() { first } else { all.into() }))
}

impl ExchangeError {
    fn new(step: Step, status: Option<u16>, source: Option<BoxError>) -> Self {
        Self { step, status, source, was_pooled: false }
    }

    fn unconnected(error: BoxError) -> Self {
        let refused = chain(&*error).any(is_certificate_error);
        let step = if refused { Step::Certificate } else { Step::Connect };
        Self::new(step, None, Some(error))
    }

    fn unanswered(unanswered: Unanswered, was_pooled: bool) -> Self {
        let Unanswered { error, request } = unanswered;
        let is_late = chain(&error).any(is_out_of_time);
        let step = match request {
            Some(_) => Step::Unsent,
            None if is_late => Step::ExchangeTimeout,
            None => Step::Exchange,
        };
        let was_pooled = was_pooled && !error.is_parse() && !is_late;
        Self { step, status: None, source: Some(error.into()), was_pooled }
    }
}

fn is_certificate_error(error: &(dyn StdError + 'static)) -> bool {
    matches!(
        error.downcast_ref(),
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented)
    )
}

fn is_out_of_time(error: &(dyn StdError + 'static)) -> bool {
    let inner = error.downcast_ref().and_then(io::Error::get_ref);
    inner.is_some_and(|error| error.is::<OutOfTime>())
}

/// That of the connector, or of the system, which gives up by itself when nobody answers.
fn is_timeout(error: &(dyn StdError + 'static)) -> bool {
    error.downcast_ref().is_some_and(|error: &io::Error| error.kind() == io::ErrorKind::TimedOut)
}

/// The value of `Host`: without the port that the scheme implies.
fn host<'a>(scheme: &Scheme, authority: &'a Authority) -> &'a str {
    let is_implied = authority.port_u16() == Some(implied_port(scheme));
    if is_implied { authority.host() } else { authority.as_str() }
}

fn implied_port(scheme: &Scheme) -> u16 {
    if *scheme == Scheme::HTTPS { 443 } else { 80 }
}
