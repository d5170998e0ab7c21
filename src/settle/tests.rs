//! The machine in a harsh world, and each rule taken out of it.

mod machine;
mod model;
mod world;

use std::collections::BTreeMap;

use self::model::{Verdict, schedule};
use self::world::{ALL, Harsh, MINUTE, START};
use super::clock::Exchange;
use super::machine::Machine;
use super::rules::Rule;
use super::transition::Phase;

/// How many schedules each assumption gets: `PINGPP_SCHEDULES=100000` for the long run.
fn schedules() -> u64 {
    std::env::var("PINGPP_SCHEDULES").ok().and_then(|n| n.parse().ok()).unwrap_or(1_500)
}

fn drawn(harsh: Harsh, seed: u64) -> Vec<u16> {
    let mut random = fastrand::Rng::with_seed((seed << 8) + harsh as u64);
    let length = random.usize(0..400);
    // Each choice is good as often as not, so that schedules get far.
    (0..length).map(|_| if random.bool() { 0 } else { random.u16(..) }).collect()
}

/// The simplest schedule that still goes wrong.
fn shrink(harsh: Harsh, mut choices: Vec<u16>) -> (Vec<u16>, String) {
    let mut size = choices.len().next_power_of_two();
    while size > 0 {
        let mut at = 0;
        while at < choices.len() {
            let end = (at + size).min(choices.len());
            let mut simpler = [choices.clone(), choices.clone()];
            simpler[0].drain(at..end);
            simpler[1][at..end].fill(0);
            let mut better = simpler.into_iter().filter(|simpler| *simpler != choices);
            match better.find(|simpler| schedule(harsh, simpler, false).is_err()) {
                Some(simpler) => choices = simpler,
                None => at = end,
            }
        }
        size /= 2;
    }
    let why = schedule(harsh, &choices, true).expect_err("it goes wrong");
    (choices, why)
}

/// The first schedule that goes wrong, or how those ended that did not.
fn search(harsh: Harsh, count: u64) -> Result<BTreeMap<String, u64>, u64> {
    let mut endings = BTreeMap::new();
    for seed in 0..count {
        match schedule(harsh, &drawn(harsh, seed), false) {
            Ok(verdict) => {
                let name = match verdict {
                    Verdict::Right(ending) => format!("{ending:?}"),
                    other => format!("{other:?}"),
                };
                *endings.entry(name).or_default() += 1;
            }
            Err(_) => return Err(seed),
        }
    }
    Ok(endings)
}

#[test]
fn every_schedule_ends_and_ends_right() {
    for harsh in ALL {
        match search(harsh, schedules()) {
            Ok(endings) => println!("{harsh:?}: {endings:?}"),
            Err(seed) => {
                let (choices, why) = shrink(harsh, drawn(harsh, seed));
                panic!("{harsh:?} {choices:?}\n{why}");
            }
        }
    }
}

#[test]
fn without_any_one_of_the_rules_a_schedule_goes_wrong() {
    use Rule::*;
    for (rule, harsh) in [
        (ReversedDominates, Harsh::PaysAfterReverse),
        (ReversedDominates, Harsh::FaultsAndCrashes),
        (PaidNeedsLaterLook, Harsh::DelayedRequests),
        (EachRoundWorks, Harsh::DowntimeOfADay),
        (EndingIsKept, Harsh::FaultsAndCrashes),
        (FailedLookProvesNothing, Harsh::NotFoundAfterCreate),
        (FailureIsNotDeath, Harsh::RetriesAfterFailure),
        (LateByTimePaid, Harsh::LateConfirmations),
        (LateByTimePaid, Harsh::RefundUnderWay),
        (WindowIsAnticipated, Harsh::WindowCloses),
        (LostCreateIsSearched, Harsh::LostCreates),
        (CancelIsHeard, Harsh::Cancelled),
        (ServerClock, Harsh::ClocksOff),
        (OnlyTheOwnerSends, Harsh::LosesItsLease),
    ] {
        let caught = rule.without(|| match search(harsh, 20_000) {
            Ok(endings) => panic!("{rule:?} is not needed under {harsh:?}: {endings:?}"),
            Err(seed) => shrink(harsh, drawn(harsh, seed)),
        });
        let (choices, why) = caught;
        let why = why.lines().next().unwrap_or_default();
        println!("without rule {}, {harsh:?}: {why} {choices:?}", rule as u8);
        let with = schedule(harsh, &choices, true);
        assert!(with.is_ok(), "with rule {rule:?} as well: {with:?}");
    }
}

/// Found by the simulation: the start by the first machine's clock was moved forward by how far the
/// second one's clock is behind, so that the search began after the charge was created.
#[test]
fn a_create_of_a_machine_that_is_ahead_is_found_by_one_that_is_behind() {
    let begun = Machine::new(Phase::Create, START + 60 * MINUTE);
    let kept = serde_json::to_string(&begun).unwrap();
    let mut machine: Machine = serde_json::from_str(&kept).unwrap();
    let sent = START - 10 * MINUTE;
    machine.measure(&Exchange { sent, received: sent + 100, date: Some(START) });
    let from = machine.search_from();
    assert!(from <= START, "{} s too late", (from - START) / 1_000);

    // Seed 79983: and then by a third one, whose clock is ahead.
    let kept = serde_json::to_string(&machine).unwrap();
    let mut machine: Machine = serde_json::from_str(&kept).unwrap();
    let sent = START + 10 * MINUTE;
    machine.measure(&Exchange { sent, received: sent + 100, date: Some(START) });
    let from = machine.search_from();
    assert!(from <= START, "{} s too late", (from - START) / 1_000);
}
