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
use crate::judge::{self, Settlement};
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
    /// This owner has seen that it was paid in time.
    seen_in_time: bool,
    gave_back_in_time: bool,
    pub(crate) cancelled: Option<Millis>,
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
        let mut after_healing = None;
        let settled = loop {
            rounds += 1;
            if let Some(settled) = till.round(id.as_deref()).await {
                let Settled::Unresolved(left) = &settled else { break settled };
                world.event(format_args!("{} unresolved: {}", till.order_no, left.obstacle));
            }
            let rest = world.pick(&[0, 1, 4, 40, 40, 600, 1_200, 14_400]);
            let rest = if world.is_healed() { rest.min(600) } else { rest };
            sleep(Duration::from_secs(rest)).await;
            if world.is_healed() {
                let since = *after_healing.get_or_insert(Instant::now());
                let bound = judge::bound(&till.rules);
                if since.elapsed() > bound {
                    world.check("a settlement ends after the faults", false, || {
                        format!("{} {} after {:?}", till.order_no, till.rules.name, since.elapsed())
                    });
                    return;
                }
            }
            assert!(rounds < 20_000, "a settlement that never rests");
        };
        world.check("a settlement ends after the faults", true, String::new);
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
                order_no: till.order_no,
                rules: till.rules,
                settled,
                gave_back_in_time: row.gave_back_in_time,
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
            // What an earlier owner saw counts if the token carries it.
            let carries =
                row.token.as_ref().is_some_and(|token| token.contains("\"seen_paid\":true"));
            row.seen_in_time &= carries;
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
        match ended? {
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
            Err(error) => {
                world.check("a settlement does not fail", false, || format!("{error}"));
                None
            }
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
                let reverses = step.kind == StepKind::Reverse;
                let ending = match step.kind {
                    StepKind::Ended(settled) => Some(settled),
                    _ => None,
                };
                till.keep(owner, &step.token, ending).await?;
                if reverses {
                    till.reverses();
                }
                Ok(())
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
                row.lock().unwrap().cancelled.get_or_insert(now);
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
                    if token.to_string().contains("\"phase\":\"reverse\"") {
                        self.reverses();
                    }
                    sleep(wait).await;
                    (token, None)
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
        let world = self.world();
        sleep(Duration::from_millis(world.below(50))).await;
        if self.row.lock().unwrap().owner != owner {
            return Err(Stop);
        }
        if world.strikes(Fault::LostLease, 5) {
            return Err(Stop);
        }
        let (seen, token) = (self.has_seen_payment(token), token.to_string());
        world.check("no secret in a token", !crate::log::shows_secret(&token), || token.clone());
        let mut row = self.row.lock().unwrap();
        row.token = Some(token);
        row.seen_in_time |= seen;
        if let Some(ending) = ending.filter(|ending| !matches!(ending, Settled::Unresolved(_))) {
            row.ending = Some(ending);
        }
        Ok(())
    }

    /// Whether a token says that a payment was seen that was in time, so that it must be kept.
    fn has_seen_payment(&self, token: &SettleToken) -> bool {
        let text = token.to_string();
        if !text.contains("\"seen_paid\":true") || text.contains("\"is_start_rough\":true") {
            return false;
        }
        let Some(id) = token.charge() else { return false };
        let paid = self.world().books(|books| {
            let charge = books.charge(id.as_str())?;
            let until = charge.rules.reversible_until(charge.created);
            Some((charge.paid?, until.map_or(u64::MAX, |until| until.saturating_sub(MINUTE))))
        });
        let cancelled = self.row.lock().unwrap().cancelled.unwrap_or(u64::MAX);
        let give_up_after = self.give_up_after.map_or(MINUTE, |time| time.as_millis() as u64);
        paid.is_some_and(|(paid, until)| {
            let end = until.min(cancelled).min(self.started + give_up_after);
            self.accepts_late || paid + 2_000 < end
        })
    }

    /// A reverse is about to be sent.
    fn reverses(&self) {
        let mut row = self.row.lock().unwrap();
        row.gave_back_in_time |= row.seen_in_time;
    }
}
