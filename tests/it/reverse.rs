//! The main job, on the sandbox.

use pingpp::sandbox::{Sandbox, SignatureCheck};
use pingpp::{Channel, ErrorCode, ErrorType, Outcome, Request};

use crate::order;

#[tokio::test]
async fn an_unpaid_charge_is_reversed_signed_and_typed() {
    let sandbox = Sandbox::start().await.unwrap();
    let charges = sandbox.client().charges();
    let unpaid = charges.create(order("1")).await.unwrap();
    assert_eq!((unpaid.reversed, unpaid.channel.clone()), (Some(false), Some(Channel::AlipayQr)));

    let reversed = charges.reverse(&unpaid.id).await.unwrap();
    assert_eq!(reversed.reversed, Some(true));
    assert_eq!(reversed.id, unpaid.id);

    let requests = sandbox.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|request| request.signature == SignatureCheck::Verified));
    assert_eq!(requests[1].target, format!("/v1/charges/{}/reverse", unpaid.id));
    assert_eq!(requests[1].body, b"{}");
}

#[tokio::test]
async fn reversing_twice_ends_like_reversing_once() {
    let sandbox = Sandbox::start().await.unwrap();
    let charges = sandbox.client().charges();
    let charge = charges.create(order("1")).await.unwrap();
    let first = charges.reverse(&charge.id).await.unwrap();
    assert_eq!(charges.reverse(charge.id.as_str()).await.unwrap(), first);
    assert_eq!(charges.retrieve(&charge.id).await.unwrap(), first);
}

#[tokio::test]
async fn a_paid_charge_of_another_channel_is_refused_and_says_why() {
    let sandbox = Sandbox::start().await.unwrap();
    let charges = sandbox.client().charges();
    let mut params = order("01");
    params.channel = Channel::Wx.into();
    let charge = charges.create(params).await.unwrap();
    assert!(sandbox.pay(&charge.id));
    let error = charges.reverse(&charge.id).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Rejected);
    assert!(!error.is_retryable());
    let api = error.api().unwrap();
    assert_eq!(api.code(), Some(&ErrorCode::ChargeUnexpectedStatus));
    assert_eq!(api.kind(), Some(&ErrorType::InvalidRequestError));
    assert!(api.message().contains("refund"), "{api}");
}

#[tokio::test]
async fn an_unknown_charge_is_a_rejection_that_names_the_parameter() {
    let sandbox = Sandbox::start().await.unwrap();
    let error = sandbox.client().charges().reverse("ch_none").await.unwrap_err();
    assert_eq!((error.status(), error.outcome()), (Some(404), Outcome::Rejected));
    assert_eq!(error.api().unwrap().param(), Some("id"));
    assert_eq!(error.attempts().len(), 1);
}

#[tokio::test]
async fn any_operation_can_be_called_with_the_same_signature() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = sandbox.client();
    let charge = client.charges().create(order("1")).await.unwrap();
    let request = Request::get("/v1/charges/{id}", &[charge.id.as_str()]);
    let request = request.query("expand[]", "app");
    let value: serde_json::Value = client.call(request).await.unwrap();
    assert_eq!(value["app"]["id"], sandbox.app());
}

#[tokio::test]
async fn two_accounts_live_side_by_side() {
    let (one, two) = (Sandbox::start().await.unwrap(), Sandbox::start().await.unwrap());
    let charge = one.client().charges().create(order("1")).await.unwrap();
    let (there, elsewhere) = tokio::join!(
        one.client().charges().retrieve(&charge.id),
        two.client().charges().retrieve(&charge.id),
    );
    assert_eq!(there.unwrap(), charge);
    assert_eq!(elsewhere.unwrap_err().status(), Some(404));
}

#[tokio::test]
async fn an_answer_signed_by_ping_is_accepted_and_by_another_never() {
    let sandbox = Sandbox::start().await.unwrap();
    let stranger = crate::merchant_key().public_key();
    let charge = sandbox.client().charges().create(order("1")).await.unwrap();

    let rotating = sandbox
        .builder()
        .verify_responses(stranger.clone())
        .verify_responses(sandbox.public_key())
        .build()
        .unwrap();
    assert_eq!(rotating.charges().retrieve(&charge.id).await.unwrap(), charge);

    let deceived = sandbox.builder().verify_responses(stranger).build().unwrap();
    let error = deceived.charges().reverse(&charge.id).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert!(matches!(&error, pingpp::Error::Response(flaw) if flaw.is_security()), "{error}");
    assert_eq!(error.attempts().len(), 1, "not asked again");
}
