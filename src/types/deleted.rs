//! What a delete answers.

use super::id::Id;
use crate::macros::object::object;

object! {
    /// A `T` that was deleted.
    pub struct Deleted<T> {
        required {
            /// Its id.
            id: Id<T>,
            /// Whether it is gone.
            deleted: bool,
        }
    }
}
