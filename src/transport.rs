//! Connector, pool, time and size limits, and the answer to "was it sent?".
//!
//! The only file that names hyper and rustls. It knows nothing of charges, signatures or retries:
//! it makes one exchange and says truthfully how far it got.

mod connect;

use std::error::Error as StdError;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::{Authority, Scheme, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, timeout_at};

use self::connect::Connector;
pub(crate) use self::connect::{Proxy, root_certificates};
use crate::builder::ConfigError;
use crate::error::{BoxError, Step};
use crate::request::Method;

/// Answers larger than this are refused; the largest real one, a list of 100, is about 0.3 MiB.
const BODY_LIMIT: usize = 8 * 1024 * 1024;

/// How long an unused connection is kept: below what load balancers keep theirs (15 s and more), so
/// that it is this side that closes first.
const IDLE: Duration = Duration::from_secs(10);

const TIMESTAMP: HeaderName = HeaderName::from_static("pingplusplus-request-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("pingplusplus-signature");
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// What a transport is built from, checked by the builder.
pub(crate) struct Config {
    pub(crate) scheme: Scheme,
    pub(crate) authority: Authority,
    pub(crate) connect_timeout: Duration,
    pub(crate) max_idle: usize,
    pub(crate) roots: Vec<rustls::pki_types::CertificateDer<'static>>,
    pub(crate) platform_verifier: bool,
    pub(crate) proxy: Proxy,
    pub(crate) accept_language: HeaderValue,
    pub(crate) user_agent: HeaderValue,
}

/// Sends requests to one server.
pub(crate) struct Transport {
    scheme: Scheme,
    authority: Authority,
    headers: HeaderMap,
    pooled: Client<Connector, Full<Bytes>>,
    /// Opens a connection for every request, for those that must not meet a dying one.
    fresh: Client<Connector, Full<Bytes>>,
}

/// What one attempt sends.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) body: Bytes,
    pub(crate) authorization: HeaderValue,
    pub(crate) timestamp: HeaderValue,
    pub(crate) signature: Option<HeaderValue>,
    /// Over a new connection.
    pub(crate) fresh: bool,
}

/// A request that is ready to go, with a witness to whether it went.
pub(crate) struct Prepared {
    request: http::Request<Full<Bytes>>,
    fresh: bool,
    witness: CaptureConnection,
}

/// Knows whether a request may have been sent: true from the moment it is given a connection.
pub(crate) struct Witness(CaptureConnection);

impl Witness {
    pub(crate) fn may_be_sent(&self) -> bool {
        self.0.connection_metadata().is_some()
    }
}

/// An answer with any status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Result<Bytes, Unread>,
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
pub(crate) struct Broken {
    pub(crate) step: Step,
    pub(crate) status: Option<u16>,
    pub(crate) source: Option<BoxError>,
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
        let client = |max_idle| {
            Client::builder(TokioExecutor::new())
                .timer(TokioTimer::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE)
                .pool_max_idle_per_host(max_idle)
                // The loop in `call` repeats: it counts, signs anew and traces every send.
                .retry_canceled_requests(false)
                .set_host(false)
                .build(connector.clone())
        };
        Ok(Self {
            pooled: client(config.max_idle),
            fresh: client(0),
            scheme: config.scheme,
            authority: config.authority,
            headers,
        })
    }

    pub(crate) fn server(&self) -> &Authority {
        &self.authority
    }

    /// The address of a path and query at this server.
    pub(crate) fn uri(&self, target: &str) -> Result<Uri, http::Error> {
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(target)
            .build()
    }

    pub(crate) fn prepare(&self, outgoing: Outgoing) -> Prepared {
        let mut headers = self.headers.clone();
        headers.insert(header::AUTHORIZATION, outgoing.authorization);
        headers.insert(TIMESTAMP, outgoing.timestamp);
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
        *request.uri_mut() = outgoing.uri;
        *request.headers_mut() = headers;
        let witness = capture_connection(&mut request);
        Prepared { request, fresh: outgoing.fresh, witness }
    }

    /// Sends and reads the whole answer. If no connection is there by `send_by`, or no complete
    /// answer by `deadline`, it ends with what is known by then.
    pub(crate) async fn exchange(
        &self,
        prepared: Prepared,
        send_by: Instant,
        deadline: Instant,
    ) -> Result<Answer, Broken> {
        let Prepared { request, fresh, witness } = prepared;
        let client = if fresh { &self.fresh } else { &self.pooled };
        let mut sending = client.request(request);

        // Nothing is written while this future is not polled, so a witness that has seen no
        // connection when the time is up is a proof.
        let mut result = timeout_at(send_by.min(deadline), &mut sending).await;
        if result.is_err() && witness.connection_metadata().is_some() {
            result = timeout_at(deadline, &mut sending).await;
        }
        let response = match result {
            Ok(response) => response.map_err(Broken::before_answer)?,
            Err(_) if witness.connection_metadata().is_some() => {
                return Err(Broken { step: Step::ExchangeTimeout, status: None, source: None });
            }
            Err(_) => {
                return Err(Broken { step: Step::ConnectTimeout, status: None, source: None });
            }
        };

        let (head, body) = response.into_parts();
        let status = head.status.as_u16();
        let encoding = head.headers.get(header::CONTENT_ENCODING);
        let body = if encoding.is_some_and(|encoding| encoding != "identity") {
            Err(Unread::Encoded)
        } else {
            match timeout_at(deadline, Limited::new(body, BODY_LIMIT).collect()).await {
                Ok(Ok(body)) => Ok(body.to_bytes()),
                Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Unread::TooLarge),
                Ok(Err(error)) => {
                    let status = Some(status);
                    return Err(Broken { step: Step::Body, status, source: Some(error) });
                }
                Err(_) => {
                    let status = Some(status);
                    return Err(Broken { step: Step::BodyTimeout, status, source: None });
                }
            }
        };
        Ok(Answer { status, headers: head.headers, body })
    }
}

impl Prepared {
    pub(crate) fn witness(&self) -> Witness {
        Witness(self.witness.clone())
    }
}

impl Broken {
    fn before_answer(error: hyper_util::client::legacy::Error) -> Self {
        let step = if error.is_connect() {
            if chain(&error).any(is_certificate_error) { Step::Certificate } else { Step::Connect }
        } else if chain(&error)
            .filter_map(|error| error.downcast_ref::<hyper::Error>())
            .any(hyper::Error::is_canceled)
        {
            Step::Unsent
        } else {
            Step::Exchange
        };
        Self { step, status: None, source: Some(error.into()) }
    }
}

fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| {
        // What an `io::Error` was made from it names only here; its `source` skips that one.
        match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner as _),
            None => error.source(),
        }
    })
}

fn is_certificate_error(error: &(dyn StdError + 'static)) -> bool {
    matches!(
        error.downcast_ref(),
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented)
    )
}

/// The value of `Host`: without the port that the scheme implies.
fn host<'a>(scheme: &Scheme, authority: &'a Authority) -> &'a str {
    let implied = if *scheme == Scheme::HTTPS { 443 } else { 80 };
    if authority.port_u16() == Some(implied) { authority.host() } else { authority.as_str() }
}
