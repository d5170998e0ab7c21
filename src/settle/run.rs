//! The future of a settlement: step after step, with the hook before each effect.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;
use tracing::{Instrument, Span, field};

use super::clock::{millis, unix_millis};
use super::ending::Settled;
use super::hook::{Hook, Step, StepKind, Stop};
use super::machine::Machine;
use super::obstacle::Obstacle;
use super::rules::Rule;
use super::state::State;
use super::step::advance;
use super::token::SettleToken;
use super::transition::Phase;
use crate::client::Client;
use crate::error::{BuildError, Error};
use crate::macros::from_json::ApiObject;
use crate::request::no_app;
use crate::resources::charges::{Charge, ChargeApi, CreateCharge};
use crate::resources::events::Event;
use crate::types::Id;

type Running = Pin<Box<dyn Future<Output = Result<Settled, Error>> + Send>>;

/// A charge that is being settled: a future that can be configured before its first poll.
///
/// **Dropping:** it stops where it is, and a reverse may have been sent: resume the token that
/// [`on_step`](Self::on_step) kept, or settle again.
///
/// # Errors
/// Only [`Error::Build`], if no request can be made: an id is unusable, there is no app, or the token
/// is of a later version. Everything else is tried again until the time is over, and what was in the
/// way is said by [`Obstacle`].
///
/// # Panics
/// The methods that configure panic once it has been polled.
#[must_use = "a settlement does nothing unless it is awaited"]
pub struct Settlement {
    start: Option<Box<Start>>,
    signal: Arc<Signal>,
    running: Option<Running>,
}

/// What a settlement needs to begin.
struct Start {
    client: Client,
    token: Result<SettleToken, BuildError>,
    /// To be created first.
    order: Option<Box<CreateCharge>>,
    hook: Option<Hook>,
    is_resumed: bool,
}

/// What is said to a settlement from outside.
#[derive(Default)]
struct Signal {
    cancelled: AtomicBool,
    wake: Notify,
}

/// Speaks to a settlement while it runs: from [`Settlement::handle`]. Cheap to clone.
#[derive(Clone)]
pub struct SettleHandle {
    signal: Arc<Signal>,
    charge: Option<Id<Charge>>,
}

impl SettleHandle {
    /// The customer walked away: look once more, then close the charge. It is heard at any time, also
    /// while a look is under way.
    pub fn cancel(&self) {
        self.signal.cancelled.store(true, Ordering::SeqCst);
        self.signal.wake.notify_one();
    }

    /// A webhook brought news: if they are of this charge, it looks at once. The event itself is not
    /// believed: it may be old.
    pub fn notify(&self, event: &Event) {
        let is_about = |id: &str| self.charge.as_ref().is_none_or(|charge| *charge == *id);
        let is_charge = event.object_type().as_deref() == Some(Charge::OBJECT);
        if is_charge && event.object_id().as_deref().is_some_and(is_about) {
            self.signal.wake.notify_one();
        }
    }
}

impl fmt::Debug for SettleHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SettleHandle").field("charge", &self.charge).finish_non_exhaustive()
    }
}

impl ChargeApi {
    /// Asks whether a charge was paid, and closes it if not: see [`settle`](crate::settle).
    pub fn settle(&self, id: impl Into<Id<Charge>>) -> Settlement {
        let state = State { charge: Some(id.into()), ..begin(self.client(), Phase::Watch) };
        Settlement::new(self.client(), Ok(SettleToken::of(state)))
    }

    /// Creates a charge and settles it. If the answer to the create is lost, it is looked for by its
    /// order_no; it is never created a second time with other fields, since a scan code is good for
    /// one charge.
    pub fn create_and_settle(&self, params: impl Into<CreateCharge>) -> Settlement {
        let params = params.into();
        let token = self.client().app().ok_or_else(no_app).map(|_| {
            let order_no = Some(params.order_no.clone());
            SettleToken::of(State { order_no, ..begin(self.client(), Phase::Create) })
        });
        let mut settlement = Settlement::new(self.client(), token);
        settlement.start_mut().order = Some(Box::new(params));
        settlement
    }

