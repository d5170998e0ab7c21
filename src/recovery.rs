//! The next step after an unknown outcome, as data: what to look for, and where. The search itself is
//! in [`lookup`].

mod lookup;

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::lookup::Recovered;
pub(crate) use self::lookup::matching;
use crate::clock::{Moment, ServerClock};
use crate::types::Timestamp;

/// How to find out what happened to a call whose outcome is [`Outcome::Unknown`](crate::Outcome).
/// [`Client::recover`](crate::Client::recover) does it.
///
/// It outlives the process: it serialises, and it can be made by hand, of ids or of the merchant's
/// number. It holds no keys, but the ids, numbers and metadata to look for.
///
/// ```
/// use pingpp::{Recovery, Search};
/// use serde_json::json;
///
/// // What became of charge ch_1?
/// let look = Recovery::retrieve("/v1/charges/{id}", &["ch_1"]);
/// // Was there ever a charge of this order?
/// let search = Search::list("/v1/charges", &[])
///     .query(json!({ "app": { "id": "app_1" } }))
///     .field("order_no", "20261123001");
/// let find = Recovery::Find(search);
///
/// let row = serde_json::to_string(&find)?;
/// assert_eq!(serde_json::from_str::<Recovery>(&row)?, find);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Recovery {
    /// Retrieve the object that the call was about: its state says what happened.
    #[non_exhaustive]
    Retrieve {
        /// The operation, such as `/v1/charges/{id}`.
        route: Cow<'static, str>,
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
#[derive(Clone, Serialize, Deserialize)]
#[serde(into = "Wire", from = "Wire")]
pub struct Search {
    pub(crate) route: Cow<'static, str>,
    pub(crate) ids: Vec<String>,
    pub(crate) query: Value,
    /// The merchant's number: its field and its value.
    pub(crate) number: Option<(&'static str, String)>,
    /// Fields that the object must have as well.
    pub(crate) marks: Map<String, Value>,
    /// Whether number and marks tell the object from every other one.
    pub(crate) is_unique: bool,
    /// The second of the first attempt that may have been sent.
    pub(crate) since: Option<Timestamp>,
    /// Whether `since` is a time of the server's clock, not of this machine's.
    pub(crate) is_server_time: bool,
    /// The same moment by the clocks of this machine, which tell the server's time if that is measured
    /// later. Not kept: another machine has another clock.
    pub(crate) began: Option<Moment>,
    /// Whether the list takes the filter `created`.
    pub(crate) by_time: bool,
    /// The longest page of a list that is walked by page number; `None` if it is walked by cursor.
    pub(crate) per_page: Option<u32>,
}

impl Search {
    /// In the list of this route, which is walked by cursor unless [`per_page`](Self::per_page) says
    /// otherwise. Each `{..}` of the route takes one of the ids.
    pub fn list(route: impl Into<Cow<'static, str>>, ids: &[&str]) -> Self {
        Self {
            route: route.into(),
            ids: owned(ids),
            query: Value::Null,
            number: None,
            marks: Map::new(),
            is_unique: true,
            since: None,
            is_server_time: false,
            began: None,
            by_time: false,
            per_page: None,
        }
    }

    /// Parameters of the list, such as the app.
    #[must_use]
    pub fn query(self, query: Value) -> Self {
        Self { query, ..self }
    }

    /// A field that the object has, with this value: the merchant's number, its metadata.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.marks.insert(name.into(), value.into());
        self
    }

    /// The fields do not tell the object from every other one, so that nothing is
    /// [`Found`](Recovered::Found): a person decides among [`Candidates`](Recovered::Candidates).
    #[must_use]
    pub fn not_unique(self) -> Self {
        Self { is_unique: false, ..self }
    }

    /// The first attempt began at this time of the server's clock. Objects that are older by more than
    /// two minutes do not count.
    #[must_use]
    pub fn since(self, time: Timestamp) -> Self {
        Self { since: Some(time), is_server_time: true, ..self }
    }

    /// The list has page numbers, and pages of at most this many items.
    #[must_use]
    pub fn per_page(self, items: u32) -> Self {
        Self { per_page: Some(items), ..self }
    }

    /// The list takes the filter `created`, so that the server leaves out what is older or newer.
    #[must_use]
    pub fn by_time(self) -> Self {
        Self { by_time: true, ..self }
    }
}

/// A [`Search`] as it is kept.
#[derive(PartialEq, Serialize, Deserialize)]
struct Wire {
    route: Cow<'static, str>,
    ids: Vec<String>,
    #[serde(default)]
    query: Value,
    fields: Map<String, Value>,
    is_unique: bool,
    #[serde(default)]
    since: Option<Timestamp>,
    #[serde(default)]
    is_server_time: bool,
    #[serde(default)]
    by_time: bool,
    #[serde(default)]
    per_page: Option<u32>,
}

impl From<Search> for Wire {
    fn from(search: Search) -> Self {
        let mut fields = search.marks;
        if let Some((name, value)) = search.number {
            fields.insert(name.to_owned(), value.into());
        }
        Self {
            route: search.route,
            ids: search.ids,
            query: search.query,
            fields,
            is_unique: search.is_unique,
            since: search.since,
            is_server_time: search.is_server_time,
            by_time: search.by_time,
            per_page: search.per_page,
        }
    }
}

impl From<Wire> for Search {
    fn from(wire: Wire) -> Self {
        Self {
            route: wire.route,
            ids: wire.ids,
            query: wire.query,
            number: None,
            marks: wire.fields,
            is_unique: wire.is_unique,
            since: wire.since,
            is_server_time: wire.is_server_time,
            began: None,
            by_time: wire.by_time,
            per_page: wire.per_page,
        }
    }
}

/// The number is a field like any other: a search that was kept is equal to the one before.
impl PartialEq for Search {
    fn eq(&self, other: &Self) -> bool {
        Wire::from(self.clone()) == Wire::from(other.clone())
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

fn owned(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|&id| id.to_owned()).collect()
}

impl Recovery {
    /// Retrieve the object of this route, such as `/v1/charges/{id}`; each `{..}` takes one of the ids.
    pub fn retrieve(route: impl Into<Cow<'static, str>>, ids: &[&str]) -> Self {
        Self::Retrieve { route: route.into(), ids: owned(ids) }
    }

    /// Fills in when the first attempt began that may have been sent, by the server's clock if it is known.
    pub(crate) fn since(mut self, first: Option<Moment>, clock: &ServerClock) -> Self {
        if let (Self::Find(search), Some(first)) = (&mut self, first)
            && search.since.is_none()
        {
            let skew = clock.skew(first);
            search.since = Some(skew.map_or(first.wall, |skew| skew.to_server(first.wall)).into());
            (search.is_server_time, search.began) = (skew.is_some(), Some(first));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn full() -> Search {
        Search::list("/v1/charges/{id}/refunds", &["ch_1"])
            .query(json!({ "app": "app_1" }))
            .field("metadata", json!({ "tag": 1 }))
            .not_unique()
            .since(Timestamp::from_unix(7))
            .per_page(20)
            .by_time()
    }

    #[test]
    fn a_search_holds_what_it_was_made_of_also_after_it_was_kept() {
        let plain = Search::list("/v1/charges", &[]);
        assert!(plain.is_unique && !plain.is_server_time && !plain.by_time);
        let kept: Search = serde_json::from_str(&serde_json::to_string(&full()).unwrap()).unwrap();
        for search in [full(), kept] {
            assert_eq!(
                (&*search.route, search.ids),
                ("/v1/charges/{id}/refunds", owned(&["ch_1"]))
            );
            assert_eq!(search.query, json!({ "app": "app_1" }));
            assert_eq!(json!(search.marks), json!({ "metadata": { "tag": 1 } }));
            assert_eq!((search.since, search.per_page), (Some(Timestamp::from_unix(7)), Some(20)));
            assert!(!search.is_unique && search.is_server_time && search.by_time);
        }
    }

    #[test]
    fn searches_are_equal_if_they_look_for_the_same() {
        assert_eq!(full(), full());
        assert_ne!(full(), full().per_page(21));
        // The merchant's number is a field like any other.
        let number = Some(("order_no", "1".to_owned()));
        let search = Search { number, ..Search::list("/v1/charges", &[]) };
        assert_eq!(search, Search::list("/v1/charges", &[]).field("order_no", "1"));
    }

    #[test]
    fn a_log_line_says_where_to_look_and_hides_the_marks() {
        let number = Some(("order_no", "2026".to_owned()));
        let numbered = Search { number, ..full() };
        let debug = format!("{numbered:?}");
        for shown in ["/v1/charges/{id}/refunds", "ch_1", "order_no", "2026", "metadata", "7"] {
            assert!(debug.contains(shown), "{debug}");
        }
        assert!(!debug.contains("tag"), "{debug}");
        for (recovery, text) in [
            (Recovery::retrieve("/v1/charges/{id}", &["ch_1"]), "GET /v1/charges/{id} of ch_1"),
            (Recovery::Find(full()), "GET /v1/charges/{id}/refunds of ch_1"),
            (Recovery::Find(numbered), "GET /v1/charges/{id}/refunds of ch_1, order_no 2026"),
            (Recovery::Find(Search::list("/v1/charges", &[])), "GET /v1/charges"),
            (Recovery::Manual, "the Ping++ dashboard"),
        ] {
            assert_eq!(recovery.to_string(), text);
        }
    }

    #[test]
    fn the_first_attempt_is_dated_by_the_servers_clock_if_it_is_known() {
        use std::time::{Duration, SystemTime};

        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let first = Moment { steady: tokio::time::Instant::now(), wall };
        let (unknown, ahead) = (ServerClock::default(), ServerClock::default());
        ahead.set(Some(100_000), first);
        let since = |search: Search, clock| match Recovery::Find(search).since(Some(first), clock) {
            Recovery::Find(search) => (search.since.map(Timestamp::as_unix), search.is_server_time),
            other => panic!("{other:?}"),
        };
        let search = Search::list("/v1/charges", &[]);
        assert_eq!(since(search.clone(), &unknown), (Some(1_000), false));
        assert_eq!(since(search, &ahead), (Some(900), true));
        assert_eq!(since(full(), &ahead), (Some(7), true), "what is set stays");
        let manual = Recovery::Manual.since(Some(first), &ahead);
        assert_eq!(manual, Recovery::Manual);
    }
}
