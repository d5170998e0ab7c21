//! The page "All operations" is made of the table of operations, of the code's documentation, and of
//! what the methods do.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use pingpp::{Outcome, RetryPolicy};
use serde_json::Value;

use super::{APP, Sent, calls, documented_repeats, operations, plausible, sdk_names, sources};
use crate::raw::{Act, Server, json as answer};

const SDKS: [(&str, &str); 7] = [
    ("php", "PHP"),
    ("java", "Java"),
    ("go", "Go"),
    ("node", "Node"),
    ("python", "Python"),
    ("ruby", "Ruby"),
    ("csharp", "C#"),
];

/// The public methods that are documented with the line of an operation, as links.
fn methods() -> BTreeMap<String, Vec<(String, String)>> {
    let mut found = BTreeMap::<_, Vec<_>>::new();
    for (path, text) in sources() {
        let module = path.file_stem().unwrap().to_str().unwrap();
        let (mut comment, mut block, mut handle) = (String::new(), "", String::new());
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        for (at, line) in lines.iter().enumerate() {
            if let Some(line) = line.strip_prefix("///") {
                comment.push_str(line);
                continue;
            }
            let comment = std::mem::take(&mut comment);
            if let Some(name) = line.strip_prefix("impl ").and_then(|rest| rest.strip_suffix(" {"))
            {
                block = name;
            }
            let Some(rest) = line.strip_prefix("pub fn ") else { continue };
            let name = rest.split(['(', '<']).next().unwrap();
            if block == "Client" {
                let signature = lines[at..].iter().take_while(|line| !line.is_empty());
                let signature: String = signature.copied().collect();
                let of = signature.split_once("&self, ").and_then(|(_, rest)| rest.split_once(':'));
                handle = format!("{name}({})", of.map_or("", |(of, _)| of));
            }
            let link =
                |name: &str| format!("[`{handle}.{name}`](crate::{module}::{block}::{name})");
            for span in comment.split('`').skip(1).step_by(2).filter(|s| s.contains(" /v1/")) {
                found.entry(span.to_owned()).or_default().push((name.to_owned(), link(name)));
            }
            // The second method of an operation refers to the first one.
            if let Some((_, rest)) = comment.split_once("the same operation as") {
                let first = rest.split_once("(Self::").unwrap().1.split(')').next().unwrap();
                let all = found.values_mut().flatten();
                let (_, links) = all.into_iter().find(|(_, l)| *l == link(first)).unwrap();
                *links = format!("{links}, {}", link(name));
            }
        }
    }
    found
}

/// What the answer of an operation must say if it had its effect: found by answering otherwise.
async fn postconditions() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (field, other) in [
        ("reversed", Value::from(false)),
        ("deleted", false.into()),
        ("status", "scheduled".into()),
    ] {
        let said = Arc::new(Mutex::new(("", Value::Null)));
        let shared = Arc::clone(&said);
        let server = Server::start(move |request| {
            let mut said = shared.lock().unwrap();
            let mut object = plausible(said.0, &Sent::received(request));
            said.1 = std::mem::replace(&mut object[field], other.clone());
            Act::Write(answer(200, &object.to_string()))
        })
        .await;
        let client = server.builder().app(APP).retry(RetryPolicy::none()).build().unwrap();
        for (op, object, call) in calls::all(&client).into_iter().filter(|(_, o, _)| *o != "list") {
            said.lock().unwrap().0 = object;
            if let Err(error) = call.await {
                assert_eq!(error.outcome(), Outcome::Unknown, "{op}");
                let wanted = said.lock().unwrap().1.to_string().replace('"', "");
                found.insert(op.to_owned(), format!("`{field}`: `{wanted}`"));
            }
        }
    }
    found
}

async fn table() -> String {
    let (methods, names, wanted) = (methods(), sdk_names(), postconditions().await);
    let repeats = documented_repeats();
    let mut table = String::from("| operation | here | repeats | its answer must say |");
    table.extend(SDKS.iter().map(|(_, name)| format!(" {name} |")));
    table.push_str("\n|---|---|---|---|---|---|---|---|---|---|---|\n");
    let mut left_out = String::new();
    for operation in operations() {
        let key = operation.key();
        let (line, name) = (&operation.line, operation.name);
        if !operation.is_done() {
            let reason = operation.status.strip_prefix("left out: ").unwrap();
            writeln!(left_out, "| `{line}` | `{key}` | {reason} |").unwrap();
            continue;
        }
        // An update and a cancel may share a line.
        let found = &methods[line];
        let same = found.iter().find(|(method, _)| method == name);
        let (_, here) = same.unwrap_or_else(|| {
            assert_eq!(found.len(), 1, "{key}: {found:?}");
            &found[0]
        });
        let repeats = match repeats.get(line).map_or("always", String::as_str) {
            "within" => "within 50 s",
            always_or_never => always_or_never,
        };
        let wanted = wanted.get(&key).map_or("", String::as_str);
        write!(table, "| `{line}` | {here} | {repeats} | {wanted} |").unwrap();
        for (sdk, _) in SDKS {
            let cells = names[&key].get(sdk).split(", ").map(|name| match name {
                "-" | "?" => name.to_owned(),
                name => format!("`{}`", name.replace(" (2.1.7)", "")),
            });
            write!(table, " {} |", cells.collect::<Vec<_>>().join(", ")).unwrap();
        }
        table.push('\n');
    }
    format!("{table}\n# Left out\n\n| operation | | why |\n|---|---|---|\n{left_out}")
}

#[tokio::test]
async fn the_page_of_all_operations_says_what_the_code_does() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/operations.md");
    let page = fs::read_to_string(&path).unwrap();
    let (text, _) = page.split_once("| operation |").unwrap();
    let made = format!("{text}{}", table().await);
    if std::env::var_os("PINGPP_WRITE_PAGES").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let differs = made.lines().zip(page.lines()).find(|(made, page)| made != page);
    assert!(
        made == page,
        "src/operations.md is out of date; PINGPP_WRITE_PAGES=1 cargo test --test it all_operations \
         makes it anew. First difference: {differs:#?}"
    );
    println!("{} rows", made.lines().filter(|line| line.starts_with("| `")).count());
}
