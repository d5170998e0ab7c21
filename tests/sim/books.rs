//! The truth: charges, refunds and transfers as they really are. An answer may lie about them, late or
//! old; what the merchant is told is held against this.

use serde_json::{Value, json};

use crate::channels::{self, Rules};

pub(crate) const APP: &str = "app_test000000000001";

/// Milliseconds since 1970 by the true clock.
pub(crate) type Millis = u64;

#[derive(Default)]
pub(crate) struct Books {
    pub(crate) charges: Vec<Charge>,
    pub(crate) refunds: Vec<Refund>,
    pub(crate) transfers: Vec<Transfer>,
}

pub(crate) struct Charge {
    pub(crate) id: String,
    pub(crate) order_no: String,
    pub(crate) rules: Rules,
    pub(crate) amount: i64,
    params: Value,
    pub(crate) created: Millis,
    pub(crate) expires: Millis,
    pub(crate) paid: Option<Millis>,
    /// How long the channel takes to tell of a payment.
    pub(crate) confirms_after: Millis,
    pub(crate) reversed: Option<Millis>,
    /// The whole payment went back by a reverse.
    pub(crate) returned: Option<Millis>,
    failed: Option<Millis>,
    /// The channel still takes money after a reverse: documented.
    pub(crate) takes_after_reverse: bool,
    pub(crate) took_after_reverse: bool,
}

pub(crate) struct Refund {
    pub(crate) id: String,
    pub(crate) charge: usize,
    pub(crate) amount: i64,
    params: Value,
    pub(crate) created: Millis,
}

pub(crate) struct Transfer {
    pub(crate) id: String,
    pub(crate) order_no: String,
    pub(crate) amount: i64,
    pub(crate) created: Millis,
}

/// A request as it was read.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Value,
}

/// What Ping++ answers.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
    /// The charge that this request has made.
    pub(crate) new_charge: Option<usize>,
}

impl Reply {
    fn ok(body: Value) -> Self {
        Self { status: 200, body, new_charge: None }
    }

    pub(crate) fn refused(status: u16, kind: &str, code: &str) -> Self {
        let body = json!({ "error": { "type": kind, "code": code, "message": "no" } });
        Self { status, body, new_charge: None }
    }
}

impl Request {
    pub(crate) fn segments(&self) -> Vec<&str> {
        self.path.split('/').skip(2).collect()
    }

    pub(crate) fn reads(&self) -> bool {
        self.method == "GET"
    }

