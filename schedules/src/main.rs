//! Runs the signing queue and the permits in many orders of their threads, chosen by shuttle.
//!
//! It compiles `src/signing/pool.rs` and `src/transport/permits.rs` as they are, with a module `sync`
//! whose locks and threads are those of shuttle. A thread that waits for ever is a deadlock, which
//! shuttle reports with the order that leads to it.
//!
//! `cargo run --manifest-path schedules/Cargo.toml [-- orders]`

mod signing;
mod sync;
mod transport;

use std::time::Instant;

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};

const PROPERTIES: &[(&str, fn())] = &[
    (
        "every signature is answered once, and by its own caller",
        signing::every_signature_is_answered_once,
    ),
    (
        "a panic, or a thread that cannot be started, is told to the caller",
        signing::failures_are_told,
    ),
    ("callers that are dropped cost the others nothing", signing::dropped_callers_cost_nothing),
    ("the threads end with the handle", signing::the_threads_end),
    ("nobody waits for ever, and no permit is lost or made", transport::no_permit_is_lost),
    ("a call that is dropped passes its turn on", transport::dropped_calls_pass_their_turn_on),
    ("the limit holds, and comes back", transport::halved_limits_hold),
];

fn main() {
    let orders = std::env::args().nth(1).map_or(2_000, |orders| orders.parse().unwrap());
    for (property, check) in PROPERTIES {
        let start = Instant::now();
        run(RandomScheduler::new_from_seed(SEED, orders), *check);
        // Few switches at chosen places, which orders by chance hardly ever have.
        run(PctScheduler::new_from_seed(SEED, 3, orders), *check);
        println!("{property}: {} orders, {:.1} s", 2 * orders, start.elapsed().as_secs_f32());
    }
}

const SEED: u64 = 0x70_69_6e_67;

fn run(scheduler: impl Scheduler + 'static, check: fn()) {
    let mut config = Config::new();
    // It says that it takes `Relaxed` for `SeqCst`: that is so of the one flag of the permits.
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(check);
}

/// A number below `n`, chosen by the scheduler.
fn any(n: usize) -> usize {
    use shuttle::rand::Rng;
    shuttle::rand::thread_rng().gen_range(0..n)
}

/// Polls a future once.
fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}
