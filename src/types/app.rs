//! The app that charges belong to; seen only as the expanded value of `charge.app`.

use super::channel::Channel;
use super::expandable::Expandable;
use super::id::Id;
use super::timestamp::Timestamp;
use crate::macros::object::object;

object! {
    /// An app of the merchant, as `expand[]=app` shows it.
    pub struct App = "app" {
        required {
            /// `app_` and 16 characters.
            id: Id<App>,
        }
        optional {
            /// When it was created.
            created: Timestamp,
            /// Its name.
            display_name: String,
            /// The old notification address.
            notify_url: String,
            /// Kind of goods.
            goods_type: i64,
            /// The channels that are switched on.
            channels_supported: Vec<Channel>,
        }
    }
}

impl Expandable<App> {
    /// The app's id, whichever form it came in.
    pub fn id(&self) -> &Id<App> {
        match self {
            Self::Id(id) => id,
            Self::Object(app) => &app.id,
        }
    }
}
