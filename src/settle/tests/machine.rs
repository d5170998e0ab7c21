//! The times and the bookkeeping of the transition function, exactly. What it decides about money is
//! proved by the model.

use super::super::clock::{Exchange, Millis};
use super::super::machine::Machine;
use super::super::obstacle::Obstacle;
use super::super::transition::{Action, Ending, Input, Phase, Sent};
use super::super::view::{ChargeView, Facts};
use super::world::{HOUR, MINUTE, SECOND, START};

fn facts() -> Facts {
    Facts {
        created: START,
        expires: None,
        reversible: true,
        gives_back: true,
        may_give_back: true,
        reversible_after: 0,
        reversible_until: None,
    }
}

/// An open charge.
fn open() -> ChargeView {
    ChargeView {
        paid: false,
        time_paid: None,
        reversed: false,
        refunded: false,
        refunding: false,
        failed: false,
        facts: facts(),
    }
}

fn paid_at(time: Millis) -> ChargeView {
    ChargeView { paid: true, time_paid: Some(time), ..open() }
}

/// A machine with a good clock that has looked once.
fn watching() -> Machine {
    let mut machine = Machine::new(Phase::Watch, START);
    let exchange = Exchange { sent: START, received: START, date: Some(START) };
    machine.next(&exchange, Input::Seen(open()));
    assert_eq!(machine.clock_offset, Some(0));
    machine.started = START;
    machine
}

fn at(now: Millis, machine: &mut Machine, input: Input) -> Action {
    machine.next(&Exchange::at(now), input)
}

fn step(now: Millis, machine: &mut Machine) -> Action {
    at(now, machine, Input::Step { has_order: false })
}

/// Takes each step when it is due, with answers that take no time. Returns the seconds of the looks
/// or searches, those of the reverses, and the ending with its second.
fn run(
    machine: &mut Machine,
    answer: impl Fn(Action) -> Input,
) -> (Vec<Millis>, Vec<Millis>, (Millis, Ending)) {
    let (mut looks, mut reverses, mut now) = (Vec::new(), Vec::new(), START);
    loop {
        let seconds = (now - START) / SECOND;
        let action = step(now, machine);
        match action {
            Action::Look | Action::Search => looks.push(seconds),
            Action::Reverse => reverses.push(seconds),
            other => panic!("{other:?}"),
        }
        match at(now, machine, answer(action)) {
            Action::Wait(until) => now = until,
            Action::End(ending) => return (looks, reverses, (seconds, ending)),
            other => panic!("{other:?}"),
        }
        assert!(looks.len() < 1_000);
    }
}

fn answers(view: ChargeView, result: Sent) -> impl Fn(Action) -> Input {
    move |action| match action {
        Action::Reverse => Input::Reversed { result, is_first: true },
        _ => Input::Seen(view),
    }
}

#[test]
fn an_open_charge_is_looked_at_every_five_seconds_and_reversed_for_ten_minutes() {
    let pauses = [60, 65, 75, 95, 135, 195, 255, 315, 375, 435, 495, 555, 615];
    // One look before each reverse and one after it; before the first it is that of polling.
    let mut expected: Vec<_> = (0..60).step_by(5).collect();
    expected.extend(pauses.iter().flat_map(|at| [at, at]));
    expected.push(675);
    for result in [Sent::Maybe, Sent::Refused, Sent::Never] {
        let (looks, reverses, end) = run(&mut watching(), answers(open(), result));
        assert_eq!((looks, reverses), (expected.clone(), pauses.to_vec()), "{result:?}");
        assert_eq!(end, (675, Ending::Unresolved(Obstacle::InDoubt)), "{result:?}");
    }
}

