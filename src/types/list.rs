//! The envelope of every list, nested or not.

use serde_json::{Map, Value};

use crate::macros::object::object;

object! {
    /// Some items of a list, newest first.
    pub struct List<T> = "list" {
        required {
            /// Whether there are more.
            has_more: bool,
            /// The items.
            data: Vec<T>,
        }
        optional {
            /// The path of the list.
            url: String,
        }
    }
}

impl<T> List<T> {
    /// The items, whether there are more, and what else came with them.
    pub(crate) fn into_parts(self) -> (Vec<T>, bool, Map<String, Value>) {
        (self.data, self.has_more, self.other)
    }
}
