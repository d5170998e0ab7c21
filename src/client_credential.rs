//! What the customer's client needs to pay, out of a charge, an order or a recharge.

use serde::Serialize;
use serde_json::Value;
use serde_with::skip_serializing_none;

use crate::resources::charges::Charge;
use crate::resources::orders::Order;
use crate::resources::recharges::Recharge;
use crate::types::{App, Channel, Expandable, Id, JsonObject, Timestamp};

/// What a server gives to the customer's browser or app, and no more than that: without the merchant's
/// notes, `metadata`, refunds and the like. Whoever has it can pay, and nothing else.
///
/// Written as JSON it is a charge as far as `pingpp.createPayment` of Ping++'s browser SDK reads one. Should
/// an SDK for apps ask for more, give it the whole charge, which is written as it came.
///
/// ```no_run
/// # async fn f(client: pingpp::Client, params: pingpp::CreateCharge) -> Result<(), Box<dyn std::error::Error>> {
/// let charge = client.charges().create(params).await?;
/// let for_the_browser = serde_json::to_string(&charge.client_credential().ok_or("nothing to pay")?)?;
/// # Ok(())
/// # }
/// ```
///
/// What is in it, by channel, for those who do without these SDKs ([`payload`](Self::payload)):
///
/// | channel | payload | what the client does with it |
/// |---|---|---|
/// | `wx_pub`, `cb_wx_pub` | `appId`, `timeStamp`, `nonceStr`, `package`, `signType`, `paySign` | `WeixinJSBridge.invoke('getBrandWCPayRequest', ..)` in WeChat's browser |
/// | `wx_lite` | the same | `wx.requestPayment`, without `appId` |
/// | `wx`, `cb_wx` | `appId`, `partnerId`, `prepayId`, `nonceStr`, `timeStamp`, `packageValue`, `sign` | WeChat's SDK in an app |
/// | `wx_wap`, `isv_wap` | a URL ([`url`](Self::url)) | opens it |
/// | `alipay` | `orderInfo` | Alipay's SDK in an app |
/// | `alipay_wap`, `alipay_pc_direct` | `channel_url`, and parameters | opens the URL with the others as its query |
/// | `upacp_wap`, `upacp_pc` | parameters | posts them as a form to UnionPay |
/// | `alipay_qr`, `wx_pub_qr`, `isv_qr` | a text ([`url`](Self::url)); documented, in no captured answer | shows it as a QR code |
/// | `*_scan` | nothing: the cashier scans the customer's code | |
///
/// An [`Agreement`](crate::agreements::Agreement) is signed with `pingpp.signAgreement`, which takes the
/// whole agreement.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ClientCredential {
    object: &'static str,
    /// The charge that will be paid.
    pub id: Id<Charge>,
    /// Whether real money moves.
    pub livemode: bool,
    /// The way of paying.
    pub channel: Channel,
    /// The app.
    pub app: Option<Id<App>>,
    /// The merchant's number of the order.
    pub order_no: String,
    /// When it can no longer be paid.
    pub time_expire: Option<Timestamp>,
    /// Parameters of the channel, as they were given, such as the page to return to.
    pub extra: JsonObject,
    credential: JsonObject,
}

impl ClientCredential {
    /// What the channel wants: a map of texts, or one text.
    pub fn payload(&self) -> &Value {
        self.credential.get(self.channel.as_str()).unwrap_or(&Value::Null)
    }

    /// The URL to open, or the text to show as a QR code, on channels whose payload is one.
    pub fn url(&self) -> Option<&str> {
        self.payload().as_str().or_else(|| self.payload().get("url")?.as_str())
    }
}

impl Charge {
    /// What the customer's browser or app gets; `None` if there is nothing to pay with: it was paid, it
    /// is closed, or the cashier has scanned the customer's code.
    pub fn client_credential(&self) -> Option<ClientCredential> {
        let channel = self.channel.clone()?;
        self.credential.get(channel.as_str())?;
        Some(ClientCredential {
            object: "charge",
            id: self.id.clone(),
            livemode: self.livemode,
            channel,
            app: self.app.as_ref().map(id_of),
            order_no: self.order_no.clone(),
            time_expire: self.time_expire,
            extra: self.extra.clone(),
            credential: self.credential.clone(),
        })
    }
}

