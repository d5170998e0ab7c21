//! Operations, and a book of what a server did for them.

use std::collections::{HashMap, HashSet};
use std::pin::Pin;

use pingpp::{Client, CreateRefund, Error, ListCharges};
use serde_json::Value;

use crate::raw::{Received, json};
use crate::{ID, charge, order};

const REFUND: &str = r#"{"id":"re_1","object":"refund","order_no":"1","amount":1,"created":1,
    "succeed":false,"status":"pending","description":"d","metadata":{},"charge":"ch_1"}"#;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Op {
    Retrieve,
    List,
    Reverse,
    Create,
    Refund,
}

pub(crate) const OPS: [Op; 5] = [Op::Retrieve, Op::List, Op::Reverse, Op::Create, Op::Refund];

type Calling = Pin<Box<dyn Future<Output = Result<Value, Error>> + Send>>;

impl Op {
    pub(crate) fn reads(self) -> bool {
        matches!(self, Self::Retrieve | Self::List)
    }

    /// Calls it for an order; the value is the answer as JSON.
    pub(crate) fn call(self, client: &Client, order_no: &str) -> Calling {
        let client = client.clone();
        let order_no = order_no.to_owned();
        Box::pin(async move {
            let id = format!("ch_{order_no}");
            let value = match self {
                Self::Retrieve => serde_json::to_value(client.charges().retrieve(id).await?),
                Self::Reverse => serde_json::to_value(client.charges().reverse(id).await?),
                Self::Create => {
                    serde_json::to_value(client.charges().create(order(&order_no)).await?)
                }
                Self::Refund => {
                    let params = CreateRefund::builder().description(order_no).build();
                    serde_json::to_value(client.refunds(id).create(params).await?)
                }
                Self::List => {
                    let mut pager = client.charges().list(ListCharges::builder().build());
                    serde_json::to_value(pager.next_page().await?.unwrap().items)
                }
            };
            Ok(value.unwrap())
        })
    }

    pub(crate) fn of(request: &Received) -> Self {
        match (request.method.as_str(), request.target.as_str()) {
            ("GET", target) if target.contains('?') => Self::List,
            ("GET", _) => Self::Retrieve,
            (_, target) if target.ends_with("/reverse") => Self::Reverse,
            (_, target) if target.ends_with("/refunds") => Self::Refund,
            _ => Self::Create,
        }
    }
}

/// What Ping++ answers when it does what it is asked.
pub(crate) fn done(request: &Received) -> Vec<u8> {
    json(200, &body(request))
}

pub(crate) fn body(request: &Received) -> String {
    match Op::of(request) {
        Op::List => {
            let charge = charge();
            format!(r#"{{"object":"list","url":"/v1/charges","has_more":false,"data":[{charge}]}}"#)
        }
        Op::Refund => REFUND.replace("ch_1", id(request)),
        Op::Create => {
            let asked: Value = serde_json::from_slice(&request.body).unwrap();
            charge().replace("20261123001", asked["order_no"].as_str().unwrap())
        }
        Op::Retrieve | Op::Reverse => charge().replace(ID, id(request)),
    }
}

/// An answer to another question.
pub(crate) fn beside(request: &Received) -> String {
    match Op::of(request) {
        Op::List => charge(),
        Op::Retrieve | Op::Reverse => charge().replace(ID, "ch_other"),
        // Of somebody else's order.
        Op::Create => charge().replace("20261123001", "somebodys"),
        Op::Refund => REFUND.replace("ch_1", "ch_other"),
    }
}

/// The id of the charge in the target.
fn id(request: &Received) -> &str {
    request.target.split(['/', '?']).nth(3).unwrap_or_default()
}

/// What the server did: refunds add up, creates of the same bytes do not, a reverse is a state.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    refunds: HashMap<String, usize>,
    charges: HashMap<String, HashSet<Vec<u8>>>,
    reversed: HashSet<String>,
}

impl Ledger {
    pub(crate) fn enter(&mut self, request: &Received) {
        let parameter = |name: &str| {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            body[name].as_str().unwrap().to_owned()
        };
        match Op::of(request) {
            Op::Refund => *self.refunds.entry(parameter("description")).or_default() += 1,
            Op::Create => {
                let charges = self.charges.entry(parameter("order_no")).or_default();
                charges.insert(request.body.clone());
            }
            Op::Reverse => {
                self.reversed.insert(id(request).to_owned());
            }
            Op::Retrieve | Op::List => {}
        }
    }

    /// How often an operation was carried out for an order.
    pub(crate) fn effects(&self, op: Op, order_no: &str) -> usize {
        match op {
            Op::Refund => self.refunds.get(order_no).copied().unwrap_or(0),
            Op::Create => self.charges.get(order_no).map_or(0, HashSet::len),
            Op::Reverse => usize::from(self.reversed.contains(&format!("ch_{order_no}"))),
            Op::Retrieve | Op::List => 0,
        }
    }
}
