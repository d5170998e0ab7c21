//! Settlements against the sandbox, on a paused clock that both share.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pingpp::sandbox::{Fault, Options, Sandbox, payer};
use pingpp::settle::Obstacle;
use pingpp::{
    Amount, Channel, Charge, Client, CreateCharge, Mode, PayBy, SettleToken, Settled, webhook,
};
use tokio::time::{Instant, sleep, timeout};

use crate::order;

const SECOND: Duration = Duration::from_secs(1);
const LOOKS: (&str, &str) = ("GET", "/v1/charges/*");
const REVERSES: (&str, &str) = ("POST", "/v1/charges/*/reverse");

/// Without signatures: their threads would not keep the clock from running on.
async fn sandbox() -> (Sandbox, Client) {
    let options = Options::builder().any_signature(true).sign_answers(false).build();
    let sandbox = Sandbox::start_with(options).await.unwrap();
    let client = Client::builder(sandbox.api_key()).unsigned().app(sandbox.app()).no_proxy();
    let client = client.base_url(sandbox.base_url()).build().unwrap();
    (sandbox, client)
}

fn scan(code: &str) -> CreateCharge {
    let mut params = order("20261123001");
    params.channel = PayBy::alipay_scan(code);
    params
}

async fn unpaid(client: &Client) -> Charge {
    client.charges().create(scan(payer::NEVER_PAYS)).await.unwrap()
}

async fn unpaid_qr(client: &Client) -> Charge {
    client.charges().create(order("20261123001")).await.unwrap()
}

fn count(sandbox: &Sandbox, method: &str, end: &str) -> usize {
    let requests = sandbox.requests();
    requests.iter().filter(|r| r.method == method && r.target.ends_with(end)).count()
}

#[tokio::test(start_paused = true)]
async fn a_payment_in_time_releases_the_goods() {
    let (sandbox, client) = sandbox().await;
    let settled = client.charges().create_and_settle(scan(payer::PAYS_AFTER_A_PIN)).await.unwrap();
    assert!(matches!(&settled, Settled::Paid(charge) if charge.paid), "{settled:?}");
    assert_eq!(count(&sandbox, "POST", "/reverse"), 0);
}