impl Order {
    /// What the customer's browser or app gets to pay the newest charge; `None` if there is none that can
    /// be paid.
    pub fn client_credential(&self) -> Option<ClientCredential> {
        let newest = self.charge_essentials.as_ref()?;
        let channel = newest.channel.clone()?;
        newest.credential.get(channel.as_str())?;
        let charges = self.charges.iter().flat_map(|list| &list.data);
        let same = charges.filter(|charge| charge.channel.as_ref() == Some(&channel));
        let id = self.charge.clone().or_else(|| same.map(|charge| charge.id.clone()).next())?;
        Some(ClientCredential {
            object: "charge",
            id,
            livemode: self.livemode,
            channel,
            app: self.app.as_ref().map(id_of),
            order_no: self.merchant_order_no.clone(),
            time_expire: self.time_expire,
            extra: newest.extra.clone(),
            credential: newest.credential.clone(),
        })
    }
}

impl Recharge {
    /// What the customer's browser or app gets; `None` if there is nothing to pay with.
    pub fn client_credential(&self) -> Option<ClientCredential> {
        self.charge.as_ref()?.client_credential()
    }
}

fn id_of(app: &Expandable<App>) -> Id<App> {
    match app {
        Expandable::Id(id) => id.clone(),
        Expandable::Object(app) => app.id.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn charge(channel: &str, credential: Value) -> Charge {
        let charge = json!({
            "id": "ch_1", "object": "charge", "livemode": true, "paid": false, "order_no": "20261123001",
            "amount": 100, "app": "app_1", "channel": channel, "time_expire": 1_795_449_600,
            "extra": { "result_url": "https://shop.example.com" }, "client_ip": "192.0.2.1",
            "metadata": { "note": "secret" }, "description": "secret", "credential": credential,
        });
        serde_json::from_value(charge).unwrap()
    }

    #[test]
    fn a_client_gets_what_it_needs_and_nothing_of_the_merchants() {
        let credential = json!({ "object": "credential", "wx_wap": "https://wx.example.com/pay" });
        let given = charge("wx_wap", credential.clone()).client_credential().unwrap();
        assert_eq!(given.url(), Some("https://wx.example.com/pay"));
        assert_eq!(
            serde_json::to_value(&given).unwrap(),
            json!({
                "object": "charge", "id": "ch_1", "livemode": true, "channel": "wx_wap", "app": "app_1",
                "order_no": "20261123001", "time_expire": 1_795_449_600,
                "extra": { "result_url": "https://shop.example.com" }, "credential": credential,
            })
        );
        let shown = format!("{given:?}");
        assert!(!shown.contains("example.com") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn urls_come_as_a_text_or_in_a_map_and_other_payloads_are_maps() {
        let of = |channel: &str, payload: Value| {
            charge(channel, json!({ channel: payload })).client_credential().unwrap()
        };
        assert_eq!(of("isv_wap", json!({ "url": "https://a" })).url(), Some("https://a"));
        let wx_pub = of("wx_pub", json!({ "timeStamp": 1 }));
        assert_eq!((wx_pub.url(), wx_pub.payload()), (None, &json!({ "timeStamp": 1 })));
    }

    #[test]
    fn where_there_is_nothing_to_pay_with_there_is_no_credential() {
        for credential in
            [json!({}), json!([]), json!({ "object": "credential" }), json!({ "wx": 1 })]
        {
            assert_eq!(charge("wx_pub", credential).client_credential(), None);
        }
    }

    #[test]
    fn that_of_an_order_is_of_its_newest_charge() {
        let order = |charge: Value, listed: Value| {
            let order = json!({
                "id": "2001", "object": "order", "livemode": true, "status": "created", "paid": false,
                "merchant_order_no": "20261123001", "amount": 100, "app": "app_1", "charge": charge,
                "charges": { "object": "list", "has_more": false, "data": listed },
                "charge_essentials": {
                    "channel": "wx_pub", "credential": { "wx_pub": { "nonceStr": "n" } },
                    "extra": { "open_id": "o" },
                },
            });
            serde_json::from_value::<Order>(order).unwrap().client_credential()
        };
        let of = |id: &str| {
            let mut charge = charge("wx_pub", json!({}));
            charge.id = id.into();
            charge
        };
        let given = order(json!("ch_9"), json!([])).unwrap();
        assert_eq!((given.id.as_str(), given.order_no.as_str()), ("ch_9", "20261123001"));
        assert_eq!(given.payload(), &json!({ "nonceStr": "n" }));
        let listed = json!([of("ch_3"), of("ch_2")]);
        assert_eq!(order(Value::Null, listed).unwrap().id, "ch_3");
        assert_eq!(order(Value::Null, json!([])), None);
    }
}
