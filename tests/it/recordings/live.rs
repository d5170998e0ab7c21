//! The official clients for Python and Node, called beside this crate, against the same server.
//!
//! `tests/conformance/run` installs them, and names the folder in `PINGPP_OFFICIAL_CLIENTS`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use pingpp::orders::Order;
use pingpp::recharges::Recharge;
use pingpp::{Charge, ClientCredential};
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
pub(super) struct Driver {
    /// Killed when dropped.
    _process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Driver {
    pub(super) fn start(mut command: Command, url: &str) -> Self {
        let mut process = command
            .env("PINGPP_TEST_URL", url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { _process: process, input, output: BufReader::new(output).lines() }
    }

    pub(super) async fn tell(&mut self, line: &Value) -> String {
        self.input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        let answer = timeout(Duration::from_secs(60), self.output.next_line()).await;
        answer.unwrap_or_else(|_| panic!("no answer to {line}")).unwrap().unwrap()
    }
}

/// What an SDK is given: the ids of the path with their names, and the other parameters.
pub(super) fn arguments(operation: &Operation, sent: &Sent) -> (Value, Map<String, Value>) {
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

/// Scripts of the official clients; `None` if they are not installed.
pub(super) fn official<const N: usize>(scripts: [&str; N]) -> Option<[Command; N]> {
    let Some(folder) = std::env::var_os("PINGPP_OFFICIAL_CLIENTS") else {
        println!("no official clients installed: only their recordings were used");
        return None;
    };
    let (folder, root) = (Path::new(&folder), Path::new(env!("CARGO_MANIFEST_DIR")));
    Some(scripts.map(|script| {
        let mut command = match script.ends_with(".py") {
            true => Command::new(folder.join("python/bin/python")),
            false => Command::new("node"),
        };
        command
            .arg(root.join("tests/conformance").join(script))
            .env("NODE_PATH", folder.join("node_modules"))
            .env("PINGPP_TEST_KEY", root.join("tests/keys/merchant.pem"));
        command
    }))
}

#[tokio::test]
async fn the_official_clients_send_what_this_crate_sends() {
    let Some([python, node]) = official(["drive.py", "drive.js"]) else { return };
    let Ours { server, sent, .. } = ours().await;
    let mut drivers = [("python", python), ("node", node)]
        .map(|(sdk, command)| (sdk, Driver::start(command, &server.url())));

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
            let cell = names[name].get(sdk);
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

#[tokio::test]
async fn the_sdk_for_browsers_does_the_same_with_a_credential_as_with_the_whole_object() {
    let Some([command]) = official(["drive_browser.js"]) else { return };
    let mut browser = Driver::start(command, "");
    let js = json!({
        "appId": "wx1", "timeStamp": 1_795_363_200, "nonceStr": "n", "package": "prepay_id=1",
        "signType": "RSA", "paySign": "s"
    });
    let form = json!({ "channel_url": "https://pay.example.com", "sign": "a/b+c=", "subject": "茶 & tea" });
    let mut done = 0;
    for (channel, payload, livemode) in [
        ("wx_pub", js.clone(), true),
        ("wx_wap", json!("https://pay.example.com/?a=1"), true),
        ("wx_wap", json!({ "url": "https://pay.example.com" }), true),
        ("alipay_wap", form.clone(), true),
        ("alipay_pc_direct", form, true),
        // A page on which a payment is simulated, with all that the SDK was given.
        ("alipay_pc_direct", json!({ "sign": "s" }), false),
        ("wx_wap", json!("https://pay.example.com"), false),
    ] {
        let credential = json!({ "object": "credential", channel: payload });
        let extra = json!({ "success_url": "https://shop.example.com" });
        let mut charge: Value = serde_json::from_str(&crate::charge()).unwrap();
        for (key, value) in [
            ("channel", json!(channel)),
            ("livemode", json!(livemode)),
            ("extra", extra.clone()),
            ("credential", credential.clone()),
        ] {
            charge[key] = value;
        }
        let order = json!({
            "id": "2001708220000281981", "object": "order", "livemode": livemode, "status": "created",
            "paid": false, "app": "app_test000000000001", "merchant_order_no": charge["order_no"],
            "amount": 100, "charge": charge["id"], "time_expire": charge["time_expire"],
            "charge_essentials": { "channel": channel, "credential": credential, "extra": extra },
        });
        let recharge = json!({
            "id": "1", "object": "recharge", "livemode": livemode, "succeeded": false, "amount": 100,
            "user": "user_1", "charge": charge,
        });
        let given = |of: Option<ClientCredential>| serde_json::to_value(of.unwrap()).unwrap();
        let of_charge = serde_json::from_value::<Charge>(charge.clone()).unwrap();
        let of_order = serde_json::from_value::<Order>(order.clone()).unwrap();
        let of_recharge = serde_json::from_value::<Recharge>(recharge.clone()).unwrap();
        for (whole, credential) in [
            (charge, given(of_charge.client_credential())),
            (order, given(of_order.client_credential())),
            (recharge, given(of_recharge.client_credential())),
        ] {
            let with_whole = browser.tell(&whole).await;
            assert!(
                with_whole.contains("https://") || with_whole.contains("prepay_id"),
                "{with_whole}"
            );
            assert_eq!(browser.tell(&credential).await, with_whole, "{channel}");
            done += 1;
        }
    }
    println!("the same for {done} objects");
}