#[test]
fn what_cannot_be_reversed_is_looked_at_with_growing_pauses_for_ten_minutes() {
    for (change, obstacle) in [
        (Facts { reversible: false, ..facts() }, Obstacle::NotReversible),
        (Facts { reversible_until: Some(START), ..facts() }, Obstacle::WindowClosed),
    ] {
        let view = ChargeView { facts: change, ..open() };
        let mut machine = Machine { give_up_after: Some(0), ..watching() };
        let (looks, reverses, end) = run(&mut machine, answers(view, Sent::Maybe));
        let pauses = [0, 5, 15, 35, 75, 135, 195, 255, 315, 375, 435, 495, 555, 615];
        assert_eq!((looks, reverses), (pauses.to_vec(), Vec::new()));
        assert_eq!(end, (615, Ending::Unresolved(obstacle)));
    }
}

#[test]
fn the_options_set_these_times() {
    let mut machine = Machine {
        every: Some(7 * SECOND),
        give_up_after: Some(20 * SECOND),
        resolve_within: Some(12 * SECOND),
        ..watching()
    };
    let (looks, reverses, end) = run(&mut machine, answers(open(), Sent::Maybe));
    assert_eq!(looks, [0, 7, 14, 20, 20, 25, 25, 35]);
    assert_eq!(reverses, [20, 25]);
    assert_eq!(end, (35, Ending::Unresolved(Obstacle::InDoubt)));
}

#[test]
fn a_lost_create_is_searched_for_every_five_seconds_then_thirty_for_ten_minutes() {
    let mut machine = Machine { phase: Phase::Create, ..watching() };
    let (looks, _, end) = run(&mut machine, |_| Input::Absent);
    let expected: Vec<_> = (0..60).step_by(5).chain((60..=600).step_by(30)).collect();
    assert_eq!(looks, expected);
    assert_eq!(end, (600, Ending::NotCreated));
}

#[test]
fn a_search_begins_before_the_first_send_by_what_the_clocks_may_be_wrong() {
    let mut machine = watching();
    assert_eq!(machine.search_from(), START - 30 * SECOND);
    machine.is_start_rough = true;
    assert_eq!(machine.search_from(), START - 130 * MINUTE);
    machine.is_start_rough = false;
    machine.is_measured = false;
    assert_eq!(machine.search_from(), START - 130 * MINUTE);
}

#[test]
fn the_start_that_another_owner_wrote_without_a_clock_stays_rough() {
    for (has_begun_it, is_rough) in [(true, false), (false, true)] {
        let mut machine = Machine { has_begun_it, ..Machine::new(Phase::Watch, START) };
        machine.measure(&Exchange { sent: START, received: START, date: Some(START) });
        assert_eq!(machine.is_start_rough, is_rough);
    }
}

#[test]
fn a_reverse_that_was_intended_may_have_been_sent() {
    let machine = watching();
    assert!(!machine.may_have_reversed());
    for phase in [Phase::Create, Phase::Search, Phase::Watch] {
        assert!(!Machine { phase, ..machine.clone() }.may_have_reversed());
    }
    assert!(Machine { reverses: 1, ..watching() }.may_have_reversed());
    assert!(Machine { phase: Phase::Reverse, ..machine }.may_have_reversed());
}

#[test]
fn a_round_begins_when_nobody_worked_on_it_for_more_than_two_minutes() {
    let resumed = || Machine {
        gave_up: Some(START),
        deadline: Some(START + MINUTE),
        reversed: true,
        due: START,
        ..watching()
    };
    // A step alone changes nothing.
    let (mut machine, before) = (resumed(), resumed());
    assert_eq!(step(START + HOUR, &mut machine), Action::Look);
    assert_eq!(machine, before);
    for (after, is_new) in [(2 * MINUTE, false), (2 * MINUTE + 1, true)] {
        let mut machine = resumed();
        let action = at(START + after, &mut machine, Input::Seen(open()));
        let ended = matches!(action, Action::End(Ending::Unresolved(Obstacle::InDoubt)));
        assert_eq!(ended, !is_new, "{after}: {action:?}");
        assert_eq!(machine.reversed, !is_new);
    }
}

#[test]
fn times_are_rough_once_something_was_heard_without_a_clock() {
    let fresh = Machine { is_measured: false, is_rough: false, ..watching() };
    let mut machine = fresh.clone();
    step(START, &mut machine);
    assert!(!machine.is_rough);
    at(START, &mut machine, Input::Seen(open()));
    assert!(machine.is_rough);
    let mut measured = Machine { is_measured: true, ..fresh };
    at(START, &mut measured, Input::Seen(open()));
    assert!(!measured.is_rough);
}

