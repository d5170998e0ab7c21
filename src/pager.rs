//! Lists that come in pages: one page at a time, item by item, or all items as a stream.

use std::fmt;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use bytes::Bytes;
use futures_core::Stream;
use http::HeaderMap;
use serde_json::{Map, Value};

use crate::call::Call;
use crate::client::Client;
use crate::error::{BuildError, Error, Flaw, Outcome, Report, ResponseError};
use crate::macros::from_json::FromJson;
use crate::request::Request;
use crate::types::{Id, List};

/// The items of one page, in the order of the server: newest first.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Page<T> {
    /// At most as many as the limit of the list.
    pub items: Vec<T>,
    /// Whether the server has more behind this page.
    pub has_more: bool,
    other: Map<String, Value>,
}

impl<T> Page<T> {
    /// What else the server sent beside the items, such as totals.
    pub fn other(&self) -> &Map<String, Value> {
        &self.other
    }
}

/// Walks a list page by page. It only reads, so it may be dropped at any time. After an error it asks
/// for the same page again.
///
/// ```no_run
/// # async fn f(client: pingpp::Client) -> Result<(), pingpp::Error> {
/// use pingpp::ListCharges;
///
/// let mut charges = client.charges().list(ListCharges::builder().paid(true)).limit(100);
/// while let Some(charge) = charges.next().await? {
///     println!("{} {}", charge.id, charge.amount);
/// }
/// # Ok(())
/// # }
/// ```
///
/// Most lists are walked by [cursor](ByCursor); those of [`ByNumber`] by the number of the page.
#[must_use = "a pager does nothing until it is asked for a page"]
pub struct Pager<T, By = ByCursor> {
    client: Client,
    request: Request,
    per_page: Option<u32>,
    /// `None` behind the last page.
    position: Option<Position>,
    id: fn(&T) -> &str,
    /// The field by which an item is not what the list was asked for.
    stranger: Option<Stranger<T>>,
    asking: Option<Call<List<T>>>,
    /// Items of the last page that were not given out yet.
    items: vec::IntoIter<T>,
    /// What came beside them.
    other: Map<String, Value>,
    /// Towards newer items, so that the items of a page are given out from its end.
    is_backward: bool,
    by: PhantomData<fn() -> By>,
}

type Stranger<T> = Box<dyn Fn(&T) -> Option<&'static str> + Send + Sync>;

/// Ends the call of a page when the future that waits for it is dropped: it holds a permit, which
/// others may need.
struct Waiting<'a, T, By>(&'a mut Pager<T, By>);

impl<T, By> Drop for Waiting<'_, T, By> {
    fn drop(&mut self) {
        self.0.asking = None;
    }
}

/// A list that begins behind or before a certain item; see [`Pager::after`] and [`Pager::before`].
#[derive(Debug)]
pub enum ByCursor {}

/// A list that is paged by number; see [`Pager::page`].
#[derive(Debug)]
pub enum ByNumber {}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Position {
    /// At the newest item.
    Newest,
    /// Behind this item, towards older ones.
    After(String),
    /// Before this item, towards newer ones.
    Before(String),
    /// At the page of this number, from 1.
    Number(u32),
}

impl<T> Pager<T> {
    /// `id` is what a cursor names an item by; empty if it has none.
    pub(crate) fn by_cursor(client: &Client, request: Request, id: fn(&T) -> &str) -> Self {
        Self::new(client, request, Position::Newest, id)
    }

    /// How many items a page has, 1 to 100. Ping++ takes 10 if it is not set.
    pub fn limit(mut self, limit: u32) -> Self {
        if !(1..=100).contains(&limit) {
            self.request = self.request.or_error(BuildError::new("limit must be 1 to 100"));
        }
        self.per_page = Some(limit);
        self
    }

    /// Begins behind this item, towards older ones.
    pub fn after(self, id: impl Into<Id<T>>) -> Self {
        self.from(Position::After(id.into().into()))
    }

    /// Begins before this item and walks towards newer ones, the oldest of them first.
    pub fn before(mut self, id: impl Into<Id<T>>) -> Self {
        self.is_backward = true;
        self.from(Position::Before(id.into().into()))
    }

    fn from(mut self, position: Position) -> Self {
        if self.position != Some(Position::Newest) {
            self.request = self.request.or_error(BuildError::new(
                "a list begins at one place: call `after` or `before`, and only once",
            ));
        }
        self.position = Some(position);
        self
    }
}

impl<T> Pager<T, ByNumber> {
    #[allow(dead_code, reason = "lists of the families that are still to come")]
    pub(crate) fn by_number(client: &Client, request: Request) -> Self {
        Self::new(client, request, Position::Number(1), |_| "")
    }

    /// Begins at the page of this number, from 1.
    pub fn page(mut self, number: u32) -> Self {
        if number == 0 {
            self.request = self.request.or_error(BuildError::new("pages are counted from 1"));
        }
        self.position = Some(Position::Number(number));
        self
    }

