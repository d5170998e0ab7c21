//! Settlements against the sandbox, on a paused clock that both share.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pingpp::sandbox::{Fault, Sandbox, SignatureCheck, payer};
use pingpp::settle::{Next, Obstacle, Step, StepKind, Stop};
use pingpp::{
    Amount, Channel, Charge, Client, CreateCharge, Mode, PayBy, SettleToken, Settled, webhook,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::order;

const SECOND: Duration = Duration::from_secs(1);
const LOOKS: (&str, &str) = ("GET", "/v1/charges/*");
const REVERSES: (&str, &str) = ("POST", "/v1/charges/*/reverse");

async fn sandbox() -> (Sandbox, Client) {
    let sandbox = Sandbox::start().await.unwrap();
    let client = sandbox.client();
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

/// Where a reverse gives nothing back, a payment that is seen is final.
#[tokio::test(start_paused = true)]
async fn where_no_reverse_gives_money_back_a_payment_is_final_at_once() {
    for (accept, lost) in [(true, false), (false, false), (true, true)] {
        let (sandbox, client) = sandbox().await;
        let charge = unpaid_qr(&client).await;
        // `time_paid` and `Date` have whole seconds, so that a payment is late for sure two seconds later.
        sandbox.pay_after(&charge.id, if accept { 10 * SECOND } else { 62 * SECOND });
        sandbox.fail(Fault::bad_gateway().on(LOOKS.0, LOOKS.1), 1.0);
        if lost {
            // One reverse of which nobody knows whether it still comes.
            for _ in 0..4 {
                sandbox.fail_next(Fault::close().on(REVERSES.0, REVERSES.1));
            }
        }
        let begin = Instant::now();
        let settling = client.charges().settle(&charge.id).accept_late_payment(accept);
        let reverses = Fault::close().on(REVERSES.0, REVERSES.1);
        let (settled, ()) = tokio::join!(settling, async {
            if !accept {
                sandbox.fail(reverses, 1.0);
            }
            sleep(63 * SECOND).await;
            sandbox.heal();
        });
        match (settled.unwrap(), accept) {
            (Settled::Paid(_), true) | (Settled::NeedsRefund(_), false) => {}
            (other, _) => panic!("{accept} {lost}: {other:?}"),
        }
        assert!(begin.elapsed() < 90 * SECOND);
        assert_eq!(count(&sandbox, "POST", "/refunds"), 0, "money is never refunded by itself");
    }
}

/// Where a reverse gives money back, one that is in doubt may still be on its way.
#[tokio::test(start_paused = true)]
async fn after_a_doubtful_reverse_a_payment_takes_a_look_five_minutes_later() {
    let (sandbox, client) = sandbox().await;
    let charge = unpaid(&client).await;
    sandbox.pay_after(&charge.id, 10 * SECOND);
    sandbox.fail(Fault::bad_gateway().on(LOOKS.0, LOOKS.1), 1.0);
    sandbox.fail(Fault::close().on(REVERSES.0, REVERSES.1), 1.0);
    let begin = Instant::now();
    let (settled, ()) = tokio::join!(client.charges().settle(&charge.id), async {
        sleep(62 * SECOND).await;
        sandbox.heal();
    });
    assert!(matches!(settled.unwrap(), Settled::Paid(_)));
    let reverses = count(&sandbox, "POST", "/reverse");
    assert!((2..=4).contains(&reverses), "none once the payment was seen: {reverses}");
    let took = begin.elapsed().as_secs();
    assert!((360..400).contains(&took), "{took}");
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
async fn only_a_request_that_cannot_be_made_is_an_error() {
    let (sandbox, client) = sandbox().await;
    // A look that fails is never an end, whatever it was answered.
    let settled = client.charges().settle("ch_none").await.unwrap();
    let Settled::Unresolved(left) = settled else { panic!("{settled:?}") };
    assert!(matches!(left.obstacle, Obstacle::LookFailed { status: Some(404), .. }));
    assert!(left.to_string().contains("404"), "{left}");
    assert!(count(&sandbox, "POST", "/reverse") > 0, "unclear, so it was to be closed");

    let mut refused = scan(payer::NEVER_PAYS);
    refused.amount = Amount::from_fen(0);
    let settled = client.charges().create_and_settle(refused).await.unwrap();
    let Settled::NotCreated(not) = &settled else { panic!("{settled:?}") };
    assert_eq!((not.status, not.order_no.as_str()), (Some(400), "20261123001"));
    assert!(settled.to_string().contains("no charge of order 20261123001"), "{settled}");

    assert!(matches!(client.charges().settle("").await, Err(pingpp::Error::Build(_))));
    assert!(client.charges().settle("..").token().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_create_that_was_lost_before_it_arrived_is_not_created_after_ten_minutes() {
    let (sandbox, client) = sandbox().await;
    sandbox.fail(Fault::close().on("POST", "/v1/charges"), 1.0);
    let begin = Instant::now();
    let settled = client.charges().create_and_settle(scan(payer::PAYS_AT_ONCE)).await.unwrap();
    assert!(matches!(&settled, Settled::NotCreated(not) if not.status.is_none()), "{settled:?}");
    let minutes = begin.elapsed().as_secs() / 60;
    assert!((10..=12).contains(&minutes), "{minutes}");
}

/// An order number that a charge of another day used as well is not taken for the lost create.
#[tokio::test(start_paused = true)]
async fn several_charges_of_one_order_are_each_settled_and_at_most_one_is_paid() {
    let (sandbox, client) = sandbox().await;
    let qr = |number| order(number);
    client.charges().create(qr("20261123001")).await.unwrap();
    sandbox.advance(24 * 3_600 * SECOND);
    // Two charges with one number: the second create comes when the first is no repeat any more.
    let first = client.charges().create(qr("20261123001")).await.unwrap();
    sleep(61 * SECOND).await;
    let token = client.charges().create_and_settle(qr("20261123001")).token().unwrap();
    let mut json = serde_json::to_value(&token).unwrap();
    json["started"] = (json["started"].as_u64().unwrap() - 70_000).into();
    let second = client.charges().create(qr("20261123001")).await.unwrap();
    assert_ne!(first.id, second.id);
    assert!(sandbox.pay(&second.id));
    assert!(sandbox.pay(&first.id));
    let token: SettleToken = serde_json::from_value(json).unwrap();
    let settled = client.charges().resume(token).await.unwrap();
    let Settled::Several(all) = &settled else { panic!("{settled:?}") };
    assert!(matches!(all.as_slice(), [Settled::Paid(_), Settled::NeedsRefund(_)]), "{settled}");
    assert_eq!(settled.paid().unwrap().id, first.id);
}

/// The process dies at every token it hands over, and goes on with it elsewhere.
#[tokio::test(start_paused = true)]
async fn killed_anywhere_and_resumed_it_ends_the_same() {
    for pays in [false, true] {
        for dies_at in 0..5 {
            let (sandbox, client) = sandbox().await;
            let charge = unpaid(&client).await;
            if pays {
                sandbox.pay_after(&charge.id, 30 * SECOND);
            }
            let tokens = Arc::<Mutex<Vec<String>>>::default();
            let kept = Arc::clone(&tokens);
            let settlement = client.charges().settle(&charge.id).on_step(move |step| {
                let mut kept = kept.lock().unwrap();
                kept.push(step.token.to_string());
                let dead = kept.len() > dies_at;
                async move {
                    if dead {
                        std::future::pending::<()>().await;
                    }
                    Ok(())
                }
            });
            let first = timeout(1_000 * SECOND, settlement).await;
            let settled = match first {
                Ok(settled) => settled.unwrap(),
                Err(_) => {
                    let token = tokens.lock().unwrap().last().cloned().unwrap();
                    // The charge is as good as ever, but much later.
                    client.charges().resume(token.parse().unwrap()).await.unwrap()
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

/// What the hook was told: the kinds in their order, and the last token.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<(Vec<&'static str>, Option<SettleToken>)>>);

impl Kept {
    fn keep(&self, step: Step) -> &'static str {
        let name = match step.kind {
            StepKind::Look => "look",
            StepKind::Create => "create",
            StepKind::Reverse => "reverse",
            StepKind::Ended(_) => "ended",
            _ => "?",
        };
        let mut kept = self.0.lock().unwrap();
        kept.0.push(name);
        kept.1 = Some(step.token);
        name
    }

    fn kinds(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().0.clone()
    }

    fn token(&self) -> SettleToken {
        self.0.lock().unwrap().1.clone().unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn the_hook_is_called_before_each_effect_and_before_the_ending_is_told() {
    let (sandbox, client) = sandbox().await;
    let (kept, seen) = (Kept::default(), Kept::default());
    let inside = kept.clone();
    let settlement = client.charges().create_and_settle(scan(payer::NEVER_PAYS));
    let settled = settlement.on_step(move |step| {
        inside.keep(step);
        async { Ok(()) }
    });
    let settled = settled.await.unwrap();
    assert_eq!(kept.kinds(), ["create", "look", "reverse", "look", "ended"]);
    // Rule 4: the ending stands in the token, and nothing is asked again.
    let asked = sandbox.requests().len();
    let token: SettleToken = kept.token().to_string().parse().unwrap();
    assert_eq!(token.order_no(), Some("20261123001"));
    assert_eq!(token.app().unwrap().as_str(), sandbox.app());
    assert_eq!((token.due(), token.charge()), (None, settled.charge().map(|charge| &charge.id)));
    let inside = seen.clone();
    let again = client.charges().resume(token.clone()).on_step(move |step| {
        inside.keep(step);
        async { Ok(()) }
    });
    let again = again.await.unwrap();
    assert_eq!(again.to_string(), settled.to_string());
    assert_eq!(token.ending(), Some(again));
    assert_eq!(seen.kinds(), ["ended"]);
    let Next::Ended(_, stepped) = token.clone().step(&client).await.unwrap() else { panic!() };
    assert_eq!(Some(stepped), token.ending());
    assert_eq!(sandbox.requests().len(), asked);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_when_the_token_was_not_kept() {
    for stops_at in ["create", "reverse", "ended"] {
        let (sandbox, client) = sandbox().await;
        let kept = Kept::default();
        let inside = kept.clone();
        let settlement = client.charges().create_and_settle(scan(payer::NEVER_PAYS));
        let settled = settlement.on_step(move |step| {
            let kind = inside.keep(step);
            async move { if kind == stops_at { Err(Stop) } else { Ok(()) } }
        });
        let settled = settled.await.unwrap();
        let Settled::Unresolved(left) = settled else { panic!("{settled:?}") };
        assert_eq!(left.obstacle, Obstacle::Stopped);
        let effects = (count(&sandbox, "POST", "/charges"), count(&sandbox, "POST", "/reverse"));
        match stops_at {
            "create" => assert_eq!(effects, (0, 0)),
            "reverse" => assert_eq!(effects, (1, 0)),
            _ => assert_eq!(effects, (1, 1)),
        }
        // The owner goes on with what it was given.
        if stops_at != "create" {
            let settled = client.charges().resume(left.token).await.unwrap();
            assert!(matches!(settled, Settled::Closed(_)), "{settled:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_makes_at_most_one_request_and_an_effect_takes_two_steps() {
    let (sandbox, client) = sandbox().await;
    let charge = unpaid(&client).await;
    let mut token = SettleToken::new(&charge.id);
    let mut row = token.to_string();
    let settled = loop {
        let before = sandbox.requests().len();
        token = row.parse().unwrap();
        let intent = row.contains(r#""phase":"reverse""#);
        match token.step(&client).await.unwrap() {
            Next::Wait(token, wait) => {
                row = token.to_string();
                if row.contains(r#""phase":"reverse""#) {
                    assert_eq!(wait, Duration::ZERO);
                }
                sleep(wait).await;
            }
            Next::Ended(_, settled) => break settled,
            other => panic!("{other:?}"),
        }
        let requests = sandbox.requests();
        assert!(requests.len() <= before + 1);
        let reversed = requests[before..].iter().any(|request| request.method == "POST");
        assert_eq!(reversed, intent, "only a token that carries the intent sends");
    };
    assert!(matches!(settled, Settled::Closed(_)), "{settled:?}");
}

#[tokio::test(start_paused = true)]
async fn a_worker_creates_by_steps_too() {
    let (sandbox, client) = sandbox().await;
    let order = scan(payer::PAYS_AT_ONCE);
    let token = client.charges().create_and_settle(order.clone()).token().unwrap();
    let Next::Wait(token, wait) = token.create(&client, order.clone()).await.unwrap() else {
        panic!()
    };
    assert_eq!(wait, Duration::ZERO);
    let Next::Ended(token, settled) = token.step(&client).await.unwrap() else { panic!() };
    assert!(matches!(settled, Settled::Paid(_)));
    let mut other = order;
    other.order_no = "20261123002".into();
    assert!(token.create(&client, other).await.is_err(), "a token settles one order");
    assert_eq!(count(&sandbox, "POST", "/charges"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_can_be_cancelled_and_a_cancellation_is_heard_during_a_look() {
    let (_sandbox, client) = sandbox().await;
    let charge = unpaid(&client).await;
    let mut token = SettleToken::new(&charge.id);
    token.cancel();
    let begin = Instant::now();
    let settled = client.charges().resume(token).await.unwrap();
    assert!(matches!(settled, Settled::Closed(_)));
    assert!(begin.elapsed() < SECOND);

    let (sandbox, client) = sandbox().await;
    let charge = unpaid(&client).await;
    sandbox.fail_next(Fault::slow(Duration::from_millis(5)).on(LOOKS.0, LOOKS.1));
    let settlement = client.charges().settle(&charge.id).every(50 * SECOND);
    let handle = settlement.handle();
    let begin = Instant::now();
    let (settled, ()) = tokio::join!(settlement, async {
        sleep(SECOND).await;
        handle.cancel();
    });
    assert!(matches!(settled.unwrap(), Settled::Closed(_)));
    assert!(begin.elapsed() < 20 * SECOND, "{:?}", begin.elapsed());
}

/// A token as the first version wrote it.
#[tokio::test(start_paused = true)]
async fn a_token_of_the_first_version_resumes_and_one_of_a_later_version_is_not_guessed_at() {
    let (sandbox, client) = sandbox().await;
    let charge = unpaid(&client).await;
    let first = |phase: &str, subject: Value| {
        json!({
            "version": 1, "subject": subject,
            "core": {
                "every": 5_000, "give_up_after": 60_000, "resolve_within": 600_000,
                "accept_late_payment": true, "started": 1_795_363_200_000_u64, "gave_up": null,
                "phase": phase, "reverses": 0, "refusals": 0, "pauses": 0,
            }
        })
    };
    let token: SettleToken =
        serde_json::from_value(first("polling", json!({ "charge": charge.id }))).unwrap();
    assert_eq!(token.charge(), Some(&charge.id));
    let settled = client.charges().resume(token).await.unwrap();
    assert!(matches!(settled, Settled::Closed(_)), "{settled:?}");

    let order = json!({ "order": { "app": sandbox.app(), "order_no": "1", "since": 1 } });
    let token: SettleToken = serde_json::from_value(first("polling", order)).unwrap();
    assert_eq!((token.order_no(), token.charge()), (Some("1"), None));

    // Of a later version: kept as it came, and not worked on.
    let mut later = serde_json::to_value(SettleToken::new(&charge.id)).unwrap();
    assert_eq!(later["version"], 2);
    later["new"] = json!({ "field": [1] });
    let token: SettleToken = serde_json::from_value(later.clone()).unwrap();
    assert_eq!(serde_json::to_value(&token).unwrap(), later, "unknown fields survive");
    later["version"] = 3.into();
    let token: SettleToken = serde_json::from_value(later.clone()).unwrap();
    assert_eq!(serde_json::to_value(&token).unwrap(), later);
    let error = token.clone().step(&client).await.unwrap_err();
    assert!(error.to_string().contains("version 3"), "{error}");
    assert!(client.charges().resume(token).await.is_err());
    for wrong in ["", "{}", r#"{"version":2}"#, r#"{"version":0,"charge":"ch_1"}"#] {
        assert!(wrong.parse::<SettleToken>().is_err(), "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn options_travel_in_the_token_and_secrets_do_not() {
    let (sandbox, client) = sandbox().await;
    let params = scan(payer::PAYS_AT_ONCE);
    let code = payer::PAYS_AT_ONCE;
    let kept = Kept::default();
    let inside = kept.clone();
    let settlement = client.charges().create_and_settle(params).every(2 * SECOND);
    let settlement = settlement.give_up_after(90 * SECOND).on_step(move |step| {
        inside.keep(step);
        async { Ok(()) }
    });
    assert!(matches!(settlement.await.unwrap(), Settled::Paid(_)));
    let json: Value = serde_json::from_str(&kept.token().to_string()).unwrap();
    assert_eq!((&json["every"], &json["give_up_after"]), (&json!(2_000), &json!(90_000)));
    assert_eq!(json.get("resolve_within"), None, "what was not set does not travel");
    for secret in [sandbox.api_key(), code] {
        assert!(!json.to_string().contains(secret), "{json}");
    }
}

/// Under paused time an hour is an hour for a token, too.
#[tokio::test(start_paused = true)]
async fn an_hour_of_paused_time_is_an_hour_for_a_token() {
    let (sandbox, client) = sandbox().await;
    let charge = unpaid(&client).await;
    let settlement = client.charges().settle(&charge.id).give_up_after(3_600 * SECOND);
    let token = settlement.token().unwrap();
    let Next::Wait(token, _) = token.step(&client).await.unwrap() else { panic!() };
    sleep(3_590 * SECOND).await;
    let Next::Wait(token, wait) = token.step(&client).await.unwrap() else { panic!() };
    assert_eq!(wait, 5 * SECOND);
    sleep(12 * SECOND).await;
    assert_eq!(count(&sandbox, "POST", "/reverse"), 0);
    let Next::Wait(token, wait) = token.step(&client).await.unwrap() else { panic!() };
    assert_eq!((wait, token.may_have_reversed()), (Duration::ZERO, true), "it gave up");
    // An unanswered look does not turn the clock back either.
    sandbox.fail(Fault::close().on(LOOKS.0, LOOKS.1), 1.0);
    let token = client.charges().settle(&charge.id).token().unwrap();
    sleep(3_600 * SECOND).await;
    let Next::Wait(token, _) = token.step(&client).await.unwrap() else { panic!() };
    assert!(token.may_have_reversed(), "a minute was over long ago");
}

/// The server's clock is what counts, also when it jumps.
#[tokio::test(start_paused = true)]
async fn a_minute_of_the_sandbox_s_clock_is_a_minute_for_a_settlement() {
    let (sandbox, client) = sandbox().await;
    let charge = unpaid(&client).await;
    let begin = Instant::now();
    let (settled, ()) = tokio::join!(client.charges().settle(&charge.id), async {
        sleep(7 * SECOND).await;
        sandbox.advance(60 * SECOND);
    });
    assert!(matches!(settled.unwrap(), Settled::Closed(_)));
    assert!(begin.elapsed() < 13 * SECOND, "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_signing_client_of_the_sandbox_works_with_paused_time() {
    let (sandbox, client) = sandbox().await;
    for n in 0..20 {
        let charge = client.charges().create(order(&format!("202611230{n:02}"))).await.unwrap();
        client.charges().reverse(&charge.id).await.unwrap();
        sleep(60 * SECOND).await;
    }
    let verified = |r: &pingpp::sandbox::ReceivedRequest| r.signature == SignatureCheck::Verified;
    assert!(sandbox.requests().iter().all(verified));
}
