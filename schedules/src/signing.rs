//! The signing queue.

use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;

use shuttle::future::block_on;
use shuttle::sync::Mutex;
use shuttle::thread;

use crate::sync::thread::may_fail;
use crate::{any, poll};

#[path = "../../src/signing/error.rs"]
#[allow(dead_code)]
pub mod error;

/// A key that keeps what it has signed.
pub mod keys {
    use super::*;

    #[derive(Clone, Default)]
    pub struct SigningKey {
        pub signed: Arc<Mutex<Vec<Vec<u8>>>>,
    }

    impl SigningKey {
        pub fn sign(&self, message: &[u8]) -> Result<String, error::SignError> {
            self.signed.lock().unwrap().push(message.to_vec());
            if message == PANIC {
                std::panic::resume_unwind(Box::new("a planned panic"));
            }
            Ok(String::from_utf8(message.to_vec()).unwrap())
        }
    }

    pub const PANIC: &[u8] = b"panic";
}

#[path = "../../src/signing/pool.rs"]
#[allow(dead_code)]
pub mod pool;

use self::error::SignError;
use self::keys::{PANIC, SigningKey};
use self::pool::Signers;

fn signers() -> Arc<Signers> {
    may_fail(false);
    Arc::new(Signers::new(NonZeroUsize::new(1 + any(2))))
}

/// Some callers at a time, each with its own messages.
fn callers(
    signers: &Arc<Signers>,
    key: &SigningKey,
    n: usize,
    call: fn(&Signers, &SigningKey, usize),
) {
    let threads: Vec<_> = (0..n)
        .map(|n| {
            let (signers, key) = (Arc::clone(signers), key.clone());
            thread::spawn(move || call(&signers, &key, n))
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

fn signs(signers: &Signers, key: &SigningKey, message: &str) {
    let signed = block_on(signers.sign(key.clone(), message.into()));
    assert_eq!(signed.ok().as_deref(), Some(message));
}

pub fn every_signature_is_answered_once() {
    let key = SigningKey::default();
    callers(&signers(), &key, 3, |signers, key, n| {
        (0..2).for_each(|time| signs(signers, key, &format!("{n} {time}")));
    });
    let mut signed = key.signed.lock().unwrap().clone();
    signed.sort();
    let expected = ["0 0", "0 1", "1 0", "1 1", "2 0", "2 1"];
    assert_eq!(signed, expected.map(|text| text.as_bytes().to_vec()));
}

pub fn failures_are_told() {
    let key = SigningKey::default();
    let signers = signers();
    may_fail(true);
    callers(&signers, &key, 3, |signers, key, n| {
        let panics = n == 0;
        let message = if panics { PANIC.to_vec() } else { vec![b'a'] };
        match block_on(signers.sign(key.clone(), message)) {
            Ok(signed) => assert!(!panics && signed == "a"),
            Err(SignError::Panicked) => assert!(panics),
            // No thread could be started, and there was none.
            Err(SignError::NoThread) => {}
            Err(error) => panic!("{error}"),
        }
    });
    may_fail(false);
    signs(&signers, &key, "the next one");
}

pub fn dropped_callers_cost_nothing() {
    let key = SigningKey::default();
    callers(&signers(), &key, 3, |signers, key, n| {
        if n == 0 {
            let mut dropped = pin!(signers.sign(key.clone(), b"dropped".to_vec()));
            (0..=any(2)).any(|_| poll(dropped.as_mut()).is_some());
        } else {
            signs(signers, key, &n.to_string());
        }
    });
    let signed = key.signed.lock().unwrap();
    assert!((2..=3).contains(&signed.len()), "{signed:?}");
}

/// Shuttle waits for all threads: one that does not end is a deadlock.
pub fn the_threads_end() {
    let key = SigningKey::default();
    let signers = signers();
    callers(&signers, &key, 2, |signers, key, n| signs(signers, key, &n.to_string()));
    {
        let mut dropped = pin!(signers.sign(key.clone(), b"dropped".to_vec()));
        let _ = poll(dropped.as_mut());
    }
    drop(signers);
}
