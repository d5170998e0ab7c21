//! Random operations on everything there is, and what must hold after each: the books balance, and a
//! refusal leaves everything as it was.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};

use crate::sandbox::kinds;
use crate::sandbox::options::Options;
use crate::sandbox::state::{APP, Due, State};

const USERS: [&str; 4] = ["0", "user_1", "user_2", "li@example.com"];

/// A state and a source of random choices.
pub(super) struct World {
    pub(super) state: State,
    pub(super) random: fastrand::Rng,
    orders: u64,
    /// How often each operation was accepted and refused.
    counts: BTreeMap<String, (u32, u32)>,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut state = Options::builder().build().first_state().unwrap();
        state.has_webhook = true;
        let random = fastrand::Rng::with_seed(seed);
        Self { state, random, orders: 0, counts: BTreeMap::new() }
    }

    fn number(&mut self) -> String {
        self.orders += 1;
        // Sometimes one that was used before.
        let number = if self.random.u8(..10) == 0 { self.orders / 2 } else { self.orders };
        format!("{number:010}")
    }

    /// The id of some object of a kind.
    pub(super) fn some(&mut self, kind: &str) -> String {
        let rows = self.state.of_kind(kinds::named(kind).unwrap());
        match rows.is_empty() {
            true => String::from("none"),
            false => {
                // The last ones more often than all the others: there is more to do with them.
                let from = if self.random.bool() { rows.len().saturating_sub(5) } else { 0 };
                let row = rows[self.random.usize(from..rows.len())];
                self.state.id(row).to_owned()
            }
        }
    }

    fn user(&mut self) -> &'static str {
        USERS[self.random.usize(..USERS.len())]
    }

    fn amount(&mut self) -> i64 {
        self.random.i64(-5..2_000)
    }

    /// A hash of everything but the clock.
    fn fingerprint(&self) -> u64 {
        let mut hash = DefaultHasher::new();
        for row in &self.state.rows {
            (&row.id, row.state, row.app, row.parent, row.group, &row.document).hash(&mut hash);
        }
        for (account, balance) in self.state.ledger.accounts() {
            (account, balance).hash(&mut hash);
        }
        self.state.ledger.entries().for_each(|entry| entry.hash(&mut hash));
        for (at, due) in self.state.due.items() {
            (at, due.row, due.from, due.to).hash(&mut hash);
        }
        for (at, delivery) in self.state.deliveries.items() {
            (at, delivery.event, delivery.failures).hash(&mut hash);
        }
        let numbers: BTreeMap<_, _> = self.state.by_number.iter().collect();
        (numbers, &self.state.apps).hash(&mut hash);
        hash.finish()
    }

    /// Whether every row is found by its id, and once below what it belongs to.
    fn check_indexes(&self) {
        let state = &self.state;
        for (number, row) in state.rows.iter().enumerate() {
            let is_deleted = row.state == crate::sandbox::state::DELETED;
            let found = state.find(row.kind, row.app, row.parent, &row.id);
            assert!(is_deleted || found.ok() == Some(number), "{}", row.id);
            for above in [row.parent, row.group].into_iter().flatten() {
                let below = state.below(above, row.kind);
                let times = below.iter().filter(|below| **below == number).count();
                assert_eq!(times, usize::from(!is_deleted), "{} below {above}", row.id);
            }
            let of_kind = state.of_kind(row.kind).iter();
            assert_eq!(of_kind.filter(|other| **other == number).count(), 1, "{}", row.id);
        }
    }

    /// Sends a request. A refusal must change nothing; only that of a channel leaves a failed charge.
    pub(super) fn send(&mut self, method: &str, path: &str, body: Value) {
        self.state.catch_up();
        let (posted, before) = (self.state.ledger.len(), self.fingerprint());
        let answer = self.state.handle(method, path, body.to_string().as_bytes());
        let is_refused = answer.status != 200;
        let is_same = match answer.body["error"]["type"] == "channel_error" {
            true => self.state.ledger.len() == posted,
            false => self.fingerprint() == before,
        };
        assert!(!is_refused || is_same, "{method} {path} {body}: {}", answer.body);
        let expected = [200, 400, 402, 404].contains(&answer.status);
        assert!(expected, "{method} {path} {body}: {}", answer.body);
        let of_kind: Vec<_> = path.split('/').filter(|part| is_word(part)).collect();
        let name = format!("{method} {}", of_kind.join("/"));
        let count = self.counts.entry(name).or_default();
        *(if is_refused { &mut count.1 } else { &mut count.0 }) += 1;
    }

    fn charge_params(&mut self) -> Value {
        let channels = [
            ("alipay_qr", json!({})),
            ("alipay_scan", json!({ "scan_code": "281000000000000001" })),
            ("alipay_scan", json!({ "scan_code": "281000000000000002" })),
            ("alipay_scan", json!({ "scan_code": "281000000000000004" })),
            ("alipay_scan", json!({})),
            ("wx_pub_scan", json!({ "scan_code": "281000000000000003" })),
            ("balance", json!({ "user": self.user() })),
            ("wx_pub", json!({ "open_id": "o7" })),
        ];
        let (channel, extra) = channels[self.random.usize(..channels.len())].clone();
        json!({
            "order_no": self.number(), "app": { "id": APP }, "channel": channel, "extra": extra,
            "amount": self.amount(), "client_ip": "192.0.2.1", "currency": "cny",
            "subject": "Tea", "body": "Longjing",
        })
    }

    /// One random operation.
    pub(super) fn step(&mut self) {
        let app = format!("/v1/apps/{APP}");
        let (number, amount, user) = (self.number(), self.amount(), self.user());
        let wish = ["failed", "refund_refused", "refund_wait_operation"];
        let metadata = match self.random.u8(..6) {
            5 => json!({ "sandbox": "partially" }),
            0 => json!({ "sandbox": wish[self.random.usize(..wish.len())] }),
            _ => json!({}),
        };
        match self.random.u8(..37) {
            0..=2 => {
                let params = self.charge_params();
                self.send("POST", "/v1/charges", params);
            }
            3 => {
                let id = self.some("charge");
                if let Ok(charge) = self.state.find_global(&kinds::CHARGE, &id) {
                    self.state.pay(charge, self.state.clock.millis());
                }
            }
            4 => {
                let id = self.some("charge");
                self.send("POST", &format!("/v1/charges/{id}/reverse"), json!({}));
            }
            5 | 6 => {
                let mut body = json!({ "description": "broken", "metadata": metadata });
                if self.random.bool() {
                    body["amount"] = amount.into();
                }
                let id = self.some("charge");
                self.send("POST", &format!("/v1/charges/{id}/refunds"), body);
            }
            7 => {
                let mut charges = vec![json!(self.some("charge"))];
                if self.random.bool() {
                    let mut other = json!({ "charge": self.some("charge") });
                    let (name, value) = [
                        ("amount", json!(1)),
                        ("amount", json!("1")),
                        ("description", Value::Null),
                        ("description", json!("x".repeat(256))),
                        ("funding_source", json!("x")),
                    ][self.random.usize(..5)]
                    .clone();
                    other[name] = value;
                    charges.push(other);
                }
                let body = json!({
                    "app": APP, "batch_no": number, "charges": charges, "description": "all",
                    "metadata": metadata,
                });
                self.send("POST", "/v1/batch_refunds", body);
            }
            8 | 9 => {
                let body = json!({
                    "app": APP, "merchant_order_no": number, "amount": amount, "currency": "cny",
                    "client_ip": "192.0.2.1", "subject": "Tea", "body": "Tea", "uid": user,
                    "coupon": match self.random.u8(..3) {
                        0 => json!(self.some("coupon")),
                        _ => Value::Null,
                    },
                    "royalty_template": self.some("royalty_template"),
                    "royalty_users": match self.random.bool() {
                        true => json!([{ "user": self.user(), "amount": 3 }]),
                        false => Value::Null,
                    },
                    "balance_settlement": { "user": self.user(), "user_fee": 1 },
                });
                self.send("POST", "/v1/orders", body);
            }
            10 | 11 => {
                let id = self.some("order");
                let order = self.state.find_global(&kinds::ORDER, &id);
                let actual = order.map_or(0, |order| self.state.number(order, "actual_amount"));
                let mut body = self.charge_params();
                body["charge_order_no"] = number.into();
                match self.random.u8(..4) {
                    0 => body["charge_amount"] = amount.into(),
                    1 => {
                        let mut part = self.charge_params();
                        part["charge_amount"] = 1.into();
                        body["charge_amount"] = (actual - 1).into();
                        body["combined_with"] = part;
                    }
                    _ => {}
                }
                self.send("POST", &format!("/v1/orders/{id}/pay"), body);
            }
            12 => {
                let id = self.some("order");
                let body = match self.random.bool() {
                    true => json!({ "status": "canceled" }),
                    false => json!({ "amount": amount }),
                };
                self.send("PUT", &format!("/v1/orders/{id}"), body);
            }
            13 => {
                let mode = if self.random.bool() { "to_balance" } else { "to_source" };
                if self.random.bool() {
                    let order = json!({
                        "app": APP, "merchant_order_no": number, "amount": 200, "currency": "cny",
                        "client_ip": "192.0.2.1", "subject": "Tea", "body": "Tea", "uid": user,
                        "royalty_users": [{ "user": user, "amount": 3 }, { "user": "0", "amount": 1 }],
                        "balance_settlement": { "user": self.user(), "user_fee": 1 },
                    });
                    self.send("POST", "/v1/orders", order);
                    let pay = json!({
                        "channel": "alipay_scan", "extra": { "scan_code": "281000000000000001" },
                    });
                    let order = self.state.of_kind(&kinds::ORDER).last();
                    let order = order.map_or("none", |order| self.state.id(*order));
                    let path = format!("/v1/orders/{order}/pay");
                    self.send("POST", &path, pay);
                }
                let mut body = json!({ "description": "broken", "refund_mode": mode });
                let id = self.some("order");
                match self.random.u8(..4) {
                    0 => {
                        let share = json!({ "user": user, "amount_refunded": 1 });
                        body["royalty_users"] = json!([share]);
                    }
                    1 => body["charge"] = self.some("charge").into(),
                    2 => {
                        let order = self.state.find_global(&kinds::ORDER, &id);
                        body["charge"] = order
                            .map_or(Value::Null, |order| self.state.show(order)["charge"].take());
                        body["charge_amount"] = self.random.i64(1..200).into();
                    }
                    _ => {}
                }
                self.send("POST", &format!("/v1/orders/{id}/order_refunds"), body);
            }
            14 | 15 => {
                let charge = self.charge_params();
                let body = json!({
                    "user": user, "charge": charge, "user_fee": self.random.i64(0..3),
                    "balance_bonus": { "amount": self.random.i64(0..50) },
                });
                self.send("POST", &format!("{app}/recharges"), body);
            }
            16 => {
                let id = self.some("recharge");
                let body = json!({ "description": "back", "metadata": metadata });
                self.send("POST", &format!("{app}/recharges/{id}/refunds"), body);
            }
            17 => {
                let body = json!({ "user": user, "amount": amount, "order_no": number });
                self.send("POST", &format!("{app}/balance_bonuses"), body);
            }
            18 => {
                let body = json!({
                    "user": user, "recipient": self.user(), "amount": amount, "user_fee": 2,
                    "order_no": number,
                });
                self.send("POST", &format!("{app}/balance_transfers"), body);
            }
            19 | 20 => {
                let body = json!({
                    "user": user, "amount": amount, "user_fee": 1, "order_no": number,
                    "channel": "alipay", "metadata": metadata,
                });
                self.send("POST", &format!("{app}/withdrawals"), body);
            }
            21 => {
                let id = self.some("withdrawal");
                let status = if self.random.bool() { "pending" } else { "canceled" };
                let body = json!({ "status": status });
                self.send("PUT", &format!("{app}/withdrawals/{id}"), body);
            }
            22 => {
                let mut ids = vec![self.some("withdrawal")];
                if self.random.bool() {
                    ids.push(self.some("withdrawal"));
                }
                let status = if self.random.bool() { "pending" } else { "canceled" };
                let body = json!({ "withdrawals": ids, "status": status });
                self.send("POST", &format!("{app}/batch_withdrawals"), body);
            }
            23 => {
                let scene = if self.random.bool() { json!({ "scene_id": "1" }) } else { json!({}) };
                let channel = if self.random.bool() { "wx_pub" } else { "balance" };
                let body = json!({
                    "app": { "id": APP }, "channel": channel, "order_no": number,
                    "amount": amount, "type": "b2c", "currency": "cny", "recipient": user,
                    "description": "x", "metadata": metadata, "extra": scene,
                });
                self.send("POST", "/v1/transfers", body);
            }
            24 => {
                let id = self.some("transfer");
                match self.random.bool() {
                    true => self.send("GET", &format!("/v1/transfers/{id}"), Value::Null),
                    false => {
                        self.send("POST", &format!("/v1/transfers/{id}/reverse"), json!({}));
                    }
                }
            }
            25 => {
                let other = self.amount();
                let second = if self.random.bool() { self.number() } else { number.clone() };
                let channel = if self.random.bool() { "alipay" } else { "balance" };
                let body = json!({
                    "app": APP, "batch_no": format!("b{number}"), "channel": channel, "type": "b2c",
                    "amount": amount.max(0) + other.max(0), "description": "x",
                    "metadata": metadata,
                    "recipients": [
                        { "user": user, "amount": amount, "order_no": number },
                        { "user": "user_1", "amount": other, "order_no": second },
                    ],
                });
                self.send("POST", "/v1/batch_transfers", body);
                let id = self.some("batch_transfer");
                let body = json!({ "status": "canceled" });
                self.send("PUT", &format!("/v1/batch_transfers/{id}"), body);
            }
            26 => {
                let body = json!({
                    "app": { "id": APP }, "channel": "wx_pub", "order_no": number,
                    "amount": 150, "currency": "cny", "recipient": "o7", "subject": "x",
                    "body": "x", "description": "x", "extra": { "send_name": "x" },
                    "metadata": metadata,
                });
                self.send("POST", "/v1/red_envelopes", body);
            }
            27 => {
                let body = json!({
                    "channel": "alipay_fund", "order_no": number, "amount": amount,
                    "subject": "x",
                });
                self.send("POST", &format!("{app}/funds_transfers"), body);
            }
            28 => {
                let (name, charge, recipient) = match self.random.bool() {
                    true => (
                        "split_normal",
                        self.some("charge"),
                        json!({ "split_receiver": self.some("split_receiver"), "amount": 1 }),
                    ),
                    false => {
                        let split = self.some("split_profit");
                        let split = self.state.find_global(&kinds::SPLIT_PROFIT, &split);
                        let charge = split.map(|split| self.state.text(split, "charge"));
                        ("split_return", charge.unwrap_or_default(), json!({ "amount": 1 }))
                    }
                };
                let body = json!({
                    "app": APP, "charge": charge, "order_no": number, "type": name,
                    "recipients": [recipient],
                });
                self.send("POST", "/v1/split_profits", body);
                let body = json!({
                    "app": APP, "type": "MERCHANT_ID", "account": "1", "channel": "wx",
                });
                self.send("POST", "/v1/split_receivers", body);
            }
            29 => {
                let method = if self.random.bool() { "balance" } else { "alipay" };
                let preview = self.random.bool();
                let body = json!({ "payer_app": APP, "method": method, "is_preview": preview, "metadata": metadata });
                self.send("POST", "/v1/royalty_settlements", body);
            }
            30 => {
                let id = self.some("royalty_settlement");
                let status = if self.random.bool() { "pending" } else { "canceled" };
                let body = json!({ "status": status });
                self.send("PUT", &format!("/v1/royalty_settlements/{id}"), body);
            }
            31 => {
                let id = self.some("coupon_template");
                let body = json!({ "users": USERS });
                self.send("POST", &format!("{app}/coupon_templates/{id}/coupons"), body);
                let mut body = match self.random.bool() {
                    true => json!({ "type": 2, "percent_off": self.random.i64(1..=100) }),
                    false => json!({ "type": 1, "amount_off": self.random.i64(1..900) }),
                };
                body["max_user_circulation"] = 9.into();
                body["max_circulation"] = self.random.i64(1..=9).into();
                body["discount_amount_limit"] = self.random.i64(0..900).into();
                self.send("POST", &format!("{app}/coupon_templates"), body);
            }
            33 => {
                let body = json!({ "coupon_template": self.some("coupon_template") });
                self.send("POST", &format!("{app}/users/{user}/coupons"), body);
                let rule = json!({
                    "royalty_mode": "rate", "refund_mode": "no_refund",
                    "allocation_mode": "receipt_reserved", "data": [{ "level": 0, "value": 500 }],
                });
                self.send("POST", "/v1/royalty_templates", json!({ "app": APP, "rule": rule }));
            }
            34 => {
                let path = match self.random.u8(..3) {
                    0 => format!("{app}/users/{user}"),
                    1 => format!("{app}/users/{user}/coupons/{}", self.some("coupon")),
                    _ => format!("{app}/coupon_templates/{}", self.some("coupon_template")),
                };
                self.send("DELETE", &path, Value::Null);
            }
            35 => {
                // A customer who pays later, or too late.
                let id = self.some("charge");
                if let Ok(row) = self.state.find_global(&kinds::CHARGE, &id) {
                    let at = self.state.clock.millis() + self.random.u64(..200_000_000);
                    self.state.due.add(at, Due { row, from: "open", to: "paid" });
                }
            }
            32 => {
                let waiting = ["refund", "transfer", "red_envelope"];
                let kind = waiting[self.random.usize(..waiting.len())];
                let id = self.some(kind);
                self.state.confirm(&id);
            }
            _ => {
                let seconds = [1, 3, 20, 4_000, 90_000][self.random.usize(..5)];
                self.state.clock.advance(std::time::Duration::from_secs(seconds));
            }
        }
    }
}

