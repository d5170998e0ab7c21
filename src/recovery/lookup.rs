//! Looks up what became of a call whose outcome is unknown. It only reads.

use std::pin::Pin;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Recovery, Search};
use crate::client::Client;
use crate::error::{BuildError, Error, Flaw, Outcome, Report, ResponseError};
use crate::macros::from_json::{ApiObject, FromJson, Raw, fault, from_body};
use crate::request::Request;
use crate::types::{List, Mode, Timestamp};

/// What [`Client::recover`] found.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Recovered<T> {
    /// The object as it is now; its state says what happened.
    Found(T),
    /// Nothing yet. A request may still be on its way: ask again later, and do not take it for a
    /// proof within the first minutes.
    NotFound,
    /// Objects that fit, one or several, of which nothing tells which is the lost one: a person must
    /// decide. A refund without metadata of its own ends here.
    Candidates(Vec<T>),
}

/// How far the clocks of two sides may be apart, in seconds.
const SKEW: i64 = 120;

/// The same if nothing is known about the server's clock.
const UNKNOWN_SKEW: i64 = 86_400;

/// How long after the first attempt an object can come into being, in seconds: the window in which it
/// is sent again, and the time of an attempt, with room to spare.
const LATEST: i64 = 600;

impl Client {
    /// Looks up what became of a call whose outcome is [`Outcome::Unknown`], as its
    /// [`recovery`](Error::recovery) says. `T` is what the call returns.
    ///
    /// It takes the error, or the [`Recovery`] of the error, which outlives the process: keep it, and
    /// look it up elsewhere. It only reads, never sends the call again, and may be repeated and dropped
    /// at any time. It ends within the [time of a call](crate::ClientBuilder::timeout).
    ///
    /// ```no_run
    /// # async fn f(client: pingpp::Client, params: pingpp::CreateCharge) -> Result<(), pingpp::Error> {
    /// use pingpp::{Outcome, Recovered};
    ///
    /// let charge = match client.charges().create(params).await {
    ///     Err(error) if error.outcome() == Outcome::Unknown => match client.recover(&error).await? {
    ///         Recovered::Found(charge) => charge,
    ///         _ => return Err(error), // not there yet: ask again later
    ///     },
    ///     result => result?,
    /// };
    /// # let _ = charge;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Build`] if there is nothing to look up: the outcome is known, or no query settles it
    /// ([`Recovery::Manual`]). [`Error::Response`] if the list is too long to be searched: 50 pages.
    /// Otherwise those of any query. Their outcome is [`Outcome::Unknown`] and their recovery the same:
    /// a look-up that fails says nothing about what is looked for.
    pub fn recover<T: ApiObject + Send + 'static>(
        &self,
        lost: impl Into<Option<Recovery>>,
    ) -> Pin<Box<dyn Future<Output = Result<Recovered<T>, Error>> + Send>> {
        Box::pin(look_up(self.clone(), lost.into()))
    }
}

/// What a failed call leaves to be looked up; `None` if its outcome is known.
impl From<&Error> for Option<Recovery> {
    fn from(error: &Error) -> Self {
        error.recovery().cloned()
    }
}

impl From<&Recovery> for Option<Recovery> {
    fn from(recovery: &Recovery) -> Self {
        Some(recovery.clone())
    }
}

pub(crate) async fn look_up<T: ApiObject + Send + 'static>(
    client: Client,
    recovery: Option<Recovery>,
) -> Result<Recovered<T>, Error> {
    let nothing = |why: &str| Err(Error::Build(BuildError::new(why)));
    let looked = match &recovery {
        None => nothing("there is nothing to look up: the outcome of this call is known"),
        Some(Recovery::Manual) => {
            nothing("no query settles what became of this call: look in the Ping++ dashboard")
        }
        Some(Recovery::Retrieve { route, ids }) => {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let mut request = Request::get(route.clone(), &ids).about_new::<T>();
            // Of a nested object it is the last one.
            if let (true, Some(&id)) = (route.ends_with('}'), ids.last()) {
                request = request.same("id", id);
            }
            client.fetch(request).await.map(Recovered::Found)
        }
        Some(Recovery::Find(search)) => find(&client, search).await,
    };
    // The error of a look-up must not be taken for the outcome of what is looked for.
    looked.map_err(|error| match recovery {
        Some(recovery) => error.in_doubt(recovery),
        None => error,
    })
}

