//! Coupons, the shops of a platform, and shares of orders.

use pingpp::coupon_templates::{
    CreateCouponTemplate, CreateCoupons, Discount, Expiration, ListCouponTemplates,
};
use pingpp::coupons::{CreateCoupon, ListCoupons};
use pingpp::sub_app_channels::{CreateSubAppChannel, UpdateSubAppChannel};
use pingpp::sub_apps::{CreateSubApp, ListSubApps, UpdateSubApp};
use pingpp::{Channel, Client};
use serde_json::json;

use super::accounts::USER;
use super::{Called, at, fen, one, page, plain, year};

const SHOP: &str = "app_jH0WH0XvPiT0rrb1";
const OTHER_APP: &str = "app_K0Gi9OqTmnT8qTWX";
const TEMPLATE: &str = "300117060615253900017902";

pub(super) const FAMILIES: [fn(&Client) -> Vec<Called<'_>>; 4] =
    [coupons, coupon_templates, sub_apps, channels];

fn coupons(client: &Client) -> Vec<Called<'_>> {
    let api = client.coupons(USER);
    let id = "300317060615253900017901";
    let create = CreateCoupon::builder().coupon_template(TEMPLATE).metadata([("来源", "注册")]);
    let list = ListCoupons::builder().created(year()).redeemed(false);
    vec![
        one("coupons.create", api.create(create)),
        one("coupons.retrieve", api.retrieve(id)),
        page!("coupons.list", api.list(list).page(2).per_page(15)),
        one("coupons.update", api.update(id, [("备注", "已通知")])),
        plain("coupons.delete", api.delete(id)),
    ]
}

fn coupon_templates(client: &Client) -> Vec<Called<'_>> {
    let api = client.coupon_templates();
    let create = CreateCouponTemplate::builder()
        .name("满减券")
        .discount(Discount::cash(fen(1_000)))
        .amount_available(fen(5_000))
        .max_circulation(100)
        .max_user_circulation(1)
        .expiration(Expiration::between(at(1_704_067_200), at(1_735_689_600)))
        .refundable(true)
        .metadata([("活动", "开业")]);
    let list = ListCouponTemplates::builder().created(year());
    let coupons =
        CreateCoupons::builder().users([USER.into(), "user_001".into()]).metadata([("批次", "一")]);
    vec![
        one("coupon_templates.create", api.create(create)),
        one("coupon_templates.retrieve", api.retrieve(TEMPLATE)),
        page!("coupon_templates.list", api.list(list).page(2).per_page(15)),
        one("coupon_templates.update", api.update(TEMPLATE, [("备注", "延期")])),
        plain("coupon_templates.delete", api.delete(TEMPLATE)),
        one("coupon_templates.coupons.create", api.create_coupons(TEMPLATE, coupons)),
        page!("coupon_templates.coupons.list", api.list_coupons(TEMPLATE).page(2).per_page(15)),
    ]
}

fn sub_apps(client: &Client) -> Vec<Called<'_>> {
    let api = client.sub_apps();
    let create = CreateSubApp::builder()
        .display_name("分店一号")
        .user(USER)
        .parent_app(OTHER_APP)
        .description("测试子商户")
        .metadata([("城市", "上海")]);
    let list = ListSubApps::builder().created(year());
    let update = UpdateSubApp::builder()
        .display_name("分店二号")
        .description("改名")
        .metadata([("城市", "北京")])
        .parent_app(OTHER_APP);
    vec![
        one("sub_apps.create", api.create(create)),
        one("sub_apps.retrieve", api.retrieve(SHOP).expand("user")),
        page!("sub_apps.list", api.list(list).page(2).per_page(15)),
        one("sub_apps.update", api.update(SHOP, update)),
        plain("sub_apps.delete", api.delete(SHOP)),
    ]
}

fn channels(client: &Client) -> Vec<Called<'_>> {
    let payments = client.sub_app_channels(SHOP);
    let payouts = client.sub_app_transfer_channels(SHOP);
    let alipay = Channel::Alipay;
    let params = json!({
        "fee_rate": 60, "alipay_pid": "2088021477000000", "alipay_security_key": "key+/=",
        "alipay_account": "pay@example.com", "alipay_refund_nopwd": true
    });
    let create = CreateSubAppChannel::builder()
        .channel(Channel::Alipay)
        .params(params.clone())
        .banned(true)
        .banned_msg("临时关闭")
        .description("支付宝渠道")
        .build();
    let update = UpdateSubAppChannel::builder()
        .params(params)
        .banned(true)
        .banned_msg("风控")
        .description("改描述")
        .build();
    vec![
        one("sub_app_channels.create", payments.create(create.clone())),
        one("sub_app_channels.retrieve", payments.retrieve("alipay")),
        one("sub_app_channels.update", payments.update("alipay", update.clone())),
        plain("sub_app_channels.delete", payments.delete("alipay")),
        one("sub_app_transfer_channels.create", payouts.create(create)),
        one("sub_app_transfer_channels.retrieve", payouts.retrieve(alipay.clone())),
        one("sub_app_transfer_channels.update", payouts.update(alipay.clone(), update)),
        plain("sub_app_transfer_channels.delete", payouts.delete(alipay)),
    ]
}
