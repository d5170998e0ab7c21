//! Each operation, called with the parameters of its recording.

mod accounts;
mod others;
mod payments;
mod payouts;
mod platforms;

use std::pin::Pin;

use pingpp::{
    Amount, ApiObject, Call, Channel, Client, CreateCharge, CreateRefund, Error, EventType,
    FundingSource, ListCharges, ListEvents, PayBy, TimeRange, Timestamp,
};
use serde_json::json;

/// The operation and, unless it is `full`, the case (`op/case`), the `object` of its answer, and the call.
pub(super) type Called<'a> =
    (&'static str, &'static str, Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>);

const CHARGE: &str = "ch_100240816592822384640019";
const OPEN_ID: &str = "o7xEMsySBFG3MVHI-9VsAJX-j50W";

pub(super) fn all(client: &Client) -> Vec<Called<'_>> {
    let families = [charges, refunds, events].into_iter().chain(payments::FAMILIES);
    let families = families.chain(payouts::FAMILIES).chain(others::FAMILIES);
    let families = families.chain(accounts::FAMILIES).chain(platforms::FAMILIES);
    families.flat_map(|family| family(client)).collect()
}

fn one<T: ApiObject + 'static>(op: &'static str, call: Call<T>) -> Called<'static> {
    (op, T::OBJECT, Box::pin(async { call.await.map(drop) }))
}

/// An answer without `object`.
fn plain<T: 'static>(op: &'static str, call: Call<T>) -> Called<'static> {
    (op, "", Box::pin(async { call.await.map(drop) }))
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
