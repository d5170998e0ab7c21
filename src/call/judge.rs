//! The judgement of an answer: is it whole, signed, about what was asked, and does it say that the
//! operation was done?

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

use crate::credentials::Credentials;
use crate::error::{
    ApiError, BoxError, Error, ErrorDetail, Flaw, Report, ResponseError, Step, TransportError,
};
use crate::macros::from_json::fault;
use crate::request::{Expected, Mismatch};
use crate::retry::{self, Failure};
use crate::signing::PublicKey;
use crate::system::System;
use crate::transport::{Answer, ExchangeError, Unread};
use crate::types::Mode;

const SIGNATURE: &str = "x-pingplusplus-signature";

/// What an answer is held against.
pub(super) struct Judge<'a> {
    pub(super) expected: &'a Expected,
    pub(super) mode: Mode,
    /// Accepted public keys; empty: signatures are not checked.
    pub(super) verify: &'a [PublicKey],
    pub(super) system: &'a System,
}

/// An attempt that failed.
pub(super) struct Failed {
    pub(super) failure: Failure,
    pub(super) retry_after: Option<Duration>,
    /// On a connection that had been idle.
    pub(super) was_pooled: bool,
    cause: Box<Cause>,
}

/// What Ping++ refused a request with. Messages may name a time or a request, and do not count.
#[derive(Debug, PartialEq)]
pub(super) struct Refusal {
    status: u16,
    detail: ErrorDetail,
}

enum Cause {
    Exchange(Step, Option<BoxError>),
    Status(u16, HeaderMap, Bytes),
    Flaw(Flaw, HeaderMap, Bytes),
}

impl Judge<'_> {
    /// The answer with its body, if it is a 2xx that can be decoded.
    pub(super) fn judge(&self, mut answer: Answer) -> Result<(Answer, Bytes), Failed> {
        let body = std::mem::replace(&mut answer.body, Ok(Bytes::new()));
        if !(200..300).contains(&answer.status) {
            return Err(self.refusal(answer, body.unwrap_or_default()));
        }
        let body = match body {
            Ok(body) => body,
            Err(Unread::TooLarge) => return Err(Failed::garbled(Flaw::TooLarge, answer)),
            Err(Unread::Encoded) => return Err(Failed::garbled(Flaw::Encoded, answer)),
        };
        let flawed = |failure, flaw, answer, body| Err(Failed::flaw(failure, flaw, answer, body));
        if !self.verify.is_empty() {
            match answer.header(SIGNATURE) {
                None => return flawed(Failure::Unclear, Flaw::Unsigned, answer, body),
                Some(signature) if self.verifies(&body, signature) => {}
                Some(_) => return flawed(Failure::Unclear, Flaw::BadSignature, answer, body),
            }
        }
        match self.expected.check(&body, self.mode, answer.was_pooled) {
            Ok(None) => Ok((answer, body)),
            Ok(Some(Mismatch::About(field))) => {
                flawed(Failure::Mismatch, Flaw::OtherObject { field }, answer, body)
            }
            Ok(Some(Mismatch::NotDone(field))) => {
                flawed(Failure::Mismatch, Flaw::NotDone { field }, answer, body)
            }
            Ok(Some(Mismatch::App)) => {
                flawed(Failure::Unclear, Flaw::OtherObject { field: "app" }, answer, body)
            }
            Ok(Some(Mismatch::Mode)) => flawed(Failure::Unclear, Flaw::OtherMode, answer, body),
            Err(error) => Err(Failed::undecodable(&error, answer, body)),
        }
    }

    fn refusal(&self, answer: Answer, body: Bytes) -> Failed {
        // An error answer may be unsigned; a signature that is present must verify.
        let signature = answer.header(SIGNATURE).filter(|_| !self.verify.is_empty());
        if signature.is_some_and(|signature| !self.verifies(&body, signature)) {
            return Failed::flaw(Failure::Unclear, Flaw::BadSignature, answer, body);
        }
        let retry_after = answer.header("retry-after");
        Failed {
            failure: Failure::of_status(answer.status, ErrorDetail::parse(&body).as_ref()),
            retry_after: retry_after.and_then(|at| retry::retry_after(at, self.system.now())),
            was_pooled: answer.was_pooled,
            cause: Box::new(Cause::Status(answer.status, answer.headers, body)),
        }
    }

    fn verifies(&self, body: &[u8], signature: &str) -> bool {
        self.verify.iter().any(|key| key.verifies(body, signature))
    }
}

