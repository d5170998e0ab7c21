//! What is sent again, when, and what is known afterwards: pure decisions, no I/O and no clock.
//!
//! Ping++ has no idempotency key, so a second send is a question of money first and of
//! availability second. The loop that acts on these decisions is in `call`.

use std::time::{Duration, SystemTime};

use crate::ErrorCode;
use crate::error::{ErrorDetail, Outcome};

/// What a second send of a request does, and so when the SDK may make one.
#[doc = include_str!("retry.md")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repeat {
    /// Nothing, or the same final state: queries, reverse, cancel, updates to absolute values.
    Always,
    /// The same as the first, if it follows within this time of the first send: charge create,
    /// whose same six fields return the first charge for a minute.
    Within(Duration),
    /// Perhaps the operation a second time: refund, transfer, withdrawal, and whatever is not
    /// proven. Sent again only if it was provably not sent, or if Ping++ itself answered that too
    /// many requests are under way.
    Never,
}

/// How often a call may be sent.
///
/// What may be sent again at all is decided by the [`Repeat`] of the operation, never by this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    max_sends: u32,
}

impl RetryPolicy {
    /// Every call is sent once at the most.
    pub const fn none() -> Self {
        Self { max_sends: 1 }
    }

    /// At most this many sends of one call, the first included; 0 counts as 1. [`Repeat::Within`]
    /// stops at 3 all the same.
    pub const fn max_sends(n: u32) -> Self {
        Self { max_sends: if n == 0 { 1 } else { n } }
    }

    fn sends(self, repeat: Repeat) -> u32 {
        match repeat {
            Repeat::Within(_) => self.max_sends.min(3),
            _ => self.max_sends,
        }
    }
}

impl Default for RetryPolicy {
    /// 4 sends: the first and three more.
    fn default() -> Self {
        Self::max_sends(4)
    }
}

/// How an attempt failed, as far as repeating it is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Provably not sent; the next attempt may fare better.
    Unsent,
    /// Provably not sent, and the next attempt will not be either.
    Unsendable,
    /// Perhaps carried out, no usable answer: it may help to ask again.
    Lost,
    /// Perhaps carried out, and asking again will not tell more.
    Unclear,
    /// Ping++ has too much to do and did not begin.
    RateLimited,
    /// Ping++ answered that it did not do it.
    Refused,
}

impl Failure {
    /// What one attempt that failed so can have done.
    pub(crate) fn outcome(self) -> Outcome {
        match self {
            Self::Unsent | Self::Unsendable => Outcome::NotSent,
            Self::RateLimited | Self::Refused => Outcome::Rejected,
            Self::Lost | Self::Unclear => Outcome::Unknown,
        }
    }

    /// Reads the status of an answer that is not a 2xx. `detail` is `None` if the body is not an
    /// error of Ping++; `reads` is whether the request changes nothing.
    pub(crate) fn of_status(status: u16, detail: Option<&ErrorDetail>, reads: bool) -> Self {
        match (status, detail.filter(|detail| detail.is_of_pingxx())) {
            (408 | 500..=599, _) => Self::Lost,
            (403 | 429, Some(_)) => Self::RateLimited,
            // Somebody's proxy: its 403 keeps requests out, its 429 may come after one went through.
            (403, None) => Self::Refused,
            (429, None) => Self::Unclear,
            (400 | 401 | 404, _) => Self::Refused,
            // A channel that did not answer in time is a 402 as well.
            (402, Some(detail)) if detail.code.as_ref().is_some_and(is_refusal) => Self::Refused,
            (402, _) => Self::Unclear,
            (300..=399, _) if reads => Self::Refused,
            (400..=499, Some(_)) => Self::Refused,
            _ => Self::Unclear,
        }
    }
}

/// Codes with which Ping++ or the channel says that it did not do it and will not. The others
/// (`channel_connection_error`, `refund_retry`, unknown ones) leave open what the channel did.
fn is_refusal(code: &ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::ChargeClosed
            | ErrorCode::ChargeUnexpectedStatus
            | ErrorCode::ChargeOrderNoUsed
            | ErrorCode::ChargeRequestInvalid
            | ErrorCode::RefundRefused
            | ErrorCode::RefundRefusedMsg
            | ErrorCode::RefundUnexpectedStatus
            | ErrorCode::RefundNotFound
            | ErrorCode::ChannelNotSupportRedEnvelope
            | ErrorCode::ChannelNotSupportTransfer
            | ErrorCode::QueryRightError
    )
}

