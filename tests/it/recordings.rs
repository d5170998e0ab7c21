//! What the crate sends for each operation, held against what the official SDKs were recorded to send,
//! and the list of operations, held against the documentation.
//!
//! `tests/recordings/operations.json` has facts of the recordings: operation, method, path, query, and
//! body of the canonical request. `operations.tsv` lists every operation of the API with its route,
//! and whether this crate has it.

mod calls;
mod live;
mod page;
mod sandbox;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use percent_encoding::percent_decode_str;
use pingpp::Client;
use serde_json::{Value, json};
use tokio::task::LocalSet;

use crate::API_KEY;
use crate::raw::{Act, Received, Server, html, json as answer};

const APP: &str = "app_1Gqj58ynP0mHeX1q";

/// A request without what SDKs write in different ways: order, escapes, spaces.
#[derive(Debug, Clone, PartialEq)]
struct Sent {
    method: String,
    path: String,
    query: BTreeSet<(String, String)>,
    body: Value,
}

impl Sent {
    fn recorded(row: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let pair = |pair: &Value| (text(&pair[0]), text(&pair[1]));
        let query = row["query"].as_array().unwrap().iter().map(pair).collect();
        let (method, path) = (text(&row["method"]), text(&row["path"]));
        Self { method, path, query, body: row["body"].clone() }
    }

    fn received(request: &Received) -> Self {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let query: Vec<_> = pairs.map(|pair| pair.split_once('=').unwrap()).collect();
        let query = query.into_iter().map(|(key, value)| (decoded(key), decoded(value))).collect();
        let body = match request.text() {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap(),
        };
        Self { method: request.method.clone(), path: decoded(path), query, body }
    }
}

/// The rows of a table of recorded requests, by operation and case.
fn table(text: &str) -> BTreeMap<(String, String), Value> {
    let rows: Value = serde_json::from_str(text).unwrap();
    let rows = rows.get("operations").unwrap_or(&rows).as_array().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rows.into_iter().map(|row| ((text(&row["op"]), text(&row["case"])), row)).collect()
}

/// An object that any operation can take for its answer: what the request named, and what the objects
/// require.
fn plausible(tag: &str, sent: &Sent) -> Value {
    if tag == "list" {
        return json!({ "object": "list", "has_more": false, "data": [], "url": sent.path });
    }
    let ids = || sent.path.split('/').skip(2).filter(|part| part.contains(char::is_numeric));
    let mut object = json!({
        "status": "pending", "amount": 100, "order_no": "1", "paid": false, "succeed": false, "succeeded": false,
        "user": sent.path.split("/users/").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or("user_1"),
        "channel": sent.path.rsplit('/').next(),
        "merchant_order_no": "1", "batch_no": "1", "contract_no": "1", "trade_no": "1", "reversed": true, "deleted": true, "type": "charge.succeeded",
        "data": { "object": {} }, "charge": ids().find(|id| id.starts_with("ch_")).unwrap_or("ch_1"),
    });
    if tag == "coupon_template" {
        object["type"] = 1.into();
    }
    for (key, value) in sent.body.as_object().into_iter().flatten() {
        object[key] = value.clone();
    }
    if object["id"].is_null() {
        object["id"] = ids().last().unwrap_or("id_1").into();
    }
    object["livemode"] = false.into();
    if !tag.is_empty() {
        object["object"] = tag.into();
    }
    object
}

/// What this crate sent for each operation and case.
struct Ours {
    server: Server,
    sent: BTreeMap<(String, String), Sent>,
}

async fn ours() -> Ours {
    let tag = Arc::new(Mutex::new(""));
    let answered = Arc::clone(&tag);
    let server = Server::start(move |request| {
        let object = plausible(*answered.lock().unwrap(), &Sent::received(request));
        Act::Write(answer(200, &object.to_string()))
    })
    .await;
    let client = server.builder().app(APP).build().unwrap();
    let mut sent = BTreeMap::new();
    for (op, object, call) in calls::all(&client) {
        let before = server.request_count();
        *tag.lock().unwrap() = object;
        call.await.unwrap_or_else(|error| panic!("{op}: {error:?}"));
        let requests = server.requests().split_off(before);
        assert_eq!(requests.len(), 1, "{op}: a method counts when its request arrived");
        let (op, case) = op.split_once('/').unwrap_or((op, "full"));
        let key = (op.to_owned(), case.to_owned());
        assert!(sent.insert(key, Sent::received(&requests[0])).is_none(), "{op} twice");
    }
    Ours { server, sent }
}

