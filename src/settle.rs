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
//!     Settled::NotCreated(why) => println!("there is no charge: {why}"),
//!     Settled::Unresolved(left) => println!("keep this and resume: {}", left.token),
//!     other => println!("keep the goods, and tell a person: {other}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What it does
//! It asks every 5 s. After a minute, or when the [customer walks away](SettleHandle::cancel), it
//! looks once more and then reverses, looks what came of it, and reverses again at growing intervals
//! until a look shows the end, for ten minutes. Only [`Settled::Paid`] releases goods. Money is never
//! refunded automatically; on the payer-code channels a reverse gives a payment back. Reverses that
//! cannot work are not sent: see [`Channel::is_reversible`], [`Channel::reverse_window`] and
//! [`Channel::reversible_from`]. (Source: Ping++ documentation of scan payments and of `reverse`,
//! 2026.)
//!
//! # The rules
//! 1. `reversed` counts more than `paid`. Both together are [`Settled::Refunded`] only on channels
//!    whose reverse gives money back, else [`Settled::NeedsRefund`].
//! 2. After a reverse that was not refused, a payment is final only if a look shows it five minutes
//!    later, or if no reverse gives money back on this channel.
//! 3. It ends [`Settled::Unresolved`] only after this process has looked, and has reversed where that
//!    can work. The time that is due stands in the token, so that a process that ends again and again
//!    makes progress.
//! 4. The ending stands in the token, and is kept before it is told. A token that has ended does no
//!    I/O.
//! 5. A look that fails, with whatever status, is neither "unpaid" nor an end; [`Obstacle`] says at the
//!    end what was in the way.
//! 6. A failed payment may be followed by a good one until the charge expires. It is dead an hour
//!    after that.
//! 7. A payment is late by the time at which it was made, not at which it was seen. While a refund of
//!    all of it is under way it is not a payment.
//! 8. It gives up a minute before the channel stops reversing, even within the minute of polling.
//! 9. A create whose answer was lost is searched for by its order_no. If it is not there after ten
//!    minutes, or was never sent, the ending is [`Settled::NotCreated`]. Of several charges with that
//!    number each is settled, and at most one is paid.
//! 10. A cancellation is heard at any time, and can be written [into the token](SettleToken::cancel).
//! 11. All times are those of the server's clock, which is measured by the header `Date` of its
//!     answers: this machine's clock may be wrong.
//! 12. A token has one owner: see [`SettleToken`].
//!
//! # What remains
//! - A charge for which the channel takes money although a reverse was answered with success ends
//!   [`Settled::Closed`] if the payment comes after the last look. Watch the webhook
//!   `charge.succeeded` of closed charges.
//! - A reverse that arrives more than four minutes after it was sent can take money back after
//!   [`Settled::Paid`].
//! - Two owners, or two settlements of one order, can contradict each other.
//!
//! # What survives the process
//! [`Settlement::on_step`] hands over a [`SettleToken`] before anything is sent that has an effect.
//! Kept on disk, it goes on elsewhere with [`ChargeApi::resume`](crate::ChargeApi::resume), or step by
//! step with [`SettleToken::step`]. It holds ids, times and options, no keys.
//!
//! [`Channel::is_reversible`]: crate::Channel::is_reversible
//! [`Channel::reverse_window`]: crate::Channel::reverse_window
//! [`Channel::reversible_from`]: crate::Channel::reversible_from
//! [`ChargeApi::resume`]: crate::ChargeApi::resume

mod clock;
mod ending;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod hook;
mod machine;
mod obstacle;
mod rules;
mod run;
mod state;
mod step;
#[cfg(test)]
mod tests;
mod token;
mod transition;
mod view;
mod wire;

pub use self::ending::{Settled, Unresolved};
pub use self::hook::{Step, StepKind, Stop};
pub use self::obstacle::{NotCreated, Obstacle};
pub use self::run::{SettleHandle, Settlement};
pub use self::step::Next;
pub use self::token::{ParseTokenError, SettleToken};