    /// How many items a page has, 1 to 100 (some lists: 20); 20 if it is not set.
    pub fn per_page(mut self, items: u32) -> Self {
        if !(1..=100).contains(&items) {
            self.request = self.request.or_error(BuildError::new("per_page must be 1 to 100"));
        }
        self.per_page = Some(items);
        self
    }
}

impl<T, By> Pager<T, By> {
    /// Shows a reference of each item whole, as [`Call::expand`] does.
    pub fn expand(mut self, reference: &str) -> Self {
        self.request = self.request.expand(reference);
        self
    }

    fn new(client: &Client, request: Request, first: Position, id: fn(&T) -> &str) -> Self {
        Self {
            client: client.clone(),
            request,
            per_page: None,
            position: Some(first),
            id,
            stranger: None,
            asking: None,
            items: Vec::new().into_iter(),
            other: Map::new(),
            is_backward: false,
            by: PhantomData,
        }
    }
}

impl<T, By> Pager<T, By> {
    /// Refuses a page with an item of the other mode than that of the API key.
    pub(crate) fn of_mode(self, livemode: fn(&T) -> Option<bool>) -> Self
    where
        T: 'static,
    {
        let live = self.client.mode().livemode();
        self.refuse(move |item| livemode(item).filter(|mode| *mode != live).map(|_| "livemode"))
    }

    /// Refuses a page with an item of which this names a field: it is the answer to something else.
    pub(crate) fn refuse(
        mut self,
        stranger: impl Fn(&T) -> Option<&'static str> + Send + Sync + 'static,
    ) -> Self {
        self.stranger = Some(Box::new(stranger));
        self
    }
}

impl<T: FromJson + 'static, By> Pager<T, By> {
    /// The next page; `None` behind the last one. Items of the last page that [`next`](Self::next)
    /// has not given out come first, as a page of their own.
    ///
    /// # Errors
    /// Those of any call, and [`Error::Response`] if the server's list does not move on. The next
    /// call of this method asks for the same page again.
    pub async fn next_page(&mut self) -> Result<Option<Page<T>>, Error> {
        if self.items.len() > 0 {
            let mut items: Vec<_> = std::mem::take(&mut self.items).collect();
            if self.is_backward {
                items.reverse();
            }
            let other = std::mem::take(&mut self.other);
            return Ok(Some(Page { items, has_more: self.position.is_some(), other }));
        }
        let waiting = Waiting(self);
        poll_fn(|cx| waiting.0.poll_page(cx)).await
    }

    /// The next item, in the order in which the list is walked; `None` behind the last one.
    ///
    /// # Errors
    /// As [`next_page`](Self::next_page).
    pub async fn next(&mut self) -> Result<Option<T>, Error> {
        let waiting = Waiting(self);
        poll_fn(|cx| waiting.0.poll_item(cx)).await
    }

    /// All items from here on as a stream, which ends after an error.
    pub fn into_stream(self) -> Items<T, By> {
        Items { pager: Some(self) }
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<T>, Error>> {
        loop {
            if let Some(item) = self.items.next() {
                return Poll::Ready(Ok(Some(item)));
            }
            match ready!(self.poll_page(cx))? {
                None => return Poll::Ready(Ok(None)),
                Some(mut page) => {
                    if self.is_backward {
                        page.items.reverse();
                    }
                    self.items = page.items.into_iter();
                    self.other = page.other;
                }
            }
        }
    }

    fn poll_page(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Page<T>>, Error>> {
        let Some(position) = &self.position else { return Poll::Ready(Ok(None)) };
        let call = self.asking.get_or_insert_with(|| {
            let request = self.request.clone().about_list::<List<T>>();
            self.client.fetch(position.apply(request, self.per_page))
        });
        let answer = ready!(Pin::new(call).poll(cx));
        self.asking = None;
        let (items, has_more, other) = answer?.into_parts();
        let next = position.behind(&items, self.id);
        let stranger = self.stranger.as_ref().and_then(|stranger| items.iter().find_map(stranger));
        // A page that ends where it should have begun is the same page again.
        let is_stuck = next.as_ref().map_or(has_more, |next| next == position);
        if let Some(flaw) = stranger
            .map(|field| Flaw::OtherObject { field })
            .or_else(|| is_stuck.then_some(Flaw::StuckCursor))
        {
            let report = Report::of_answer(Outcome::Rejected);
            let error = ResponseError::new(flaw, HeaderMap::new(), Bytes::new(), report);
            return Poll::Ready(Err(Error::Response(error)));
        }
        self.position = next.filter(|_| has_more);
        Poll::Ready(Ok(Some(Page { items, has_more, other })))
    }
}

impl Position {
    fn apply(&self, request: Request, per_page: Option<u32>) -> Request {
        let (key, value) = match self {
            Self::Number(number) => {
                // The default of the server differs by source, so it is always said.
                let per_page = per_page.unwrap_or(20).to_string();
                return request.query("page", number.to_string()).query("per_page", per_page);
            }
            Self::Newest => ("", ""),
            Self::After(id) => ("starting_after", id.as_str()),
            Self::Before(id) => ("ending_before", id.as_str()),
        };
        let request = if key.is_empty() { request } else { request.query(key, value) };
        match per_page {
            None => request,
            Some(limit) => request.query("limit", limit.to_string()),
        }
    }

    /// Where the next page begins; `None` if nothing in this one says it.
    fn behind<T>(&self, items: &[T], id: fn(&T) -> &str) -> Option<Self> {
        let item = match self {
            Self::Before(_) => items.first()?,
            _ => items.last()?,
        };
        match (self, id(item)) {
            (Self::Number(number), _) => number.checked_add(1).map(Self::Number),
            (_, "") => None,
            (Self::Before(_), id) => Some(Self::Before(id.to_owned())),
            (Self::Newest | Self::After(_), id) => Some(Self::After(id.to_owned())),
        }
    }
}

impl<T, By> fmt::Debug for Pager<T, By> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pager").field("position", &self.position).finish_non_exhaustive()
    }
}

