//! Texts about people that must not reach a log.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::macros::from_json::FromJson;

/// The number of a card or of an identity card, an account, a name: `Debug` does not show it.
///
/// ```
/// let name = pingpp::Sensitive::from("张三");
/// assert_eq!((format!("{name:?}").as_str(), name.as_str()), ("***", "张三"));
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sensitive(String);

impl Sensitive {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Sensitive {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Sensitive {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Sensitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl FromJson for Sensitive {}
