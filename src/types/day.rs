//! Days in China, for reconciliation.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use super::timestamp::{TimeRange, Timestamp};

const DAY: i64 = 24 * 3600;
/// China is eight hours ahead of UTC, in summer as well.
const AHEAD: i64 = 8 * 3600;

/// A day in China (UTC+8), by which Ping++ and the channels reconcile.
///
/// It is a range of time for the filter of a list, and reads and writes `2024-08-16`:
///
/// ```no_run
/// # async fn f(client: pingpp::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::SystemTime;
///
/// use pingpp::{Amount, Day, ListCharges, Timestamp};
///
/// let yesterday = Timestamp::from(SystemTime::now()).day().previous();
/// let mut charges = client.charges().list(ListCharges::builder().created(yesterday).paid(true));
/// let mut sum = Amount::from_fen(0);
/// while let Some(charge) = charges.next().await? {
///     sum = sum.checked_add(charge.amount).ok_or("too much")?;
/// }
/// println!("{yesterday}: {} fen", sum.as_fen());
/// assert_eq!(Day::new(2024, 8, 16), "2024-08-16".parse().ok());
/// # Ok(())
/// # }
/// ```
///
/// A charge belongs to the day on which it was created. UnionPay settles from 23:00 to 23:00; for that,
/// take ranges of [`Timestamp`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day {
    /// Days since 1970-01-01.
    number: i64,
}

impl Day {
    /// A day of the Gregorian calendar; `None` if there is no such day.
    pub const fn new(year: i32, month: u8, day: u8) -> Option<Self> {
        if month < 1 || month > 12 || day < 1 {
            return None;
        }
        let made = Self { number: number(year as i64, month as i64, day as i64) };
        let (_, same_month, same_day) = made.date();
        // A day after the end of its month is one of the next month.
        if same_month == month && same_day == day { Some(made) } else { None }
    }

    /// Year, month and day of the month.
    pub const fn date(self) -> (i64, u8, u8) {
        // Years that begin in March, so that the leap day is the last one. The guess is off by one at most.
        let march = self.number + FROM_YEAR_0;
        let mut year = (march as i128 * 400).div_euclid(DAYS_IN_400_YEARS as i128) as i64;
        if days_before(year) > march {
            year -= 1;
        }
        if days_before(year + 1) <= march {
            year += 1;
        }
        let of_year = march - days_before(year);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        if month < 10 {
            (year, month as u8 + 3, day as u8)
        } else {
            (year + 1, month as u8 - 9, day as u8)
        }
    }

    /// The first second of the day.
    pub const fn start(self) -> Timestamp {
        Timestamp::from_unix(self.number.saturating_mul(DAY).saturating_sub(AHEAD))
    }

    /// The day after.
    pub const fn next(self) -> Self {
        Self { number: self.number + 1 }
    }

    /// The day before.
    pub const fn previous(self) -> Self {
        Self { number: self.number - 1 }
    }
}

const DAYS_IN_400_YEARS: i64 = 400 * 365 + 97;
/// Days from 0000-03-01 to 1970-01-01.
const FROM_YEAR_0: i64 = 719_468;

/// Days before the first of March of a year, from the one of the year 0.
const fn days_before(year: i64) -> i64 {
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400)
}

const fn number(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    days_before(year) + (153 * month + 2) / 5 + day - 1 - FROM_YEAR_0
}

impl Timestamp {
    /// The day in China at this time.
    pub const fn day(self) -> Day {
        let (day, second) = (self.as_unix().div_euclid(DAY), self.as_unix().rem_euclid(DAY));
        Day { number: if second >= DAY - AHEAD { day + 1 } else { day } }
    }
}

