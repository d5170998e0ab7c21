//! Doors to the inside for the fuzz targets; not there in any other build.

use std::time::SystemTime;

use crate::error::ErrorDetail;
use crate::request::Asked;
use crate::{Charge, Request, retry};

/// Judges an answer as the loop does.
pub fn answer(status: u16, body: &[u8]) {
    let detail = ErrorDetail::parse(body);
    for reads in [false, true] {
        let failure = retry::Failure::of_status(status, detail.as_ref(), reads);
        let _ = failure.outcome();
    }
    let _ = Asked { order_no: Some("1".into()), ..Asked::new(Charge::OBJECT) }.is_answered_by(body);
}

/// The target of a request with these parts, unless they are refused.
pub fn target(id: &str, key: &str, value: &str) -> Option<String> {
    let mut request = Request::get(["charges", id, "refunds"]).query(key, value);
    request.take_error().is_none().then(|| request.target())
}

/// Reads a `Retry-After`.
pub fn retry_after(value: &str) {
    let _ = retry::retry_after(value, SystemTime::now());
}
