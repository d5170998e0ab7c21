//! A Ping++ on loopback as a program, for tests in any language: see `pingpp::sandbox`.

use std::error::Error;
use std::process::ExitCode;

use lexopt::{Arg, ValueExt};
use pingpp::PublicKey;
use pingpp::sandbox::{Options, Sandbox};

const HELP: &str = "\
A Ping++ on 127.0.0.1 for tests. It has one app, app_sandbox000000001.

Usage: pingpp-sandbox [options]

  --port PORT                  listen there; 0, the default, takes any free port
  --merchant-public-key FILE   let in only requests that this merchant signed;
                               without it any signature is accepted and reported
  --api-key KEY                let in only this key (sk_test_sandbox0000000000000000)
  --webhook URL                post events to this http URL until they are accepted
  --seed FILE                  begin with these charges: a JSON array of bodies as
                               POST /v1/charges takes them, each with \"id\", \"paid\"
                               or \"reversed\" as you like
  --help                       this text

The first line printed is \"listening on http://127.0.0.1:PORT\"; then follow the key with which
it signs, and a line for each request. http://127.0.0.1:PORT/_sandbox/ is a page on which you
play the payer. Ctrl-C ends it.";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pingpp-sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let Some(options) = options()? else {
        println!("{HELP}");
        return Ok(());
    };
    let sandbox = Sandbox::start_with(options).await?;
    println!("listening on {}", sandbox.base_url());
    println!("{}", sandbox.public_key().to_pem());
    tokio::signal::ctrl_c().await?;
    Ok(())
}

/// What the command line asks for; `None` if it asks for help.
fn options() -> Result<Option<Options>, Box<dyn Error>> {
    let (mut port, mut key, mut api_key, mut webhook, mut seed) = (0, None, None, None, None);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Long("port") => port = arguments.value()?.parse()?,
            Arg::Long("merchant-public-key") => {
                key = Some(PublicKey::from_pem_file(arguments.value()?)?);
            }
            Arg::Long("api-key") => api_key = Some(arguments.value()?.string()?),
            Arg::Long("webhook") => webhook = Some(arguments.value()?.string()?),
            Arg::Long("seed") => {
                let path = arguments.value()?;
                let text = std::fs::read_to_string(&path);
                seed = Some(text.map_err(|error| format!("{}: {error}", path.display()))?);
            }
            Arg::Long("help") | Arg::Short('h') => return Ok(None),
            other => return Err(format!("{}; see --help", other.unexpected()).into()),
        }
    }
    let any_signature = key.is_none();
    let options = Options::builder()
        .port(port)
        .maybe_merchant_public_key(key)
        .any_signature(any_signature)
        .maybe_api_key(api_key)
        .maybe_webhook(webhook)
        .maybe_seed(seed)
        .print_requests(true)
        .build();
    Ok(Some(options))
}
