//! The sandbox as a program, for tests in any language: see `pingpp::sandbox`.

use std::error::Error;
use std::process::ExitCode;

use lexopt::{Arg, ValueExt};
use pingpp::PublicKey;
use pingpp::sandbox::{Options, Sandbox};

const HELP: &str = "\
A fake Ping++ on 127.0.0.1 for tests. It has one app, app_sandbox000000001.

Usage: pingpp-sandbox [options]

  --port PORT                  listen on this port; 0, the default, chooses a free one
  --merchant-public-key FILE   accept only requests that verify with this key;
                               without it every signature is accepted
  --api-key KEY                accept only this key (sk_test_sandbox0000000000000000)
  --webhook URL                post events to this http URL until they are accepted
  --seed FILE                  create these charges at the start: a JSON array of
                               bodies as for POST /v1/charges, each with an \"id\",
                               \"paid\" and \"reversed\" if needed
  --help                       print this text

The first line of the output is \"listening on http://127.0.0.1:PORT\". The public key that
verifies the answers follows, then a line for each request. The page
http://127.0.0.1:PORT/_sandbox/ has buttons to pay and decline charges. Ctrl-C stops the program.";

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

/// Parses the command line; `None` for `--help`.
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
