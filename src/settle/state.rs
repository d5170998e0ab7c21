//! The state of a settlement: of which charges, and where it stands.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::clock::Millis;
use super::machine::Machine;
use super::obstacle::NotCreated;
use super::transition::{Action, Ending, Phase};
use crate::resources::charges::Charge;
use crate::types::{App, Id};

/// A settlement: of which charges, and where it stands.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct State {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) app: Option<Id<App>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) order_no: Option<String>,
    /// The charge that is being settled; `None` until a create was answered or found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) charge: Option<Id<Charge>>,
    /// Charges with the same number that are still to be settled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) more: Vec<Id<Charge>>,
    /// The endings so far; complete once the machine has ended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) done: Vec<Done>,
    #[serde(flatten)]
    pub(super) machine: Machine,
    /// Fields of a later minor version.
    #[serde(flatten)]
    pub(super) other: Map<String, Value>,
}

/// The ending of one charge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Done {
    pub(super) ending: Ending,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<Id<Charge>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) charge: Option<Box<Charge>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) refusal: Option<Box<NotCreated>>,
}

impl State {
    /// Whether the next step has an effect, and which.
    pub(super) fn intent(&self) -> Option<Phase> {
        let phase = self.machine.phase;
        let is_open = self.machine.ending.is_none();
        Some(phase).filter(|phase| is_open && matches!(phase, Phase::Create | Phase::Reverse))
    }

    /// Rule 4: writes the ending of a charge down. If there are more charges of this order, it turns
    /// to the next one.
    pub(super) fn end(
        &mut self,
        ending: Ending,
        charge: Option<&Charge>,
        refusal: Option<Box<NotCreated>>,
        now: Millis,
    ) -> Action {
        let charge = charge.map(|charge| {
            let mut kept = charge.clone();
            (kept.credential, kept.extra) = Default::default();
            Box::new(kept)
        });
        self.done.push(Done { ending, id: self.charge.clone(), charge, refusal });
        if self.more.is_empty() {
            return Action::End(ending);
        }
        self.charge = Some(self.more.remove(0));
        // At most one ends paid.
        self.machine.begin_charge(self.done.iter().any(|done| done.ending == Ending::Paid));
        self.machine.due = now;
        Action::Wait(now)
    }

    /// Begins a new round of work, also after an ending that was none.
    pub(super) fn reopen(&mut self) {
        if self.machine.ending.is_some() {
            let is_open = |done: &mut Done| matches!(done.ending, Ending::Unresolved(_));
            let open: Vec<_> = self.done.extract_if(.., is_open).collect();
            if open.is_empty() {
                return;
            }
            // The state of the machine is that of the charge which was settled last.
            let mut ids: Vec<_> = open.into_iter().filter_map(|done| done.id).collect();
            let last = ids.iter().position(|id| self.charge.as_ref() == Some(id));
            match last {
                Some(last) => drop(ids.remove(last)),
                None if ids.is_empty() => {}
                None => {
                    self.charge = Some(ids.remove(0));
                    let is_paid = self.done.iter().any(|done| done.ending == Ending::Paid);
                    self.machine.begin_charge(is_paid);
                }
            }
            self.more = ids;
            self.machine.ending = None;
        }
        self.machine.begin_round();
    }
}
