//! Coupons, the shops of a platform, and shares of orders.

use pingpp::Client;
use pingpp::coupon_templates::{
    CreateCouponTemplate, CreateCoupons, Discount, Expiration, ListCouponTemplates,
};
use pingpp::coupons::{CreateCoupon, ListCoupons};

use super::accounts::USER;
use super::{Called, at, fen, one, page, plain, year};

const TEMPLATE: &str = "300117060615253900017902";

pub(super) const FAMILIES: [fn(&Client) -> Vec<Called<'_>>; 2] = [coupons, coupon_templates];

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
