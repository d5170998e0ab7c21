//! The core through every interleaving: a model of the world in which charges are paid, reversed and
//! lost sight of, random schedules of it, and a search through all short ones.

use std::collections::HashMap;

use proptest::prelude::*;

use super::machine::*;

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

/// The truth, which the core sees only through looks.
#[derive(Debug)]
struct World {
    now: Millis,
    view: ChargeView,
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
        let mut view = ChargeView {
            paid: false,
            reversed: false,
            refunded: false,
            failed: false,
            expires: START + 7_200 * SECOND,
            reversible: true,
            gives_back: true,
            created: START,
            reversible_after: 0,
            reversible_until: None,
        };
        match choices.pick(6) {
            1 => view.gives_back = false,
            2 => (view.gives_back, view.reversible_after) = (false, 15 * SECOND),
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
        let in_time = self.now >= START + self.view.reversible_after
            && self.view.reversible_until.is_none_or(|until| self.now < until);
        let possible =
            self.view.reversible && in_time && (self.paid_at.is_none() || self.view.gives_back);
        if self.reversed_at.is_none() && possible {
            self.reversed_at = Some(self.now);
        }
        self.reversed_at.is_some()
    }

    /// What a look shows that is this old.
    fn seen(&self, age: Millis) -> ChargeView {
        let at = self.now - age;
        ChargeView {
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
    let mut core = Machine::new(world.now);
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

/// What can happen beside the settlement itself.
#[derive(Debug, Clone, Copy)]
enum Event {
    Pays,
    /// The channel tells of it; until then no look shows it.
    Confirms,
    WalksAway,
    Webhook,
    Dies,
    /// The next reverse is carried out, but its answer is lost.
    AnswerIsLost,
}

const EVENTS: [Event; 6] = [
    Event::Pays,
    Event::Confirms,
    Event::WalksAway,
    Event::Webhook,
    Event::Dies,
    Event::AnswerIsLost,
];

/// The events in this order, each as many steps behind the one before as `gaps` says.
fn interleaving(order: &[usize], gaps: u32, kind: u8, accept: bool) -> (Ending, World) {
    let mut world = World::new(&mut Drawn([kind].iter()));
    world.confirms_after = Millis::MAX / 2;
    let mut core = Machine::new(world.now);
    core.accept_late_payment = accept;
    let (mut kept, mut last, mut input) = (core.clone(), None, Input::Start);
    let (mut next, mut gap, mut is_lost) = (0, 0, false);
    for _ in 0..400 {
        let action = core.next(world.now, input, last.as_ref());
        kept.clone_from(&core);
        let mut said = None;
        if gap > 0 {
            gap -= 1;
        } else if let Some(event) = order.get(next) {
            next += 1;
            gap = 3 * (gaps >> next & 1);
            match EVENTS[*event] {
                Event::Pays if world.reversed_at.is_none() => world.paid_at = Some(world.now),
                Event::Pays => {}
                Event::Confirms => world.confirms_after = 0,
                Event::WalksAway => said = Some(Input::Cancel),
                Event::Webhook => said = Some(Input::News),
                Event::AnswerIsLost => is_lost = true,
                Event::Dies => {
                    (core, last, input) = (kept.clone(), None, Input::Start);
                    continue;
                }
            }
        }
        input = match (action, said) {
            (Action::End(ending), _) => return (ending, world),
            (Action::WaitUntil(_), Some(said)) => said,
            (Action::Reverse, _) if std::mem::take(&mut is_lost) => {
                world.reverse();
                Input::InDoubt
            }
            (action, _) => act(action, &mut world, &mut Drawn([].iter())),
        };
        if let Input::Seen(view) = input {
            last = Some(view);
        }
    }
    panic!("it does not end: {core:?} {world:?}");
}

#[test]
fn no_interleaving_of_six_events_ends_wrongly() {
    let mut endings = HashMap::<_, u32>::new();
    let mut order = [0, 1, 2, 3, 4, 5];
    permutations(&mut order, 6, &mut |order| {
        for (gaps, kind, accept) in
            (0..64).flat_map(|g| (0..6).flat_map(move |k| [(g, k, true), (g, k, false)]))
        {
            let (ending, world) = interleaving(order, gaps, kind, accept);
            assert!(
                is_true(ending, &world),
                "{ending:?} {order:?} {gaps} {kind} {accept} {world:?}"
            );
            *endings.entry(format!("{ending:?}")).or_default() += 1;
        }
    });
    println!("{} interleavings, 0 wrong: {endings:?}", endings.values().sum::<u32>());
}

/// Every order of the first `count`.
fn permutations(order: &mut [usize; 6], count: usize, visit: &mut impl FnMut(&[usize])) {
    if count == 1 {
        return visit(order);
    }
    for at in 0..count {
        order.swap(at, count - 1);
        permutations(order, count - 1, visit);
        order.swap(at, count - 1);
    }
}

/// The world as it should be: each promise has its good ending.
#[test]
fn without_trouble_it_ends_as_the_customer_wishes() {
    let settle = |kind: u8, pays: u8| schedule(&mut Drawn([kind, pays].iter())).0;
    assert_eq!(settle(0, 0), Ending::Closed);
    assert_eq!(settle(0, 1), Ending::Paid);
    assert_eq!(settle(0, 2), Ending::Paid);
    assert_eq!(settle(2, 0), Ending::Closed);
    assert_eq!(settle(3, 5), Ending::Paid, "late, where nothing can be reversed");
    assert_eq!(settle(3, 0), Ending::Unresolved(Obstacle::NotReversible));
    assert_eq!(settle(5, 0), Ending::Unresolved(Obstacle::NotReversible), "may still be paid");
}

#[test]
fn a_reverse_that_cannot_work_is_not_sent() {
    let mut core = Machine::new(START);
    let view = World::new(&mut Drawn([2].iter())).seen(0);
    assert_eq!(core.next(START, Input::Start, None), Action::Look);
    assert!(matches!(core.next(START, Input::Seen(view), Some(&view)), Action::WaitUntil(_)));
    assert_eq!(core.next(START + 1, Input::Cancel, Some(&view)), Action::Look);
    // WeChat refuses in the first 15 s.
    let wait = core.next(START + 2, Input::Seen(view), Some(&view));
    assert_eq!(wait, Action::WaitUntil(START + 15 * SECOND));
    assert_eq!(core.next(START + 15 * SECOND, Input::Time, Some(&view)), Action::Reverse);
}

#[test]
fn a_failed_look_is_never_unpaid_and_fewer_follow_when_it_was_too_many() {
    let mut core = Machine::new(START);
    core.next(START, Input::Start, None);
    let blind = |slow_down| Input::Blind { slow_down };
    let next = core.next(START, blind(false), None);
    assert_eq!(next, Action::WaitUntil(START + 5 * SECOND));
    core.give_up_after = 3_600 * SECOND;
    let next = core.next(START, blind(true), None);
    assert_eq!(next, Action::WaitUntil(START + 60 * SECOND));
}

#[test]
fn a_channel_goes_by_its_documented_rules() {
    let charge = |channel: &str, created: i64| {
        let charge = serde_json::json!({
            "id": "ch_1", "object": "charge", "created": created, "livemode": false, "paid": false,
            "refunded": false, "app": "app_1", "channel": channel, "order_no": "1",
            "client_ip": "192.0.2.1", "amount": 1, "amount_settle": 1, "currency": "cny",
            "subject": "s", "body": "b", "extra": {}, "time_expire": created + 7_200,
            "amount_refunded": 0, "metadata": {}, "credential": {}
        });
        ChargeView::of(&serde_json::from_value(charge).unwrap())
    };
    // 2026-11-23 00:00:00 UTC+8.
    let midnight = 1_795_363_200;
    let ends = |channel: &str, created: i64| charge(channel, created).reversible_until;
    let at = |seconds: i64| Some(seconds as Millis * SECOND);
    assert_eq!(ends("isv_scan", midnight - 1), at(midnight));
    assert_eq!(ends("upacp", midnight), at(midnight + 23 * 3_600));
    assert_eq!(ends("alipay_scan", midnight), at(midnight + 24 * 3_600));
    assert_eq!(ends("wx_pub_scan", midnight), at(midnight + 7 * 24 * 3_600));
    assert!(!charge("alipay_wap", midnight).reversible);
    assert!(charge("brand_new", midnight).reversible, "Ping++ knows better");
}
