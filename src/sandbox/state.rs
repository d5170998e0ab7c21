//! The data of the sandbox: rows of all kinds, the ledger, and what is due. No I/O and no operations.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::answer::{Answer, Answered};
use super::clock::{Clock, Millis, Schedule, seconds};
use super::kind::{IdForm, Kind};
use super::kinds;
use super::ledger::Ledger;
use super::values::Fields;

mod undo;

use self::undo::{Step, Undo};

/// The id of the first app.
pub(super) const APP: &str = "app_sandbox000000001";

/// The number of apps from which on no other app is accepted, and the longest id of such an app.
const MOST_APPS: usize = 1_000;
const LONGEST_APP: usize = 64;

/// The state of a row that was deleted.
pub(super) const DELETED: &str = "deleted";

/// An object. It is referred to by its number, the index in `State::rows`.
pub(super) struct Row {
    pub(super) kind: &'static Kind,
    /// The number of the app.
    pub(super) app: usize,
    pub(super) id: Box<str>,
    /// The object in whose path it is: the charge of a refund, the user of a coupon.
    pub(super) parent: Option<usize>,
    /// The object that it is a part of: the order of a charge, the batch of a withdrawal.
    pub(super) group: Option<usize>,
    pub(super) state: &'static str,
    pub(super) created: i64,
    /// The fields that are not as in `Kind::fields`, as JSON; names that begin with `_` are not
    /// shown. Text takes a third of the memory of a map.
    pub(super) document: Box<str>,
}

/// A change that happens without a request when its time has come, if the row is still in this state.
#[derive(Clone, Copy)]
pub(super) struct Due {
    pub(super) row: usize,
    pub(super) from: &'static str,
    pub(super) to: &'static str,
}

/// One delivery of an event to the webhook.
#[derive(Clone, Copy)]
pub(super) struct Delivery {
    pub(super) event: usize,
    /// The number of failed deliveries before this one.
    pub(super) failures: usize,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) clock: Clock,
    pub(super) apps: Vec<Box<str>>,
    /// The numbers of the apps of the options; the others are sub-apps, or any.
    pub(super) own_apps: Vec<usize>,
    /// Whether any other app is accepted, too.
    pub(super) any_app: bool,
    pub(super) rows: Vec<Row>,
    /// By `key`.
    by_id: HashMap<Box<str>, usize>,
    /// The last row of a merchant's number.
    pub(super) by_number: HashMap<Box<str>, usize>,
    by_kind: HashMap<&'static str, Vec<usize>>,
    /// The rows of a parent or a group.
    below: HashMap<usize, Vec<usize>>,
    pub(super) ledger: Ledger,
    pub(super) due: Schedule<Due>,
    /// Whether events are delivered to a webhook; if not, `deliveries` stays empty.
    pub(super) has_webhook: bool,
    pub(super) deliveries: Schedule<Delivery>,
    undo: Undo,
}

impl State {
    /// Adds a row without doing anything else. A kind whose ids are chosen takes it from `id`.
    pub(super) fn insert(&mut self, mut row: Row) -> Answered<usize> {
        let number = self.rows.len();
        if let (true, IdForm::Numbered(prefix, digits)) = (row.id.is_empty(), row.kind.id) {
            let count = self.of_kind(row.kind).len() + 1;
            row.id = format!("{prefix}{count:0digits$}").into();
        }
        let key = key(row.kind, row.app, row.parent, &row.id);
        if self.by_id.get(&key).is_some_and(|other| self.rows[*other].state != DELETED) {
            return Err(Answer::bad_parameter("id", "there is one already"));
        }
        self.by_id.insert(key, number);
        self.by_kind.entry(row.kind.name).or_default().push(number);
        for above in [row.parent, row.group].into_iter().flatten() {
            self.below.entry(above).or_default().push(number);
        }
        self.rows.push(row);
        self.undo.note(Step::Added);
        Ok(number)
    }

    /// A row to change.
    pub(super) fn row_mut(&mut self, row: usize) -> &mut Row {
        let Row { state, group, ref document, .. } = self.rows[row];
        self.undo.note(Step::Changed { row, state, group, document: document.clone() });
        &mut self.rows[row]
    }

    /// The last row of a kind and an app that has this number of the merchant's.
    pub(super) fn numbered(&self, number: &str) -> Option<usize> {
        self.by_number.get(number).copied()
    }

    pub(super) fn give_number(&mut self, number: String, row: usize) {
        let number: Box<str> = number.into();
        let before = self.by_number.insert(number.clone(), row);
        self.undo.note(Step::Numbered(number, before));
    }

    /// Makes a row part of another one.
    pub(super) fn group(&mut self, row: usize, group: usize) {
        self.row_mut(row).group = Some(group);
        self.below.entry(group).or_default().push(row);
    }

