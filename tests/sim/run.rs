//! Runs seeds: one, or many on two threads, and adds up what they show.

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::catch_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use pingpp::ListCharges;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::claims;
use crate::clerks::Clerk;
use crate::faults::Fault;
use crate::judge;
use crate::log;
use crate::machine::{Machine, Settings};
use crate::world::{Report, World};

/// What is checked, each somewhere in 500 seeds.
const INVARIANTS: [&str; 37] = [
    "NotSent is true",
    "NotSent stays true",
    "Ok of a create is true",
    "Ok of a look was true once",
    "Ok of a refund is true",
    "Ok of a reverse is true",
    "Ok of a transfer is true",
    "Rejected is true",
    "Rejected stays true",
    "Unknown has a way out",
    "a call ends in its time",
    "a client works after the faults",
    "a create is repeated within its window",
    "a list is true",
    "a payment seen in time is not given back",
    "a refund with a tag ends in its time",
    "a refund with a tag works after the faults",
    "a settlement does not fail",
    "a settlement ends after the faults",
    "a tag has one refund",
    "a world ends",
    "a write that must not be repeated is sent once",
    "an ending is true",
    "an ending that was kept stays",
    "an outcome is one of three",
    "every permit comes back",
    "every request has the API key",
    "every request is signed",
    "no part of a world panics",
    "no payment is left out",
    "no secret in a log line",
    "no secret in a token",
    "no secret in an error",
    "recover ends in its time",
    "recover works after the faults",
    "what recover finds is true",
    "what was lost is found",
];

/// No world lasts so long.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);

/// How a seed ended.
pub(crate) struct Ended {
    pub(crate) report: Report,
    pub(crate) failures: Vec<String>,
    pub(crate) trace: u64,
    pub(crate) lines: Vec<String>,
}

impl Ended {
    fn panicked() -> Self {
        let failures = vec!["a part of the world panicked".to_owned()];
        Self { report: Report::default(), failures, trace: 0, lines: Vec::new() }
    }
}

/// Runs one seed, on this thread alone.
pub(crate) fn seed(seed: u64, is_logged: bool) -> Ended {
    log::install();
    // The jitter of the crate.
    fastrand::seed(seed);
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let world = runtime.block_on(async {
        let world = World::new(seed, is_logged);
        // A call without an end leaves the clock with nothing else to wait for.
        let ended = timeout(LONGEST, live(&world)).await.is_ok();
        world.check("a world ends", ended, || "something in it waits for ever".into());
        let mut tasks = std::mem::take(&mut world.state().tasks);
        tasks.abort_all();
        while let Some(ended) = tasks.join_next().await {
            let is_sound = !ended.is_err_and(|error| error.is_panic());
            world.check("no part of a world panics", is_sound, || "see above".into());
        }
        world
    });
    drop(runtime);
    let seen = log::take();
    world.check("no secret in a log line", seen.secrets.is_empty(), || {
        format!("{:?}", seen.secrets)
    });
    *world.state().report.checks.get_mut("no secret in a log line").unwrap() = seen.lines;
    let lines = world.take_lines();
    let trace = world.trace();
    let mut state = world.state();
    Ended {
        report: std::mem::take(&mut state.report),
        failures: std::mem::take(&mut state.failures),
        trace,
        lines,
    }
}

/// The life of a world: work while things go wrong, healing, the end of all work, and the proof.
async fn live(world: &World) {
    let settings = Settings::draw(world);
    let machines = [0, 1].map(|number| Machine::new(world, number, settings));
    let mut jobs = JoinSet::new();
    for number in 0..2 + world.below(5) {
        let clerk = Clerk { world: world.clone(), machines: machines.clone(), number };
        match world.below(10) {
            0..4 => jobs.spawn(clerk.settlement()),
            4 => jobs.spawn(clerk.payout()),
            5 => jobs.spawn(clerk.rush()),
            _ => jobs.spawn(clerk.sale()),
        };
    }
    for machine in machines.clone() {
        world.spawn(machine.suffer());
    }
    let heal = world.clone();
    let ill_for = world.pick(&[60, 600, 1_800, 7_200, 100_000]);
    world.spawn(async move {
        sleep(Duration::from_secs(ill_for)).await;
        heal.heal();
    });
    while let Some(ended) = jobs.join_next().await {
        ended.unwrap();
    }
    world.state().report.simulated = world.elapsed();
    if !world.is_healed() {
        world.heal();
    }
    // Customers pay until their charge expires, and requests arrive late.
    sleep(Duration::from_secs(26 * 3_600)).await;
    judge::judge(world);
    for machine in &machines {
        if world.plan().checks_clock {
            // The first call may learn that the clock was set.
            let _ = machine.client().charges().list(ListCharges::default()).next_page().await;
        }
        claims::prove(world, machine.number(), &machine.client()).await;
        works(world, machine).await;
    }
}

