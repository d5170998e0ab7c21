//! The server's clock, measured from the `Date` of its answers.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{AGE, DATE};
use tokio::time::Instant;

/// How far this machine's clock is from the server's; from
/// [`Client::clock_skew`](crate::Client::clock_skew).
///
/// `Date` has whole seconds, so it is right to about a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClockSkew {
    /// How far.
    pub by: Duration,
    /// Whether this machine's clock is ahead of the server's; behind it otherwise.
    pub is_ahead: bool,
}

impl ClockSkew {
    /// Smaller differences are explained by network delay and rounding.
    const NOTABLE: Duration = Duration::from_secs(30);

    pub(crate) fn is_notable(self) -> bool {
        self.by >= Self::NOTABLE
    }

    /// Whether a timestamp that was corrected by `other` is still notably wrong.
    pub(crate) fn is_far_from(self, other: Option<Self>) -> bool {
        let signed = |skew: Self| if skew.is_ahead { -millis(skew.by) } else { millis(skew.by) };
        let distance = signed(self).abs_diff(other.map_or(0, signed));
        Duration::from_millis(distance) >= Self::NOTABLE
    }

    /// The server's time when this machine's clock shows `local`.
    pub(crate) fn to_server(self, local: SystemTime) -> SystemTime {
        let moved =
            if self.is_ahead { local.checked_sub(self.by) } else { local.checked_add(self.by) };
        moved.unwrap_or(local)
    }
}

impl fmt::Display for ClockSkew {
    /// Such as `14 minutes ahead of the server's`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.by.as_secs();
        let (number, unit) = match seconds {
            0..120 => (seconds, "second"),
            120..7_200 => ((seconds + 30) / 60, "minute"),
            7_200..172_800 => ((seconds + 1_800) / 3_600, "hour"),
            _ => ((seconds + 43_200) / 86_400, "day"),
        };
        let (plural, side) =
            (if number == 1 { "" } else { "s" }, if self.is_ahead { "ahead of" } else { "behind" });
        write!(f, "{number} {unit}{plural} {side} the server's")
    }
}

/// A moment by both clocks of this machine. The wall clock can be set; the steady one stands still
/// while the machine is suspended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) steady: Instant,
    pub(crate) wall: SystemTime,
}

impl Moment {
    /// Whether both clocks have gone on together between two moments. If not, the wall clock was set
    /// or the machine was suspended, so that what one knows about the wall clock is no news of the other.
    fn is_continuous_with(self, other: Self) -> bool {
        let (first, last) = if self.steady <= other.steady { (self, other) } else { (other, self) };
        let steady = last.steady - first.steady;
        let apart = match last.wall.duration_since(first.wall) {
            Ok(wall) => wall.abs_diff(steady),
            Err(back) => back.duration() + steady,
        };
        apart < ClockSkew::NOTABLE
    }
}

/// The last measurement, shared by the clones of a client.
#[derive(Debug, Default)]
pub(crate) struct ServerClock {
    /// Milliseconds that this machine is ahead, and when that was measured; `None` before the first
    /// answer.
    last: Mutex<Option<(i64, Moment)>>,
}

impl ServerClock {
    pub(crate) fn set(&self, reading: Option<i64>, at: Moment) {
        if let Some(ahead) = reading {
            *self.lock() = Some((ahead, at));
        }
    }

    /// How far this machine's clock was off at a moment; `None` if it was set between that and the last
    /// measurement.
    pub(crate) fn skew(&self, at: Moment) -> Option<ClockSkew> {
        let (ahead, _) = (*self.lock()).filter(|(_, measured)| measured.is_continuous_with(at))?;
        let by = Duration::from_millis(ahead.unsigned_abs());
        Some(ClockSkew { by, is_ahead: ahead > 0 })
    }

