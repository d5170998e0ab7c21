//! Lists that come in pages: one page at a time, or all items as a stream.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use futures_core::Stream;
use serde::de::DeserializeOwned;

use crate::call::Call;
use crate::client::Client;
use crate::error::{BuildError, Error, Flaw, Outcome, Report, ResponseError};
use crate::request::Request;
use crate::{Id, List};

/// The items of one page, in the order of the server: newest first.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Page<T> {
    /// At most as many as the `limit` of the list.
    pub items: Vec<T>,
    /// Whether the server has more behind this page.
    pub has_more: bool,
}

/// Walks a list page by page.
///
/// It only reads, so it may be dropped at any time. After an error it asks for the same page again.
///
/// ```no_run
/// # async fn f(client: pingpp::Client) -> Result<(), pingpp::Error> {
/// use pingpp::ListCharges;
///
/// let mut pages = client.charges().list(ListCharges::builder().limit(100).build());
/// while let Some(page) = pages.next_page().await? {
///     for charge in page.items {
///         println!("{} {}", charge.id, charge.amount.as_fen());
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a pager does nothing until it is asked for a page"]
pub struct Pager<T> {
    client: Client,
    first_page: Box<dyn Fn() -> Request + Send + Sync>,
    limit: Option<u32>,
    id: fn(&T) -> &str,
    /// `None` behind the last page.
    cursor: Option<Cursor>,
    asking: Option<Call<List<T>>>,
}

/// What the parameters of every list have: how many items a page has, and where it begins.
pub(crate) struct Paging<T> {
    pub(crate) limit: Option<u32>,
    pub(crate) after: Option<Id<T>>,
    pub(crate) before: Option<Id<T>>,
}

impl<T> Paging<T> {
    fn check(self) -> Result<(Cursor, Option<u32>), BuildError> {
        if matches!(self.limit, Some(0 | 101..)) {
            return Err(BuildError::new("limit must be 1 to 100"));
        }
        let cursor = Cursor::new(self.after.map(String::from), self.before.map(String::from))?;
        Ok((cursor, self.limit))
    }
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cursor {
    /// At the newest item.
    Newest,
    /// Behind this item, towards older ones.
    After(String),
    /// Before this item, towards newer ones.
    Before(String),
}

impl Cursor {
    /// From the parameters of a list, of which one at the most makes sense.
    pub(crate) fn new(after: Option<String>, before: Option<String>) -> Result<Self, BuildError> {
        match (after, before) {
            (None, None) => Ok(Self::Newest),
            (Some(id), None) => Ok(Self::After(id)),
            (None, Some(id)) => Ok(Self::Before(id)),
            (Some(_), Some(_)) => Err(BuildError::new(
                "starting_after and ending_before are both set: a list is walked one way, set one",
            )),
        }
    }

    fn apply(&self, request: Request) -> Request {
        match self {
            Self::Newest => request,
            Self::After(id) => request.query("starting_after", id),
            Self::Before(id) => request.query("ending_before", id),
        }
    }

    /// The cursor behind a page; `None` if nothing in it says where that is.
    fn behind<T>(&self, items: &[T], id: fn(&T) -> &str) -> Option<Self> {
        let last = match self {
            Self::Before(_) => id(items.first()?),
            Self::Newest | Self::After(_) => id(items.last()?),
        };
        match self {
            _ if last.is_empty() => None,
            Self::Before(_) => Some(Self::Before(last.to_owned())),
            Self::Newest | Self::After(_) => Some(Self::After(last.to_owned())),
        }
    }
}

impl<T: DeserializeOwned + 'static> Pager<T> {
    pub(crate) fn new(
        client: Client,
        paging: Paging<T>,
        id: fn(&T) -> &str,
        first_page: impl Fn() -> Request + Send + Sync + 'static,
    ) -> Self {
        let ((cursor, limit), asking) = match paging.check() {
            Ok(checked) => (checked, None),
            Err(error) => ((Cursor::Newest, None), Some(client.call(first_page().or_error(error)))),
        };
        Self { client, first_page: Box::new(first_page), limit, id, cursor: Some(cursor), asking }
    }

