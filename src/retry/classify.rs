//! Classifies failed attempts by what they prove about the operation: pure decisions, no I/O.

use crate::error::{ErrorCode, ErrorDetail, ErrorType, Outcome};

/// How an attempt failed, as far as repeating it is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Provably not sent; a retry can succeed.
    Unsent,
    /// Provably not sent; a retry would fail the same way.
    Unsendable,
    /// Possibly carried out; no answer.
    Lost,
    /// Possibly carried out; the answer cannot be read. Worth one retry.
    Garbled,
    /// An answer about something else, or one that does not say that it was done. On a pooled
    /// connection it may have been meant for an earlier request.
    Mismatch,
    /// Possibly carried out, and a retry would not tell more.
    Unclear,
    /// A rate limit of Ping++; not carried out.
    RateLimited,
    /// A rate limit of an intermediary; possibly carried out.
    Throttled,
    /// A refusal by an intermediary, which may have passed the request on.
    Foreign,
    /// A redirect, which is never followed.
    Redirected,
    /// Ping++ answered that it did not do it.
    Refused,
}

impl Failure {
    /// The outcome of an attempt with this failure. `reads` is whether the request changes nothing.
    pub(crate) fn outcome(self, reads: bool) -> Outcome {
        match self {
            Self::Unsent | Self::Unsendable => Outcome::NotSent,
            Self::RateLimited | Self::Refused => Outcome::Rejected,
            Self::Throttled | Self::Foreign | Self::Redirected if reads => Outcome::Rejected,
            Self::Throttled | Self::Foreign | Self::Redirected => Outcome::Unknown,
            Self::Lost | Self::Garbled | Self::Mismatch | Self::Unclear => Outcome::Unknown,
        }
    }

    /// Whether there were too many requests at a time, as far as is known.
    pub(crate) fn is_limit(self) -> bool {
        matches!(self, Self::RateLimited | Self::Throttled)
    }

    /// Reads the status of an answer that is not a 2xx. `detail` is `None` if the body has no
    /// `error` object.
    pub(crate) fn of_status(status: u16, detail: Option<&ErrorDetail>) -> Self {
        let of_pingxx = detail.filter(|detail| detail.is_of_pingxx());
        let code = detail.and_then(|detail| detail.code.as_ref());
        match (status, of_pingxx) {
            // A doubtful code overrides the status: the channel may have acted.
            _ if code.is_some_and(is_doubtful) => Self::Unclear,
            (408 | 500..=599, _) => Self::Lost,
            (403 | 429, Some(_)) => Self::RateLimited,
            (403 | 429, None) if detail.is_some() => Self::Throttled,
            // A channel that did not answer in time is a 402 as well.
            (402, Some(_)) if code.is_some_and(is_refusal) => Self::Refused,
            (402, _) => Self::Unclear,
            // The channel was asked, and did not clearly refuse.
            (400..=499, Some(ErrorDetail { kind: Some(ErrorType::ChannelError), .. }))
                if !code.is_some_and(is_refusal) =>
            {
                Self::Unclear
            }
            (400..=499, Some(_)) => Self::Refused,
            (400..=499, None) => Self::Foreign,
            (300..=399, _) => Self::Redirected,
            _ => Self::Unclear,
        }
    }
}

/// Codes with which Ping++ or the channel says that it did not do it and will not.
fn is_refusal(code: &ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::ChargeClosed
            | ErrorCode::ChargeUnexpectedStatus
            | ErrorCode::ChargeOrderNoUsed
            | ErrorCode::ChargeRequestInvalid
            | ErrorCode::RefundRefused
            | ErrorCode::RefundRefusedMsg
            | ErrorCode::RefundUnexpectedStatus
            | ErrorCode::RefundNotFound
            | ErrorCode::ChannelNotSupportRedEnvelope
            | ErrorCode::ChannelNotSupportTransfer
            | ErrorCode::QueryRightError
    )
}

/// Codes that leave open what the channel did: it could not be reached, or did not answer clearly.
/// Others that are not refusals are doubtful as the reason of a 402 only.
fn is_doubtful(code: &ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::ChannelConnectionError
            | ErrorCode::ChannelParseError
            | ErrorCode::ChannelSignError
            | ErrorCode::ChannelUnexpectedError
            | ErrorCode::ChannelResponseCodeFail
            | ErrorCode::ChannelRequestInfo
            | ErrorCode::ChannelNotifyIdError
            | ErrorCode::RefundRetry
            | ErrorCode::RefundPending
            | ErrorCode::RefundManualIntervention
            | ErrorCode::RefundWaitOperation
            | ErrorCode::RefundInfoFromChannel
            | ErrorCode::TransferWaitOperation
            | ErrorCode::TransferSystemBusy
            | ErrorCode::RedSystemBusy
    )
}

/// The outcome of a call from the outcomes of its attempts: one that may have been carried out stays
/// unknown, whatever a later attempt is told.
pub(crate) fn combined(attempts: impl IntoIterator<Item = Outcome>) -> Outcome {
    attempts.into_iter().fold(Outcome::NotSent, |sum, next| match (sum, next) {
        (Outcome::Unknown, _) | (_, Outcome::Unknown) => Outcome::Unknown,
        (Outcome::Rejected, _) | (_, Outcome::Rejected) => Outcome::Rejected,
        (Outcome::NotSent, Outcome::NotSent) => Outcome::NotSent,
    })
}
