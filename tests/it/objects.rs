//! The objects of the families: every field of each is mutated, real ones survive, states are told from
//! what contradicts itself, and a lost create is found.

use std::time::SystemTime;

use std::collections::BTreeSet;
use std::fs;

use pingpp::agreements::{Agreement, CreateAgreement, ListAgreements};
use pingpp::batch_refunds::{BatchRefund, BatchRefundState, CreateBatchRefund, ListBatchRefunds};
use pingpp::batch_transfers::{
    BatchTransfer, BatchTransferState, CreateBatchTransfer, ListBatchTransfers, PayTo,
};
use pingpp::customs::{CreateCustoms, Customs};
use pingpp::identification::Identity;
use pingpp::order_refunds::CreateOrderRefund;
use pingpp::orders::{CreateOrder, ListOrders, Order, OrderState};
use pingpp::profit_transactions::{ListProfitTransactions, ProfitTransaction};
use pingpp::recharge_refunds::CreateRechargeRefund;
use pingpp::recharges::{CreateRecharge, ListRecharges, Recharge, RechargeCharge};
use pingpp::red_envelopes::{CreateRedEnvelope, ListRedEnvelopes, RedEnvelope, RedEnvelopeState};
use pingpp::split_profits::{CreateSplitProfit, ListSplitProfits, SplitProfit, SplitTo};
use pingpp::split_receivers::{CreateSplitReceiver, ListSplitReceivers, SplitReceiver};
use pingpp::sub_banks::SubBank;
use pingpp::transfers::{CreateTransfer, ListTransfers, Transfer, TransferState};
use pingpp::{Amount, ApiObject, Call, Client, Event, Outcome, Recovered, Refund};
use serde::Serialize;
use serde_json::{Value, json};

use crate::charge;
use crate::raw::{Act, Server, html, json as answer};
use crate::schema::mutations;