async fn find<T: ApiObject>(client: &Client, search: &Search) -> Result<Recovered<T>, Error> {
    let ids: Vec<&str> = search.ids.iter().map(String::as_str).collect();
    let mut request = Request::get(search.route.clone(), &ids).query_from(&search.query);
    if let Some((from, until)) = search.window(client).filter(|_| search.by_time) {
        request = request.query_from(&json!({ "created": { "gte": from, "lt": until } }));
    }
    // The list may have told the server's clock, and so a narrower window.
    let fits = |item: &Value| search.fits(item, search.window(client));
    let found = matching(client, request, search.per_page, fits).await?;
    Ok(Recovered::of(found, search.is_unique))
}

impl<T> Recovered<T> {
    pub(crate) fn of(mut found: Vec<T>, is_unique: bool) -> Self {
        match (found.len(), is_unique) {
            (0, _) => Self::NotFound,
            (1, true) => Self::Found(found.remove(0)),
            _ => Self::Candidates(found),
        }
    }
}

/// The items of a list that fit, newest first.
pub(crate) async fn matching<T: ApiObject>(
    client: &Client,
    request: Request,
    per_page: Option<u32>,
    fits: impl Fn(&Value) -> bool,
) -> Result<Vec<T>, Error> {
    let mut found = Vec::new();
    for item in items(client, request, per_page).await? {
        let value: Value = read(&item)?;
        let livemode = value["livemode"].as_bool().map(Mode::from_livemode);
        if livemode.is_some_and(|mode| mode != client.mode()) {
            return Err(unsearchable(Flaw::OtherMode));
        }
        if fits(&value) {
            // From its text, in which a field may come twice.
            found.push(read(&item)?);
        }
    }
    Ok(found)
}

/// How many pages are searched.
const MOST_PAGES: usize = 50;

/// All items of a list, within the time of a call and a number of pages.
async fn items(
    client: &Client,
    request: Request,
    per_page: Option<u32>,
) -> Result<Vec<Raw>, Error> {
    let time = client.inner().timeout;
    let started = Instant::now();
    let request = request.about_list::<List<Raw>>();
    let mut items: Vec<Raw> = Vec::new();
    let mut last = String::new();
    for number in 1..=MOST_PAGES {
        let request = request.clone();
        let page = match per_page {
            Some(items) => {
                request.query("page", number.to_string()).query("per_page", items.to_string())
            }
            None if last.is_empty() => request.query("limit", "100"),
            None => request.query("limit", "100").query("starting_after", &last),
        };
        let left = time.saturating_sub(started.elapsed());
        let (page, has_more, _) = client.fetch::<List<Raw>>(page).timeout(left).await?.into_parts();
        let end = page.last().map(id_of).unwrap_or_default();
        if has_more && (end.is_empty() || end == last) {
            return Err(unsearchable(Flaw::StuckCursor));
        }
        items.extend(page);
        if !has_more {
            return Ok(items);
        }
        last = end;
    }
    Err(unsearchable(Flaw::EndlessList))
}

fn unsearchable(flaw: Flaw) -> Error {
    let report = Report::of_answer(Outcome::Unknown);
    Error::Response(ResponseError::new(flaw, HeaderMap::new(), Bytes::new(), report))
}

impl Search {
    /// From when to when the object can have been created, by the server's clock.
    fn window(&self, client: &Client) -> Option<(Timestamp, Option<Timestamp>)> {
        let since = self.since?;
        if self.is_server_time {
            return Some((moved(since, -SKEW), Some(moved(since, LATEST))));
        }
        // Only for a moment of this machine: its client knows nothing about another machine's clock.
        let skew = self.began.and_then(|began| client.inner().clock.skew(began));
        let Some(skew) = skew else {
            return Some((moved(since, -UNKNOWN_SKEW), None));
        };
        let by = i64::try_from(skew.by.as_secs()).unwrap_or(i64::MAX);
        let since = moved(since, if skew.is_ahead { -by } else { by });
        Some((moved(since, -SKEW), Some(moved(since, LATEST))))
    }