impl Failed {
    pub(super) fn step(failure: Failure, step: Step, source: Option<BoxError>) -> Self {
        let cause = Box::new(Cause::Exchange(step, source));
        Self { failure, cause, retry_after: None, was_pooled: false }
    }

    pub(super) fn exchange(error: ExchangeError) -> Self {
        let failure = match error.step {
            Step::Connect | Step::ConnectTimeout | Step::Unsent => Failure::Unsent,
            Step::Certificate => Failure::Unsendable,
            _ => Failure::Lost,
        };
        Self { was_pooled: error.was_pooled, ..Self::step(failure, error.step, error.source) }
    }

    /// A 2xx that is not the JSON it should be.
    pub(super) fn undecodable(error: &serde_json::Error, answer: Answer, body: Bytes) -> Self {
        let flaw = Flaw::Undecodable { why: fault(error) };
        Self::flaw(Failure::Garbled, flaw, answer, body)
    }

    fn garbled(flaw: Flaw, answer: Answer) -> Self {
        Self::flaw(Failure::Garbled, flaw, answer, Bytes::new())
    }

    fn flaw(failure: Failure, flaw: Flaw, answer: Answer, body: Bytes) -> Self {
        let was_pooled = answer.was_pooled;
        let cause = Box::new(Cause::Flaw(flaw, answer.headers, body));
        Self { failure, cause, retry_after: None, was_pooled }
    }

