//! One simulated world: its time, its chance, its books, what went wrong in it and what was checked.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fastrand::Rng;
use pingpp::SettleHandle;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::books::{Books, Millis};
use crate::claims::Claims;
use crate::faults::Fault;
use crate::judge::Settlement;

/// 2026-11-23 00:00:00 UTC+8.
const EPOCH: Millis = 1_795_363_200_000;

#[derive(Clone)]
pub(crate) struct World(Arc<Shared>);

struct Shared {
    started: Instant,
    /// The true time at the start.
    epoch: Millis,
    pub(crate) plan: Plan,
    state: Mutex<State>,
}

/// What was drawn for the whole of a seed.
pub(crate) struct Plan {
    /// How many of a hundred requests a fault strikes.
    intensity: u32,
    /// Which faults there are at all.
    enabled: Vec<bool>,
    /// The longest time of a request on the road, in milliseconds.
    pub(crate) latency: u64,
    /// How many requests the account's plan admits at a time.
    pub(crate) admits: usize,
    /// Requests are refused if their timestamp is off by five minutes, and the clients correct it.
    pub(crate) checks_clock: bool,
    /// Real signatures in both directions.
    pub(crate) rsa: bool,
    /// How many bytes a connection takes before the server reads.
    pub(crate) room: usize,
    /// Requests may be carried out later than the SDK allows for.
    pub(crate) too_late: bool,
}

pub(crate) struct State {
    pub(crate) rng: Rng,
    pub(crate) books: Books,
    healed: Option<Instant>,
    trace: u64,
    lines: Option<Vec<String>>,
    pub(crate) report: Report,
    pub(crate) failures: Vec<String>,
    /// Whole requests that arrived, by what they are about: how many, and when the first one did.
    pub(crate) arrived: HashMap<String, (u32, Millis)>,
    /// When the merchant was told last that a charge is paid.
    pub(crate) shown_paid: HashMap<String, Millis>,
    /// Since when the merchant has kept that a charge was paid in time.
    pub(crate) kept_paid: HashMap<String, Millis>,
    /// Charges that were reversed all the same.
    pub(crate) gave_back: HashSet<String>,
    /// Orders of which a request arrived later than the SDK allows for.
    pub(crate) too_late: HashSet<String>,
    /// A machine had a wrong clock, so that the crate cannot know when a payment was late.
    pub(crate) had_wrong_clock: bool,
    /// How long each answer takes beside its time on the road.
    pub(crate) answers_after: Duration,
    pub(crate) under_way: usize,
    pub(crate) most_under_way: usize,
    /// What calls have said about themselves, to be proven at the end.
    pub(crate) claims: Claims,
    pub(crate) settlements: Vec<Settlement>,
    /// The settlements that run, by order.
    pub(crate) handles: HashMap<String, SettleHandle>,
    /// What the server and the customers do.
    pub(crate) tasks: JoinSet<()>,
}

/// What a seed adds up to.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) faults: Vec<u64>,
    pub(crate) checks: BTreeMap<&'static str, u64>,
    pub(crate) exceptions: BTreeMap<&'static str, u64>,
    pub(crate) endings: BTreeMap<&'static str, u64>,
    pub(crate) calls: u64,
    pub(crate) requests: u64,
    /// Until the last job was done.
    pub(crate) simulated: Duration,
}

