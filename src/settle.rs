//! Settling a charge: ask whether it was paid, and close it if not, until there is one truth.
//!
//! ```no_run
//! # async fn f(client: pingpp::Client, order: pingpp::CreateCharge) -> Result<(), Box<dyn std::error::Error>> {
//! use pingpp::Settled;
//!
//! match client.charges().create_and_settle(order).await? {
//!     Settled::Paid(charge) => println!("hand over the goods of {}", charge.order_no),
//!     Settled::Closed(_) | Settled::Failed(_) => println!("not paid, and never will be"),
//!     Settled::Refunded(_) => println!("the money went back: keep the goods"),
//!     Settled::NeedsRefund(charge) => println!("paid too late: refund {}", charge.id),
//!     Settled::Unresolved(left) => println!("keep this and resume: {:?}", left.token),
//!     other => println!("keep the goods, and tell a person: {other:?}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What it does
//! It asks every 5 s. After a minute, or when the [customer walks away](SettleHandle::cancel), it
//! looks once more and then reverses, looks what came of it, and reverses again at growing intervals
//! until a look shows the end. Only [`Settled::Paid`] releases goods: once a reverse was sent, it
//! takes a look that is later than a definite refusal of every reverse. A look that fails is never
//! taken for "not paid". Money is never refunded automatically; on the payer-code channels a reverse
//! gives a payment back. Reverses that cannot work are not sent: see [`Channel::is_reversible`],
//! [`Channel::reverse_window`] and [`Channel::reversible_from`].
//! (Rules: Ping++ documentation of scan payments and of `reverse`, 2026.)
//!
//! This machine's clock must be right to a few minutes: it is held against the times of the charge.
//!
//! # What survives the process
//! With [`Settlement::on_transition`] a [`SettleToken`] is handed over before anything is sent that
//! has an effect, and at every step. Kept on disk, it goes on elsewhere with
//! [`ChargeApi::resume`](crate::ChargeApi::resume). It holds ids and times, no secrets.
//!
//! [`Channel::is_reversible`]: crate::Channel::is_reversible
//! [`Channel::reverse_window`]: crate::Channel::reverse_window
//! [`Channel::reversible_from`]: crate::Channel::reversible_from

mod ending;
mod machine;
mod run;
#[cfg(test)]
mod tests;
mod token;

pub use self::ending::{Settled, Unresolved};
pub use self::machine::Obstacle;
pub use self::run::{SettleHandle, Settlement};
pub use self::token::SettleToken;