/// The outcome of a call from the outcomes of its attempts: one that may have been carried out
/// stays unknown whatever a later attempt is told.
pub(crate) fn combined(attempts: impl IntoIterator<Item = Outcome>) -> Outcome {
    attempts.into_iter().fold(Outcome::NotSent, |sum, next| match (sum, next) {
        (Outcome::Unknown, _) | (_, Outcome::Unknown) => Outcome::Unknown,
        (Outcome::Rejected, _) | (_, Outcome::Rejected) => Outcome::Rejected,
        (Outcome::NotSent, Outcome::NotSent) => Outcome::NotSent,
    })
}

/// Where a call stands after an attempt failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    /// Attempts made so far.
    pub(crate) sends: u32,
    /// Time since the first attempt that may have been sent, if there was one.
    pub(crate) since_sent: Option<Duration>,
    /// Time until the deadline of the call.
    pub(crate) left: Duration,
    /// What the server asked for.
    pub(crate) retry_after: Option<Duration>,
    /// The attempt was lost with a connection that had been idle: no sign of trouble, so the next
    /// one need not wait.
    pub(crate) stale: bool,
    /// Random, from 0 to 1.
    pub(crate) jitter: f64,
}

/// How long to wait before the next attempt; `None` if there is to be none.
pub(crate) fn next_attempt(
    repeat: Repeat,
    failure: Failure,
    policy: RetryPolicy,
    progress: &Progress,
) -> Option<Duration> {
    let may_repeat = match (failure, repeat) {
        (Failure::Unsendable | Failure::Refused | Failure::Unclear, _) => false,
        (Failure::Unsent | Failure::RateLimited, _) => true,
        (Failure::Lost, Repeat::Always | Repeat::Within(_)) => true,
        (Failure::Lost, Repeat::Never) => false,
    };
    if !may_repeat || progress.sends >= policy.sends(repeat) {
        return None;
    }
    let wait = if progress.stale { Duration::ZERO } else { wait(failure, progress) };
    let in_window = match (repeat, progress.since_sent) {
        (Repeat::Within(window), Some(since)) => since + wait <= window,
        _ => true,
    };
    (in_window && wait < progress.left).then_some(wait)
}

const BACKOFF_CAP: Duration = Duration::from_secs(5);
const RETRY_AFTER_CAP: Duration = Duration::from_secs(30);

/// Full jitter, so that the callers of an outage do not come back together.
fn wait(failure: Failure, progress: &Progress) -> Duration {
    let base = Duration::from_millis(if failure == Failure::RateLimited { 1_000 } else { 100 });
    let doubled = base.saturating_mul(1 << progress.sends.saturating_sub(1).min(16));
    let backoff = doubled.min(BACKOFF_CAP).mul_f64(progress.jitter.clamp(0.0, 1.0));
    progress.retry_after.map_or(backoff, |asked| asked.min(RETRY_AFTER_CAP).max(backoff))
}

/// Reads `Retry-After`, seconds or an HTTP date; anything else counts as absent.
pub(crate) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// What the retries of one client may cost, so that an outage is not made worse by them.
///
/// It is counted in time: a retry costs two seconds, passing time and successes earn them. It starts
/// full. While nothing succeeds, one retry every two seconds remains, and they come back by
/// themselves when the outage ends.
#[derive(Debug)]
pub(crate) struct Budget {
    saved: Duration,
    /// When `saved` was right, on the caller's clock.
    at: Duration,
}

impl Budget {
    const COST: Duration = Duration::from_secs(2);
    const FULL: Duration = Duration::from_secs(20);
    const SUCCESS: Duration = Duration::from_millis(200);

    pub(crate) fn new() -> Self {
        Self { saved: Self::FULL, at: Duration::ZERO }
    }

    /// Pays for one retry, if there is enough; `now` is time on any steady clock.
    pub(crate) fn take(&mut self, now: Duration) -> bool {
        self.earn(now.saturating_sub(self.at));
        self.at = self.at.max(now);
        let rest = self.saved.checked_sub(Self::COST);
        self.saved = rest.unwrap_or(self.saved);
        rest.is_some()
    }

    pub(crate) fn succeeded(&mut self) {
        self.earn(Self::SUCCESS);
    }

