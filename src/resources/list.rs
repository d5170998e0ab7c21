//! The envelope of every list, nested or not.

use crate::object::object;

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
