//! What `src/sync.rs` re-exports, of shuttle.

use std::time::Duration;

pub use shuttle::sync::atomic::AtomicBool;
pub use shuttle::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A moment of a clock that may or may not have gone on.
pub struct Instant;

impl Instant {
    pub fn now() -> Self {
        Self
    }

    pub fn elapsed(&self) -> Duration {
        Duration::from_secs(crate::any(2) as u64)
    }
}

pub mod thread {
    use std::cell::Cell;
    use std::io;

    pub use shuttle::thread::{JoinHandle, yield_now};
    pub use std::thread::available_parallelism;

    std::thread_local! {
        static MAY_FAIL: Cell<bool> = const { Cell::new(false) };
    }

    /// Whether the system may refuse to start a thread.
    pub fn may_fail(may: bool) {
        MAY_FAIL.set(may);
    }

    pub struct Builder(shuttle::thread::Builder);

    impl Builder {
        #[allow(clippy::new_without_default, reason = "as that of std, as far as it is used")]
        pub fn new() -> Self {
            Self(shuttle::thread::Builder::new())
        }

        pub fn name(self, name: String) -> Self {
            Self(self.0.name(name))
        }

        pub fn spawn<T: Send + 'static>(
            self,
            work: impl FnOnce() -> T + Send + 'static,
        ) -> io::Result<JoinHandle<T>> {
            if MAY_FAIL.get() && crate::any(2) == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.0.spawn(work)
        }
    }
}

/// Tokio's channel, which is taken for right. Another thread may go on before each operation.
pub mod oneshot {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use shuttle::sync::atomic::{AtomicBool, Ordering};
    use tokio::sync::oneshot::{self, error};

    pub struct Sender<T>(oneshot::Sender<T>, Switch);
    pub struct Receiver<T>(oneshot::Receiver<T>, Switch);

    /// Each operation of an atomic is a point at which shuttle may switch to another thread.
    #[derive(Default)]
    struct Switch(AtomicBool);

    impl Switch {
        fn switch(&self) {
            self.0.load(Ordering::SeqCst);
        }
    }

    pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
        let (sender, receiver) = oneshot::channel();
        (Sender(sender, Switch::default()), Receiver(receiver, Switch::default()))
    }

    impl<T> Sender<T> {
        pub fn send(self, value: T) -> Result<(), T> {
            self.1.switch();
            self.0.send(value)
        }

        pub fn is_closed(&self) -> bool {
            self.1.switch();
            self.0.is_closed()
        }
    }

    impl<T> Receiver<T> {
        pub fn close(&mut self) {
            self.1.switch();
            self.0.close();
        }

        pub fn try_recv(&mut self) -> Result<T, error::TryRecvError> {
            self.1.switch();
            self.0.try_recv()
        }
    }

    impl<T> Future for Receiver<T> {
        type Output = Result<T, error::RecvError>;

        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
            self.1.switch();
            Pin::new(&mut self.0).poll(cx)
        }
    }
}