#[test]
fn the_next_charge_of_an_order_keeps_the_options_and_the_clock() {
    let used = || Machine {
        every: Some(1),
        give_up_after: Some(2),
        resolve_within: Some(3),
        accept_late_payment: Some(false),
        clock_offset: Some(4),
        reverses: 5,
        seen_paid: true,
        facts: Some(facts()),
        ending: Some(Ending::Paid),
        ..watching()
    };
    for (cancelled, surplus) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut machine = Machine { cancelled, ..used() };
        machine.begin_charge(surplus);
        let expected = Machine {
            every: Some(1),
            give_up_after: Some(2),
            resolve_within: Some(3),
            accept_late_payment: Some(false),
            clock_offset: Some(4),
            is_measured: true,
            started: START,
            cancelled: cancelled || surplus,
            surplus,
            ..Machine::default()
        };
        assert_eq!(machine, expected);
    }
}

#[test]
fn a_token_writes_only_what_is_set() {
    let machine = Machine { phase: Phase::Watch, started: 1, due: 2, ..Machine::default() };
    let written = serde_json::to_value(&machine).unwrap();
    assert_eq!(written, serde_json::json!({ "phase": "watch", "started": 1, "due": 2 }));
    let machine = Machine { cancelled: true, reverses: 3, ..machine };
    let written = serde_json::to_value(&machine).unwrap();
    let expected = serde_json::json!({
        "phase": "watch", "started": 1, "due": 2, "cancelled": true, "reverses": 3
    });
    assert_eq!(written, expected);
}

#[test]
fn a_payment_that_a_reverse_may_still_take_back_is_final_five_minutes_later() {
    let shows = START + 5 * MINUTE;
    let reversed = || Machine { last_reverse: Some(START), reverses: 1, ..watching() };
    for (asked, action) in [
        (START + MINUTE, Action::Wait(START + MINUTE + 30 * SECOND)),
        (shows - SECOND, Action::Wait(shows)),
        (shows, Action::End(Ending::Paid)),
    ] {
        assert_eq!(at(asked, &mut reversed(), Input::Seen(paid_at(START))), action);
    }
    let mut view = paid_at(START);
    view.facts.may_give_back = false;
    assert_eq!(at(START, &mut reversed(), Input::Seen(view)), Action::End(Ending::Paid));
}

#[test]
fn a_payment_is_late_after_the_end_of_polling() {
    let end = START + MINUTE;
    for (accept, paid, seen, action) in [
        (Some(false), end, end + MINUTE, Action::End(Ending::Paid)),
        (Some(false), end + 1, end + MINUTE, Action::Wait(end + MINUTE)),
        (Some(true), end + 1, end + MINUTE, Action::End(Ending::Paid)),
        (None, end + 1, end + MINUTE, Action::End(Ending::Paid)),
    ] {
        let mut machine = Machine { accept_late_payment: accept, ..watching() };
        assert_eq!(at(seen, &mut machine, Input::Seen(paid_at(paid))), action, "{accept:?}");
        let gives_back = action == Action::Wait(end + MINUTE);
        assert_eq!(machine.phase == Phase::Reverse, gives_back);
    }
    // Also if the look was asked for before the end, and answered long after it.
    let mut machine = Machine { accept_late_payment: Some(false), ..watching() };
    let exchange = Exchange { sent: end - 1, received: end + MINUTE, date: None };
    let action = machine.next(&exchange, Input::Seen(paid_at(end + 1)));
    assert_eq!((action, machine.phase), (Action::Wait(end + MINUTE), Phase::Reverse));
    // A clock that is behind and was never measured makes nothing late.
    let mut machine = Machine { accept_late_payment: Some(false), ..watching() };
    let paid = Input::Seen(paid_at(end + HOUR));
    assert_eq!(at(end - 1, &mut machine, paid), Action::End(Ending::Paid));
    // It was reversed already, or cannot be.
    let late = Input::Seen(paid_at(end + 1));
    let refuses = || Machine { accept_late_payment: Some(false), ..watching() };
    let refund = Action::End(Ending::NeedsRefund);
    assert_eq!(at(end + MINUTE, &mut Machine { reverses: 1, ..refuses() }, late), refund);
    let mut view = paid_at(end + 1);
    view.facts.gives_back = false;
    assert_eq!(at(end + MINUTE, &mut refuses(), Input::Seen(view)), refund);
    let mut view = paid_at(end + 1);
    view.facts.reversible_until = Some(end + MINUTE);
    assert_eq!(at(end + MINUTE, &mut refuses(), Input::Seen(view)), refund);
    // Of the surplus charge no payment is good, whenever it was made.
    let mut surplus = Machine { surplus: true, ..watching() };
    assert_eq!(at(START, &mut surplus, Input::Seen(paid_at(START))), Action::Wait(START));
    assert_eq!(surplus.phase, Phase::Reverse);
}

