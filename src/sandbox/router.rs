//! Decides which operation answers a request, and lets what is due happen. No I/O.

use super::answer::{Answer, Answered};
use super::input::{Query, decoded, json_body};
use super::kind::Kind;
use super::kinds;
use super::operations::Place;
use super::state::State;
use super::values::Fields;

impl State {
    /// Answers a request that has passed the checks of `server`.
    pub(super) fn handle(&mut self, method: &str, target: &str, body: &[u8]) -> Answer {
        self.catch_up();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = path.strip_suffix('/').unwrap_or(path);
        let segments: Vec<_> = path.split('/').skip(1).map(decoded).collect();
        let segments: Vec<_> = segments.iter().map(String::as_str).collect();
        let query = Query::parse(query);
        let answer = self.attempt(|state| state.route(method, &segments, &query, body));
        answer.unwrap_or_else(|refusal| refusal)
    }

    fn route(&mut self, method: &str, segments: &[&str], query: &Query, body: &[u8]) -> Answered {
        let no_such_operation =
            || Answer::refused(404, "请求的地址不存在 (there is no such operation)");
        let params = || match method {
            "POST" | "PUT" => json_body(body),
            _ => Ok(Fields::new()),
        };
        match (method, segments) {
            ("POST", ["v1", "identification"]) => return self.identify(params()?),
            ("POST", ["v1", "card_info"]) => return self.card_info(params()?),
            ("GET", ["v1", "sub_banks"]) => return self.sub_banks(query),
            _ => {}
        }
        let (place, rest) = self.place(segments)?.ok_or_else(no_such_operation)?;
        let can = |operation: char| place.kind.can.contains(operation);
        if let Some(answer) = self.special(place, method, rest, query, params()?) {
            return answer;
        }
        match (method, rest) {
            ("POST", []) if can('c') => self.create(place, params()?),
            ("GET", []) if can('l') => self.list(place, query),
            ("GET", [id]) if can('r') => self.retrieve(place, id, query),
            ("PUT", [id]) if can('u') || !place.kind.moves.is_empty() => {
                self.update(place, id, params()?)
            }
            ("DELETE", [id]) if can('d') => self.delete(place, id),
            ("POST", [id, verb]) => {
                let row = self.find_at(place, id)?;
                self.verb(row, verb).ok_or_else(no_such_operation)?
            }
            _ => Err(no_such_operation()),
        }
    }

    /// The place that a path begins with, and what follows in it: the longest one.
    fn place<'a>(&mut self, path: &'a [&'a str]) -> Answered<Option<(Place, &'a [&'a str])>> {
        let matches = |kind: &&Kind| {
            let route = kind.path.split('/').skip(1);
            path.len() >= route.clone().count()
                && route.zip(path).all(|(route, given)| route == *given || route.starts_with('{'))
        };
        let length = |kind: &&Kind| kind.path.split('/').count();
        let Some(kind) = kinds::all().filter(|kind| matches(kind)).max_by_key(|kind| length(kind))
        else {
            return Ok(None);
        };
        let mut place = Place { kind, app: None, parent: None };
        let count = length(&kind) - 1;
        for (route, given) in kind.path.split('/').skip(1).zip(path) {
            match route.strip_prefix('{').and_then(|route| route.strip_suffix('}')) {
                None => {}
                Some("app") => {
                    let app = self.app(given);
                    place.app = Some(app.ok_or_else(|| Answer::not_found(given))?);
                }
                Some(parent) => {
                    let parent = kinds::named(parent).expect("a parent is a kind");
                    let parent = Place { kind: parent, app: place.app, parent: None };
                    place.parent = Some(self.find_at(parent, given)?);
                }
            }
        }
        Ok(Some((place, &path[count..])))
    }

    /// Answers the operations that have rules of their own.
    fn special(
        &mut self,
        place: Place,
        method: &str,
        rest: &[&str],
        query: &Query,
        params: Fields,
    ) -> Option<Answered> {
        // The row that an operation is about, or the answer that there is none.
        macro_rules! row {
            ($id:expr) => {
                match self.find_at(place, $id) {
                    Ok(row) => row,
                    Err(refusal) => return Some(Err(refusal)),
                }
            };
        }
        Some(match (place.kind.name, method, rest) {
            ("charge", "POST", []) => self.create_charge(params),
            ("charge", "POST", [id, "reverse"]) => self.reverse_charge(row!(id)),
            ("refund", "POST", []) => self.create_refund(place.parent?, params),
            ("batch_refund", "POST", []) => self.create_batch_refund(params),
            ("customs", "POST", []) => self.create_customs(place, params),
            ("agreement", "POST", [id, "notify"]) => self.notify_agreement(row!(id), &params),

            ("order", "POST", []) => self.create_order(params),
            ("order", "PUT", [id]) => self.update_order(place, id, params),
            ("order", "POST", [id, "pay"]) => self.pay_for_order(row!(id), params),
            ("order", "POST", [id, "order_refunds"]) => self.refund_order(row!(id), params),
            ("order", "POST", [id, "royalty_datas"]) => self.create_royalties(row!(id), &params),
            ("order", "GET", [id, "charges"]) => self.order_charges(row!(id), query),
            ("order", "GET", [id, "charges", charge]) => self.order_charge(row!(id), charge),
            ("order", "GET", [id, "order_refunds"]) => self.order_refunds(row!(id), query),
            ("order", "GET", [id, "order_refunds", refund]) => self.refund_of(row!(id), refund),

            ("recharge", "POST", []) => self.create_recharge(place, params),
            ("recharge", "POST", [id, "refunds"]) => self.refund_recharge(row!(id), params),
            ("recharge", "GET", [id, "refunds"]) => self.recharge_refunds(row!(id), query),
            ("recharge", "GET", [id, "refunds", refund]) => self.refund_of(row!(id), refund),

            ("transfer", "POST", []) => self.create_transfer(params),
            ("batch_transfer", "POST", []) => self.create_batch_transfer(params),
            ("split_profit", "POST", []) => self.create_split_profit(params),
            ("user", "POST", ["upload_pic"]) => self.upload_pic(place, params),
            ("settle_account", "PUT", [id, "mobile"]) => self.update_mobile(row!(id), &params),
            ("settle_account", "POST", [id, "verify"]) => self.verify_account(row!(id), &params),
            ("balance_transfer", "POST", []) => self.create_balance_transfer(place, params),
            ("withdrawal", "POST", []) => self.create_withdrawal(place, params),
            ("batch_withdrawal", "POST", []) => self.create_batch_withdrawal(place, params),

            ("sub_app", "POST", ["contact"]) => self.create_contact(params),
            ("sub_app", "POST", []) => self.create_sub_app(place, params),
            ("coupon", "POST", []) => self.create_coupon(place.parent?, params),
            ("coupon_template", "POST", [id, "coupons"]) => self.create_coupons(row!(id), params),
            ("coupon_template", "GET", [id, "coupons"]) => self.coupons_of(row!(id), query),
            ("royalty", "PUT", []) => self.update_royalties(params),
            ("royalty_settlement", "POST", []) => self.create_royalty_settlement(params),
            _ => return None,
        })
    }
}
