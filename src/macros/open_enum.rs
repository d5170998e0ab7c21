//! The macro for string enums of the API: known values have names, unknown ones are kept as they came.

use std::fmt;

/// A value that this version of the crate has no name for, kept as it came.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unlisted(Box<str>);

impl Unlisted {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The value.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Unlisted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Unlisted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! open_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)*
        }
    ) => {
        $(#[$meta])*
        ///
        /// Values without a name here are [`Other`](Self::Other) and survive as they came.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_meta])* #[doc = concat!("`", $text, "`")] $variant,)*
            /// A value that has no name here; `from` makes it only of such values.
            Other($crate::macros::open_enum::Unlisted),
        }

        impl $name {
            /// The value as it is written in the API.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(other) => other.as_str(),
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)*
                    _ => Self::Other($crate::macros::open_enum::Unlisted::new(text)),
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::from(text.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::convert::Infallible;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(Self::from(text))
            }
        }

        impl $crate::macros::from_json::FromJson for $name {}

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;

                impl serde::de::Visitor<'_> for Text {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("a string")
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        Ok($name::from(text))
                    }
                }

                deserializer.deserialize_str(Text)
            }
        }

        #[cfg(test)]
        impl $name {
            /// Every value with a name.
            pub(crate) const NAMED: &[(&str, Self)] = &[$(($text, Self::$variant)),*];
        }
    };
}

pub(crate) use open_enum;

#[cfg(test)]
mod tests {
    use crate::error::{ErrorCode, ErrorType};
    use crate::resources::agreements::AgreementStatus;
    use crate::resources::balance_settlements::BalanceSettlementStatus;
    use crate::resources::balance_transactions::BalanceTransactionType;
    use crate::resources::balance_transfers::BalanceTransferStatus;
    use crate::resources::batch_refunds::BatchRefundStatus;
    use crate::resources::batch_transfers::BatchTransferStatus;
    use crate::resources::batch_withdrawals::BatchWithdrawalStatus;
    use crate::resources::charges::{FundingSource, RefundStatus};
    use crate::resources::customs::CustomsStatus;
    use crate::resources::events::EventType;
    use crate::resources::identification::IdentityType;
    use crate::resources::order_refunds::RefundMode;
    use crate::resources::orders::OrderStatus;
    use crate::resources::red_envelopes::RedEnvelopeStatus;
    use crate::resources::royalties::RoyaltyStatus;
    use crate::resources::royalty_settlements::{
        RoyaltyMethod, RoyaltySettlementStatus, RoyaltyTransactionStatus,
    };
    use crate::resources::royalty_templates::{AllocationMode, RoyaltyMode, RoyaltyRefundMode};
    use crate::resources::split_profits::{ProfitStatus, SplitProfitType};
    use crate::resources::split_receivers::SplitReceiverType;
    use crate::resources::summaries::SummaryKind;
    use crate::resources::transfers::{TransferChannel, TransferStatus, TransferType};
    use crate::resources::users::{Gender, SettleChannel, UserType};
    use crate::resources::withdrawals::{WithdrawalChannel, WithdrawalStatus};
    use crate::types::{Channel, Currency};

    macro_rules! round_trips {
        ($($name:ident),*) => {$(
            for (text, value) in $name::NAMED {
                let json = serde_json::to_string(value).unwrap();
                assert_eq!(json, format!("{text:?}"));
                assert_eq!(&serde_json::from_str::<$name>(&json).unwrap(), value);
                assert_eq!(value.to_string(), *text);
            }
            let new: $name = serde_json::from_str("\"brand_new\"").unwrap();
            assert!(matches!(new, $name::Other(_)));
            assert_eq!(serde_json::to_string(&new).unwrap(), "\"brand_new\"");
            assert!(serde_json::from_str::<$name>("7").is_err());
        )*};
    }

    #[test]
    fn every_value_survives_known_or_not() {
        round_trips!(
            AgreementStatus,
            AllocationMode,
            BalanceSettlementStatus,
            BalanceTransactionType,
            BalanceTransferStatus,
            BatchRefundStatus,
            BatchTransferStatus,
            BatchWithdrawalStatus,
            Channel,
            Currency,
            CustomsStatus,
            ErrorCode,
            ErrorType,
            EventType,
            FundingSource,
            Gender,
            IdentityType,
            OrderStatus,
            ProfitStatus,
            RedEnvelopeStatus,
            RefundMode,
            RefundStatus,
            RoyaltyMethod,
            RoyaltyMode,
            RoyaltyRefundMode,
            RoyaltySettlementStatus,
            RoyaltyStatus,
            RoyaltyTransactionStatus,
            SettleChannel,
            SplitProfitType,
            SplitReceiverType,
            SummaryKind,
            TransferChannel,
            TransferStatus,
            TransferType,
            UserType,
            WithdrawalChannel,
            WithdrawalStatus
        );
    }
}
