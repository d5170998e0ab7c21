//! The threads that sign.
//!
//! A signature takes about a millisecond of CPU, six with a 4096-bit key. On an async worker it
//! would delay every other task of the server by that time. `spawn_blocking` shares its threads with
//! file and DNS operations; it was measured to cost a third of the throughput. So signatures are made
//! on dedicated threads, by default as many as there are cores, which take jobs from one queue in the
//! order of their arrival.
//!
//! The threads belong to one client and its clones: nothing is global, and clients for different
//! accounts do not wait for each other. They are started when they are first needed and end when
//! the last clone is dropped.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::signing::error::SignError;
use crate::signing::keys::SigningKey;
use crate::sync::{Arc, Condvar, Instant, Mutex, MutexGuard, PoisonError, oneshot, thread};

/// The handle of the threads, which end when it is dropped.
pub(crate) struct Signers {
    queue: Arc<Queue>,
    limit: usize,
    #[cfg(feature = "_simulation")]
    simulated: Option<fn(&[u8]) -> String>,
}

type Signed = Result<String, SignError>;

struct Job {
    work: Box<dyn FnOnce() -> Signed + Send>,
    answer: oneshot::Sender<Signed>,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
    closed: bool,
}

impl Signers {
    /// Without threads: every signature is made where it is awaited. Tokio's paused clock advances
    /// while a task waits for a thread that Tokio does not know, so a test with paused time would see
    /// every call run into its time limit.
    #[cfg(any(feature = "sandbox", feature = "_simulation"))]
    pub(crate) fn inline() -> Self {
        Self::with_limit(0)
    }

    /// Without keys: this function signs.
    #[cfg(feature = "_simulation")]
    pub(crate) fn simulated(sign: fn(&[u8]) -> String) -> Self {
        let mut signers = Self::with_limit(0);
        signers.simulated = Some(sign);
        signers
    }

    /// With at most `threads` threads; `None` means one per core.
    pub(crate) fn new(threads: Option<NonZeroUsize>) -> Self {
        let limit = threads.or_else(|| thread::available_parallelism().ok());
        Self::with_limit(limit.map_or(1, NonZeroUsize::get))
    }

    fn with_limit(limit: usize) -> Self {
        Self {
            queue: Arc::default(),
            limit,
            #[cfg(feature = "_simulation")]
            simulated: None,
        }
    }

    /// Signs on one of the threads. A future that is dropped before a thread takes its job costs no
    /// signature.
    pub(crate) async fn sign(&self, key: SigningKey, message: Vec<u8>) -> Signed {
        #[cfg(feature = "_simulation")]
        if let Some(sign) = self.simulated {
            return Ok(sign(&message));
        }
        self.run(move || key.sign(&message)).await
    }

    async fn run(&self, work: impl FnOnce() -> Signed + Send + 'static) -> Signed {
        if self.limit == 0 {
            return work();
        }
        let (answer, signed) = oneshot::channel();
        self.queue.push(Job { work: Box::new(work), answer }, self.limit)?;
        signed.await.unwrap_or(Err(SignError::Panicked))
    }
}

impl Drop for Signers {
    fn drop(&mut self) {
        self.queue.lock().closed = true;
        self.queue.wake.notify_all();
    }
}

