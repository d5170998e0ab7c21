//! Each operation, called with the parameters of its recording.

mod payouts;

use std::pin::Pin;

use pingpp::orders::{
    BalanceSettlement, CombinedWith, CreateOrder, ListOrders, OrderStatus, PayOrder, RoyaltyUser,
    UpdateOrder,
};
use pingpp::{
    Amount, ApiObject, Call, Channel, Client, CreateCharge, CreateRefund, Error, EventType,
    FundingSource, ListCharges, ListEvents, PayBy, TimeRange, Timestamp,
};
use serde_json::json;

/// The operation, the `object` of its answer, and the call.
pub(super) type Called<'a> =
    (&'static str, &'static str, Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>);

const CHARGE: &str = "ch_100240816592822384640019";
const ORDER: &str = "2001708220000281981";
const OPEN_ID: &str = "o7xEMsySBFG3MVHI-9VsAJX-j50W";
const USER: &str = "user007@gmail.com";
const OTHER_APP: &str = "app_jH0WH0XvPiT0rrb1";
const SERVICE_APP: &str = "app_K0Gi9OqTmnT8qTWX";

pub(super) fn all(client: &Client) -> Vec<Called<'_>> {
    let families = [charges, refunds, events, orders];
    let families = families.into_iter().chain(payouts::FAMILIES);
    families.flat_map(|family| family(client)).collect()
}

fn one<T: ApiObject + 'static>(op: &'static str, call: Call<T>) -> Called<'static> {
    (op, T::OBJECT, Box::pin(async { call.await.map(drop) }))
}

macro_rules! page {
    ($op:literal, $pager:expr) => {{
        let mut pager = $pager;
        ($op, "list", Box::pin(async move { pager.next_page().await.map(drop) }) as _)
    }};
}

pub(crate) use page;

fn fen(fen: i64) -> Amount {
    Amount::from_fen(fen)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

fn year() -> TimeRange {
    (at(1_704_067_200)..at(1_735_689_600)).into()
}

fn charges(client: &Client) -> Vec<Called<'_>> {
    let api = client.charges();
    let channel = PayBy::alipay_wap("https://shop.example.com/支付/ok?a=1&b=2")
        .with("cancel_url", "https://shop.example.com/cancel")
        .with("app_pay", true)
        .with("new_version", true);
    let create = CreateCharge::builder()
        .order_no("20240816A0001")
        .channel(channel)
        .amount(fen(12_800))
        .client_ip([203, 0, 113, 7])
        .subject("龙井茶 & <Tea> 50%")
        .body("一壶明前龙井／附「茶点」🍵 it's \"hot\"")
        .time_expire(at(1_723_802_875))
        .metadata([("客户", "张三"), ("color", "red"), ("n", "007")])
        .description("会员价，七日内可退");
    let list = ListCharges::builder()
        .created(year())
        .channel(Channel::AlipayWap)
        .paid(true)
        .refunded(false)
        .reversed(false);
    let list = api.list(list).limit(20).after("ch_100240816592822384640001").expand("app");
    vec![
        one("charges.create", api.create(create)),
        one("charges.retrieve", api.retrieve(CHARGE).expand("app")),
        one("charges.reverse", api.reverse(CHARGE)),
        page!("charges.list", list),
    ]
}

fn refunds(client: &Client) -> Vec<Called<'_>> {
    let api = client.refunds(CHARGE);
    let create = CreateRefund::builder()
        .amount(fen(2_300))
        .description("七天无理由退款：茶杯破了")
        .metadata([("原因", "破损")])
        .funding_source(FundingSource::RechargeFunds)
        .extra(json!({
            "split_fund_info": [{ "account": "2088101117955611", "amount": 100, "desc": "退分账" }],
            "rate": 0.18, "refund_amount": 2_300
        }));
    vec![
        one("charge_refunds.create", api.create(create)),
        one("charge_refunds.retrieve", api.retrieve("re_y1u944PmfnrTHyvnL0nD0iD1")),
        page!("charge_refunds.list", api.list().limit(50).after("re_0000000000000000000000aa")),
    ]
}

fn events(client: &Client) -> Vec<Called<'_>> {
    let api = client.events();
    let list = ListEvents::builder().kind(EventType::ChargeSucceeded).created(year());
    vec![
        one("events.retrieve", api.retrieve("evt_400240816160755820469807")),
        page!("events.list", api.list(list).limit(10).after("evt_400240816160755820469801")),
    ]
}

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
