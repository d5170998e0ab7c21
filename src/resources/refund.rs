//! Refunds: money on its way back. They are seen inside charges.

use crate::object::object;
use crate::open_enum::open_enum;
use crate::{Amount, App, Charge, Currency, ErrorCode, Id, Object, Timestamp};

object! {
    /// A refund of a charge, whole or in part.
    ///
    /// One that the channel refused is an ordinary answer with the status `failed`: receiving a
    /// refund does not mean that the money went back.
    pub struct Refund = "refund" {
        required {
            /// `re_` and 24 characters.
            id: Id<Refund>,
            /// The refund number, made by Ping++.
            order_no: String,
            /// In fen.
            amount: Amount,
            /// When it was created.
            created: Timestamp,
            /// Whether the money went back.
            succeed: bool,
            /// The reason the merchant gave.
            description: String,
            /// The merchant's own keys and values.
            metadata: Object,
            /// The charge it refunds.
            charge: Id<Charge>,
        }
        optional {
            /// The app; since 2026.
            app: Id<App>,
            /// The currency.
            currency: Currency,
            /// How far it got; absent in objects of 2015.
            status: RefundStatus,
            /// When the money went back.
            time_succeed: Timestamp,
            /// Why it failed.
            failure_code: ErrorCode,
            /// Why it failed, in words; for `refund_wait_operation` with a page to open.
            failure_msg: String,
            /// The order_no of the charge; absent in objects of 2015.
            charge_order_no: String,
            /// The channel's number of the refund.
            transaction_no: String,
            /// Which money it is paid from, if the request said so.
            funding_source: FundingSource,
            /// Values of the channel.
            extra: Object,
        }
    }
}

open_enum! {
    /// `refund.status`.
    pub enum RefundStatus {
        /// Under way.
        Pending = "pending",
        /// The money went back.
        Succeeded = "succeeded",
        /// Refused or failed.
        Failed = "failed",
    }
}

open_enum! {
    /// `refund.funding_source`: which money a refund is paid from.
    pub enum FundingSource {
        /// Money not yet settled (the default).
        UnsettledFunds = "unsettled_funds",
        /// Money paid in for refunds.
        RechargeFunds = "recharge_funds",
    }
}
