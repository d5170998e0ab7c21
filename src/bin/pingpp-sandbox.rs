//! The sandbox as a program, for tests in any language: see `pingpp::sandbox`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use lexopt::{Arg, ValueExt};
use pingpp::PublicKey;
use pingpp::sandbox::{Options, Sandbox};

const HELP: &str = "\
A fake Ping++ on 127.0.0.1 for tests. It has one app, app_sandbox000000001, if none is named.

Usage: pingpp-sandbox [options]

  --port PORT                  listen on this port; 0, the default, chooses a free one
  --merchant-public-key FILE   accept only requests that verify with this key;
                               without it every signature is accepted
  --api-key KEY                accept only this key (sk_test_sandbox0000000000000000)
  --app ID                     have this app; may be given several times
  --any-app                    accept every other app, too
  --unsigned-reads             accept GET without a signature
  --clock-tolerance SECONDS    how far timestamps may be off (300)
  --max-concurrent NUMBER      refuse with 403 what is more at the same time
  --webhook URL                post events to this http URL until they are accepted
  --seed FILE                  create these charges at the start: a JSON array of
                               bodies as for POST /v1/charges, each with an \"id\",
                               \"paid\", \"reversed\" and \"refunds\" if needed
  --state FILE                 go on with this state if the file is there, and write
                               the state into it at the end
  --help                       print this text

The first line of the output is \"listening on http://127.0.0.1:PORT\". The public key that
verifies the answers follows, then a line for each request. The page
http://127.0.0.1:PORT/_sandbox/ shows what there is and has buttons to pay and confirm it.
POST /_sandbox/reset goes back to the start. Ctrl-C or SIGTERM stops the program.";

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
    let Some(Arguments { options, state }) = arguments()? else {
        println!("{HELP}");
        return Ok(());
    };
    let sandbox = Sandbox::start_with(options).await?;
    println!("listening on {}", sandbox.base_url());
    println!("{}", sandbox.public_key().to_pem());
    stopped().await?;
    if let Some(path) = state {
        // A file of its own first, so that a full disk does not cost the old state.
        let new = path.with_extension("new");
        std::fs::write(&new, sandbox.snapshot())
            .and_then(|()| std::fs::rename(&new, &path))
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// Waits until somebody stops the program.
#[cfg(unix)]
async fn stopped() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn stopped() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

/// The command line.
struct Arguments {
    options: Options,
    /// The file of the state.
    state: Option<PathBuf>,
}

/// Parses the command line. `None` for `--help`.
fn arguments() -> Result<Option<Arguments>, Box<dyn Error>> {
    let (mut port, mut key, mut api_key, mut webhook, mut seed) = (0, None, None, None, None);
    let (mut apps, mut any_app, mut unsigned_reads) = (Vec::new(), false, false);
    let (mut tolerance, mut concurrent, mut state) = (None, None, None::<PathBuf>);
    let read = |path: &Path| {
        let text = std::fs::read_to_string(path);
        text.map_err(|error| format!("{}: {error}", path.display()))
    };
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Long("port") => port = arguments.value()?.parse()?,
            Arg::Long("merchant-public-key") => {
                key = Some(PublicKey::from_pem_file(arguments.value()?)?);
            }
            Arg::Long("api-key") => api_key = Some(arguments.value()?.string()?),
            Arg::Long("app") => apps.push(arguments.value()?.string()?),
            Arg::Long("any-app") => any_app = true,
            Arg::Long("unsigned-reads") => unsigned_reads = true,
            Arg::Long("clock-tolerance") => {
                tolerance = Some(Duration::from_secs(arguments.value()?.parse()?));
            }
            Arg::Long("max-concurrent") => concurrent = Some(arguments.value()?.parse()?),
            Arg::Long("webhook") => webhook = Some(arguments.value()?.string()?),
            Arg::Long("seed") => seed = Some(read(Path::new(&arguments.value()?))?),
            Arg::Long("state") => state = Some(arguments.value()?.into()),
            Arg::Long("help") | Arg::Short('h') => return Ok(None),
            other => return Err(format!("{}; see --help", other.unexpected()).into()),
        }
    }
    let any_signature = key.is_none();
    let stored = state.as_deref().filter(|path| path.exists()).map(read).transpose()?;
    // What a seed made is in the stored state already.
    let seed = seed.filter(|_| stored.is_none());
    let options = Options::builder()
        .port(port)
        .maybe_merchant_public_key(key)
        .any_signature(any_signature)
        .maybe_api_key(api_key)
        .maybe_apps((!apps.is_empty()).then_some(apps))
        .any_app(any_app)
        .unsigned_reads(unsigned_reads)
        .maybe_clock_tolerance(tolerance)
        .maybe_max_concurrent(concurrent)
        .maybe_webhook(webhook)
        .maybe_seed(seed)
        .maybe_state(stored)
        .print_requests(true)
        .build();
    Ok(Some(Arguments { options, state }))
}