/// As the object of an event, which is read like an answer.
pub(crate) fn read<T: ApiObject>(text: &str) -> Option<T> {
    let event =
        format!(r#"{{"object":"event","livemode":false,"type":"x","data":{{"object":{text}}}}}"#);
    serde_json::from_str::<Event>(&event).ok()?.object().ok()
}

/// Only these fields may make it unreadable, and what is read is written as it came.
pub(crate) fn only_these_may_fail<T: ApiObject + Serialize>(object: &Value, fields: &[&str]) {
    let whole: T = read(&object.to_string()).unwrap();
    assert_eq!(serde_json::to_value(whole).unwrap(), *object);
    let (mut failing, mut failed) = (BTreeSet::from(["object"]), 0);
    let all = mutations(object);
    for mutation in &all {
        match (read::<T>(&mutation.text), &mutation.written) {
            (None, _) => {
                failed += 1;
                failing.insert(&mutation.field);
            }
            (Some(read), Some(written)) => {
                let read = serde_json::to_value(read).unwrap();
                assert_eq!(read, *written, "{} {}", mutation.field, mutation.what);
            }
            (Some(_), None) => {}
        }
    }
    println!("{}: {failed} of {} mutations fail", T::OBJECT, all.len());
    let expected: BTreeSet<_> = fields.iter().copied().chain(["object"]).collect();
    assert_eq!(failing, expected, "{}", T::OBJECT);
}

fn order() -> Value {
    let charge: Value = serde_json::from_str(&charge()).unwrap();
    json!({
        "id": "2001708220000281981", "object": "order", "created": 1_795_363_200,
        "livemode": false, "status": "paid", "paid": true, "refunded": false, "app": "app_1",
        "receipt_app": "app_1", "service_app": "app_2", "uid": "user_1", "available_balance": 4,
        "merchant_order_no": "20261123001", "amount": 100, "coupon_amount": 10,
        "discount_amount": 0, "actual_amount": 90, "amount_paid": 90, "amount_refunded": 0,
        "currency": "cny", "subject": "Tea", "body": "Longjing", "client_ip": "192.0.2.1",
        "time_paid": 1_795_363_300, "time_expire": 1_795_449_600, "charge": "ch_1", "coupon": null,
        "description": null, "metadata": { "tag": 1 }, "available_methods": ["wx_pub"],
        "charge_essentials": {
            "channel": "wx_pub", "transaction_no": null, "failure_code": null, "failure_msg": null,
            "extra": { "open_id": "o7" }, "credential": { "object": "credential" }
        },
        "charges": { "object": "list", "url": "/v1/x", "has_more": false, "data": [charge] }
    })
}

fn transfer() -> Value {
    json!({
        "id": "tr_1", "object": "transfer", "type": "b2c", "created": 1_795_363_200,
        "time_transferred": null, "livemode": false, "status": "pending", "app": "app_1",
        "channel": "wx_pub", "order_no": "1", "batch_no": null, "amount": 100,
        "amount_settle": 100, "currency": "cny", "recipient": "o7", "description": "October",
        "transaction_no": null, "failure_code": null, "failure_msg": null,
        "extra": { "user_name": "张三" }, "metadata": { "tag": 1 }
    })
}

fn red_envelope() -> Value {
    json!({
        "id": "red_1", "object": "red_envelope", "created": 1_795_363_200, "received": null,
        "refunded": null, "livemode": false, "status": "sending", "app": "app_1",
        "channel": "wx_pub", "order_no": "1", "transaction_no": null, "amount": 100,
        "amount_settle": 100, "currency": "cny", "recipient": "o7", "subject": "New year",
        "body": "All the best", "description": "2027", "failure_code": null, "failure_msg": null,
        "extra": { "send_name": "Tea house" }, "metadata": { "tag": 1 }
    })
}

fn batch_transfer() -> Value {
    json!({
        "id": "1816", "object": "batch_transfer", "app": "app_1", "amount": 300, "batch_no": "1",
        "channel": "unionpay", "currency": "cny", "created": 1_795_363_200, "description": "October",
        "extra": {}, "failure_msg": null, "fee": 0, "livemode": false, "metadata": { "tag": 1 },
        "recipients": [
            { "account": "62", "amount": 100, "name": "A", "transfer": "tr_1", "status": "paid" },
            { "account": "63", "amount": 200, "name": "B", "transfer": "tr_2", "status": "paid" }
        ],
        "status": "succeeded", "time_succeeded": null, "transaction_no": null, "type": "b2c"
    })
}

fn batch_refund() -> Value {
    let refund = json!({
        "id": "re_1", "object": "refund", "order_no": "1", "amount": 9, "created": 1,
        "succeed": true, "status": "succeeded", "charge": "ch_1"
    });
    json!({
        "id": "1516", "object": "batch_refund", "app": "app_1", "batch_no": "1",
        "created": 1_795_363_200, "description": "broken", "livemode": false,
        "metadata": { "tag": 1 }, "charges": [{ "charge": "ch_1", "amount": 9, "refund": "re_1" }],
        "refunds": { "object": "list", "url": null, "has_more": false, "data": [refund] },
        "refund_url": null, "status": "succeeded", "time_succeeded": null
    })
}

fn recharge() -> Value {
    let charge: Value = serde_json::from_str(&charge()).unwrap();
    json!({
        "id": "22", "object": "recharge", "app": "app_test000000000001", "created": 1_795_363_200,
        "livemode": false, "amount": 90, "succeeded": false, "time_succeeded": null,
        "refunded": false, "user": "user_1", "from_user": "user_1", "user_fee": 10,
        "charge": charge, "balance_bonus": null, "balance_transaction": null, "description": "Tea",
        "metadata": { "tag": 1 }, "refunds": { "object": "list", "has_more": false, "data": [] }
    })
}

fn agreement() -> Value {
    json!({
        "id": "agr_1", "object": "agreement", "livemode": false, "app": "app_1",
        "created": 1_795_363_200, "channel": "qpay", "contract_no": "1", "contract_id": null,
        "credential": { "qpay": {} }, "status": "created", "time_succeeded": null,
        "time_canceled": null, "failure_code": null, "failure_msg": null,
        "extra": { "display_account": "A" }, "metadata": { "tag": 1 }
    })
}

fn split_receiver() -> Value {
    json!({
        "id": "recv_1", "object": "split_receiver", "livemode": false, "app": "app_1",
        "created": 1_795_363_200, "channel": "wx_pub", "type": "MERCHANT_ID", "account": "19",
        "name": "A", "extra": { "a": 1 }, "metadata": { "tag": 1 }
    })
}

fn split_profit() -> Value {
    let share = json!({
        "split_receiver": "recv_1", "amount": 6, "name": "A", "description": "share",
        "status": "pending", "currency": "cny", "time_finished": null
    });
    json!({
        "id": "sp_1", "object": "split_profit", "livemode": false, "app": "app_1",
        "created": 1_795_363_200, "charge": "ch_1", "channel": "wx_pub", "type": "split_normal",
        "order_no": "1", "transaction_no": null, "failure_code": null, "failure_msg": null,
        "recipients": [share], "extra": { "a": 1 }, "metadata": { "tag": 1 }
    })
}

fn profit_transaction() -> Value {
    json!({
        "id": "ptxn_1", "object": "profit_transaction", "livemode": false, "app": "app_1",
        "created": 1_795_363_200, "amount": 6, "currency": "cny", "name": "A", "status": "pending",
        "description": "share", "split_receiver": "recv_1", "split_profit": "sp_1",
        "time_finished": null, "failure_msg": null
    })
}

fn customs() -> Value {
    json!({
        "id": "14", "object": "customs", "created": 1_795_363_200, "app": "app_1",
        "channel": "alipay", "trade_no": "1", "customs_code": "GUANGZHOU", "amount": 100,
        "charge": "ch_1", "transport_amount": 10, "is_split": false, "sub_order_no": null,
        "extra": { "pay_account": "2088" }, "time_succeeded": null, "status": "pending",
        "failure_code": null, "failure_msg": null, "transaction_no": null
    })
}

fn sub_bank() -> Value {
    json!({
        "object": "sub_bank", "sub_bank": "A", "sub_bank_code": "1", "prov": "浙江省", "city": "宁波市"
    })
}

#[test]
fn only_what_money_hangs_on_makes_an_object_unreadable() {
    let money = ["id", "livemode", "status", "amount"];
    let and = |more: &[&'static str]| [&money[..], more].concat();
    only_these_may_fail::<Order>(
        &order(),
        &and(&["paid", "merchant_order_no", "actual_amount", "amount_paid", "amount_refunded"]),
    );
    only_these_may_fail::<Transfer>(
        &transfer(),
        &and(&["order_no", "time_transferred", "failure_code"]),
    );
    only_these_may_fail::<RedEnvelope>(
        &red_envelope(),
        &and(&["order_no", "received", "refunded", "failure_code"]),
    );
    only_these_may_fail::<BatchTransfer>(&batch_transfer(), &and(&["batch_no"]));
    let fields = ["id", "batch_no", "livemode", "status", "refunds"];
    only_these_may_fail::<BatchRefund>(&batch_refund(), &fields);
    let fields = ["id", "livemode", "succeeded", "amount", "user"];
    only_these_may_fail::<Recharge>(&recharge(), &fields);
    only_these_may_fail::<Agreement>(&agreement(), &["id", "livemode", "status", "contract_no"]);
    only_these_may_fail::<SplitReceiver>(&split_receiver(), &["id", "livemode"]);
    let fields = ["id", "livemode", "charge", "failure_code", "recipients"];
    only_these_may_fail::<SplitProfit>(&split_profit(), &fields);
    only_these_may_fail::<ProfitTransaction>(&profit_transaction(), &money);
    only_these_may_fail::<Customs>(&customs(), &["id"]);
    only_these_may_fail::<SubBank>(&sub_bank(), &[]);
}

/// Real ones, if they lie beside the checkout.
#[test]
fn real_objects_survive() {
    real_ones_survive(&[
        survives::<Order>,
        survives::<Transfer>,
        survives::<RedEnvelope>,
        survives::<BatchTransfer>,
        survives::<BatchRefund>,
        survives::<Recharge>,
        survives::<Agreement>,
    ]);
}

/// Whether it is one of these, which then must survive.
pub(crate) fn survives<T: ApiObject + Serialize>(name: &str, text: &str) -> bool {
    let object: Value = serde_json::from_str(text).unwrap();
    let is_one = object["object"] == T::OBJECT;
    if is_one {
        let read: T = read(text).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(serde_json::to_value(read).unwrap(), object, "{name}");
    }
    is_one
}

pub(crate) fn real_ones_survive(read_them: &[fn(&str, &str) -> bool]) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/samples");
    let Ok(files) = fs::read_dir(folder) else {
        println!("no real objects beside the checkout: only the project's own were tried");
        return;
    };
    let mut tried = vec![0; read_them.len()];
    for path in files.map(|file| file.unwrap().path()) {
        let name = path.file_name().unwrap().to_string_lossy();
        let text = fs::read_to_string(&path).unwrap();
        if name.ends_with(".json") {
            for (survives, tried) in read_them.iter().zip(&mut tried) {
                *tried += usize::from(survives(&name, &text));
            }
        }
    }
    println!("{tried:?} real objects survived");
    assert!(tried.iter().all(|&tried| tried > 0));
}

/// The states of an object with each of these changes.
pub(crate) fn states<T: ApiObject, S: PartialEq + std::fmt::Debug>(
    object: &Value,
    state: impl Fn(&T) -> S,
    cases: &[(Value, S)],
) {
    for (changes, expected) in cases {
        let mut object = object.clone();
        for (key, value) in changes.as_object().unwrap() {
            object[key] = value.clone();
        }
        let object: T = read(&object.to_string()).unwrap();
        assert_eq!(state(&object), *expected, "{changes}");
    }
}

#[test]
fn an_order_is_paid_only_if_everything_says_so() {
    use OrderState::{Canceled, NeedsRefund, Paid, Pending, Refunded};
    let unpaid = |status| json!({ "status": status, "paid": false, "amount_paid": 0 });
    states(
        &order(),
        Order::state,
        &[
            (json!({}), Paid),
            (json!({ "amount_paid": 180 }), Paid),
            (json!({ "amount_paid": null, "actual_amount": null, "amount_refunded": null }), Paid),
            (json!({ "paid": false }), Pending),
            (json!({ "amount_paid": 89 }), Pending),
            (json!({ "amount_refunded": 1 }), Pending),
            (json!({ "status": "created" }), Pending),
            (json!({ "status": "brand_new" }), Pending),
            (json!({ "status": "refunded" }), Pending),
            (unpaid("created"), Pending),
            (unpaid("paid"), Pending),
            (unpaid("refunded"), Pending),
            (unpaid("canceled"), Canceled),
            (json!({ "status": "canceled" }), NeedsRefund),
            (json!({ "status": "canceled", "paid": false, "amount_paid": 1 }), NeedsRefund),
            (json!({ "status": "canceled", "paid": false, "amount_refunded": 90 }), Canceled),
            (json!({ "status": "canceled", "amount_refunded": 90 }), Pending),
            (json!({ "status": "refunded", "paid": false, "amount_refunded": 90 }), Refunded),
            (json!({ "paid": false, "amount_refunded": 30 }), Refunded),
            (json!({ "amount_paid": i64::MIN, "amount_refunded": 1 }), Paid),
        ],
    );
}

#[test]
fn a_transfer_arrived_only_if_nothing_contradicts_it() {
    use TransferState::{Failed, NeedsMerchant, NeedsRecipient, Paid, Pending};
    states(
        &transfer(),
        Transfer::state,
        &[
            (json!({}), Pending),
            (json!({ "status": "scheduled" }), Pending),
            (json!({ "status": "brand_new" }), Pending),
            (json!({ "status": "wait_user_confirm" }), NeedsRecipient),
            (json!({ "failure_code": "transfer_wait_operation" }), NeedsMerchant),
            (json!({ "status": "paid" }), Paid),
            (json!({ "status": "paid", "time_transferred": 1 }), Paid),
            (json!({ "status": "paid", "failure_code": "x" }), Pending),
            (json!({ "status": "failed" }), Failed),
            (json!({ "status": "canceled" }), Failed),
            (json!({ "status": "failed", "failure_code": "x" }), Failed),
            (json!({ "status": "failed", "time_transferred": 1 }), Pending),
        ],
    );
}

#[test]
fn a_red_envelope_was_taken_only_if_nothing_contradicts_it() {
    use RedEnvelopeState::{Failed, Pending, Received, Returned, Sent};
    states(
        &red_envelope(),
        RedEnvelope::state,
        &[
            (json!({}), Pending),
            (json!({ "status": "brand_new" }), Pending),
            (json!({ "status": "sent" }), Sent),
            (json!({ "status": "sent", "received": 1 }), Pending),
            (json!({ "status": "received", "received": 1 }), Received),
            (json!({ "status": "received", "received": 1, "refunded": 2 }), Pending),
            (json!({ "status": "received", "failure_code": "x" }), Pending),
            (json!({ "status": "refund", "refunded": 1 }), Returned),
            (json!({ "status": "refund", "received": 1 }), Pending),
            (json!({ "status": "failed", "failure_code": "x" }), Failed),
            (json!({ "status": "failed", "received": 1 }), Pending),
        ],
    );
}

#[test]
fn a_batch_of_transfers_is_what_its_parts_are() {
    use BatchTransferState::{Failed, PartlySucceeded, Pending, Succeeded};
    let parts = |status: &str, parts: [&str; 2]| {
        let parts = parts.map(|status| json!({ "status": status, "amount": 1 }));
        json!({ "status": status, "recipients": parts })
    };
    states(
        &batch_transfer(),
        BatchTransfer::state,
        &[
            (json!({}), Succeeded),
            (json!({ "status": "pending" }), Pending),
            (json!({ "status": "brand_new" }), Pending),
            (json!({ "recipients": null }), Pending),
            (json!({ "recipients": [{ "amount": 1 }] }), Pending),
            (json!({ "recipients": [] }), Pending),
            (json!({ "status": "failed" }), Pending),
            (parts("succeeded", ["paid", "pending"]), Pending),
            (parts("succeeded", ["paid", "failed"]), PartlySucceeded),
            (parts("partially_succeeded", ["paid", "failed"]), PartlySucceeded),
            (parts("partially_succeeded", ["paid", "paid"]), Pending),
            (parts("succeeded", ["failed", "failed"]), Pending),
            (parts("failed", ["failed", "failed"]), Failed),
            (parts("failed", ["failed", "pending"]), Pending),
            (parts("canceled", ["canceled", "canceled"]), Failed),
        ],
    );
}

#[test]
fn a_batch_of_refunds_is_what_its_refunds_are() {
    use BatchRefundState::{Failed, NeedsMerchant, PartlySucceeded, Pending, Succeeded};
    let batch = |status: &str, refunds: &[(&str, bool)]| {
        let refund = |(status, succeed): &(&str, bool)| {
            json!({ "object": "refund", "id": "re_1", "amount": 1, "charge": "ch_1",
                    "status": status, "succeed": succeed })
        };
        let refunds: Vec<_> = refunds.iter().map(refund).collect();
        let refunds = json!({ "object": "list", "has_more": false, "data": refunds });
        let mut batch = batch_refund();
        (batch["status"], batch["refunds"]) = (status.into(), refunds);
        read::<BatchRefund>(&batch.to_string()).unwrap()
    };
    let (done, failed, open) = (("succeeded", true), ("failed", false), ("pending", false));
    for (status, refunds, expected) in [
        ("succeeded", &[done][..], Succeeded),
        ("succeeded", &[], Succeeded),
        ("succeeded", &[done, open], Pending),
        ("succeeded", &[done, failed], Pending),
        ("partially_succeeded", &[done, failed], PartlySucceeded),
        ("partially_succeeded", &[failed], Pending),
        ("failed", &[failed], Failed),
        ("failed", &[done], Pending),
        ("failed", &[open], Pending),
        ("created", &[], Pending),
        ("brand_new", &[done], Pending),
    ] {
        assert_eq!(batch(status, refunds).state(), expected, "{status} {refunds:?}");
    }
    let mut waiting = batch("pending", &[]);
    waiting.refund_url = Some(String::from("https://example.com"));
    assert_eq!(waiting.state(), NeedsMerchant { url: "https://example.com" });
    waiting.status = None;
    assert_eq!(waiting.state(), Pending);
}

/// A server that loses every create, and lists these objects.
pub(crate) async fn losing(items: Vec<Value>) -> Server {
    Server::start(move |request| match request.method.as_str() {
        "POST" => Act::Write(html(502)),
        _ => {
            let list = json!({ "object": "list", "has_more": false, "data": items });
            Act::Write(answer(200, &list.to_string()))
        }
    })
    .await
}

/// Seconds since 1970: a search looks at what is as old as the lost call.
pub(crate) fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

/// It is found among others by its number, and was sent once.
pub(crate) async fn found<T: ApiObject + Serialize + Send + 'static>(
    object: Value,
    number: &str,
    call: impl FnOnce(Client) -> Call<T>,
) {
    let (mut lost, mut other) = (object.clone(), object);
    (other["id"], other[number]) = (json!("other"), json!("other"));
    lost["id"] = json!("lost");
    for object in [&mut lost, &mut other] {
        object["created"] = now().into();
    }
    let server = losing(vec![other, lost]).await;
    let error = call(server.client()).await.map(drop).unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown);
    let Recovered::Found(found) = server.client().recover::<T>(&error).await.unwrap() else {
        panic!("{}", T::OBJECT)
    };
    assert_eq!(serde_json::to_value(found).unwrap()["id"], "lost");
    let posts = server.requests().iter().filter(|request| request.method == "POST").count();
    assert_eq!(posts, 1, "sent again");
}

