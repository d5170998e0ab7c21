//! What calls say about themselves, and its proof: at once where that is possible, and once more at the
//! end, when everything that was under way has arrived.

use pingpp::transfers::Transfer;
use pingpp::{ApiObject, Charge, Client, Error, Outcome, Recovered, Recovery, Refund, Search};
use serde_json::json;

use crate::books::{APP, Books};
use crate::log;
use crate::world::World;

/// What a call was to bring about.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum About {
    /// Nothing: it reads.
    Read,
    /// The charge of an order.
    Charge(String),
    /// The refund with this mark of the charge with this id, and whether the mark tells it from others.
    Refund(String, String, bool),
    Transfer(String),
    Reverse(String),
}

#[derive(Default)]
pub(crate) struct Claims {
    /// Calls that say that they did nothing.
    nothing: Vec<(About, Outcome)>,
    /// Calls that do not know, or that were dropped.
    lost: Vec<(About, Kept)>,
}

/// What was kept of the way to find it again.
#[derive(Debug)]
enum Kept {
    /// Nothing: the process ended.
    Nothing,
    Row(String),
    /// It is still in the memory of this machine.
    Memory(Recovery, usize),
}

impl About {
    /// The name under which the server counts its requests.
    fn key(&self) -> &str {
        match self {
            Self::Read => "",
            Self::Charge(key)
            | Self::Refund(key, ..)
            | Self::Transfer(key)
            | Self::Reverse(key) => key,
        }
    }

    /// The ids of what it brought about.
    fn effects(&self, books: &Books) -> Vec<String> {
        match self {
            Self::Read => Vec::new(),
            Self::Charge(order) => books.of_order(order).map(|c| c.id.clone()).collect(),
            Self::Refund(mark, ..) => books.refunds_of(mark).map(|r| r.id.clone()).collect(),
            Self::Transfer(order) => {
                let of_it = books.transfers.iter().filter(|t| t.order_no == *order);
                of_it.map(|transfer| transfer.id.clone()).collect()
            }
            Self::Reverse(id) => {
                let reversed = books.charge(id).filter(|charge| charge.reversed.is_some());
                reversed.map(|charge| charge.id.clone()).into_iter().collect()
            }
        }
    }

    /// Whether a request about its order arrived later than the SDK allows for.
    fn is_too_late(&self, world: &World) -> bool {
        let state = world.state();
        let of_charge = |id: &str| state.books.charge(id).map(|charge| charge.order_no.as_str());
        match self {
            Self::Read => None,
            Self::Charge(order) | Self::Transfer(order) => Some(order.as_str()),
            Self::Refund(_, id, _) | Self::Reverse(id) => of_charge(id),
        }
        .is_some_and(|order| state.too_late.contains(order))
    }

    /// How a process finds it that has lost everything but its own number.
    fn recovery(&self) -> Recovery {
        let list =
            |route: &'static str| Search::list(route, &[]).query(json!({ "app": { "id": APP } }));
        match self {
            Self::Charge(order) => {
                Recovery::Find(list("/v1/charges").field("order_no", order.as_str()))
            }
            Self::Transfer(order) => {
                Recovery::Find(list("/v1/transfers").field("order_no", order.as_str()))
            }
            Self::Refund(mark, charge, _) => {
                let list = Search::list("/v1/charges/{charge}/refunds", &[charge]);
                Recovery::Find(list.field("description", mark.as_str()))
            }
            Self::Reverse(id) => Recovery::retrieve("/v1/charges/{id}", &[id]),
            Self::Read => Recovery::Manual,
        }
    }
}

/// A call was dropped: what it did is to be found again.
pub(crate) fn dropped(world: &World, about: About) {
    if about != About::Read {
        world.state().claims.lost.push((about, Kept::Nothing));
    }
}

/// How many whole requests about it have arrived.
fn arrived(world: &World, about: &About) -> u32 {
    world.state().arrived.get(about.key()).map_or(0, |(times, _)| *times)
}

