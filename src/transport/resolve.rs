//! The addresses of the one host that a client connects to: its server, or the proxy before it.
//!
//! `getaddrinfo` blocks for as long as the name server is silent, tens of seconds. On the blocking
//! threads of tokio, 1,000 calls were measured to take 517 of them; a file read of the same program
//! waited 18 s. So a client makes one look-up at a time, on a thread of its own, for all its calls.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fmt, thread};

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

#[cfg(feature = "_simulation")]
use crate::simulation::Simulated;

/// How long addresses are used without a new look-up. Systems do not tell how long they are valid.
const FRESH: Duration = Duration::from_secs(30);
/// How long after a look-up that failed the next one begins, if there are addresses of an earlier one.
const PAUSE: Duration = Duration::from_secs(5);
/// How long a look-up is waited for if there are addresses of an earlier one.
const PATIENCE: Duration = Duration::from_millis(300);
/// From when on an address that accepts connections and says nothing is one to avoid.
const SILENCE: Duration = Duration::from_millis(500);

type Found = io::Result<Vec<IpAddr>>;

/// Finds the addresses of a host.
#[derive(Clone)]
pub(crate) enum Lookup {
    /// May block.
    OnThread(Arc<dyn Fn(&str) -> Found + Send + Sync>),
    #[cfg(feature = "_simulation")]
    Simulated(Simulated),
}

impl Lookup {
    pub(crate) fn new(lookup: impl Fn(&str) -> Found + Send + Sync + 'static) -> Self {
        Self::OnThread(Arc::new(lookup))
    }

    /// That of the operating system.
    pub(crate) fn system() -> Self {
        Self::new(|host| Ok((host, 0).to_socket_addrs()?.map(|address| address.ip()).collect()))
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lookup")
    }
}

/// The addresses of a host.
pub(super) struct Names {
    host: String,
    /// `None` if the addresses are given.
    lookup: Option<Lookup>,
    state: Mutex<State>,
    /// A look-up has ended. Wakes in the order of arrival, which a watch does not.
    ended: Notify,
}

#[derive(Default)]
struct State {
    /// Those of the last look-up that succeeded, the best first.
    addresses: Vec<IpAddr>,
    /// The one that answered last.
    proven: Option<IpAddr>,
    /// Until when no look-up is needed.
    fresh_until: Option<Instant>,
    /// When the look-up that is under way began.
    running: Option<Instant>,
    /// Why the last look-up failed.
    error: Option<(io::ErrorKind, String)>,
}

impl Names {
    /// Of a host as it stands in a URL. `pinned` are the addresses that hosts are given.
    pub(super) fn new(host: &str, pinned: &[(String, Vec<IpAddr>)], lookup: Lookup) -> Arc<Self> {
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let pinned = pinned.iter().rev().find(|(name, _)| name.eq_ignore_ascii_case(&host));
        let given = match (pinned, host.parse()) {
            (Some((_, addresses)), _) => Some(addresses.clone()),
            (None, Ok(address)) => Some(vec![address]),
            (None, Err(_)) => None,
        };
        let lookup = given.is_none().then_some(lookup);
        let state = State { addresses: given.unwrap_or_default(), ..State::default() };
        Arc::new(Self { host, lookup, state: Mutex::new(state), ended: Notify::new() })
    }

    /// The addresses, the best first; never none. They are those of an earlier look-up if a new one
    /// fails or takes too long.
    pub(super) async fn addresses(self: &Arc<Self>) -> Found {
        if let Some(lookup) = &self.lookup {
            self.update(lookup).await;
        }
        let state = self.lock();
        match &state.error {
            _ if !state.addresses.is_empty() => Ok(state.addresses.clone()),
            Some((kind, text)) => Err(io::Error::new(*kind, text.clone())),
            None => Err(io::Error::other("the look-up of the host was lost")),
        }
    }

    async fn update(self: &Arc<Self>, lookup: &Lookup) {
        let now = Instant::now();
        // Made before the state is read: `notify_waiters` wakes only those that wait already.
        let end = self.ended.notified();
        let (starts, until) = self.lock().begin(now);
        if starts {
            self.start(lookup.clone());
        }
        match until {
            Some(until) if until <= now => {}
            Some(until) => drop(timeout_at(until, end).await),
            None => end.await,
        }
    }

    /// A thread for one look-up, which may still hang when the client is gone.
    fn start(self: &Arc<Self>, lookup: Lookup) {
        let names = Arc::clone(self);
        #[cfg(not(feature = "_simulation"))]
        let Lookup::OnThread(lookup) = lookup;
        #[cfg(feature = "_simulation")]
        let lookup = match lookup {
            Lookup::OnThread(lookup) => lookup,
            Lookup::Simulated(system) => {
                let found = (system.look_up)(&self.host);
                tokio::spawn(async move { names.end(found.await) });
                return;
            }
        };
        let work = move || {
            let found = catch_unwind(AssertUnwindSafe(|| lookup(&names.host)));
            let panicked = |_| Err(io::Error::other("the look-up of the host panicked"));
            names.end(found.unwrap_or_else(panicked));
        };
        if let Err(error) = thread::Builder::new().name("pingpp-names".into()).spawn(work) {
            self.end(Err(error));
        }
    }

