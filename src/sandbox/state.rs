//! The data of the sandbox: charges, refunds, events and what is due. No I/O and no operations;
//! those are in `charges`, `refunds` and `events`.

use std::collections::HashMap;

use serde_json::Value;

use super::answer::Answer;
use super::clock::{Clock, Schedule};
use crate::types::Channel;

/// The id of the only app.
pub(super) const APP: &str = "app_sandbox000000001";

/// All objects, oldest first. An object is referred to by its index.
#[derive(Default)]
pub(super) struct State {
    pub(super) clock: Clock,
    pub(super) charges: Vec<Charge>,
    pub(super) charge_by_id: HashMap<Box<str>, usize>,
    /// The last charge of an order_no.
    pub(super) charge_by_order: HashMap<Box<str>, usize>,
    pub(super) refunds: Vec<Refund>,
    pub(super) events: Vec<Event>,
    pub(super) due: Schedule<Due>,
    /// Whether events are delivered to a webhook; if not, `deliveries` stays empty.
    pub(super) has_webhook: bool,
    pub(super) deliveries: Schedule<Delivery>,
}

impl State {
    pub(super) fn find_charge(&self, id: &str) -> Result<usize, Answer> {
        self.charge_by_id.get(id).copied().ok_or_else(|| Answer::not_found(id))
    }
}

/// A change that happens without a request when its time has come.
#[derive(Clone, Copy)]
pub(super) enum Due {
    /// The customer pays this charge.
    Pay(usize),
    /// The channel settles this refund.
    Refund(usize),
}

/// A charge, in little memory; `State::show_charge` makes the object of the API.
pub(super) struct Charge {
    pub(super) id: Box<str>,
    pub(super) order_no: Box<str>,
    pub(super) amount: i64,
    pub(super) channel: Channel,
    pub(super) reversed: bool,
    pub(super) time_paid: Option<i64>,
    pub(super) refunds: Vec<usize>,
    /// The body of the request that created it.
    pub(super) params: Box<str>,
    pub(super) created: i64,
    pub(super) time_expire: i64,
    /// The failure_code.
    pub(super) failure: Option<&'static str>,
}

impl Charge {
    /// Whether it can be paid.
    pub(super) fn is_open(&self, now: i64) -> bool {
        self.time_paid.is_none()
            && !self.reversed
            && self.failure.is_none()
            && now < self.time_expire
    }

    pub(super) fn params(&self) -> Value {
        serde_json::from_str(&self.params).unwrap_or_default()
    }
}

/// A refund; `State::show_refund` makes the object of the API.
pub(super) struct Refund {
    pub(super) id: Box<str>,
    pub(super) amount: i64,
    pub(super) charge: usize,
    pub(super) created: i64,
    pub(super) progress: Progress,
    /// The body of the request that created it.
    pub(super) params: Box<str>,
}

#[derive(PartialEq)]
pub(super) enum Progress {
    Pending,
    /// With its time.
    Succeeded(i64),
    /// With its failure_code.
    Failed(Box<str>),
}

impl Refund {
    pub(super) fn succeeded(&self) -> bool {
        matches!(self.progress, Progress::Succeeded(_))
    }

    pub(super) fn params(&self) -> Value {
        serde_json::from_str(&self.params).unwrap_or_default()
    }
}

/// An event; `State::show_event` makes the object of the API.
pub(super) struct Event {
    pub(super) id: Box<str>,
    pub(super) created: i64,
    pub(super) kind: &'static str,
    /// The charge or refund at the time of the event.
    pub(super) object: Box<str>,
    pub(super) delivered: bool,
}

/// One delivery of an event to the webhook.
#[derive(Clone, Copy)]
pub(super) struct Delivery {
    pub(super) event: usize,
    /// The number of failed deliveries before this one.
    pub(super) failures: usize,
}
