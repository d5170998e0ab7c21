//! Reverses a charge and prints it.
//!
//! `cargo run --example reverse` does it on the sandbox, with a charge made for the purpose.
//! With `PINGPP_API_KEY` (and the other variables of `Client::from_env`) set,
//! `cargo run --example reverse -- ch_...` does it for real.

use std::error::Error;
use std::process::ExitCode;

use pingpp::sandbox::Sandbox;
use pingpp::{Amount, Charge, Client, CreateCharge, PayBy};

#[tokio::main]
async fn main() -> ExitCode {
    let result = match std::env::var_os("PINGPP_API_KEY") {
        None => on_the_sandbox().await,
        Some(_) => for_real().await,
    };
    match result {
        Ok(charge) => {
            println!("{charge}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("  because: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

async fn on_the_sandbox() -> Result<String, Box<dyn Error>> {
    let sandbox = Sandbox::start().await?;
    let client = sandbox.client();
    let unpaid = client
        .charges()
        .create(
            CreateCharge::builder()
                .order_no("20261123001")
                .channel(PayBy::alipay_scan("281000000000000000"))
                .amount(Amount::from_fen(100))
                .client_ip([192, 0, 2, 1])
                .subject("Tea")
                .body("A pot of Longjing"),
        )
        .await?;
    let reversed: Charge = client.charges().reverse(&unpaid.id).await?;
    Ok(serde_json::to_string_pretty(&reversed)?)
}

async fn for_real() -> Result<String, Box<dyn Error>> {
    let id = std::env::args().nth(1).ok_or(
        "PINGPP_API_KEY is set, so this would reverse a real charge: pass its id, as in \
         `cargo run --example reverse -- ch_...`, or unset the variable to use the sandbox",
    )?;
    let charge = Client::from_env()?.charges().reverse(id).await?;
    Ok(serde_json::to_string_pretty(&charge)?)
}