    fn end(&self, found: Found) {
        self.lock().end(found);
        self.ended.notify_waiters();
    }

    /// Whether there are no addresses because the name server has not answered.
    pub(super) fn is_silent(&self) -> bool {
        let state = self.lock();
        state.addresses.is_empty() && state.running.is_some()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether a look-up has to be started, and until when to wait for one; `None` is as long as it
    /// takes.
    fn begin(&mut self, now: Instant) -> (bool, Option<Instant>) {
        let has_addresses = !self.addresses.is_empty();
        if has_addresses && self.fresh_until.is_some_and(|until| now < until) {
            return (false, Some(now));
        }
        let starts = self.running.is_none();
        let since = *self.running.get_or_insert(now);
        // A name server that failed before is not waited for once more.
        let until = if self.error.is_some() { now } else { since + PATIENCE };
        (starts, has_addresses.then_some(until))
    }

    fn end(&mut self, found: Found) {
        let began = self.running.take();
        match found {
            Ok(found) if !found.is_empty() => {
                self.addresses = in_turn(found);
                if let Some(proven) = self.proven {
                    self.prefer(proven);
                }
                self.error = None;
                self.fresh_until = began.map(|began| began + FRESH);
            }
            failed => {
                let error = failed.err().unwrap_or_else(|| {
                    io::Error::new(io::ErrorKind::NotFound, "the host has no address")
                });
                self.error = Some((error.kind(), error.to_string()));
                self.fresh_until = began.map(|began| began + PAUSE);
            }
        }
    }

    fn prefer(&mut self, address: IpAddr) {
        if let Some(place) = self.addresses.iter().position(|&known| known == address) {
            self.addresses[..=place].rotate_right(1);
        }
    }

    fn avoid(&mut self, address: IpAddr) {
        self.proven = self.proven.filter(|&proven| proven != address);
        if let Some(place) = self.addresses.iter().position(|&known| known == address) {
            self.addresses[place..].rotate_left(1);
        }
    }
}

/// Each address once; of both families in turn, beginning with that of the first, so that a family
/// without a route does not come first altogether.
fn in_turn(found: Vec<IpAddr>) -> Vec<IpAddr> {
    let begins_with_v4 = found.first().is_some_and(IpAddr::is_ipv4);
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for address in found {
        let family = if address.is_ipv4() == begins_with_v4 { &mut first } else { &mut second };
        if !family.contains(&address) {
            family.push(address);
        }
    }
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut both = Vec::new();
    while first.len() + second.len() > 0 {
        both.extend(first.next());
        both.extend(second.next());
    }
    both
}

/// Where a connection leads to. The address is preferred from its first byte on, and avoided when the
/// connection is closed after a while without one.
pub(super) struct Origin {
    names: Arc<Names>,
    address: IpAddr,
    /// `None` when it answered.
    silent_since: Option<Instant>,
}

impl Origin {
    pub(super) fn new(names: Arc<Names>, address: IpAddr) -> Self {
        Self { names, address, silent_since: Some(Instant::now()) }
    }

