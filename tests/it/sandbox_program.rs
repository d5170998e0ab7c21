//! The program `pingpp-sandbox`: its apps, and a state that outlives it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pingpp::{Client, SigningKey};

use crate::order;

/// The program, and a client of it. Ends with the test.
struct Program {
    child: Child,
    url: String,
}

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pingpp-sandbox"))
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let url = first.strip_prefix("listening on ").unwrap().to_owned();
        // It waits for nobody who reads its output.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url }
    }

    fn client(&self, app: &str) -> Client {
        let key = SigningKey::from_pem(include_str!("../keys/merchant.pem")).unwrap();
        let builder = Client::builder("sk_test_sandbox0000000000000000").signing_key(key).app(app);
        builder.base_url(&self.url).no_proxy().build().unwrap()
    }

    /// Asks it to stop, as a service manager does.
    fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
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
