use proptest::prelude::*;
use serde_json::{Map, Value};

use super::*;
use crate::macros::from_json::{FromJson, from_body};

fn unpaid() -> Value {
    json!({
        "id": "ch_101261123000000000000001", "object": "charge", "created": 1_795_363_200,
        "livemode": false, "paid": false, "refunded": false, "reversed": false,
        "app": "app_test000000000001", "channel": "alipay_scan", "order_no": "20261123001",
        "client_ip": "192.0.2.1", "amount": 100, "amount_settle": 100, "currency": "cny",
        "subject": "茶", "body": "A pot of Longjing", "extra": { "scan_code": "28", "n": 1.5 },
        "time_paid": null, "time_expire": 1_795_449_600, "time_settle": null,
        "transaction_no": null,
        "refunds": { "object": "list", "url": "/v1/x", "has_more": false, "data": [] },
        "amount_refunded": 0, "failure_code": null, "failure_msg": null,
        "metadata": { "list": [1, null] }, "credential": { "object": "credential" },
        "description": null
    })
}

fn refund() -> Value {
    json!({
        "id": "re_1", "object": "refund", "order_no": "1", "amount": 9, "created": 1,
        "succeed": false, "status": "failed", "time_succeed": null, "description": "d",
        "failure_code": "refund_refused_msg", "failure_msg": "m", "metadata": {},
        "charge": "ch_1", "charge_order_no": "20261123001", "transaction_no": null
    })
}

fn read<T: FromJson>(value: &Value) -> Result<T, serde_json::Error> {
    from_body(value.to_string().as_bytes())
}

fn forwarded<T: FromJson + Serialize>(value: &Value) -> Value {
    serde_json::to_value(read::<T>(value).unwrap()).unwrap()
}

#[test]
fn a_charge_goes_out_as_it_came_in() {
    assert_eq!(forwarded::<Charge>(&unpaid()), unpaid());
    assert_eq!(forwarded::<Refund>(&refund()), refund());
}

/// A merchant's own numbers, as PHP writes them with its 17 digits.
#[test]
fn a_number_stays_the_same_number() {
    let mut random = fastrand::Rng::with_seed(1);
    let drawn = (0..1_000).map(|_| f64::from_bits(random.u64(..))).filter(|n| n.is_finite());
    let long = "1476067777777777777777777777777777777777777777777777777777777777777777777777087";
    for number in [0.1, 0.07, 4.35, 1.1e-7, long.parse().unwrap()].into_iter().chain(drawn) {
        let text = format!("{number:.16e}");
        let body = unpaid().to_string().replace("\"n\":1.5", &format!("\"n\":{text}"));
        let charge: Charge = from_body(body.as_bytes()).unwrap();
        let written = serde_json::to_string(&charge).unwrap();
        let again: Charge = from_body(written.as_bytes()).unwrap();
        for charge in [charge, again] {
            assert_eq!(charge.extra["n"].as_f64(), Some(number), "{text}");
        }
    }
}

#[test]
fn absent_null_and_present_stay_what_they_are() {
    let required = ["id", "object", "livemode", "paid", "order_no", "amount"];
    for name in unpaid().as_object().unwrap().keys() {
        let mut null = unpaid();
        null[name] = Value::Null;
        let mut absent = unpaid();
        absent.as_object_mut().unwrap().remove(name);
        for value in [null, absent] {
            if required.contains(&name.as_str()) {
                assert!(read::<Charge>(&value).is_err(), "{name}");
            } else {
                assert_eq!(forwarded::<Charge>(&value), value, "{name}");
            }
        }
    }
}

#[test]
fn new_fields_values_and_nested_objects_survive() {
    let mut value = unpaid();
    value["brand_new"] = json!({ "deep": [1, 2.5, null, "x"] });
    value["channel"] = json!("brand_new_pay");
    value["currency"] = json!("usd");
    value["failure_code"] = json!("brand_new_code");
    value["app"] = json!({ "id": "app_1", "object": "app", "created": 1, "display_name": "n",
                           "notify_url": null, "secret_flag": true });
    value["refunds"]["data"] = json!([refund()]);
    value["refunds"]["total"] = json!(7);
    assert_eq!(forwarded::<Charge>(&value), value);
    let charge: Charge = read(&value).unwrap();
    assert_eq!(charge.app.as_ref().unwrap().id(), &Id::from("app_1"));
    assert_eq!(charge.other()["brand_new"]["deep"][1], 2.5);
}

