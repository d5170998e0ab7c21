//! Coupons and royalties of the sandbox.

use serde_json::{Value, json};

use super::answer::{Answer, Answered};
use super::check;
use super::clock::Millis;
use super::input::Query;
use super::kind::Paging;
use super::kinds::{COUPON, ROYALTY, ROYALTY_TRANSACTION, USER};
use super::moves::New;
use super::operations::Place;
use super::state::State;
use super::values::{Fields, fields_of, given, text};
use super::{kind, kinds};

impl State {
    /// Creates a sub-app, which its user is behind from then on.
    pub(super) fn create_sub_app(&mut self, place: Place, params: Fields) -> Answered {
        let user = text(&params, "user").to_owned();
        let answer = self.create(place, params)?;
        let user = self.user(place.app.unwrap_or_default(), &user, self.clock.millis())?;
        self.set(user, "related_app", answer.body["id"].clone());
        self.set(user, "type", "business");
        Ok(answer)
    }

    /// Gives a user a coupon.
    pub(super) fn create_coupon(&mut self, user: usize, params: Fields) -> Answered {
        let template = check::required(&params, "coupon_template")?;
        let app = Some(self.rows[user].app);
        let of_app = Place { kind: &kinds::COUPON_TEMPLATE, app, parent: None };
        let template = self.find_at(of_app, template)?;
        let coupon = self.add_coupon(template, user, &params)?;
        Ok(Answer::ok(self.show(coupon)))
    }

    /// Gives each of some users a coupon.
    pub(super) fn create_coupons(&mut self, template: usize, params: Fields) -> Answered {
        let users = params.get("users").cloned().unwrap_or_default();
        check::within("users", &users, kind::Limit::Items(100))?;
        let (app, now) = (self.rows[template].app, self.clock.millis());
        let mut coupons = Vec::new();
        for user in users.as_array().into_iter().flatten() {
            let user = user.as_str().filter(|user| !user.is_empty());
            let user = user.ok_or_else(|| Answer::bad_parameter("users", "not all are ids"))?;
            check::within("users", &user.into(), kind::Limit::UserId)?;
            let user = self.user(app, user, now)?;
            coupons.push(self.add_coupon(template, user, &params)?);
        }
        let url = self.coupons_url(template);
        self.list_of(coupons, &COUPON, Paging::Pages, &url, &Query::parse("per_page=100"))
    }

    pub(super) fn coupons_of(&self, template: usize, query: &Query) -> Answered {
        let url = self.coupons_url(template);
        self.list_of(self.below(template, &COUPON), &COUPON, Paging::Pages, &url, query)
    }

    fn coupons_url(&self, template: usize) -> String {
        let app = &self.apps[self.rows[template].app];
        format!("/v1/apps/{app}/coupon_templates/{}/coupons", self.id(template))
    }

    fn add_coupon(&mut self, template: usize, user: usize, params: &Fields) -> Answered<usize> {
        let (document, all) = (self.document(template), self.below(template, &COUPON));
        let most = |name: &str| document.get(name).and_then(Value::as_u64);
        let of_user = all.iter().filter(|coupon| self.rows[**coupon].parent == Some(user)).count();
        let is_over = |count: usize, most: Option<u64>| most.is_some_and(|m| count as u64 >= m);
        if is_over(all.len(), most("max_circulation"))
            || is_over(of_user, Some(most("max_user_circulation").unwrap_or(1)))
        {
            let message = "优惠券已达发放上限 (no more coupons of this template)";
            return Err(Answer::refused(402, message));
        }
        let (now, expiration) = (self.now(), self.field(template, "expiration"));
        let duration = expiration["duration"].as_i64();
        let start = expiration["time_start"].as_i64().unwrap_or(now);
        let end = duration
            .map(|duration| now.saturating_add(duration))
            .or(expiration["time_end"].as_i64());
        let document = fields_of([
            ("user", Value::from(self.id(user))),
            ("time_start", start.into()),
            ("time_end", end.into()),
            ("user_times_circulated", (of_user + 1).into()),
            ("metadata", check::metadata_of(params)?),
        ]);
        let (app, at) = (self.rows[template].app, self.clock.millis());
        let new = New::of(&COUPON, app, document);
        self.add(New { parent: Some(user), group: Some(template), ..new }, at)
    }

