//! What an operation answers: a status and a body, errors in the shape of the API.

use serde_json::{Value, json};

/// The answer of an operation.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

/// What an operation comes to, or the answer that refuses it.
pub(super) type Answered<T = Answer> = Result<T, Answer>;

impl Answer {
    pub(super) fn ok(body: impl Into<Value>) -> Self {
        Self { status: 200, body: body.into() }
    }

    pub(super) fn refused(status: u16, message: &str) -> Self {
        Self::error(status, "invalid_request_error", message, None, None)
    }

    pub(super) fn error(
        status: u16,
        kind: &str,
        message: &str,
        code: Option<&str>,
        param: Option<&str>,
    ) -> Self {
        let mut error = json!({ "type": kind, "message": message });
        for (key, value) in [("code", code), ("param", param)] {
            if let Some(value) = value {
                error[key] = value.into();
            }
        }
        Self { status, body: json!({ "error": error }) }
    }

    pub(super) fn bad_parameter(name: &str, why: &str) -> Self {
        let message = format!("参数 {name} 缺失或无效 ({name}: {why})");
        Self::error(400, "invalid_request_error", &message, None, Some(name))
    }

    pub(super) fn not_found(id: &str) -> Self {
        let message = format!("未找到 {id} (there is no such object)");
        Self::error(404, "invalid_request_error", &message, None, Some("id"))
    }

    /// How Ping++ refuses that is not documented.
    pub(super) fn balance_too_low() -> Self {
        let message = "用户余额不足 (the balance of the user is too low)";
        Self::error(400, "invalid_request_error", message, None, Some("amount"))
    }

    pub(super) fn refused_by_channel(message: &str) -> Self {
        Self::error(402, "channel_error", message, Some("channel_response_code_fail"), None)
    }

    pub(super) fn conflict(code: &str, message: &str) -> Self {
        Self::error(400, "invalid_request_error", message, Some(code), None)
    }
}
