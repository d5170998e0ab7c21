//! Events of the sandbox: recording, listing, and when each is delivered.

use serde_json::Value;

use super::answer::Answer;
use super::clock::{Millis, seconds};
use super::input::Query;
use super::state::{Delivery, Event, State};

/// Seconds between a failed delivery and the next one (Ping++ documentation of webhooks, 2026).
const REDELIVERIES: [u64; 10] = [5, 10, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 54_000];

impl State {
    /// Records an event and schedules its delivery. `object` is the charge or refund.
    pub(super) fn record_event(&mut self, kind: &'static str, object: Value, at: Millis) {
        let event = self.events.len();
        self.events.push(Event {
            id: format!("evt_4012611230000{:011}", event + 1).into(),
            created: seconds(at),
            kind,
            delivered: false,
            object: object.to_string().into(),
        });
        if !self.has_webhook {
            return;
        }
        let delivery = Delivery { event, failures: 0 };
        // The two test cases that Ping++ documents: deliver twice, and deliver late.
        match object["metadata"]["pingpp_tc"].as_str() {
            Some("001") => {
                self.deliveries.add(at, delivery);
                self.deliveries.add(at, delivery);
            }
            Some("002") => self.deliveries.add(at + 300_000, delivery),
            _ => self.deliveries.add(at, delivery),
        }
    }

    /// Records the result of a delivery and schedules the next one if it failed.
    pub(super) fn record_delivery(&mut self, delivery: Delivery, accepted: bool) {
        if accepted {
            self.events[delivery.event].delivered = true;
        } else if let Some(pause) = REDELIVERIES.get(delivery.failures) {
            let again = Delivery { failures: delivery.failures + 1, ..delivery };
            self.deliveries.add(self.clock.millis() + pause * 1000, again);
        }
    }

    pub(super) fn retrieve_event(&self, id: &str) -> Result<Answer, Answer> {
        let found = self.events.iter().position(|event| &*event.id == id);
        found.map(|event| Answer::ok(self.show_event(event))).ok_or_else(|| Answer::not_found(id))
    }

    pub(super) fn list_events(&self, query: &Query) -> Answer {
        let is_selected = |event: &Event| {
            query.selects_time(event.created)
                && query.first("type").is_none_or(|kind| kind == event.kind)
        };
        let all = (0..self.events.len()).rev();
        let found = all.filter(|number| is_selected(&self.events[*number])).collect();
        let id = |number: usize| &*self.events[number].id;
        query.page("/v1/events", found, id, |number| self.show_event(number))
    }
}
