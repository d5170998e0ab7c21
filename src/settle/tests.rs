//! The core through every interleaving: a model of the world in which charges are paid, reversed and
//! lost sight of, random schedules of it, and a search through all short ones.

use std::cell::Cell;

use proptest::prelude::*;

use super::core::*;

const SECOND: Millis = 1_000;
const START: Millis = 1_000_000 * SECOND;

/// Where the choices of a schedule come from; 0 is always the good one.
trait Choices {
    fn pick(&mut self, of: u64) -> u64;

    fn happens(&mut self, one_in: u64) -> bool {
        self.pick(one_in) == one_in - 1
    }
}

/// As proptest drew them; good ones behind their end.
struct Drawn<'a>(std::slice::Iter<'a, u8>);

impl Choices for Drawn<'_> {
    fn pick(&mut self, of: u64) -> u64 {
        self.0.next().map_or(0, |byte| u64::from(*byte) % of)
    }
}

/// One after the other, up to a depth; good ones behind it.
#[derive(Default)]
struct Searched {
    /// What was chosen, out of how many.
    path: Vec<(u64, u64)>,
    at: usize,
    depth: usize,
}

impl Choices for Searched {
    fn pick(&mut self, of: u64) -> u64 {
        if self.at == self.path.len() && self.at < self.depth {
            self.path.push((0, of));
        }
        self.at += 1;
        self.path.get(self.at - 1).map_or(0, |(chosen, _)| *chosen)
    }
}

impl Searched {
    /// The next schedule, if there is one.
    fn advance(&mut self) -> bool {
        self.at = 0;
        while let Some((chosen, of)) = self.path.pop() {
            if chosen + 1 < of {
                self.path.push((chosen + 1, of));
                return true;
            }
        }
        false
    }
}

/// The truth, which the core sees only through looks.
#[derive(Debug)]
struct World {
    now: Millis,
    view: View,
    paid_at: Option<Millis>,
    /// How long the channel takes to tell of a payment.
    confirms_after: Millis,
    reversed_at: Option<Millis>,
    failed_at: Option<Millis>,
    /// Reverses that arrive later than anybody waits.
    under_way: Vec<Millis>,
    /// When the customer means to pay.
    will_pay: Option<Millis>,
}

impl World {
    fn new(choices: &mut impl Choices) -> Self {
        let mut view = View {
            paid: false,
            reversed: false,
            refunded: false,
            failed: false,
            expires: START + 7_200 * SECOND,
            reversible: true,
            gives_back: true,
            reversible_from: START,
            reversible_until: None,
        };
        match choices.pick(6) {
            1 => view.gives_back = false,
            2 => (view.gives_back, view.reversible_from) = (false, START + 15 * SECOND),
            3 => (view.gives_back, view.reversible) = (false, false),
            4 => view.reversible_until = Some(START + 70 * SECOND),
            5 => {
                (view.gives_back, view.reversible) = (false, false);
                view.expires = START + 100 * SECOND;
            }
            _ => {}
        }
        let will_pay = [None, Some(10), Some(59), Some(61), Some(66), Some(90)];
        let confirms_after = [0, 4, 30, 200];
        Self {
            now: START,
            view,
            paid_at: None,
            reversed_at: None,
            failed_at: None,
            under_way: Vec::new(),
            will_pay: will_pay[choices.pick(6) as usize].map(|s: u64| START + s * SECOND),
            confirms_after: confirms_after[choices.pick(4) as usize] * SECOND,
        }
    }

    /// Lets time pass, and everything happen that was to happen in it, in its order.
    fn pass(&mut self, to: Millis) {
        while let Some(next) =
            self.under_way.iter().chain(&self.will_pay).copied().filter(|t| *t <= to).min()
        {
            self.now = self.now.max(next);
            if self.will_pay == Some(next) {
                self.will_pay = None;
                let dead = self.failed_at.is_some() || self.now >= self.view.expires;
                if self.reversed_at.is_none() && !dead {
                    self.paid_at = Some(self.now);
                }
            } else {
                self.under_way.retain(|t| *t != next);
                self.reverse();
            }
        }
        self.now = self.now.max(to);
    }

    /// A reverse arrives; whether it was accepted.
    fn reverse(&mut self) -> bool {
        let in_time = self.now >= self.view.reversible_from
            && self.view.reversible_until.is_none_or(|until| self.now < until);
        let possible =
            self.view.reversible && in_time && (self.paid_at.is_none() || self.view.gives_back);
        if self.reversed_at.is_none() && possible {
            self.reversed_at = Some(self.now);
        }
        self.reversed_at.is_some()
    }

