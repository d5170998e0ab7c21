//! Tills: settlements with their tokens kept, through crashes, from one machine to the other.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use pingpp::settle::{Next, SettleToken, StepKind, Stop};
use pingpp::{Error, Settled};
use tokio::time::{Instant, sleep};

use crate::books::Millis;
use crate::channels::{self, MINUTE, Rules};
use crate::clerks::{Clerk, order};
use crate::faults::Fault;
use crate::judge::{self, Settlement, Terms, Timing};
use crate::machine::Machine;
use crate::world::World;

/// What survives a crash: the token, who may write it, and what was seen by those who did.
#[derive(Default)]
pub(crate) struct Row {
    token: Option<String>,
    /// The owner that may write: counts the changes of hands.
    owner: u64,
    ending: Option<Settled>,
    /// The create was handed to a process that may have sent it.
    pub(crate) create_sent: bool,
    /// Since when this owner has it.
    owned_since: Millis,
    /// When the settlement began that the token is of.
    begun: Millis,
    /// The owner that was told to cancel first, and when.
    cancelled: Option<(u64, Millis)>,
    /// Since when that owner has kept that it heard it.
    heard: Option<Millis>,
}

/// One order to be settled.
#[derive(Clone)]
struct Till {
    clerk: Clerk,
    row: Arc<Mutex<Row>>,
    order_no: String,
    amount: i64,
    rules: Rules,
    accepts_late: bool,
    give_up_after: Option<Duration>,
    /// Steps the token like a worker, instead of awaiting the settlement.
    steps: bool,
    /// The worker has only what it kept at each step.
    forgets: bool,
    started: Millis,
}

type Ended = Option<Result<Settled, Error>>;
type Work = Pin<Box<dyn Future<Output = Result<Settled, Error>> + Send>>;

impl Clerk {
    /// Settles an order until its end.
    pub(crate) async fn settlement(self) {
        self.rest(900).await;
        let world = self.world.clone();
        let mut till = Till {
            row: Arc::default(),
            order_no: format!("S20261123{:03}", self.number),
            amount: 100 + world.below(900) as i64,
            rules: world.pick(&channels::ALL),
            accepts_late: world.chance(50),
            give_up_after: world.chance(20).then(|| Duration::from_secs(10 + world.below(600))),
            steps: world.chance(40),
            forgets: world.chance(50),
            started: world.now(),
            clerk: self,
        };
        // Of a charge that was created before, or one that it creates.
        let mut id = None;
        if world.chance(50) {
            id = till.create_alone().await;
            if id.is_none() {
                // Its charge may still come: the order gets another number.
                till.order_no += "B";
            }
        }
        let begun = Instant::now();
        let mut rounds = 0;
        // The first round that worked, or went on, after the faults.
        let mut in_peace = None;
        let settled = loop {
            rounds += 1;
            let round = Instant::now();
            let ended = till.round(id.as_deref()).await;
            let took = world.healed_since(*in_peace.get_or_insert(round));
            if took.is_zero() {
                in_peace = None;
            }
            let in_time = took <= judge::bound(&till.rules);
            world.check("a settlement ends after the faults", in_time, || {
                format!("{} {} {took:?}", till.order_no, till.rules.name)
            });
            match ended {
                Some(Settled::Unresolved(left)) => {
                    world.event(format_args!("{} unresolved: {}", till.order_no, left.obstacle));
                }
                Some(settled) => break settled,
                None => {}
            }
            if !in_time {
                return;
            }
            let rest = world.pick(&[0, 1, 4, 40, 40, 600, 1_200, 14_400]);
            let rest = if world.is_healed() { rest.min(600) } else { rest };
            sleep(Duration::from_secs(rest)).await;
            assert!(rounds < 20_000, "a settlement that never rests");
        };
        world.event(format_args!(
            "{} {settled}, {rounds} rounds in {:?}",
            till.order_no,
            begun.elapsed()
        ));
        world.state().handles.remove(&till.order_no);
        let row = std::mem::take(&mut *till.row.lock().unwrap());
        judge::note(
            &world,
            Settlement {
                terms: till.terms(&row),
                order_no: till.order_no,
                rules: till.rules,
                settled,
            },
        );
    }
}

impl Till {
    fn world(&self) -> &World {
        &self.clerk.world
    }