    fn earn(&mut self, time: Duration) {
        self.saved = (self.saved + time).min(Self::FULL);
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const CREATE: Repeat = Repeat::Within(Duration::from_secs(50));

    fn of(status: u16, body: &str) -> Failure {
        Failure::of_status(status, ErrorDetail::parse(body.as_bytes()).as_ref(), false)
    }

    fn coded(status: u16, code: &str) -> Failure {
        of(status, &format!(r#"{{"error":{{"type":"channel_error","code":"{code}"}}}}"#))
    }

    const PLAIN: &str = r#"{"error":{"type":"invalid_request_error","message":"m"}}"#;
    const HTML: &str = "<html>Bad Gateway</html>";
    /// Of gateways that speak JSON too.
    const GATEWAY: &str = r#"{"error":{"message":"Too Many Requests","type":"throttled"}}"#;
    const LIST: &str = r#"[{"error":[]}]"#;

    fn progress(sends: u32) -> Progress {
        let since_sent = Some(Duration::ZERO);
        Progress { sends, since_sent, left: MINUTE, retry_after: None, stale: false, jitter: 1.0 }
    }

    fn next(repeat: Repeat, failure: Failure, progress: Progress) -> Option<Duration> {
        next_attempt(repeat, failure, RetryPolicy::default(), &progress)
    }

    /// Every row of the published table, with all that must fall into it.
    fn rows() -> Vec<(&'static str, Vec<Failure>)> {
        let statuses = |all: &[u16], bodies: &[&str]| {
            all.iter().flat_map(|&s| bodies.iter().map(move |b| of(s, b))).collect::<Vec<_>>()
        };
        vec![
            (
                "DNS, TCP, TLS or proxy failed; connection died before the request was written",
                vec![Failure::Unsent],
            ),
            ("TLS certificate refused; request not signed", vec![Failure::Unsendable]),
            ("time-out, reset, end or garbage on a connection", vec![Failure::Lost]),
            ("408, 5xx", statuses(&[408, 500, 502, 503, 504, 599], &[PLAIN, HTML, "", "null"])),
            ("403 or 429 of Ping++ (JSON)", statuses(&[403, 429], &[PLAIN])),
            ("403 of somebody else", statuses(&[403], &[HTML, "", "{}", GATEWAY, LIST])),
            ("429 of somebody else", statuses(&[429], &[HTML, "", "{}", GATEWAY, LIST])),
            ("400, 401, 404", statuses(&[400, 401, 404], &[PLAIN, HTML, ""])),
            (
                "402 with a code of definite refusal",
                vec![
                    coded(402, "charge_closed"),
                    coded(402, "charge_unexpected_status"),
                    coded(402, "refund_refused"),
                ],
            ),
            (
                "402 otherwise",
                vec![
                    coded(402, "channel_connection_error"),
                    coded(402, "refund_retry"),
                    coded(402, "something_new"),
                    of(402, PLAIN),
                    of(402, HTML),
                ],
            ),
            ("3xx", statuses(&[301, 302, 307], &[HTML, ""])),
            ("2xx that does not decode, is cut, too large or compressed", vec![Failure::Lost]),
            (
                "2xx not signed by Ping++ (if keys are set), or about something else",
                vec![Failure::Unclear],
            ),
        ]
    }

    #[test]
    fn the_published_table_says_what_the_code_does() {
        let mut table = String::from(
            "\n| what happened | `Always` | `Within` | `Never` | outcome if it ends here |\n\
             |---|---|---|---|---|\n",
        );
        for (what, failures) in rows() {
            let cells = |failure| {
                let cell = |repeat, again: &'static str| {
                    if next(repeat, failure, progress(1)).is_some() { again } else { "-" }
                };
                let limits = failure == Failure::Lost || failure == Failure::RateLimited;
                format!(
                    "| {} | {} | {} | {:?} |",
                    cell(Repeat::Always, "again"),
                    cell(CREATE, if limits { "again, in time" } else { "again" }),
                    cell(Repeat::Never, "again"),
                    failure.outcome(),
                )
            };
            let line = cells(failures[0]);
            for &failure in &failures {
                assert_eq!(cells(failure), line, "{what}");
            }
            table += &format!("| {what} {line}\n");
        }
        let published = include_str!("retry.md");
        assert!(published.contains(&table), "src/retry.md should contain:\n{table}");
    }

    #[test]
    fn a_redirected_read_did_nothing() {
        assert_eq!(Failure::of_status(307, None, true).outcome(), Outcome::Rejected);
    }

    #[test]
    fn one_doubtful_attempt_leaves_the_call_in_doubt() {
        use Outcome::{NotSent, Rejected, Unknown};
        for (attempts, sum) in [
            (vec![], NotSent),
            (vec![NotSent, NotSent], NotSent),
            (vec![NotSent, Rejected], Rejected),
            (vec![Rejected, NotSent], Rejected),
            (vec![Unknown, Rejected], Unknown),
            (vec![Unknown, NotSent], Unknown),
            (vec![NotSent, Unknown], Unknown),
        ] {
            assert_eq!(combined(attempts.clone()), sum, "{attempts:?}");
        }
    }

    #[test]
    fn sends_are_counted() {
        assert!(next(Repeat::Always, Failure::Lost, progress(3)).is_some());
        assert!(next(Repeat::Always, Failure::Lost, progress(4)).is_none());
        assert!(next(CREATE, Failure::Lost, progress(2)).is_some());
        assert!(next(CREATE, Failure::Lost, progress(3)).is_none());
        let once = RetryPolicy::none();
        assert!(next_attempt(Repeat::Always, Failure::Unsent, once, &progress(1)).is_none());
        assert_eq!(RetryPolicy::max_sends(0), once);
    }

    #[test]
    fn what_was_lost_with_a_kept_connection_is_sent_again_at_once() {
        let stale = |repeat, sends| {
            next(repeat, Failure::Lost, Progress { stale: true, ..progress(sends) })
        };
        assert_eq!(stale(Repeat::Always, 1), Some(Duration::ZERO));
        assert_eq!(stale(CREATE, 1), Some(Duration::ZERO));
        assert_eq!(stale(Repeat::Always, 4), None);
        assert_eq!(stale(Repeat::Never, 1), None);
    }

    #[test]
    fn a_create_is_not_sent_again_after_its_window() {
        let at = |seconds, jitter| {
            let since_sent = Some(Duration::from_secs(seconds));
            next(CREATE, Failure::Lost, Progress { since_sent, jitter, ..progress(1) })
        };
        assert!(at(49, 1.0).is_some());
        assert!(at(50, 0.0).is_some());
        assert!(at(50, 0.1).is_none(), "the pause counts as well");
        let unsent = Progress { since_sent: None, ..progress(1) };
        assert!(next(CREATE, Failure::Unsent, unsent).is_some());
    }

    #[test]
    fn no_pause_ends_after_the_deadline() {
        let left = |millis| Progress { left: Duration::from_millis(millis), ..progress(1) };
        assert_eq!(
            next(Repeat::Always, Failure::Lost, left(101)),
            Some(Duration::from_millis(100))
        );
        assert_eq!(next(Repeat::Always, Failure::Lost, left(100)), None);
    }

    #[test]
    fn pauses_double_with_full_jitter_up_to_five_seconds() {
        let policy = RetryPolicy::max_sends(100);
        let pause = |failure, sends, jitter| {
            let progress = Progress { jitter, ..progress(sends) };
            next_attempt(Repeat::Always, failure, policy, &progress).unwrap().as_millis()
        };
        let lost: Vec<_> = (1..9).map(|sends| pause(Failure::Lost, sends, 1.0)).collect();
        assert_eq!(lost, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(pause(Failure::Lost, 80, 1.0), 5000);
        assert_eq!(pause(Failure::Lost, 3, 0.0), 0);
        assert_eq!(pause(Failure::RateLimited, 1, 1.0), 1000);
    }

    #[test]
    fn retry_after_is_honoured_between_the_backoff_and_thirty_seconds() {
        let pause = |asked| {
            let retry_after = Some(Duration::from_secs(asked));
            let progress = Progress { retry_after, ..progress(1) };
            next(Repeat::Always, Failure::RateLimited, progress).unwrap().as_secs()
        };
        assert_eq!((pause(0), pause(7), pause(300)), (1, 7, 30));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
        let read = |value| retry_after(value, now).map(|wait| wait.as_secs());
        assert_eq!(read("120"), Some(120));
        assert_eq!(read(" 3 "), Some(3));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:47 GMT"), Some(10));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:30 GMT"), Some(0));
        for nonsense in ["", "-1", "1.5", "soon", "99999999999999999999999"] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn retries_run_out_in_an_outage_and_come_back_with_time_or_success() {
        let mut budget = Budget::new();
        let at = Duration::from_secs;
        let taken = (0..100).filter(|_| budget.take(at(0))).count();
        assert_eq!(taken, 10);
        assert!(!budget.take(at(1)));
        assert!(budget.take(at(2)));
        for _ in 0..10 {
            budget.succeeded();
        }
        assert!(budget.take(at(2)));
        let taken = (0..100).filter(|_| budget.take(at(3600))).count();
        assert_eq!(taken, 10, "it never holds more");
    }
}
