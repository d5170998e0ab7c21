use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::*;

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

fn forwarded<T: DeserializeOwned + Serialize>(value: &Value) -> Value {
    serde_json::to_value(serde_json::from_value::<T>(value.clone()).unwrap()).unwrap()
}

#[test]
fn a_charge_goes_out_as_it_came_in() {
    assert_eq!(forwarded::<Charge>(&unpaid()), unpaid());
    assert_eq!(forwarded::<Refund>(&refund()), refund());
}

#[test]
fn absent_null_and_present_stay_what_they_are() {
    let optional = [
        "reversed",
        "time_paid",
        "time_expire",
        "time_settle",
        "transaction_no",
        "refunds",
        "failure_code",
        "failure_msg",
        "description",
    ];
    for name in optional {
        let mut value = unpaid();
        value[name] = Value::Null;
        assert_eq!(forwarded::<Charge>(&value), value, "{name}");
        value.as_object_mut().unwrap().remove(name);
        assert_eq!(forwarded::<Charge>(&value), value, "{name}");
    }
    for name in ["status", "charge_order_no", "transaction_no", "app", "extra"] {
        let mut value = refund();
        value.as_object_mut().unwrap().remove(name);
        assert_eq!(forwarded::<Refund>(&value), value, "{name}");
    }
}

#[test]
fn required_fields_are_required() {
    let optional = 9;
    let missing = unpaid()
        .as_object()
        .unwrap()
        .keys()
        .filter(|name| {
            let mut value = unpaid();
            value.as_object_mut().unwrap().remove(*name);
            serde_json::from_value::<Charge>(value).is_err()
        })
        .count();
    assert_eq!(missing, unpaid().as_object().unwrap().len() - optional);
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
    let charge: Charge = serde_json::from_value(value).unwrap();
    assert_eq!(charge.app.id(), &Id::from("app_1"));
    assert_eq!(charge.other()["brand_new"]["deep"][1], 2.5);
}

#[test]
fn an_empty_array_for_a_map_goes_out_as_a_map() {
    let mut value = unpaid();
    for name in ["extra", "metadata", "credential"] {
        value[name] = json!([]);
    }
    let charge = forwarded::<Charge>(&value);
    for name in ["extra", "metadata", "credential"] {
        assert_eq!(charge[name], json!({}));
    }
}

#[test]
fn a_change_shows() {
    let mut charge: Charge = serde_json::from_value(unpaid()).unwrap();
    charge.credential.clear();
    charge.description = Some(String::from("new"));
    charge.reversed = None;
    let value = serde_json::to_value(&charge).unwrap();
    assert_eq!(value["credential"], json!({}));
    assert_eq!(value["description"], "new");
    assert_eq!(value.get("reversed"), None);
}

#[test]
fn another_object_or_a_doubled_field_is_refused() {
    let mut value = unpaid();
    value["object"] = json!("refund");
    let error = serde_json::from_value::<Charge>(value).unwrap_err().to_string();
    assert!(error.contains("charge"), "{error}");
    let doubled = unpaid().to_string().replacen('{', r#"{"paid": true, "#, 1);
    assert!(
        serde_json::from_str::<Charge>(&doubled).unwrap_err().to_string().contains("duplicate")
    );
    assert!(serde_json::from_str::<Charge>("null").is_err());
}

#[test]
fn a_create_says_what_the_api_wants() {
    let params = CreateCharge::builder()
        .app("app_1")
        .order_no("20261123001")
        .channel(Channel::AlipayScan)
        .amount(Amount::from_fen(100))
        .client_ip([192, 0, 2, 1])
        .subject("Tea")
        .body("Longjing")
        .extra([("scan_code", "28")])
        .build();
    assert_eq!(
        serde_json::to_value(&params).unwrap(),
        json!({
            "app": { "id": "app_1" }, "order_no": "20261123001", "channel": "alipay_scan",
            "amount": 100, "client_ip": "192.0.2.1", "currency": "cny", "subject": "Tea",
            "body": "Longjing", "extra": { "scan_code": "28" }
        })
    );
}

#[test]
fn a_list_asks_for_what_was_wanted() {
    let params = ListCharges::builder()
        .app("app_1")
        .created_from(Timestamp::from_unix(1))
        .created_before(Timestamp::from_unix(2))
        .channel("wx")
        .paid(true)
        .expand_app(true)
        .build();
    let query = params.query().into_iter();
    let query: Vec<_> =
        query.filter_map(|(key, value)| Some(format!("{key}={}", value?))).collect();
    assert_eq!(
        query,
        [
            "app[id]=app_1",
            "created[gte]=1",
            "created[lt]=2",
            "channel=wx",
            "paid=true",
            "expand[]=app"
        ]
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
        let empty_maps = |value: &mut Value| {
            for name in ["extra", "metadata", "credential"] {
                if value[name] == json!([]) {
                    value[name] = json!({});
                }
            }
        };
        match value["object"].as_str() {
            Some("charge") => {
                empty_maps(&mut value);
                assert_eq!(forwarded::<Charge>(&value), value, "{name}");
            }
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
