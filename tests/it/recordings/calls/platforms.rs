//! Coupons, the shops of a platform, and shares of orders.

use pingpp::coupon_templates::{
    CreateCouponTemplate, CreateCoupons, Discount, Expiration, ListCouponTemplates,
};
use pingpp::coupons::{CreateCoupon, ListCoupons};
use pingpp::orders::RoyaltyUser;
use pingpp::royalties::{
    CreateRoyaltyData, ListRoyalties, RoyaltyMark, RoyaltyStatus, UpdateRoyalties,
};
use pingpp::royalty_settlements::{
    CreateRoyaltySettlement, ListRoyaltySettlements, RoyaltyMethod, RoyaltySettlementStatus,
};
use pingpp::royalty_templates::{
    AllocationMode, CreateRoyaltyTemplate, LevelShare, RoyaltyMode, RoyaltyRefundMode, RoyaltyRule,
    UpdateRoyaltyTemplate,
};
use pingpp::royalty_transactions::{ListRoyaltyTransactions, RoyaltyTransactionStatus};
use pingpp::sub_app_channels::{CreateSubAppChannel, UpdateSubAppChannel};
use pingpp::sub_apps::{CreateSubApp, ListSubApps, UpdateSubApp};
use pingpp::{Channel, Client};
use serde_json::json;

use super::accounts::USER;
use super::{CHARGE, Called, at, fen, one, page, plain, year};

const SHOP: &str = "app_jH0WH0XvPiT0rrb1";
const OTHER_APP: &str = "app_K0Gi9OqTmnT8qTWX";
const ORDER: &str = "2001708220000281981";
const TEMPLATE: &str = "300117060615253900017902";

pub(super) const FAMILIES: [fn(&Client) -> Vec<Called<'_>>; 7] = [
    coupons,
    coupon_templates,
    sub_apps,
    channels,
    royalties,
    royalty_settlements,
    royalty_templates,
];

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

fn royalties(client: &Client) -> Vec<Called<'_>> {
    let api = client.royalties();
    let id = "411170318162310000";
    let list = ListRoyalties::builder()
        .created(year())
        .payer_app(SHOP)
        .recipient_app(OTHER_APP)
        .source_app(super::super::APP)
        .source_nos([ORDER.to_owned(), String::from("2001708220000281982")])
        .source_user(USER)
        .status(RoyaltyStatus::Succeeded)
        .royalty_settlement("431170401124000014")
        .royalty_transaction("441170401124000015");
    let mark = UpdateRoyalties::builder()
        .ids([id.into(), "411170318162310001".into()])
        .method(RoyaltyMark::Manual)
        .description("线下已付")
        .metadata([("凭证", "A-1")]);
    let unmark = UpdateRoyalties::builder().ids([id.into()]).method(RoyaltyMark::Unmarked);
    let shares = [("user_001", 100), (SHOP, 20)]
        .map(|(user, amount)| RoyaltyUser { user: user.into(), amount: fen(amount) });
    let data = CreateRoyaltyData::builder().charge(CHARGE).royalty_users(shares);
    vec![
        one("royalties.retrieve", api.retrieve(id)),
        page!("royalties.list", api.list(list).page(2).per_page(15)),
        one("royalties.batch_update", api.batch_update(mark)),
        one("royalties.batch_update/null_method", api.batch_update(unmark)),
        plain("royalties.create_data", api.create_data(ORDER, data)),
    ]
}

fn royalty_settlements(client: &Client) -> Vec<Called<'_>> {
    let api = client.royalty_settlements();
    let id = "431170401124000014";
    let create = CreateRoyaltySettlement::builder()
        .method(RoyaltyMethod::Alipay)
        .recipient_app(SHOP)
        .created(year())
        .source_user(USER)
        .source_no(ORDER)
        .min_amount(fen(1))
        .metadata([("期", "八月")])
        .is_preview(true);
    let list = ListRoyaltySettlements::builder()
        .created(year())
        .method(RoyaltyMethod::Alipay)
        .status(RoyaltySettlementStatus::Created);
    let transactions = client.royalty_transactions();
    let of_settlement = ListRoyaltyTransactions::builder()
        .royalty_settlement(id)
        .status(RoyaltyTransactionStatus::Succeeded);
    vec![
        one("royalty_settlements.create", api.create(create)),
        one("royalty_settlements.retrieve", api.retrieve(id)),
        page!("royalty_settlements.list", api.list(list).page(2).per_page(15)),
        one("royalty_settlements.update", api.confirm(id)),
        one("royalty_transactions.retrieve", transactions.retrieve("441170401124000015")),
        page!("royalty_transactions.list", transactions.list(of_settlement).page(2).per_page(15)),
    ]
}

fn royalty_templates(client: &Client) -> Vec<Called<'_>> {
    let api = client.royalty_templates();
    let id = "451170807182300001";
    let rule = RoyaltyRule::builder()
        .royalty_mode(RoyaltyMode::Rate)
        .refund_mode(RoyaltyRefundMode::Proportional)
        .allocation_mode(AllocationMode::ReceiptReserved)
        .data([LevelShare { level: 0, value: 11 }, LevelShare { level: 1, value: 5 }])
        .build();
    let create = CreateRoyaltyTemplate::builder()
        .name("分润模板甲")
        .rule(rule.clone())
        .description("按比例");
    let update = UpdateRoyaltyTemplate::builder().name("分润模板乙").rule(rule).description("改");
    vec![
        one("royalty_templates.create", api.create(create)),
        one("royalty_templates.retrieve", api.retrieve(id)),
        page!("royalty_templates.list", api.list().page(2).per_page(15)),
        one("royalty_templates.update", api.update(id, update)),
        plain("royalty_templates.delete", api.delete(id)),
    ]
}
