//! A simulated world: the shipped client, retries, recovery and settlements against a Ping++ that fails
//! in every known way, on a paused clock, with all chance drawn from a seed.
//!
//! `PINGPP_SIM_SEED=123` runs one seed and prints its events; `PINGPP_SIM_SEEDS=10000` runs so many.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod answers;
mod books;
mod channels;
mod claims;
mod clerks;
mod customers;
mod faults;
mod found;
mod judge;
mod keys;
mod log;
mod machine;
mod net;
mod run;
mod server;
mod tills;
mod world;

/// Without `PINGPP_SIM_SEEDS`.
const SEEDS: u64 = 500;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect(name))
}

#[test]
fn every_promise_holds_in_every_world() {
    if let Some(seed) = variable("PINGPP_SIM_SEED") {
        let ended = run::seed(seed, true);
        println!("{}\n{:#?}", ended.lines.join("\n"), ended.failures);
        assert!(ended.failures.is_empty(), "seed {seed}");
        return;
    }
    let seeds = variable("PINGPP_SIM_SEEDS").unwrap_or(SEEDS);
    let first = variable("PINGPP_SIM_FIRST").unwrap_or(0);
    run::many(first..first + seeds);
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 1_000_000..1_000_040 {
        let (first, second) = (run::seed(seed, false), run::seed(seed, false));
        assert_eq!(first.trace, second.trace, "seed {seed}");
    }
}
