//! Points in time, and ranges of them for filters.

use std::error::Error;
use std::fmt;
use std::num::ParseIntError;
use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::macros::from_json::FromJson;

/// A point in time in whole seconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From seconds since 1970.
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// As seconds since 1970.
    pub const fn as_unix(self) -> i64 {
        self.0
    }
}

impl From<SystemTime> for Timestamp {
    /// Rounds down to the second; times beyond what fits become the last that does.
    fn from(time: SystemTime) -> Self {
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        Self(match time.duration_since(UNIX_EPOCH) {
            Ok(after) => seconds(after),
            Err(before) => {
                let before = before.duration();
                -seconds(before) - i64::from(before.subsec_nanos() > 0)
            }
        })
    }
}

impl TryFrom<Timestamp> for SystemTime {
    type Error = OutOfRange;

    fn try_from(timestamp: Timestamp) -> Result<Self, OutOfRange> {
        let distance = Duration::from_secs(timestamp.0.unsigned_abs());
        if timestamp.0 < 0 {
            UNIX_EPOCH.checked_sub(distance).ok_or(OutOfRange)
        } else {
            UNIX_EPOCH.checked_add(distance).ok_or(OutOfRange)
        }
    }
}

/// A [`Timestamp`] that the system clock cannot express.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfRange;

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the timestamp is out of the range of the system's clock")
    }
}

impl Error for OutOfRange {}

impl fmt::Display for Timestamp {
    /// In seconds since 1970, as in the API.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Timestamp {
    type Err = ParseIntError;

    /// Reads seconds since 1970.
    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

impl FromJson for Timestamp {}

/// A range of time for the filter of a list: `from..until`, `from..`, `..until` or `from..=last`, or a
/// [`Day`](super::Day).
///
/// ```
/// use pingpp::{ListCharges, Timestamp};
///
/// let (from, until) = (Timestamp::from_unix(1_795_363_200), Timestamp::from_unix(1_795_449_600));
/// let filter = ListCharges::builder().created(from..until).build();
/// ```
#[skip_serializing_none]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TimeRange {
    gte: Option<Timestamp>,
    lt: Option<Timestamp>,
    lte: Option<Timestamp>,
}

impl TimeRange {
    const ALL: Self = Self { gte: None, lt: None, lte: None };
}

impl From<Range<Timestamp>> for TimeRange {
    fn from(range: Range<Timestamp>) -> Self {
        Self { gte: Some(range.start), lt: Some(range.end), ..Self::ALL }
    }
}

impl From<RangeFrom<Timestamp>> for TimeRange {
    fn from(range: RangeFrom<Timestamp>) -> Self {
        Self { gte: Some(range.start), ..Self::ALL }
    }
}

impl From<RangeTo<Timestamp>> for TimeRange {
    fn from(range: RangeTo<Timestamp>) -> Self {
        Self { lt: Some(range.end), ..Self::ALL }
    }
}

impl From<RangeInclusive<Timestamp>> for TimeRange {
    fn from(range: RangeInclusive<Timestamp>) -> Self {
        let (first, last) = range.into_inner();
        Self { gte: Some(first), lte: Some(last), ..Self::ALL }
    }
}

impl From<RangeToInclusive<Timestamp>> for TimeRange {
    fn from(range: RangeToInclusive<Timestamp>) -> Self {
        Self { lte: Some(range.end), ..Self::ALL }
    }
}

impl From<RangeFull> for TimeRange {
    fn from(_: RangeFull) -> Self {
        Self::ALL
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_timestamp_survives_the_system_clock_and_its_text(seconds: i64) {
            let timestamp = Timestamp::from_unix(seconds);
            if let Ok(time) = SystemTime::try_from(timestamp) {
                prop_assert_eq!(Timestamp::from(time), timestamp);
            }
            prop_assert_eq!(timestamp.to_string().parse(), Ok(timestamp));
        }
    }
}
