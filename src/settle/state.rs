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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settle::obstacle::Obstacle;

    const OPEN: Ending = Ending::Unresolved(Obstacle::InDoubt);

    fn done(ending: Ending, id: &str) -> Done {
        Done { ending, id: Some(id.into()), charge: None, refusal: None }
    }

    fn ids(all: &[&str]) -> Vec<Id<Charge>> {
        all.iter().map(|&id| id.into()).collect()
    }

    #[test]
    fn only_a_create_and_a_reverse_have_an_effect_and_nothing_once_it_has_ended() {
        for (phase, intent) in [
            (Phase::Create, Some(Phase::Create)),
            (Phase::Reverse, Some(Phase::Reverse)),
            (Phase::Search, None),
            (Phase::Watch, None),
        ] {
            let mut state = State { machine: Machine::new(phase, 0), ..State::default() };
            assert_eq!(state.intent(), intent);
            state.machine.ending = Some(OPEN);
            assert_eq!(state.intent(), None);
        }
    }

    #[test]
    fn after_a_paid_charge_the_others_of_its_order_are_surplus() {
        for (ending, surplus) in [(Ending::Paid, true), (Ending::Closed, false)] {
            let mut state = State { charge: Some("ch_1".into()), ..State::default() };
            state.more = ids(&["ch_2", "ch_3"]);
            assert_eq!(state.end(ending, None, None, 7), Action::Wait(7));
            assert_eq!((state.charge.clone(), state.machine.due), (Some("ch_2".into()), 7));
            assert_eq!((state.machine.surplus, state.machine.cancelled), (surplus, surplus));
            assert_eq!(state.end(Ending::Closed, None, None, 8), Action::Wait(8));
            assert_eq!(state.machine.surplus, surplus, "of the third as well");
            assert_eq!(state.end(Ending::Closed, None, None, 9), Action::End(Ending::Closed));
            assert_eq!(
                state.done,
                [done(ending, "ch_1"), done(Ending::Closed, "ch_2"), done(Ending::Closed, "ch_3")]
            );
        }
    }

    fn ended(endings: &[(Ending, &str)], last: Ending) -> State {
        let done = endings.iter().map(|(ending, id)| done(*ending, id)).collect();
        let charge = endings.last().map(|(_, id)| (*id).into());
        let mut state = State { charge, done, ..State::default() };
        state.machine.ending = Some(last);
        (state.machine.looked, state.machine.reverses) = (true, 3);
        state
    }

    #[test]
    fn an_ending_that_was_none_is_reopened_and_others_are_final() {
        let mut state = ended(&[(OPEN, "ch_1")], OPEN);
        state.reopen();
        assert_eq!((state.machine.ending, state.done.len()), (None, 0));
        assert_eq!((state.charge, state.more), (Some("ch_1".into()), Vec::new()));
        // A new round of the same charge.
        assert_eq!((state.machine.looked, state.machine.reverses), (false, 3));

        for ending in [Ending::Paid, Ending::Closed, Ending::Refunded, Ending::NotCreated] {
            let mut state = ended(&[(ending, "ch_1")], ending);
            let before = state.clone();
            state.reopen();
            assert_eq!(state, before);
        }
    }

    #[test]
    fn of_several_charges_those_without_an_ending_are_reopened() {
        // The machine's state is that of the last charge, so that one goes on with it.
        let mut state = ended(&[(OPEN, "ch_1"), (Ending::Paid, "ch_2"), (OPEN, "ch_3")], OPEN);
        state.reopen();
        assert_eq!((state.charge, state.more), (Some("ch_3".into()), ids(&["ch_1"])));
        assert_eq!((state.done, state.machine.reverses), (vec![done(Ending::Paid, "ch_2")], 3));

        // Otherwise another one begins, as surplus if one is paid.
        for (ending, surplus) in [(Ending::Paid, true), (Ending::Closed, false)] {
            let mut state = ended(&[(OPEN, "ch_1"), (OPEN, "ch_2"), (ending, "ch_3")], ending);
            state.reopen();
            assert_eq!((state.charge, state.more), (Some("ch_1".into()), ids(&["ch_2"])));
            assert_eq!((state.machine.reverses, state.machine.surplus), (0, surplus));
            assert_eq!(state.machine.ending, None);
        }

        // An order of which no charge is known goes on as it stands.
        let mut state =
            State { done: vec![Done { id: None, ..done(OPEN, "") }], ..State::default() };
        (state.machine.ending, state.machine.reverses) = (Some(OPEN), 3);
        state.reopen();
        assert_eq!((state.charge, state.machine.ending, state.machine.reverses), (None, None, 3));
    }
}
