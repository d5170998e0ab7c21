//! All kinds of objects, as constant data: what CONTRIBUTING calls a family has its kinds here.

mod accounts;
mod payments;
mod payouts;
mod platforms;

pub(super) use self::accounts::*;
pub(super) use self::payments::*;
pub(super) use self::payouts::*;
pub(super) use self::platforms::*;
use super::kind::Kind;

/// Every kind, by theme.
pub(super) fn all() -> impl Iterator<Item = &'static Kind> {
    let families = [PAYMENTS, PAYOUTS, ACCOUNTS, PLATFORMS];
    families.into_iter().flatten().copied()
}

pub(super) fn named(name: &str) -> Option<&'static Kind> {
    all().find(|kind| kind.name == name)
}