#[test]
fn what_is_no_map_is_an_empty_one_and_goes_out_as_it_came() {
    for odd in [json!([]), json!(null), json!([1]), json!("a"), json!(7)] {
        let mut value = unpaid();
        for name in ["extra", "metadata", "credential"] {
            value[name] = odd.clone();
        }
        let charge: Charge = read(&value).unwrap();
        assert!(charge.extra.is_empty() && charge.metadata.is_empty());
        assert_eq!(charge.other()["extra"], odd);
        assert_eq!(serde_json::to_value(&charge).unwrap(), value);
    }
}

#[test]
fn an_odd_value_is_kept_aside_until_its_field_is_set() {
    let mut value = unpaid();
    value["description"] = json!({ "odd": 1 });
    value["app"] = json!(7);
    value["refunds"] = json!([refund()]);
    value["metadata"] = json!([1]);
    let mut charge: Charge = read(&value).unwrap();
    assert_eq!((&charge.description, &charge.app, &charge.refunds), (&None, &None, &None));
    assert_eq!(charge.other()["description"], value["description"]);
    assert_eq!(serde_json::to_value(&charge).unwrap(), value);
    charge.description = Some(String::from("set"));
    charge.metadata = [("tag", 1)].into();
    let written = serde_json::to_string(&charge).unwrap();
    assert_eq!(written.matches(r#""description":"set""#).count(), 1, "{written}");
    assert!(!written.contains(r#""odd""#), "{written}");
    let written: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(
        (&written["description"], &written["metadata"]),
        (&json!("set"), &json!({"tag": 1}))
    );
    assert_eq!(written["app"], 7);
}

#[test]
fn what_no_value_can_hold_is_kept_as_its_text() {
    let text = unpaid().to_string();
    for (odd, kept) in [
        (r#""metadata":{"huge":1e999}"#, "1e999"),
        (r#""metadata":{"half":"\ud800"}"#, "ud800"),
        (r#""brand_new":1e999"#, "1e999"),
    ] {
        let name = odd.split('"').nth(1).unwrap();
        let text = match name {
            "metadata" => text.replace(r#""metadata":{"list":[1,null]}"#, odd),
            _ => text.replacen('{', &format!("{{{odd},"), 1),
        };
        let charge: Charge = from_body(text.as_bytes()).unwrap();
        assert!(charge.other()[name].as_str().unwrap().contains(kept), "{odd}");
    }
    let invalid = text.replace("A pot of Longjing", "\u{1}");
    let invalid = invalid.into_bytes().into_iter().map(|b| if b == 1 { 0xff } else { b });
    let charge: Charge = from_body(&invalid.collect::<Vec<_>>()).unwrap();
    assert_eq!(charge.body.as_deref(), Some("\u{fffd}"));
}

#[test]
fn a_change_shows() {
    let mut charge: Charge = read(&unpaid()).unwrap();
    charge.credential.clear();
    charge.description = Some(String::from("new"));
    charge.reversed = None;
    let value = serde_json::to_value(&charge).unwrap();
    assert_eq!(value["credential"], json!({}));
    assert_eq!(value["description"], "new");
    assert_eq!(value.get("reversed"), None);
}

#[test]
fn another_object_or_a_contradiction_is_refused() {
    let mut value = unpaid();
    value["object"] = json!("refund");
    let error = serde_json::from_value::<Charge>(value).unwrap_err().to_string();
    assert!(error.contains("charge"), "{error}");
    for field in ["\"paid\":true", "\"reversed\":true", "\"id\":\"ch_2\"", "\"object\":\"charge\""]
    {
        let doubled = unpaid().to_string().replacen('{', &format!("{{{field},"), 1);
        let error = from_body::<Charge>(doubled.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("duplicate"), "{field}: {error}");
    }
    // Also inside of what is read from a list.
    let list = json!({ "object": "list", "has_more": false, "data": [unpaid()], "url": 7 });
    let doubled = list.to_string().replacen("\"paid\":false", "\"paid\":true,\"paid\":false", 1);
    assert!(from_body::<List<Charge>>(list.to_string().as_bytes()).is_ok());
    assert!(from_body::<List<Charge>>(doubled.as_bytes()).is_err());
    assert!(serde_json::from_str::<Charge>("null").is_err());
}

#[test]
fn an_unreadable_answer_names_the_field_and_quotes_nothing() {
    use crate::macros::from_json::fault;
    let mut value = unpaid();
    value["amount"] = json!("secret");
    let list = json!({ "object": "list", "has_more": false, "data": [value.clone()] });
    for error in [
        fault(&read::<Charge>(&value).unwrap_err()),
        fault(&read::<List<Charge>>(&list).unwrap_err()),
    ] {
        assert!(error.contains("`amount`") && !error.contains("secret"), "{error}");
    }
}

#[test]
fn debug_shows_no_credential_no_code_and_no_metadata() {
    let mut value = unpaid();
    value["credential"] = json!({ "wx": { "sign": "secret" } });
    value["metadata"] = json!({ "name": "secret" });
    value["extra"] = json!({ "scan_code": "secret" });
    value["brand_new"] = json!("secret");
    let charge: Charge = read(&value).unwrap();
    let shown = format!("{charge:?}");
    assert!(shown.contains("scan_code") && !shown.contains("secret"), "{shown}");
}

#[test]
fn a_create_says_what_the_api_wants() {
    let app = Id::from("app_1");
    let params: CreateCharge = CreateCharge::builder()
        .order_no("20261123001")
        .channel(PayBy::alipay_scan("28"))
        .amount(Amount::from_fen(100))
        .client_ip("192.0.2.1")
        .subject("Tea")
        .body("Longjing")
        .into();
    let request = Request::post("/v1/charges", &[]).in_app_object(Some(&app), &params);
    assert_eq!(
        serde_json::from_slice::<Value>(&request.body).unwrap(),
        json!({
            "app": { "id": "app_1" }, "order_no": "20261123001", "channel": "alipay_scan",
            "amount": 100, "client_ip": "192.0.2.1", "currency": "cny", "subject": "Tea",
            "body": "Longjing", "extra": { "scan_code": "28" }
        })
    );
}

#[test]
fn a_list_asks_for_what_was_wanted() {
    let app = Id::from("app_1");
    let params: ListCharges = ListCharges::builder()
        .created(Timestamp::from_unix(1)..Timestamp::from_unix(2))
        .channel("wx")
        .paid(true)
        .into();
    let target = Request::get("/v1/charges", &[]).in_app_object(Some(&app), &params).target();
    assert_eq!(
        target.replace("%5B", "[").replace("%5D", "]"),
        "/v1/charges?app[id]=app_1&channel=wx&created[gte]=1&created[lt]=2&paid=true"
    );
}

/// Real answers, if they lie beside the checkout.
#[test]
fn real_charges_and_refunds_survive() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/samples");
    let Ok(files) = std::fs::read_dir(folder) else {
        println!("no real answers beside the checkout: only the project's own were tried");
        return;
    };
    let mut tried = 0;
    for file in files {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".json") || name.contains("partial") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let mut value: Value = serde_json::from_str(&text).unwrap();
        if name.starts_with("event_") {
            value = value["data"]["object"].take();
        }
        match value["object"].as_str() {
            Some("charge") => assert_eq!(forwarded::<Charge>(&value), value, "{name}"),
            Some("refund") => assert_eq!(forwarded::<Refund>(&value), value, "{name}"),
            Some("list") if name.starts_with("list_charges") => {
                assert_eq!(forwarded::<List<Charge>>(&value), value, "{name}");
            }
            Some("list") if name.starts_with("list_refunds") => {
                assert_eq!(forwarded::<List<Refund>>(&value), value, "{name}");
            }
            _ => continue,
        }
        tried += 1;
    }
    println!("{tried} real answers survived");
    assert!(tried >= 10);
}

proptest! {
    #[test]
    fn whatever_the_server_adds_survives(added in prop::collection::btree_map("x_[a-z]{1,8}", json_value(), 0..5)) {
        let mut value = unpaid();
        for (key, add) in added {
            value[key] = add;
        }
        prop_assert_eq!(forwarded::<Charge>(&value), value);
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,4}", inner, 0..4)
                .prop_map(|map| map.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}
