//! The permits of a client: how many requests may be under way at a time, and whose turn it is.
//!
//! A plan of Ping++ admits so many requests at a time and refuses others with a 403 or 429; the number
//! is not known here, and other machines may share it. So the limit is found by trial: halved when a
//! request is refused, and one more after each window of successes (AIMD, as in TCP).

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;

use crate::sync::{AtomicBool, Mutex, MutexGuard, PoisonError, oneshot};

pub(super) struct Permits {
    state: Mutex<State>,
    /// Whether there are fewer than at first; what is asked before the lock is taken.
    is_limited: AtomicBool,
}

struct State {
    limit: Limit,
    /// Permits that are in the hands of calls; may be more than the limit after it was halved.
    held: usize,
    /// Of those, the ones whose holders are about to return them because of that.
    returning: usize,
    next_turn: u64,
    /// Who waits, in the order of the turns.
    waiting: BTreeMap<u64, oneshot::Sender<()>>,
}

/// The place of a call in the order of arrival. It keeps it from its first attempt to its last, so that
/// one that gave way or was refused does not go behind those that came later.
#[derive(Default)]
pub(crate) struct Turn(Option<u64>);

/// Allows one connection to be open; held by a call for as long as it may use one.
pub(crate) struct Permit<'a> {
    permits: &'a Permits,
    /// The round in which the request was sent, if it was.
    round: Option<u64>,
    has_succeeded: bool,
    is_returning: bool,
}

impl Permits {
    pub(super) fn new(max: usize) -> Self {
        let state = State {
            limit: Limit::new(max),
            held: 0,
            returning: 0,
            next_turn: 0,
            waiting: BTreeMap::new(),
        };
        Self { state: Mutex::new(state), is_limited: AtomicBool::new(false) }
    }

