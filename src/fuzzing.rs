//! Exposes internal functions to the fuzz targets; not there in any other build.

use std::time::SystemTime;

use serde_json::Value;

use crate::error::ErrorDetail;
use crate::macros::from_json::from_body;
use crate::request::Request;
use crate::resources::charges::{Charge, Refund};
use crate::resources::events::Event;
use crate::retry::{Failure, retry_after as parse_retry_after};
use crate::types::{List, Mode};

/// Judges an answer as the loop does, and decodes it in every way.
pub fn answer(status: u16, body: &[u8]) {
    let failure = Failure::of_status(status, ErrorDetail::parse(body).as_ref());
    let _ = (failure.outcome(true), failure.outcome(false));
    let request = Request::get("/v1/charges", &[]).expect("charge", Some("ch_1"));
    let _ = request.same("order_no", "1").wants("reversed", true).expected.check(
        body,
        Mode::Test,
        true,
    );
    let _ = from_body::<Charge>(body);
    let _ = from_body::<List<Refund>>(body);
    if let Ok(event) = from_body::<Event>(body) {
        let _ = (event.object::<Charge>(), event.dedup_key());
    }
}

/// What a body is written as after it was read as a charge.
pub fn forwarded(body: &[u8]) -> Option<Value> {
    let charge: Charge = from_body(body).ok()?;
    serde_json::to_value(charge).ok()
}

/// The target of a request with these parts, unless they are refused.
pub fn target(id: &str, key: &str, value: &str) -> Option<String> {
    let mut request = Request::get("/v1/charges/{id}/refunds", &[id]).query(key, value);
    request.take_error().is_none().then(|| request.target())
}

/// Reads a `Retry-After`.
pub fn retry_after(value: &str) {
    let _ = parse_retry_after(value, SystemTime::now());
}
