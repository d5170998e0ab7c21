//! Requests that cannot be made.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use super::BoxError;

/// A request that cannot be made. The text says which part is wrong and what to do.
#[derive(Debug, Clone)]
pub struct BuildError(Arc<BuildInner>);

#[derive(Debug)]
struct BuildInner {
    message: String,
    source: Option<BoxError>,
}

impl BuildError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(Arc::new(BuildInner { message: message.into(), source: None }))
    }

    pub(crate) fn because(message: impl Into<String>, source: impl Into<BoxError>) -> Self {
        Self(Arc::new(BuildInner { message: message.into(), source: Some(source.into()) }))
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl StdError for BuildError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