    /// The charge exists before it is settled; `None` if the create failed.
    async fn create_alone(&self) -> Option<String> {
        let params = order(&self.rules, &self.order_no, self.amount);
        let call = self.clerk.machine().client().charges().create(params);
        Some(call.await.ok()?.id.to_string())
    }

    /// One process that works on it; `None` if it crashed.
    async fn round(&self, id: Option<&str>) -> Option<Settled> {
        let world = self.world();
        let machine = self.clerk.machine();
        let owner = {
            let mut row = self.row.lock().unwrap();
            row.owner += 1;
            row.owned_since = world.now();
            row.owner
        };
        world.event(format_args!("{} owner {owner}", self.order_no));
        let work: Work = if self.steps {
            Box::pin(self.clone().work(machine.clone(), id.map(str::to_owned), owner))
        } else {
            self.awaited(machine, id, owner)
        };
        let ended: Ended = if world.strikes(Fault::Frozen, 10) {
            self.freeze(work).await
        } else {
            machine.run(machine.draw_end(), work).await
        };
        let ended = ended?;
        world.check("a settlement does not fail", ended.is_ok(), || format!("{ended:?}"));
        match ended {
            Ok(settled) => {
                if let Some(kept) = &self.row.lock().unwrap().ending {
                    let same = kept.to_string() == settled.to_string();
                    let stays = same || matches!(settled, Settled::Unresolved(_));
                    world.check("an ending that was kept stays", stays, || {
                        format!("{} {kept}, then {settled}", self.order_no)
                    });
                }
                Some(settled)
            }
            Err(_) => None,
        }
    }

    /// Stops the process in the middle of its work. Another one takes the token over, and then this one
    /// goes on.
    async fn freeze(&self, mut work: Work) -> Ended {
        let world = self.world();
        let mut polls = world.below(30);
        let ended = poll_fn(|cx| {
            if polls == 0 {
                return Poll::Ready(None);
            }
            polls -= 1;
            work.as_mut().poll(cx).map(Some)
        })
        .await;
        if ended.is_none() {
            let for_so_long = Duration::from_secs(world.below(150));
            let (order_no, later) = (self.order_no.clone(), world.clone());
            world.spawn(async move {
                sleep(for_so_long).await;
                later.event(format_args!("{order_no}: a frozen owner goes on"));
                let _ = work.await;
            });
        }
        ended
    }

    /// By the hook.
    fn awaited(&self, machine: &Machine, id: Option<&str>, owner: u64) -> Work {
        let charges = machine.client().charges();
        let token = self.row.lock().unwrap().token.clone();
        let begin = match (&token, id) {
            (Some(token), _) => charges.resume(token.parse().unwrap()),
            (None, Some(id)) => charges.settle(id),
            (None, None) => {
                charges.create_and_settle(order(&self.rules, &self.order_no, self.amount))
            }
        };
        let begin = if token.is_some() { begin } else { self.configured(begin) };
        let till = self.clone();
        let settlement = begin.on_step(move |step| {
            let till = till.clone();
            async move {
                let ending = match step.kind {
                    StepKind::Ended(settled) => Some(settled),
                    _ => None,
                };
                till.keep(owner, &step.token, ending).await
            }
        });
        let handle = settlement.handle();
        let row = Arc::clone(&self.row);
        self.world().state().handles.insert(self.order_no.clone(), handle.clone());
        let world = self.world().clone();
        if world.chance(15) {
            let cancel_after = Duration::from_millis(world.below(100_000));
            let later = world.clone();
            world.spawn(async move {
                sleep(cancel_after).await;
                later.event(format_args!("cancelled"));
                let now = later.now();
                row.lock().unwrap().cancelled.get_or_insert((owner, now));
                handle.cancel();
            });
        }
        Box::pin(settlement)
    }

    fn configured(&self, settlement: pingpp::Settlement) -> pingpp::Settlement {
        let settlement = settlement.accept_late_payment(self.accepts_late);
        match self.give_up_after {
            Some(time) => settlement.give_up_after(time),
            None => settlement,
        }
    }

