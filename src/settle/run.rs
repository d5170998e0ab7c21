//! The future of a settlement: it carries out the actions of the machine.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;
use tokio::time::timeout;

use super::ending::{Settled, Unresolved};
use super::machine::{Action, ChargeView, Ending, Input, Machine, Millis, Obstacle};
use super::token::{Clock, SettleToken, Subject, VERSION, millis};
use crate::client::Client;
use crate::error::{BuildError, Error, Outcome};
use crate::macros::from_json::ApiObject;
use crate::recovery::{Recovered, Recovery, Search, look_up};
use crate::request::no_app;
use crate::resources::charges::{self, Charge, ChargeApi, CreateCharge};
use crate::resources::events::Event;
use crate::retry::RetryPolicy;
use crate::types::Id;

type Hook = Arc<dyn Fn(SettleToken) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

type Running = Pin<Box<dyn Future<Output = Result<Settled, Error>> + Send>>;

/// A charge that is being settled: a future that can be configured before its first poll.
///
/// **Dropping:** it stops where it is, and a reverse may have been sent: keep the token of
/// [`on_transition`](Self::on_transition), or settle again.
///
/// # Errors
/// Only before anything was reversed: if there is no such charge, the key is wrong, or a create was
/// refused. Everything else is tried again until the time is over.
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
    /// The customer walked away: look once more, then close the charge.
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
        let client = self.client().clone();
        Settlement::new(client, Ok(SettleToken::new(Subject::Charge(id.into()))), None)
    }

    /// Creates a charge and settles it. If the answer to the create is lost, it is looked for by its
    /// order_no; it is never created a second time with other fields, since a scan code is good for
    /// one charge.
    pub fn create_and_settle(&self, params: impl Into<CreateCharge>) -> Settlement {
        let (client, params) = (self.client().clone(), params.into());
        let token = client.app().cloned().ok_or_else(no_app).map(|app| {
            let (order_no, since) = (params.order_no.clone(), SystemTime::now().into());
            SettleToken::new(Subject::Order { app, order_no, since })
        });
        Settlement::new(client, token, Some(Box::new(params)))
    }

    /// Goes on with a settlement of another process, or one that was dropped.
    pub fn resume(&self, token: SettleToken) -> Settlement {
        let token = if token.version == VERSION {
            Ok(token)
        } else {
            let version = token.version;
            Err(BuildError::new(format!("a settlement token of version {version} is unknown here")))
        };
        Settlement::new(self.client().clone(), token, None)
    }
}

impl Settlement {
    fn new(
        client: Client,
        token: Result<SettleToken, BuildError>,
        order: Option<Box<CreateCharge>>,
    ) -> Self {
        let start = Start { client, token, order, hook: None };
        Self { start: Some(Box::new(start)), signal: Arc::default(), running: None }
    }

    /// How often to ask; 5 s if not set. The intervals vary by a tenth, so that many settlements do
    /// not ask all at once.
    pub fn every(self, interval: Duration) -> Self {
        self.with_machine(|machine| machine.every = millis(interval))
    }

    /// How long to wait for the payment before it is closed; 60 s if not set.
    pub fn give_up_after(self, time: Duration) -> Self {
        self.with_machine(|machine| machine.give_up_after = millis(time))
    }

    /// How long to try to close it before it is [`Unresolved`]; 10 minutes if not set.
    pub fn resolve_within(self, time: Duration) -> Self {
        self.with_machine(|machine| machine.resolve_within = millis(time))
    }

    /// Whether a payment that is seen after it gave up is good (it is if not set). If not, it is
    /// given back where a reverse can do that, and otherwise [`Settled::NeedsRefund`].
    pub fn accept_late_payment(self, accept: bool) -> Self {
        self.with_machine(|machine| machine.accept_late_payment = accept)
    }