    /// The next page; `None` behind the last one.
    ///
    /// # Errors
    /// Those of any call, and [`Error::Response`] if the server's list does not move on. The next
    /// call of this method asks for the same page again.
    pub async fn next_page(&mut self) -> Result<Option<Page<T>>, Error> {
        poll_fn(|cx| self.poll_page(cx)).await
    }

    /// All items from here on, in the order in which the list is walked: newest first, or oldest
    /// first with `ending_before`. It ends after an error.
    pub fn into_stream(self) -> Items<T> {
        Items { pager: Some(self), page: Vec::new().into_iter() }
    }

    fn poll_page(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Page<T>>, Error>> {
        let Some(cursor) = &self.cursor else { return Poll::Ready(Ok(None)) };
        let call = self.asking.get_or_insert_with(|| {
            let page = cursor.apply((self.first_page)().expect(List::<T>::OBJECT, None));
            self.client.call(match self.limit {
                None => page,
                Some(limit) => page.query("limit", limit.to_string()),
            })
        });
        let answer = ready!(Pin::new(call).poll(cx));
        self.asking = None;
        let List { data: items, has_more, .. } = answer?;
        let behind = cursor.behind(&items, self.id);
        // A page that ends where it should have begun is the same page again.
        if behind.as_ref().map_or(has_more, |behind| behind == cursor) {
            let report = Report::of_answer(Outcome::Rejected);
            return Poll::Ready(Err(Error::Response(ResponseError::new(
                Flaw::StuckCursor,
                report,
            ))));
        }
        self.cursor = behind.filter(|_| has_more);
        Poll::Ready(Ok(Some(Page { items, has_more })))
    }
}

impl<T> fmt::Debug for Pager<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pager").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}

/// The items of a list, from [`Pager::into_stream`].
#[must_use = "a stream does nothing until it is polled"]
pub struct Items<T> {
    /// `None` after an error.
    pager: Option<Pager<T>>,
    page: vec::IntoIter<T>,
}

impl<T: DeserializeOwned + Unpin + 'static> Stream for Items<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(item) = self.page.next() {
                return Poll::Ready(Some(Ok(item)));
            }
            let Some(pager) = &mut self.pager else { return Poll::Ready(None) };
            let backwards = matches!(pager.cursor, Some(Cursor::Before(_)));
            match ready!(pager.poll_page(cx)) {
                Ok(Some(mut page)) => {
                    if backwards {
                        page.items.reverse();
                    }
                    self.page = page.items.into_iter();
                }
                Ok(None) => self.pager = None,
                Err(error) => {
                    self.pager = None;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}

impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").field("pager", &self.pager).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behind(cursor: &Cursor, ids: &[&'static str]) -> Option<Cursor> {
        cursor.behind(ids, |id| id)
    }

    #[test]
    fn a_cursor_follows_the_way_of_the_list() {
        let (a, b) = (Cursor::After("b".into()), Cursor::Before("a".into()));
        assert_eq!(behind(&Cursor::Newest, &["a", "b"]), Some(a));
        assert_eq!(behind(&Cursor::Before("z".into()), &["a", "b"]), Some(b));
    }

    #[test]
    fn a_cursor_that_does_not_move_is_noticed() {
        for (cursor, items) in
            [(Cursor::After("b".into()), &["a", "b"]), (Cursor::Before("a".into()), &["a", "b"])]
        {
            assert_eq!(behind(&cursor, items), Some(cursor));
        }
        assert_eq!(behind(&Cursor::After("b".into()), &[]), None);
        assert_eq!(behind(&Cursor::Newest, &["a", ""]), None, "an item without an id");
    }

    #[test]
    fn a_list_is_walked_one_way() {
        let error = Cursor::new(Some("a".into()), Some("b".into())).unwrap_err();
        assert!(error.to_string().contains("set one"), "{error}");
    }
}
