//! The next step after an unknown outcome, as data: what to look for, and where. The search itself is
//! in [`lookup`].

mod lookup;

use std::fmt;

use serde_json::{Map, Value};

pub use self::lookup::Recovered;
pub(crate) use self::lookup::look_up;
use crate::types::Timestamp;

/// How to find out what happened to a call whose outcome is [`Outcome::Unknown`](crate::Outcome).
/// [`Client::recover`](crate::Client::recover) does it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Recovery {
    /// Retrieve the object that the call was about: its state says what happened.
    #[non_exhaustive]
    Retrieve {
        /// The operation, such as `/v1/charges/{id}`.
        route: &'static str,
        /// The ids in it.
        ids: Vec<String>,
    },
    /// Search a list for the object that the call was to create.
    Find(Search),
    /// No query of this API settles it; look in the Ping++ dashboard.
    Manual,
}

/// What to search a list for: the merchant's number of an object, or marks that it carries.
///
/// `Debug` shows the number, and only the names of the marks.
#[derive(Clone, PartialEq)]
pub struct Search {
    pub(crate) route: &'static str,
    pub(crate) ids: Vec<String>,
    pub(crate) query: Value,
    /// The merchant's number: its field and its value.
    pub(crate) number: Option<(&'static str, String)>,
    /// Fields that the object must have as well.
    pub(crate) marks: Map<String, Value>,
    /// Whether number and marks tell the object from every other one.
    pub(crate) is_unique: bool,
    /// The second of the first attempt.
    pub(crate) since: Option<Timestamp>,
    /// Whether the list takes the filter `created`.
    pub(crate) by_time: bool,
}

impl Search {
    /// In the list of this route, which must be walked by cursor.
    pub(crate) fn list(route: &'static str, ids: &[&str]) -> Self {
        Self {
            route,
            ids: ids.iter().map(|&id| id.to_owned()).collect(),
            query: Value::Null,
            number: None,
            marks: Map::new(),
            is_unique: true,
            since: None,
            by_time: false,
        }
    }
}

impl fmt::Debug for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Search");
        debug.field("route", &self.route).field("ids", &self.ids);
        if let Some((field, value)) = &self.number {
            debug.field(field, value);
        }
        debug.field("marks", &self.marks.keys().collect::<Vec<_>>()).field("since", &self.since);
        debug.finish()
    }
}

/// Where to look, with the id or the merchant's number, for logs.
impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retrieve { route, ids } => write!(f, "GET {route} of {}", ids.join(", ")),
            Self::Find(search) => {
                write!(f, "GET {}", search.route)?;
                if !search.ids.is_empty() {
                    write!(f, " of {}", search.ids.join(", "))?;
                }
                match &search.number {
                    Some((field, number)) => write!(f, ", {field} {number}"),
                    None => Ok(()),
                }
            }
            Self::Manual => f.write_str("the Ping++ dashboard"),
        }
    }
}

impl Recovery {
    pub(crate) fn retrieve(route: &'static str, ids: &[&str]) -> Self {
        Self::Retrieve { route, ids: ids.iter().map(|&id| id.to_owned()).collect() }
    }

    /// Fills in when the first attempt began.
    pub(crate) fn since(mut self, first: Option<Timestamp>) -> Self {
        if let Self::Find(search) = &mut self {
            search.since = search.since.or(first);
        }
        self
    }
}