impl fmt::Debug for Signers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signers").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl Queue {
    /// Appends a job, and starts a thread if all are busy and the limit allows one more.
    fn push(self: &Arc<Self>, job: Job, limit: usize) -> Result<(), SignError> {
        let mut state = self.lock();
        if state.idle <= state.jobs.len() && state.threads < limit {
            let queue = Arc::clone(self);
            let name = format!("pingpp-sign-{}", state.threads);
            match thread::Builder::new().name(name).spawn(move || queue.work()) {
                Ok(_) => state.threads += 1,
                Err(_) if state.threads > 0 => {}
                Err(_) => return Err(SignError::NoThread),
            }
        }
        state.jobs.push_back(job);
        let asleep = state.idle > 0;
        drop(state);
        // Notifying is a system call; a thread that is awake takes the job without it.
        if asleep {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// The main loop of a thread.
    fn work(&self) {
        let mut held = Held::default();
        while let Some(Job { work, answer }) = self.next(&mut held) {
            // The async workers need the same cores. Without this a timer fires 4.9 ms late at the
            // 99th percentile, with it 2.4 ms (measured).
            thread::yield_now();
            if answer.is_closed() {
                continue;
            }
            let signed = catch_unwind(AssertUnwindSafe(work));
            held.push(answer, signed.unwrap_or(Err(SignError::Panicked)));
        }
    }

    /// Waits for a job; `None` when the handle was dropped. Delivers what is held before it sleeps.
    fn next(&self, held: &mut Held) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if !held.is_empty() {
                drop(state);
                held.deliver();
                state = self.lock();
                continue;
            }
            state.idle += 1;
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// No job runs under the lock, so the state behind a poisoned lock is consistent.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Signatures that are made but not yet delivered, while more jobs are in the queue.
///
/// Each delivery wakes an async worker, which preempts a signing thread. Delivering in batches was
/// measured to save 5 % of the CPU of a call.
#[derive(Default)]
struct Held {
    signed: Vec<(oneshot::Sender<Signed>, Signed)>,
    since: Option<Instant>,
}

impl Held {
    /// The longest delay of a delivery. It is short beside the wait in the queue, without which
    /// nothing is held.
    const LIMIT: Duration = Duration::from_millis(3);

    fn push(&mut self, answer: oneshot::Sender<Signed>, signed: Signed) {
        self.signed.push((answer, signed));
        if self.since.get_or_insert_with(Instant::now).elapsed() >= Self::LIMIT {
            self.deliver();
        }
    }

    fn is_empty(&self) -> bool {
        self.signed.is_empty()
    }

    fn deliver(&mut self) {
        self.since = None;
        for (answer, signed) in self.signed.drain(..) {
            // `send` stores the signature and calls the caller's waker, which may panic. Such a
            // panic must not end this thread or drop the signatures of other callers. `send`
            // returns an error if the caller no longer waits.
            let _ = catch_unwind(AssertUnwindSafe(|| answer.send(signed)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    fn signers(threads: usize) -> Signers {
        Signers::new(NonZeroUsize::new(threads))
    }

    fn done(text: &str) -> Signed {
        Ok(text.to_owned())
    }

    #[tokio::test]
    async fn a_panic_is_an_error_of_its_call_and_the_thread_goes_on() {
        let signers = signers(1);
        let panicked = signers.run(|| panic!("for the test")).await;
        assert_eq!(panicked, Err(SignError::Panicked));
        assert_eq!(signers.run(|| done("next")).await, done("next"));
        assert_eq!(signers.queue.lock().threads, 1);
    }

    #[tokio::test]
    async fn a_waker_that_panics_costs_neither_the_thread_nor_the_other_signatures() {
        struct Panics(AtomicUsize);
        impl std::task::Wake for Panics {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
                panic!("a waker that panics, for the test");
            }
        }

        let signers = signers(1);
        let panics = Arc::new(Panics(AtomicUsize::new(0)));
        let waker = std::task::Waker::from(Arc::clone(&panics));
        let mut foreign = std::task::Context::from_waker(&waker);
        // The thread is busy until both jobs are in the queue, so it delivers them together.
        let (hold, held) = mpsc::channel::<()>();
        let mut busy = Box::pin(signers.run(move || {
            let _ = held.recv();
            done("with a waker that panics")
        }));
        assert!(busy.as_mut().poll(&mut foreign).is_pending());
        let mut other = Box::pin(signers.run(|| done("with a good waker")));
        assert!(futures_poll(other.as_mut()).is_pending());
        hold.send(()).unwrap();

        let limit = Duration::from_secs(10);
        assert_eq!(tokio::time::timeout(limit, other).await, Ok(done("with a good waker")));
        assert_eq!(panics.0.load(Ordering::Relaxed), 1);
        // Its signature was ready all the same.
        assert_eq!(busy.await, done("with a waker that panics"));
        let next = tokio::time::timeout(limit, signers.run(|| done("next"))).await;
        assert_eq!(next, Ok(done("next")), "no thread is left");
        assert_eq!(signers.queue.lock().threads, 1);
    }

    #[tokio::test]
    async fn a_dropped_call_is_not_signed() {
        let signers = signers(1);
        let (hold, held) = mpsc::channel::<()>();
        let busy = signers.run(move || {
            let _ = held.recv();
            done("first")
        });
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let mut busy = Box::pin(busy);
        let mut dropped = Box::pin(signers.run(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            done("dropped")
        }));
        assert!(futures_poll(busy.as_mut()).is_pending());
        assert!(futures_poll(dropped.as_mut()).is_pending());
        drop(dropped);
        hold.send(()).unwrap();
        assert_eq!(busy.await, done("first"));
        assert_eq!(signers.run(|| done("after")).await, done("after"));
        assert_eq!(count.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn signatures_are_made_in_the_order_of_arrival() {
        let signers = signers(1);
        let order = Arc::new(Mutex::new(Vec::new()));
        let jobs: Vec<_> = (0..20)
            .map(|n| {
                let order = Arc::clone(&order);
                let mut job = Box::pin(signers.run(move || {
                    order.lock().unwrap().push(n);
                    done("")
                }));
                assert!(futures_poll(job.as_mut()).is_pending() || n == 0);
                job
            })
            .collect();
        drop(signers.run(|| done("")).await);
        drop(jobs);
        assert!(order.lock().unwrap().is_sorted());
    }

    #[test]
    fn the_threads_end_with_the_client() {
        let signers = signers(2);
        let queue = Arc::downgrade(&signers.queue);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(signers.run(|| done("one"))), done("one"));
        drop(signers);
        // Each thread holds an `Arc` of the queue, so the count is 0 when all have ended.
        while queue.strong_count() > 0 {
            thread::yield_now();
        }
    }

    fn futures_poll<F: Future>(future: std::pin::Pin<&mut F>) -> std::task::Poll<F::Output> {
        future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
    }
}
