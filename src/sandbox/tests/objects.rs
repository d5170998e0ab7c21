//! Every object that the sandbox sends is one that this crate reads at the first attempt, with every
//! field that is documented; and its kinds contradict themselves nowhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::books::World;
use crate::resources as r;
use crate::sandbox::kind::{IdForm, Kind};
use crate::sandbox::kinds;
use crate::sandbox::state::{APP, fields};

/// Reads an object as this crate does if nothing is odd, and returns the fields that it does not know.
type Read = fn(Value) -> Result<Vec<String>, serde_json::Error>;

macro_rules! reads {
    ($($kind:literal: $type:ty),* $(,)?) => {
        [$(($kind, {
            let read: Read = |value| {
                let object: $type = straight(value)?;
                Ok(object.other().keys().cloned().collect())
            };
            read
        })),*]
    };
}

fn straight<T: DeserializeOwned>(value: Value) -> Result<T, serde_json::Error> {
    serde_json::from_str(&value.to_string())
}

fn readers() -> BTreeMap<&'static str, Read> {
    BTreeMap::from(reads! {
        "agreement": r::agreements::Agreement,
        "balance_bonus": r::balance_bonuses::BalanceBonus,
        "balance_settlement": r::balance_settlements::BalanceSettlement,
        "balance_transaction": r::balance_transactions::BalanceTransaction,
        "balance_transfer": r::balance_transfers::BalanceTransfer,
        "batch_refund": r::batch_refunds::BatchRefund,
        "batch_transfer": r::batch_transfers::BatchTransfer,
        "batch_withdrawal": r::batch_withdrawals::BatchWithdrawal,
        "channel": r::sub_app_channels::SubAppChannel,
        "charge": r::charges::Charge,
        "coupon": r::coupon_templates::Coupon,
        "coupon_template": r::coupon_templates::CouponTemplate,
        "customs": r::customs::Customs,
        "event": r::events::Event,
        "funds_transfer": r::funds_transfers::FundsTransfer,
        "order": r::orders::Order,
        "profit_transaction": r::profit_transactions::ProfitTransaction,
        "recharge": r::recharges::Recharge,
        "red_envelope": r::red_envelopes::RedEnvelope,
        "refund": r::charges::Refund,
        "royalty": r::royalties::Royalty,
        "royalty_settlement": r::royalty_settlements::RoyaltySettlement,
        "royalty_template": r::royalty_templates::RoyaltyTemplate,
        "royalty_transaction": r::royalty_settlements::RoyaltyTransaction,
        "settle_account": r::users::SettleAccount,
        "split_profit": r::split_profits::SplitProfit,
        "split_receiver": r::split_receivers::SplitReceiver,
        "sub_app": r::sub_apps::SubApp,
        "transfer": r::transfers::Transfer,
        "transfer_channel": r::sub_app_channels::SubAppChannel,
        "user": r::users::User,
        "withdrawal": r::withdrawals::Withdrawal,
    })
}

/// What the random operations of `books` do not create.
fn the_other_kinds(world: &mut World) {
    let app = format!("/v1/apps/{APP}");
    let signed = json!({
        "app": APP, "contract_no": "c1", "channel": "qpay", "extra": { "display_account": "x" },
    });
    world.send("POST", "/v1/agreements", signed);
    let agreement = world.some("agreement");
    if world.random.bool() {
        assert!(world.state.confirm(&agreement));
    }
    let canceled = json!({ "status": "canceled" });
    if world.random.bool() {
        world.send("PUT", &format!("/v1/agreements/{agreement}"), canceled);
    }
    let user = json!({ "id": "user_9", "name": "Li", "gender": "MALE" });
    world.send("POST", &format!("{app}/users"), user);
    let recipient = json!({ "account": "6222280012469823", "name": "Li Lei" });
    let account = json!({ "channel": "bank_account", "recipient": recipient });
    world.send("POST", &format!("{app}/users/user_9/settle_accounts"), account);
    let sub_app = json!({ "display_name": "Shop", "user": "user_9" });
    world.send("POST", &format!("{app}/sub_apps"), sub_app);
    let id = world.some("sub_app");
    for channels in ["channels", "transfer_channels"] {
        let channel = json!({ "channel": "alipay", "params": { "fee_rate": 60 } });
        world.send("POST", &format!("{app}/sub_apps/{id}/{channels}"), channel);
    }
    let rule = json!({
        "royalty_mode": "rate", "refund_mode": "no_refund",
        "allocation_mode": "receipt_reserved", "data": [{ "level": 0, "value": 5 }],
    });
    world.send("POST", "/v1/royalty_templates", json!({ "app": APP, "rule": rule }));

    // Batches of which one part fails.
    let charge = |number: &str| {
        json!({
            "order_no": number, "app": { "id": APP }, "channel": "alipay_scan",
            "extra": { "scan_code": "281000000000000001" }, "amount": 10, "currency": "cny",
            "client_ip": "192.0.2.1", "subject": "Tea", "body": "Longjing",
        })
    };
    let mut charges = Vec::new();
    for number in ["partial1", "partial2"] {
        world.send("POST", "/v1/charges", charge(number));
        let charge = *world.state.of_kind(&kinds::CHARGE).last().unwrap();
        charges.push(world.state.id(charge).to_owned());
    }
    let declaration = json!({
        "app": APP, "charge": charges[0], "channel": "alipay", "trade_no": "trade0001",
        "customs_code": "GUANGZHOU", "amount": 1,
    });
    world.send("POST", "/v1/customs", declaration);
    let partially = json!({ "sandbox": "partially" });
    let refunds = json!({
        "app": APP, "batch_no": "partial", "charges": charges, "description": "x",
        "metadata": partially,
    });
    world.send("POST", "/v1/batch_refunds", refunds);
    let settlement = json!({ "payer_app": APP, "method": "alipay", "metadata": partially });
    world.send("POST", "/v1/royalty_settlements", settlement);
    if let Some(last) = world.state.of_kind(&kinds::ROYALTY_SETTLEMENT).last() {
        let id = world.state.id(*last).to_owned();
        let pending = json!({ "status": "pending" });
        world.send("PUT", &format!("/v1/royalty_settlements/{id}"), pending);
    }
    world.state.clock.advance(std::time::Duration::from_secs(5));
}