/// A call of this machine has ended with an error.
pub(crate) fn failed(world: &World, machine: usize, about: &About, error: &Error) {
    let text = format!("{error} {error:?}");
    world.check("no secret in an error", !log::shows_secret_or_goods(&text), || text.clone());
    let outcome = error.outcome();
    let done = world.books(|books| about.effects(books)).len();
    match outcome {
        Outcome::NotSent => {
            world.check("NotSent is true", arrived(world, about) == 0, || {
                format!("{about:?} arrived: {text}")
            });
        }
        Outcome::Rejected => {
            world.check("Rejected is true", done == 0, || format!("{about:?} was done: {text}"));
        }
        Outcome::Unknown => {
            let recovery = error.recovery();
            world.check("Unknown has a way out", recovery.is_some(), || text.clone());
        }
        _ => {}
    }
    let is_known = matches!(outcome, Outcome::NotSent | Outcome::Rejected | Outcome::Unknown);
    world.check("an outcome is one of three", is_known, || text.clone());
    if *about != About::Read {
        let in_memory = world.chance(50);
        let claims = &mut world.state().claims;
        match error.recovery() {
            Some(recovery) => {
                let kept = match in_memory {
                    true => Kept::Memory(recovery.clone(), machine),
                    false => Kept::Row(serde_json::to_string(recovery).unwrap()),
                };
                claims.lost.push((about.clone(), kept));
            }
            None => claims.nothing.push((about.clone(), outcome)),
        }
    }
}

/// Looks up what was lost while things still go wrong: what is found must be true.
pub(crate) async fn look_up(world: &World, client: &Client, about: &About, recovery: &Recovery) {
    let found: Result<_, Error> = recovered(client, about, recovery).await;
    if let Ok((ids, _)) = found {
        let effects = world.books(|books| about.effects(books));
        let holds = ids.iter().all(|id| effects.contains(id));
        world.check("what recover finds is true", holds, || {
            format!("{about:?}: {ids:?} of {effects:?}")
        });
    }
}

/// Proves all claims by a machine: nothing is under way any more, and its client works.
pub(crate) async fn prove(world: &World, machine: usize, client: &Client) {
    let claims = std::mem::take(&mut world.state().claims);
    for (about, outcome) in &claims.nothing {
        let done = world.books(|books| about.effects(books)).len();
        if *outcome == Outcome::NotSent {
            let holds = done == 0 && arrived(world, about) == 0;
            world.check("NotSent stays true", holds, || format!("{about:?} arrived"));
        } else {
            world.check("Rejected stays true", done == 0, || format!("{about:?} was done"));
        }
    }
    for (about, kept) in &claims.lost {
        let recovery = match kept {
            Kept::Nothing => about.recovery(),
            Kept::Row(row) => serde_json::from_str(row).unwrap(),
            Kept::Memory(recovery, of) if *of == machine => recovery.clone(),
            Kept::Memory(..) => continue,
        };
        let effects = world.books(|books| about.effects(books));
        let found = recovered(client, about, &recovery).await;
        world.check("recover works after the faults", found.is_ok(), || format!("{found:?}"));
        let Ok((mut ids, is_one)) = found else { continue };
        ids.sort();
        let is_unique = !matches!(about, About::Refund(_, _, false));
        let holds = match effects.len() {
            0 => ids.is_empty() || !is_unique,
            1 => is_unique && is_one && ids == effects || !is_unique && ids.contains(&effects[0]),
            _ => !is_one && effects.iter().all(|id| ids.contains(id)),
        };
        if !holds && about.is_too_late(world) {
            world.exception("not found, because it arrived too late");
            continue;
        }
        world.check("what was lost is found", holds, || {
            format!("{about:?} {kept:?}: found {ids:?}, in the books {effects:?}")
        });
    }
    world.state().claims = claims;
}

/// The ids that a look-up finds, and whether it says that it is this one.
async fn recovered(
    client: &Client,
    about: &About,
    recovery: &Recovery,
) -> Result<(Vec<String>, bool), Error> {
    match about {
        About::Refund(..) => find(client, recovery, |refund: &Refund| refund.id.to_string()).await,
        About::Transfer(_) => {
            find(client, recovery, |transfer: &Transfer| transfer.id.to_string()).await
        }
        About::Reverse(_) => {
            let reversed = |charge: &Charge| match charge.reversed {
                Some(true) => charge.id.to_string(),
                _ => String::new(),
            };
            let (mut ids, is_one) = find(client, recovery, reversed).await?;
            ids.retain(|id| !id.is_empty());
            Ok((ids, is_one))
        }
        _ => find(client, recovery, |charge: &Charge| charge.id.to_string()).await,
    }
}

async fn find<T: ApiObject + Send + 'static>(
    client: &Client,
    recovery: &Recovery,
    id: impl Fn(&T) -> String,
) -> Result<(Vec<String>, bool), Error> {
    Ok(match client.recover::<T>(recovery).await? {
        Recovered::Found(object) => (vec![id(&object)], true),
        Recovered::NotFound => (Vec::new(), false),
        Recovered::Candidates(all) => (all.iter().map(id).collect(), false),
        _ => (Vec::new(), false),
    })
}