    /// What a write is about, so that a second one is known.
    pub(crate) fn mark(&self) -> String {
        match self.segments().as_slice() {
            [_, _, "refunds"] => self.body["description"].as_str(),
            [_, id, ..] => Some(*id),
            _ => self.body["order_no"].as_str(),
        }
        .unwrap()
        .to_owned()
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl Books {
    pub(crate) fn charge(&self, id: &str) -> Option<&Charge> {
        self.charges.iter().find(|charge| charge.id == id)
    }

    /// The number of the order that a request is about.
    pub(crate) fn order_of(&self, request: &Request) -> Option<String> {
        match request.segments().as_slice() {
            ["charges", id, ..] => self.charge(id).map(|charge| charge.order_no.clone()),
            _ => request.body["order_no"].as_str().map(str::to_owned),
        }
    }

    pub(crate) fn of_order<'a>(&'a self, order_no: &'a str) -> impl Iterator<Item = &'a Charge> {
        self.charges.iter().filter(move |charge| charge.order_no == order_no)
    }

    pub(crate) fn refunds_of<'a>(&'a self, mark: &'a str) -> impl Iterator<Item = &'a Refund> {
        self.refunds.iter().filter(move |refund| {
            let params = &refund.params;
            params["description"] == mark || params["metadata"]["tag"] == mark
        })
    }

    /// The merchant has the customer's money, and keeps it.
    pub(crate) fn has_money(&self, charge: &Charge) -> bool {
        charge.paid.is_some() && charge.returned.is_none() && self.left(charge) > 0
    }

    fn left(&self, charge: &Charge) -> i64 {
        let of_it = |refund: &&Refund| self.charges[refund.charge].id == charge.id;
        charge.amount - self.refunds.iter().filter(of_it).map(|refund| refund.amount).sum::<i64>()
    }

    /// Does what a request asks. Reads see the state of an earlier time `at`.
    pub(crate) fn carry_out(&mut self, request: &Request, now: Millis, at: Millis) -> Reply {
        let segments = request.segments();
        match (request.method.as_str(), segments.as_slice()) {
            ("POST", ["charges"]) => self.create(&request.body, now),
            ("POST", ["transfers"]) => self.transfer(&request.body, now),
            ("GET", ["charges"]) => self.list_charges(request, at),
            ("GET", ["transfers"]) => {
                let items: Vec<_> = self.transfers.iter().map(|t| (t.created, t.show())).collect();
                Reply::ok(page("/v1/transfers", request, items, at))
            }
            (method, ["charges", id, rest @ ..]) => {
                let Some(n) = self.charges.iter().position(|charge| charge.id == *id) else {
                    return Reply::refused(404, "invalid_request_error", "no_such_charge");
                };
                match (method, rest) {
                    ("GET", []) => match self.show(n, at) {
                        Some(charge) => Reply::ok(charge),
                        None => Reply::refused(404, "invalid_request_error", "no_such_charge"),
                    },
                    ("POST", ["reverse"]) => self.reverse(n, now),
                    ("POST", ["refunds"]) => self.refund(n, &request.body, now),
                    ("GET", ["refunds"]) => {
                        let of_it = self.refunds.iter().filter(|refund| refund.charge == n);
                        let items = of_it.map(|refund| (refund.created, self.show_refund(refund)));
                        let items = items.collect();
                        Reply::ok(page(&request.path, request, items, at))
                    }
                    _ => Reply::refused(404, "invalid_request_error", "no_such_route"),
                }
            }
            _ => Reply::refused(404, "invalid_request_error", "no_such_route"),
        }
    }

    fn create(&mut self, params: &Value, now: Millis) -> Reply {
        let order_no = params["order_no"].as_str().unwrap_or_default().to_owned();
        let rules = channels::ALL.iter().find(|rules| params["channel"] == rules.name).unwrap();
        let six = ["order_no", "channel", "amount", "subject", "body", "app"];
        if let Some(n) = self.charges.iter().rposition(|charge| charge.order_no == order_no) {
            let first = &self.charges[n];
            let same = six.iter().all(|name| first.params[*name] == params[*name]);
            if same && now <= first.created + rules.same_within {
                return Reply::ok(self.show(n, now).unwrap());
            }
            if !(same && rules.doubles && first.paid.is_none()) {
                return Reply::refused(402, "channel_error", "charge_order_no_used");
            }
        }
        let n = self.charges.len();
        self.charges.push(Charge {
            id: format!("ch_{:024}", n + 1),
            order_no,
            rules: *rules,
            amount: params["amount"].as_i64().unwrap(),
            params: params.clone(),
            created: now,
            expires: now + rules.expires_after,
            paid: None,
            confirms_after: 0,
            reversed: None,
            returned: None,
            failed: None,
            takes_after_reverse: false,
            took_after_reverse: false,
        });
        Reply { new_charge: Some(n), ..Reply::ok(self.show(n, now).unwrap()) }
    }

    /// The customer pays; whether money moved.
    pub(crate) fn pay(&mut self, n: usize, now: Millis) -> bool {
        let charge = &mut self.charges[n];
        let is_open = charge.paid.is_none() && now < charge.expires;
        if !is_open || charge.reversed.is_some() && !charge.takes_after_reverse {
            return false;
        }
        (charge.paid, charge.took_after_reverse) = (Some(now), charge.reversed.is_some());
        true
    }

    /// The customer's bank refuses; the customer may try again.
    pub(crate) fn decline(&mut self, n: usize, now: Millis) {
        let charge = &mut self.charges[n];
        if charge.paid.is_none() {
            charge.failed = Some(now);
        }
    }

    fn reverse(&mut self, n: usize, now: Millis) -> Reply {
        let untouched = self.left(&self.charges[n]) == self.charges[n].amount;
        let charge = &mut self.charges[n];
        if charge.reversed.is_none() {
            let created = charge.created / 1_000 * 1_000;
            let in_time = now >= created + charge.rules.reversible_after
                && charge.rules.reversible_until(created).is_none_or(|until| now < until);
            let possible = charge.rules.reversible
                && in_time
                && untouched
                && (charge.paid.is_none() || charge.rules.gives_back);
            if !possible {
                return Reply::refused(402, "channel_error", "charge_unexpected_status");
            }
            charge.reversed = Some(now);
            charge.returned = charge.paid.map(|_| now);
        }
        Reply::ok(self.show(n, now).unwrap())
    }

    fn refund(&mut self, n: usize, params: &Value, now: Millis) -> Reply {
        let (charge, left) = (&self.charges[n], self.left(&self.charges[n]));
        let amount = params["amount"].as_i64().unwrap_or(left);
        if charge.paid.is_none() || charge.reversed.is_some() || amount > left || left == 0 {
            return Reply::refused(402, "channel_error", "charge_unexpected_status");
        }
        let id = format!("re_{:024}", self.refunds.len() + 1);
        let refund = Refund { id, charge: n, amount, params: params.clone(), created: now };
        let shown = self.show_refund(&refund);
        self.refunds.push(refund);
        Reply::ok(shown)
    }

    fn transfer(&mut self, params: &Value, now: Millis) -> Reply {
        let transfer = Transfer {
            id: format!("tr_{:024}", self.transfers.len() + 1),
            order_no: params["order_no"].as_str().unwrap_or_default().to_owned(),
            amount: params["amount"].as_i64().unwrap(),
            created: now,
        };
        let shown = transfer.show();
        self.transfers.push(transfer);
        Reply::ok(shown)
    }

    fn list_charges(&self, request: &Request, at: Millis) -> Reply {
        let numbered = self.charges.iter().enumerate();
        let items = numbered.filter_map(|(n, charge)| Some((charge.created, self.show(n, at)?)));
        Reply::ok(page("/v1/charges", request, items.collect(), at))
    }

    /// A charge as it was; `None` before it was there.
    pub(crate) fn show(&self, n: usize, at: Millis) -> Option<Value> {
        let charge = &self.charges[n];
        let is_past = |time: Option<Millis>| time.is_some_and(|time| time <= at);
        if charge.created > at {
            return None;
        }
        let paid = is_past(charge.paid.map(|paid| paid + charge.confirms_after));
        let of_it = |refund: &&Refund| refund.charge == n && refund.created <= at;
        let refunds: Vec<_> = self.refunds.iter().filter(of_it).collect();
        let back: i64 = refunds.iter().map(|refund| refund.amount).sum();
        let data: Vec<_> = refunds.iter().rev().map(|refund| self.show_refund(refund)).collect();
        let url = format!("/v1/charges/{}/refunds", charge.id);
        Some(json!({
            "id": charge.id, "object": "charge", "created": charge.created / 1_000,
            "livemode": false, "paid": paid, "refunded": back > 0,
            "reversed": is_past(charge.reversed), "app": APP, "channel": charge.rules.name,
            "order_no": charge.order_no, "client_ip": "192.0.2.1", "amount": charge.amount,
            "amount_settle": charge.amount, "currency": "cny", "subject": "Tea",
            "body": "Longjing", "extra": charge.params["extra"],
            "time_paid": charge.paid.filter(|_| paid).map(|time| time / 1_000),
            "time_expire": charge.expires / 1_000, "time_settle": null, "transaction_no": null,
            "refunds": { "object": "list", "url": url, "has_more": false, "data": data },
            "amount_refunded": back, "failure_msg": null,
            "failure_code": is_past(charge.failed).then_some("channel_response_code_fail"),
            "metadata": {}, "credential": {}, "description": null
        }))
    }

    fn show_refund(&self, refund: &Refund) -> Value {
        json!({
            "id": refund.id, "object": "refund", "order_no": "1", "amount": refund.amount,
            "created": refund.created / 1_000, "succeed": true, "status": "succeeded",
            "description": refund.params["description"], "metadata": refund.params["metadata"],
            "charge": self.charges[refund.charge].id
        })
    }
}

impl Transfer {
    fn show(&self) -> Value {
        json!({
            "id": self.id, "object": "transfer", "type": "b2c", "created": self.created / 1_000,
            "livemode": false, "status": "paid", "app": APP, "channel": "alipay",
            "order_no": self.order_no, "amount": self.amount, "currency": "cny"
        })
    }
}

/// A page of a list, newest first.
fn page(url: &str, request: &Request, items: Vec<(Millis, Value)>, at: Millis) -> Value {
    let number = |name: &str| request.parameter(name).and_then(|text| text.parse::<u64>().ok());
    let fits = |created: Millis| {
        created <= at
            && number("created[gte]").is_none_or(|from| created / 1_000 >= from)
            && number("created[lt]").is_none_or(|until| created / 1_000 < until)
    };
    let mut items: Vec<Value> =
        items.into_iter().filter(|(created, _)| fits(*created)).map(|(_, item)| item).collect();
    items.reverse();
    if let Some(after) = request.parameter("starting_after") {
        let behind = items.iter().position(|item| item["id"] == after).map_or(0, |at| at + 1);
        items.drain(..behind);
    }
    let limit = number("limit").unwrap_or(10) as usize;
    let has_more = items.len() > limit;
    items.truncate(limit);
    json!({ "object": "list", "url": url, "has_more": has_more, "data": items })
}
