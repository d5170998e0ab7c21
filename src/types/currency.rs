//! Currencies.

use crate::macros::open_enum::open_enum;

open_enum! {
    /// ISO 4217, in lower case.
    pub enum Currency {
        /// Renminbi; amounts are in fen.
        Cny = "cny",
        /// Hong Kong dollar (`isv_lite`); amounts are in cents.
        Hkd = "hkd",
    }
}