#[tokio::test(start_paused = true)]
async fn who_never_pays_is_asked_for_a_minute_and_then_reversed_once() {
    let (sandbox, client) = sandbox().await;
    let charge = unpaid(&client).await;
    let begin = Instant::now();
    let settled = client.charges().settle(&charge.id).await.unwrap();
    assert!(matches!(&settled, Settled::Closed(charge) if charge.reversed == Some(true)));
    assert!((60..63).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
    assert_eq!(count(&sandbox, "POST", "/reverse"), 1);
    let looks = count(&sandbox, "GET", charge.id.as_str());
    assert!((13..=17).contains(&looks), "{looks}");
    assert!(!sandbox.pay(&charge.id));
}

#[tokio::test(start_paused = true)]
async fn a_customer_who_walks_away_is_not_waited_for() {
    let (_sandbox, client) = sandbox().await;
    let charge = unpaid(&client).await;
    let settlement = client.charges().settle(&charge.id);
    let handle = settlement.handle();
    let begin = Instant::now();
    let (settled, ()) = tokio::join!(settlement, async {
        sleep(7 * SECOND).await;
        handle.cancel();
    });
    assert!(matches!(settled.unwrap(), Settled::Closed(_)));
    assert!(begin.elapsed() < 9 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_webhook_hurries_a_look_and_never_replaces_it() {
    let (sandbox, client) = sandbox().await;
    let charge = unpaid(&client).await;
    let settlement = client.charges().settle(&charge.id).every(50 * SECOND);
    let handle = settlement.handle();
    let begin = Instant::now();
    let (settled, ()) = tokio::join!(settlement, async {
        sleep(3 * SECOND).await;
        assert!(sandbox.pay(&charge.id));
        let delivery = &sandbox.events()[0];
        let event =
            webhook::verify(&sandbox.public_key(), Mode::Test, &delivery.signature, &delivery.body);
        handle.notify(&event.unwrap());
    });
    assert!(matches!(settled.unwrap(), Settled::Paid(_)));
    assert!(begin.elapsed() < 5 * SECOND);
    assert_eq!(count(&sandbox, "GET", charge.id.as_str()), 2);
}

#[tokio::test(start_paused = true)]
async fn a_reverse_whose_answer_is_lost_is_confirmed_by_a_look() {
    let (sandbox, client) = sandbox().await;
    let charge = unpaid(&client).await;
    for _ in 0..4 {
        sandbox.fail_next(Fault::close().after_acting().on(REVERSES.0, REVERSES.1));
    }
    let settled = client.charges().settle(&charge.id).await.unwrap();
    assert!(matches!(settled, Settled::Closed(_)), "{settled:?}");
}

/// The customer paid, no look ever showed it, and the reverse took the money back.
#[tokio::test(start_paused = true)]
async fn a_failed_look_is_never_taken_for_unpaid_nor_for_paid() {
    let (sandbox, client) = sandbox().await;
    let charge = unpaid(&client).await;
    sandbox.pay_after(&charge.id, 10 * SECOND);
    sandbox.fail(Fault::bad_gateway().on(LOOKS.0, LOOKS.1), 1.0);
    let settling = client.charges().settle(&charge.id);
    let (settled, ()) = tokio::join!(settling, async {
        sleep(70 * SECOND).await;
        sandbox.heal();
    });
    let settled = settled.unwrap();
    assert!(matches!(&settled, Settled::Refunded(charge) if charge.paid), "{settled:?}");
}

/// Where a reverse gives nothing back, its refusal and a later look prove the payment.
#[tokio::test(start_paused = true)]
async fn after_a_reverse_paid_takes_a_refusal_and_a_later_look() {
    for (accept, lost) in [(true, false), (false, false), (true, true)] {
        let (sandbox, client) = sandbox().await;
        let charge = unpaid_qr(&client).await;
        sandbox.pay_after(&charge.id, 10 * SECOND);
        sandbox.fail(Fault::bad_gateway().on(LOOKS.0, LOOKS.1), 1.0);
        if lost {
            // One reverse of which nobody knows whether it still comes.
            for _ in 0..4 {
                sandbox.fail_next(Fault::close().on(REVERSES.0, REVERSES.1));
            }
        }
        let settling = client.charges().settle(&charge.id).accept_late_payment(accept);
        let (settled, ()) = tokio::join!(settling, async {
            sleep(62 * SECOND).await;
            sandbox.heal();
        });
        match (settled.unwrap(), accept, lost) {
            (Settled::Paid(_), true, false) | (Settled::NeedsRefund(_), false, false) => {}
            (Settled::Unresolved(left), true, true) => {
                assert_eq!(left.obstacle, Obstacle::InDoubt);
                assert!(left.charge.unwrap().paid && left.token.may_have_reversed());
            }
            (other, ..) => panic!("{accept} {lost}: {other:?}"),
        }
        assert_eq!(count(&sandbox, "POST", "/refunds"), 0, "money is never refunded by itself");
    }
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_cannot_be_reversed_is_not_asked_to() {
    let (sandbox, client) = sandbox().await;
    let mut params = order("20261123001");
    params.channel = Channel::Paypal.into();
    let charge = client.charges().create(params).await.unwrap();
    let settled = client.charges().settle(&charge.id).await.unwrap();
    let Settled::Unresolved(left) = settled else { panic!("{settled:?}") };
    assert_eq!(left.obstacle, Obstacle::NotReversible);
    assert_eq!(count(&sandbox, "POST", "/reverse"), 0);
    // It goes on from there, and the customer pays after all.
    assert!(sandbox.pay(&charge.id));
    let settled = client.charges().resume(left.token).await.unwrap();
    assert!(matches!(settled, Settled::Paid(_)));
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_answer_was_lost_is_found_and_never_made_twice() {
    let (sandbox, client) = sandbox().await;
    for _ in 0..3 {
        sandbox.fail_next(Fault::close().after_acting().on("POST", "/v1/charges"));
    }
    let settled = client.charges().create_and_settle(scan(payer::PAYS_AT_ONCE)).await.unwrap();
    assert!(matches!(settled, Settled::Paid(_)), "{settled:?}");
    let mut all = client.charges().list(pingpp::ListCharges::builder().build());
    assert_eq!(all.next_page().await.unwrap().unwrap().items.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_settled_is_said_at_once() {
    let (sandbox, client) = sandbox().await;
    let error = client.charges().settle("ch_none").await.unwrap_err();
    assert_eq!(error.status(), Some(404));
    let mut refused = scan(payer::NEVER_PAYS);
    refused.amount = Amount::from_fen(0);
    assert_eq!(client.charges().create_and_settle(refused).await.unwrap_err().status(), Some(400));
    assert_eq!(
        sandbox.requests().len(),
        3,
        "the 404 came over a pooled connection, and was asked for once more"
    );
    // A token of a later version is not guessed at.
    let charge = unpaid(&client).await;
    let token = Arc::<Mutex<Option<SettleToken>>>::default();
    let keep = Arc::clone(&token);
    let settlement = client.charges().settle(&charge.id).on_transition(move |token| {
        *keep.lock().unwrap() = Some(token);
        async {}
    });
    assert!(timeout(SECOND, settlement).await.is_err());
    let mut json = serde_json::to_value(token.lock().unwrap().clone().unwrap()).unwrap();
    assert!(!json.to_string().contains(sandbox.api_key()));
    json["version"] = 2.into();
    let error = client.charges().resume(serde_json::from_value(json).unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("version 2"), "{error}");
}

/// The process dies at every token it hands over, and goes on with it elsewhere.
#[tokio::test(start_paused = true)]
async fn killed_anywhere_and_resumed_it_ends_the_same() {
    for pays in [false, true] {
        for dies_at in 0..8 {
            let (sandbox, client) = sandbox().await;
            let charge = unpaid(&client).await;
            if pays {
                sandbox.pay_after(&charge.id, 30 * SECOND);
            }
            let tokens = Arc::<Mutex<Vec<String>>>::default();
            let kept = Arc::clone(&tokens);
            let settlement = client.charges().settle(&charge.id).on_transition(move |token| {
                let mut kept = kept.lock().unwrap();
                kept.push(serde_json::to_string(&token).unwrap());
                let dead = kept.len() > dies_at;
                async move {
                    if dead {
                        std::future::pending::<()>().await;
                    }
                }
            });
            let first = timeout(1_000 * SECOND, settlement).await;
            let settled = match first {
                Ok(settled) => settled.unwrap(),
                Err(_) => {
                    let token = tokens.lock().unwrap().last().cloned().unwrap();
                    // The charge is as good as ever, but much later.
                    let token = serde_json::from_str(&token).unwrap();
                    client.charges().resume(token).await.unwrap()
                }
            };
            match settled {
                Settled::Paid(_) if pays => {}
                Settled::Closed(_) if !pays => {}
                other => panic!("{pays} {dies_at}: {other:?}"),
            }
        }
    }
}
