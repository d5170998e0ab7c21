//! One step of a settlement: at most one request, between two transitions of the machine.

use std::time::Duration;

use super::clock::{Exchange, millis, unix_millis};
use super::ending::Settled;
use super::obstacle::NotCreated;
use super::state::State;
use super::token::SettleToken;
use super::transition::{Action, Input, Sent};
use super::view::{ChargeView, Facts};
use crate::call::Call;
use crate::client::Client;
use crate::error::{BuildError, Error, Outcome};
use crate::request::Request;
use crate::resources::charges::{Charge, CreateCharge};
use crate::retry::RetryPolicy;
use crate::types::List;

/// What a step came to; from [`SettleToken::step`].
#[derive(Debug)]
#[must_use = "the token has to be kept"]
#[non_exhaustive]
pub enum Next {
    /// Keep this token, then step it after this time: at once if it is zero. A later step is as good,
    /// an earlier one looks earlier.
    Wait(SettleToken, Duration),
    /// It has ended: keep this token, then act on the ending.
    Ended(SettleToken, Settled),
}

impl SettleToken {
    /// Takes one step: at most one request. A worker that keeps a million tokens holds no future for
    /// each, only these rows.
    ///
    /// An effect takes two steps. The first does no I/O and returns [`Next::Wait`] with no time and
    /// with the intent in the token, so that the owner can keep it; only a token that carries the
    /// intent sends. So **keep each token before the next step**, and step the one that was kept.
    ///
    /// ```no_run
    /// # async fn f(client: pingpp::Client, row: String) -> Result<(), Box<dyn std::error::Error>> {
    /// # async fn keep(token: &pingpp::SettleToken, wait: std::time::Duration) {}
    /// use pingpp::settle::{Next, SettleToken};
    ///
    /// let token: SettleToken = row.parse()?;
    /// match token.step(&client).await? {
    ///     Next::Wait(token, wait) => keep(&token, wait).await,
    ///     Next::Ended(token, settled) => {
    ///         keep(&token, std::time::Duration::MAX).await;
    ///         println!("{settled}");
    ///     }
    ///     other => println!("ask again later: {other:?}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A token that has ended does no I/O and says so again; after
    /// [`Unresolved`](Settled::Unresolved), [`reopen`](Self::reopen) it to go on. A token that carries
    /// the intent to create a charge is stepped with [`create`](Self::create) by the process that has
    /// the parameters; `step` takes it for sent, and searches.
    ///
    /// **Dropping:** what was sent may be carried out. Step the kept token again.
    ///
    /// # Errors
    /// [`Error::Build`] if no request can be made of the token: its version is later than this crate,
    /// an id is unusable, or the client has no app for a search.
    pub fn step(
        self,
        client: &Client,
    ) -> impl Future<Output = Result<Next, Error>> + Send + 'static + use<> {
        step(client.clone(), self, None)
    }

    /// Takes the step that creates the charge: for a token of
    /// [`create_and_settle(..).token()`](crate::Settlement::token), which carries the intent. Keep it
    /// first, and call this once: a process that does not know whether another one has called it takes
    /// a [`step`](Self::step) instead, which searches.
    ///
    /// # Errors
    /// [`Error::Build`] as [`step`](Self::step), and if the order_no is not that of the token.
    pub fn create(
        self,
        client: &Client,
        order: impl Into<CreateCharge>,
    ) -> impl Future<Output = Result<Next, Error>> + Send + 'static {
        step(client.clone(), self, Some(Box::new(order.into())))
    }
}

async fn step(
    client: Client,
    token: SettleToken,
    order: Option<Box<CreateCharge>>,
) -> Result<Next, Error> {
    let mut state = token.into_state().map_err(Error::Build)?;
    if order.as_ref().is_some_and(|order| state.order_no.as_ref() != Some(&order.order_no)) {
        return Err(Error::Build(BuildError::new(
            "the order_no is not that of the token: a token settles one order",
        )));
    }
    let mut last = None;
    let wait = advance(&client, &mut state, order, false, &mut last).await?;
    Ok(match wait {
        Some(wait) => Next::Wait(SettleToken::from_state(state), wait),
        None => {
            let settled = state.settled(last);
            Next::Ended(SettleToken::from_state(state), settled)
        }
    })
}

