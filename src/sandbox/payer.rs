//! The customer whose code is scanned: `extra.scan_code` decides what they do.
//!
//! The last digit counts; a code with any other digit at its end waits for [`Sandbox::pay`], as
//! does every charge without a code.
//!
//! [`Sandbox::pay`]: super::Sandbox::pay

use std::time::Duration;

/// Pays at once: the charge comes back paid.
pub const PAYS_AT_ONCE: &str = "281000000000000001";

/// Is asked for a PIN and pays [`PIN_TAKES`] later.
pub const PAYS_AFTER_A_PIN: &str = "281000000000000002";

/// Never pays.
pub const NEVER_PAYS: &str = "281000000000000003";

/// Is refused by the channel: the create is answered with 402, and the charge stays as failed.
pub const IS_REFUSED_BY_THE_CHANNEL: &str = "281000000000000004";

/// How long a customer takes for the PIN, on the sandbox's clock.
pub const PIN_TAKES: Duration = Duration::from_secs(10);

pub(super) const PAYS: char = '1';
pub(super) const PAYS_AFTER_PIN: char = '2';
pub(super) const IS_REFUSED: char = '4';