/// The recorded requests on which the official SDKs agree.
fn recorded() -> BTreeMap<(String, String), Sent> {
    let rows = table(include_str!("../recordings/operations.json"));
    rows.into_iter().map(|(key, row)| (key, Sent::recorded(&row))).collect()
}

#[tokio::test]
async fn every_operation_sends_what_the_official_sdks_send() {
    let (recorded, sent) = (recorded(), ours().await.sent);
    println!("{:<36}ours = consensus", "operation");
    let mut different = Vec::new();
    for (key, sent) in &sent {
        let expected = recorded.get(key).unwrap_or_else(|| panic!("{key:?} is not recorded"));
        println!("{:<36}{}", key.0, if sent == expected { "yes" } else { "no" });
        if sent != expected {
            different.push((key, sent, expected));
        }
    }
    let missing: Vec<_> = recorded.keys().filter(|key| !sent.contains_key(key)).collect();
    println!("{} of {} recorded requests: equal", sent.len() - different.len(), recorded.len());
    assert!(missing.is_empty(), "not called: {missing:?}");
    assert!(different.is_empty(), "sent, recorded: {different:#?}");
}

#[test]
fn the_table_says_what_was_recorded() {
    let original = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/recordings/consensus_a.json");
    let Ok(original) = fs::read_to_string(original) else {
        println!("no recordings beside the checkout: only the project's own table was used");
        return;
    };
    let (original, own) = (table(&original), table(include_str!("../recordings/operations.json")));
    for (key, row) in &own {
        assert_eq!(Sent::recorded(row), Sent::recorded(&original[key]), "{key:?}");
    }
    let done: Vec<_> = operations().into_iter().filter(|row| row.is_done()).collect();
    let done: BTreeSet<_> = done.iter().map(Operation::key).collect();
    for key in original.into_keys().filter(|(op, _)| done.contains(op)) {
        assert!(own.contains_key(&key), "{key:?} is recorded, but not in the table");
    }
    println!("{} rows are as recorded", own.len());
}

/// The files of the operations, with their text.
fn sources() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/resources")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push((path.clone(), fs::read_to_string(path).unwrap())),
            }
        }
    }
    files
}

/// What a doc comment says about sending an operation again, by the operation's line.
fn documented_repeats() -> BTreeMap<String, String> {
    let mut repeats = BTreeMap::<String, String>::new();
    for (_, text) in sources() {
        let mut comment = String::new();
        for line in text.lines().map(str::trim) {
            match line.strip_prefix("///") {
                Some(line) => comment.push_str(line),
                None => {
                    let comment = std::mem::take(&mut comment);
                    let spans = comment.split('`').skip(1).step_by(2);
                    let writes = ["POST /v1/", "PUT /v1/", "DELETE /v1/"];
                    let says = comment.split("**Repeats:** ").nth(1).unwrap_or("nothing");
                    let word: String = says.chars().take_while(|c| c.is_alphabetic()).collect();
                    for line in spans.filter(|span| writes.iter().any(|w| span.starts_with(w))) {
                        let said = repeats.entry(line.to_owned()).or_insert(word.clone());
                        assert_eq!(*said, word, "{line}");
                    }
                }
            }
        }
    }
    repeats
}

