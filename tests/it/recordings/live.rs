//! The official clients for Python and Node, called beside this crate, against the same server.
//!
//! `tests/conformance/run` installs them, and names the folder in `PINGPP_OFFICIAL_CLIENTS`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::{APP, Operation, Ours, Sent, operations, ours, plausible, recorded, sdk_names};
use crate::raw::{Act, Received, Server, json};

#[path = "../../conformance/moved/order.rs"]
mod order;
#[path = "../../conformance/moved/payouts.rs"]
mod payouts;

/// Why a client sends something else, and what makes both the same again.
struct Reason {
    sdk: &'static str,
    operations: &'static [&'static str],
    why: &'static str,
    undo: fn(ours: &mut Sent, theirs: &mut Sent),
}

const REASONS: [Reason; 4] = [
    Reason {
        sdk: "python",
        operations: &[
            "charges.list",
            "orders.list",
            "recharges.list",
            "users.list",
            "coupons.list",
        ],
        why: "Python writes a boolean of a query as `True` and `False`",
        undo: |_, theirs| {
            theirs.query = theirs
                .query
                .iter()
                .map(|(key, value)| match value.as_str() {
                    "True" | "False" => (key.clone(), value.to_lowercase()),
                    _ => (key.clone(), value.clone()),
                })
                .collect();
        },
    },
    Reason {
        sdk: "node",
        operations: &["batch_refunds.create", "batch_refunds.retrieve", "batch_refunds.list"],
        why: "Node's batchRefunds has the path of the refunds of a charge, without the charge",
        undo: |_, theirs| {
            theirs.path = theirs.path.replace("/charges/undefined/refunds", "/batch_refunds");
        },
    },
    Reason {
        sdk: "node",
        operations: &["royalties.list"],
        why: "Node writes the items of a list without `[]`",
        undo: |_, theirs| {
            theirs.query = theirs
                .query
                .iter()
                .map(|(key, value)| match key.as_str() {
                    "source_nos" => (format!("{key}[]"), value.clone()),
                    _ => (key.clone(), value.clone()),
                })
                .collect();
        },
    },
    Reason {
        sdk: "node",
        operations: &["orders.cancel", "agreements.cancel"],
        why: "Node's cancel takes no parameters",
        undo: |ours, _| ours.body = json!({ "status": ours.body["status"] }),
    },
];

