//! What the sandbox knows, and its clock: charges, refunds, events, and what is about to happen.
//! No I/O; the operations are in `charges`, `refunds` and `events`.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::charges::Charge;
use super::events::{Event, Outbox};
use super::query::{Query, decoded};
use super::refunds::Refund;

/// Everything there is, by age.
#[derive(Default)]
pub(super) struct State {
    pub(super) clock: Clock,
    pub(super) charges: Vec<Charge>,
    pub(super) charge_by_id: HashMap<Box<str>, usize>,
    /// The last charge of an order.
    pub(super) charge_by_order: HashMap<Box<str>, usize>,
    pub(super) refunds: Vec<Refund>,
    pub(super) events: Vec<Event>,
    pub(super) outbox: Outbox,
    due: BTreeMap<(Millis, usize), Due>,
    dues: usize,
}

/// Milliseconds since 1970.
pub(super) type Millis = u64;

/// What happens by itself when its time has come.
#[derive(Clone, Copy)]
pub(super) enum Due {
    /// The customer pays this charge.
    Pay(usize),
    /// The channel settles this refund.
    Refund(usize),
}

/// Tokio's clock, put forward by hand: it stands still in a test that pauses time.
pub(super) struct Clock {
    started: Instant,
    at_start: Duration,
    ahead: Duration,
}

impl Default for Clock {
    fn default() -> Self {
        let at_start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), at_start, ahead: Duration::ZERO }
    }
}

impl Clock {
    pub(super) fn millis(&self) -> Millis {
        let now = (self.at_start + self.started.elapsed()).saturating_add(self.ahead);
        Millis::try_from(now.as_millis()).unwrap_or(Millis::MAX)
    }

    pub(super) fn now(&self) -> i64 {
        seconds(self.millis())
    }

    pub(super) fn advance(&mut self, by: Duration) {
        self.ahead = self.ahead.saturating_add(by);
    }
}

pub(super) fn seconds(millis: Millis) -> i64 {
    i64::try_from(millis / 1000).unwrap_or(i64::MAX)
}

pub(super) fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

/// What an operation answers.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn ok(body: impl Into<Value>) -> Self {
        Self { status: 200, body: body.into() }
    }

    pub(super) fn refused(status: u16, message: &str) -> Self {
        Self::error(status, "invalid_request_error", message, None, None)
    }

    pub(super) fn error(
        status: u16,
        kind: &str,
        message: &str,
        code: Option<&str>,
        param: Option<&str>,
    ) -> Self {
        let mut error = json!({ "type": kind, "message": message });
        for (key, value) in [("code", code), ("param", param)] {
            if let Some(value) = value {
                error[key] = value.into();
            }
        }
        Self { status, body: json!({ "error": error }) }
    }

    pub(super) fn bad_parameter(name: &str, why: &str) -> Self {
        let message = format!("参数 {name} 缺失或无效 ({name}: {why})");
        Self::error(400, "invalid_request_error", &message, None, Some(name))
    }

    pub(super) fn not_found(id: &str) -> Self {
        let message = format!("未找到 {id} (there is no such object)");
        Self::error(404, "invalid_request_error", &message, None, Some("id"))
    }

    pub(super) fn conflict(code: &str, message: &str) -> Self {
        Self::error(400, "invalid_request_error", message, Some(code), None)
    }
}

impl State {
    /// Answers a request that was let in.
    pub(super) fn handle(&mut self, method: &str, target: &str, body: &[u8]) -> Answer {
        self.catch_up();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let segments: Vec<_> = path.split('/').skip(1).map(decoded).collect();
        let segments: Vec<_> = segments.iter().map(String::as_str).collect();
        let query = Query::parse(query);
        let answer = match (method, segments.as_slice()) {
            ("POST", ["v1", "charges"]) => self.create_charge(body),
            ("GET", ["v1", "charges"]) => Ok(self.list_charges(&query)),
            ("GET", ["v1", "charges", id]) => self.retrieve_charge(id, &query),
            ("POST", ["v1", "charges", id, "reverse"]) => self.reverse_charge(id),
            ("POST", ["v1", "charges", id, "refunds"]) => self.create_refund(id, body),
            ("GET", ["v1", "charges", id, "refunds"]) => self.list_refunds(id, &query),
            ("GET", ["v1", "charges", id, "refunds", refund]) => self.retrieve_refund(id, refund),
            ("GET", ["v1", "events"]) => Ok(self.list_events(&query)),
            ("GET", ["v1", "events", id]) => self.retrieve_event(id),
            _ => Err(Answer::refused(404, "请求的地址不存在 (the sandbox has no such operation)")),
        };
        answer.unwrap_or_else(|refusal| refusal)
    }

    pub(super) fn at(&mut self, time: Millis, due: Due) {
        self.dues += 1;
        self.due.insert((time, self.dues), due);
    }

    /// When something is about to happen by itself.
    pub(super) fn next_due(&self) -> Option<Millis> {
        self.due.keys().next().map(|(time, _)| *time)
    }

    /// Lets everything happen whose time has come, each at its own time.
    pub(super) fn catch_up(&mut self) {
        let now = self.clock.millis();
        while let Some(first) = self.due.first_entry() {
            let time = first.key().0;
            if time > now {
                return;
            }
            match first.remove() {
                Due::Pay(charge) => {
                    self.pay(charge, time);
                }
                Due::Refund(refund) => self.settle_refund(refund, time),
            }
        }
    }
}
