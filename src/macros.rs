//! The two macros of the crate, objects of the API and open enums of strings, and how both are read.

pub(crate) mod from_json;
pub(crate) mod object;
pub(crate) mod open_enum;
