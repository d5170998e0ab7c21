//! The objects of the account product: every field of each is mutated, real ones survive, states are
//! told from what contradicts itself, a lost create is found, and nothing private is printed.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use pingpp::balance_bonuses::{BalanceBonus, CreateBalanceBonus};
use pingpp::balance_settlements::BalanceSettlement;
use pingpp::balance_transactions::BalanceTransaction;
use pingpp::balance_transfers::{BalanceTransfer, BalanceTransferState, CreateBalanceTransfer};
use pingpp::batch_withdrawals::{BatchWithdrawal, BatchWithdrawalState, CreateBatchWithdrawal};
use pingpp::contacts::CreateContact;
use pingpp::coupon_templates::{
    CouponTemplate, CreateCouponTemplate, CreateCoupons, Discount, Expiration,
};
use pingpp::coupons::{Coupon, CreateCoupon};
use pingpp::royalties::{CreateRoyaltyData, Royalty};
use pingpp::royalty_settlements::{
    CreateRoyaltySettlement, ListRoyaltySettlements, RoyaltySettlement, RoyaltySettlementState,
    RoyaltyTransaction,
};
use pingpp::royalty_templates::{CreateRoyaltyTemplate, RoyaltyRule, RoyaltyTemplate};
use pingpp::settle_accounts::{CreateSettleAccount, SettleAccount, SettleTo};
use pingpp::sub_app_channels::{CreateSubAppChannel, SubAppChannel, UpdateSubAppChannel};
use pingpp::sub_apps::{CreateSubApp, SubApp};
use pingpp::summaries::{Summary, SummaryKind};
use pingpp::users::{CreateUser, Picture, UploadPic, User, UserPic};
use pingpp::withdrawals::{CreateWithdrawal, Withdrawal, WithdrawalState};
use pingpp::{
    Amount, ApiObject, App, Client, Error, Event, Id, ObjectError, Outcome, Recovered, RetryPolicy,
    Timestamp,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::API_KEY;
use crate::objects::{self, found, losing, now, read, real_ones_survive, states, survives};
use crate::raw::{Act, Received, Server, html, json as answer};
use crate::schema::mutations;

const APP: &str = "app_test000000000001";

fn user() -> Value {
    json!({
        "id": "user_1", "object": "user", "app": APP, "type": "business", "related_app": "app_2",
        "address": "上海", "available_coupons": 1, "avatar": "https://example.com/a.png",
        "available_balance": 100, "withdrawable_balance": 90, "total_balance": 110,
        "created": 1_795_363_200, "disabled": false, "email": "a@example.com", "gender": "MALE",
        "identified": true, "identity_info": { "a": 1 }, "livemode": false, "mobile": "186",
        "name": "A", "parent_user_id": "user_0", "settle_accounts": [settle_account()],
        "metadata": { "tag": 1 }, "extra": { "a": 1 }
    })
}

fn settle_account() -> Value {
    json!({
        "id": "32", "object": "settle_account", "created": 1_795_363_200, "livemode": false,
        "channel": "bank_account", "recipient": {
            "account": "6222***2145", "name": "***", "type": "b2c", "open_bank_code": "0102",
            "card_type": 0, "mobile": null, "extra": {}
        }
    })
}

fn balance_transaction() -> Value {
    json!({
        "id": "31", "object": "balance_transaction", "app": APP, "amount": 100,
        "available_balance": 200, "created": 1_795_363_200, "description": "A", "livemode": false,
        "source": "22", "type": "recharge", "user": "user_1"
    })
}

fn balance_bonus() -> Value {
    json!({
        "id": "65", "object": "balance_bonus", "app": APP, "created": 1_795_363_200,
        "livemode": false, "paid": true, "refunded": false, "amount": 100, "amount_refunded": 0,
        "order_no": "1", "time_paid": 1_795_363_200, "user": "user_1", "balance_transaction": "31",
        "description": null, "metadata": { "tag": 1 }
    })
}

fn balance_transfer() -> Value {
    json!({
        "id": "66", "object": "balance_transfer", "app": APP, "order_no": "1",
        "created": 1_795_363_200, "livemode": false, "status": "succeeded", "amount": 100,
        "user": "user_1", "user_fee": 1, "recipient": "user_2", "user_balance_transaction": "31",
        "recipient_balance_transaction": "32", "description": null, "metadata": { "tag": 1 }
    })
}

fn balance_settlement() -> Value {
    json!({
        "id": "67", "object": "balance_settlement", "app": APP, "user": "user_1", "amount": 100,
        "amount_refunded": 0, "created": 1_795_363_200, "charge": "ch_1", "livemode": false,
        "refunded": false, "order_no": "1", "status": "credited", "time_credited": 1_795_363_200,
        "time_succeeded": null, "transaction_no": null, "user_fee": 1, "failure_msg": null
    })
}

fn withdrawal() -> Value {
    json!({
        "id": "17", "object": "withdrawal", "app": APP, "user": "user_1", "amount": 100,
        "asset_transaction": "", "balance_transaction": "", "channel": "unionpay",
        "created": 1_795_363_200, "description": "A", "extra": { "card_number": "62" }, "fee": 1,
        "user_fee": 1, "livemode": false, "metadata": { "tag": 1 }, "order_no": "1",
        "source": null, "status": "pending", "time_canceled": null, "time_succeeded": null,
        "operation_url": null, "failure_msg": null, "settle_account": "32"
    })
}

fn batch_withdrawal() -> Value {
    let mut part = withdrawal();
    part["status"] = "succeeded".into();
    json!({
        "id": "19", "object": "batch_withdrawal", "app": APP, "created": 1_795_363_200,
        "livemode": false, "amount": 200, "amount_succeeded": 200, "amount_failed": 0,
        "amount_canceled": 0, "count": 2, "count_succeeded": 2, "count_failed": 0,
        "count_canceled": 0, "fee": 1, "user_fee": 1, "metadata": { "tag": 1 },
        "operation_url": null, "source": "18", "status": "succeeded", "time_finished": null,
        "withdrawals": { "object": "list", "url": null, "has_more": false, "data": [part] }
    })
}

fn coupon_template() -> Value {
    json!({
        "id": "3001", "object": "coupon_template", "app": APP, "livemode": false,
        "created": 1_795_363_200, "name": "25 OFF", "type": 1, "amount_off": 25,
        "percent_off": null, "discount_amount_limit": null, "amount_available": 100,
        "max_circulation": null, "max_user_circulation": 1, "refundable": true,
        "expiration": { "time_start": null, "time_end": null, "duration": 60 },
        "times_circulated": 0, "times_redeemed": 0, "metadata": { "tag": 1 }
    })
}

fn coupon() -> Value {
    json!({
        "id": "3003", "object": "coupon", "app": APP, "created": 1_795_363_200, "livemode": false,
        "valid": true, "redeemed": false, "coupon_template": coupon_template(), "user": "user_1",
        "time_start": 1, "time_end": 2, "order": null, "actual_amount": null,
        "user_times_circulated": 1, "metadata": { "tag": 1 }
    })
}

fn sub_app() -> Value {
    json!({
        "id": "app_2", "object": "sub_app", "created": 1_795_363_200, "display_name": "Shop",
        "account": "acct_1", "description": "A", "metadata": { "tag": 1 },
        "available_methods": ["wx_pub"], "user": "user_1", "level": 1, "parent_app": APP,
        "extra": { "a": 1 }
    })
}

fn channel() -> Value {
    json!({
        "object": "channel", "created": 1_795_363_200, "channel": "alipay",
        "params": { "fee_rate": 60, "alipay_security_key": "key" }, "banned": false,
        "banned_msg": null, "description": "A"
    })
}

fn royalty() -> Value {
    json!({
        "id": "41", "object": "royalty", "payer_app": APP, "created": 1_795_363_200,
        "livemode": false, "status": "created", "amount": -100, "method": null,
        "recipient_app": "app_2", "royalty_transaction": null, "royalty_settlement": null,
        "time_settled": null, "settle_account": null, "source_app": APP,
        "source_url": "/v1/orders/20", "source_no": "1", "source_user": "user_1",
        "description": null, "metadata": { "tag": 1 }
    })
}

fn royalty_transaction(status: &str) -> Value {
    json!({
        "id": "44", "object": "royalty_transaction", "amount": 100, "created": 1_795_363_200,
        "status": status, "settle_account": "32", "source_user": "user_1",
        "recipient_app": "app_2", "royalty_settlement": "43", "transfer": "tr_1",
        "failure_msg": null
    })
}

fn royalty_settlement() -> Value {
    let part = royalty_transaction("succeeded");
    json!({
        "id": "43", "object": "royalty_settlement", "payer_app": APP, "created": 1_795_363_200,
        "livemode": false, "method": "alipay", "amount": 100, "amount_succeeded": 100,
        "amount_failed": 0, "amount_canceled": 0, "count": 1, "count_succeeded": 1,
        "count_failed": 0, "count_canceled": 0, "time_finished": null, "fee": 1,
        "metadata": { "tag": 1 }, "operation_url": null, "status": "succeeded",
        "royalty_transactions": { "object": "list", "has_more": false, "data": [part] }
    })
}

fn royalty_template() -> Value {
    json!({
        "id": "45", "object": "royalty_template", "livemode": false, "app": APP, "name": "A",
        "created": 1_795_363_200, "description": null, "rule": {
            "royalty_mode": "rate", "refund_mode": "no_refund",
            "allocation_mode": "receipt_reserved", "data": [{ "level": 0, "value": 11 }]
        }
    })
}

fn summary() -> Value {
    json!({
        "acct_id": "acct_1", "object": "account_daily_summary", "acct_display_name": "A",
        "app_id": "app_1", "app_display_name": "B", "created": 3, "summary_from": 1,
        "summary_to": 2, "charges_amount": 100, "charges_count": 1
    })
}

/// And every field of the object has a name here, and the type that it comes with.
fn only_these_may_fail<T: ApiObject + Serialize + Debug>(object: &Value, fields: &[&str]) {
    let read: T = serde_json::from_str(&object.to_string()).unwrap();
    let shown = format!("{read:?}").replace("other: {}", "");
    assert!(!shown.contains("other: {"), "{shown}");
    objects::only_these_may_fail::<T>(object, fields);
}

#[test]
fn only_what_money_hangs_on_makes_an_object_unreadable() {
    let live = ["id", "livemode"];
    let and = |more: &[&'static str]| [&live[..], more].concat();
    let counts = ["count", "count_succeeded", "count_failed", "count_canceled"];
    let amounts = ["amount", "amount_succeeded", "amount_failed", "amount_canceled", "status"];
    only_these_may_fail::<User>(
        &user(),
        &and(&["available_balance", "withdrawable_balance", "disabled"]),
    );
    only_these_may_fail::<SettleAccount>(&settle_account(), &live);
    only_these_may_fail::<BalanceTransaction>(
        &balance_transaction(),
        &and(&["amount", "user", "type"]),
    );
    only_these_may_fail::<BalanceBonus>(
        &balance_bonus(),
        &and(&["paid", "refunded", "amount", "amount_refunded"]),
    );
    let entries = ["user_balance_transaction", "recipient_balance_transaction"];
    only_these_may_fail::<BalanceTransfer>(
        &balance_transfer(),
        &and(&[&entries[..], &["status", "amount"]].concat()),
    );
    only_these_may_fail::<BalanceSettlement>(
        &balance_settlement(),
        &and(&["status", "amount", "amount_refunded"]),
    );
    only_these_may_fail::<Withdrawal>(
        &withdrawal(),
        &and(&["status", "order_no", "amount", "user", "time_succeeded", "time_canceled"]),
    );
    let numbers = and(&[&counts[..], &amounts].concat());
    only_these_may_fail::<BatchWithdrawal>(&batch_withdrawal(), &numbers);
    only_these_may_fail::<RoyaltySettlement>(&royalty_settlement(), &numbers);
    only_these_may_fail::<CouponTemplate>(
        &coupon_template(),
        &and(&["type", "amount_off", "percent_off"]),
    );
    only_these_may_fail::<Coupon>(&coupon(), &and(&["valid", "redeemed", "actual_amount"]));
    only_these_may_fail::<SubApp>(&sub_app(), &["id"]);
    only_these_may_fail::<SubAppChannel>(&channel(), &["channel", "banned"]);
    only_these_may_fail::<Royalty>(&royalty(), &and(&["status", "amount", "method"]));
    only_these_may_fail::<RoyaltyTransaction>(
        &royalty_transaction("pending"),
        &["id", "status", "amount"],
    );
    only_these_may_fail::<RoyaltyTemplate>(&royalty_template(), &live);
}

/// Tries all mutations of an object through a reader; which fields fail.
async fn failing<F: Future<Output = Option<Value>>>(
    object: &Value,
    read: impl Fn(String) -> F,
) -> BTreeSet<String> {
    let mut failing = BTreeSet::new();
    assert_eq!(read(object.to_string()).await.as_ref(), Some(object));
    let all = mutations(object);
    let mut failed = 0;
    for mutation in &all {
        match (read(mutation.text.clone()).await, &mutation.written) {
            (None, _) => {
                failed += 1;
                failing.insert(mutation.field.clone());
            }
            (Some(read), Some(written)) => {
                assert_eq!(read, *written, "{} {}", mutation.field, mutation.what);
            }
            (Some(_), None) => {}
        }
    }
    println!("{failed} of {} mutations fail: {failing:?}", all.len());
    failing
}

fn fields(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn answers_that_do_not_say_what_they_are_are_read_as_tolerantly() {
    let body = Arc::<Mutex<String>>::default();
    let answered = Arc::clone(&body);
    let act = move |_: &Received| Act::Write(answer(200, &answered.lock().unwrap()));
    let server = Server::start(act).await;
    let builder = server.builder().retry(RetryPolicy::none());
    let client = &builder.app(APP).build().unwrap();
    let written = |result: Result<Value, Error>| result.ok();
    let body = &body;

    let pic = json!({
        "user": "user_1", "livemode": false, "type": "customer", "operate_type": "00",
        "pic_fmt": "jpg", "pic_type": "101", "acc_no": null, "pic_external_id": "1"
    });
    let read = |text: String| async move {
        *body.lock().unwrap() = text;
        let params = UploadPic::builder().user("user_1").kind("customer").pic(vec![1]);
        let params = params.pic_fmt("jpg").pic_type("101");
        let pic = client.users().upload_pic(params).await;
        written(pic.map(|pic| serde_json::to_value(pic).unwrap()))
    };
    assert_eq!(failing(&pic, read).await, fields(&["user", "livemode"]));

    let contact = json!({ "user": "user_1", "livemode": false, "acc_no": "62", "contact_no": "1" });
    let read = |text: String| async move {
        *body.lock().unwrap() = text;
        let contact = client.contacts().create(contact_of("user_1", "A")).await;
        written(contact.map(|contact| serde_json::to_value(contact).unwrap()))
    };
    assert_eq!(failing(&contact, read).await, fields(&["user", "livemode"]));

    let data = json!({ "app": APP, "livemode": false, "order": "20", "succeeded": true });
    let read = |text: String| async move {
        *body.lock().unwrap() = text;
        let params = CreateRoyaltyData::builder().royalty_users([]);
        let data = client.royalties().create_data("20", params).await;
        written(data.map(|data| serde_json::to_value(data).unwrap()))
    };
    let all = fields(&["app", "livemode", "order", "succeeded"]);
    assert_eq!(failing(&data, read).await, all);

    let deleted = json!({ "channel": "alipay", "deleted": true });
    let read = |text: String| async move {
        *body.lock().unwrap() = text;
        let deleted = client.sub_app_channels("app_2").delete("alipay").await;
        written(deleted.map(|deleted| serde_json::to_value(deleted).unwrap()))
    };
    assert_eq!(failing(&deleted, read).await, fields(&["channel", "deleted"]));
}

fn event_about(object: &str) -> Event {
    let event = format!(
        r#"{{"object":"event","livemode":false,"type":"summary.daily.available","data":{{"object":{object}}}}}"#
    );
    serde_json::from_str(&event).unwrap()
}

#[tokio::test]
async fn a_summary_is_read_from_its_event_and_from_no_other() {
    let read = |text: String| async move {
        Summary::of(&event_about(&text)).ok().map(|it| serde_json::to_value(it).unwrap())
    };
    let required = ["object", "charges_amount", "charges_count", "summary_from", "summary_to"];
    assert_eq!(failing(&summary(), read).await, fields(&required));
    let read = Summary::of(&event_about(&summary().to_string())).unwrap();
    assert_eq!((read.kind, read.charges_amount), (SummaryKind::AccountDaily, fen(100)));
    let other = Summary::of(&event_about(&user().to_string())).unwrap_err();
    assert!(matches!(other, ObjectError::Other { found: Some(found), .. } if found == "user"));
    let mut odd = summary();
    odd["charges_amount"] = "100".into();
    let odd = Summary::of(&event_about(&odd.to_string())).unwrap_err();
    assert!(matches!(odd, ObjectError::Unreadable { .. }), "{odd}");
}

#[test]
fn real_objects_survive() {
    fn summary_survives(name: &str, text: &str) -> bool {
        let object: Value = serde_json::from_str(text).unwrap();
        let is_one = object["object"].as_str().is_some_and(|kind| kind.ends_with("_summary"));
        if is_one {
            let read = Summary::of(&event_about(text)).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), object, "{name}");
        }
        is_one
    }
    real_ones_survive(&[
        survives::<User>,
        survives::<SettleAccount>,
        survives::<BalanceTransaction>,
        survives::<Withdrawal>,
        survives::<BatchWithdrawal>,
        survives::<Coupon>,
        survives::<CouponTemplate>,
        survives::<SubApp>,
        survives::<SubAppChannel>,
        summary_survives,
    ]);
}

#[test]
fn a_withdrawal_arrived_only_if_nothing_contradicts_it() {
    use WithdrawalState::{Canceled, Created, Failed, NeedsMerchant, Pending, Succeeded};
    let url = "https://example.com";
    for (changes, expected) in [
        (json!({}), Pending),
        (json!({ "operation_url": "" }), Pending),
        (json!({ "operation_url": url }), NeedsMerchant { url }),
        (json!({ "operation_url": url, "time_succeeded": 1 }), Pending),
        (json!({ "status": "created", "failure_msg": "no money" }), Created),
        (json!({ "status": "created", "time_canceled": 1 }), Pending),
        (json!({ "status": "succeeded" }), Succeeded),
        (json!({ "status": "succeeded", "time_succeeded": 1, "failure_msg": "" }), Succeeded),
        (json!({ "status": "succeeded", "failure_msg": "x" }), Pending),
        (json!({ "status": "succeeded", "time_canceled": 1 }), Pending),
        (json!({ "status": "failed", "failure_msg": "x" }), Failed),
        (json!({ "status": "failed", "time_succeeded": 1 }), Pending),
        (json!({ "status": "canceled", "time_canceled": 1 }), Canceled),
        (json!({ "status": "canceled", "time_succeeded": 1 }), Pending),
        (json!({ "status": "brand_new" }), Pending),
    ] {
        let mut object = withdrawal();
        for (key, value) in changes.as_object().unwrap() {
            object[key] = value.clone();
        }
        let read: Withdrawal = read(&object.to_string()).unwrap();
        assert_eq!(read.state(), expected, "{changes}");
    }
}

#[test]
fn a_balance_transfer_arrived_only_if_it_says_so() {
    use BalanceTransferState::{Failed, Pending, Succeeded};
    states(
        &balance_transfer(),
        BalanceTransfer::state,
        &[
            (json!({}), Succeeded),
            (json!({ "status": "created" }), Pending),
            (json!({ "status": "pending" }), Pending),
            (json!({ "status": "brand_new" }), Pending),
            (json!({ "status": null }), Pending),
            (json!({ "status": "failed" }), Pending),
            (json!({ "status": "failed", "recipient_balance_transaction": "" }), Failed),
            (json!({ "status": "failed", "recipient_balance_transaction": null }), Failed),
        ],
    );
}

/// Status, succeeded, failed, canceled; of two parts.
const TALLIES: [(&str, [i64; 3], &str); 18] = [
    ("succeeded", [2, 0, 0], "Succeeded"),
    ("succeeded", [1, 0, 0], "Pending"),
    ("succeeded", [1, 1, 0], "Pending"),
    ("succeeded", [3, 0, 0], "Pending"),
    ("succeeded", [3, -1, 0], "Pending"),
    ("partially_succeeded", [1, 1, 0], "PartlySucceeded"),
    ("partially_succeeded", [1, 0, 1], "PartlySucceeded"),
    ("partially_succeeded", [2, 0, 0], "Pending"),
    ("partially_succeeded", [1, 0, 0], "Pending"),
    ("failed", [0, 2, 0], "Failed"),
    ("failed", [0, 1, 1], "Failed"),
    ("failed", [0, 1, 0], "Pending"),
    ("failed", [1, 1, 0], "Pending"),
    ("failed", [i64::MAX, i64::MAX, i64::MAX], "Pending"),
    ("canceled", [0, 0, 2], "Canceled"),
    ("canceled", [1, 0, 1], "Pending"),
    ("pending", [2, 0, 0], "Pending"),
    ("brand_new", [2, 0, 0], "Pending"),
];

fn tallied(mut object: Value, status: &str, [succeeded, failed, canceled]: [i64; 3]) -> Value {
    object["status"] = status.into();
    object["count"] = 2.into();
    object["count_succeeded"] = succeeded.into();
    object["count_failed"] = failed.into();
    object["count_canceled"] = canceled.into();
    object
}

#[test]
fn a_batch_of_withdrawals_or_shares_is_what_its_numbers_say() {
    for (status, numbers, expected) in TALLIES {
        let batch = tallied(batch_withdrawal(), status, numbers);
        let batch: BatchWithdrawal = read(&batch.to_string()).unwrap();
        assert_eq!(format!("{:?}", batch.state()), expected, "{status} {numbers:?}");
        let settlement = tallied(royalty_settlement(), status, numbers);
        let settlement: RoyaltySettlement = read(&settlement.to_string()).unwrap();
        assert_eq!(format!("{:?}", settlement.state()), expected, "{status} {numbers:?}");
    }
}

#[test]
fn an_open_part_or_a_missing_number_leaves_a_batch_pending() {
    let url = "https://example.com";
    let batch = |change: fn(&mut Value)| {
        let mut batch = batch_withdrawal();
        change(&mut batch);
        read::<BatchWithdrawal>(&batch.to_string()).unwrap()
    };
    let pending = BatchWithdrawalState::Pending;
    assert_eq!(batch(|batch| batch["count"] = Value::Null).state(), pending);
    let open = batch(|batch| batch["withdrawals"]["data"][0]["status"] = "pending".into());
    assert_eq!(open.state(), pending);
    let back = batch(|batch| batch["withdrawals"]["data"][0]["status"] = "created".into());
    assert_eq!(back.state(), BatchWithdrawalState::Succeeded);
    let mut waiting = batch(|batch| *batch = tallied(batch.clone(), "pending", [0, 0, 0]));
    waiting.operation_url = Some(url.to_owned());
    assert_eq!(waiting.state(), BatchWithdrawalState::NeedsMerchant { url });

    let settlement = |change: fn(&mut Value)| {
        let mut settlement = royalty_settlement();
        change(&mut settlement);
        read::<RoyaltySettlement>(&settlement.to_string()).unwrap()
    };
    let pending = RoyaltySettlementState::Pending;
    assert_eq!(settlement(|it| it["status"] = Value::Null).state(), pending);
    let open = |it: &mut Value| it["royalty_transactions"]["data"][0]["status"] = "pending".into();
    assert_eq!(settlement(open).state(), pending);
    let created = |it: &mut Value| *it = tallied(it.clone(), "created", [0, 0, 0]);
    assert_eq!(settlement(created).state(), RoyaltySettlementState::Created);
    let mut waiting = settlement(|it| *it = tallied(it.clone(), "pending", [0, 0, 0]));
    waiting.operation_url = Some(url.to_owned());
    assert_eq!(waiting.state(), RoyaltySettlementState::NeedsMerchant { url });
}

fn fen(fen: i64) -> Amount {
    Amount::from_fen(fen)
}

#[tokio::test]
async fn lost_money_is_found_by_its_number_and_never_sent_again() {
    found(withdrawal(), "order_no", |client| {
        let params = CreateWithdrawal::builder().user("user_1").amount(fen(100)).order_no("1");
        client.withdrawals().create(params.settle_account("32"))
    })
    .await;
    found(balance_transfer(), "order_no", |client| {
        let params = CreateBalanceTransfer::builder().user("user_1").recipient("user_2");
        client.balance_transfers().create(params.amount(fen(100)).order_no("1"))
    })
    .await;
    found(balance_bonus(), "order_no", |client| {
        let params = CreateBalanceBonus::builder().user("user_1").amount(fen(100)).order_no("1");
        client.balance_bonuses().create(params)
    })
    .await;
    found(batch_withdrawal(), "metadata", |client| {
        let params = CreateBatchWithdrawal::builder().withdrawals(["17".into()]);
        client.batch_withdrawals().create(params.metadata([("tag", 1)]))
    })
    .await;
    found(royalty_settlement(), "metadata", |client| {
        let params = CreateRoyaltySettlement::builder().method("alipay");
        client.royalty_settlements().create(params.metadata([("tag", 1)]))
    })
    .await;
    found(coupon(), "metadata", |client| {
        let params = CreateCoupon::builder().coupon_template("3001").metadata([("tag", 1)]);
        client.coupons("user_1").create(params)
    })
    .await;
    found(coupon_template(), "metadata", |client| {
        let params = CreateCouponTemplate::builder().discount(Discount::percent(20));
        client.coupon_templates().create(params.metadata([("tag", 1)]))
    })
    .await;
    found(sub_app(), "display_name", |client| {
        client.sub_apps().create(CreateSubApp::builder().display_name("Shop").user("user_1"))
    })
    .await;
}

#[tokio::test]
async fn what_nothing_tells_apart_is_left_to_a_person() {
    let mut account = settle_account();
    account["created"] = now().into();
    let server = losing(vec![account.clone()]).await;
    let client = server.client();
    let to = SettleTo::builder().account("62");
    let params = CreateSettleAccount::builder().channel("bank_account").recipient(to);
    let error = client.settle_accounts("user_1").create(params).await.unwrap_err();
    let recovered = client.recover::<SettleAccount>(&error).await.unwrap();
    assert!(matches!(recovered, Recovered::Candidates(accounts) if accounts.len() == 1));

    let mut coupon = coupon();
    coupon["created"] = now().into();
    let server = losing(vec![coupon.clone(), coupon]).await;
    let client = server.client();
    let params = CreateCoupons::builder().users(["user_1".into(), "user_2".into()]);
    let params = params.metadata([("tag", 1)]);
    let error = client.coupon_templates().create_coupons("3001", params).await.unwrap_err();
    let recovered = client.recover::<Coupon>(&error).await.unwrap();
    assert!(matches!(recovered, Recovered::Candidates(coupons) if coupons.len() == 2));

    let mut template = royalty_template();
    template["created"] = now().into();
    let server = losing(vec![template]).await;
    let client = server.client();
    let rule = RoyaltyRule::builder().royalty_mode("rate").refund_mode("no_refund");
    let rule = rule.allocation_mode("receipt_reserved").data([]);
    let params = CreateRoyaltyTemplate::builder().name("A").rule(rule);
    let error = client.royalty_templates().create(params).await.unwrap_err();
    let recovered = client.recover::<RoyaltyTemplate>(&error).await.unwrap();
    assert!(matches!(recovered, Recovered::Candidates(templates) if templates.len() == 1));
}

/// Loses the first request and answers the others.
async fn losing_one(object: Value) -> Server {
    Server::start(move |request| match request.number {
        0 => Act::Write(html(502)),
        _ => Act::Write(answer(200, &object.to_string())),
    })
    .await
}

#[tokio::test]
async fn a_lost_user_is_retrieved_by_the_id_that_the_merchant_chose() {
    let server = losing_one(user()).await;
    let client = server.client();
    let error = client.users().create(CreateUser::builder().id("user_1")).await.unwrap_err();
    assert_eq!((error.outcome(), server.request_count()), (Outcome::Unknown, 1));
    let Recovered::Found(found) = client.recover::<User>(&error).await.unwrap() else {
        panic!("not found")
    };
    assert_eq!(found.id, "user_1");
    assert_eq!(server.requests()[1].target, format!("/v1/apps/{APP}/users/user_1"));
}

#[tokio::test]
async fn confirm_and_cancel_are_sent_again_and_a_cancel_must_have_canceled() {
    let status = |mut object: Value, status: &str| {
        object["status"] = status.into();
        object
    };
    let server = losing_one(withdrawal()).await;
    server.client().withdrawals().confirm("17").await.unwrap();
    assert_eq!(server.request_count(), 2);
    let error = server.client().withdrawals().cancel("17").await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown, "it is still pending");
    let server = losing_one(status(withdrawal(), "canceled")).await;
    server.client().withdrawals().cancel("17").await.unwrap();
    assert_eq!(server.requests()[1].text(), r#"{"status":"canceled"}"#);

    let server = losing_one(status(royalty_settlement(), "pending")).await;
    server.client().royalty_settlements().confirm("43").await.unwrap();
    let error = server.client().royalty_settlements().cancel("43").await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown);
    let server = losing_one(status(royalty_settlement(), "canceled")).await;
    server.client().royalty_settlements().cancel("43").await.unwrap();
    assert_eq!(server.request_count(), 2);
    assert_eq!(server.requests()[1].text(), r#"{"status":"canceled"}"#);

    let server = Server::always(Act::Write(html(502))).await;
    let gone = server.client().users().delete("user_1").await.unwrap_err();
    assert_eq!((gone.outcome(), server.request_count()), (Outcome::Unknown, 1));
}

#[tokio::test]
async fn an_answer_about_another_user_number_or_amount_is_in_doubt() {
    for (field, value) in [
        ("user", json!("user_2")),
        ("order_no", json!("2")),
        ("amount", json!(101)),
        ("app", json!("app_2")),
        ("livemode", json!(true)),
    ] {
        let mut other = withdrawal();
        other[field] = value;
        let server = Server::always(Act::Write(answer(200, &other.to_string()))).await;
        let params = CreateWithdrawal::builder().user("user_1").amount(fen(100)).order_no("1");
        let error = server.client().withdrawals().create(params).await.unwrap_err();
        assert_eq!((error.outcome(), server.request_count()), (Outcome::Unknown, 1), "{field}");
    }
}

#[tokio::test]
async fn without_an_app_nothing_is_sent_and_the_message_says_what_to_do() {
    let server = Server::always(Act::Write(html(500))).await;
    let client =
        Client::builder(API_KEY).unsigned().base_url(server.url()).no_proxy().build().unwrap();
    let mut shares = client.royalty_settlements().list(ListRoyaltySettlements::default());
    let errors = [
        client.users().retrieve("user_1").await.unwrap_err(),
        client.settle_accounts("user_1").retrieve("32").await.unwrap_err(),
        client.withdrawals().confirm("17").await.unwrap_err(),
        client.sub_app_channels("app_2").retrieve("alipay").await.unwrap_err(),
        shares.next_page().await.unwrap_err(),
    ];
    for error in errors {
        assert!(error.to_string().contains("no app: set"), "{error}");
    }
    assert_eq!(server.request_count(), 0);
}

#[tokio::test]
async fn a_picture_is_sent_as_base64_and_not_beyond_its_limit() {
    let body = json!({ "user": "user_1", "livemode": false, "pic_external_id": "1" });
    let server = Server::always(Act::Write(answer(200, &body.to_string()))).await;
    let upload = |bytes: Vec<u8>| {
        let params = UploadPic::builder().user("user_1").kind("customer").pic(bytes);
        server.client().users().upload_pic(params.pic_fmt("jpg").pic_type("101"))
    };
    for wrong in [Vec::new(), vec![0; Picture::MAX_LEN + 1]] {
        let error = upload(wrong).await.unwrap_err();
        assert!(error.to_string().contains("a picture of"), "{error}");
    }
    assert_eq!(server.request_count(), 0);
    let stored: UserPic = upload(vec![0xff; 3]).await.unwrap();
    assert_eq!(stored.pic_external_id.as_deref(), Some("1"));
    assert!(server.requests()[0].text().contains(r#""pic":"////""#));
    upload(vec![0; Picture::MAX_LEN]).await.unwrap();
    assert_eq!(format!("{:?}", Picture::from(&b"abc"[..])), "3 bytes");
}

#[tokio::test]
async fn what_is_set_to_null_is_sent_as_null_and_what_is_not_set_is_not_sent() {
    let server = Server::always(Act::Write(answer(200, &channel().to_string()))).await;
    let api = server.client().sub_app_channels("app_2");
    let update = UpdateSubAppChannel::builder().banned(false).banned_msg(Value::Null);
    api.update("alipay", update).await.unwrap();
    api.update("alipay", UpdateSubAppChannel::builder().banned_msg("x")).await.unwrap();
    let sent = server.requests();
    assert_eq!(sent[0].text(), r#"{"banned":false,"banned_msg":null}"#);
    assert_eq!(sent[1].text(), r#"{"banned_msg":"x"}"#);
    assert_eq!(sent[0].target, format!("/v1/apps/{APP}/sub_apps/app_2/channels/alipay"));
}

#[test]
fn a_discount_and_an_expiration_say_one_thing_each() {
    let json = |value: CreateCouponTemplate| serde_json::to_value(value).unwrap();
    let cash = CreateCouponTemplate::builder().discount(Discount::cash(fen(25))).build();
    assert_eq!(json(cash), json!({ "type": 1, "amount_off": 25 }));
    let share = CreateCouponTemplate::builder()
        .discount(Discount::percent(20).up_to(fen(500)))
        .expiration(Expiration::after_seconds(60))
        .build();
    assert_eq!(
        json(share),
        json!({
            "type": 2, "percent_off": 20, "discount_amount_limit": 500,
            "expiration": { "duration": 60 }
        })
    );
    let time = Timestamp::from_unix;
    let between = serde_json::to_value(Expiration::between(time(1), time(2))).unwrap();
    assert_eq!(between, json!({ "time_start": 1, "time_end": 2 }));
}

#[test]
fn a_sub_app_is_an_app() {
    let sub_app: SubApp = read(&sub_app().to_string()).unwrap();
    let client = Client::builder(API_KEY).unsigned().build().unwrap();
    assert_eq!(client.with_app(&sub_app.id).app(), Some(&Id::<App>::from("app_2")));
}

fn contact_of(user: &str, secret: &str) -> CreateContact {
    CreateContact::builder()
        .user(user)
        .acc_no(secret)
        .contact_type(1)
        .contact_name(secret)
        .contact_cert_type("01")
        .contact_cert_no(secret)
        .contact_cert_valid_from("2015-01-01")
        .contact_cert_valid_until("2035-01-01")
        .contact_cert_mobile(secret)
        .build()
}

#[test]
fn no_debug_shows_a_name_a_number_or_a_key() {
    let secret = "张三";
    let person = CreateUser::builder().id("1").name(secret).mobile(secret).email(secret);
    let to = SettleTo::builder().account(secret).name(secret).mobile(secret).build();
    let pic = UploadPic::builder().user("1").kind("customer").acc_no(secret).pic(vec![1]);
    let channel_of = CreateSubAppChannel::builder().channel("alipay").params([("key", secret)]);
    let withdrawal_of = CreateWithdrawal::builder().user("1").amount(fen(1)).order_no("1");
    let mut user = user();
    for field in ["name", "mobile", "email", "address"] {
        user[field] = secret.into();
    }
    user["settle_accounts"][0]["recipient"]["account"] = secret.into();
    user["settle_accounts"][0]["recipient"]["name"] = secret.into();
    user["identity_info"]["a"] = secret.into();
    let (mut channel, mut withdrawal) = (channel(), withdrawal());
    channel["params"]["alipay_security_key"] = secret.into();
    withdrawal["extra"]["card_number"] = secret.into();
    for text in [
        format!("{:?}", person.address(secret).build()),
        format!("{to:?}"),
        format!("{:?}", CreateSettleAccount::builder().channel("wx").recipient(to).build()),
        format!("{:?}", pic.pic_fmt("jpg").pic_type("101").build()),
        format!("{:?}", contact_of("1", secret)),
        format!("{:?}", channel_of.build()),
        format!("{:?}", withdrawal_of.extra([("card_number", secret)]).build()),
        format!("{:?}", read::<User>(&user.to_string()).unwrap()),
        format!("{:?}", read::<SubAppChannel>(&channel.to_string()).unwrap()),
        format!("{:?}", read::<Withdrawal>(&withdrawal.to_string()).unwrap()),
    ] {
        assert!(!text.contains(secret), "{text}");
    }
}
