//! The server's clock, measured from the `Date` of its answers.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{AGE, DATE};

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

/// The last measurement, shared by the clones of a client.
#[derive(Debug)]
pub(crate) struct ServerClock {
    /// Milliseconds that this machine is ahead; [`UNKNOWN`](Self::UNKNOWN) before the first answer.
    ahead: AtomicI64,
}

impl ServerClock {
    const UNKNOWN: i64 = i64::MIN;

    pub(crate) fn new() -> Self {
        Self { ahead: AtomicI64::new(Self::UNKNOWN) }
    }

    pub(crate) fn set(&self, reading: Option<i64>) {
        if let Some(ahead) = reading {
            self.ahead.store(ahead, Relaxed);
        }
    }

    pub(crate) fn skew(&self) -> Option<ClockSkew> {
        let ahead = self.ahead.load(Relaxed);
        let by = Duration::from_millis(ahead.unsigned_abs());
        (ahead != Self::UNKNOWN).then_some(ClockSkew { by, is_ahead: ahead > 0 })
    }
}

/// Answers that took longer say too little about the moment of their `Date`.
const LONGEST: Duration = Duration::from_secs(10);

/// Milliseconds that this machine is ahead, by an answer: its `Date` is compared with the middle of
/// sending and receiving. `None` if it has none, or comes from a cache.
pub(crate) fn reading(headers: &HeaderMap, sent: SystemTime, took: Duration) -> Option<i64> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let is_cached = text(AGE).is_some_and(|age| age.trim() != "0");
    if is_cached || took > LONGEST {
        return None;
    }
    let date = httpdate::parse_http_date(text(DATE)?).ok()?;
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
        let clock = ServerClock::new();
        let headers = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()));
        clock.set(reading(&headers.collect(), sent, took));
        clock.skew()
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
}