    fn fits(&self, item: &Value, window: Option<(Timestamp, Option<Timestamp>)>) -> bool {
        let is_elsewhere = match (item["created"].as_i64().map(Timestamp::from_unix), window) {
            (Some(at), Some((from, until))) => at < from || until.is_some_and(|until| at >= until),
            _ => false,
        };
        !is_elsewhere
            && self.number.as_ref().is_none_or(|(field, value)| item[*field] == **value)
            && self.marks.iter().all(|(field, value)| item[field.as_str()] == *value)
    }
}

/// Empty if it has none that is a string.
fn id_of(item: &Raw) -> String {
    let item: Option<Value> = read(item).ok();
    item.and_then(|item| item["id"].as_str().map(str::to_owned)).unwrap_or_default()
}

fn read<T: FromJson>(item: &Raw) -> Result<T, Error> {
    from_body(item.text().as_bytes()).map_err(|error| {
        let flaw = Flaw::Undecodable { why: fault(&error) };
        let body = Bytes::copy_from_slice(item.text().as_bytes());
        let report = Report::of_answer(Outcome::Unknown);
        Error::Response(ResponseError::new(flaw, HeaderMap::new(), body, report))
    })
}

fn moved(time: Timestamp, by: i64) -> Timestamp {
    Timestamp::from_unix(time.as_unix().saturating_add(by))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    #[test]
    fn an_object_fits_by_its_number_its_marks_and_its_time() {
        let marked = Search::list("/v1/charges", &[]).field("metadata", json!({ "tag": 1 }));
        let search = Search { number: Some(("order_no", "1".to_owned())), ..marked };
        let item = |field: &str, value: Value| {
            let mut item = json!({ "order_no": "1", "metadata": { "tag": 1 }, "created": 100 });
            item[field] = value;
            item
        };
        let window = |from, until: Option<i64>| Some((at(from), until.map(at)));
        for (item, window, fits) in [
            (item("id", json!("ch_1")), None, true),
            (item("order_no", json!("2")), None, false),
            (item("order_no", json!(null)), None, false),
            (item("metadata", json!({ "tag": 2 })), None, false),
            (item("metadata", json!({})), None, false),
            (item("created", json!(100)), window(100, Some(101)), true),
            (item("created", json!(99)), window(100, Some(101)), false),
            (item("created", json!(101)), window(100, Some(101)), false),
            (item("created", json!(500)), window(100, None), true),
            (item("created", json!(99)), window(100, None), false),
            // Of an unknown time: its number decides.
            (item("created", json!(null)), window(100, Some(101)), true),
        ] {
            assert_eq!(search.fits(&item, window), fits, "{item} {window:?}");
        }
        assert!(Search::list("/v1/charges", &[]).fits(&json!({}), None));
    }

    #[test]
    fn only_one_that_fits_and_is_unique_is_found() {
        for (found, is_unique, recovered) in [
            (vec![], true, Recovered::NotFound),
            (vec![], false, Recovered::NotFound),
            (vec![1], true, Recovered::Found(1)),
            (vec![1], false, Recovered::Candidates(vec![1])),
            (vec![1, 2], true, Recovered::Candidates(vec![1, 2])),
        ] {
            assert_eq!(Recovered::of(found, is_unique), recovered);
        }
    }

    #[test]
    fn what_is_in_doubt_can_be_looked_up_and_nothing_else() {
        let recovery = Recovery::retrieve("/v1/charges/{id}", &["ch_1"]);
        assert_eq!(Option::<Recovery>::from(&recovery), Some(recovery.clone()));
        let unknown = unsearchable(Flaw::StuckCursor).in_doubt(recovery.clone());
        assert_eq!(Option::<Recovery>::from(&unknown), Some(recovery));
        let build = Error::Build(BuildError::new("no id"));
        assert_eq!(Option::<Recovery>::from(&build), None);
    }

    #[test]
    fn a_cursor_is_an_id_that_is_a_string() {
        for (item, id) in
            [(r#"{"id":"ch_1"}"#, "ch_1"), (r#"{"id":1}"#, ""), ("{}", ""), ("[1]", ""), ("1", "")]
        {
            assert_eq!(id_of(&serde_json::from_str(item).unwrap()), id, "{item}");
        }
    }
}
