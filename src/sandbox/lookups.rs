//! Operations of the sandbox that store nothing, or only change a field.

use serde_json::{Value, json};

use super::answer::{Answer, Answered};
use super::check::required;
use super::input::Query;
use super::operations::Place;
use super::state::State;
use super::values::{Fields, number};

impl State {
    /// Answers that everybody is who they say, but for a name that ends with `不符`.
    pub(super) fn identify(&mut self, params: Fields) -> Answered {
        let app = self.app_in(&params)?;
        let kind = required(&params, "type")?;
        let data = params.get("data").and_then(Value::as_object).cloned().unwrap_or_default();
        let mut names = vec!["id_name", "id_number"];
        match kind {
            "id_card" => {}
            "bank_card" => names.push("card_number"),
            _ => return Err(Answer::bad_parameter("type", "not id_card or bank_card")),
        }
        for name in names {
            required(&data, name)
                .map_err(|_| Answer::bad_parameter(&format!("data[{name}]"), "missing"))?;
        }
        let agrees = !required(&data, "id_name")?.ends_with("不符");
        let (code, message) = if agrees { (0, "success") } else { (1, "不一致 (no match)") };
        Ok(Answer::ok(json!({
            "type": kind, "app": &*self.apps[app], "result_code": code, "message": message,
            "paid": true, "data": data,
        })))
    }

    pub(super) fn card_info(&mut self, params: Fields) -> Answered {
        let app = self.app_in(&params)?;
        let account = required(&params, "bank_account")?;
        if !(12..=19).contains(&account.len()) || !account.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Answer::bad_parameter("bank_account", "not 12 to 19 digits"));
        }
        Ok(Answer::ok(json!({
            "app": &*self.apps[app], "card_bin": &account[..6], "card_type": 0,
            "open_bank_code": "0308", "open_bank": "招商银行",
            "support_channels": ["unionpay", "allinpay"],
        })))
    }

    pub(super) fn sub_banks(&mut self, query: &Query) -> Answered {
        let first =
            |name: &str| query.first(name).ok_or_else(|| Answer::bad_parameter(name, "missing"));
        for name in ["app", "open_bank_code", "channel"] {
            first(name)?;
        }
        let (prov, city) = (first("prov")?, first("city")?);
        let bank = |number: usize| {
            json!({
                "object": "sub_bank", "sub_bank": format!("银行{city}第{number}支行"),
                "sub_bank_code": format!("{}33200000{number}", first("open_bank_code").unwrap_or("")),
                "prov": prov, "city": city,
            })
        };
        Ok(Answer::ok(json!({
            "object": "list", "url": "/v1/sub_banks", "has_more": false, "data": [bank(1), bank(2)],
        })))
    }

    pub(super) fn upload_pic(&mut self, place: Place, params: Fields) -> Answered {
        self.find(place.kind, place.app.unwrap_or_default(), None, required(&params, "user")?)?;
        for name in ["type", "pic", "pic_fmt", "pic_type"] {
            required(&params, name)?;
        }
        let mut picture = params;
        let content = picture.remove("pic").unwrap_or_default().to_string();
        picture.entry("operate_type").or_insert("00".into());
        picture.insert("livemode".into(), false.into());
        picture.insert("pic_external_id".into(), format!("pic{:012}", content.len()).into());
        Ok(Answer::ok(picture))
    }

    pub(super) fn create_contact(&mut self, params: Fields) -> Answered {
        let needed = [
            "user",
            "acc_no",
            "contact_name",
            "contact_cert_type",
            "contact_cert_no",
            "contact_cert_valid_from",
            "contact_cert_valid_until",
            "contact_cert_mobile",
        ];
        for name in needed {
            required(&params, name)?;
        }
        if !(1..=5).contains(&number(&params, "contact_type")) {
            return Err(Answer::bad_parameter("contact_type", "not 1 to 5"));
        }
        let account = required(&params, "acc_no")?;
        Ok(Answer::ok(json!({
            "user": params["user"], "livemode": false, "acc_no": account,
            "contact_no": format!("contact{account}"),
        })))
    }

    pub(super) fn update_mobile(&mut self, row: usize, params: &Fields) -> Answered {
        let mut recipient = self.field(row, "recipient");
        recipient["mobile"] = required(params, "mobile")?.into();
        self.set(row, "recipient", recipient);
        Ok(Answer::ok(self.show(row)))
    }

    pub(super) fn verify_account(&mut self, row: usize, params: &Fields) -> Answered {
        if number(params, "receive_amount") <= 0 {
            return Err(Answer::bad_parameter("receive_amount", "not a number above 0"));
        }
        Ok(Answer::ok(self.show(row)))
    }

    /// Announces a deduction to the customer of an agreement.
    pub(super) fn notify_agreement(&mut self, row: usize, params: &Fields) -> Answered {
        if number(params, "amount") <= 0 {
            return Err(Answer::bad_parameter("amount", "not a number above 0"));
        }
        match self.rows[row].state {
            "succeeded" => Ok(Answer::ok(json!({ "id": self.id(row), "succeed": true }))),
            _ => Err(self.unexpected(row, "it is not signed")),
        }
    }
}
