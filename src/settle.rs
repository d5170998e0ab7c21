//! Settling a charge: ask whether it was paid, and close it if not, until there is one truth.
//!
//! ```no_run
//! # async fn f(client: pingpp::Client, order: pingpp::CreateCharge) -> Result<(), Box<dyn std::error::Error>> {
//! use pingpp::Settled;
//!
//! match client.charges().create_and_settle(order).await? {
//!     Settled::Paid(charge) => println!("hand over the goods of {}", charge.order_no),
//!     Settled::Closed(_) | Settled::Failed(_) => println!("not paid, and never will be"),
//!     Settled::Refunded(_) => println!("the money went back: keep the goods"),
//!     Settled::NeedsRefund(charge) => println!("paid too late: refund {}", charge.id),
//!     Settled::Unresolved(left) => println!("keep this and resume: {:?}", left.token),
//!     _ => unreachable!(),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What it does
//! It asks every 5 s. After a minute, or when the [customer walks away](SettleHandle::cancel), it
//! looks once more and then reverses, looks what came of it, and reverses again at growing intervals
//! until a look shows the end. Only [`Settled::Paid`] releases goods: once a reverse was sent, it
//! takes a look that is later than a definite refusal of every reverse. A look that fails is never
//! taken for "not paid". Money is never refunded automatically; on the payer-code channels a reverse
//! gives a payment back. Reverses that cannot work are not sent: see [`Channel::is_reversible`],
//! [`Channel::reverse_window`] and [`Channel::reversible_from`].
//! (Rules: Ping++ documentation of scan payments and of `reverse`, 2026.)
//!
//! This machine's clock must be right to a few minutes: it is held against the times of the charge.
//!
//! # What survives the process
//! With [`Settlement::on_transition`] a [`SettleToken`] is handed over before anything is sent that
//! has an effect, and at every step. Kept on disk, it goes on elsewhere with
//! [`ChargeApi::resume`]. It holds ids and times, no secrets.
//!
//! [`Channel::is_reversible`]: crate::Channel::is_reversible
//! [`Channel::reverse_window`]: crate::Channel::reverse_window
//! [`Channel::reversible_from`]: crate::Channel::reversible_from

mod core;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

pub use self::core::Obstacle;
use self::core::{Action, Core, Ending, Input, Millis, View};
use crate::error::BuildError;
use crate::recovery::{self, Recovered, Recovery};
use crate::resources::charge::no_app;
use crate::{
    App, Charge, ChargeApi, Client, CreateCharge, Error, Event, EventObject, Id, Outcome,
    RetryPolicy, Timestamp,
};

/// The version of the token that this crate writes.
const VERSION: u8 = 1;

type Hook = Arc<dyn Fn(SettleToken) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

type Running = Pin<Box<dyn Future<Output = Result<Settled, Error>> + Send>>;

/// How a charge ended, with the charge as it was last seen.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Settled {
    /// It is paid and stays so. This alone releases goods.
    Paid(Box<Charge>),
    /// It was reversed, unpaid.
    Closed(Box<Charge>),
    /// It was paid, and the money went back.
    Refunded(Box<Charge>),
    /// It was paid too late, and must be refunded: by you, see [`RefundApi`](crate::RefundApi).
    NeedsRefund(Box<Charge>),
    /// It failed or expired unpaid, and could not be reversed.
    Failed(Box<Charge>),
    /// The time was over before it came to an end.
    Unresolved(Unresolved),
}

impl Settled {
    /// The charge as it was last seen, if it was.
    pub fn charge(&self) -> Option<&Charge> {
        match self {
            Self::Paid(charge)
            | Self::Closed(charge)
            | Self::Refunded(charge)
            | Self::NeedsRefund(charge)
            | Self::Failed(charge) => Some(charge),
            Self::Unresolved(left) => left.charge.as_deref(),
        }
    }
}

/// What is left of a settlement that found no end in its time.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Unresolved {
    /// With this it goes on: [`ChargeApi::resume`].
    pub token: SettleToken,
    /// The charge as it was last seen.
    pub charge: Option<Box<Charge>>,
    /// What is in the way.
    pub obstacle: Obstacle,
}

/// Where a settlement stands, to be kept and resumed. It serialises; no secrets are in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SettleToken {
    version: u8,
    subject: Subject,
    core: Core,
}

impl SettleToken {
    /// The charge, once it is known: a create whose answer was lost has none yet.
    pub fn charge(&self) -> Option<&Id<Charge>> {
        match &self.subject {
            Subject::Charge(id) => Some(id),
            Subject::Order { .. } => None,
        }
    }