    /// Who gets a share of an order, by its own list or by its template.
    pub(super) fn royalty_users_of(&self, order: usize) -> Value {
        let users = self.field(order, "_royalty_users");
        if users.is_array() {
            return users;
        }
        let template = self.text(order, "_royalty_template");
        let template = self.find_global(&kinds::ROYALTY_TEMPLATE, &template);
        let Ok(template) = template else { return Value::Null };
        let (rule, amount) = (self.field(template, "rule"), self.number(order, "actual_amount"));
        let share = |level: &Value| {
            let value = level["value"].as_i64().unwrap_or_default();
            let is_rate = rule["royalty_mode"] == "rate";
            let share = if is_rate { amount.saturating_mul(value) / 10_000 } else { value };
            json!({ "user": "0", "amount": share.clamp(0, amount) })
        };
        rule["data"].as_array().into_iter().flatten().map(share).collect()
    }

    /// Adds the royalties of a paid order: what each user is owed.
    pub(super) fn add_royalties(
        &mut self,
        order: usize,
        users: &Value,
        at: Millis,
    ) -> Answered<()> {
        let app = self.rows[order].app;
        for share in users.as_array().into_iter().flatten() {
            let user = share["user"].as_str().unwrap_or_default();
            let recipient = self.find(&USER, app, None, user).ok();
            let recipient = recipient.map(|user| self.text(user, "related_app"));
            let own = self.apps[app].clone();
            let recipient = recipient.filter(|app| !app.is_empty());
            let document = fields_of([
                ("payer_app", Value::from(self.text(order, "receipt_app"))),
                ("amount", share["amount"].clone()),
                ("recipient_app", recipient.unwrap_or_else(|| own.to_string()).into()),
                ("source_app", (&*own).into()),
                ("source_url", format!("/v1/orders/{}", self.id(order)).into()),
                ("source_no", self.text(order, "merchant_order_no").into()),
                ("source_user", user.into()),
            ]);
            self.add(New { parent: Some(order), ..New::of(&ROYALTY, app, document) }, at)?;
        }
        Ok(())
    }

    /// The royalties of an order that a user is owed.
    fn owed_to(&self, order: usize, user: &Value) -> Vec<usize> {
        let mut royalties = self.below(order, &ROYALTY);
        royalties.retain(|royalty| {
            self.rows[*royalty].state == "created" && self.field(*royalty, "source_user") == *user
        });
        royalties
    }

    /// Checks the `royalty_users` of a refund. What is settled is not taken back: a guess.
    pub(super) fn check_shares_back(&self, order: usize, users: &Value) -> Answered<()> {
        users.as_array().into_iter().flatten().try_for_each(|share| {
            let owed = self.owed_to(order, &share["user"]).into_iter();
            let most = owed.map(|royalty| self.number(royalty, "amount")).sum();
            check::within("royalty_users", &share["amount_refunded"], kind::Limit::Number(0, most))
        })
    }

    /// Takes shares back with a refund of an order that has succeeded.
    pub(super) fn take_shares_back(&mut self, order: usize, users: &Value) {
        for share in users.as_array().into_iter().flatten() {
            let mut left = share["amount_refunded"].as_i64().unwrap_or_default();
            for royalty in self.owed_to(order, &share["user"]) {
                let amount = self.number(royalty, "amount");
                let taken = left.min(amount);
                self.set(royalty, "amount", amount - taken);
                left -= taken;
            }
        }
    }

    /// Says who gets a share of an order, before or after it is paid.
    pub(super) fn create_royalties(&mut self, order: usize, params: &Fields) -> Answered {
        let app = self.app_in(params)?;
        let users = params.get("royalty_users").cloned().unwrap_or_default();
        check::shares(&users)?;
        match self.rows[order].state {
            "created" => self.set(order, "_royalty_users", users),
            "paid" => self.add_royalties(order, &users, self.clock.millis())?,
            _ => return Err(self.unexpected(order, "nobody gets a share of it")),
        }
        Ok(Answer::ok(json!({
            "app": &*self.apps[app], "livemode": false, "order": self.id(order), "succeeded": true,
        })))
    }

