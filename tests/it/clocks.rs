//! A clock that is off is told, and corrected on request.

use std::time::Duration;

use pingpp::sandbox::{Options, Sandbox, SignatureCheck};
use pingpp::{CreateRefund, Outcome};

use crate::order;

const MINUTES: i64 = 60;

/// A server that demands five minutes and is this far ahead of this machine.
async fn sandbox(ahead: i64) -> Sandbox {
    let tolerance = Duration::from_secs(5 * 60);
    let options = Options::builder().clock_tolerance(tolerance).clock_ahead(ahead);
    Sandbox::start_with(options).await.unwrap()
}

#[tokio::test]
async fn a_clock_that_is_off_is_named_in_the_refusal() {
    for (ahead, told) in [
        (-14 * MINUTES, "this machine's clock is 14 minutes ahead of the server's"),
        (14 * MINUTES, "this machine's clock is 14 minutes behind the server's"),
    ] {
        let sandbox = sandbox(ahead).await;
        let client = sandbox.client();
        assert_eq!(client.clock_skew(), None);
        let error = client.charges().create(order("20261123001")).await.unwrap_err();
        assert_eq!((error.status(), error.outcome()), (Some(401), Outcome::Rejected));
        assert!(error.to_string().contains(told), "{error}");
        let skew = client.clock_skew().unwrap();
        assert_eq!(skew.is_ahead, ahead < 0);
        assert!(skew.by.abs_diff(Duration::from_secs(14 * 60)) < Duration::from_secs(3));
    }
    // Within what is tolerated it is no explanation, and so not told.
    let sandbox = sandbox(0).await;
    let error = sandbox.client().charges().reverse("ch_1").api_key("sk_test_x").await.unwrap_err();
    assert!(!error.to_string().contains("clock"), "{error}");
}

#[tokio::test]
async fn a_clock_that_is_off_is_corrected_on_request() {
    for ahead in [-14 * MINUTES, 14 * MINUTES, 3 * 24 * 60 * MINUTES] {
        let sandbox = sandbox(ahead).await;
        let client = sandbox.builder().correct_clock_skew(true).build().unwrap();
        let charge = client.charges().create(order("20261123001")).await.unwrap();
        assert!(sandbox.pay(&charge.id));
        let refund = CreateRefund::builder().description("d");
        client.refunds(&charge.id).create(refund).await.unwrap();
        // The first attempt taught it the time.
        let requests = sandbox.requests();
        assert_eq!(
            requests.iter().map(|r| r.status).collect::<Vec<_>>(),
            [Some(401), Some(200), Some(200)]
        );
        assert!(requests.iter().all(|request| request.signature == SignatureCheck::Verified));
    }
}

/// A gateway's clock is not Ping++'s.
#[tokio::test]
async fn a_date_of_somebody_in_between_changes_no_timestamp() {
    use crate::raw::{Act, Server, json, with_headers};
    let server = Server::start(|request| match request.number {
        0 => Act::Write(with_headers(502, "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", b"<html>")),
        _ => Act::Write(json(200, &crate::charge())),
    })
    .await;
    let client = server.builder().correct_clock_skew(true).build().unwrap();
    client.charges().reverse(crate::ID).await.unwrap();
    let timestamps: Vec<i64> = server
        .requests()
        .iter()
        .map(|r| r.header("pingplusplus-request-timestamp").unwrap().parse().unwrap())
        .collect();
    assert!(timestamps[1] - timestamps[0] < 60 && timestamps[1] > 1_700_000_000, "{timestamps:?}");
    assert_eq!(client.clock_skew(), None);
}

#[tokio::test]
async fn a_refund_that_is_refused_because_of_the_clock_is_not_sent_again_by_itself() {
    let sandbox = sandbox(14 * MINUTES).await;
    let client = sandbox.builder().correct_clock_skew(true).build().unwrap();
    let refund = CreateRefund::builder().description("d");
    let error = client.refunds("ch_1").create(refund).await.unwrap_err();
    assert_eq!((error.outcome(), sandbox.requests().len()), (Outcome::Rejected, 1));
}
