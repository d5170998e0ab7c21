//! Test money and live money.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether real money moves. The API key decides it (`sk_test_...` or `sk_live_...`), and every
/// object says it in `livemode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing is paid for real.
    Test,
    /// Real money moves.
    Live,
}

impl Mode {
    /// From the `livemode` of an object.
    pub const fn from_livemode(livemode: bool) -> Self {
        if livemode { Self::Live } else { Self::Test }
    }

    /// The `livemode` of an object of this mode.
    pub const fn livemode(self) -> bool {
        matches!(self, Self::Live)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Test => "test",
            Self::Live => "live",
        })
    }
}
