//! `Call`: a future that can be configured, and the loop behind it: sign, send, judge, wait.
//!
//! What may be sent again is decided in `retry`, how far a send got in `transport`. This file reads
//! the clock and draws the random numbers, so that neither of them has to.

mod attempts;
mod judge;
mod watch;

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::panic::catch_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::de::DeserializeOwned;
use tokio::runtime;
use tracing::{Instrument, field};

use self::attempts::Attempts;
use crate::client::Client;
use crate::clock;
use crate::credentials::ApiKey;
use crate::error::{Attempt, BuildError, Error};
use crate::macros::from_json::{FromJson, from_body};
use crate::request::Request;
use crate::retry::RetryPolicy;
use crate::signing::SigningKey;
use crate::transport::Answer;

/// A call that is made when it is awaited.
///
/// It can be configured before that, and spawned, joined or selected on as it is. Dropping it stops
/// the waiting, not what the server has begun; each method says whether it may be dropped.
///
/// ```no_run
/// # async fn f(client: pingpp::Client) -> Result<(), pingpp::Error> {
/// use std::time::Duration;
///
/// let charge = client.charges().retrieve("ch_1").timeout(Duration::from_secs(5)).await?;
/// # let _ = charge;
/// # Ok(())
/// # }
/// ```
///
/// # Panics
/// The methods that configure panic once the call has been polled: it may have been sent by then.
#[must_use = "a call does nothing until it is awaited"]
pub struct Call<T> {
    plan: Option<Plan<T>>,
    running: Option<Running<T>>,
}

type Running<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

struct Plan<T> {
    client: Client,
    request: Request,
    options: Options,
    decode: Decode<T>,
}

#[derive(Default)]
struct Options {
    timeout: Option<Duration>,
    retry: Option<RetryPolicy>,
    api_key: Option<ApiKey>,
    signing_key: Option<SigningKey>,
}

type Decode<T> =
    Box<dyn Fn(&Answer, &Bytes, &[Attempt]) -> Result<T, serde_json::Error> + Send + Sync>;

impl Client {
    /// Any operation that has no method of its own, with the same signing, limits and errors.
    ///
    /// ```no_run
    /// # async fn f(client: pingpp::Client) -> Result<(), pingpp::Error> {
    /// use pingpp::Request;
    ///
    /// let royalty: serde_json::Value =
    ///     client.call(Request::get("/v1/royalties/{id}", &["411708220000281981"])).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn call<T: DeserializeOwned + 'static>(&self, request: Request) -> Call<T> {
        Call::new(self, request, |_, body, _| serde_json::from_slice(body))
    }

    /// An operation whose answer is an object of this crate.
    pub(crate) fn fetch<T: FromJson + 'static>(&self, request: Request) -> Call<T> {
        Call::new(self, request.within_limits(), |_, body, _| from_body(body))
    }
}

impl<T: 'static> Call<T> {
    fn new(
        client: &Client,
        request: Request,
        decode: fn(&Answer, &Bytes, &[Attempt]) -> Result<T, serde_json::Error>,
    ) -> Self {
        Self::planned(Plan {
            client: client.clone(),
            request,
            options: Options::default(),
            decode: Box::new(decode),
        })
    }

    /// Gives the answer itself beside the value: status, headers, body, attempts.
    pub fn with_response(self) -> Call<Response<T>> {
        let Plan { client, request, options, decode } = self.into_plan();
        Call::planned(Plan {
            client,
            request,
            options,
            decode: Box::new(move |answer, body, attempts| {
                Ok(Response {
                    value: decode(answer, body, attempts)?,
                    status: answer.status,
                    headers: answer.headers.clone(),
                    body: body.clone(),
                    attempts: attempts.to_vec(),
                })
            }),
        })
    }
}

impl<T> Call<T> {
    /// Limit of the whole call, instead of [the client's](crate::ClientBuilder::timeout).
    pub fn timeout(self, timeout: Duration) -> Self {
        self.configure(|options| options.timeout = Some(timeout))
    }

    /// How often it may be sent, instead of [the client's](crate::ClientBuilder::retry) choice.
    pub fn retry(self, policy: RetryPolicy) -> Self {
        self.configure(|options| options.retry = Some(policy))
    }

    /// Uses another API key for this call. The signing key stays the client's: set
    /// [`signing_key`](Self::signing_key) as well for another account.
    pub fn api_key(self, key: impl Into<String>) -> Self {
        self.configure(|options| options.api_key = Some(ApiKey::new(key.into())))
    }