    /// Step by step, like a worker: each token is kept before the next step.
    async fn work(
        self,
        machine: Machine,
        id: Option<String>,
        owner: u64,
    ) -> Result<Settled, Error> {
        let client = machine.client();
        let params = order(&self.rules, &self.order_no, self.amount);
        let kept = self.row.lock().unwrap().token.clone();
        let mut token: SettleToken = match (kept, &id) {
            (Some(kept), _) => kept.parse().unwrap(),
            (None, Some(id)) => self.configured(client.charges().settle(id.as_str())).token()?,
            (None, None) => {
                let begin = client.charges().create_and_settle(params.clone());
                self.configured(begin).token()?
            }
        };
        token.reopen();
        let mut next = Next::Wait(token, Duration::ZERO);
        loop {
            let (token, ending) = match next {
                Next::Wait(token, wait) => {
                    if self.keep(owner, &token, None).await.is_err() {
                        return Ok(self.stopped(token));
                    }
                    sleep(wait).await;
                    let kept = self.row.lock().unwrap().token.clone().filter(|_| self.forgets);
                    (kept.map_or(token, |kept| kept.parse().unwrap()), None)
                }
                Next::Ended(token, settled) => (token, Some(settled)),
                other => unreachable!("{other:?}"),
            };
            if let Some(settled) = ending {
                let kept = Some(settled.clone());
                if self.keep(owner, &token, kept).await.is_err() {
                    return Ok(self.stopped(token));
                }
                return Ok(settled);
            }
            let first =
                id.is_none() && !std::mem::replace(&mut self.row.lock().unwrap().create_sent, true);
            next = if first {
                token.create(&client, params.clone()).await?
            } else {
                token.step(&client).await?
            };
        }
    }

    /// A worker that does not own the token any more.
    fn stopped(&self, token: SettleToken) -> Settled {
        let text = serde_json::json!({
            "unresolved": { "token": token, "charge": null, "obstacle": "stopped" }
        });
        serde_json::from_value(text).unwrap()
    }

    /// Keeps a token: slowly, and only if this owner still is one.
    async fn keep(
        &self,
        owner: u64,
        token: &SettleToken,
        ending: Option<Settled>,
    ) -> Result<(), Stop> {
        let (world, begun) = (self.world(), self.world().now());
        sleep(Duration::from_millis(world.below(50))).await;
        if self.row.lock().unwrap().owner != owner {
            return Err(Stop);
        }
        if world.strikes(Fault::LostLease, 5) {
            return Err(Stop);
        }
        let token = token.to_string();
        world.check("no secret in a token", !crate::log::shows_secret(&token), || token.clone());
        world.event(format_args!("  kept {token}"));
        let mut row = self.row.lock().unwrap();
        if row.token.is_none() {
            // A process may have been frozen before it began.
            row.begun = begun;
        }
        row.token = Some(token);
        if row.cancelled.is_some_and(|(of, at)| of == owner && at < begun) {
            row.heard.get_or_insert(begun);
        }
        if let Some(ending) = ending.filter(|ending| !matches!(ending, Settled::Unresolved(_))) {
            row.ending = Some(ending);
        }
        self.keep_payment(&row, begun);
        Ok(())
    }

    fn terms(&self, row: &Row) -> Terms {
        Terms {
            accepts_late: self.accepts_late,
            gives_up_after: self.give_up_after.map_or(MINUTE, |time| time.as_millis() as u64),
            placed: self.started,
            begun: row.begun,
            cancelled: row.cancelled.map_or(Millis::MAX, |(_, at)| at),
            heard: row.heard.filter(|_| row.cancelled.is_some_and(|(of, _)| of == row.owner)),
        }
    }

    /// Whoever has kept a token after this owner was shown a payment that was in time has kept that as well.
    fn keep_payment(&self, row: &Row, at: Millis) {
        let (world, terms) = (self.world(), self.terms(row));
        let state = &mut *world.state();
        // After these an answer may be for another owner, or is not believed.
        let unclear = [Fault::Frozen, Fault::Repeated, Fault::Unasked];
        if unclear.into_iter().any(|fault| state.report.faults[fault as usize] > 0) {
            return;
        }
        let knows_times = !state.had_wrong_clock;
        for charge in state.books.of_order(&self.order_no) {
            let shown = state.shown_paid.get(&charge.id);
            // Not at the moment of the change of hands: an answer to this owner takes its time.
            let is_shown = shown.is_some_and(|shown| row.owned_since < *shown && *shown <= at);
            let is_in_time =
                terms.accepts_late || knows_times && terms.timing(charge) == Timing::InTime;
            if is_shown && is_in_time {
                state.kept_paid.entry(charge.id.clone()).or_insert(at);
            }
        }
    }
}
