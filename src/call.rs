//! `Call`: a future that can be configured, and the loop behind it: sign, send, classify, wait.
//!
//! What may be sent again is decided in `retry`, how far a send got in `transport`. This file reads
//! the clock and draws the random numbers, so that neither of them has to.

mod attempts;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use tracing::{Instrument, field};

use self::attempts::Attempts;
use crate::SigningKey;
use crate::client::Client;
use crate::credentials::ApiKey;
use crate::error::{Attempt, Error};
use crate::request::Request;
use crate::retry::RetryPolicy;
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

type Decode<T> = fn(Answer, Bytes, &[Attempt]) -> Result<T, serde_json::Error>;

impl<T: DeserializeOwned> Call<T> {
    pub(crate) fn new(client: Client, request: Request) -> Self {
        Self::planned(Plan {
            client,
            request,
            options: Options::default(),
            decode: |_, body, _| serde_json::from_slice(&body),
        })
    }

    /// Gives the answer itself beside the value: status, headers, body, attempts.
    pub fn with_response(self) -> Call<Response<T>> {
        let Plan { client, request, options, .. } = self.into_plan();
        Call::planned(Plan {
            client,
            request,
            options,
            decode: |answer, body, attempts| {
                let value = serde_json::from_slice(&body)?;
                Ok(Response { value, answer, body, attempts: attempts.to_vec() })
            },
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

    /// Uses another API key for this call.
    pub fn api_key(self, key: impl Into<String>) -> Self {
        self.configure(|options| options.api_key = Some(ApiKey::new(key.into())))
    }

    /// Signs this call with another key.
    pub fn signing_key(self, key: SigningKey) -> Self {
        self.configure(|options| options.signing_key = Some(key))
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
            self.running = Some(Box::pin(run(plan)));
        }
        let running = self.running.as_mut().expect("a call has a plan or runs");
        running.as_mut().poll(cx)
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
    let mut running = Attempts::new(client.shared(), &mut request, options)?;
    let span = tracing::info_span!(
        "pingpp.call",
        http.request.method = running.method(),
        url.path = running.path(),
        http.response.status_code = field::Empty,
        http.request.resend_count = field::Empty,
        error.type = field::Empty,
    );
    async move {
        let result = loop {
            let failed = match running.attempt().await {
                Ok((answer, body)) => match decode(answer, body, running.attempts()) {
                    Ok(value) => break Ok(value),
                    Err(error) => running.undecodable(error),
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
    answer: Answer,
    body: Bytes,
    attempts: Vec<Attempt>,
}

impl<T> Response<T> {
    /// The HTTP status, a 2xx.
    pub fn status(&self) -> u16 {
        self.answer.status
    }

    /// The value of a header, whatever the case of its name; `None` if absent or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.answer.header(name)
    }

    /// The body, byte for byte; what `X-Pingplusplus-Signature` is over.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Every send of the call; the last one brought this answer.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }
}

impl<T: fmt::Debug> fmt::Debug for Response<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("value", &self.value)
            .field("status", &self.status())
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}
