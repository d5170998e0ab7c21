//! What can be wrong with a configuration.

use std::error::Error as StdError;
use std::fmt;

use crate::error::BoxError;

/// A configuration that cannot work. It names the setting and says what to do.
#[derive(Debug)]
pub struct ConfigError {
    setting: &'static str,
    reason: String,
    source: Option<BoxError>,
}

impl ConfigError {
    pub(crate) fn new(setting: &'static str, reason: impl Into<String>) -> Self {
        Self { setting, reason: reason.into(), source: None }
    }

    pub(crate) fn because(
        setting: &'static str,
        reason: &str,
        source: impl Into<BoxError>,
    ) -> Self {
        Self { setting, reason: reason.to_owned(), source: Some(source.into()) }
    }

    /// The builder method or environment variable that is wrong.
    pub fn setting(&self) -> &str {
        self.setting
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.setting, self.reason)
    }
}

impl StdError for ConfigError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
