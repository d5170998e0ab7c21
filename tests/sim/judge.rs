//! The judge of settlements: compares each ending with the books, when nothing is under way any more.

use std::time::Duration;

use pingpp::Settled;

use crate::books::Books;
use crate::channels::{Rules, Window};
use crate::world::World;

/// A settlement that has ended.
pub(crate) struct Settlement {
    pub(crate) order_no: String,
    pub(crate) rules: Rules,
    pub(crate) settled: Settled,
    pub(crate) gave_back_in_time: bool,
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

/// Whether an ending is true. The charge of the ending is looked up in the books.
fn is_true(books: &Books, settled: &Settled) -> bool {
    if let Settled::Several(all) = settled {
        return all.iter().all(|one| is_true(books, one));
    }
    let Some(charge) = settled.charge().and_then(|charge| books.charge(charge.id.as_str())) else {
        return matches!(settled, Settled::NotCreated(_));
    };
    let has_money = books.has_money(charge);
    match settled {
        Settled::Paid(_) => has_money,
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
    for Settlement { order_no, rules, settled, gave_back_in_time } in settlements {
        *world.state().report.endings.entry(name(&settled)).or_default() += 1;
        // Everything about the order: no charge of it may have money that nobody was told of.
        let (truth, took_after, left_out, state) = world.books(|books| {
            let charges: Vec<_> = books.of_order(&order_no).collect();
            let told = |id: &str| match &settled {
                Settled::Several(all) => {
                    all.iter().any(|one| one.charge().is_some_and(|charge| charge.id == *id))
                }
                one => one.charge().is_some_and(|charge| charge.id == *id),
            };
            let left_out =
                charges.iter().any(|charge| !told(&charge.id) && books.has_money(charge));
            let took_after = charges.iter().any(|charge| charge.took_after_reverse);
            let state: Vec<_> = charges
                .iter()
                .map(|c| (c.id.as_str(), c.created, c.paid, c.reversed, c.returned))
                .collect();
            (is_true(books, &settled), took_after, left_out, format!("{state:?}"))
        });
        let told = || format!("{order_no} {} {settled}: {state}", rules.name);
        if !truth && took_after {
            world.exception("the channel took money after a reverse");
        } else if (!truth || left_out) && world.plan().too_late {
            world.exception("a request that arrived later than four minutes changed an ending");
        } else {
            world.check("an ending is true", truth, told);
            world.check("no payment is left out", !left_out, told);
        }
        world.check("a payment seen in time is not given back", !gave_back_in_time, told);
    }
}