    pub(super) fn answered(mut self) {
        self.silent_since = None;
        self.names.change(|state| {
            state.proven = Some(self.address);
            state.prefer(self.address);
        });
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        if self.silent_since.is_some_and(|since| since.elapsed() >= SILENCE) {
            self.names.change(|state| state.avoid(self.address));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn addresses(text: &str) -> Vec<IpAddr> {
        text.split(' ').map(address).collect()
    }

    /// Look-ups that end when the test says how; the list counts those that began.
    fn scripted() -> (Arc<Names>, mpsc::Sender<Found>, Arc<Mutex<usize>>) {
        let (ends, end) = mpsc::channel();
        let (end, begun) = (Mutex::new(end), Arc::new(Mutex::new(0)));
        let count = Arc::clone(&begun);
        let lookup = Lookup::new(move |host| {
            assert_eq!(host, "api.pingxx.com");
            *count.lock().unwrap() += 1;
            let end = end.lock().unwrap_or_else(PoisonError::into_inner);
            end.recv().unwrap_or_else(|_| Err(io::Error::other("the test is over")))
        });
        (Names::new("api.pingxx.com", &[], lookup), ends, begun)
    }

    #[tokio::test]
    async fn what_is_given_is_not_looked_up() {
        let lookup = Lookup::new(|_| panic!("looked up"));
        let pinned = [
            ("api.pingxx.com".to_owned(), addresses("192.0.2.1 192.0.2.2")),
            ("Proxy".to_owned(), addresses("192.0.2.3")),
            ("proxy".to_owned(), addresses("192.0.2.4")),
        ];
        for (host, expected) in [
            ("127.0.0.1", "127.0.0.1"),
            ("[::1]", "::1"),
            ("API.pingxx.com", "192.0.2.1 192.0.2.2"),
            ("proxy", "192.0.2.4"),
        ] {
            let names = Names::new(host, &pinned, lookup.clone());
            assert_eq!(names.addresses().await.unwrap(), addresses(expected));
        }
        let names = Names::new("other", &pinned, lookup);
        let error = names.addresses().await.unwrap_err();
        assert_eq!(error.to_string(), "the look-up of the host panicked");
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_up_serves_all_calls_for_thirty_seconds() {
        let (names, ends, begun) = scripted();
        ends.send(Ok(addresses("192.0.2.1 192.0.2.1 192.0.2.2"))).unwrap();
        let found = addresses("192.0.2.1 192.0.2.2");
        let calls = [names.addresses(), names.addresses(), names.addresses()];
        for call in calls {
            assert_eq!(call.await.unwrap(), found);
        }
        tokio::time::advance(FRESH - Duration::from_millis(1)).await;
        assert_eq!(names.addresses().await.unwrap(), found);
        assert_eq!(*begun.lock().unwrap(), 1);
        tokio::time::advance(Duration::from_millis(1)).await;
        ends.send(Ok(addresses("192.0.2.3"))).unwrap();
        // The thread is not seen by the paused clock, which would run on.
        tokio::time::resume();
        assert_eq!(names.addresses().await.unwrap(), addresses("192.0.2.3"));
        assert_eq!(*begun.lock().unwrap(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_name_server_costs_one_short_wait_and_then_nothing() {
        let (names, ends, begun) = scripted();
        ends.send(Ok(addresses("192.0.2.1"))).unwrap();
        assert!(names.addresses().await.is_ok());
        tokio::time::advance(FRESH).await;
        let start = Instant::now();
        let both = tokio::join!(names.addresses(), names.addresses());
        assert_eq!(both.0.unwrap(), both.1.unwrap());
        assert_eq!(start.elapsed(), PATIENCE);
        let start = Instant::now();
        for _ in 0..100 {
            assert_eq!(names.addresses().await.unwrap(), addresses("192.0.2.1"));
        }
        assert!(start.elapsed() < Duration::from_millis(1));
        assert!(*begun.lock().unwrap() <= 2 && !names.is_silent());
    }

    #[test]
    fn a_name_server_that_fails_is_asked_again_later_and_not_waited_for() {
        let now = Instant::now();
        let mut state = State::default();
        assert_eq!(state.begin(now), (true, None));
        state.end(Err(io::Error::other("no")));
        assert_eq!(state.begin(now), (true, None), "there is nothing to go on with");
        state.end(Ok(addresses("192.0.2.1")));
        assert_eq!(state.begin(now), (false, Some(now)));
        let later = now + FRESH;
        assert_eq!(state.begin(later), (true, Some(later + PATIENCE)));
        let second = later + Duration::from_secs(1);
        assert_eq!(state.begin(second), (false, Some(later + PATIENCE)));
        state.end(Ok(Vec::new()));
        assert_eq!(state.addresses, addresses("192.0.2.1"));
        assert_eq!(state.begin(second), (false, Some(second)));
        assert_eq!(state.begin(later + PAUSE), (true, Some(later + PAUSE)));
        state.end(Ok(addresses("192.0.2.2")));
        assert_eq!(state.addresses, addresses("192.0.2.2"));
        let next = later + PAUSE + FRESH;
        assert_eq!(state.begin(next), (true, Some(next + PATIENCE)));
    }

    #[test]
    fn the_families_take_turns() {
        for (found, expected) in [
            ("::1 ::2 ::3 192.0.2.1", "::1 192.0.2.1 ::2 ::3"),
            ("192.0.2.1 ::1 192.0.2.2 ::1", "192.0.2.1 ::1 192.0.2.2"),
            ("192.0.2.2 192.0.2.1", "192.0.2.2 192.0.2.1"),
        ] {
            assert_eq!(in_turn(addresses(found)), addresses(expected));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_address_that_answered_is_the_first_and_a_silent_one_the_last() {
        let pinned = [("host".to_owned(), addresses("192.0.2.1 192.0.2.2 192.0.2.3"))];
        let names = Names::new("host", &pinned, Lookup::system());
        let origin = |text| Origin::new(Arc::clone(&names), address(text));
        origin("192.0.2.3").answered();
        let preferred = addresses("192.0.2.3 192.0.2.1 192.0.2.2");
        assert_eq!(names.addresses().await.unwrap(), preferred);
        drop(origin("192.0.2.3"));
        assert_eq!(names.addresses().await.unwrap(), preferred, "it had no time to answer");
        origin("192.0.2.9").answered();
        assert_eq!(names.addresses().await.unwrap(), preferred, "an address of former times");
        let silent = origin("192.0.2.3");
        tokio::time::advance(SILENCE).await;
        drop(silent);
        let avoided = addresses("192.0.2.1 192.0.2.2 192.0.2.3");
        assert_eq!(names.addresses().await.unwrap(), avoided);

        origin("192.0.2.2").answered();
        names.change(|state| state.end(Ok(addresses("192.0.2.1 192.0.2.2"))));
        assert_eq!(names.addresses().await.unwrap(), addresses("192.0.2.2 192.0.2.1"));
    }
}
