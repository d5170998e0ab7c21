//! Operations, and a book of what a server did for them.

use std::pin::Pin;

use pingpp::{Client, CreateRefund, Error, ListCharges};
use serde_json::Value;

use crate::raw::{Received, json as answer};
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

    /// Calls it; the value is the answer as JSON.
    pub(crate) fn call(self, client: &Client, order_no: &str) -> Calling {
        let client = client.clone();
        let order_no = order_no.to_owned();
        Box::pin(async move {
            let value = match self {
                Self::Retrieve => serde_json::to_value(client.charges().retrieve(ID).await?),
                Self::Reverse => serde_json::to_value(client.charges().reverse(ID).await?),
                Self::Create => {
                    serde_json::to_value(client.charges().create(order(&order_no)).await?)
                }
                Self::Refund => {
                    let params = CreateRefund::builder().description(order_no).build();
                    serde_json::to_value(client.refunds(ID).create(params).await?)
                }
                Self::List => {
                    let mut pager = client.charges().list(ListCharges::builder().build());
                    let page = pager.next_page().await?.unwrap();
                    serde_json::to_value(page.items)
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

    /// What Ping++ answers when it does it.
    pub(crate) fn answer(self) -> Vec<u8> {
        answer(200, &self.body())
    }

    pub(crate) fn body(self) -> String {
        match self {
            Self::List => {
                format!(
                    r#"{{"object":"list","url":"/v1/charges","has_more":false,"data":[{}]}}"#,
                    charge()
                )
            }
            Self::Refund => REFUND.to_owned(),
            _ => charge(),
        }
    }

    /// An answer to another question.
    pub(crate) fn other(self) -> String {
        match self {
            Self::List => charge(),
            Self::Retrieve | Self::Reverse => charge().replace(ID, "ch_other"),
            Self::Create | Self::Refund => r#"{"object":"event","id":"evt_1"}"#.to_owned(),
        }
    }
}

/// What the server did: refunds add up, creates of the same bytes do not, a reverse is a state.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    refunds: Vec<String>,
    charges: Vec<String>,
    reversed: bool,
}

impl Ledger {
    pub(crate) fn enter(&mut self, request: &Received) {
        let body = request.text().to_owned();
        match Op::of(request) {
            Op::Refund => self.refunds.push(body),
            Op::Create if !self.charges.contains(&body) => self.charges.push(body),
            Op::Reverse => self.reversed = true,
            _ => {}
        }
    }

    /// How often an operation of that order number was carried out.
    pub(crate) fn effects(&self, op: Op, order_no: &str) -> usize {
        let of = |bodies: &[String]| {
            bodies.iter().filter(|body| body.contains(&format!("\"{order_no}\""))).count()
        };
        match op {
            Op::Refund => of(&self.refunds),
            Op::Create => of(&self.charges),
            Op::Reverse => usize::from(self.reversed),
            Op::Retrieve | Op::List => 0,
        }
    }
}
