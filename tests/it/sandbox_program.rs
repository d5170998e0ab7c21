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
        let program = env!("CARGO_BIN_EXE_pingpp-sandbox");
        Self::of(Command::new(program).args(arguments).stdout(Stdio::piped()))
    }

    fn of(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
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
    // What the program writes first is another file than the state and than any other file.
    for name in ["state.json", "x.new"] {
        let folder = tempfile::tempdir().unwrap();
        let [state, other] = [name, "state.new"].map(|name| folder.path().join(name));
        fs::write(&other, "mine").unwrap();
        let arguments = ["--app", "app_1", "--app", "app_2", "--state", text(&state)];
        let program = Program::start(&arguments);
        let charge = program.client("app_2").charges().create(order("1")).await.unwrap();
        let stranger = program.client("app_3").charges().create(order("2")).await;
        assert_eq!(stranger.unwrap_err().status(), Some(400));
        program.stop();
        assert_eq!(fs::read_to_string(&other).unwrap(), "mine");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");

        let program = Program::start(&arguments);
        let found = program.client("app_2").charges().retrieve(&charge.id).await.unwrap();
        assert_eq!((found.order_no, found.created), (charge.order_no, charge.created));
        let (link, old) = (folder.path().join("link"), fs::read_to_string(&state).unwrap());
        fs::hard_link(&state, &link).unwrap();
        program.stop();
        assert_eq!(fs::read_to_string(&link).unwrap(), old, "replaced as a whole");
        assert_ne!(fs::read_to_string(&state).unwrap(), old);
    }
}

#[tokio::test]
async fn the_state_is_written_whatever_signal_ends_the_program_and_however_early() {
    let folder = tempfile::tempdir().unwrap();
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        for number in 0..10 {
            let state = folder.path().join(format!("{signal:?}{number}"));
            let program = Program::start(&["--state", text(&state)]);
            program.send(signal);
            program.end();
            assert!(state.exists(), "{signal:?} {number}");
        }
    }
}

/// `nohup` starts a program so.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_program_that_is_to_outlive_its_terminal_does() {
    let mut command = Command::new("sh");
    let command = command
        .args(["-c", "trap '' HUP; exec \"$0\"", env!("CARGO_BIN_EXE_pingpp-sandbox")])
        .stdout(Stdio::piped());
    let program = Program::of(command);
    program.send(Signal::HUP);
    assert_eq!(status(&program.client(APP), "ch_none").await, Some(404));
    program.stop();
}

#[tokio::test]
async fn lines_that_wait_for_a_reader_are_printed_before_the_program_ends() {
    let mut program = Program::start(&[]);
    let client = program.client(APP);
    // More than a pipe holds, by fewer lines than may wait.
    let id = format!("ch_{}", "0".repeat(70));
    for _ in 0..1_500 {
        assert_eq!(status(&client, &id).await, Some(404));
    }
    program.send(Signal::TERM);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let lines = program.output.take().unwrap().lines();
    let lines = lines.filter(|line| line.as_ref().unwrap().contains(&id));
    assert_eq!(lines.count(), 1_500);
    program.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_before_the_end_is_in_the_state() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    let arguments = ["--state", text(&state)];
    for round in 0..3 {
        let program = Program::start(&arguments);
        let tills = (0..8).map(|till| {
            let client = program.client(APP);
            tokio::spawn(async move {
                let mut made = Vec::new();
                loop {
                    let number = format!("{round}{till}{:06}", made.len());
                    match client.charges().create(order(&number)).await {
                        Ok(charge) => made.push(charge.id),
                        Err(_) => return made,
                    }
                }
            })
        });
        let tills: Vec<_> = tills.collect();
        tokio::time::sleep(Duration::from_millis(500)).await;
        program.stop();
        let written = fs::read_to_string(&state).unwrap();
        for till in tills {
            let made = till.await.unwrap();
            assert!(!made.is_empty());
            for id in made {
                assert!(written.contains(&format!("\"{id}\"")), "{id} of round {round} is lost");
            }
        }
    }
}

#[tokio::test]
async fn each_app_keeps_what_it_has_whatever_apps_come_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    let user = async |program: &Program, app: &str| {
        let user = pingpp::Request::get("/v1/apps/{app}/users/u", &[app]);
        let found = program.client(app).call::<Value>(user).await;
        found.map_or_else(
            |error| error.status().unwrap().into(),
            |user| user["available_balance"].clone(),
        )
    };
    let program = Program::start(&["--app", "app_1", "--state", text(&state)]);
    let charge = program.client("app_1").charges().create(order("1")).await.unwrap();
    let bonus = serde_json::json!({ "user": "u", "amount": 500, "order_no": "b1" });
    let bonus = pingpp::Request::post("/v1/apps/{app}/balance_bonuses", &["app_1"]).json(&bonus);
    program.client("app_1").call::<Value>(bonus).await.unwrap();
    program.stop();

    // The second time the state has both apps, the older one first.
    for apps in [["app_2", "app_1"], ["app_2", "app_1"], ["app_1", "app_2"]] {
        let arguments = ["--state", text(&state), "--app", apps[0], "--app", apps[1]];
        let program = Program::start(&arguments);
        assert_eq!(
            (user(&program, "app_1").await, user(&program, "app_2").await),
            (500.into(), 404.into())
        );
        for (app, count) in [("app_1", 1), ("app_2", 0)] {
            let mut list = program.client(app).charges().list(pingpp::ListCharges::builder());
            let items = list.next_page().await.unwrap().map_or(vec![], |page| page.items);
            assert_eq!(items.len(), count, "{app}");
        }
        // The number is used in the one app, and free in the other one.
        let again = program.client("app_1").charges().create(order("1")).await.unwrap();
        assert_eq!(again.id, charge.id);
        program.stop();
    }
    // An app that is not named any more is not served.
    let program = Program::start(&["--state", text(&state), "--app", "app_2"]);
    let refused = program.client("app_1").charges().create(order("2")).await.unwrap_err();
    assert_eq!(refused.status(), Some(400));
    assert_eq!(user(&program, "app_2").await, 404);
    program.stop();
}

#[tokio::test]
async fn the_program_says_what_is_wrong_and_exits_with_1() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    fs::write(&state, "{").unwrap();
    let port = ["--port", "x"];
    for (arguments, why) in [
        (&["--state", text(&state)][..], "not a state of the sandbox"),
        (&["--state", text(&folder.path().join("none/state.json"))], "none/state.json"),
        (&["--state", ""], "--state"),
        (&["--no-such-option"], "--help"),
        (&port, "x"),
    ] {
        let run = Command::new(env!("CARGO_BIN_EXE_pingpp-sandbox")).args(arguments).output();
        let run =
            tokio::time::timeout(Duration::from_secs(20), async { run.unwrap() }).await.unwrap();
        let error = String::from_utf8(run.stderr).unwrap();
        assert!(run.status.code() == Some(1) && error.contains(why), "{error}");
    }
    assert_eq!(fs::read_to_string(&state).unwrap(), "{", "it is left as it was");
}

#[test]
fn the_help_says_which_options_need_another_one() {
    let run = Command::new(env!("CARGO_BIN_EXE_pingpp-sandbox")).arg("--help").output().unwrap();
    let help = String::from_utf8(run.stdout).unwrap();
    for option in ["--unsigned-reads", "--clock-tolerance"] {
        let about = help.split(&format!("\n  {option} ")).nth(1).unwrap();
        let about = about.split("\n  --").next().unwrap();
        assert!(about.contains("--merchant-public-key"), "{option} {about}");
    }
}
