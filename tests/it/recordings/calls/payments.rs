//! Money that comes in by orders and recharges, and their refunds.

use pingpp::order_refunds::{CreateOrderRefund, RefundMode, RoyaltyRefund};
use pingpp::orders::{
    BalanceSettlement, CombinedWith, CreateOrder, ListOrders, OrderStatus, PayOrder, RoyaltyUser,
    UpdateOrder,
};
use pingpp::recharge_refunds::CreateRechargeRefund;
use pingpp::recharges::{CreateRecharge, ListRecharges, RechargeCharge};
use pingpp::{Channel, Client, FundingSource, PayBy};

use super::{CHARGE, Called, OPEN_ID, at, fen, one, page, year};

const ORDER: &str = "2001708220000281981";
const RECHARGE: &str = "220170822000028198100011";
const USER: &str = "user007@gmail.com";
const OTHER_APP: &str = "app_jH0WH0XvPiT0rrb1";
const SERVICE_APP: &str = "app_K0Gi9OqTmnT8qTWX";

pub(super) const FAMILIES: [fn(&Client) -> Vec<Called<'_>>; 4] =
    [orders, order_refunds, recharges, recharge_refunds];

fn orders(client: &Client) -> Vec<Called<'_>> {
    let api = client.orders();
    let shares = [("user_001", 100), (OTHER_APP, 20)]
        .map(|(user, amount)| RoyaltyUser { user: user.into(), amount: fen(amount) });
    let settlement =
        |fee| BalanceSettlement { user: String::from("user_settle_01"), user_fee: fen(fee) };
    let create = CreateOrder::builder()
        .merchant_order_no("2024081600001")
        .amount(fen(12_800))
        .client_ip([203, 0, 113, 7])
        .subject("龙井茶 & <Tea>")
        .body("一壶明前龙井")
        .description("订单附加说明")
        .uid(USER)
        .coupon("300317060615253900017901")
        .actual_amount(fen(12_300))
        .time_expire(at(1_723_802_875))
        .metadata([("客户", "张三")])
        .receipt_app(OTHER_APP)
        .service_app(SERVICE_APP)
        .royalty_users(shares.clone())
        .balance_settlement(settlement(12));
    let pay = PayOrder::builder()
        .channel(PayBy::wx_pub(OPEN_ID).with("goods_tag", "茶"))
        .charge_amount(fen(12_300))
        .time_expire(at(1_723_802_875))
        .charge_order_no("2024081600001P1")
        .combined_with(CombinedWith { channel: Channel::Balance, charge_amount: fen(300) });
    let list = ListOrders::builder()
        .created(year())
        .uid(USER)
        .receipt_app(OTHER_APP)
        .service_app(SERVICE_APP)
        .paid(true)
        .refunded(false)
        .canceled(false)
        .status(OrderStatus::Paid);
    let update = UpdateOrder::builder()
        .user(USER)
        .amount(fen(12_000))
        .subject("改后标题")
        .body("改后描述")
        .description("改价")
        .time_expire(at(1_723_812_875))
        .metadata([("改价", "是")])
        .receipt_app(OTHER_APP)
        .service_app(SERVICE_APP)
        .royalty_users(shares)
        .balance_settlement(settlement(10));
    vec![
        one("orders.create", api.create(create)),
        one("orders.pay", api.pay(ORDER, pay)),
        one("orders.retrieve", api.retrieve(ORDER)),
        page!("orders.list", api.list(list).page(2).per_page(15)),
        one("orders.update", api.update(ORDER, update)),
        one("orders.cancel", api.cancel(ORDER, Some(USER))),
        one("orders.charges.retrieve", api.retrieve_charge(ORDER, CHARGE)),
        page!("orders.charges.list", api.list_charges(ORDER).page(2).per_page(15)),
    ]
}

fn order_refunds(client: &Client) -> Vec<Called<'_>> {
    let api = client.order_refunds(ORDER);
    let share = RoyaltyRefund { user: String::from("user_001"), amount_refunded: fen(10) };
    let create = CreateOrderRefund::builder()
        .charge(CHARGE)
        .charge_amount(fen(100))
        .description("部分退款")
        .refund_mode(RefundMode::ToSource)
        .royalty_users([share])
        .funding_source(FundingSource::UnsettledFunds)
        .metadata([("原因", "少发")]);
    vec![
        one("order_refunds.create", api.create(create)),
        one("order_refunds.retrieve", api.retrieve("re_H4Wf9C1aDqX5rjD8y5zDa1iL")),
        page!("order_refunds.list", api.list().page(2).per_page(15)),
    ]
}

fn recharges(client: &Client) -> Vec<Called<'_>> {
    let api = client.recharges();
    let charge = RechargeCharge::builder()
        .amount(fen(10_000))
        .channel(PayBy::alipay_wap("https://shop.example.com/ok"))
        .order_no("rc20240816001")
        .subject("充值 100 元")
        .body("账户充值")
        .time_expire(at(1_723_802_875))
        .client_ip([203, 0, 113, 7]);
    let create = CreateRecharge::builder()
        .user(USER)
        .charge(charge)
        .user_fee(fen(50))
        .balance_bonus(fen(500))
        .from_user("user_from_01")
        .description("充值送五元")
        .metadata([("活动", "充百送五")]);
    let list = ListRecharges::builder().succeeded(true).refunded(false).user(USER);
    vec![
        one("recharges.create", api.create(create)),
        one("recharges.retrieve", api.retrieve(RECHARGE)),
        page!("recharges.list", api.list(list).page(2).per_page(15)),
    ]
}

fn recharge_refunds(client: &Client) -> Vec<Called<'_>> {
    let api = client.recharge_refunds(RECHARGE);
    let create = CreateRechargeRefund::builder()
        .description("充值退款")
        .metadata([("k", "值")])
        .funding_source(FundingSource::RechargeFunds);
    vec![
        one("recharge_refunds.create", api.create(create)),
        one("recharge_refunds.retrieve", api.retrieve("re_y1u944PmfnrTHyvnL0nD0iD1")),
        page!("recharge_refunds.list", api.list().page(2).per_page(15)),
    ]
}
