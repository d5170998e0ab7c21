//! WeChat: what a web page or mini program needs before and after a payment of Ping++.
//!
//! A page inside of WeChat needs the open id of its customer for [`wx_pub`](crate::PayBy::wx_pub), a
//! mini program for [`wx_lite`](crate::PayBy::wx_lite), and a page that pays with WeChat's JS-SDK a
//! signature. These calls go to WeChat, not to Ping++, with an app id (`wx...`) and a secret of the
//! merchant's WeChat account.
//!
//! Each call is sent once, over a connection of its own. What a call reads cannot be lost by
//! dropping it, but a code of a customer can be used only once: if such a call fails, the customer
//! must bring a new one.
//!
//! ```no_run
//! # async fn f() -> Result<(), Box<dyn std::error::Error>> {
//! use pingpp::wechat::{Scope, WeChat};
//!
//! let wechat = WeChat::builder("wxk8qrpokib9q1w1sg", std::env::var("WECHAT_SECRET")?).build()?;
//! // 1. Send the customer's browser to this page of WeChat:
//! let page = wechat.authorize_url("https://shop.example.com/pay?order=1", Scope::Base, "order1");
//! // 2. WeChat sends it on to your page, with `code` and `state` in the query:
//! let customer = wechat.open_id("the code").await?;
//! let pay_by = pingpp::PayBy::wx_pub(customer.open_id);
//! # Ok(())
//! # }
//! ```

mod client;
mod error;
mod js;

pub use self::client::{MiniProgramSession, OpenId, Scope, WeChat, WeChatBuilder};
pub use self::error::WeChatError;
pub use self::js::{JsSignature, JsTicket};
