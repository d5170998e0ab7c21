//! Values of `extra.scan_code` that decide what the customer does.
//!
//! Only the last digit of the code counts. With any other last digit, or without a code, a charge
//! waits for [`Sandbox::pay`].
//!
//! [`Sandbox::pay`]: super::Sandbox::pay

use std::time::Duration;

/// The customer pays at once: the create is answered with a paid charge.
pub const PAYS_AT_ONCE: &str = "281000000000000001";

/// The customer has to enter a PIN, and pays [`PIN_TAKES`] after the creation.
pub const PAYS_AFTER_A_PIN: &str = "281000000000000002";

/// The customer does not pay, unless [`Sandbox::pay`](super::Sandbox::pay) is called.
pub const NEVER_PAYS: &str = "281000000000000003";

/// The channel refuses the code: the create is answered with a 402, and the charge has failed.
pub const IS_REFUSED_BY_THE_CHANNEL: &str = "281000000000000004";

/// How long the customer takes to enter the PIN, on the sandbox's clock.
pub const PIN_TAKES: Duration = Duration::from_secs(10);

pub(super) const PAYS: char = '1';
pub(super) const PAYS_AFTER_PIN: char = '2';
pub(super) const IS_REFUSED: char = '4';
