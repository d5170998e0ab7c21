//! Looks up what became of a call whose outcome is unknown. It only reads.

use serde_json::{Value, json};

use super::{Recovery, Search};
use crate::client::Client;
use crate::error::{BuildError, Error, Flaw, Outcome, Report, ResponseError};
use crate::macros::from_json::{ApiObject, FromJson, fault, from_body};
use crate::pager::Pager;
use crate::request::Request;
use crate::types::Timestamp;

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
    /// It only reads, never sends the call again, and may be repeated and dropped at any time.
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
    /// ([`Recovery::Manual`]). Otherwise those of any query.
    pub fn recover<T: ApiObject + Send + 'static>(
        &self,
        error: &Error,
    ) -> impl Future<Output = Result<Recovered<T>, Error>> + Send + 'static + use<T> {
        look_up(self.clone(), error.recovery().cloned())
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
    let mut request = Request::get(search.route, &ids).query_from(&search.query);
    let window = search.since.map(|since| (moved(since, -SKEW), moved(since, LATEST)));
    if let Some((from, until)) = window.filter(|_| search.by_time) {
        request = request.query_from(&json!({ "created": { "gte": from, "lt": until } }));
    }
    let mut found = match search.per_page {
        None => fitting(&search, Pager::by_cursor(&client, request, id_of).limit(100)).await?,
        Some(items) => fitting(&search, Pager::by_number(&client, request).per_page(items)).await?,
    };
    Ok(match (found.len(), search.is_unique) {
        (0, _) => Recovered::NotFound,
        (1, true) => Recovered::Found(found.remove(0)),
        _ => Recovered::Candidates(found),
    })
}

async fn fitting<T: ApiObject, By>(
    search: &Search,
    mut pages: Pager<Value, By>,
) -> Result<Vec<T>, Error> {
    let mut found = Vec::new();
    while let Some(page) = pages.next_page().await? {
        for item in page.items.into_iter().filter(|item| search.fits(item)) {
            found.push(read(item)?);
        }
    }
    Ok(found)
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
