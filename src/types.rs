//! The small types that objects and parameters are made of.

mod amount;
mod app;
mod channel;
mod client_ip;
mod currency;
mod day;
mod deleted;
mod expandable;
mod id;
mod json_object;
mod list;
mod mode;
mod pay_by;
mod sensitive;
mod timestamp;

pub use self::amount::{Amount, ParseAmountError};
pub use self::app::App;
pub use self::channel::{Channel, ReverseWindow};
pub use self::client_ip::ClientIp;
pub use self::currency::Currency;
pub use self::day::{Day, ParseDayError};
pub use self::deleted::Deleted;
pub use self::expandable::Expandable;
pub use self::id::Id;
pub use self::json_object::JsonObject;
pub use self::list::List;
pub use self::mode::Mode;
pub use self::pay_by::{CmbWallet, PayBy, YeepayWap};
pub use self::sensitive::Sensitive;
pub use self::timestamp::{OutOfRange, TimeRange, Timestamp};