#[tokio::test]
async fn a_lost_payout_or_order_is_found_by_its_number_and_never_sent_again() {
    found(order(), "merchant_order_no", |client| {
        let params = CreateOrder::builder()
            .merchant_order_no("20261123001")
            .amount(Amount::from_fen(100))
            .client_ip([192, 0, 2, 1])
            .subject("Tea")
            .body("Longjing");
        client.orders().create(params)
    })
    .await;
    found(transfer(), "order_no", |client| {
        let params = CreateTransfer::builder()
            .channel("wx_pub")
            .order_no("1")
            .amount(Amount::from_fen(100))
            .kind("b2c")
            .recipient("o7")
            .description("October");
        client.transfers().create(params)
    })
    .await;
    found(red_envelope(), "order_no", |client| {
        let params = CreateRedEnvelope::builder()
            .channel("wx_pub")
            .order_no("1")
            .amount(Amount::from_fen(100))
            .recipient("o7")
            .subject("New year")
            .body("All the best")
            .description("2027")
            .extra([("send_name", "Tea house")]);
        client.red_envelopes().create(params)
    })
    .await;
    found(batch_transfer(), "batch_no", |client| {
        let params = CreateBatchTransfer::builder()
            .batch_no("1")
            .channel("unionpay")
            .kind("b2c")
            .amount(Amount::from_fen(300))
            .description("October")
            .recipients([]);
        client.batch_transfers().create(params)
    })
    .await;
    found(batch_refund(), "batch_no", |client| {
        let params = CreateBatchRefund::builder().batch_no("1").charges([]).description("broken");
        client.batch_refunds().create(params)
    })
    .await;
    found(agreement(), "contract_no", |client| {
        let params = CreateAgreement::builder().contract_no("1").channel("qpay");
        client.agreements().create(params)
    })
    .await;
    found(split_profit(), "order_no", |client| {
        let params = CreateSplitProfit::builder()
            .charge("ch_1")
            .order_no("1")
            .kind("split_normal")
            .recipients([]);
        client.split_profits().create(params)
    })
    .await;
    found(customs(), "trade_no", |client| {
        let params = CreateCustoms::builder()
            .charge("ch_1")
            .channel("alipay")
            .trade_no("1")
            .customs_code("GUANGZHOU")
            .amount(Amount::from_fen(100));
        client.customs().create(params)
    })
    .await;
    found(split_receiver(), "account", |client| {
        let params =
            CreateSplitReceiver::builder().kind("MERCHANT_ID").account("19").channel("wx_pub");
        client.split_receivers().create(params)
    })
    .await;
    found(recharge(), "metadata", |client| {
        let charge = RechargeCharge::builder()
            .amount(Amount::from_fen(100))
            .channel("wx_pub_qr")
            .order_no("1")
            .subject("Tea")
            .body("Longjing");
        let params = CreateRecharge::builder().user("user_1").charge(charge);
        client.recharges().create(params.metadata([("tag", 1)]))
    })
    .await;
}

