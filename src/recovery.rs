//! The next step after an unknown outcome: what to look for, and looking for it.

use std::fmt;

use crate::client::Client;
use crate::error::{BuildError, Error};
use crate::page::Pager;
use crate::{
    Amount, App, Charge, CreateRefund, Id, ListCharges, ListRefunds, Object, Refund, Timestamp,
};

/// How to find out what happened to a call whose outcome is [`Outcome::Unknown`](crate::Outcome).
/// [`Client::recover`] does it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Recovery {
    /// Retrieve this charge: it says whether it is paid, reversed or refunded.
    Retrieve(Id<Charge>),
    /// List the charges of the app created since then, and look for this order number.
    #[non_exhaustive]
    FindCharge {
        /// The app the charge was to belong to.
        app: Id<App>,
        /// The merchant's order number.
        order_no: String,
        /// The second of the first send.
        since: Timestamp,
    },
    /// List the refunds of the charge created since then, and look for this amount and mark.
    #[non_exhaustive]
    FindRefund {
        /// The charge that was to be refunded.
        charge: Id<Charge>,
        /// In fen; `None` is all that remained.
        amount: Option<Amount>,
        /// What tells it from other refunds.
        mark: RefundMark,
        /// The second of the first send.
        since: Timestamp,
    },
    /// No query of this API settles it; look in the Ping++ dashboard.
    Manual,
}

impl Recovery {
    /// Fills in when the first attempt began.
    pub(crate) fn since(mut self, first: Option<Timestamp>) -> Self {
        if let (Self::FindCharge { since, .. } | Self::FindRefund { since, .. }, Some(first)) =
            (&mut self, first)
        {
            *since = first;
        }
        self
    }
}

/// Description and metadata of a refund: what tells it from another one over the same amount, if the
/// merchant put a tag of its own into them. It does not show itself.
#[derive(Clone, PartialEq)]
pub struct RefundMark {
    description: String,
    metadata: Object,
}

impl RefundMark {
    pub(crate) fn of(params: CreateRefund) -> Self {
        Self { description: params.description, metadata: params.metadata }
    }

    /// Whether the refund carries it: the same metadata, or without any the same description.
    pub fn is_on(&self, refund: &Refund) -> bool {
        refund.metadata == self.metadata
            && (self.has_tag() || refund.description == self.description)
    }

    fn has_tag(&self) -> bool {
        !self.metadata.is_empty()
    }
}

impl fmt::Debug for RefundMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefundMark").finish_non_exhaustive()
    }
}

/// What [`Client::recover`] found.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Recovered {
    /// The charge as it is now; its `paid`, `reversed` and `refunded` say what happened.
    Charge(Box<Charge>),
    /// The refund as it is now; [`state`](Refund::state) says how far it got.
    Refund(Box<Refund>),
    /// Nothing yet. A request may still be on its way: ask again later, and do not take it for a
    /// proof within the first minutes.
    NotFound,
    /// Several charges have this order number: a person must decide which one counts.
    SeveralCharges(Vec<Charge>),
    /// Refunds that fit, one or several, without metadata of their own that would tell which is the
    /// lost one: a person must decide.
    SeveralRefunds(Vec<Refund>),
}

/// How far the clocks of two sides may be apart, in seconds.
const SKEW: i64 = 120;

/// How long after the first send a charge can come into being, in seconds: the window in which it is
/// sent again, and the time of an attempt, with room to spare.
const LATEST: i64 = 600;

pub(crate) async fn recover(
    client: Client,
    recovery: Option<Recovery>,
) -> Result<Recovered, Error> {
    let nothing = |why: &str| Err(Error::Build(BuildError::new(why)));
    match recovery {
        None => nothing("there is nothing to look up: the outcome of this call is known"),
        Some(Recovery::Manual) => {
            nothing("no query settles what became of this call: look in the Ping++ dashboard")
        }
        Some(Recovery::Retrieve(id)) => {
            let charge = client.charges().retrieve(id).await?;
            Ok(Recovered::Charge(Box::new(charge)))
        }
        Some(Recovery::FindCharge { app, order_no, since }) => {
            let list = ListCharges::builder()
                .app(app)
                .limit(100)
                .created_from(moved(since, -SKEW))
                .created_before(moved(since, LATEST))
                .build();
            let is_it = |charge: &Charge| charge.order_no == order_no;
            let found = find(client.charges().list(list), is_it).await?;
            Ok(one_of(found, Recovered::Charge, Recovered::SeveralCharges))
        }
        Some(Recovery::FindRefund { charge, amount, mark, since }) => {
            let list = ListRefunds::builder().limit(100).build();
            let is_it = |refund: &Refund| {
                refund.created >= moved(since, -SKEW)
                    && amount.is_none_or(|amount| amount == refund.amount)
                    && mark.is_on(refund)
            };
            let found = find(client.refunds(charge).list(list), is_it).await?;
            if !mark.has_tag() && !found.is_empty() {
                return Ok(Recovered::SeveralRefunds(found));
            }
            Ok(one_of(found, Recovered::Refund, Recovered::SeveralRefunds))
        }
    }
}

fn one_of<T>(
    mut found: Vec<T>,
    one: fn(Box<T>) -> Recovered,
    several: fn(Vec<T>) -> Recovered,
) -> Recovered {
    match found.len() {
        0 => Recovered::NotFound,
        1 => one(Box::new(found.remove(0))),
        _ => several(found),
    }
}

fn moved(time: Timestamp, by: i64) -> Timestamp {
    Timestamp::from_unix(time.as_unix().saturating_add(by))
}

async fn find<T: serde::de::DeserializeOwned + 'static>(
    mut pages: Pager<T>,
    is_it: impl Fn(&T) -> bool,
) -> Result<Vec<T>, Error> {
    let mut found = Vec::new();
    while let Some(page) = pages.next_page().await? {
        found.extend(page.items.into_iter().filter(|item| is_it(item)));
    }
    Ok(found)
}