/// Against a server that loses every request, each operation on a client of its own.
#[tokio::test]
async fn every_operation_is_sent_again_as_often_as_its_documentation_says() {
    let repeats = documented_repeats();
    let lines: BTreeMap<_, _> = operations().into_iter().map(|row| (row.key(), row.line)).collect();
    let lost = |at: usize| async move {
        let server = Server::always(Act::Write(html(502))).await;
        let client = server.builder().app(APP).signing_threads(NonZeroUsize::MIN).build().unwrap();
        let (op, _, call) = calls::all(&client).into_iter().nth(at)?;
        call.await.unwrap_err();
        Some((op, server.request_count()))
    };
    let set = LocalSet::new();
    let count = calls::all(&Client::builder(API_KEY).unsigned().build().unwrap()).len();
    let all: Vec<_> = (0..count).map(|at| set.spawn_local(lost(at))).collect();
    set.await;
    let mut sends = BTreeMap::<usize, usize>::new();
    for call in all {
        let (op, sent) = call.await.unwrap().unwrap();
        let line = &lines[op.split('/').next().unwrap()];
        let expected = match repeats.get(line).map(String::as_str) {
            None if line.starts_with("GET ") => 4,
            Some("always") => 4,
            Some("within") => 3,
            Some("never") => 1,
            said => panic!("{op}: {said:?}"),
        };
        assert_eq!(sent, expected, "{op}");
        *sends.entry(sent).or_default() += 1;
    }
    println!("sends, operations: {sends:?}");
}

struct Operation {
    resource: &'static str,
    name: &'static str,
    /// As the documentation of a method names it: `POST /v1/charges`.
    line: String,
    /// `done`, `planned`, or why it is left out.
    status: &'static str,
}

impl Operation {
    fn is_done(&self) -> bool {
        self.status == "done"
    }

    fn key(&self) -> String {
        format!("{}.{}", self.resource, self.name)
    }
}

fn operations() -> Vec<Operation> {
    let rows = include_str!("../recordings/operations.tsv").lines().skip(1);
    rows.map(|row| {
        let row: Vec<_> = row.split('\t').collect();
        let [resource, name, method, route, status] = row[..] else { panic!("{row:?}") };
        Operation { resource, name, line: format!("{method} {route}"), status }
    })
    .collect()
}

/// What an operation is called in each official SDK, by the name of the SDK; `-` is not there.
struct SdkNames(BTreeMap<&'static str, &'static str>);

impl SdkNames {
    fn get(&self, sdk: &str) -> &'static str {
        self.0[sdk]
    }
}

fn sdk_names() -> BTreeMap<String, SdkNames> {
    let mut rows = include_str!("../recordings/sdks.tsv").lines().map(|row| row.split('\t'));
    let header: Vec<_> = rows.next().unwrap().skip(1).collect();
    rows.map(|mut row| {
        let operation = row.next().unwrap().to_owned();
        let names = header.iter().copied().zip(row).collect::<BTreeMap<_, _>>();
        assert_eq!(names.len(), header.len(), "{operation}");
        (operation, SdkNames(names))
    })
    .collect()
}

/// The documented operations of the code: each code span in a doc comment that begins with a method.
fn documented() -> BTreeMap<String, usize> {
    let mut lines = BTreeMap::new();
    for (_, text) in sources() {
        let docs = text.lines().filter_map(|line| line.trim().strip_prefix("/// "));
        for span in docs.flat_map(|line| line.split('`').skip(1).step_by(2)) {
            let is_operation = |method| span.starts_with(method) && span.contains(" /v1/");
            if ["GET ", "POST ", "PUT ", "DELETE "].into_iter().any(is_operation) {
                *lines.entry(span.to_owned()).or_default() += 1;
            }
        }
    }
    lines
}

#[test]
fn every_operation_is_documented_once_or_left_out_for_a_reason() {
    let found = documented();
    let operations = operations();
    // Two operations may share a line: an update and a cancel.
    let mut expected = BTreeMap::<_, usize>::new();
    for operation in operations.iter().filter(|operation| operation.is_done()) {
        *expected.entry(operation.line.clone()).or_default() += 1;
    }
    assert_eq!(found, expected, "left: in the code, right: in the list");
    let count = |is: fn(&&Operation) -> bool| operations.iter().filter(is).count();
    let (done, planned) = (count(|o| o.is_done()), count(|o| o.status == "planned"));
    println!("{} operations: {done} done, {planned} planned", operations.len());
    for left_out in operations.iter().filter(|o| !o.is_done() && o.status != "planned") {
        println!("{} {}", left_out.key(), left_out.status);
    }
}