#[tokio::test]
async fn a_list_with_an_item_of_the_other_mode_is_refused() {
    macro_rules! lists {
        ($($family:ident, $filter:expr, $object:expr;)*) => {$(
            for livemode in [false, true] {
                let mut object = $object;
                object["livemode"] = livemode.into();
                let server = losing(vec![object]).await;
                let page = server.client().$family().list($filter).next_page().await;
                assert_eq!(page.is_err(), livemode, stringify!($family));
            }
        )*};
    }
    lists! {
        orders, ListOrders::default(), order();
        transfers, ListTransfers::default(), transfer();
        red_envelopes, ListRedEnvelopes::default(), red_envelope();
        batch_transfers, ListBatchTransfers::default(), batch_transfer();
        batch_refunds, ListBatchRefunds::default(), batch_refund();
        recharges, ListRecharges::default(), recharge();
        agreements, ListAgreements::default(), agreement();
        split_receivers, ListSplitReceivers::default(), split_receiver();
        split_profits, ListSplitProfits::default(), split_profit();
        profit_transactions, ListProfitTransactions::default(), profit_transaction();
    }
}

#[tokio::test]
async fn a_lost_order_is_found_behind_the_first_page() {
    let server = Server::start(|request| {
        if request.method == "POST" {
            return Act::Write(html(502));
        }
        let is_first = request.target.contains("page=1");
        let mut order = order();
        order["created"] = now().into();
        order["merchant_order_no"] = if is_first { json!("other") } else { json!("20261123001") };
        let list = json!({ "object": "list", "has_more": is_first, "data": [order] });
        Act::Write(answer(200, &list.to_string()))
    })
    .await;
    let params = CreateOrder::builder()
        .merchant_order_no("20261123001")
        .amount(Amount::from_fen(100))
        .client_ip([192, 0, 2, 1])
        .subject("Tea")
        .body("Longjing");
    let error = server.client().orders().create(params).await.unwrap_err();
    let found = server.client().recover::<Order>(&error).await.unwrap();
    assert!(matches!(found, Recovered::Found(_)), "{found:?}");
    let asked = server.requests();
    assert!(asked[1].target.contains("page=1&per_page=20"), "{}", asked[1].target);
    assert_eq!(asked.len(), 3);
}

