//! What a browser or an app gets to start a payment, in the form of each channel.

use serde_json::{Value, json};

use super::values::{Fields, number, text};

/// The credential of an open charge.
pub(super) fn credential(charge: &Fields) -> Value {
    let text = |name: &str| text(charge, name);
    let (id, channel) = (text("id"), text("channel"));
    let (created, fen) = (number(charge, "created"), number(charge, "amount"));
    let yuan = format!("{}.{:02}", fen / 100, fen % 100);
    let prepay = format!("prepay_id=sandbox{id}");
    let form = match channel {
        "alipay" | "cb_alipay" => json!({
            "orderInfo": format!("app_id=sandbox&out_trade_no={}&sign=sandbox", text("order_no")),
        }),
        "alipay_wap" | "alipay_pc_direct" | "cb_alipay_wap" | "cb_alipay_pc_direct" => json!({
            "channel_url": "https://openapi.alipay.com/gateway.do", "service": "sandbox",
            "partner": "2088000000000000", "payment_type": "1", "total_fee": yuan,
            "out_trade_no": text("order_no"), "sign_type": "RSA2", "sign": id,
        }),
        "wx" | "cb_wx" => json!({
            "appId": "wxsandbox", "partnerId": "1900000000", "prepayId": &prepay[10..],
            "nonceStr": id, "timeStamp": created, "packageValue": "Sign=WXPay", "sign": id,
        }),
        "wx_pub" | "wx_lite" | "cb_wx_pub" => json!({
            "appId": "wxsandbox", "timeStamp": created.to_string(), "nonceStr": id,
            "package": prepay, "signType": "MD5", "paySign": id,
        }),
        "wx_pub_qr" | "cb_wx_pub_qr" => format!("weixin://wxpay/bizpayurl?pr={id}").into(),
        "wx_wap" => format!("https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?{prepay}").into(),
        "alipay_qr" | "cb_alipay_qr" => format!("https://qr.alipay.com/{id}").into(),
        "isv_qr" | "ccb_qr" | "cmb_pc_qr" => format!("https://qr.sandbox.invalid/{id}").into(),
        "upacp" | "applepay_upacp" => json!({ "tn": id, "mode": "01" }),
        "upacp_wap" | "upacp_pc" => json!({
            "channel_url": "https://gateway.95516.com/gateway/api/frontTransReq.do",
            "orderId": text("order_no"), "txnAmt": fen, "signature": id,
        }),
        "qpay" | "qpay_pub" => json!({ "tokenId": id }),
        // There is nothing to start: the code was scanned, or the balance pays.
        name if name.ends_with("_scan") || name == "balance" || name == "custom" => {
            return json!({});
        }
        _ => json!({ "sandbox": id }),
    };
    json!({ "object": "credential", channel: form })
}