/// The items of a list, from [`Pager::into_stream`].
#[must_use = "a stream does nothing until it is polled"]
pub struct Items<T, By = ByCursor> {
    /// `None` after an error.
    pager: Option<Pager<T, By>>,
}

impl<T, By> Unpin for Items<T, By> {}

impl<T: FromJson + 'static, By> Stream for Items<T, By> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(pager) = &mut self.pager else { return Poll::Ready(None) };
        let item = ready!(pager.poll_item(cx));
        if item.is_err() {
            self.pager = None;
        }
        Poll::Ready(item.transpose())
    }
}

impl<T, By> fmt::Debug for Items<T, By> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").field("pager", &self.pager).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behind(position: &Position, ids: &[&'static str]) -> Option<Position> {
        position.behind(ids, |id| id)
    }

    #[test]
    fn a_cursor_follows_the_way_of_the_list() {
        let (a, b) = (Position::After("b".into()), Position::Before("a".into()));
        assert_eq!(behind(&Position::Newest, &["a", "b"]), Some(a));
        assert_eq!(behind(&Position::Before("z".into()), &["a", "b"]), Some(b));
        assert_eq!(behind(&Position::Number(1), &["a"]), Some(Position::Number(2)));
        assert_eq!(behind(&Position::Number(u32::MAX), &["a"]), None);
    }

    #[test]
    fn a_cursor_that_does_not_move_is_noticed() {
        for position in [Position::After("b".into()), Position::Before("a".into())] {
            assert_eq!(behind(&position, &["a", "b"]), Some(position));
        }
        assert_eq!(behind(&Position::After("b".into()), &[]), None);
        assert_eq!(behind(&Position::Newest, &["a", ""]), None, "an item without an id");
    }

    #[test]
    fn each_position_is_written_into_the_query() {
        let target = |position: Position, per_page| {
            position.apply(Request::get("/v1/charges", &[]), per_page).target()
        };
        assert_eq!(target(Position::Newest, None), "/v1/charges");
        assert_eq!(target(Position::Newest, Some(7)), "/v1/charges?limit=7");
        let after = Position::After("a".into());
        assert_eq!(target(after, Some(7)), "/v1/charges?starting_after=a&limit=7");
        assert_eq!(target(Position::Before("a".into()), None), "/v1/charges?ending_before=a");
        assert_eq!(target(Position::Number(3), None), "/v1/charges?page=3&per_page=20");
        assert_eq!(target(Position::Number(3), Some(7)), "/v1/charges?page=3&per_page=7");
    }

    #[test]
    fn pages_and_their_sizes_have_bounds_and_a_list_begins_at_one_place() {
        type Item = Id<String>;
        let client = Client::builder("sk_test_1").unsigned().build().unwrap();
        let request = || Request::get("/v1/charges", &[]);
        let cursor = || Pager::<Item>::by_cursor(&client, request(), Id::as_str);
        let number = || Pager::<Item, ByNumber>::by_number(&client, request());
        for (size, is_refused) in [(0, true), (1, false), (100, false), (101, true)] {
            assert_eq!(cursor().limit(size).request.take_error().is_some(), is_refused, "{size}");
            assert_eq!(number().per_page(size).request.take_error().is_some(), is_refused);
        }
        for (page, is_refused) in [(0, true), (1, false), (7, false)] {
            assert_eq!(number().page(page).request.take_error().is_some(), is_refused, "{page}");
        }
        let id = || Id::<Item>::from("a");
        for (mut list, is_refused) in [
            (cursor().after(id()), false),
            (cursor().before(id()), false),
            (cursor().after(id()).before(id()), true),
            (cursor().before(id()).before(id()), true),
        ] {
            assert_eq!(list.request.take_error().is_some(), is_refused, "{list:?}");
        }
        assert!(format!("{:?}", cursor().after(id())).contains("After(\"a\")"));
        let items = format!("{:?}", number().page(7).into_stream());
        assert!(items.contains("Items") && items.contains("Number(7)"), "{items}");
    }
}