    /// Signs this call with another key.
    pub fn signing_key(self, key: SigningKey) -> Self {
        self.configure(|options| options.signing_key = Some(key))
    }

    /// Shows a reference of the answer whole: `expand("app")` fills `Charge::app` with the app instead
    /// of its id. For calls that only read.
    pub fn expand(self, reference: &str) -> Self {
        let mut plan = self.into_plan();
        plan.request = plan.request.expand(reference);
        Self::planned(plan)
    }

    fn configure(self, change: impl FnOnce(&mut Options)) -> Self {
        let mut plan = self.into_plan();
        change(&mut plan.options);
        Self::planned(plan)
    }

    fn planned(plan: Plan<T>) -> Self {
        Self { plan: Some(plan), running: None }
    }

    fn into_plan(self) -> Plan<T> {
        self.plan.expect("a call is configured before it is polled")
    }
}

impl<T: 'static> Future for Call<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(plan) = self.plan.take() {
            if let Err(error) = has_runtime() {
                return Poll::Ready(Err(Error::Build(error)));
            }
            self.running = Some(Box::pin(run(plan)));
        }
        let running = self.running.as_mut().expect("a call is not polled after its end");
        running.as_mut().poll(cx)
    }
}

thread_local! {
    /// The runtime with which this thread has made a call.
    static PROBED: Cell<Option<runtime::Id>> = const { Cell::new(None) };
}

/// Whether there is a runtime with timers and I/O. Tokio answers that only by a panic, so each thread
/// asks once for each runtime.
fn has_runtime() -> Result<(), BuildError> {
    let here = runtime::Handle::try_current().map(|handle| handle.id()).ok();
    if here.is_some() && (here == PROBED.get() || catch_unwind(probe).is_ok()) {
        PROBED.set(here);
        return Ok(());
    }
    Err(BuildError::new(
        "a call must be awaited inside a Tokio runtime with I/O and time enabled: use \
         `#[tokio::main]`, or `enable_all()` on its builder",
    ))
}

fn probe() {
    drop(tokio::time::sleep(Duration::ZERO));
    // Where no socket can be had, connecting will say so.
    if let Ok(socket) = std::net::UdpSocket::bind((std::net::Ipv4Addr::LOCALHOST, 0))
        && socket.set_nonblocking(true).is_ok()
    {
        drop(tokio::net::UdpSocket::from_std(socket));
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("request", &self.plan.as_ref().map(|plan| &plan.request))
            .finish_non_exhaustive()
    }
}

/// The loop: an attempt, then its value, an error, or a pause and the next attempt.
async fn run<T>(plan: Plan<T>) -> Result<T, Error> {
    let Plan { client, mut request, options, decode } = plan;
    let mut running = Attempts::new(client.inner(), &mut request, options)?;
    let span = tracing::info_span!(
        "pingpp.call",
        http.request.method = running.method(),
        url.template = running.route(),
        http.response.status_code = field::Empty,
        http.request.resend_count = field::Empty,
        error.type = field::Empty,
    );
    async move {
        let result = loop {
            let failed = match running.attempt().await {
                Ok((answer, body)) => match decode(&answer, &body, running.attempts()) {
                    Ok(value) => break Ok(value),
                    Err(error) => running.undecodable(&error, answer, body),
                },
                Err(failed) => failed,
            };
            if let Err(error) = running.pause(failed).await {
                break Err(error);
            }
        };
        running.finish(&tracing::Span::current(), result.as_ref().err());
        result
    }
    .instrument(span)
    .await
}

/// A value with the answer it came in; from [`Call::with_response`].
#[non_exhaustive]
pub struct Response<T> {
    /// The decoded body.
    pub value: T,
    status: u16,
    headers: http::HeaderMap,
    body: Bytes,
    attempts: Vec<Attempt>,
}

impl<T> Response<T> {
    /// The HTTP status, a 2xx.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The value of a header, whatever the case of its name; `None` if absent or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The server's clock when it answered, by the header `Date`; `None` if there is none, or a cache
    /// answered.
    pub fn date(&self) -> Option<SystemTime> {
        clock::date(&self.headers)
    }

    /// The body, byte for byte; what `X-Pingplusplus-Signature` is over.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Every attempt of the call; the last one brought this answer.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }
}

impl<T: fmt::Debug> fmt::Debug for Response<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("value", &self.value)
            .field("status", &self.status)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}