#[tokio::test]
async fn a_lost_refund_of_an_order_or_recharge_is_found_by_its_tag() {
    let refund = |id: &str, tag: i64| {
        json!({ "id": id, "object": "refund", "amount": 9, "created": now(), "succeed": false,
                "status": "pending", "description": "broken", "charge": "ch_1",
                "metadata": { "tag": tag } })
    };
    let server = losing(vec![refund("re_1", 1), refund("re_2", 2)]).await;
    let client = server.client();
    let order = CreateOrderRefund::builder().description("broken").metadata([("tag", 1)]);
    let order = client.order_refunds("20").create(order).await.unwrap_err();
    let recharge = CreateRechargeRefund::builder().description("broken").metadata([("tag", 2)]);
    let recharge = client.recharge_refunds("22").create(recharge).await.unwrap_err();
    let untold = CreateRechargeRefund::builder().description("broken");
    let untold = client.recharge_refunds("22").create(untold).await.unwrap_err();
    for (error, ids) in
        [(order, vec!["re_1"]), (recharge, vec!["re_2"]), (untold, vec!["re_1", "re_2"])]
    {
        assert_eq!(error.outcome(), Outcome::Unknown);
        let found = match client.recover::<Refund>(&error).await.unwrap() {
            Recovered::Found(refund) => vec![refund.id],
            Recovered::Candidates(refunds) => refunds.into_iter().map(|refund| refund.id).collect(),
            other => panic!("{other:?}"),
        };
        assert_eq!(found, ids);
    }
}