impl From<Day> for TimeRange {
    /// From the first second of the day until the first one of the next.
    fn from(day: Day) -> Self {
        (day.start()..day.next().start()).into()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Day {
    type Err = ParseDayError;

    /// Reads `2024-08-16`, and nothing else.
    fn from_str(text: &str) -> Result<Self, ParseDayError> {
        let mut parts = text.split('-');
        let mut part = |digits: usize| {
            parts.next().filter(|p| p.len() == digits && p.bytes().all(|b| b.is_ascii_digit()))
        };
        let (year, month, day) = (part(4), part(2), part(2));
        let day = || Self::new(year?.parse().ok()?, month?.parse().ok()?, day?.parse().ok()?);
        if parts.next().is_some() { None } else { day() }.ok_or(ParseDayError)
    }
}

/// A text that is not a day such as `2024-08-16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseDayError;

impl fmt::Display for ParseDayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a day: write it as 2024-08-16")
    }
}

impl Error for ParseDayError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn days_begin_where_clocks_in_china_say_so() {
        // From `TZ=Etc/GMT-8 date -d 'YYYY-MM-DD 00:00' +%s`.
        for (day, start) in [
            ("1970-01-01", -28_800),
            ("1999-12-31", 946_569_600),
            ("2000-02-29", 951_753_600),
            ("2000-03-01", 951_840_000),
            ("2024-02-29", 1_709_136_000),
            ("2024-08-16", 1_723_737_600),
            ("2026-11-25", 1_795_536_000),
            ("2100-02-28", 4_107_427_200),
            ("2100-03-01", 4_107_513_600),
            ("2400-02-29", 13_574_534_400),
        ] {
            let read: Day = day.parse().unwrap();
            assert_eq!(read.start().as_unix(), start, "{day}");
            assert_eq!(read.to_string(), day);
            assert_eq!(
                (read.start().day(), Timestamp::from_unix(start - 1).day()),
                (read, read.previous())
            );
        }
    }

    #[test]
    fn each_day_of_two_thousand_years_follows_the_one_before() {
        let is_leap = |year: i32| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let mut expected = Day::new(1000, 1, 1).unwrap();
        for year in 1000..3000 {
            for month in 1..=12 {
                let length = match month {
                    2 if is_leap(year) => 29,
                    2 => 28,
                    4 | 6 | 9 | 11 => 30,
                    _ => 31,
                };
                for day in 1..=length {
                    assert_eq!(Day::new(year, month, day), Some(expected));
                    assert_eq!(expected.date(), (i64::from(year), month, day));
                    expected = expected.next();
                }
                assert_eq!(Day::new(year, month, length + 1), None);
            }
        }
    }

    #[test]
    fn a_day_is_the_range_from_its_first_second_until_that_of_the_next_day() {
        let range = TimeRange::from(Day::new(2024, 8, 16).unwrap());
        let written = serde_json::to_value(range).unwrap();
        assert_eq!(written, serde_json::json!({ "gte": 1_723_737_600, "lt": 1_723_824_000 }));
    }

    #[test]
    fn what_is_not_a_day_is_refused() {
        for text in [
            "",
            "2024-8-16",
            "2024-08-16T00",
            "2024-08-16-",
            "24-08-16",
            "2024/08/16",
            "2024-02-30",
            "2023-02-29",
            "2024-13-01",
            "2024-00-01",
            "2024-01-00",
            "+024-01-01",
            "2024-01-1 ",
        ] {
            assert!(text.parse::<Day>().is_err(), "{text:?}");
        }
        assert_eq!(Day::new(2024, 255, 1), None);
    }

    proptest! {
        #[test]
        fn every_second_is_in_the_range_of_its_day(seconds: i64) {
            let day = Timestamp::from_unix(seconds).day();
            let (start, end) = (day.start().as_unix(), day.next().start().as_unix());
            prop_assert!(start <= seconds && (seconds < end || end == i64::MAX), "{start} {end}");
            let (year, month, of_month) = day.date();
            prop_assert_eq!(number(year, i64::from(month), i64::from(of_month)), day.number);
        }
    }
}
