//! The input of an operation: the query and the JSON body of a request.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::answer::{Answer, Answered};
use super::values::Fields;

/// The query parameters, decoded, in their order. An empty value is as good as none: some clients write
/// `null` so.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(text: &str) -> Self {
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(&key.replace('+', " ")), decoded(&value.replace('+', " ")))
        };
        let pairs = text.split('&').map(pair);
        Self(pairs.filter(|(key, value)| !key.is_empty() && !value.is_empty()).collect())
    }

    /// The filters `name[..]` of the fields of a JSON object.
    pub(super) fn of(name: &str, filters: &Value) -> Self {
        let filters = filters.as_object().into_iter().flatten();
        let filter = |(key, value): (&String, &Value)| {
            Some((format!("{name}[{key}]"), value.as_i64()?.to_string()))
        };
        Self(filters.filter_map(filter).collect())
    }

    pub(super) fn first(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// A parameter that is a number, within limits.
    pub(super) fn number(&self, key: &str, default: usize, most: usize) -> Answered<usize> {
        let Some(text) = self.first(key) else { return Ok(default) };
        let number = text.parse().ok().filter(|number| (1..=most).contains(number));
        number.ok_or_else(|| Answer::bad_parameter(key, &format!("not 1 to {most}")))
    }

    /// The names of fields to expand. Some clients write `expand[]`, others `expand[0]` or `expand`.
    pub(super) fn expanded(&self) -> Vec<&str> {
        let is_expand = |key: &str| key == "expand" || key.starts_with("expand[");
        self.0.iter().filter(|(key, _)| is_expand(key)).map(|(_, value)| value.as_str()).collect()
    }

    /// The filters on fields of an object.
    pub(super) fn filters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether the filters `created[..]` accept an object created then.
    pub(super) fn selects_time(&self, created: i64) -> bool {
        self.0.iter().all(|(key, value)| {
            let time = value.parse::<i64>().unwrap_or_default();
            match key.as_str() {
                "created" => created == time,
                "created[gt]" => created > time,
                "created[gte]" => created >= time,
                "created[lt]" => created < time,
                "created[lte]" => created <= time,
                _ => true,
            }
        })
    }
}

pub(super) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The body of a request, which has to be a JSON object. Some clients send nothing, or `[]`, where
/// there is nothing to say.
pub(super) fn json_body(body: &[u8]) -> Answered<Fields> {
    if body.is_empty() || body == b"[]" {
        return Ok(Fields::new());
    }
    let text = std::str::from_utf8(body).ok();
    if text.is_none_or(|text| text.chars().any(|c| c > '\u{FFFF}')) {
        let message = "请求内容传入了非UTF8参数 (no UTF-8, or a character beyond U+FFFF)";
        return Err(Answer::refused(400, message));
    }
    match serde_json::from_slice::<Value>(body) {
        // Escapes can hide such a character.
        Ok(value) if value.to_string().chars().any(|c| c > '\u{FFFF}') => {
            Err(Answer::refused(400, "请求内容传入了非UTF8参数 (a character beyond U+FFFF)"))
        }
        Ok(Value::Object(params)) => Ok(params),
        _ => Err(Answer::refused(400, "请求体解析失败 (the body is not a JSON object)")),
    }
}