/// Everything that a client has comes back: as many calls at a time as it is allowed to make.
async fn works(world: &World, machine: &Machine) {
    world.state().answers_after = Duration::from_secs(1);
    let at_a_time = machine.settings().max_in_flight.min(8);
    let mut most = 0;
    // The permits grow again with each window of successes.
    for _ in 0..20 {
        most = calls(world, machine, at_a_time).await;
        if most >= at_a_time {
            break;
        }
    }
    world.check("every permit comes back", most >= at_a_time, || format!("{most} of {at_a_time}"));
}

/// Makes calls at the same time; how many of them the server had at a time.
async fn calls(world: &World, machine: &Machine, at_a_time: usize) -> usize {
    world.state().most_under_way = 0;
    let mut calls = JoinSet::new();
    for _ in 0..at_a_time {
        let client = machine.client();
        calls.spawn(async move {
            client.charges().list(ListCharges::default()).next_page().await.is_ok()
        });
    }
    let all = calls.join_all().await.into_iter().all(|works| works);
    world.check("a client works after the faults", all, || "a call failed".into());
    world.state().most_under_way
}

/// Runs seeds on two threads and prints what they add up to; fails with the first seed that does.
pub(crate) fn many(seeds: Range<u64>) {
    let (next, sum) = (AtomicU64::new(seeds.start), Mutex::new(Sum::default()));
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Relaxed);
                    if n >= seeds.end || sum.lock().unwrap().failed.len() >= 5 {
                        return;
                    }
                    let ended = catch_unwind(|| seed(n, false));
                    sum.lock().unwrap().add(n, ended.unwrap_or_else(|_| Ended::panicked()));
                }
            });
        }
    });
    let mut sum = sum.into_inner().unwrap();
    sum.print(started.elapsed());
    sum.failed.sort();
    for (seed, failures) in &sum.failed {
        println!("seed {seed}: {failures:#?}");
        println!(
            "PINGPP_SIM_SEED={seed} cargo test --features _simulation --test sim every_promise -- \
             --nocapture"
        );
    }
    assert!(sum.failed.is_empty(), "{} seeds failed", sum.failed.len());
    if sum.seeds >= 500 {
        let never = Fault::ALL.iter().filter(|fault| sum.report.faults[**fault as usize] == 0);
        let never: Vec<_> = never.map(|fault| fault.name()).collect();
        assert!(never.is_empty(), "never struck: {never:?}");
        let checked: Vec<_> = sum.report.checks.keys().copied().collect();
        assert_eq!(checked, INVARIANTS, "what was checked");
    }
}

#[derive(Default)]
struct Sum {
    seeds: u64,
    report: Report,
    failed: Vec<(u64, Vec<String>)>,
}

fn add<K: Ord + Copy>(sum: &mut BTreeMap<K, u64>, more: BTreeMap<K, u64>) {
    for (name, count) in more {
        *sum.entry(name).or_default() += count;
    }
}

impl Sum {
    fn add(&mut self, seed: u64, ended: Ended) {
        self.seeds += 1;
        if !ended.failures.is_empty() {
            self.failed.push((seed, ended.failures));
        }
        let (sum, more) = (&mut self.report, ended.report);
        sum.faults.resize(more.faults.len(), 0);
        sum.faults.iter_mut().zip(more.faults).for_each(|(sum, more)| *sum += more);
        add(&mut sum.checks, more.checks);
        add(&mut sum.exceptions, more.exceptions);
        add(&mut sum.endings, more.endings);
        sum.calls += more.calls;
        sum.requests += more.requests;
        sum.simulated += more.simulated;
    }

    fn print(&self, took: Duration) {
        let Self { seeds, report, .. } = self;
        let list = |map: &BTreeMap<&str, u64>| {
            map.iter().map(|(name, count)| format!("\n  {count:>9} {name}")).collect::<String>()
        };
        let faults: String = Fault::ALL
            .iter()
            .zip(&report.faults)
            .map(|(fault, count)| format!("\n  {count:>9} {}", fault.name()))
            .collect();
        println!(
            "{seeds} seeds in {took:.1?}: {:.0} a minute; {:.0} simulated days, {} calls, {} requests",
            *seeds as f64 * 60.0 / took.as_secs_f64(),
            report.simulated.as_secs_f64() / 86_400.0,
            report.calls,
            report.requests
        );
        println!("faults:{faults}\ninvariants:{}", list(&report.checks));
        println!(
            "settlements:{}\nas documented:{}",
            list(&report.endings),
            list(&report.exceptions)
        );
    }
}