    /// Goes on with a settlement of another process, or one that was dropped, in a new round of work.
    /// One that ended [`Unresolved`](Settled::Unresolved) goes on, too. Any other ending is returned
    /// again, without I/O.
    pub fn resume(&self, mut token: SettleToken) -> Settlement {
        token.reopen();
        let mut settlement = Settlement::new(self.client(), Ok(token));
        settlement.start_mut().is_resumed = true;
        settlement
    }
}

fn begin(client: &Client, phase: Phase) -> State {
    let machine = Machine::new(phase, unix_millis(client.inner().now()));
    State { app: client.app().cloned(), machine, ..State::default() }
}

impl Settlement {
    fn new(client: &Client, token: Result<SettleToken, BuildError>) -> Self {
        let client = client.clone();
        let start = Start { client, token, order: None, hook: None, is_resumed: false };
        Self { start: Some(Box::new(start)), signal: Arc::default(), running: None }
    }

    /// How often to ask; 5 s if not set. The intervals vary by a tenth, so that many settlements do
    /// not ask all at once.
    pub fn every(self, interval: Duration) -> Self {
        self.with_machine(|machine| machine.every = Some(millis(interval)))
    }

    /// How long to wait for the payment before it is closed; 60 s if not set. Where the channel stops
    /// reversing earlier, it is closed a minute before that.
    pub fn give_up_after(self, time: Duration) -> Self {
        self.with_machine(|machine| machine.give_up_after = Some(millis(time)))
    }

    /// How long this process tries to close it before it is [`Unresolved`](Settled::Unresolved); 10
    /// minutes if not set. The time begins anew when a token is resumed.
    pub fn resolve_within(self, time: Duration) -> Self {
        self.with_machine(|machine| machine.resolve_within = Some(millis(time)))
    }

    /// Whether a payment is good that was made after the time [to give up](Self::give_up_after), or after
    /// it was cancelled (it is if not set). If not, it is given back where a reverse can do that, and
    /// otherwise [`Settled::NeedsRefund`]. It counts when the customer paid (`time_paid`), not when that
    /// was seen.
    pub fn accept_late_payment(self, accept: bool) -> Self {
        self.with_machine(|machine| machine.accept_late_payment = Some(accept))
    }

    /// Hands over the token, what is about to happen and the charge: at the beginning, before each
    /// effect, when the effect is over, and with the ending before it is returned. The settlement
    /// waits until the token is kept. With `Err(Stop)` nothing is sent, and it ends
    /// [`Unresolved`](Settled::Unresolved) with the token: return it if the token was not kept, or if
    /// the settlement belongs to somebody else by now.
    ///
    /// ```no_run
    /// # async fn save(order_no: &str, token: &str) -> std::io::Result<()> { Ok(()) }
    /// # async fn f(client: pingpp::Client) -> Result<(), pingpp::Error> {
    /// use pingpp::settle::Stop;
    ///
    /// let settlement = client.charges().settle("ch_101240816592822384640019");
    /// let settled = settlement
    ///     .on_step(|step| async move {
    ///         let order_no = step.token.order_no().unwrap_or_default();
    ///         save(order_no, &step.token.to_string()).await.map_err(|_| Stop)
    ///     })
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_step<F, Fut>(mut self, keep: F) -> Self
    where
        F: Fn(Step) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Stop>> + Send + 'static,
    {
        self.start_mut().hook = Some(Arc::new(move |step| Box::pin(keep(step))));
        self
    }

    /// Speaks to it while it runs.
    pub fn handle(&self) -> SettleHandle {
        let token = self.start.as_ref().and_then(|start| start.token.as_ref().ok());
        let charge = token.and_then(SettleToken::charge).cloned();
        SettleHandle { signal: Arc::clone(&self.signal), charge }
    }

    /// The token with which it would begin, with the options that were set: to be
    /// [stepped](SettleToken::step) by a worker instead of awaited.
    ///
    /// # Errors
    /// [`Error::Build`] if it cannot begin: there is no app to create a charge in.
    pub fn token(&self) -> Result<SettleToken, Error> {
        let start = self.start.as_ref().expect("a settlement is configured before its first poll");
        start.token.clone().map_err(Error::Build)
    }

    fn with_machine(mut self, change: impl FnOnce(&mut Machine)) -> Self {
        let start = self.start_mut();
        start.token = start.token.clone().and_then(SettleToken::into_state).map(|mut state| {
            change(&mut state.machine);
            SettleToken::from_state(state)
        });
        self
    }

