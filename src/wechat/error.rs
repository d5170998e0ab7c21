//! Why WeChat gave nothing.

use std::error::Error as StdError;
use std::fmt;

use crate::error::{BuildError, TransportError};

/// Why a call to WeChat brought nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum WeChatError {
    /// The request could not be made. Nothing was sent.
    Build(BuildError),
    /// No complete answer came back.
    Transport(TransportError),
    /// WeChat refused it.
    #[non_exhaustive]
    Refused {
        /// WeChat's `errcode`, such as 40029 for a code that is wrong or was used already.
        code: i64,
        /// WeChat's `errmsg`.
        message: String,
    },
    /// An answer that is not one of WeChat's: another status than 2xx, or without the fields.
    #[non_exhaustive]
    Unreadable {
        /// The HTTP status.
        status: u16,
    },
}

impl fmt::Display for WeChatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build(error) => error.fmt(f),
            Self::Transport(error) => write!(f, "WeChat: {error}"),
            Self::Refused { code, message } => write!(f, "WeChat refused it: {code} {message}"),
            Self::Unreadable { status } => {
                write!(f, "the answer is not one of WeChat's: it has status {status}")
            }
        }
    }
}

impl StdError for WeChatError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Build(error) => error.source(),
            Self::Transport(error) => error.source(),
            Self::Refused { .. } | Self::Unreadable { .. } => None,
        }
    }
}