/// Takes one step, and returns how long to wait for the next one; `None` once it has ended. `is_first`
/// means that this owner wrote the intent of the token itself and has not sent it yet. `last` is
/// replaced by the charge that a look shows.
pub(super) async fn advance(
    client: &Client,
    state: &mut State,
    order: Option<Box<CreateCharge>>,
    is_first: bool,
    last: &mut Option<Box<Charge>>,
) -> Result<Option<Duration>, Error> {
    let now = now(client);
    let has_order = order.is_some();
    let had_ended = state.machine.ending.is_some();
    let mut action = state.machine.next(&Exchange::at(now), Input::Step { has_order });
    let mut refusal = None;
    if !matches!(action, Action::Wait(_) | Action::End(_)) {
        let (exchange, input) = match (action, order) {
            (Action::Create, Some(order)) => {
                create(client, state, *order, last, &mut refusal).await?
            }
            (Action::Search, _) => search(client, state, last).await?,
            (Action::Reverse, _) => reverse(client, state, is_first).await?,
            _ => look(client, state, last).await?,
        };
        action = state.machine.next(&exchange, input);
        tracing::debug!(target: "pingpp::settle", ?input, ?action, "settling");
    }
    let now = state.machine.server_time(self::now(client));
    if let (Action::End(ending), false) = (action, had_ended) {
        action = state.end(ending, last.as_deref(), refusal, now);
    }
    Ok(match action {
        Action::Wait(until) => Some(Duration::from_millis(until.saturating_sub(now))),
        _ => None,
    })
}

fn now(client: &Client) -> u64 {
    unix_millis(client.inner().now())
}

type Happened = Result<(Exchange, Input), Error>;

/// Makes a call, and reads the server's clock off its answer. Somebody in between may set any `Date`.
async fn timed<T: 'static>(client: &Client, call: Call<T>) -> (Exchange, Result<T, Error>) {
    let begun = now(client);
    let result = call.with_response().await;
    let attempts = match &result {
        Ok(answer) => answer.attempts(),
        Err(error) => error.attempts(),
    };
    let received = now(client);
    // The answer is that of the last one. All of them together tell its time to half a minute only.
    let sent = attempts.last().map_or(begun, |last| received.saturating_sub(millis(last.took)));
    let date = match &result {
        Ok(answer) => answer.date(),
        Err(Error::Api(error)) if error.is_of_pingxx() => error.date(),
        _ => None,
    };
    let exchange = Exchange { sent, received, date: date.map(unix_millis) };
    (exchange, result.map(|answer| answer.value))
}

async fn create(
    client: &Client,
    state: &mut State,
    order: CreateCharge,
    last: &mut Option<Box<Charge>>,
    refusal: &mut Option<Box<NotCreated>>,
) -> Happened {
    let order_no = order.order_no.clone();
    let client = client_of(client, state);
    let (exchange, result) = timed(&client, client.charges().create(order)).await;
    let error = match result {
        Ok(charge) => {
            let facts = Facts::of(&charge);
            found(state, last, charge);
            return Ok((exchange, Input::Found(facts)));
        }
        Err(Error::Build(error)) => return Err(Error::Build(error)),
        Err(error) if error.outcome() == Outcome::Unknown => {
            return Ok((exchange, Input::CreateInDoubt));
        }
        Err(error) => error,
    };
    *refusal = Some(Box::new(NotCreated {
        order_no,
        status: error.status(),
        code: error.api().and_then(|api| api.code().cloned()),
        reason: Some(error.to_string()),
    }));
    Ok((exchange, Input::NotCreated))
}

