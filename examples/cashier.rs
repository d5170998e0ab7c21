//! A cashier scans a code; the customer pays, hesitates, is refused or walks away.
//!
//! `cargo run --example cashier` plays all of them against the sandbox, at twenty times the speed of
//! a shop, and prints what happened when.

use std::error::Error;
use std::time::{Duration, Instant};

use pingpp::sandbox::{Sandbox, payer};
use pingpp::{Amount, CreateCharge, PayBy, Settled};

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
        let order = CreateCharge::builder()
            .order_no(format!("2026112300{number}"))
            .channel(PayBy::alipay_scan(code))
            .amount(Amount::from_fen(100))
            .client_ip([192, 0, 2, 1])
            .subject("Tea")
            .body("A pot of Longjing");
        // For real: without the two times, which are 5 s and 60 s then.
        let settlement = client
            .charges()
            .create_and_settle(order)
            .every(Duration::from_millis(250))
            .give_up_after(Duration::from_secs(3))
            .on_transition(move |token| async move {
                // For real: to disk, to go on with `resume` if this process ends.
                let reversed = token.may_have_reversed();
                println!("  {:>4} ms  kept, reversing: {reversed}", start.elapsed().as_millis());
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
        let settled = settled?;
        let truth = match &settled {
            Settled::Paid(_) => "paid: hand over the goods",
            Settled::Closed(_) => "closed: it can never be paid",
            Settled::Failed(_) => "failed: it can never be paid",
            Settled::Refunded(_) => "the money went back: keep the goods",
            Settled::NeedsRefund(_) => "paid too late: refund it",
            _ => "unresolved: keep the token and resume",
        };
        println!("  {:>4} ms  {truth}", took.as_millis());
    }
    Ok(())
}
