//! The judge of settlements: compares each ending with the books, when nothing is under way any more.

use std::time::Duration;

use pingpp::Settled;

use crate::books::{Books, Charge, Millis};
use crate::channels::{MINUTE, Rules, Window};
use crate::world::World;

/// A settlement that has ended.
pub(crate) struct Settlement {
    pub(crate) order_no: String,
    pub(crate) rules: Rules,
    pub(crate) settled: Settled,
    pub(crate) terms: Terms,
}

/// What a till has agreed on, and when.
pub(crate) struct Terms {
    pub(crate) accepts_late: bool,
    pub(crate) gives_up_after: Millis,
    /// When the order was placed: no settlement of it began earlier.
    pub(crate) placed: Millis,
    /// When the settlement began that has ended.
    pub(crate) begun: Millis,
    pub(crate) cancelled: Millis,
    /// When the owner that has ended it had heard that.
    pub(crate) heard: Option<Millis>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Timing {
    InTime,
    Late,
    /// Not at all, or so near the end that it depends on how well the clock was measured.
    Unclear,
}

/// A clock is measured by an answer, which takes up to half a minute.
const NEAR: Millis = 15_000;

impl Terms {
    /// Whether it was paid in time, by right clocks.
    pub(crate) fn timing(&self, charge: &Charge) -> Timing {
        let Some(paid) = charge.paid else { return Timing::Unclear };
        let until = charge.rules.reversible_until(charge.created);
        let until = until.map_or(Millis::MAX, |until| until.saturating_sub(MINUTE));
        let end = (self.placed + self.gives_up_after).min(until).min(self.cancelled);
        if paid + NEAR < end {
            return Timing::InTime;
        }
        let last_end = self.begun.max(charge.created) + self.gives_up_after;
        let last_end = last_end.min(self.heard.unwrap_or(Millis::MAX));
        if paid > last_end + NEAR { Timing::Late } else { Timing::Unclear }
    }
}

/// How long after the faults a settlement may take: where a reverse can close it, minutes; elsewhere
/// until an hour after the charge has expired.
pub(crate) fn bound(rules: &Rules) -> Duration {
    let can_be_closed = rules.reversible && rules.window == Window::Open;
    let time = if can_be_closed { 90 * 60_000 } else { rules.expires_after + 3 * 3_600_000 };
    Duration::from_millis(time)
}

pub(crate) fn note(world: &World, settlement: Settlement) {
    world.state().settlements.push(settlement);
}

/// Whether an ending is true. The charge of the ending is looked up in the books; `terms` are there if it
/// is the only one, and the merchant's clocks were right.
fn is_true(books: &Books, settled: &Settled, terms: Option<&Terms>) -> bool {
    if let Settled::Several(all) = settled {
        let paid = all.iter().filter(|one| matches!(one, Settled::Paid(_))).count();
        let is_open = |one: &Settled| matches!(one, Settled::Unresolved(_));
        return paid <= 1 && all.iter().all(|one| is_open(one) || is_true(books, one, None));
    }
    let Some(charge) = settled.charge().and_then(|charge| books.charge(charge.id.as_str())) else {
        return matches!(settled, Settled::NotCreated(_));
    };
    let has_money = books.has_money(charge);
    let is_surely = |timing| terms.is_some_and(|terms| terms.timing(charge) == timing);
    let accepts_late = terms.is_some_and(|terms| terms.accepts_late);
    // The goods go out for a payment in time; a late one is taken back or, if the till says so, accepted.
    let is_for_goods = charge.reversed.is_none() && (accepts_late || is_surely(Timing::InTime));
    match settled {
        Settled::Paid(_) => has_money && (accepts_late || !is_surely(Timing::Late)),
        Settled::NeedsRefund(_) if is_for_goods => false,
        // Whether the reverse of a channel gives money back that the crate does not know, a person asks.
        Settled::NeedsRefund(_) if charge.rules.name == "brand_new" => charge.paid.is_some(),
        Settled::NeedsRefund(_) => has_money,
        Settled::Refunded(_) => charge.returned.is_some(),
        Settled::Closed(_) | Settled::Failed(_) => !has_money,
        _ => false,
    }
}

fn name(settled: &Settled) -> &'static str {
    match settled {
        Settled::Paid(_) => "paid",
        Settled::Closed(_) => "closed",
        Settled::Refunded(_) => "refunded",
        Settled::NeedsRefund(_) => "needs a refund",
        Settled::Failed(_) => "failed",
        Settled::NotCreated(_) => "not created",
        Settled::Several(_) => "several",
        _ => "other",
    }
}

/// Judges all settlements of the world.
pub(crate) fn judge(world: &World) {
    let settlements = std::mem::take(&mut world.state().settlements);
    for Settlement { order_no, rules, settled, terms } in settlements {
        let mut state = world.state();
        *state.report.endings.entry(name(&settled)).or_default() += 1;
        let known = Some(&terms).filter(|_| !state.had_wrong_clock);
        let books = &state.books;
        let truth = is_true(books, &settled, known);
        // Everything about the order: no charge of it may have money that nobody was told of.
        let charges: Vec<_> = books.of_order(&order_no).collect();
        let told = |id: &str| match &settled {
            Settled::Several(all) => {
                all.iter().any(|one| one.charge().is_some_and(|charge| charge.id == *id))
            }
            one => one.charge().is_some_and(|charge| charge.id == *id),
        };
        let left_out = charges.iter().any(|charge| !told(&charge.id) && books.has_money(charge));
        let took_after = charges.iter().any(|charge| charge.took_after_reverse);
        let kept = charges.iter().any(|charge| state.kept_paid.contains_key(&charge.id));
        let gave_back = charges.iter().any(|charge| state.gave_back.contains(&charge.id));
        let too_late = state.too_late.contains(&order_no);
        let shown: Vec<_> = charges
            .iter()
            .map(|c| (c.id.as_str(), c.created, c.paid, c.reversed, c.returned))
            .collect();
        let text = format!("{order_no} {} {settled}: {shown:?}", rules.name);
        drop(state);
        let text = || text.clone();
        if !truth && took_after {
            world.exception("the channel took money after a reverse");
        } else if !truth && too_late {
            world.exception("a request that arrived later than four minutes changed an ending");
        } else {
            world.check("an ending is true", truth, text);
        }
        if left_out && too_late {
            world.exception("a request that arrived later than four minutes made a charge");
        } else {
            world.check("no payment is left out", !left_out, text);
        }
        if kept {
            world.check("a payment seen in time is not given back", !gave_back, text);
        }
    }
}