    /// Marks royalties as paid in another way, or takes the mark away.
    pub(super) fn update_royalties(&mut self, params: Fields) -> Answered {
        let ids = params.get("ids").cloned().unwrap_or_default();
        check::within("ids", &ids, kind::Limit::Items(200))?;
        let method = match params.get("method") {
            Some(Value::Null) => Value::Null,
            Some(method) if method == "manual" => method.clone(),
            _ => return Err(Answer::bad_parameter("method", "neither \"manual\" nor null")),
        };
        let find = |id: &Value| {
            let royalty = self.find_global(&ROYALTY, id.as_str().unwrap_or_default())?;
            let is_open = self.rows[royalty].state == "created";
            is_open
                .then_some(royalty)
                .ok_or_else(|| self.unexpected(royalty, "it is being settled"))
        };
        let royalties: Result<Vec<_>, _> = ids.as_array().into_iter().flatten().map(find).collect();
        let royalties = royalties?;
        for royalty in &royalties {
            self.edit(*royalty, |document| {
                document.insert("method".into(), method.clone());
                for name in ["description", "metadata"] {
                    if let Some(value) = given(&params, name) {
                        document.insert(name.into(), value.clone());
                    }
                }
            });
        }
        let query = Query::parse("per_page=100");
        self.list_of(royalties, &ROYALTY, Paging::Pages, "/v1/royalties", &query)
    }

    /// Collects the royalties that an app owes. A preview is answered, but not made.
    pub(super) fn create_royalty_settlement(&mut self, params: Fields) -> Answered {
        let kind = &kinds::ROYALTY_SETTLEMENT;
        let (is_preview, created) = (
            params.get("is_preview") == Some(&Value::Bool(true)),
            Query::of("created", params.get("created").unwrap_or(&Value::Null)),
        );
        let filters: Vec<_> = ["recipient_app", "source_user", "source_no"]
            .into_iter()
            .filter_map(|name| Some((name, params.get(name)?.clone())))
            .collect();
        let least = params.get("min_amount").and_then(Value::as_i64).unwrap_or(1);
        let document = check::created(kind, params)?;
        let app = self.app(text(&document, "payer_app"));
        let app = app.ok_or_else(|| Answer::bad_parameter("payer_app", "no such app"))?;
        let is_owed = |royalty: &usize| {
            let object = self.show(*royalty);
            self.rows[*royalty].state == "created"
                && object["method"].is_null()
                && object["payer_app"] == document["payer_app"]
                && object["amount"].as_i64().is_some_and(|amount| amount >= least)
                && filters.iter().all(|(name, wanted)| object[*name] == *wanted)
                && created.selects_time(self.rows[*royalty].created)
        };
        let owed: Vec<_> = self.of_kind(&ROYALTY).iter().copied().filter(is_owed).collect();
        if owed.is_empty() {
            let message = "没有可结算的分润 (no royalty is left to settle)";
            return Err(Answer::refused(402, message));
        }
        let (now, method) = (self.clock.millis(), document["method"].clone());
        let amount: i64 = owed.iter().map(|royalty| self.number(*royalty, "amount")).sum();
        let settlement = self.add(New::of(kind, app, document), now)?;
        if is_preview {
            let mut preview = self.show(settlement);
            preview["amount"] = amount.into();
            preview["count"] = owed.len().into();
            // As a refusal, it is taken back.
            return Err(Answer::ok(preview));
        }
        for (at, royalty) in owed.into_iter().enumerate() {
            let object = self.show(royalty);
            let mut part = fields_of([
                ("amount", object["amount"].clone()),
                ("source_user", object["source_user"].clone()),
                ("recipient_app", object["recipient_app"].clone()),
                ("royalty_settlement", self.id(settlement).into()),
                ("_sandbox", self.wish_for_part(settlement, at)),
            ]);
            if method == "balance" {
                part.insert("_source".into(), object["source_user"].clone());
            }
            let new = New::of(&ROYALTY_TRANSACTION, app, part);
            let part = self.add(New { group: Some(settlement), ..new }, now)?;
            self.set(royalty, "royalty_settlement", self.id(settlement).to_owned());
            self.set(royalty, "royalty_transaction", self.id(part).to_owned());
            self.group(royalty, part);
            self.enter(royalty, "pending", now)?;
        }
        Ok(Answer::ok(self.show(settlement)))
    }
}