    /// `None` if Ping++ did not refuse the request.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        let is_refusal = matches!(self.failure, Failure::Refused | Failure::RateLimited);
        match &*self.cause {
            Cause::Status(status, _, body) if is_refusal => {
                let detail = ErrorDetail::parse(body).unwrap_or_default();
                Some(Refusal { status: *status, detail: ErrorDetail { message: None, ..detail } })
            }
            _ => None,
        }
    }

    /// A word or a status for `error.type`.
    pub(super) fn kind(&self) -> Cow<'static, str> {
        match &*self.cause {
            Cause::Exchange(step, _) => step.as_str().into(),
            Cause::Status(status, ..) => status.to_string().into(),
            Cause::Flaw(flaw, ..) => flaw.as_str().into(),
        }
    }

    pub(super) fn into_error(
        self,
        server: String,
        credentials: &Credentials,
        signature: Option<&HeaderValue>,
        report: Report,
    ) -> Error {
        match *self.cause {
            Cause::Exchange(step, source) => {
                Error::Transport(TransportError::new(step, server, source, report))
            }
            Cause::Status(status, headers, body) => {
                // A server may repeat the key or the signature that it refuses.
                let redact = |text: &str| credentials.redact(text, signature);
                Error::Api(ApiError::new(status, headers, &body, redact, report))
            }
            Cause::Flaw(flaw, headers, body) => {
                Error::Response(ResponseError::new(flaw, headers, body, report))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::request::Request;
    use crate::signing::SigningKey;

    const BODY: &str = r#"{"id":"ch_1","object":"charge","livemode":false,"reversed":true}"#;

    fn key(name: &str) -> SigningKey {
        SigningKey::from_pem(match name {
            "pingxx" => include_str!("../../tests/keys/pingxx.pem"),
            _ => include_str!("../../tests/keys/merchant.pem"),
        })
        .unwrap()
    }

    fn answer(status: u16, body: &str, signature: Option<&str>) -> Answer {
        let mut headers = HeaderMap::new();
        if let Some(signature) = signature {
            headers.insert(SIGNATURE, signature.parse().unwrap());
        }
        headers.insert("retry-after", HeaderValue::from_static("7"));
        let body = Ok(Bytes::copy_from_slice(body.as_bytes()));
        Answer { status, headers, body, was_pooled: true }
    }

    /// How it failed and the word for it; `None` if it can be decoded.
    fn judged(verify: &[PublicKey], answer: Answer) -> Option<(Failure, String)> {
        let request = Request::get("/v1/charges/{id}", &["ch_1"]).expect("charge", Some("ch_1"));
        let request = request.same("app", "app_1").wants("reversed", true);
        let judge = Judge {
            expected: &request.expected,
            mode: Mode::Test,
            verify,
            system: &System::default(),
        };
        match judge.judge(answer) {
            Ok((_, body)) => {
                assert_eq!(body, BODY);
                None
            }
            Err(failed) => {
                assert!(failed.was_pooled);
                Some((failed.failure, failed.kind().into_owned()))
            }
        }
    }

    #[test]
    fn where_keys_are_set_only_an_answer_that_one_of_them_signed_is_believed() {
        let [pingxx, other] = ["pingxx", "merchant"].map(key);
        let [good, wrong] = [&pingxx, &other].map(|key| key.sign(BODY.as_bytes()).unwrap());
        let keys = [other.public_key(), pingxx.public_key()];
        let unclear = |what: &str| Some((Failure::Unclear, what.to_owned()));
        let only_pingxx = &keys[1..];
        for (verify, signature, then) in [
            (&[] as &[PublicKey], None, None),
            (&[], Some("nonsense"), None),
            (only_pingxx, Some(good.as_str()), None),
            (&keys, Some(&good), None),
            (&keys, Some(&wrong), None),
            (only_pingxx, Some(&wrong), unclear("bad_signature")),
            (only_pingxx, Some("nonsense"), unclear("bad_signature")),
            (only_pingxx, None, unclear("unsigned")),
        ] {
            assert_eq!(judged(verify, answer(200, BODY, signature)), then, "{signature:?}");
        }
        // A refusal may be unsigned; a signature that is there must be good.
        let refused = Some((Failure::Foreign, "404".to_owned()));
        for (verify, signature, then) in [
            (&[] as &[PublicKey], Some("nonsense"), refused.clone()),
            (only_pingxx, None, refused.clone()),
            (only_pingxx, Some(good.as_str()), refused),
            (only_pingxx, Some(&wrong), unclear("bad_signature")),
        ] {
            assert_eq!(judged(verify, answer(404, BODY, signature)), then, "{signature:?}");
        }
    }

    #[test]
    fn an_answer_is_judged_by_what_it_says() {
        let with = |field: &str, value| {
            let mut body: serde_json::Value = serde_json::from_str(BODY).unwrap();
            body[field] = value;
            body.to_string()
        };
        for (body, failure, word) in [
            (with("id", json!("ch_2")), Failure::Mismatch, "other_object"),
            (with("reversed", json!(false)), Failure::Mismatch, "not_done"),
            (with("app", json!("app_2")), Failure::Unclear, "other_object"),
            (with("livemode", json!(true)), Failure::Unclear, "other_mode"),
            ("{".into(), Failure::Garbled, "undecodable"),
        ] {
            let then = Some((failure, word.to_owned()));
            assert_eq!(judged(&[], answer(200, &body, None)), then, "{body}");
        }
        for (unread, word) in [(Unread::TooLarge, "too_large"), (Unread::Encoded, "encoded")] {
            let answer = Answer { body: Err(unread), ..answer(200, "", None) };
            assert_eq!(judged(&[], answer), Some((Failure::Garbled, word.to_owned())));
        }
        for (status, then) in [(199, Some("199")), (200, None), (299, None), (300, Some("300"))] {
            let word = judged(&[], answer(status, BODY, None)).map(|(_, word)| word);
            assert_eq!(word.as_deref(), then);
        }
    }

    #[test]
    fn a_refusal_says_when_to_come_back() {
        let request = Request::get("/v1/charges", &[]);
        let judge = Judge {
            expected: &request.expected,
            mode: Mode::Test,
            verify: &[],
            system: &System::default(),
        };
        let failed = judge.judge(answer(503, "", None)).err().unwrap();
        assert_eq!(failed.retry_after, Some(Duration::from_secs(7)));
    }

    #[test]
    fn the_step_at_which_it_stopped_tells_whether_it_may_have_been_sent() {
        for (step, failure) in [
            (Step::Connect, Failure::Unsent),
            (Step::ConnectTimeout, Failure::Unsent),
            (Step::Unsent, Failure::Unsent),
            (Step::Certificate, Failure::Unsendable),
            (Step::Exchange, Failure::Lost),
            (Step::ExchangeTimeout, Failure::Lost),
            (Step::Body, Failure::Lost),
            (Step::BodyTimeout, Failure::Lost),
        ] {
            for was_pooled in [false, true] {
                let error = ExchangeError { step, status: None, source: None, was_pooled };
                let failed = Failed::exchange(error);
                assert_eq!((failed.failure, failed.was_pooled), (failure, was_pooled));
                assert_eq!(failed.kind(), step.as_str());
            }
        }
    }
}