    fn start_mut(&mut self) -> &mut Start {
        self.start.as_mut().expect("a settlement is configured before its first poll")
    }
}

impl Future for Settlement {
    type Output = Result<Settled, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(start) = self.start.take() {
            let span = tracing::info_span!(
                target: "pingpp::settle",
                "pingpp.settle",
                pingpp.settled = field::Empty
            );
            self.running = Some(Box::pin(run(*start, Arc::clone(&self.signal)).instrument(span)));
        }
        let running = self.running.as_mut().expect("a settlement is not polled after its end");
        let result = ready!(running.as_mut().poll(cx));
        self.running = None;
        Poll::Ready(result)
    }
}

impl fmt::Debug for Settlement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settlement").finish_non_exhaustive()
    }
}

async fn run(start: Start, signal: Arc<Signal>) -> Result<Settled, Error> {
    let Start { client, token, mut order, hook, is_resumed } = start;
    let state = token.and_then(SettleToken::into_state).map_err(Error::Build)?;
    if is_resumed && hook.is_none() {
        tracing::warn!(
            target: "pingpp::settle",
            { pingpp.charge = state.charge.as_ref().map(Id::as_str) },
            "a settlement was resumed without on_step: its progress will be lost with the process"
        );
    }
    let mut settling = Settling { client, state, hook, signal, last: None };
    // The owner keeps the token at the beginning and after each effect.
    let (mut keep, mut is_first) = (true, order.is_some());
    while settling.state.machine.ending.is_none() {
        if settling.signal.cancelled.swap(false, Ordering::SeqCst) {
            settling.state.machine.cancelled = true;
        }
        let intent = settling.state.intent();
        if keep || intent.is_some() {
            // What is awaited rarely is boxed, so that a settlement that waits is small.
            if let Some(stopped) = Box::pin(settling.keep(intent)).await {
                return Ok(told(stopped));
            }
        }
        keep = intent.is_some();
        let Settling { client, state, last, .. } = &mut settling;
        let wait = Box::pin(advance(client, state, order.take(), is_first, last)).await?;
        is_first = intent.is_none() && settling.state.intent().is_some();
        if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
            settling.wait(wait).await;
        }
    }
    Ok(told(Box::pin(settling.end()).await))
}

/// Tells the span how it ended.
fn told(settled: Settled) -> Settled {
    Span::current().record("pingpp.settled", settled.name());
    settled
}

struct Settling {
    client: Client,
    state: Box<State>,
    hook: Option<Hook>,
    signal: Arc<Signal>,
    last: Option<Box<Charge>>,
}

impl Settling {
    /// Hands over the token; the ending if the owner stopped it.
    async fn keep(&mut self, intent: Option<Phase>) -> Option<Settled> {
        let kind = match intent {
            Some(Phase::Create) => StepKind::Create,
            Some(_) => StepKind::Reverse,
            None => StepKind::Look,
        };
        self.call_hook(kind).await
    }

    async fn call_hook(&mut self, kind: StepKind) -> Option<Settled> {
        let hook = self.hook.as_ref()?;
        let token = SettleToken::of((*self.state).clone());
        let kept = hook(Step { token, kind, charge: self.last.clone() }).await;
        // Rule 12.
        let is_stopped = kept.is_err() && Rule::OnlyTheOwnerSends.holds();
        is_stopped.then(|| self.state.unresolved(self.last.take(), Obstacle::Stopped))
    }

    /// Rule 4: the ending is kept before it is announced.
    async fn end(&mut self) -> Settled {
        let settled = self.state.settled(self.last.clone());
        match self.call_hook(StepKind::Ended(settled.clone())).await {
            Some(stopped) => stopped,
            None => settled,
        }
    }

    async fn wait(&self, wait: Duration) {
        let every = Duration::from_millis(self.state.machine.every());
        let is_interval = wait >= every && self.state.machine.gave_up.is_none();
        let vary = if is_interval { 0.9 + 0.2 * fastrand::f64() } else { 1.0 };
        // A wait that ended early looks early.
        let _ = timeout(wait.mul_f64(vary), self.signal.wake.notified()).await;
    }
}
