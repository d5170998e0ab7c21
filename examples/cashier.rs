//! A cashier scans a code; the customer pays, hesitates, is refused or walks away.
//!
//! `cargo run --example cashier` plays all of them against the sandbox, at twenty times the speed of
//! a shop, and prints what happened when. Then the process ends in the middle of a sale, and the token
//! that was kept goes on.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pingpp::sandbox::{Sandbox, payer};
use pingpp::settle::{Step, StepKind};
use pingpp::{Amount, Client, CreateCharge, PayBy, SettleToken, Settled};

/// What the customer does, by the code that is scanned.
const CUSTOMERS: [(&str, &str); 5] = [
    ("pays at once", payer::PAYS_AT_ONCE),
    ("hesitates over the PIN", payer::PAYS_AFTER_A_PIN),
    ("never pays", payer::NEVER_PAYS),
    ("is refused", payer::IS_REFUSED_BY_THE_CHANNEL),
    ("walks away", payer::NEVER_PAYS),
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start().await?;
    let client = sandbox.client();
    for (number, (what, code)) in CUSTOMERS.into_iter().enumerate() {
        let start = Instant::now();
        println!("the customer {what}");
        let order = order(&format!("2026112300{number}"), code);
        // For real: without the two times, which are 5 s and 60 s then.
        let settlement = client
            .charges()
            .create_and_settle(order)
            .every(Duration::from_millis(250))
            .give_up_after(Duration::from_secs(3))
            .on_step(move |step| {
                // For real: to disk, and `Err(Stop)` if that fails, so that nothing is sent.
                let row = step.token.to_string();
                async move {
                    let (at, what) = (start.elapsed().as_millis(), name_of(&step.kind));
                    println!("  {at:>4} ms  kept {} bytes before: {what}", row.len());
                    Ok(())
                }
            });
        let customer = settlement.handle();
        let play = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            match what {
                "hesitates over the PIN" => sandbox.advance(payer::PIN_TAKES),
                "walks away" => customer.cancel(),
                _ => {}
            }
        };
        let settlement = async { (settlement.await, start.elapsed()) };
        let ((settled, took), ()) = tokio::join!(settlement, play);
        println!("  {:>4} ms  {}", took.as_millis(), advice(&settled?));
    }
    after_a_crash(&client).await
}

/// The process ends in the middle, and another one goes on with the token that was kept.
async fn after_a_crash(client: &Client) -> Result<(), Box<dyn Error>> {
    println!("the process ends while the customer hesitates");
    let order = order("20261123009", payer::NEVER_PAYS);
    let disk = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&disk);
    let keep = move |step: Step| {
        *kept.lock().unwrap_or_else(PoisonError::into_inner) = step.token.to_string();
        async { Ok(()) }
    };
    let settlement = client.charges().create_and_settle(order).on_step(keep.clone());
    // Here it ends: a settlement that is dropped stops where it is.
    let _ = tokio::time::timeout(Duration::from_secs(1), settlement).await;

    let row = disk.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let token: SettleToken = row.parse()?;
    println!("  goes on with order {:?}", token.order_no());
    let settlement = client.charges().resume(token).give_up_after(Duration::from_secs(3));
    println!("  {}", advice(&settlement.on_step(keep).await?));
    Ok(())
}

fn order(number: &str, code: &str) -> CreateCharge {
    CreateCharge::builder()
        .order_no(number)
        .channel(PayBy::alipay_scan(code))
        .amount(Amount::from_fen(100))
        .client_ip([192, 0, 2, 1])
        .subject("Tea")
        .body("A pot of Longjing")
        .build()
}

fn name_of(kind: &StepKind) -> &'static str {
    match kind {
        StepKind::Look => "looks",
        StepKind::Create => "create",
        StepKind::Reverse => "reverse",
        StepKind::Ended(_) => "the end",
        _ => "something new",
    }
}

/// What to do. A new ending is treated as one that keeps the goods.
fn advice(settled: &Settled) -> &'static str {
    match settled {
        Settled::Paid(_) => "paid: hand over the goods",
        Settled::Closed(_) => "closed: it can never be paid",
        Settled::Failed(_) => "expired: it can never be paid",
        Settled::Refunded(_) => "the money went back: keep the goods",
        Settled::NeedsRefund(_) => "paid too late: keep the goods, and refund it",
        Settled::NotCreated(_) => "there is no charge: keep the goods",
        Settled::Unresolved(_) => "unresolved: keep the goods and the token, and resume",
        _ => "keep the goods, and ask a person",
    }
}
