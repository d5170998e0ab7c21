//! Looks up what became of a call whose outcome is unknown. It only reads.

use std::pin::Pin;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Recovery, Search};
use crate::client::Client;
use crate::error::{BuildError, Error, Flaw, Outcome, Report, ResponseError};
use crate::macros::from_json::{ApiObject, FromJson, fault, from_body};
use crate::request::Request;
use crate::types::{List, Timestamp};

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
    /// ([`Recovery::Manual`]). [`Error::Response`] if the list is too long to be searched: 5,000 items.
    /// Otherwise those of any query.
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
    match recovery {
        None => nothing("there is nothing to look up: the outcome of this call is known"),
        Some(Recovery::Manual) => {
            nothing("no query settles what became of this call: look in the Ping++ dashboard")
        }
        Some(Recovery::Retrieve { route, ids }) => {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let request = Request::get(route, &ids).about_new::<T>();
            client.fetch(request).await.map(Recovered::Found)
        }
        Some(Recovery::Find(search)) => find(client, search).await,
    }
}

async fn find<T: ApiObject>(client: Client, search: Search) -> Result<Recovered<T>, Error> {
    let ids: Vec<&str> = search.ids.iter().map(String::as_str).collect();
    let mut request = Request::get(search.route.clone(), &ids).query_from(&search.query);
    let window = search.since.map(|since| (moved(since, -SKEW), moved(since, LATEST)));
    if let Some((from, until)) = window.filter(|_| search.by_time) {
        request = request.query_from(&json!({ "created": { "gte": from, "lt": until } }));
    }
    let found = matching(&client, request, |item| search.fits(item)).await?;
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
    fits: impl Fn(&Value) -> bool,
) -> Result<Vec<T>, Error> {
    let items = items(client, request).await?;
    items.into_iter().filter(|item| fits(item)).map(read).collect()
}
/// How many pages of 100 are searched.
const MOST_PAGES: usize = 50;

/// All items of a list, within the time of a call and a number of pages.
async fn items(client: &Client, request: Request) -> Result<Vec<Value>, Error> {
    let time = client.inner().timeout;
    let started = Instant::now();
    let request = request.query("limit", "100").about_new::<List<Value>>();
    let mut items: Vec<Value> = Vec::new();
    for _ in 0..MOST_PAGES {
        let page = match items.last().map(id_of) {
            Some(id) => request.clone().query("starting_after", id),
            None => request.clone(),
        };
        let left = time.saturating_sub(started.elapsed());
        let (page, has_more, _) =
            client.fetch::<List<Value>>(page).timeout(left).await?.into_parts();
        let behind = page.last().map(id_of).filter(|id| !id.is_empty());
        if !has_more {
            items.extend(page);
            return Ok(items);
        }
        if behind.is_none() || behind == items.last().map(id_of) {
            return Err(unsearchable(Flaw::StuckCursor));
        }
        items.extend(page);
    }
    Err(unsearchable(Flaw::EndlessList))
}

fn unsearchable(flaw: Flaw) -> Error {
    let report = Report::of_answer(Outcome::Rejected);
    Error::Response(ResponseError::new(flaw, http::HeaderMap::new(), Bytes::new(), report))
}

impl Search {
    fn fits(&self, item: &Value) -> bool {
        let created = item["created"].as_i64();
        // Where the list takes no filter for it.
        let too_old = |since: Timestamp| created.is_some_and(|c| c < moved(since, -SKEW).as_unix());
        (self.by_time || !self.since.is_some_and(too_old))
            && self.number.as_ref().is_none_or(|(field, value)| item[*field] == **value)
            && self.marks.iter().all(|(field, value)| item[field.as_str()] == *value)
    }
}

fn id_of(item: &Value) -> &str {
    item["id"].as_str().unwrap_or_default()
}

fn read<T: FromJson>(item: Value) -> Result<T, Error> {
    let body = item.to_string();
    from_body(body.as_bytes()).map_err(|error| {
        let flaw = Flaw::Undecodable { why: fault(&error) };
        let report = Report::of_answer(Outcome::Rejected);
        Error::Response(ResponseError::new(flaw, http::HeaderMap::new(), body.into(), report))
    })
}

fn moved(time: Timestamp, by: i64) -> Timestamp {
    Timestamp::from_unix(time.as_unix().saturating_add(by))
}
