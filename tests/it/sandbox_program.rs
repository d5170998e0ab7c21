//! The program `pingpp-sandbox`: its apps, its output, and a state that outlives it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use pingpp::{Client, RetryPolicy};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::order;

const APP: &str = "app_sandbox000000001";

/// The program, and clients of it. Ends with the test.
struct Program {
    child: Child,
    url: String,
    /// Open, but nobody reads it.
    output: Option<BufReader<ChildStdout>>,
}

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pingpp-sandbox"))
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        output.read_line(&mut first).unwrap();
        let url = first.trim_end().strip_prefix("listening on ").unwrap().to_owned();
        Self { child, url, output: Some(output) }
    }

    fn client(&self, app: &str) -> Client {
        let builder = Client::builder("sk_test_sandbox0000000000000000").unsigned().app(app);
        builder.retry(RetryPolicy::none()).base_url(&self.url).no_proxy().build().unwrap()
    }

    fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn end(mut self) {
        assert!(self.child.wait().unwrap().success());
    }

    /// Asks it to stop, as a service manager does.
    fn stop(self) {
        self.send(Signal::TERM);
        self.end();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The status of `GET /v1/charges/NAME`.
async fn status(client: &Client, name: &str) -> Option<u16> {
    let found = tokio::time::timeout(Duration::from_secs(10), client.charges().retrieve(name));
    found.await.ok()?.err()?.status()
}

#[tokio::test]
async fn nobody_has_to_read_the_output_of_the_program() {
    for is_closed in [false, true] {
        let mut program = Program::start(&[]);
        if is_closed {
            program.output = None;
        }
        let client = program.client(APP);
        for number in 0..2_000 {
            let name = format!("ch_{number:0>100}");
            assert_eq!(status(&client, &name).await, Some(404), "{number} {is_closed}");
        }
        program.stop();
    }
}

#[tokio::test]
async fn the_program_goes_on_with_the_state_that_it_wrote_when_it_was_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    let arguments = ["--app", "app_1", "--app", "app_2", "--state", text(&state)];
    let program = Program::start(&arguments);
    let charge = program.client("app_2").charges().create(order("1")).await.unwrap();
    assert_eq!(
        program.client("app_3").charges().create(order("2")).await.unwrap_err().status(),
        Some(400)
    );
    program.stop();
    let names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().path()).collect();
    assert_eq!(names, std::slice::from_ref(&state), "nothing else is left");

    let program = Program::start(&arguments);
    let found = program.client("app_2").charges().retrieve(&charge.id).await.unwrap();
    assert_eq!((found.order_no, found.created), (charge.order_no, charge.created));
    program.stop();
}

#[tokio::test]
async fn the_program_says_what_is_wrong_and_exits_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    std::fs::write(&state, "{").unwrap();
    let port = ["--port", "x"];
    for (arguments, why) in [
        (&["--state", text(&state)][..], "not a state of the sandbox"),
        (&["--no-such-option"], "--help"),
        (&port, "x"),
    ] {
        let run = Command::new(env!("CARGO_BIN_EXE_pingpp-sandbox")).args(arguments).output();
        let run =
            tokio::time::timeout(Duration::from_secs(20), async { run.unwrap() }).await.unwrap();
        let error = String::from_utf8(run.stderr).unwrap();
        assert!(run.status.code() == Some(1) && error.contains(why), "{error}");
    }
    assert_eq!(std::fs::read_to_string(&state).unwrap(), "{", "it is left as it was");
}