    fn lock(&self) -> MutexGuard<'_, Option<(i64, Moment)>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers that took longer say too little about the moment of their `Date`.
const LONGEST: Duration = Duration::from_secs(10);

/// The server's clock when it answered: `Date`, unless the answer comes from a cache, where it is old.
pub(crate) fn date(headers: &HeaderMap) -> Option<SystemTime> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let is_cached = text(AGE).is_some_and(|age| age.trim() != "0");
    httpdate::parse_http_date(text(DATE).filter(|_| !is_cached)?).ok()
}

/// Milliseconds that this machine is ahead, by an answer: its [`date`] is compared with the middle of
/// sending and receiving.
pub(crate) fn reading(headers: &HeaderMap, sent: SystemTime, took: Duration) -> Option<i64> {
    let date = date(headers).filter(|_| took <= LONGEST)?;
    // On average the second of a `Date` is half over.
    Some(match (sent + took / 2).duration_since(date + Duration::from_millis(500)) {
        Ok(ahead) => millis(ahead),
        Err(behind) => -millis(behind.duration()),
    })
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn measured(headers: &[(&'static str, &str)], took: Duration) -> Option<ClockSkew> {
        // 1994-11-06 08:49:37 GMT.
        let sent = UNIX_EPOCH + Duration::from_secs(784_111_777);
        let clock = ServerClock::default();
        let now = Moment { steady: Instant::now(), wall: sent };
        let headers = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()));
        clock.set(reading(&headers.collect(), sent, took), now);
        clock.skew(now)
    }

    #[test]
    fn the_date_of_an_answer_is_held_against_the_middle_of_the_exchange() {
        let second = Duration::from_secs(1);
        let date = |date| measured(&[("date", date)], second);
        let same = date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(same.by, Duration::ZERO);
        let ahead = date("Sun, 06 Nov 1994 08:35:37 GMT").unwrap();
        assert_eq!(ahead.to_string(), "14 minutes ahead of the server's");
        let behind = date("Sun, 06 Nov 1994 09:49:37 GMT").unwrap();
        assert_eq!(behind.to_string(), "60 minutes behind the server's");
        let now = UNIX_EPOCH + Duration::from_secs(10_000);
        assert_eq!(behind.to_server(ahead.to_server(now)), now + Duration::from_secs(46 * 60));
        assert_eq!(
            ClockSkew { by: second, is_ahead: true }.to_string(),
            "1 second ahead of the server's"
        );
    }

    #[test]
    fn an_answer_of_a_cache_or_without_a_date_says_nothing() {
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        for headers in [&[][..], &[("date", "soon")], &[date, ("age", "60")]] {
            assert_eq!(measured(headers, Duration::ZERO), None);
        }
        assert_eq!(measured(&[date], Duration::from_secs(11)), None);
        assert!(measured(&[date, ("age", "0")], Duration::ZERO).is_some());
    }

    #[test]
    fn what_was_measured_before_the_clock_was_set_is_not_known_after_it() {
        let first =
            Moment { steady: Instant::now(), wall: UNIX_EPOCH + Duration::from_secs(10_000) };
        let after = |steady, wall: i64| Moment {
            steady: first.steady + Duration::from_secs(steady),
            wall: UNIX_EPOCH + Duration::from_secs(10_000_u64.saturating_add_signed(wall)),
        };
        let clock = ServerClock::default();
        assert_eq!(clock.skew(first), None);
        clock.set(Some(5_000), first);
        // Neither is the clock of a machine that was suspended.
        for (steady, wall, is_known) in [
            (0, 0, true),
            (600, 600, true),
            (600, 625, true),
            (600, -3_000, false),
            (5, 3_605, false),
        ] {
            assert_eq!(clock.skew(after(steady, wall)).is_some(), is_known, "{steady} {wall}");
        }
        // A moment before the measurement.
        clock.set(Some(5_000), after(600, 600));
        assert!(clock.skew(first).is_some());
        clock.set(Some(5_000), after(600, 4_200));
        assert_eq!(clock.skew(first), None);
        clock.set(None, first);
        assert!(
            clock.skew(after(600, 4_200)).is_some(),
            "an answer without a clock changes nothing"
        );
    }
}