    /// What a look shows that is this old.
    fn seen(&self, age: Millis) -> View {
        let at = self.now - age;
        View {
            paid: self.paid_at.is_some_and(|time| time + self.confirms_after <= at),
            reversed: self.reversed_at.is_some_and(|time| time <= at),
            failed: self.failed_at.is_some_and(|time| time <= at),
            ..self.view
        }
    }

    /// The customer has the money's worth of goods, and the merchant the money.
    fn is_paid_for_good(&self) -> bool {
        self.paid_at.is_some() && self.reversed_at.is_none()
    }
}

/// One schedule to its end: the ending, and the truth at the end of days.
fn schedule(choices: &mut impl Choices) -> (Ending, World) {
    let mut world = World::new(choices);
    let mut core = Core::new(world.now);
    core.accept_late_payment = !choices.happens(3);
    let (mut last, mut input) = (None, Input::Start);
    // What was kept on disk.
    let mut kept = core.clone();
    for _ in 0..400 {
        // The process may die before what it learnt is kept; it knows nothing else afterwards.
        let dies_unkept = choices.happens(24);
        let action = core.next(world.now, input, last.as_ref());
        if !dies_unkept {
            kept = serde_json::from_value(serde_json::to_value(&core).unwrap()).unwrap();
        }
        if let Action::End(ending) = action {
            world.pass(Millis::MAX);
            return (ending, world);
        }
        let dies = dies_unkept || choices.happens(24);
        // If it dies behind the offer, the reverse may have gone out or not.
        if !dies_unkept || action != Action::Reverse {
            input = act(action, &mut world, choices);
        }
        if dies {
            world.pass(world.now + choices.pick(4) * 20 * SECOND);
            (core, last, input) = (kept.clone(), None, Input::Start);
        }
        if let Input::Seen(view) = input {
            last = Some(view);
        }
    }
    panic!("it does not end: {core:?} {world:?}");
}

fn act(action: Action, world: &mut World, choices: &mut impl Choices) -> Input {
    match action {
        Action::WaitUntil(time) => {
            match choices.pick(12) {
                10 => return Input::Cancel,
                11 => return Input::News,
                9 if world.paid_at.is_none() => world.failed_at = Some(world.now),
                _ => {}
            }
            world.pass(time);
            Input::Time
        }
        Action::Look => {
            world.pass(world.now + choices.pick(3) * SECOND);
            match choices.pick(6) {
                0..3 => Input::Seen(world.seen(0)),
                3 => Input::Seen(world.seen(20 * SECOND)),
                4 => Input::Blind { slow_down: false },
                _ => Input::Blind { slow_down: true },
            }
        }
        Action::Reverse => {
            world.pass(world.now + choices.pick(3) * SECOND);
            match choices.pick(8) {
                0..3 => match world.reverse() {
                    true => Input::Reversed,
                    false => Input::Refused,
                },
                3 => Input::Reversed, // without effect
                4 => Input::Refused,  // by the channel, whatever it could have done
                5 => Input::NotSent,
                6 => {
                    world.reverse();
                    Input::InDoubt
                }
                _ => {
                    let late = choices.pick(4) * 15 * SECOND;
                    world.under_way.push(world.now + late);
                    Input::InDoubt
                }
            }
        }
        Action::End(_) => unreachable!(),
    }
}

fn is_true(ending: Ending, world: &World) -> bool {
    match ending {
        Ending::Paid | Ending::NeedsRefund => world.is_paid_for_good(),
        Ending::Closed | Ending::Refunded => world.reversed_at.is_some(),
        Ending::Failed => !world.is_paid_for_good(),
        Ending::Unresolved(_) => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_schedule_ends_wrongly(bytes in prop::collection::vec(any::<u8>(), 0..160)) {
        let (ending, world) = schedule(&mut Drawn(bytes.iter()));
        prop_assert!(is_true(ending, &world), "{ending:?} {world:?}");
    }
}

#[test]
fn no_short_schedule_ends_wrongly() {
    let mut search = Searched { depth: 12, ..Searched::default() };
    let (schedules, unresolved) = (Cell::new(0), Cell::new(0));
    loop {
        let (ending, world) = schedule(&mut search);
        assert!(is_true(ending, &world), "{ending:?} {world:?} {:?}", search.path);
        schedules.set(schedules.get() + 1);
        unresolved.set(unresolved.get() + usize::from(matches!(ending, Ending::Unresolved(_))));
        if !search.advance() {
            break;
        }
    }
    println!("{} schedules, {} unresolved, 0 wrong", schedules.get(), unresolved.get());
}