    /// Waits for a permit, first come first served.
    pub(super) async fn acquire(&self, turn: &mut Turn) -> Permit<'_> {
        if let Some(mut waiting) = self.take_or_wait(turn) {
            // The sender is not dropped while this waits.
            let _ = (&mut waiting.granted).await;
            waiting.is_over = true;
        }
        Permit { permits: self, round: None, has_succeeded: false, is_returning: false }
    }

    /// `None` if there is a permit, which is then the caller's.
    fn take_or_wait(&self, turn: &mut Turn) -> Option<Waiting<'_>> {
        let mut state = self.lock();
        if turn.0.is_none() {
            turn.0 = Some(state.next_turn);
            state.next_turn += 1;
        }
        if state.held < state.limit.now && state.waiting.is_empty() {
            state.held += 1;
            return None;
        }
        let (grant, granted) = oneshot::channel();
        let turn = turn.0.unwrap_or_default();
        state.waiting.insert(turn, grant);
        Some(Waiting { permits: self, turn, granted, is_over: false })
    }

    /// How many connections may be open beside those of the calls that hold a permit.
    pub(super) fn unused(&self) -> usize {
        let state = self.lock();
        state.limit.max.saturating_sub(state.held)
    }

    pub(super) fn now(&self) -> usize {
        self.lock().limit.now
    }

    /// Gives the free permits to those who wait.
    fn grant(&self) {
        loop {
            let mut state = self.lock();
            if state.held >= state.limit.now {
                return;
            }
            let Some((_, next)) = state.waiting.pop_first() else { return };
            state.held += 1;
            // It calls the waker of somebody else, who may need the lock.
            drop(state);
            if next.send(()).is_err() {
                self.lock().held -= 1;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that waits for its permit; it may be dropped at any time.
struct Waiting<'a> {
    permits: &'a Permits,
    turn: u64,
    granted: oneshot::Receiver<()>,
    is_over: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.is_over || self.permits.lock().waiting.remove(&self.turn).is_some() {
            return;
        }
        // It was granted at this moment: either `grant` learns that nobody takes it, or it is here.
        self.granted.close();
        if self.granted.try_recv().is_ok() {
            self.permits.lock().held -= 1;
            self.permits.grant();
        }
    }
}

impl Permit<'_> {
    /// Whether this permit has to be returned, because the limit was halved since it was granted.
    pub(crate) fn must_return(&mut self) -> bool {
        self.permits.is_limited.load(Relaxed) && {
            let mut state = self.permits.lock();
            self.returns(&mut state)
        }
    }

    /// Counts a request as under way from now on, until this permit is dropped; `false` if the permit
    /// has to be returned instead.
    pub(crate) fn begin(&mut self) -> bool {
        if self.round.is_none() {
            let mut state = self.permits.lock();
            if self.returns(&mut state) {
                return false;
            }
            self.round = Some(state.limit.begin());
        }
        true
    }

    fn returns(&mut self, state: &mut State) -> bool {
        if !self.is_returning && state.held - state.returning > state.limit.now {
            self.is_returning = true;
            state.returning += 1;
        }
        self.is_returning
    }

    /// The request was admitted and brought a good answer.
    pub(crate) fn succeeded(&mut self) {
        self.has_succeeded = true;
    }

    /// The request was refused because there were too many.
    pub(crate) fn refused(&self) {
        if let Some(round) = self.round {
            self.permits.is_limited.store(true, Relaxed);
            self.permits.lock().limit.refused(round);
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.permits.lock();
        if let Some(round) = self.round {
            // Successes below the limit do not prove that there could be more.
            if self.has_succeeded && state.held >= state.limit.now {
                state.limit.succeeded(round);
            }
            state.limit.under_way -= 1;
        }
        if self.is_returning {
            state.returning -= 1;
        }
        state.held -= 1;
        let is_waited_for = !state.waiting.is_empty();
        drop(state);
        if is_waited_for {
            self.permits.grant();
        }
    }
}

/// How many permits there are.
struct Limit {
    max: usize,
    now: usize,
    /// Requests that are sent and not yet answered.
    under_way: usize,
    /// Counts how often the limit was halved. What was sent in an earlier round says nothing about
    /// the limit of this one.
    round: u64,
    /// Of this round, since the limit was last changed.
    successes: usize,
    /// Of what was under way when the limit was halved: as many as were not refused, so far.
    admitted: usize,
}

impl Limit {
    fn new(max: usize) -> Self {
        Self { max, now: max, under_way: 0, round: 0, successes: 0, admitted: max }
    }

    fn begin(&mut self) -> u64 {
        self.under_way += 1;
        self.round
    }

    /// A success while all permits were in use. A full window of them adds one.
    fn succeeded(&mut self, round: u64) {
        if round != self.round || self.now == self.max {
            return;
        }
        self.successes += 1;
        if self.successes >= self.now {
            self.now += 1;
            self.successes = 0;
        }
    }

    /// Halves the limit, or what was under way if that was less: permits that nobody used have proved
    /// nothing. Not for a request that was alone, whose refusal has another reason; and once in a
    /// round, since those that were sent together are refused together. How many of them were not
    /// refused is a limit, too: after a burst, half of it may still be many times too much.
    fn refused(&mut self, round: u64) {
        if round == self.round && self.under_way > 1 {
            self.admitted = self.under_way - 1;
            self.now = (self.now.min(self.under_way) / 2).max(1);
            self.round += 1;
            self.successes = 0;
        } else if round + 1 == self.round {
            self.admitted = self.admitted.saturating_sub(1);
            if self.now > self.admitted {
                self.now = self.admitted.max(1);
                self.successes = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};
    use std::sync::Arc;
    use std::task::{Context, Waker};
    use std::time::Duration;

    use super::*;

    fn poll<F: Future>(future: Pin<&mut F>) -> Option<F::Output> {
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        }
    }

    fn now<'a>(permits: &'a Permits, turn: &mut Turn) -> Permit<'a> {
        poll(pin!(permits.acquire(turn))).unwrap()
    }

    fn under_way(limit: &mut Limit, n: usize) -> u64 {
        (0..n).fold(0, |_, _| limit.begin())
    }

    #[test]
    fn a_refusal_halves_what_was_under_way_once_a_round() {
        for (max, sent, refused, then) in [
            (256, 200, 1, 100),
            (256, 200, 100, 100),
            (256, 200, 101, 99),
            (256, 200, 190, 10),
            (256, 200, 200, 1),
            (256, 11, 1, 5),
            (256, 12, 2, 6),
            (8, 8, 1, 4),
            (4, 3, 1, 1),
            (1, 1, 1, 1),
            (256, 1, 1, 256),
        ] {
            let mut limit = Limit::new(max);
            let round = under_way(&mut limit, sent);
            for _ in 0..refused {
                limit.refused(round);
                limit.under_way -= 1;
            }
            assert_eq!(limit.now, then, "{refused} of {sent} of {max}");
        }
        let mut limit = Limit::new(256);
        for then in [50, 25, 12, 6, 3, 1, 1] {
            limit.under_way = 0;
            let round = under_way(&mut limit, 100);
            limit.refused(round);
            assert_eq!(limit.now, then);
        }
    }

    #[test]
    fn a_full_window_of_successes_adds_one_up_to_the_maximum() {
        let mut limit = Limit::new(8);
        let old = under_way(&mut limit, 8);
        limit.refused(old);
        (0..100).for_each(|_| limit.succeeded(old));
        assert_eq!(limit.now, 4, "successes of an earlier round");
        let round = under_way(&mut limit, 4);
        let successes = (0..100).filter(|_| {
            limit.succeeded(round);
            limit.now < 8
        });
        assert_eq!(successes.count() + 1, 4 + 5 + 6 + 7);
    }

    #[test]
    fn successes_below_the_limit_prove_nothing() {
        let permits = Permits::new(8);
        permits.lock().limit.now = 2;
        for _ in 0..20 {
            let mut permit = now(&permits, &mut Turn::default());
            assert!(permit.begin());
            permit.succeeded();
        }
        assert_eq!(permits.lock().limit.now, 2);
    }

    #[test]
    fn who_gives_way_is_served_before_those_who_came_later() {
        let permits = Permits::new(4);
        let mut turns: [Turn; 6] = Default::default();
        let [first, second, third, fourth, fifth, sixth] = &mut turns;
        let mut sent = [now(&permits, first), now(&permits, second)];
        let mut signing = [now(&permits, third), now(&permits, fourth)];
        let mut later = pin!(permits.acquire(fifth));
        assert!(poll(later.as_mut()).is_none());
        assert!(sent.iter_mut().all(Permit::begin));
        sent[0].refused();
        let [one, two] = &mut signing;
        assert!(one.must_return() && two.must_return() && two.must_return());
        assert!(sent[1].must_return() && !sent[0].must_return(), "one permit is left");
        drop((sent, signing));
        let only = poll(later.as_mut()).unwrap();
        let mut last = pin!(permits.acquire(sixth));
        let (mut fourth, mut third) = (pin!(permits.acquire(fourth)), pin!(permits.acquire(third)));
        assert!(poll(last.as_mut()).is_none());
        assert!(poll(fourth.as_mut()).is_none() && poll(third.as_mut()).is_none());
        drop(only);
        assert!(poll(last.as_mut()).is_none() && poll(fourth.as_mut()).is_none());
        drop(poll(third.as_mut()).unwrap());
        assert!(poll(last.as_mut()).is_none());
        drop(poll(fourth.as_mut()).unwrap());
        drop(poll(last.as_mut()).unwrap());
        assert_eq!(permits.unused(), 4);
    }

    #[test]
    fn a_permit_that_was_granted_to_a_call_that_is_dropped_goes_to_the_next() {
        let permits = Permits::new(1);
        let mut turns: [Turn; 3] = Default::default();
        let [first, second, third] = &mut turns;
        let held = now(&permits, first);
        let mut next = pin!(permits.acquire(third));
        {
            let mut dropped = pin!(permits.acquire(second));
            assert!(poll(dropped.as_mut()).is_none() && poll(next.as_mut()).is_none());
            drop(held);
            assert!(poll(next.as_mut()).is_none(), "it is not its turn");
        }
        assert!(poll(next.as_mut()).is_some());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn no_permit_is_lost_or_made_whatever_happens_to_the_calls() {
        let permits = Arc::new(Permits::new(16));
        let mut calls = tokio::task::JoinSet::new();
        for n in 0..2_000 {
            let permits = Arc::clone(&permits);
            let call = async move {
                let mut turn = Turn::default();
                for _ in 0..3 {
                    let mut permit = permits.acquire(&mut turn).await;
                    tokio::task::yield_now().await;
                    if permit.must_return() || !permit.begin() {
                        continue;
                    }
                    tokio::task::yield_now().await;
                    if fastrand::u8(..) < 30 { permit.refused() } else { permit.succeeded() }
                }
            };
            calls.spawn(async move {
                let limit = Duration::from_micros(if n % 2 == 0 {
                    fastrand::u64(..5_000)
                } else {
                    u64::MAX
                });
                let _ = tokio::time::timeout(limit, call).await;
            });
        }
        calls.join_all().await;
        let state = permits.lock();
        assert_eq!((state.held, state.returning, state.limit.under_way), (0, 0, 0));
        assert!(state.waiting.is_empty() && (1..=16).contains(&state.limit.now));
    }
}