    /// Hands over the token before anything is sent that has an effect, and whenever it changes. The
    /// settlement waits until it is kept.
    pub fn on_transition<F, Fut>(mut self, keep: F) -> Self
    where
        F: Fn(SettleToken) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.start_mut().hook = Some(Arc::new(move |token| Box::pin(keep(token))));
        self
    }

    /// Speaks to it while it runs.
    pub fn handle(&self) -> SettleHandle {
        let token = self.start.as_ref().and_then(|start| start.token.as_ref().ok());
        let charge = token.and_then(SettleToken::charge).cloned();
        SettleHandle { signal: Arc::clone(&self.signal), charge }
    }

    fn with_machine(mut self, change: impl FnOnce(&mut Machine)) -> Self {
        if let Ok(token) = &mut self.start_mut().token {
            change(&mut token.machine);
        }
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
            self.running = Some(Box::pin(run(*start, Arc::clone(&self.signal))));
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

/// Carries out the actions of the machine and feeds it their results.
async fn run(start: Start, signal: Arc<Signal>) -> Result<Settled, Error> {
    let Start { client, token, order, hook } = start;
    let token = token.map_err(Error::Build)?;
    let mut settling = Settling { client, token, hook, signal, clock: Clock::start(), last: None };
    // What is awaited but once is boxed, so that a settlement that waits is small.
    let mut is_fresh = match Box::pin(settling.identify(order)).await? {
        Some(unresolved) => return Ok(unresolved),
        None => settling.last.is_some(),
    };
    let mut action = settling.feed(Input::Start).await;
    loop {
        let input = match action {
            Action::End(ending) => return Ok(settling.settled(ending)),
            Action::WaitUntil(time) => settling.wait(time).await,
            Action::Look if std::mem::take(&mut is_fresh) => settling.seen(),
            Action::Look => Box::pin(settling.look()).await?,
            Action::Reverse => Box::pin(settling.reverse()).await,
        };
        action = settling.feed(input).await;
    }
}

struct Settling {
    client: Client,
    token: SettleToken,
    hook: Option<Hook>,
    signal: Arc<Signal>,
    clock: Clock,
    last: Option<Box<Charge>>,
}

impl Settling {
    /// Feeds the machine an input, and hands over the token if that changed it.
    async fn feed(&mut self, input: Input) -> Action {
        let before = self.token.machine.clone();
        let view = self.last.as_deref().map(ChargeView::of);
        let action = self.token.machine.next(self.clock.now(), input, view.as_ref());
        tracing::debug!(?input, ?action, "settling");
        if self.token.machine != before || input == Input::Start {
            self.persist().await;
        }
        action
    }

    async fn persist(&self) {
        if let Some(keep) = &self.hook {
            keep(self.token.clone()).await;
        }
    }

    /// Finds out which charge it is, creating it first if need be.
    async fn identify(
        &mut self,
        order: Option<Box<CreateCharge>>,
    ) -> Result<Option<Settled>, Error> {
        let Subject::Order { app, order_no, since } = self.token.subject.clone() else {
            return Ok(None);
        };
        if let Some(order) = order {
            self.persist().await;
            match Box::pin(self.client.charges().create(*order)).await {
                Ok(charge) => {
                    self.found(Box::new(charge));
                    return Ok(None);
                }
                Err(error) if error.outcome() == Outcome::Unknown => {}
                Err(error) => return Err(error),
            }
        }
        let machine = &self.token.machine;
        let end = machine.started.saturating_add(machine.give_up_after + machine.resolve_within);
        loop {
            let search = charges::search(Some(&app), &order_no);
            let search = Recovery::Find(Search { since: Some(since), ..search });
            match Box::pin(look_up(self.client.clone(), Some(search))).await {
                Ok(Recovered::Found(charge)) => {
                    self.found(Box::new(charge));
                    return Ok(None);
                }
                Ok(_) => {}
                Err(error) if is_final(&error) => return Err(error),
                Err(_) => {}
            }
            let now = self.clock.now();
            if now >= end {
                return Ok(Some(self.settled(Ending::Unresolved(Obstacle::InDoubt))));
            }
            // Being cancelled or notified changes nothing as long as there is nothing to close; but
            // it must not be forgotten.
            let input = self.wait(now.saturating_add(self.token.machine.every)).await;
            if input == Input::Cancel {
                self.token.machine.give_up_after = 0;
            }
        }
    }

    fn found(&mut self, charge: Box<Charge>) {
        self.token.subject = Subject::Charge(charge.id.clone());
        self.last = Some(charge);
    }

    async fn wait(&self, until: Millis) -> Input {
        let wait = Duration::from_millis(until.saturating_sub(self.clock.now()));
        let wait = wait.mul_f64(0.9 + 0.2 * fastrand::f64());
        match timeout(wait, self.signal.wake.notified()).await {
            Err(_) => Input::Time,
            Ok(()) if self.signal.cancelled.swap(false, Ordering::SeqCst) => Input::Cancel,
            Ok(()) => Input::News,
        }
    }

    fn seen(&self) -> Input {
        self.last
            .as_deref()
            .map_or(Input::Blind { slow_down: false }, |c| Input::Seen(ChargeView::of(c)))
    }

    async fn look(&mut self) -> Result<Input, Error> {
        let Subject::Charge(id) = &self.token.subject else {
            return Ok(Input::Blind { slow_down: false });
        };
        // Without retries: the next look is one, and user calls may need the budget.
        let look = self.client.charges().retrieve(id).retry(RetryPolicy::none());
        match look.await {
            Ok(charge) => {
                self.last = Some(Box::new(charge));
                Ok(self.seen())
            }
            Err(error) if is_final(&error) && !self.token.may_have_reversed() => Err(error),
            Err(error) => {
                let slow_down = error.api().is_some_and(|api| api.is_rate_limit());
                Ok(Input::Blind { slow_down })
            }
        }
    }

    async fn reverse(&self) -> Input {
        let Subject::Charge(id) = &self.token.subject else { return Input::NotSent };
        match self.client.charges().reverse(id).await {
            Ok(_) => Input::Reversed,
            Err(error) => match error.outcome() {
                Outcome::NotSent => Input::NotSent,
                // Too many requests: it did not happen, and may work later.
                Outcome::Rejected if error.is_retryable() => Input::NotSent,
                Outcome::Rejected => Input::Refused,
                Outcome::Unknown => Input::InDoubt,
            },
        }
    }

    fn settled(&mut self, ending: Ending) -> Settled {
        let charge = self.last.take();
        match (ending, charge) {
            (Ending::Paid, Some(charge)) => Settled::Paid(charge),
            (Ending::Closed, Some(charge)) => Settled::Closed(charge),
            (Ending::Refunded, Some(charge)) => Settled::Refunded(charge),
            (Ending::NeedsRefund, Some(charge)) => Settled::NeedsRefund(charge),
            (Ending::Failed, Some(charge)) => Settled::Failed(charge),
            (ending, charge) => {
                let obstacle = match ending {
                    Ending::Unresolved(obstacle) => obstacle,
                    _ => Obstacle::InDoubt,
                };
                Settled::Unresolved(Unresolved { token: self.token.clone(), charge, obstacle })
            }
        }
    }
}

/// Whether asking again can bring nothing else.
fn is_final(error: &Error) -> bool {
    error.outcome() != Outcome::Unknown && !error.is_retryable()
}
