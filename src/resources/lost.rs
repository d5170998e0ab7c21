//! How a create whose answer was lost is found again: in the list of its family, by its number.

use serde_json::Value;

use crate::recovery::{Recovery, Search};

/// In the list of this route by the merchant's number, a field and its value. `by_time` says whether
/// the list takes the filter `created`. Lists by page number get the longest page with the query.
pub(super) fn find(
    route: &'static str,
    query: Value,
    (field, number): (&'static str, &str),
    by_time: bool,
) -> Recovery {
    let number = Some((field, number.to_owned()));
    Recovery::Find(Search { query, number, by_time, ..Search::list(route, &[]) })
}
