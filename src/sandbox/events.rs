//! Events of the sandbox: recording, and when each is delivered.

use serde_json::{Value, json};

use super::clock::Millis;
use super::kinds::EVENT;
use super::moves::New;
use super::state::{Delivery, State};
use super::values::fields_of;

/// Seconds between a failed delivery and the next one (Ping++ documentation of webhooks, 2026).
const REDELIVERIES: [u64; 10] = [5, 10, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 54_000];

impl State {
    /// Records an event about an object and schedules its delivery.
    pub(super) fn record_event(&mut self, kind: &str, object: Value, at: Millis) {
        let test_case = object["metadata"]["pingpp_tc"].as_str().map(str::to_owned);
        let app = object["app"].as_str().and_then(|app| self.app(app)).unwrap_or_default();
        let number = self.of_kind(&EVENT).len() + 1;
        let document = fields_of([
            ("type", Value::from(kind)),
            ("data", json!({ "object": object })),
            ("request", format!("iar_1012611230{number:010}").into()),
        ]);
        // An event posts nothing and has an id of its own, so that nothing can refuse it.
        let Ok(event) = self.add(New::of(&EVENT, app, document), at) else { return };
        if !self.has_webhook {
            return;
        }
        let delivery = Delivery { event, failures: 0 };
        // The two test cases that Ping++ documents: deliver twice, and deliver late.
        let late = if test_case.as_deref() == Some("002") { 300_000 } else { 0 };
        self.deliveries.add(at + late, delivery);
        if test_case.as_deref() == Some("001") {
            self.deliveries.add(at, delivery);
        }
    }

    /// Records the result of a delivery and schedules the next one if it failed.
    pub(super) fn record_delivery(&mut self, delivery: Delivery, accepted: bool) {
        if accepted {
            self.row_mut(delivery.event).state = "delivered";
        } else if let Some(pause) = REDELIVERIES.get(delivery.failures) {
            let again = Delivery { failures: delivery.failures + 1, ..delivery };
            self.deliveries.add(self.clock.millis() + pause * 1000, again);
        }
    }
}
