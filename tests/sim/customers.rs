//! Customers: they pay at any moment, or not, and Ping++ tells of it by webhook, or not.

use std::time::Duration;

use pingpp::{Event, Mode, webhook};
use serde_json::json;
use tokio::time::sleep;

use crate::faults::Fault;
use crate::keys;
use crate::world::World;

/// Orders with this letter are paid by customers; those of clerks are paid when the clerk says so.
pub(crate) const SETTLED: char = 'S';

const SECONDS: [u64; 11] = [0, 1, 10, 40, 57, 61, 66, 75, 90, 200, 600];

/// The customer of a new charge.
pub(crate) fn comes(world: &World, n: usize) {
    let (is_first, lasts) = {
        let books = &world.state().books;
        let charge = &books.charges[n];
        let is_first = books.of_order(&charge.order_no).count() == 1;
        // A code is scanned once: of two charges with one code the second one is never paid.
        (is_first && charge.order_no.starts_with(SETTLED), charge.expires - charge.created)
    };
    if !is_first {
        return;
    }
    let pays_after = match world.below(12) {
        0..3 => return,
        3 => Duration::from_millis(lasts - 1_000),
        _ => Duration::from_secs(world.pick(&SECONDS)),
    };
    let confirms_after = if world.strikes(Fault::LateConfirmation, 40) {
        world.pick(&[4, 50, 300, 1_200])
    } else {
        0
    };
    let takes_after_reverse = world.chance(10);
    {
        let charge = &mut world.state().books.charges[n];
        charge.confirms_after = confirms_after * 1_000;
        charge.takes_after_reverse = takes_after_reverse;
    }
    let fails_first = world.chance(20);
    let (later, confirms_after) = (world.clone(), Duration::from_secs(confirms_after));
    world.spawn(async move {
        if fails_first {
            sleep(pays_after / 2).await;
            let now = later.now();
            later.state().books.decline(n, now);
            later.event(format_args!("a payment is refused"));
            sleep(pays_after / 2).await;
        } else {
            sleep(pays_after).await;
        }
        if pays(&later, n) {
            sleep(confirms_after).await;
            tell(&later, n).await;
        }
    });
}

/// The customer pays; whether money moved.
pub(crate) fn pays(world: &World, n: usize) -> bool {
    let now = world.now();
    let paid = world.state().books.pay(n, now);
    world.event(format_args!("customer {n} pays: {paid}"));
    paid
}

/// The webhook: late, twice or never.
async fn tell(world: &World, n: usize) {
    if world.strikes(Fault::WebhookLost, 50) {
        return;
    }
    let times = if world.strikes(Fault::WebhookTwice, 50) { 2 } else { 1 };
    for _ in 0..times {
        sleep(Duration::from_millis(world.below(20_000))).await;
        let (order_no, event) = {
            let books = &world.state().books;
            let charge = books.show(n, world.now());
            let event = json!({
                "id": "evt_1", "object": "event", "livemode": false, "type": "charge.succeeded",
                "created": world.now() / 1_000, "data": { "object": charge }
            });
            (books.charges[n].order_no.clone(), event.to_string())
        };
        let event: Event = if world.plan().rsa {
            let signature = keys::sign_answer(event.as_bytes());
            webhook::verify(&keys::pingxx(), Mode::Test, &signature, event.as_bytes()).unwrap()
        } else {
            serde_json::from_str(&event).unwrap()
        };
        let handle = world.state().handles.get(&order_no).cloned();
        if let Some(handle) = handle {
            handle.notify(&event);
        }
    }
}
