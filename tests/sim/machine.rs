//! A machine of the merchant: a client, a clock that may be wrong, and crashes.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use pingpp::simulation::{Simulated, Stream};
use pingpp::{Client, RetryPolicy};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::books::APP;
use crate::faults::Fault;
use crate::keys;
use crate::server;
use crate::world::World;

#[derive(Clone)]
pub(crate) struct Machine(Arc<Inner>);

struct Inner {
    world: World,
    number: usize,
    /// By how many milliseconds its clock is ahead.
    ahead: Arc<AtomicI64>,
    client: Mutex<Client>,
    /// Wakes in the order of arrival.
    crashes: Notify,
    settings: Settings,
}

#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) timeout: Duration,
    pub(crate) max_in_flight: usize,
    max_sends: u32,
}

impl Settings {
    pub(crate) fn draw(world: &World) -> Self {
        Self {
            timeout: Duration::from_secs(world.pick(&[80, 80, 30, 8])),
            max_in_flight: world.pick(&[1, 2, 4, 256]),
            max_sends: world.pick(&[4, 4, 4, 1, 7]),
        }
    }
}

impl Machine {
    pub(crate) fn new(world: &World, number: usize, settings: Settings) -> Self {
        let ahead = Arc::new(AtomicI64::new(0));
        let client = Mutex::new(client(world, &ahead, settings));
        let crashes = Notify::new();
        let machine = Self(Arc::new(Inner {
            world: world.clone(),
            number,
            ahead,
            client,
            crashes,
            settings,
        }));
        if world.strikes(Fault::ClockWrong, 60) {
            machine.set_clock(
                world.pick(&[-3_600_000, -600_000, -90_000, 90_000, 600_000, 3_600_000]),
            );
        }
        machine
    }

    pub(crate) fn number(&self) -> usize {
        self.0.number
    }

    pub(crate) fn client(&self) -> Client {
        self.0.client.lock().unwrap().clone()
    }

    pub(crate) fn settings(&self) -> Settings {
        self.0.settings
    }

    pub(crate) fn clock_is_wrong(&self) -> bool {
        self.0.ahead.load(Relaxed) != 0
    }

    fn set_clock(&self, ahead: i64) {
        self.0.world.event(format_args!("a clock is ahead by {ahead} ms"));
        self.0.ahead.store(ahead, Relaxed);
        self.0.world.state().had_wrong_clock |= ahead != 0;
        // Nobody has read the old clock yet, or it is stepped under those who have.
        if self.0.world.elapsed().is_zero() {
            *self.0.client.lock().unwrap() = client(&self.0.world, &self.0.ahead, self.0.settings);
        }
    }

    /// Runs work until it ends, or the process ends with it: when the machine crashes, or after so
    /// many polls, which may be at any await.
    pub(crate) async fn run<T>(
        &self,
        polls: Option<u64>,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let mut left = polls;
        let mut crash = pin!(self.0.crashes.notified());
        let mut work = Box::pin(work);
        let ended = poll_fn(|cx| {
            if crash.as_mut().poll(cx).is_ready() || left == Some(0) {
                return Poll::Ready(None);
            }
            left = left.map(|left| left - 1);
            work.as_mut().poll(cx).map(Some)
        })
        .await;
        if left == Some(0) && ended.is_none() {
            self.0.world.struck(Fault::Crash);
        }
        ended
    }

    /// After how many polls a process ends, if it is to end early.
    pub(crate) fn draw_end(&self) -> Option<u64> {
        let world = &self.0.world;
        let is_enabled = !world.is_healed() && world.plan().enables(Fault::Crash);
        (is_enabled && world.chance(35)).then(|| match world.below(3) {
            0 => world.below(10),
            1 => world.below(40),
            _ => world.below(200),
        })
    }

    /// Crashes from time to time, and sets its clock.
    pub(crate) async fn suffer(self) {
        let world = self.0.world.clone();
        while !world.is_healed() {
            sleep(Duration::from_secs(1 + world.below(300))).await;
            if world.strikes(Fault::MachineCrash, 15) {
                let new = client(&world, &self.0.ahead, self.0.settings);
                *self.0.client.lock().unwrap() = new;
                self.0.crashes.notify_waiters();
            }
            let is_set = if world.is_healed() {
                world.chance(50)
            } else {
                self.clock_is_wrong() && world.strikes(Fault::ClockStepped, 10)
            };
            if is_set {
                self.set_clock(0);
            }
        }
    }
}

fn client(world: &World, ahead: &Arc<AtomicI64>, settings: Settings) -> Client {
    let (connects, looks_up, clock) = (world.clone(), world.clone(), world.clone());
    let ahead = Arc::clone(ahead);
    let system = Simulated {
        connect: Arc::new(move |address| {
            let world = connects.clone();
            Box::pin(async move {
                Ok(Box::new(server::connect(world, address).await?) as Box<dyn Stream>)
            })
        }),
        look_up: Arc::new(move |_| Box::pin(server::look_up(looks_up.clone()))),
        now: Arc::new(move || clock.clock(ahead.load(Relaxed))),
        sign: (!world.plan().rsa).then_some(keys::cheap as fn(&[u8]) -> String),
    };
    let builder = Client::builder(keys::API_KEY)
        .signing_key(keys::merchant())
        .app(APP)
        .base_url("http://localhost")
        .no_proxy()
        .timeout(settings.timeout)
        .max_in_flight(settings.max_in_flight)
        .retry(RetryPolicy::max_sends(settings.max_sends))
        .correct_clock_skew(world.plan().checks_clock)
        .simulated(system);
    let builder = if world.plan().rsa { builder.verify_responses(keys::pingxx()) } else { builder };
    builder.build().unwrap()
}