    /// Whether a reverse may have been sent.
    pub fn may_have_reversed(&self) -> bool {
        self.core.may_have_reversed()
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Subject {
    Charge(Id<Charge>),
    /// It may have been created, or be about to.
    Order {
        app: Id<App>,
        order_no: String,
        since: Timestamp,
    },
}

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
        let is_about = |charge: &Charge| self.charge.as_ref().is_none_or(|id| *id == charge.id);
        if matches!(&event.data.object, EventObject::Charge(charge) if is_about(charge)) {
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
    pub fn create_and_settle(&self, params: CreateCharge) -> Settlement {
        let client = self.client().clone();
        let app = params.app.clone().or_else(|| client.shared().app.clone());
        let token = app.ok_or_else(no_app).map(|app| {
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

impl SettleToken {
    fn new(subject: Subject) -> Self {
        Self { version: VERSION, subject, core: Core::new(Clock::start().now()) }
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
        self.with_core(|core| core.every = millis(interval))
    }

    /// How long to wait for the payment before it is closed; 60 s if not set.
    pub fn give_up_after(self, time: Duration) -> Self {
        self.with_core(|core| core.give_up_after = millis(time))
    }

    /// How long to try to close it before it is [`Unresolved`]; 10 minutes if not set.
    pub fn resolve_within(self, time: Duration) -> Self {
        self.with_core(|core| core.resolve_within = millis(time))
    }

    /// Whether a payment that is seen after it gave up is good (it is if not set). If not, it is
    /// given back where a reverse can do that, and otherwise [`Settled::NeedsRefund`].
    pub fn accept_late_payment(self, accept: bool) -> Self {
        self.with_core(|core| core.accept_late_payment = accept)
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

    fn with_core(mut self, change: impl FnOnce(&mut Core)) -> Self {
        if let Ok(token) = &mut self.start_mut().token {
            change(&mut token.core);
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

/// Tokio's clock, in the world's time: tokens outlive the process.
struct Clock {
    base: Millis,
    start: Instant,
}

impl Clock {
    fn start() -> Self {
        let base = millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
        Self { base, start: Instant::now() }
    }

    fn now(&self) -> Millis {
        self.base.saturating_add(millis(self.start.elapsed()))
    }
}

fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX)
}

/// The shell around the core: does what it says, and tells it what came of it.
async fn run(start: Start, signal: Arc<Signal>) -> Result<Settled, Error> {
    let Start { client, token, order, hook } = start;
    let token = token.map_err(Error::Build)?;
    let mut settling = Settling { client, token, hook, signal, clock: Clock::start(), last: None };
    // What is awaited but once is boxed, so that a settlement that waits is small.
    let mut is_fresh = match Box::pin(settling.identify(order)).await? {
        Some(unresolved) => return Ok(unresolved),
        None => settling.last.is_some(),
    };
    let mut action = settling.tell(Input::Start).await;
    loop {
        let input = match action {
            Action::End(ending) => return Ok(settling.settled(ending)),
            Action::WaitUntil(time) => settling.wait(time).await,
            Action::Look if std::mem::take(&mut is_fresh) => settling.seen(),
            Action::Look => Box::pin(settling.look()).await?,
            Action::Reverse => Box::pin(settling.reverse()).await,
        };
        action = settling.tell(input).await;
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
    /// Tells the core what happened, and hands over the token if that changed it.
    async fn tell(&mut self, input: Input) -> Action {
        let before = self.token.core.clone();
        let view = self.last.as_deref().map(View::of);
        let action = self.token.core.next(self.clock.now(), input, view.as_ref());
        tracing::debug!(?input, ?action, "settling");
        if self.token.core != before || input == Input::Start {
            self.offer().await;
        }
        action
    }

    async fn offer(&self) {
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
            self.offer().await;
            match Box::pin(self.client.charges().create(*order)).await {
                Ok(charge) => {
                    self.found(Box::new(charge));
                    return Ok(None);
                }
                Err(error) if error.outcome() == Outcome::Unknown => {}
                Err(error) => return Err(error),
            }
        }
        let core = &self.token.core;
        let end = core.started.saturating_add(core.give_up_after + core.resolve_within);
        loop {
            let search =
                Recovery::FindCharge { app: app.clone(), order_no: order_no.clone(), since };
            match Box::pin(recovery::recover(self.client.clone(), Some(search))).await {
                Ok(Recovered::Charge(charge)) => {
                    self.found(charge);
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
            let input = self.wait(now.saturating_add(self.token.core.every)).await;
            if input == Input::Cancel {
                self.token.core.give_up_after = 0;
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
        self.last.as_deref().map_or(Input::Blind { slow_down: false }, |c| Input::Seen(View::of(c)))
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

#[cfg(test)]
mod tests;