/// Whether a part of a path is a name, not an id.
fn is_word(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') && part != "none"
}

#[test]
fn the_books_balance_after_every_random_operation() {
    let steps = std::env::var("PINGPP_SANDBOX_STEPS").ok().and_then(|steps| steps.parse().ok());
    let (steps, in_one): (u64, u64) = (steps.unwrap_or(10_000), 200);
    let mut counts = BTreeMap::<String, (u32, u32)>::new();
    let mut postings = 0;
    for seed in 0..steps.div_ceil(in_one) {
        let mut world = World::new(seed);
        for step in 0..in_one {
            world.step();
            if let Err(wrong) = world.state.check_books() {
                panic!("world {seed}, step {step}: {wrong}");
            }
        }
        // Whatever is under way ends.
        world.state.clock.advance(std::time::Duration::from_secs(3 * 86_400));
        world.state.catch_up();
        world.state.check_books().unwrap();
        world.check_indexes();
        postings += world.state.ledger.len();
        for (name, (accepted, refused)) in world.counts {
            let count = counts.entry(name).or_default();
            *count = (count.0 + accepted, count.1 + refused);
        }
    }
    println!("{steps} operations, {postings} postings; accepted and refused:");
    for (name, (accepted, refused)) in &counts {
        println!("{name:<52}{accepted:>7}{refused:>7}");
        assert!(*accepted > 0, "{name} was never accepted");
    }
}
