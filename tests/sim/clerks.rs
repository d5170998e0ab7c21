//! Clerks: single calls and what follows them, each with its check.

use std::time::Duration;

use pingpp::transfers::{CreateTransfer, TransferChannel, TransferType};
use pingpp::{Amount, Call, CreateCharge, CreateRefund, Error, JsonObject, ListCharges, Outcome};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::channels::{self, Rules};
use crate::claims::{self, About};
use crate::customers;
use crate::faults::Fault;
use crate::log;
use crate::machine::Machine;
use crate::world::World;

/// Someone who works on the machines of the merchant.
#[derive(Clone)]
pub(crate) struct Clerk {
    pub(crate) world: World,
    pub(crate) machines: [Machine; 2],
    pub(crate) number: u64,
}

pub(crate) fn order(rules: &Rules, order_no: &str, amount: i64) -> CreateCharge {
    let digits: String = order_no.chars().filter(char::is_ascii_digit).collect();
    CreateCharge::builder()
        .order_no(order_no)
        .channel(rules.pay_by(&format!("{}{}", log::CODE, &digits[digits.len() - 4..])))
        .amount(Amount::from_fen(amount))
        .client_ip("192.0.2.1")
        .subject("Tea")
        .body("Longjing")
        .build()
}

impl Clerk {
    pub(crate) fn machine(&self) -> &Machine {
        &self.machines[self.world.below(2) as usize]
    }

    pub(crate) async fn rest(&self, longest: u64) {
        sleep(Duration::from_millis(self.world.below(longest * 1_000))).await;
    }