#[test]
fn an_open_charge_is_dead_an_hour_after_its_expiry() {
    let mut view = open();
    view.facts.expires = Some(START + MINUTE);
    view.failed = true;
    let dead = START + MINUTE + HOUR;
    let action = at(dead - 1, &mut watching(), Input::Seen(view));
    assert!(!matches!(action, Action::End(_)), "{action:?}");
    let action = at(dead, &mut watching(), Input::Seen(view));
    assert_eq!(action, Action::End(Ending::Failed));
}

#[test]
fn polling_ends_a_minute_before_the_channel_stops_reversing() {
    for (until, gives_up) in
        [(10 * MINUTE, 60), (2 * MINUTE, 60), (100 * SECOND, 40), (30 * SECOND, 0)]
    {
        let mut view = open();
        view.facts.reversible_until = Some(START + until);
        let (_, reverses, _) = run(&mut watching(), answers(view, Sent::Refused));
        assert_eq!(reverses.first(), Some(&gives_up), "{until}");
    }
}

#[test]
fn a_charge_is_reversed_when_the_channel_begins_to_reverse() {
    let mut view = open();
    view.facts.reversible_after = 15 * SECOND;
    let cancelled = || Machine { cancelled: true, ..watching() };
    let (looks, reverses, _) = run(&mut cancelled(), answers(view, Sent::Maybe));
    assert_eq!((&looks[..3], reverses[0]), (&[0, 15, 15][..], 15));
    // It waits for at most a minute at a time.
    view.facts.reversible_after = 90 * SECOND;
    let (looks, reverses, _) = run(&mut cancelled(), answers(view, Sent::Maybe));
    assert_eq!((&looks[..3], reverses[0]), (&[0, 60, 90][..], 90));
}

#[test]
fn a_rate_limit_is_answered_with_a_minute_between_looks() {
    for (slow_down, every, pause) in [(false, 5, 5), (true, 5, 60), (true, 90, 90), (false, 90, 90)]
    {
        let mut machine = Machine { every: Some(every * SECOND), ..watching() };
        machine.give_up_after = Some(HOUR);
        let failed = Input::Failed { status: 403, slow_down };
        assert_eq!(at(START, &mut machine, failed), Action::Wait(START + pause * SECOND));
    }
}

#[test]
fn it_tells_that_looks_failed_and_with_what() {
    for (status, told) in [(404, Some(404)), (0, None)] {
        let failed = |action| match action {
            Action::Reverse => Input::Reversed { result: Sent::Never, is_first: true },
            _ => Input::Failed { status, slow_down: false },
        };
        let (.., (_, ending)) = run(&mut watching(), failed);
        assert_eq!(ending, Ending::Unresolved(Obstacle::LookFailed { status: told }));
    }
    // A later look that was answered counts.
    let mut machine = watching();
    at(START, &mut machine, Input::Failed { status: 404, slow_down: false });
    at(START, &mut machine, Input::Seen(open()));
    assert_eq!(machine.look_failed, None);
}

