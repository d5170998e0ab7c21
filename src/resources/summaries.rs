//! Summaries: the sums of a day, a week or a month, which come as events.
//!
//! There is no operation for them. They are read from the events `summary.daily.available`,
//! `summary.weekly.available` and `summary.monthly.available`.

use super::events::{Event, ObjectError};
use crate::macros::from_json::{fault, from_body};
use crate::macros::object::object;
use crate::macros::open_enum::open_enum;
use crate::types::{Amount, App, Id, Timestamp};

object! {
    /// The sums of an account or of an app. It says nothing about single payments.
    pub struct Summary {
        required {
            /// Of what, and of how long; `object` in the API.
            kind as "object": SummaryKind,
            /// The sum of the charges, in fen.
            charges_amount: Amount,
            /// How many charges there were.
            charges_count: i64,
            /// The first second.
            summary_from: Timestamp,
            /// The last second.
            summary_to: Timestamp,
        }
        optional {
            /// When it was made.
            created: Timestamp,
            /// The account.
            acct_id: String,
            /// The name of the account.
            acct_display_name: String,
            /// The app.
            app_id: Id<App>,
            /// The name of the app.
            app_display_name: String,
        }
    }
}

impl Summary {
    /// The summary that an event brings.
    ///
    /// ```
    /// use pingpp::Event;
    /// use pingpp::summaries::{Summary, SummaryKind};
    ///
    /// fn sum_of_yesterday(event: &Event) -> Result<(), pingpp::ObjectError> {
    ///     let summary = Summary::of(event)?;
    ///     if summary.kind == SummaryKind::AccountDaily {
    ///         println!("{} charges, {} yuan", summary.charges_count, summary.charges_amount);
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ObjectError`] if the event is about something else, or if the summary cannot be read.
    pub fn of(event: &Event) -> Result<Self, ObjectError> {
        let found = event.object_type();
        if !found.as_deref().is_some_and(|kind| kind.ends_with("_summary")) {
            return Err(ObjectError::Other { expected: "summary", found });
        }
        let summary = from_body(event.object_json().as_bytes());
        summary.map_err(|error| ObjectError::Unreadable { expected: "summary", why: fault(&error) })
    }
}

open_enum! {
    /// `object` of a summary: of what, and of how long.
    pub enum SummaryKind {
        /// Of an account, of a day.
        AccountDaily = "account_daily_summary",
        /// Of an account, of a week.
        AccountWeekly = "account_weekly_summary",
        /// Of an account, of a month.
        AccountMonthly = "account_monthly_summary",
        /// Of an app, of a day.
        AppDaily = "app_daily_summary",
        /// Of an app, of a week.
        AppWeekly = "app_weekly_summary",
        /// Of an app, of a month.
        AppMonthly = "app_monthly_summary",
    }
}
