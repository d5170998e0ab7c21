//! Many calls at a time, and what they took.

use std::future::Future;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Makes `calls` calls, `in_flight` at a time; CPU and wall time of all of them.
pub(crate) async fn round<F>(
    in_flight: usize,
    calls: usize,
    call: impl Fn() -> F,
) -> (Duration, Duration)
where
    F: Future<Output = ()> + Send + 'static,
{
    let (cpu, wall) = (cpu_time(), Instant::now());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..calls {
        if tasks.len() == in_flight {
            tasks.join_next().await.unwrap().unwrap();
        }
        tasks.spawn(call());
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    (cpu_time() - cpu, wall.elapsed())
}

/// Of this process, all its threads.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
