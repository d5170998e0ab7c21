//! The input of an operation: the query and the JSON body of a request, and the page of a list that
//! the query selects.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::answer::Answer;

/// The query parameters, decoded, in their order.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(text: &str) -> Self {
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(&key.replace('+', " ")), decoded(&value.replace('+', " ")))
        };
        Self(text.split('&').filter(|part| !part.is_empty()).map(pair).collect())
    }

    pub(super) fn first(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    pub(super) fn expands_app(&self) -> bool {
        // Some clients write `expand[]`, others `expand[0]`.
        self.0.iter().any(|(key, value)| key.starts_with("expand[") && value == "app")
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

    /// Whether a filter for a boolean accepts this value. Clients write `true` or `True`.
    pub(super) fn selects_flag(&self, name: &str, flag: bool) -> bool {
        self.first(name).is_none_or(|asked| asked.eq_ignore_ascii_case("true") == flag)
    }

    /// Answers with the page of a list that `limit` and the cursors select.
    ///
    /// `found` has the indices of all items, newest first.
    pub(super) fn page<'a>(
        &self,
        url: &str,
        mut found: Vec<usize>,
        id: impl Fn(usize) -> &'a str,
        show: impl Fn(usize) -> Value,
    ) -> Answer {
        let limit = match self.first("limit").map(str::parse::<usize>) {
            None => 10,
            Some(Ok(limit @ 1..=100)) => limit,
            Some(_) => return Answer::bad_parameter("limit", "not 1 to 100"),
        };
        let position = |cursor: &str| {
            let at = found.iter().position(|number| id(*number) == cursor);
            at.ok_or_else(|| Answer::not_found(cursor))
        };
        let has_more = match (self.first("starting_after"), self.first("ending_before")) {
            (Some(cursor), _) => match position(cursor) {
                Err(answer) => return answer,
                Ok(at) => {
                    found.drain(..=at);
                    found.len() > limit
                }
            },
            (None, Some(cursor)) => match position(cursor) {
                Err(answer) => return answer,
                Ok(at) => {
                    found.truncate(at);
                    found.drain(..at.saturating_sub(limit));
                    at > limit
                }
            },
            (None, None) => found.len() > limit,
        };
        found.truncate(limit);
        let data: Vec<_> = found.into_iter().map(show).collect();
        Answer::ok(json!({ "object": "list", "url": url, "has_more": has_more, "data": data }))
    }
}

pub(super) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The body of a request, which has to be a JSON object.
pub(super) fn json_body(body: &[u8]) -> Result<Map<String, Value>, Answer> {
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(params)) => Ok(params),
        _ => Err(Answer::refused(400, "请求不是有效的 JSON (the body is not a JSON object)")),
    }
}
