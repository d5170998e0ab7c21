//! The words with which Ping++ says what went wrong; for errors, and for failures inside objects.

use crate::macros::open_enum::open_enum;

open_enum! {
    /// `error.type`: the kind of an error answer.
    pub enum ErrorType {
        /// A parameter, the id or the API key is wrong.
        InvalidRequestError = "invalid_request_error",
        /// Ping++ itself failed.
        ApiError = "api_error",
        /// The payment channel refused or failed.
        ChannelError = "channel_error",
        /// The card was refused (old).
        CardError = "card_error",
    }
}

open_enum! {
    /// `error.code` of an error answer and `failure_code` of an object: the reason, for programs.
    pub enum ErrorCode {
        /// The charge was closed.
        ChargeClosed = "charge_closed",
        /// The state of the charge does not allow it.
        ChargeUnexpectedStatus = "charge_unexpected_status",
        /// The order_no belongs to another charge.
        ChargeOrderNoUsed = "charge_order_no_used",
        /// The charge belongs to an order; use the order's operation.
        ChargeRequestInvalid = "charge_request_invalid",
        /// The merchant must act: the message ends with a page to open the same day.
        RefundWaitOperation = "refund_wait_operation",
        /// The channel refused the refund.
        RefundRefused = "refund_refused",
        /// The channel refused the refund; the message carries its words.
        RefundRefusedMsg = "refund_refused_msg",
        /// Try the refund again later.
        RefundRetry = "refund_retry",
        /// The refund needs work by hand.
        RefundManualIntervention = "refund_manual_intervention",
        /// The state of the refund does not allow it.
        RefundUnexpectedStatus = "refund_unexpected_status",
        /// The refund is under way.
        RefundPending = "refund_pending",
        /// The refund failed.
        RefundFailed = "refund_failed",
        /// There is no such refund.
        RefundNotFound = "refund_not_found",
        /// A message of the channel about the refund.
        RefundInfoFromChannel = "refund_info_from_channel",
        /// The channel could not be reached, or did not answer in time.
        ChannelConnectionError = "channel_connection_error",
        /// The channel did not take the request.
        ChannelRequestError = "channel_request_error",
        /// The channel's answer could not be read.
        ChannelParseError = "channel_parse_error",
        /// The channel's signature is wrong.
        ChannelSignError = "channel_sign_error",
        /// The channel did something unexpected.
        ChannelUnexpectedError = "channel_unexpected_error",
        /// The channel does not like a parameter.
        ChannelParameterError = "channel_parameter_error",
        /// The channel does not accept the merchant.
        ChannelAuthError = "channel_auth_error",
        /// The channel answered with a failure.
        ChannelResponseCodeFail = "channel_response_code_fail",
        /// The channel's parameters contradict each other.
        ChannelParametersConsistencyError = "channel_parameters_consistency_error",
        /// A message of the channel.
        ChannelRequestInfo = "channel_request_info",
        /// The channel's notification could not be matched.
        ChannelNotifyIdError = "channel_notify_id_error",
        /// The channel has no red envelopes.
        ChannelNotSupportRedEnvelope = "channel_not_support_red_envelope",
        /// The channel has no transfers.
        ChannelNotSupportTransfer = "channel_not_support_transfer",
        /// No right to query.
        QueryRightError = "query_right_error",
        /// The merchant must confirm the transfer.
        TransferWaitOperation = "transfer_wait_operation",
        /// Busy: try again with the same order_no, only one red envelope is sent.
        RedSystemBusy = "red_system_busy",
        /// Busy: try again with the same order_no, only one transfer is made.
        TransferSystemBusy = "transfer_system_busy",
        /// The card was declined (old).
        CardDeclined = "card_declined",
        /// The card is being verified (old).
        UnderVerification = "under_verification",
        /// The card is bound already (old).
        AlreadyBound = "already_bound",
        /// The card may not be bound (old).
        BindingUnauthorized = "binding_unauthorized",
        /// The card belongs to somebody else (old).
        CardholderNotMatch = "cardholder_not_match",
        /// The text message could not be sent (old).
        SendSmsFailed = "send_sms_failed",
    }
}
