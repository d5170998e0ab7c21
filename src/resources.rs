//! The objects of the API and their operations, one file per path segment.

pub mod agreements;
pub mod batch_refunds;
pub mod batch_transfers;
pub mod card_info;
pub mod charges;
pub mod customs;
pub mod events;
pub mod funds_transfers;
pub mod identification;
mod lost;
pub mod order_refunds;
pub mod orders;
pub mod profit_transactions;
pub mod recharge_refunds;
pub mod recharges;
pub mod red_envelopes;
pub mod refunds;
pub mod split_profits;
pub mod split_receivers;
pub mod sub_banks;
pub mod transfers;
