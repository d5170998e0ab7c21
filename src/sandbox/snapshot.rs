//! The whole state as JSON, for `Options::state` and `POST /_sandbox/reset`: a sandbox that is started
//! with it goes on where the other one ended, at the same time.

use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::clock::Millis;
use super::kinds;
use super::ledger::Account;
use super::state::{DELETED, Delivery, Due, Row, State};
use super::values::Fields;

#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Snapshot {
    /// Milliseconds since 1970.
    now: Millis,
    apps: Vec<String>,
    rows: Vec<SavedRow>,
    postings: Vec<(Account, Account, i64, usize)>,
    numbers: Vec<(String, usize)>,
    due: Vec<(Millis, usize, String, String)>,
    deliveries: Vec<(Millis, usize, usize)>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedRow {
    kind: String,
    id: String,
    #[serde(default)]
    app: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<usize>,
    state: String,
    created: i64,
    document: Fields,
}

impl State {
    pub(super) fn snapshot(&self) -> String {
        let saved = |number: usize| {
            let row = &self.rows[number];
            SavedRow {
                kind: row.kind.name.to_owned(),
                id: row.id.to_string(),
                app: row.app,
                parent: row.parent,
                group: row.group,
                state: row.state.to_owned(),
                created: row.created,
                document: self.document(number),
            }
        };
        let due =
            self.due.items().map(|(at, due)| (at, due.row, due.from.to_owned(), due.to.to_owned()));
        let deliveries = self.deliveries.items().map(|(at, d)| (at, d.event, d.failures));
        let postings = self.ledger.entries();
        let postings =
            postings.map(|(from, to, amount, row)| (from.clone(), to.clone(), amount, row));
        let numbers = self.by_number.iter().map(|(number, row)| (number.to_string(), *row));
        let snapshot = Snapshot {
            now: self.clock.millis(),
            apps: self.apps.iter().map(ToString::to_string).collect(),
            rows: (0..self.rows.len()).map(saved).collect(),
            postings: postings.collect(),
            numbers: numbers.collect(),
            due: due.collect(),
            deliveries: deliveries.collect(),
        };
        serde_json::to_string(&snapshot).expect("its keys are text")
    }

    /// Takes a snapshot over, into a state without rows.
    pub(super) fn restore(&mut self, text: &str) -> io::Result<()> {
        let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
        let snapshot: Snapshot = serde_json::from_str(text)
            .map_err(|error| wrong(format!("it is not a state of the sandbox: {error}")))?;
        self.clock.set(Duration::from_millis(snapshot.now));
        // Rows and accounts name the stored apps by their numbers, so that these keep them.
        let stored = snapshot.apps.into_iter().map(Into::into).collect();
        let own = std::mem::replace(&mut self.apps, stored);
        self.own_apps = own.iter().map(|app| self.add_app(app)).collect();
        let count = snapshot.rows.len();
        for saved in snapshot.rows {
            let what = format!("{} {}", saved.kind, saved.id);
            let bad = |why: &str| wrong(format!("{what}: {why}"));
            let kind = kinds::named(&saved.kind).ok_or_else(|| bad("no such kind"))?;
            let mut states = kind.states.iter().map(|state| state.name).chain([DELETED]);
            let state = states.find(|state| *state == saved.state);
            let is_known = |row: Option<usize>| row.is_none_or(|row| row < count);
            if saved.app >= self.apps.len() || !is_known(saved.parent) || !is_known(saved.group) {
                return Err(bad("it refers to an app or an object that is not there"));
            }
            self.insert(Row {
                kind,
                app: saved.app,
                id: saved.id.into(),
                parent: saved.parent,
                group: saved.group,
                state: state.ok_or_else(|| bad("no such state"))?,
                created: saved.created,
                document: super::state::text_of(saved.document),
            })
            .map_err(|_| bad("it is there twice"))?;
        }
        for (from, to, amount, row) in snapshot.postings {
            if row >= count || !self.ledger.post(from, to, amount, row) {
                return Err(wrong(format!("a posting of {amount} is not possible")));
            }
        }
        let is_row = |row: &usize| *row < count;
        for (number, row) in snapshot.numbers.into_iter().filter(|(_, row)| is_row(row)) {
            self.by_number.insert(number.into(), row);
        }
        for (at, row, from, to) in snapshot.due.into_iter().filter(|due| is_row(&due.1)) {
            let kind = self.rows[row].kind;
            if !kind.has_state(&from) || !kind.has_state(&to) {
                return Err(wrong(format!("{} has no state {from:?} or {to:?}", kind.name)));
            }
            let due = Due { row, from: kind.state(&from).name, to: kind.state(&to).name };
            self.due.add(at, due);
        }
        for (at, event, failures) in snapshot.deliveries.into_iter().filter(|d| is_row(&d.1)) {
            self.deliveries.add(at, Delivery { event, failures });
        }
        Ok(())
    }
}
