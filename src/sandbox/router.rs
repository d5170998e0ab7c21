//! Decides which operation answers a request, and lets what is due happen. No I/O.

use super::answer::Answer;
use super::input::{Query, decoded};
use super::state::{Due, State};

impl State {
    /// Answers a request that has passed the checks of `server`.
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

    /// Performs every change that is due, in order and each at its own time.
    pub(super) fn catch_up(&mut self) {
        let now = self.clock.millis();
        while let Some((time, due)) = self.due.take_due(now) {
            match due {
                Due::Pay(charge) => {
                    self.pay(charge, time);
                }
                Due::Refund(refund) => self.settle_refund(refund, time),
            }
        }
    }
}