impl World {
    pub(crate) fn new(seed: u64, is_logged: bool) -> Self {
        let mut rng = Rng::with_seed(seed);
        let plan = Plan::draw(&mut rng);
        let epoch = EPOCH + rng.u64(0..7 * 24 * 3_600_000);
        let state = State {
            rng,
            books: Books::default(),
            healed: None,
            trace: 0xcbf2_9ce4_8422_2325,
            lines: is_logged.then(Vec::new),
            report: Report { faults: vec![0; Fault::ALL.len()], ..Report::default() },
            failures: Vec::new(),
            arrived: HashMap::new(),
            shown_paid: HashMap::new(),
            kept_paid: HashMap::new(),
            gave_back: HashSet::new(),
            too_late: HashSet::new(),
            had_wrong_clock: false,
            answers_after: Duration::ZERO,
            under_way: 0,
            most_under_way: 0,
            claims: Claims::default(),
            settlements: Vec::new(),
            handles: HashMap::new(),
            tasks: JoinSet::new(),
        };
        let started = Instant::now();
        Self(Arc::new(Shared { started, epoch, plan, state: Mutex::new(state) }))
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.0.plan
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    /// Reads the books.
    pub(crate) fn books<T>(&self, read: impl FnOnce(&Books) -> T) -> T {
        read(&self.state().books)
    }

    /// The true time.
    pub(crate) fn now(&self) -> Millis {
        self.0.epoch + self.0.started.elapsed().as_millis() as u64
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.started.elapsed()
    }

    /// What a clock shows that is ahead by so many milliseconds.
    pub(crate) fn clock(&self, ahead: i64) -> SystemTime {
        let exact = Duration::from_millis(self.0.epoch) + self.0.started.elapsed();
        let ahead_by = Duration::from_millis(ahead.unsigned_abs());
        UNIX_EPOCH + if ahead < 0 { exact - ahead_by } else { exact + ahead_by }
    }

    /// Writes an event into the trace.
    pub(crate) fn event(&self, what: fmt::Arguments<'_>) {
        let at = self.elapsed();
        let line = format!("{:>10}.{:03} {what}", at.as_secs(), at.subsec_millis());
        let mut state = self.state();
        // FNV-1a: the same on every platform and in every version.
        for byte in line.bytes() {
            state.trace = (state.trace ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
        if let Some(lines) = &mut state.lines {
            lines.push(line);
        }
    }

    pub(crate) fn below(&self, n: u64) -> u64 {
        self.state().rng.u64(0..n.max(1))
    }

    pub(crate) fn chance(&self, percent: u32) -> bool {
        self.state().rng.u32(0..100) < percent
    }

    pub(crate) fn pick<T: Copy>(&self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    /// How long a request or an answer is on the road.
    pub(crate) fn latency(&self) -> Duration {
        let longest = if self.is_healed() { 20 } else { self.plan().latency };
        Duration::from_millis(1 + self.below(longest))
    }

    /// Draws one of these faults, if one is to strike at this moment, by so many percent of the plan's
    /// intensity.
    pub(crate) fn draw(&self, share: u32, of: impl Iterator<Item = Fault>) -> Option<Fault> {
        let mut state = self.state();
        if state.healed.is_some() || state.rng.u32(0..10_000) >= self.plan().intensity * share {
            return None;
        }
        let enabled: Vec<_> = of.filter(|fault| self.plan().enabled[*fault as usize]).collect();
        if enabled.is_empty() { None } else { Some(enabled[state.rng.usize(0..enabled.len())]) }
    }

    /// Whether this fault strikes at this moment, with so many percent where it is enabled.
    pub(crate) fn strikes(&self, fault: Fault, percent: u32) -> bool {
        let strikes = {
            let mut state = self.state();
            let is_enabled = state.healed.is_none() && self.plan().enabled[fault as usize];
            is_enabled && state.rng.u32(0..100) < percent
        };
        if strikes {
            self.struck(fault);
        }
        strikes
    }

    pub(crate) fn struck(&self, fault: Fault) {
        self.state().report.faults[fault as usize] += 1;
        self.event(format_args!("  fault: {}", fault.name()));
    }

    /// From now on nothing goes wrong any more.
    pub(crate) fn heal(&self) {
        self.event(format_args!("healed"));
        self.state().healed.get_or_insert_with(Instant::now);
    }

    pub(crate) fn is_healed(&self) -> bool {
        self.state().healed.is_some()
    }

    /// How long nothing has gone wrong any more, at the most since a moment.
    pub(crate) fn healed_since(&self, moment: Instant) -> Duration {
        self.state().healed.map_or(Duration::ZERO, |healed| healed.max(moment).elapsed())
    }

    /// Checks an invariant.
    pub(crate) fn check(&self, name: &'static str, holds: bool, what: impl FnOnce() -> String) {
        *self.state().report.checks.entry(name).or_default() += 1;
        if !holds {
            let text = format!("{name}: {}", what());
            self.event(format_args!("BROKEN {text}"));
            self.state().failures.push(text);
        }
    }

    /// Counts what is documented to be possible.
    pub(crate) fn exception(&self, name: &'static str) {
        *self.state().report.exceptions.entry(name).or_default() += 1;
    }

    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut state = self.state();
        while let Some(ended) = state.tasks.try_join_next() {
            ended.expect("a part of the world failed");
        }
        state.tasks.spawn(task);
    }

    pub(crate) fn trace(&self) -> u64 {
        self.state().trace
    }

    pub(crate) fn take_lines(&self) -> Vec<String> {
        self.state().lines.take().unwrap_or_default()
    }
}

impl Plan {
    pub(crate) fn enables(&self, fault: Fault) -> bool {
        self.enabled[fault as usize]
    }

    fn draw(rng: &mut Rng) -> Self {
        let pick = |rng: &mut Rng, of: &[u64]| of[rng.usize(0..of.len())];
        let intensity = pick(rng, &[0, 5, 15, 30, 60]) as u32;
        // Half of the faults, so that each seed has a character of its own; sometimes a few or all.
        let share = pick(rng, &[10, 50, 50, 100]) as u32;
        let enabled = Fault::ALL.iter().map(|_| rng.u32(0..100) < share).collect();
        Self {
            intensity,
            enabled,
            latency: pick(rng, &[5, 60, 800, 3_000]),
            admits: pick(rng, &[1, 2, 1_000, 1_000, 1_000]) as usize,
            checks_clock: rng.u32(0..100) < 20,
            rsa: rng.u32(0..100) < 2,
            room: pick(rng, &[100, 1_000, 1 << 20, 1 << 20]) as usize,
            too_late: rng.u32(0..100) < 5,
        }
    }
}
