//! Events of the sandbox, and which of them wait to be delivered when.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::query::Query;
use super::state::{Answer, Millis, State, seconds};

/// Seconds from one delivery that failed to the next (documentation of 2026).
const REDELIVERIES: [u64; 10] = [5, 10, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 54_000];

/// Something that happened.
pub(super) struct Event {
    pub(super) id: Box<str>,
    pub(super) created: i64,
    kind: &'static str,
    /// The object as it was.
    object: Box<str>,
    delivered: bool,
}

/// Deliveries to be made, by their time. Empty as long as nobody listens.
#[derive(Default)]
pub(super) struct Outbox {
    pub(super) has_listener: bool,
    waiting: BTreeMap<(Millis, usize), Delivery>,
    count: usize,
}

/// One delivery of an event.
#[derive(Clone, Copy)]
pub(super) struct Delivery {
    pub(super) event: usize,
    /// How many failed before it.
    failures: usize,
}

impl Outbox {
    fn add(&mut self, at: Millis, delivery: Delivery) {
        self.count += 1;
        self.waiting.insert((at, self.count), delivery);
    }

    pub(super) fn next_due(&self) -> Option<Millis> {
        self.waiting.keys().next().map(|(time, _)| *time)
    }

    /// One whose time has come.
    pub(super) fn take(&mut self, now: Millis) -> Option<Delivery> {
        let first = self.waiting.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}

impl State {
    pub(super) fn happened(&mut self, kind: &'static str, object: Value, at: Millis) {
        let event = self.events.len();
        self.events.push(Event {
            id: format!("evt_4012611230000{:011}", event + 1).into(),
            created: seconds(at),
            kind,
            delivered: false,
            object: object.to_string().into(),
        });
        if !self.outbox.has_listener {
            return;
        }
        let delivery = Delivery { event, failures: 0 };
        // The two test cases that Ping++ offers.
        match object["metadata"]["pingpp_tc"].as_str() {
            Some("001") => {
                self.outbox.add(at, delivery);
                self.outbox.add(at, delivery);
            }
            Some("002") => self.outbox.add(at + 300_000, delivery),
            _ => self.outbox.add(at, delivery),
        }
    }

    /// What came of a delivery.
    pub(super) fn delivered(&mut self, delivery: Delivery, accepted: bool) {
        if accepted {
            self.events[delivery.event].delivered = true;
        } else if let Some(pause) = REDELIVERIES.get(delivery.failures) {
            let again = Delivery { failures: delivery.failures + 1, ..delivery };
            self.outbox.add(self.clock.millis() + pause * 1000, again);
        }
    }

    pub(super) fn retrieve_event(&self, id: &str) -> Result<Answer, Answer> {
        let found = self.events.iter().position(|event| &*event.id == id);
        found.map(|event| Answer::ok(self.show_event(event))).ok_or_else(|| Answer::not_found(id))
    }

    pub(super) fn list_events(&self, query: &Query) -> Answer {
        let is_asked_for = |event: &Event| {
            query.selects_time(event.created)
                && query.first("type").is_none_or(|kind| kind == event.kind)
        };
        let all = (0..self.events.len()).rev();
        let found = all.filter(|number| is_asked_for(&self.events[*number])).collect();
        let id = |number: usize| &*self.events[number].id;
        query.page("/v1/events", found, id, |number| self.show_event(number))
    }

    /// In the words of the API.
    pub(super) fn show_event(&self, number: usize) -> Value {
        let event = &self.events[number];
        let object: Value = serde_json::from_str(&event.object).unwrap_or_default();
        let waits = self.outbox.has_listener && !event.delivered;
        json!({
            "id": event.id, "object": "event", "created": event.created, "livemode": false,
            "type": event.kind, "data": { "object": object },
            "pending_webhooks": i32::from(waits), "request": null,
        })
    }
}
