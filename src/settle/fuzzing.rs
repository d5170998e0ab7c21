//! Drives the machine of a token that may hold anything; not there in any other build.

use super::clock::{Exchange, Millis};
use super::state::State;
use super::token::SettleToken;
use super::transition::{Action, Input, Sent};
use super::view::{ChargeView, Facts};

/// The token after each step. Each step takes four bytes of the answers.
pub(crate) fn steps(token: SettleToken, answers: &[u8]) -> Vec<SettleToken> {
    let Ok(mut state) = token.into_state() else { return Vec::new() };
    let mut now = 1_795_363_200_000;
    let mut tokens = Vec::new();
    for answer in answers.chunks_exact(4) {
        step(&mut state, &mut now, [answer[0], answer[1], answer[2], answer[3]]);
        tokens.push(SettleToken::of((*state).clone()));
    }
    tokens
}

/// As `step::advance` does it, without I/O.
fn step(state: &mut State, now: &mut Millis, [kind, flags, passes, clock]: [u8; 4]) {
    let had_ended = state.machine.ending.is_some();
    let has_order = flags & 1 != 0;
    let mut action = state.machine.next(&Exchange::at(*now), Input::Step { has_order });
    if !matches!(action, Action::Wait(_) | Action::End(_)) {
        let sent = *now;
        // Up to nine hours in one step.
        *now += 1 << (passes % 26);
        let date = (clock > 0).then(|| now.saturating_add_signed((i64::from(clock) - 128) << 17));
        let exchange = Exchange { sent, received: *now, date };
        action = state.machine.next(&exchange, input(action, kind, flags, *now));
    }
    if let (Action::End(ending), false) = (action, had_ended) {
        action = state.end(ending, None, None, *now);
    }
    match action {
        Action::Wait(until) if kind & 128 == 0 => *now = (*now).max(until.min(*now + (1 << 26))),
        Action::End(_) if flags & 128 != 0 => state.reopen(),
        _ => {}
    }
}

fn input(action: Action, kind: u8, flags: u8, now: Millis) -> Input {
    let bit = |at: u8| flags & (1 << at) != 0;
    let facts = Facts {
        created: now - (now >> (flags % 24)),
        expires: bit(1).then_some(now.saturating_add_signed((i64::from(kind) - 64) << 17)),
        reversible: bit(2),
        gives_back: bit(3),
        may_give_back: bit(3) || bit(4),
        reversible_after: if bit(5) { 15_000 } else { 0 },
        reversible_until: bit(6).then_some(now.saturating_add(u64::from(kind) << 17)),
    };
    let view = ChargeView {
        paid: bit(0),
        time_paid: bit(1).then_some(now >> (kind % 3)),
        reversed: bit(5),
        refunded: bit(0) && kind & 1 != 0,
        refunding: bit(0) && kind & 2 != 0,
        failed: bit(4),
        facts,
    };
    match (action, kind % 8) {
        (Action::Create, 0) => Input::NotCreated,
        (Action::Create, 1) => Input::CreateInDoubt,
        (Action::Create, _) => Input::Found(facts),
        (Action::Search, 0..=2) => Input::Found(facts),
        (Action::Search, 3) | (Action::Look, 0) => {
            Input::Failed { status: u16::from(flags) * 2, slow_down: bit(0) }
        }
        (Action::Search, _) => Input::Absent,
        (Action::Reverse, 0) => Input::Reversed { result: Sent::Never, is_first: bit(0) },
        (Action::Reverse, 1) => Input::Reversed { result: Sent::Refused, is_first: bit(0) },
        (Action::Reverse, _) => Input::Reversed { result: Sent::Maybe, is_first: bit(0) },
        _ => Input::Seen(view),
    }
}
