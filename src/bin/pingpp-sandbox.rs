//! The sandbox as a program, for tests in any language: see `pingpp::sandbox`.

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Write};
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
  --any-app                    accept other apps, too, until there are 1,000
  --unsigned-reads             accept GET without a signature; has an effect only with
                               --merchant-public-key
  --clock-tolerance SECONDS    how far timestamps may be off (300); has an effect only
                               with --merchant-public-key
  --max-concurrent NUMBER      refuse with 403 what is more at the same time
  --webhook URL                post events to this http URL until they are accepted
  --seed FILE                  create these charges at the start: a JSON array of
                               bodies as for POST /v1/charges, each with an \"id\",
                               \"paid\", \"reversed\" and \"refunds\" if needed
  --state FILE                 go on with this state if the file is there, and write
                               the state into it at the end
  --help                       print this text

The first line of the output is \"listening on http://127.0.0.1:PORT\". The public key that
verifies the answers follows, then a line for each request; lines are dropped while nobody
reads them. The page http://127.0.0.1:PORT/_sandbox/ shows what there is and has buttons to
pay and confirm it. POST /_sandbox/reset goes back to the start. Ctrl-C, SIGTERM or SIGHUP
stops the program.";

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
    let stopped = stopped()?;
    let state = state.map(StateFile::new).transpose()?;
    // The first requests may come before these lines, and their lines have to wait.
    let mut output = io::stdout().lock();
    let sandbox = Sandbox::start_with(options).await?;
    let (url, key) = (sandbox.base_url(), sandbox.public_key().to_pem());
    // Nobody has to read them.
    let _ = writeln!(output, "listening on {url}\n{key}");
    drop(output);
    stopped.await;
    let last = sandbox.stop();
    if let Some(state) = state {
        state.write(&last)?;
    }
    Ok(())
}

/// Waits until somebody stops the program. Signals are noticed from this call on, not from the first
/// poll.
#[cfg(unix)]
fn stopped() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = if ignores_hang_up() { None } else { Some(signal(SignalKind::hangup())?) };
    Ok(async move {
        let hung_up = async {
            match &mut hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hung_up => {}
        }
    })
}

/// Whether the program was started by `nohup`, as far as Linux tells. To listen would end that.
#[cfg(unix)]
fn ignores_hang_up() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask & 1 == 1))
}

#[cfg(windows)]
fn stopped() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}

/// The file of the state. It is replaced as a whole: a full disk does not cost the old state.
struct StateFile {
    path: PathBuf,
    /// Where the new state is written first. No other program writes there.
    new: PathBuf,
}

impl StateFile {
    /// Fails if the file cannot be written at the end.
    fn new(path: PathBuf) -> Result<Self, String> {
        let name = path.file_name().ok_or("--state needs the name of a file")?;
        let name = format!(".{}.{}.new", name.display(), std::process::id());
        let file = Self { new: path.with_file_name(name), path };
        let tried = File::create(&file.new).and_then(|_| fs::remove_file(&file.new));
        tried.map_err(|error| file.failed(&error))?;
        Ok(file)
    }

    fn write(&self, state: &str) -> Result<(), String> {
        let replace = || {
            let mut new = File::create(&self.new)?;
            new.write_all(state.as_bytes())?;
            // Otherwise a power failure after the rename may leave an empty file.
            new.sync_all()?;
            fs::rename(&self.new, &self.path)
        };
        replace().map_err(|error| {
            let _ = fs::remove_file(&self.new);
            self.failed(&error)
        })
    }

    fn failed(&self, error: &io::Error) -> String {
        format!("{}: {error}", self.path.display())
    }
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
        let text = fs::read_to_string(path);
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