/// A client in a process of its own.
struct Driver {
    /// Killed when dropped.
    _process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Driver {
    fn start(mut command: Command, server: &Server) -> Self {
        let mut process = command
            .env("PINGPP_TEST_URL", server.url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { _process: process, input, output: BufReader::new(output).lines() }
    }

    async fn tell(&mut self, line: &Value) -> String {
        self.input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        let answer = timeout(Duration::from_secs(60), self.output.next_line()).await;
        answer.unwrap_or_else(|_| panic!("no answer to {line}")).unwrap().unwrap()
    }
}

/// What an SDK is given: the ids of the path with their names, and the other parameters.
fn arguments(operation: &Operation, sent: &Sent) -> (Value, Map<String, Value>) {
    let route = operation.line.split('/').zip(sent.path.split('/'));
    let ids: Vec<_> = route
        .filter_map(|(part, value)| Some((part.strip_prefix('{')?.strip_suffix('}')?, value)))
        .collect();
    let mut params = sent.body.as_object().cloned().unwrap_or_default();
    for (key, text) in &sent.query {
        let value = match text.as_str() {
            "true" => true.into(),
            "false" => false.into(),
            text => Value::from(text),
        };
        match key.strip_suffix(']').and_then(|key| key.split_once('[')) {
            None => drop(params.insert(key.clone(), value)),
            Some((key, "")) => {
                let list = params.entry(key).or_insert(json!([]));
                list.as_array_mut().unwrap().push(value);
            }
            Some((key, inner)) => {
                let map = params.entry(key).or_insert(json!({}));
                map[inner] = value;
            }
        }
    }
    (json!(ids), params)
}

/// What a client sent for an operation; `None` if it does not have it.
async fn theirs(
    driver: &mut Driver,
    server: &Server,
    names: &str,
    operation: &Operation,
    ours: &Sent,
) -> Option<Sent> {
    let (ids, params) = arguments(operation, ours);
    let mut sent = None;
    for (at, name) in names.split(", ").enumerate() {
        // A version: only that one has it, and the registry has an older one.
        let (name, version) = name.split_once(" (").unwrap_or((name, ""));
        let mut params = params.clone();
        if name.ends_with("cancel") || name.ends_with("confirm") {
            params.remove("status");
        }
        let before = server.request_count();
        let exists = at > 0 || !version.is_empty();
        let line = json!({ "name": name, "ids": ids, "params": params, "exists": exists });
        let answer = driver.tell(&line).await;
        let expected = match (exists, version) {
            (_, "2.1.7)") => "missing",
            (true, _) => "there",
            (false, _) => "sent",
        };
        assert_eq!(answer, expected, "{line}");
        let requests = server.requests().split_off(before);
        assert_eq!(requests.len(), usize::from(expected == "sent"), "{line}");
        sent = sent.or(requests.first().map(Sent::received));
    }
    sent
}

/// The clients for Python and Node with one of their scripts; `None` if they are not installed.
fn official(scripts: [&str; 2]) -> Option<[Command; 2]> {
    let Some(folder) = std::env::var_os("PINGPP_OFFICIAL_CLIENTS") else {
        println!("no official clients installed: only their recordings were used");
        return None;
    };
    let (folder, root) = (Path::new(&folder), Path::new(env!("CARGO_MANIFEST_DIR")));
    let [python, node] = scripts.map(|script| root.join("tests/conformance").join(script));
    let mut commands = [Command::new(folder.join("python/bin/python")), Command::new("node")];
    commands[0].arg(python);
    commands[1].arg(node).env("NODE_PATH", folder.join("node_modules"));
    for command in &mut commands {
        command.env("PINGPP_TEST_KEY", root.join("tests/keys/merchant.pem"));
    }
    Some(commands)
}

#[tokio::test]
async fn the_official_clients_send_what_this_crate_sends() {
    let Some([python, node]) = official(["drive.py", "drive.js"]) else { return };
    let Ours { server, sent, .. } = ours().await;
    let mut drivers = [("python", python), ("node", node)]
        .map(|(sdk, command)| (sdk, Driver::start(command, &server)));

    let (recorded, names) = (recorded(), sdk_names());
    let (mut unexplained, mut used) = (Vec::new(), BTreeSet::new());
    let mut counts = [0; 3];
    println!("{:<36}{:<11}{:<8}{:<8}reason", "operation", "consensus", "python", "node");
    for ((name, case), ours) in &sent {
        let operation = operations().into_iter().find(|o| o.key() == *name).unwrap();
        let consensus = *ours == recorded[&(name.clone(), case.clone())];
        counts[0] += usize::from(consensus);
        let (mut cells, mut reasons) = (Vec::new(), Vec::new());
        for (at, (sdk, driver)) in drivers.iter_mut().enumerate() {
            let cell = names[name].get(*sdk);
            let theirs = match cell {
                "-" => None,
                cell => theirs(driver, &server, cell, &operation, ours).await,
            };
            counts[at + 1] += usize::from(theirs.is_some());
            let reason = REASONS.iter().enumerate().find(|(_, reason)| {
                reason.sdk == *sdk && reason.operations.contains(&name.as_str())
            });
            cells.push(match (theirs, reason) {
                (None, None) => "-",
                (Some(theirs), None) if theirs == *ours => "yes",
                (Some(mut theirs), Some((_, reason))) if theirs != *ours => {
                    let mut ours = ours.clone();
                    (reason.undo)(&mut ours, &mut theirs);
                    reasons.push(reason.why);
                    used.insert((*sdk, name.clone()));
                    if ours == theirs {
                        "no"
                    } else {
                        unexplained.push((*sdk, name.clone(), ours, Some(theirs)));
                        "NO"
                    }
                }
                (theirs, _) => {
                    unexplained.push((*sdk, name.clone(), ours.clone(), theirs));
                    "NO"
                }
            });
        }
        let consensus = if consensus { "yes" } else { "NO" };
        let case = if case == "full" { String::new() } else { format!("/{case}") };
        println!(
            "{:<36}{consensus:<11}{:<8}{:<8}{}",
            format!("{name}{case}"),
            cells[0],
            cells[1],
            reasons.join("; ")
        );
    }
    println!(
        "{} requests: {} as recorded; Python sent {}, Node {}, for {} of them something else, for a reason; {} unexplained",
        sent.len(),
        counts[0],
        counts[1],
        counts[2],
        used.len(),
        unexplained.len(),
    );
    assert!(unexplained.is_empty(), "{unexplained:#?}");
    assert_eq!(counts[0], sent.len());
    let listed = REASONS
        .iter()
        .flat_map(|reason| reason.operations.iter().map(|op| (reason.sdk, (*op).to_owned())));
    assert_eq!(listed.collect::<BTreeSet<_>>(), used, "left: listed reasons, right: needed ones");
}

/// An answer by the path alone.
fn by_path(request: &Received) -> Act {
    let sent = Sent::received(request);
    let parts = sent.path.split('/').skip(2).filter(|part| !part.contains(char::is_numeric));
    let last = parts.last().unwrap();
    let tag = match (sent.method.as_str(), last) {
        ("GET", "orders" | "transfers" | "charges" | "balance_transactions") if !is_one(&sent) => {
            "list"
        }
        (_, "order_refunds") => "list",
        (_, "pay") => "order",
        (_, "balance_bonuses") => "balance_bonus",
        (_, plural) => plural.strip_suffix('s').unwrap(),
    };
    Act::Write(json(200, &plausible(tag, &sent).to_string()))
}

/// Whether the path ends with an id.
fn is_one(sent: &Sent) -> bool {
    sent.path.rsplit('/').next().unwrap().contains(char::is_numeric)
}

#[tokio::test]
async fn a_script_that_was_moved_over_sends_what_the_original_sends() {
    let server = Server::start(by_path).await;
    let client = server.builder().app(APP).build().unwrap();
    order::order(&client).await.unwrap();
    let order = server.requests();
    payouts::payouts(&client).await.unwrap();
    let payouts = server.requests().split_off(order.len());
    let Some(commands) = official(["moved/order.py", "moved/payouts.js"]) else { return };
    for (mut command, ours) in commands.into_iter().zip([order, payouts]) {
        let before = server.request_count();
        let status = command.env("PINGPP_TEST_URL", server.url()).kill_on_drop(true).status();
        let status = timeout(Duration::from_secs(60), status).await.unwrap().unwrap();
        assert!(status.success(), "{command:?}");
        let theirs: Vec<_> =
            server.requests().split_off(before).iter().map(Sent::received).collect();
        let ours: Vec<_> = ours.iter().map(Sent::received).collect();
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours, theirs, "left: ours");
            println!("{:<5}{}", ours.method, ours.path);
        }
        assert_eq!(ours.len(), theirs.len());
    }
}