/// Reads all objects as this crate does.
fn read_all(world: &World, readers: &BTreeMap<&str, Read>, seen: &mut BTreeSet<(&str, &str)>) {
    for row in 0..world.state.rows.len() {
        let (kind, state) = (world.state.rows[row].kind, world.state.rows[row].state);
        seen.insert((kind.name, state));
        let object = world.state.show(row);
        let read = readers.get(kind.name).unwrap_or_else(|| panic!("{}?", kind.name));
        let unknown = read(object.clone()).unwrap_or_else(|e| panic!("{e}: {object:#}"));
        // No document shows a `funds_transfer`.
        let is_known = unknown.is_empty() || kind.name == "funds_transfer";
        assert!(is_known, "{}: {unknown:?}", kind.name);
    }
}

#[test]
fn this_crate_reads_every_object_in_every_state_at_the_first_attempt() {
    let readers = readers();
    let mut seen = BTreeSet::new();
    let missing = |seen: &BTreeSet<(&str, &str)>| {
        let states = kinds::all().flat_map(|kind| kind.states.iter().map(|s| (kind.name, s.name)));
        // Nothing is delivered without a webhook.
        let wanted = states.filter(|state| *state != ("event", "delivered"));
        wanted.filter(|state| !seen.contains(state)).collect::<Vec<_>>()
    };
    let mut worlds = 0;
    while !missing(&seen).is_empty() && worlds < 80 {
        let mut world = World::new(worlds);
        for step in 0..200 {
            world.step();
            if step == 100 {
                the_other_kinds(&mut world);
            }
            let states = world.state.rows.iter().map(|row| (row.kind.name, row.state));
            if states.into_iter().any(|state| !seen.contains(&state)) {
                read_all(&world, &readers, &mut seen);
            }
        }
        worlds += 1;
    }
    println!("{} states of {} kinds, in {worlds} worlds", seen.len(), readers.len());
    assert_eq!(missing(&seen), []);
}

#[test]
fn kinds_do_not_contradict_themselves() {
    let mut names = BTreeSet::new();
    for kind in kinds::all() {
        assert!(names.insert(kind.name), "{} twice", kind.name);
        let known = fields(kind);
        let is_known = |name: &&str| known.contains_key(*name) || *name == "app" || *name == "id";
        let all = kind.needs.iter().chain(kind.updates).chain(&kind.unique);
        let limits = kind.limits.iter().map(|(name, _)| name);
        for name in all.chain(limits).chain(kind.lists_by) {
            let name = name.split('[').next().unwrap();
            assert!(is_known(&name), "{} has no field {name}", kind.name);
        }
        for m in kind.moves {
            assert!(kind.has_state(m.from) && kind.has_state(m.to), "{}", kind.name);
        }
        for state in kind.states {
            for field in [state.time, state.flag].into_iter().flatten() {
                assert!(known.contains_key(field), "{} has no field {field}", kind.name);
            }
        }
        // It moves the ledger, or says why not.
        let posts = kind.states.iter().any(|state| state.posts.is_some());
        assert_eq!(posts, kind.books.is_empty(), "{}", kind.name);
    }
}

/// The fields of the documentation that an object has only at times.
fn is_only_at_times(kind: &Kind, field: &str) -> bool {
    matches!(
        (kind.name, field),
        // Only if the request had it.
        ("refund", "funding_source")
        // Of legacy objects, and of accounts that have several apps.
            | ("event", "scope" | "acct_id")
    ) || field.starts_with("rule.")
        || matches!(kind.id, IdForm::Named("channel")) && field == "id"
}

#[test]
fn every_documented_field_is_there() {
    let objects = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/reference/objects");
    let mut compared = 0;
    for kind in kinds::all() {
        let Ok(text) = fs::read_to_string(format!("{objects}/{}.tsv", kind.object)) else {
            continue;
        };
        let mut world = World::new(1);
        let new = crate::sandbox::moves::New::of(kind, 0, serde_json::Map::new());
        let row = crate::sandbox::state::Row {
            kind,
            app: 0,
            id: "".into(),
            parent: None,
            group: None,
            state: new.state,
            created: 1,
            document: "{}".into(),
        };
        let row = world.state.insert(row).unwrap();
        let object = world.state.show(row);
        for line in text.lines().filter(|line| !line.starts_with(['#', '('])).skip(1) {
            let field = line.split('\t').next().unwrap();
            let is_there = object.get(field).is_some() || is_only_at_times(kind, field);
            assert!(is_there, "{}: {field}", kind.name);
            compared += 1;
        }
    }
    println!("{compared} fields compared; without the documents beside the checkout, none");
}