    /// Makes a call and checks its time and its outcome. `None` if it failed or its process ended.
    async fn call<T: 'static>(
        &self,
        about: &About,
        make: impl FnOnce(&pingpp::Client) -> Call<T>,
    ) -> Option<T> {
        let (world, machine) = (&self.world, self.machine());
        world.state().report.calls += 1;
        let limit = machine.settings().timeout;
        let start = Instant::now();
        let call = make(&machine.client());
        let Some(result) = machine.run(machine.draw_end(), call).await else {
            world.event(format_args!("dropped: {about:?}"));
            claims::dropped(world, about.clone());
            return None;
        };
        let took = start.elapsed();
        let in_time = took <= limit + Duration::from_millis(20);
        world.check("a call ends in its time", in_time, || format!("{about:?} took {took:?}"));
        match result {
            Ok(value) => {
                world.event(format_args!("ok: {about:?}"));
                Some(value)
            }
            Err(error) => {
                world.event(format_args!("{:?}: {about:?} {error}", error.outcome()));
                claims::failed(world, machine.number(), about, &error);
                self.after(about, &error).await;
                None
            }
        }
    }

    /// What a merchant does after an unknown outcome: looks it up, now or later.
    async fn after(&self, about: &About, error: &Error) {
        let Some(recovery) = error.recovery().cloned() else { return };
        if error.outcome() == Outcome::Unknown && self.world.chance(40) {
            self.rest(100).await;
            let machine = self.machine();
            let client = machine.client();
            let (world, about) = (self.world.clone(), about.clone());
            let look = async move {
                let (start, limit) = (Instant::now(), machine.settings().timeout);
                claims::look_up(&world, &client, &about, &recovery).await;
                let in_time = start.elapsed() <= limit + Duration::from_millis(20);
                world.check("recover ends in its time", in_time, || format!("{about:?}"));
            };
            machine.run(machine.draw_end(), look).await;
        }
    }

    /// A sale: a charge, and then refunds, a reverse or looks.
    pub(crate) async fn sale(self) {
        self.rest(600).await;
        let world = &self.world;
        let rules = world.pick(&channels::ALL);
        let (order_no, amount) =
            (format!("C20261123{:03}", self.number), 100 + world.below(900) as i64);
        let about = About::Charge(order_no.clone());
        let created =
            self.call(&about, |client| client.charges().create(order(&rules, &order_no, amount)));
        if let Some(charge) = created.await {
            let is_true = world.books(|books| {
                let there = books.charge(charge.id.as_str());
                there.is_some_and(|there| there.order_no == order_no && there.amount == amount)
            });
            world.check("Ok of a create is true", is_true, || format!("{charge:?}"));
        }
        self.rest(20).await;
        // A person knows it from the dashboard.
        let first = world.books(|books| {
            let n = books.charges.iter().position(|there| there.order_no == order_no)?;
            Some((n, books.charges[n].id.clone()))
        });
        let Some((n, id)) = first else { return };
        if world.chance(70) {
            customers::pays(world, n);
        }
        match world.below(4) {
            0 => self.reverse(&id).await,
            1 => self.refund_once(&id, &order_no, amount).await,
            _ => {
                for part in 0..1 + world.below(3) {
                    self.refund(&id, &order_no, part, amount).await;
                }
            }
        }
        self.look(&id).await;
    }

    async fn reverse(&self, id: &str) {
        let about = About::Reverse(id.to_owned());
        if self.call(&about, |client| client.charges().reverse(id)).await.is_some() {
            let is_true = self.world.books(|books| books.charge(id).unwrap().reversed.is_some());
            self.world.check("Ok of a reverse is true", is_true, || id.to_owned());
        }
    }

    async fn refund(&self, id: &str, order_no: &str, part: u64, amount: i64) {
        let world = &self.world;
        let mark = format!("{order_no}-{part}");
        let is_marked = world.chance(70);
        let part = (amount / 4).max(1);
        let params = CreateRefund::builder()
            .description(mark.as_str())
            .maybe_amount(world.chance(80).then(|| Amount::from_fen(part)))
            .maybe_metadata(is_marked.then(|| JsonObject::from([("note", mark.as_str())])))
            .build();
        let about = About::Refund(mark.clone(), id.to_owned(), is_marked);
        if let Some(refund) = self.call(&about, |client| client.refunds(id).create(params)).await {
            let is_true =
                world.books(|books| books.refunds_of(&mark).any(|there| refund.id == *there.id));
            world.check("Ok of a refund is true", is_true, || format!("{refund:?}"));
        }
        self.rest(30).await;
    }

    /// A refund with a tag, until its end: it may be called again after a crash.
    async fn refund_once(&self, id: &str, order_no: &str, amount: i64) {
        let (world, tag) = (&self.world, format!("{order_no}-tag"));
        let mut after_faults = 0;
        for again in 0..20 {
            world.state().report.calls += 1;
            let machine = self.machine();
            let params = CreateRefund::builder()
                .description(format!("{order_no}-try{again}"))
                .amount(Amount::from_fen((amount / 2).max(1)));
            let is_healed = world.is_healed();
            let start = Instant::now();
            let once = machine.client().refunds(id).create_once(tag.as_str(), params);
            let result = machine.run(machine.draw_end(), once).await;
            let limit = 3 * machine.settings().timeout + Duration::from_secs(320);
            let in_time = start.elapsed() <= limit;
            world.check("a refund with a tag ends in its time", in_time, || tag.clone());
            world
                .event(format_args!("refund with a tag: {:?}", result.as_ref().map(Result::is_ok)));
            // The first calls may still learn that the clock was set, or wait for a name server.
            after_faults += u32::from(is_healed && !matches!(&result, Some(Ok(_))));
            let is_rejected =
                matches!(&result, Some(Err(error)) if error.outcome() == Outcome::Rejected);
            world.check(
                "a refund with a tag works after the faults",
                is_rejected || after_faults < 3,
                || format!("{tag}: {:?}", result.as_ref().map(|result| result.as_ref().err())),
            );
            match result {
                Some(Ok(refund)) => {
                    let is_true = world
                        .books(|books| books.refunds_of(&tag).any(|there| refund.id == *there.id));
                    world.check("Ok of a refund is true", is_true, || format!("{refund:?}"));
                    break;
                }
                Some(Err(error)) if error.outcome() == Outcome::Rejected => {
                    let is_true = world.books(|books| books.refunds_of(&tag).next().is_none());
                    world.check("Rejected is true", is_true, || format!("{error}"));
                    if !error.is_retryable() {
                        break;
                    }
                }
                _ => {}
            }
            // As its documentation says: what may be under way is waited for.
            sleep(Duration::from_secs(15 * 60)).await;
        }
        let done = world.books(|books| books.refunds_of(&tag).count());
        world.check("a tag has one refund", done <= 1, || format!("{tag}: {done}"));
    }

    async fn look(&self, id: &str) {
        let (world, about) = (&self.world, About::Read);
        if let Some(charge) = self.call(&about, |client| client.charges().retrieve(id)).await {
            let is_true = world.books(|books| {
                let there = books.charge(id).unwrap();
                charge.id == *id
                    && charge.order_no == there.order_no
                    && (!charge.paid || there.paid.is_some())
                    && (charge.reversed != Some(true) || there.reversed.is_some())
            });
            world.check("Ok of a look was true once", is_true, || id.to_owned());
        }
        let mut pager = self.machine().client().charges().list(ListCharges::default());
        let machine = self.machine();
        let page = machine.run(machine.draw_end(), pager.next_page()).await;
        world.state().report.calls += 1;
        if let Some(Ok(Some(page))) = page {
            let is_true = world.books(|books| {
                page.items.iter().all(|charge| books.charge(charge.id.as_str()).is_some())
            });
            world.check("a list is true", is_true, || format!("{:?}", page.items.len()));
        }
    }

    /// Looks all at once, some of which are dropped while they wait for their turn.
    pub(crate) async fn rush(self) {
        self.rest(900).await;
        let (machine, mut looks) = (self.machine().clone(), JoinSet::new());
        for _ in 0..4 + self.world.below(9) {
            let (machine, client) = (machine.clone(), machine.client());
            let is_dropped = self.world.strikes(Fault::Crash, 50);
            let polls = is_dropped.then(|| self.world.below(6));
            looks.spawn(async move {
                let mut pager = client.charges().list(ListCharges::default());
                let _ = machine.run(polls, pager.next_page()).await;
            });
        }
        self.world.state().report.calls += looks.len() as u64;
        looks.join_all().await;
    }

    /// A payout.
    pub(crate) async fn payout(self) {
        self.rest(900).await;
        let world = &self.world;
        let (order_no, amount) =
            (format!("T20261123{:03}", self.number), 100 + world.below(900) as i64);
        let params = CreateTransfer::builder()
            .channel(TransferChannel::Alipay)
            .order_no(order_no.as_str())
            .amount(Amount::from_fen(amount))
            .kind(TransferType::B2c)
            .recipient("person@example.com")
            .description("wages")
            .build();
        let about = About::Transfer(order_no.clone());
        if let Some(transfer) = self.call(&about, |client| client.transfers().create(params)).await
        {
            let is_true = world.books(|books| {
                books.transfers.iter().any(|there| {
                    transfer.id == *there.id && there.order_no == order_no && there.amount == amount
                })
            });
            world.check("Ok of a transfer is true", is_true, || format!("{transfer:?}"));
        }
    }
}
