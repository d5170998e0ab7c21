//! Amounts of money.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::macros::from_json::FromJson;

/// An amount of money in the smallest unit of its currency: fen for `cny`, cents for `hkd`.
///
/// ```
/// use pingpp::Amount;
///
/// let price = Amount::from_fen(1_234);
/// assert_eq!(price.as_fen(), 1_234);
/// assert_eq!(price.to_string(), "12.34");
/// ```
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Amount(i64);

impl Amount {
    /// From fen (or cents).
    pub const fn from_fen(fen: i64) -> Self {
        Self(fen)
    }

    /// As fen (or cents).
    pub const fn as_fen(self) -> i64 {
        self.0
    }

    /// The sum; `None` if it is out of range.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference; `None` if it is out of range.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }
}

impl fmt::Display for Amount {
    /// In yuan (or dollars) with two places, without the currency.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let fen = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", fen / 100, fen % 100)
    }
}

impl FromStr for Amount {
    type Err = ParseAmountError;

    /// Reads yuan (or dollars): `9`, `9.9` or `9.90`.
    fn from_str(text: &str) -> Result<Self, ParseAmountError> {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None => ("", text),
        };
        let (yuan, fen) = digits.split_once('.').unwrap_or((digits, "0"));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !is_number(yuan) || !is_number(fen) || fen.len() > 2 {
            return Err(ParseAmountError);
        }
        format!("{sign}{yuan}{fen:0<2}").parse().map(Self).map_err(|_| ParseAmountError)
    }
}

/// A text that is not an amount such as `9.90`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseAmountError;

impl fmt::Display for ParseAmountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount is digits, with at most two places behind a point, such as 9.90")
    }
}

impl Error for ParseAmountError {}

impl FromJson for Amount {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_shown_in_yuan() {
        for (fen, text) in [(0, "0.00"), (5, "0.05"), (990, "9.90"), (-1234, "-12.34")] {
            assert_eq!(Amount::from_fen(fen).to_string(), text);
        }
        assert_eq!(Amount::from_fen(i64::MIN).to_string(), "-92233720368547758.08");
        assert_eq!(Amount::from_fen(i64::MAX).checked_add(Amount::from_fen(1)), None);
    }

    #[test]
    fn an_amount_is_a_whole_number_of_fen() {
        assert_eq!(serde_json::from_str::<Amount>("100").unwrap(), Amount::from_fen(100));
        for wrong in ["1.5", "100.0", "\"100\"", "1e2"] {
            assert!(serde_json::from_str::<Amount>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_text_that_is_no_amount_is_refused() {
        for (text, fen) in [("9", 900), ("9.9", 990), ("0.05", 5), ("-12.34", -1234)] {
            assert_eq!(text.parse(), Ok(Amount::from_fen(fen)));
        }
        for text in [
            "",
            ".",
            "9.",
            ".9",
            "9.999",
            "1,00",
            "+1",
            "--1",
            "1e2",
            " 9",
            "元",
            "99999999999999999999",
        ] {
            assert_eq!(text.parse::<Amount>(), Err(ParseAmountError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_amount_survives_its_text(fen: i64) {
            let amount = Amount::from_fen(fen);
            prop_assert_eq!(amount.to_string().parse(), Ok(amount));
        }
    }
}