/// Rule 9: by the number, from before the first send. The answers measure the clock, so the first one
/// may be asked for with a wide margin.
async fn search(client: &Client, state: &mut State, last: &mut Option<Box<Charge>>) -> Happened {
    const PAGES: usize = 10;
    let client = client_of(client, state);
    let from = seconds(state.machine.search_from());
    let (mut behind, mut charges, mut first) = (None, Vec::new(), None);
    for page in 0.. {
        let mut filter = serde_json::json!({ "created": { "gte": from }, "limit": 100 });
        if let Some(id) = behind.take() {
            filter["starting_after"] = id;
        }
        let request = Request::get("/v1/charges", &[]).in_app_object(client.app(), &filter);
        let call = client.fetch::<List<Charge>>(request.about_new::<List<Charge>>());
        let (exchange, result) = timed(&client, call.retry(RetryPolicy::none())).await;
        let exchange = *first.get_or_insert(exchange);
        let (found, has_more, _) = match result {
            Ok(list) => list.into_parts(),
            Err(error) => return Ok((exchange, failed(error)?)),
        };
        behind = found.last().filter(|_| has_more).map(|charge| charge.id.as_str().into());
        charges.extend(found);
        if behind.is_none() {
            break;
        }
        if page == PAGES {
            return Ok((exchange, Input::Failed { status: 200, slow_down: true }));
        }
    }
    let exchange = first.unwrap_or(Exchange::at(now(&client)));
    let order_no = state.order_no.as_deref();
    state.machine.measure(&exchange);
    let from = seconds(state.machine.search_from());
    charges.retain(|charge| {
        let is_old = charge.created.is_some_and(|created| created.as_unix() < from);
        Some(charge.order_no.as_str()) == order_no && !is_old
    });
    // A paid one first, so that it is the one whose payment counts.
    charges.sort_by_key(|charge| (!charge.paid || charge.reversed == Some(true), charge.created));
    let mut charges = charges.into_iter();
    let Some(charge) = charges.next() else { return Ok((exchange, Input::Absent)) };
    let facts = Facts::of(&charge);
    found(state, last, charge);
    state.more = charges.map(|charge| charge.id).collect();
    Ok((exchange, Input::Found(facts)))
}

fn seconds(time: u64) -> i64 {
    i64::try_from(time / 1_000).unwrap_or(i64::MAX)
}

async fn look(client: &Client, state: &mut State, last: &mut Option<Box<Charge>>) -> Happened {
    let Some(id) = &state.charge else {
        return Err(Error::Build(BuildError::new("the token names no charge")));
    };
    // Without retries: the next look is one, and user calls may need the budget.
    let call = client.charges().retrieve(id).retry(RetryPolicy::none());
    let (exchange, result) = timed(client, call).await;
    Ok((
        exchange,
        match result {
            Ok(charge) => {
                let view = ChargeView::of(&charge);
                found(state, last, charge);
                Input::Seen(view)
            }
            Err(error) => failed(error)?,
        },
    ))
}

async fn reverse(client: &Client, state: &State, is_first: bool) -> Happened {
    let Some(id) = &state.charge else {
        return Err(Error::Build(BuildError::new("the token names no charge")));
    };
    let (exchange, result) = timed(client, client.charges().reverse(id)).await;
    let result = match result {
        Ok(_) => Sent::Maybe,
        Err(Error::Build(error)) => return Err(Error::Build(error)),
        Err(error) => match error.outcome() {
            Outcome::NotSent => Sent::Never,
            // Too many requests: it did not happen, and may work later.
            Outcome::Rejected if error.is_retryable() => Sent::Never,
            Outcome::Rejected => Sent::Refused,
            Outcome::Unknown => Sent::Maybe,
        },
    };
    Ok((exchange, Input::Reversed { result, is_first }))
}

/// Rule 5: whatever a read was answered, it only failed; unless the request cannot be made.
fn failed(error: Error) -> Result<Input, Error> {
    if matches!(error, Error::Build(_)) {
        return Err(error);
    }
    let slow_down = error.api().is_some_and(|api| api.is_rate_limit());
    Ok(Input::Failed { status: error.status().unwrap_or(0), slow_down })
}

fn found(state: &mut State, last: &mut Option<Box<Charge>>, charge: Charge) {
    if state.order_no.is_none() {
        state.order_no = Some(charge.order_no.clone());
    }
    if state.app.is_none() {
        state.app = charge.app.as_ref().map(|app| app.id().clone());
    }
    state.charge = Some(charge.id.clone());
    *last = Some(Box::new(charge));
}

fn client_of(client: &Client, state: &State) -> Client {
    match &state.app {
        Some(app) if client.app() != Some(app) => client.with_app(app),
        _ => client.clone(),
    }
}
