//! The permits.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use shuttle::future::block_on;
use shuttle::thread;

use crate::{any, poll};

#[path = "../../src/transport/permits.rs"]
#[allow(dead_code)]
mod permits;

use self::permits::{Permits, Turn};

/// Some calls at a time.
fn calls(permits: &Arc<Permits>, n: usize, call: impl Fn(&Permits, usize) + Copy + Send + 'static) {
    let threads: Vec<_> = (0..n)
        .map(|n| {
            let permits = Arc::clone(permits);
            thread::spawn(move || call(&permits, n))
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// All permits are back: as many as the limit can be had at once, and no more.
fn all_are_back(permits: &Permits, max: usize) {
    assert_eq!(permits.unused(), max, "a permit is held by nobody");
    let limit = permits.now();
    assert!((1..=max).contains(&limit));
    let mut turns: Vec<Turn> = (0..limit).map(|_| Turn::default()).collect();
    let held: Vec<_> = turns.iter_mut().map(|turn| poll(pin!(permits.acquire(turn)))).collect();
    assert!(held.iter().all(Option::is_some), "somebody is still in the queue");
    assert!(poll(pin!(permits.acquire(&mut Turn::default()))).is_none());
}

pub fn no_permit_is_lost() {
    static HELD: AtomicUsize = AtomicUsize::new(0);
    HELD.store(0, SeqCst);
    let permits = Arc::new(Permits::new(2));
    calls(&permits, 4, |permits, _| {
        let mut turn = Turn::default();
        for _ in 0..2 {
            let mut permit = block_on(permits.acquire(&mut turn));
            assert!(HELD.fetch_add(1, SeqCst) < 2, "more permits than there are");
            assert!(!permit.must_return() && permit.begin());
            permit.succeeded();
            HELD.fetch_sub(1, SeqCst);
        }
    });
    all_are_back(&permits, 2);
    assert_eq!(permits.now(), 2);
}

pub fn dropped_calls_pass_their_turn_on() {
    let permits = Arc::new(Permits::new(1));
    calls(&permits, 4, |permits, n| {
        let mut turn = Turn::default();
        if n < 2 {
            let mut dropped = pin!(permits.acquire(&mut turn));
            (0..=any(2)).any(|_| poll(dropped.as_mut()).is_some());
        } else {
            drop(block_on(permits.acquire(&mut turn)));
        }
    });
    all_are_back(&permits, 1);
}

pub fn halved_limits_hold() {
    const MAX: usize = 3;
    let permits = Arc::new(Permits::new(MAX));
    calls(&permits, 4, |permits, n| {
        let mut turn = Turn::default();
        let mut admitted = false;
        while !admitted {
            let mut permit = block_on(permits.acquire(&mut turn));
            // Who has to give way waits again, in its old place.
            admitted = !permit.must_return() && permit.begin();
            if admitted && n < 2 {
                permit.refused();
            } else if admitted {
                permit.succeeded();
            }
        }
    });
    all_are_back(&permits, MAX);
    // A full window of successes adds one permit.
    let mut turns: Vec<Turn> = (0..MAX).map(|_| Turn::default()).collect();
    for _ in 0..MAX {
        let mut held: Vec<_> =
            turns.iter_mut().map_while(|turn| poll(pin!(permits.acquire(turn)))).collect();
        held.iter_mut().for_each(|permit| {
            assert!(permit.begin());
            permit.succeeded();
        });
    }
    assert_eq!(permits.now(), MAX);
}
