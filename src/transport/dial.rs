//! TCP connections to the first of several addresses that accepts one. Knows nothing of names.

use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::system::{System, Tcp};

/// How long the first address is tried alone; the recommendation of RFC 8305 is 250 ms.
const HEAD_START: Duration = Duration::from_millis(300);
/// The time between the attempts after that. Something is wrong by now, so it is short.
const STEP: Duration = Duration::from_millis(50);

/// Connects to the first address that accepts. The next one is tried beside those before it when they
/// have not accepted in time, and at once when they have refused. Has no time limit of its own.
pub(super) async fn dial(
    system: &System,
    addresses: Vec<IpAddr>,
    port: u16,
) -> io::Result<(IpAddr, Tcp)> {
    first(addresses, |address| system.connect(SocketAddr::new(address, port))).await
}

/// The first success; the first error if there is none.
async fn first<T, F: Future<Output = io::Result<T>>>(
    addresses: Vec<IpAddr>,
    connect: impl Fn(IpAddr) -> F,
) -> io::Result<(IpAddr, T)> {
    let mut rest = addresses.into_iter().peekable();
    let mut racing: Vec<(IpAddr, Pin<Box<F>>)> = Vec::new();
    let mut pause = pin!(sleep(HEAD_START));
    let mut failed = None;
    let mut is_first = true;
    poll_fn(|cx| {
        loop {
            let before = racing.len();
            let mut n = 0;
            while let Some((address, connecting)) = racing.get_mut(n) {
                match connecting.as_mut().poll(cx) {
                    Poll::Pending => n += 1,
                    Poll::Ready(Ok(connected)) => return Poll::Ready(Ok((*address, connected))),
                    Poll::Ready(Err(error)) => {
                        failed.get_or_insert(error);
                        drop(racing.remove(n));
                    }
                }
            }
            if rest.peek().is_none() && racing.is_empty() {
                let none = || io::Error::new(io::ErrorKind::NotFound, "the host has no address");
                return Poll::Ready(Err(failed.take().unwrap_or_else(none)));
            }
            let is_due = racing.is_empty() || racing.len() < before;
            if rest.peek().is_none() || !is_due && pause.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if let Some(next) = rest.next() {
                racing.push((next, Box::pin(connect(next))));
                let wait = if std::mem::take(&mut is_first) { HEAD_START } else { STEP };
                pause.as_mut().reset(Instant::now() + wait);
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Addresses that end in 1 refuse after 10 ms, those in 2 say nothing, others accept after 20 ms.
    async fn connect(address: IpAddr) -> io::Result<()> {
        let IpAddr::V4(address) = address else { unreachable!() };
        match address.octets()[3] % 10 {
            1 => {
                sleep(Duration::from_millis(10)).await;
                Err(io::Error::other(address.to_string()))
            }
            2 => std::future::pending().await,
            _ => {
                sleep(Duration::from_millis(20)).await;
                Ok(())
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_address_gets_its_turn() {
        for (last, expected, time) in [
            (&[3, 2][..], Ok(3), 20),
            (&[2, 3], Ok(3), 300 + 20),
            (&[2, 12, 3], Ok(3), 300 + 50 + 20),
            (&[1, 3], Ok(3), 10 + 20),
            (&[1, 2, 3], Ok(3), 10 + 50 + 20),
            (&[1, 11, 21], Err(1), 30),
            (&[2, 1, 3], Ok(3), 300 + 10 + 20),
        ] {
            let address = |last: u8| IpAddr::from([192, 0, 2, last]);
            let start = Instant::now();
            let found = first(last.iter().copied().map(address).collect(), connect).await;
            let found = found.map(|(address, ())| address).map_err(|error| error.to_string());
            assert_eq!(found, expected.map(address).map_err(|last| address(last).to_string()));
            let time = Duration::from_millis(time);
            let took = start.elapsed();
            assert!(took >= time && took < time + Duration::from_millis(10), "{last:?}: {took:?}");
        }
        assert!(first(Vec::new(), connect).await.is_err());
    }
}