#[test]
fn a_cancellation_that_comes_during_a_look_takes_one_more_look() {
    let mut machine = watching();
    machine.cancelled = true;
    let exchange = Exchange { sent: START + SECOND, received: START + 3 * SECOND, date: None };
    assert_eq!(machine.next(&exchange, Input::Seen(open())), Action::Wait(START + 3 * SECOND));
    assert_eq!((machine.phase, machine.gave_up), (Phase::Watch, Some(START + 3 * SECOND)));
    assert_eq!(
        at(START + 3 * SECOND, &mut machine, Input::Seen(open())),
        Action::Wait(START + 3 * SECOND)
    );
    assert_eq!(machine.phase, Phase::Reverse);
}

#[test]
fn what_is_known_of_a_reverse_is_counted() {
    for (result, is_first, reverses, may_act) in [
        (Sent::Maybe, true, 1, true),
        (Sent::Maybe, false, 1, true),
        (Sent::Refused, true, 1, false),
        (Sent::Refused, false, 1, true),
        (Sent::Never, true, 0, false),
        // Another owner may have sent the same intent.
        (Sent::Never, false, 1, true),
    ] {
        let mut machine = Machine { phase: Phase::Reverse, ..watching() };
        let action = at(START, &mut machine, Input::Reversed { result, is_first });
        assert_eq!((action, machine.phase), (Action::Wait(START), Phase::Watch));
        let known = (machine.reverses, machine.last_reverse, machine.reverse_at);
        let expected = (reverses, may_act.then_some(START), START + 5 * SECOND);
        assert_eq!(known, expected, "{result:?} {is_first}");
    }
}

#[test]
fn a_reversed_charge_is_closed_refunded_or_needs_a_refund() {
    for (paid, gives_back, ending) in [
        (false, true, Ending::Closed),
        (false, false, Ending::Closed),
        (true, true, Ending::Refunded),
        (true, false, Ending::NeedsRefund),
    ] {
        let mut view = ChargeView { paid, reversed: true, ..open() };
        view.facts.gives_back = gives_back;
        assert_eq!(at(START, &mut watching(), Input::Seen(view)), Action::End(ending));
        view.refunded = true;
        let refunded = Action::End(Ending::Refunded);
        assert_eq!(at(START, &mut watching(), Input::Seen(view)), refunded);
    }
}

#[test]
fn an_answer_that_comes_after_the_time_it_waited_for_is_followed_by_a_look_at_once() {
    let late = |end| Exchange { sent: end - SECOND, received: end + SECOND, date: None };
    // After the end of polling.
    let end = START + MINUTE;
    let action = watching().next(&late(end), Input::Seen(open()));
    assert_eq!(action, Action::Wait(end + SECOND + 1));
    // After the time at which a reverse shows.
    let shows = START + 5 * MINUTE;
    let mut machine = Machine { last_reverse: Some(START), reverses: 1, ..watching() };
    let action = machine.next(&late(shows), Input::Seen(paid_at(START)));
    assert_eq!(action, Action::Wait(shows + SECOND + 1));
}

#[test]
fn a_round_whose_time_is_over_still_reverses_once() {
    let over = Machine { gave_up: Some(START), deadline: Some(START), ..watching() };
    let mut machine = over.clone();
    assert_eq!(at(START + SECOND, &mut machine, Input::Seen(open())), Action::Wait(START + SECOND));
    assert_eq!(machine.phase, Phase::Reverse);
    let mut machine = Machine { reversed: true, ..over };
    let ending = Action::End(Ending::Unresolved(Obstacle::InDoubt));
    assert_eq!(at(START + SECOND, &mut machine, Input::Seen(open())), ending);
}

#[test]
fn the_window_of_a_channel_that_cannot_reverse_does_not_shorten_polling() {
    let mut view = open();
    view.facts.reversible = false;
    view.facts.reversible_until = Some(START + 100 * SECOND);
    let (looks, ..) = run(&mut watching(), answers(view, Sent::Maybe));
    assert_eq!(looks[..16], [0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 75, 95]);
}