#[test]
fn no_debug_shows_a_name_an_account_or_a_number() {
    let secret = "张三";
    let identity = Identity::builder().id_name(secret).id_number(secret).card_number(secret);
    let pay = PayTo::builder().account(secret).name(secret).open_id(secret);
    let receiver =
        CreateSplitReceiver::builder().kind("x").account(secret).name(secret).channel("wx");
    let split = SplitTo::builder().amount(Amount::from_fen(1)).name(secret);
    let sent = [
        format!("{:?}", identity.phone_number(secret).build()),
        format!("{:?}", pay.amount(Amount::from_fen(1)).build()),
        format!("{:?}", receiver.build()),
        format!("{:?}", split.build()),
    ];
    let (mut transfer, mut batch) = (transfer(), batch_transfer());
    transfer["recipient"] = secret.into();
    (batch["recipients"][0]["account"], batch["recipients"][0]["name"]) =
        (secret.into(), secret.into());
    let (mut receiver, mut split) = (split_receiver(), split_profit());
    (receiver["account"], receiver["name"]) = (secret.into(), secret.into());
    split["recipients"][0]["name"] = secret.into();
    fn debug<T: ApiObject + std::fmt::Debug>(object: &Value) -> String {
        format!("{:?}", read::<T>(&object.to_string()).unwrap())
    }
    let received = [
        debug::<Transfer>(&transfer),
        debug::<BatchTransfer>(&batch),
        debug::<SplitReceiver>(&receiver),
        debug::<SplitProfit>(&split),
    ];
    for text in sent.iter().chain(&received) {
        assert!(text.contains("***") && !text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn the_result_of_an_identification_is_read_in_either_form() {
    for (result_code, code) in [(json!(0), Some(0)), (json!("7"), Some(7)), (json!(null), None)] {
        let body = json!({ "type": "id_card", "result_code": result_code, "paid": true });
        let server = Server::always(Act::Write(answer(200, &body.to_string()))).await;
        let identity = Identity::builder().id_name("A").id_number("1");
        let result = server.client().identification().identify(identity).await.unwrap();
        assert_eq!((result.code(), result.paid), (code, Some(true)));
        assert_eq!(serde_json::to_value(result).unwrap(), body);
        assert!(server.requests()[0].text().contains(r#""type":"id_card""#));
    }
}
