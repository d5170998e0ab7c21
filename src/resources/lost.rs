//! How a create whose answer was lost is found again: in the list of its family, by its number or by
//! what the merchant wrote on it.

use serde_json::Value;

use crate::recovery::{Recovery, Search};
use crate::types::JsonObject;

/// In the list of this route by the merchant's number, a field and its value. `by_time` says whether
/// the list takes the filter `created`, `per_page` how long its pages may be if it has page numbers.
pub(super) fn find(
    route: &'static str,
    query: Value,
    number: (&'static str, &str),
    by_time: bool,
    per_page: Option<u32>,
) -> Recovery {
    find_in(Search { query, by_time, per_page, ..Search::list(route, &[]) }, number)
}

/// The same in any list.
pub(super) fn find_in(search: Search, (field, number): (&'static str, &str)) -> Recovery {
    Recovery::Find(Search { number: Some((field, number.to_owned())), ..search })
}

/// In a list by the marks of the search and the metadata. Without any metadata by the description,
/// which is no proof.
pub(super) fn find_tagged(
    mut search: Search,
    metadata: Option<&JsonObject>,
    description: Option<&str>,
) -> Recovery {
    let tag = metadata.filter(|metadata| !metadata.is_empty());
    search.is_unique = tag.is_some();
    let mark = match tag {
        Some(tag) => Some(("metadata", Value::Object(tag.clone().into()))),
        None => description.map(|description| ("description", description.into())),
    };
    search.marks.extend(mark.map(|(field, value)| (field.to_owned(), value)));
    Recovery::Find(search)
}
