//! Takes back what a refused operation has done. Not for objects: these are what the operations say.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::{State, key};
use crate::sandbox::answer::Answered;

/// A step that an operation took, with what is needed to take it back.
pub(super) enum Step {
    Added,
    Changed { row: usize, state: &'static str, group: Option<usize>, document: Box<str> },
    Numbered(Box<str>, Option<usize>),
}

/// The steps of the operations that are not finished yet.
#[derive(Default)]
pub(super) struct Undo {
    steps: Vec<Step>,
    /// How many operations are under way, one within the other.
    depth: usize,
}

impl Undo {
    pub(super) fn note(&mut self, step: Step) {
        if self.depth > 0 {
            self.steps.push(step);
        }
    }
}

impl State {
    /// Performs an operation. If it ends with a refusal or a panic, everything is as before it; to refuse
    /// and still keep something, an operation answers `Ok` with the refusal.
    ///
    /// Everything but rows only grows in an operation, and shrinks to its former length here.
    pub(in crate::sandbox) fn attempt<T>(
        &mut self,
        act: impl FnOnce(&mut Self) -> Answered<T>,
    ) -> Answered<T> {
        let (steps, apps, ledger) = (self.undo.steps.len(), self.apps.len(), self.ledger.mark());
        let (due, deliveries) = (self.due.mark(), self.deliveries.mark());
        self.undo.depth += 1;
        let ended = catch_unwind(AssertUnwindSafe(|| act(self)));
        self.undo.depth -= 1;
        if !matches!(ended, Ok(Ok(_))) {
            while self.undo.steps.len() > steps {
                self.take_back();
            }
            self.apps.truncate(apps);
            self.ledger.back_to(ledger);
            self.due.back_to(due);
            self.deliveries.back_to(deliveries);
        }
        if self.undo.depth == 0 {
            self.undo.steps.clear();
        }
        ended.unwrap_or_else(|panic| resume_unwind(panic))
    }

    fn take_back(&mut self) {
        match self.undo.steps.pop() {
            None => {}
            Some(Step::Added) => self.remove_last(),
            Some(Step::Changed { row, state, group, document }) => {
                if let Some(joined) = self.rows[row].group.filter(|now| Some(*now) != group) {
                    self.below.entry(joined).or_default().pop();
                }
                let row = &mut self.rows[row];
                (row.state, row.group, row.document) = (state, group, document);
            }
            Some(Step::Numbered(number, None)) => drop(self.by_number.remove(&number)),
            Some(Step::Numbered(number, Some(row))) => drop(self.by_number.insert(number, row)),
        }
    }

    fn remove_last(&mut self) {
        let Some(row) = self.rows.pop() else { return };
        self.by_id.remove(&key(row.kind, row.app, row.parent, &row.id));
        self.by_kind.entry(row.kind.name).or_default().pop();
        for above in [row.parent, row.group].into_iter().flatten() {
            self.below.entry(above).or_default().pop();
        }
    }
}