    pub(super) fn find(
        &self,
        kind: &'static Kind,
        app: usize,
        parent: Option<usize>,
        id: &str,
    ) -> Answered<usize> {
        let found = self.by_id.get(&key(kind, app, parent, id)).copied();
        let is_there = |row: &usize| {
            let row = &self.rows[*row];
            row.state != DELETED && (parent.is_none() || row.parent == parent)
        };
        found.filter(is_there).ok_or_else(|| Answer::not_found(id))
    }

    /// A row of a kind whose ids are unique.
    pub(super) fn find_global(&self, kind: &'static Kind, id: &str) -> Answered<usize> {
        self.find(kind, 0, None, id)
    }

    /// The number of an app that is known, or accepted.
    pub(super) fn app(&mut self, id: &str) -> Option<usize> {
        let known = self.apps.iter().position(|app| &**app == id);
        if known.is_some_and(|known| self.own_apps.contains(&known)) {
            return known;
        }
        let has_room = self.apps.len() < MOST_APPS && (1..=LONGEST_APP).contains(&id.len());
        let is_any = self.any_app && (known.is_some() || has_room);
        let is_sub_app = || self.find_global(&kinds::SUB_APP, id).is_ok();
        (is_any || is_sub_app()).then(|| self.add_app(id))
    }

    /// The number of an app, which is added if it is not known yet.
    pub(super) fn add_app(&mut self, id: &str) -> usize {
        self.apps.iter().position(|app| &**app == id).unwrap_or_else(|| {
            self.apps.push(id.into());
            self.apps.len() - 1
        })
    }

    /// The rows of a kind, oldest first, with those that were deleted.
    pub(super) fn of_kind(&self, kind: &Kind) -> &[usize] {
        self.by_kind.get(kind.name).map_or(&[], Vec::as_slice)
    }

    /// The rows of a kind that belong to another row, oldest first.
    pub(super) fn below(&self, row: usize, kind: &Kind) -> Vec<usize> {
        let below = self.below.get(&row).into_iter().flatten().copied();
        let is_it = |row: &usize| {
            let row = &self.rows[*row];
            row.kind.name == kind.name && row.state != DELETED
        };
        below.filter(is_it).collect()
    }

    pub(super) fn document(&self, row: usize) -> Fields {
        serde_json::from_str(&self.rows[row].document).unwrap_or_default()
    }

    pub(super) fn edit(&mut self, row: usize, change: impl FnOnce(&mut Fields)) {
        let mut document = self.document(row);
        change(&mut document);
        self.row_mut(row).document = text_of(document);
    }

    pub(super) fn set(&mut self, row: usize, field: &str, value: impl Into<Value>) {
        self.edit(row, |document| {
            document.insert(field.to_owned(), value.into());
        });
    }

    /// A field of a row's document.
    pub(super) fn field(&self, row: usize, name: &str) -> Value {
        self.document(row).remove(name).unwrap_or_default()
    }

    pub(super) fn text(&self, row: usize, name: &str) -> String {
        self.field(row, name).as_str().unwrap_or_default().to_owned()
    }

    pub(super) fn number(&self, row: usize, name: &str) -> i64 {
        self.field(row, name).as_i64().unwrap_or_default()
    }

    pub(super) fn is(&self, row: usize, kind: &Kind) -> bool {
        self.rows[row].kind.name == kind.name
    }

    /// The id of a row, where it is part of a document.
    pub(super) fn id(&self, row: usize) -> &str {
        &self.rows[row].id
    }

    pub(super) fn now(&self) -> i64 {
        seconds(self.clock.millis())
    }

    /// The time at which a row that enters a state now leaves it again.
    pub(super) fn schedule(&mut self, row: usize, from: &'static str, at: Millis) {
        if let Some((pause, to)) = self.rows[row].kind.passes(from) {
            self.due.add(at + pause * 1000, Due { row, from, to });
        }
    }
}

pub(super) fn text_of(document: Fields) -> Box<str> {
    Value::Object(document).to_string().into()
}

/// Identifies a row among all. An id that the merchant chooses is unique below its parent only.
fn key(kind: &Kind, app: usize, parent: Option<usize>, id: &str) -> Box<str> {
    match (kind.id, parent) {
        (IdForm::Numbered(..), _) => format!("{}/{id}", kind.name).into(),
        (IdForm::Named(_), Some(parent)) => format!("{}/#{parent}/{id}", kind.name).into(),
        (IdForm::Named(_), None) => format!("{}/{app}/{id}", kind.name).into(),
    }
}

/// The fields of each kind, parsed.
static FIELDS: LazyLock<HashMap<&'static str, Fields>> = LazyLock::new(|| {
    let fields = |kind: &'static Kind| {
        let fields = serde_json::from_str(kind.fields);
        (kind.name, fields.unwrap_or_else(|error| panic!("{}: {error}", kind.name)))
    };
    kinds::all().map(fields).collect()
});

/// The fields of an object of a kind with the values that they have first.
pub(super) fn fields(kind: &Kind) -> &'static Fields {
    &FIELDS[kind.name]
}
