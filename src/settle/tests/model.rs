//! Owners of a settlement in the harsh world: they step, crash, lose their lease and resume.

mod judge;

pub(super) use self::judge::Verdict;
use super::super::clock::{Exchange, Millis};
use super::super::machine::Machine;
use super::super::rules::Rule;
use super::super::transition::{Action, Input, Phase, Sent};
use super::world::{Choices, HOUR, Harsh, MINUTE, SECOND, START, World};

struct Owner<'a> {
    harsh: Harsh,
    choices: Choices<'a>,
    world: World,
    machine: Machine,
    /// What survives a crash.
    kept: String,
    /// Keeps each token, as a worker does; otherwise those that the hook gets.
    steps: bool,
    has_order: bool,
    is_first: bool,
    /// How far the clock of this owner's machine is ahead.
    skew: i64,
    lives_until: Option<Millis>,
    cancelled: Option<Millis>,
    /// The last fault, crash or lost lease.
    trouble: Millis,
    crashes: u32,
    faults: u32,
    intents: u32,
    unresolved_when_good: u32,
    /// A payment in time was seen.
    seen_in_time: bool,
    gave_back_in_time: bool,
    too_late: bool,
    /// A look in the last minute of the window showed an open charge.
    saw_window_close: bool,
    is_logged: bool,
    log: Vec<String>,
}

/// One schedule to its end. What went wrong is told with a log if it `is_logged`.
pub(super) fn schedule(harsh: Harsh, drawn: &[u16], is_logged: bool) -> Result<Verdict, String> {
    let mut choices = Choices::new(drawn);
    let mut world = World::new(harsh, &mut choices);
    let on = |which| harsh == which || harsh == Harsh::Everything;
    let skews = [0, 600_000, -600_000, 3_600_000, -3_600_000];
    let skew = if on(Harsh::ClocksOff) { skews[choices.pick(5) as usize] } else { 0 };
    let has_order = (on(Harsh::LostCreates) || on(Harsh::NotFoundAfterCreate))
        && choices.happens(2)
        || harsh == Harsh::LostCreates;
    let phase = if has_order { Phase::Create } else { Phase::Watch };
    if !has_order {
        world.create();
    }
    let mut machine = Machine::new(phase, START.saturating_add_signed(skew));
    machine.accept_late_payment = choices.happens(2).then_some(false);
    if on(Harsh::Cancelled) && choices.happens(2) {
        machine.give_up_after = Some(HOUR / 2);
    }
    let steps = choices.happens(2);
    let mut owner = Owner {
        harsh,
        choices,
        world,
        kept: serde_json::to_string(&machine).map_err(|e| e.to_string())?,
        machine,
        steps,
        has_order,
        is_first: has_order,
        skew,
        lives_until: None,
        cancelled: None,
        trouble: START,
        crashes: 0,
        faults: 0,
        intents: 0,
        unresolved_when_good: 0,
        seen_in_time: false,
        gave_back_in_time: false,
        too_late: false,
        saw_window_close: false,
        is_logged,
        log: Vec::new(),
    };
    owner.run().map_err(|why| {
        let Owner { world, machine, log, .. } = &owner;
        if is_logged { format!("{why}\n{world:#?}\n{machine:#?}\n{}", log.join("\n")) } else { why }
    })
}

impl Owner<'_> {
    fn on(&self, which: Harsh) -> bool {
        self.harsh == which || self.harsh == Harsh::Everything
    }

    fn run(&mut self) -> Result<Verdict, String> {
        let mut good_steps = 0;
        let mut keep = true;
        loop {
            if self.choices.are_over() {
                good_steps += 1;
            }
            if good_steps > 2_000 {
                return Err("stuck".into());
            }
            if let Some(ending) = self.machine.ending {
                match self.ended(ending)? {
                    Some(verdict) => return Ok(verdict),
                    None => continue,
                }
            }
            if self.cancelled.is_none() && self.on(Harsh::Cancelled) && self.choices.happens(8) {
                (self.machine.cancelled, self.cancelled) = (true, Some(self.world.now));
            }
            let is_intent = matches!(self.machine.phase, Phase::Create | Phase::Reverse);
            if (keep || is_intent || self.steps) && !self.keep() {
                continue;
            }
            keep = is_intent;
            if self.dies(30) {
                self.crash();
                continue;
            }
            self.step();
        }
    }

    /// Keeps the token; `false` if this owner ends with it.
    fn keep(&mut self) -> bool {
        if self.dies(40) {
            self.crash();
            return false;
        }
        if self.on(Harsh::LosesItsLease) && self.choices.happens(10) {
            // Another owner goes on with what was kept before. This one still sends, without rule 12.
            if !Rule::OnlyTheOwnerSends.holds() && self.machine.phase == Phase::Reverse {
                self.world.send_reverse(30 * SECOND);
            }
            self.log(|| "lost its lease".into());
            self.resume();
            return false;
        }
        self.kept = serde_json::to_string(&self.machine).unwrap_or_default();
        true
    }

    fn dies(&mut self, one_in: u64) -> bool {
        let is_over = self.lives_until.is_some_and(|end| self.world.now >= end);
        is_over || self.choices.happens(one_in)
    }

    fn crash(&mut self) {
        let downtime = match self.choices.pick(4) {
            0 => 0,
            1 => 4 * SECOND,
            2 if self.on(Harsh::DowntimeOfADay) => 24 * HOUR,
            _ if self.on(Harsh::DowntimeOfADay) => 20 * MINUTE,
            _ => 40 * SECOND,
        };
        self.log(|| format!("crashes for {} s", downtime / SECOND));
        self.world.pass(self.world.now + downtime);
        self.resume();
    }

    fn resume(&mut self) {
        self.crashes += 1;
        self.trouble = self.world.now;
        self.machine = serde_json::from_str(&self.kept).expect("what was kept can be read");
        (self.has_order, self.is_first) = (false, false);
        self.seen_in_time &= self.machine.seen_paid;
        if !self.steps {
            self.machine.begin_round();
        }
        if self.on(Harsh::ClocksOff) && self.choices.happens(3) {
            self.skew = 0;
        }
        let every = self.on(Harsh::CrashesEveryFourSeconds) && !self.choices.are_over();
        self.lives_until = every.then(|| self.world.now + 4 * SECOND);
        // A cancellation that was not kept is lost with its process.
        if !self.machine.cancelled {
            self.cancelled = None;
        }
    }

    fn step(&mut self) {
        let local = self.local();
        let had_intent = self.machine.phase == Phase::Reverse;
        let has_order = self.has_order;
        let action = self.machine.next(&Exchange::at(local), Input::Step { has_order });
        let sent = local;
        self.log(|| format!("{action:?}"));
        let (input, is_answer) = match action {
            Action::Create => self.create(),
            Action::Search => self.search(local),
            Action::Look => self.look(),
            Action::Reverse => self.reverse(),
            Action::Wait(_) | Action::End(_) => return,
        };
        if self.dies(40) {
            // What came of it is not known to the next owner.
            self.crash();
            return;
        }
        if let Input::Seen(view) = input {
            let in_time = view.time_paid.is_some_and(|paid| paid + SECOND < self.polling_ends());
            self.seen_in_time |= in_time && !view.refunding && !view.refunded && !view.reversed;
        }
        let received = self.local();
        let date = is_answer.then(|| self.world.now / SECOND * SECOND);
        let action = self.machine.next(&Exchange { sent, received, date }, input);
        self.log(|| format!("  {input:?} -> {action:?}"));
        let has_intent = self.machine.phase == Phase::Reverse;
        self.is_first = has_intent && !had_intent && !self.steps;
        self.intents += u32::from(has_intent && !had_intent);
        if let Action::Wait(until) = action {
            let wait = until.saturating_sub(self.machine.server_time(self.local()));
            let end = self.world.now + wait;
            // A webhook hurries a look; or the process dies while it waits.
            let hurried = if self.choices.happens(20) { wait / 2 } else { 0 };
            let end = self.lives_until.map_or(end, |dies| end.min(dies.max(self.world.now)));
            self.world.pass(end - hurried.min(end - self.world.now));
        }
    }

    fn local(&self) -> Millis {
        self.world.now.saturating_add_signed(self.skew)
    }

    /// A request takes time. Faults take more.
    fn takes(&mut self, longest: Millis) {
        let time = [100, 1_500, longest][self.choices.pick(3) as usize];
        self.world.pass(self.world.now + time);
    }

    fn fault(&mut self, percent: u64) -> bool {
        let fault = self.choices.pick(100) >= 100 - percent;
        if fault {
            self.faults += 1;
            self.trouble = self.world.now;
        }
        fault
    }

    fn age(&mut self) -> Millis {
        let ages = [0, 20 * SECOND, 55 * SECOND];
        if self.on(Harsh::StaleReplicas) { ages[self.choices.pick(3) as usize] } else { 0 }
    }

    fn failed_look(&mut self) -> (Input, bool) {
        let (status, has_date) =
            [(0, false), (502, true), (404, true), (401, true), (502, false), (403, true)]
                [self.choices.pick(6) as usize];
        self.takes(25 * SECOND);
        (Input::Failed { status, slow_down: status == 403 }, has_date)
    }

    fn look(&mut self) -> (Input, bool) {
        if self.fault(30) {
            return self.failed_look();
        }
        self.takes(2 * SECOND);
        let age = self.age();
        let new = self.on(Harsh::NotFoundAfterCreate)
            && self.world.created.is_some_and(|born| self.world.now < born + 20 * SECOND);
        let view = self.world.look(age).filter(|_| !(new && self.choices.happens(2)));
        let Some(view) = view else {
            return (Input::Failed { status: 404, slow_down: false }, true);
        };
        let is_open = !view.paid && !view.reversed && self.machine.ending.is_none();
        self.saw_window_close |= is_open
            && self.world.facts.reversible_until.is_some_and(|until| {
                self.world.now < until && self.world.now + 50 * SECOND > until
            });
        (Input::Seen(view), true)
    }

    fn search(&mut self, sent: Millis) -> (Input, bool) {
        if self.fault(30) {
            return self.failed_look();
        }
        self.takes(2 * SECOND);
        let date = Some(self.world.now / SECOND * SECOND);
        self.machine.measure(&Exchange { sent, received: self.local(), date });
        let since = self.machine.search_from();
        let age = self.age();
        let found = self.world.look(age).is_some_and(|view| view.facts.created >= since);
        (if found { Input::Found(self.world.facts) } else { Input::Absent }, true)
    }

    fn create(&mut self) -> (Input, bool) {
        self.has_order = false;
        match self.choices.pick(8) {
            1 => (Input::NotCreated, false),
            // Lost in four ways: before it arrived, with its answer, on a slow road, with an error.
            2 => {
                self.takes(50 * SECOND);
                (Input::CreateInDoubt, false)
            }
            3 => {
                self.takes(2 * SECOND);
                self.world.create();
                self.takes(25 * SECOND);
                (Input::CreateInDoubt, false)
            }
            4 => {
                let delay = self.delay();
                self.world.send_create(delay);
                self.takes(50 * SECOND);
                (Input::CreateInDoubt, false)
            }
            5 => {
                self.world.create();
                self.takes(50 * SECOND);
                (Input::CreateInDoubt, true)
            }
            _ => {
                self.takes(2 * SECOND);
                self.world.create();
                (Input::Found(self.world.facts), true)
            }
        }
    }

    fn delay(&mut self) -> Millis {
        if self.harsh == Harsh::DelayedTooLong && self.choices.happens(2) {
            self.too_late = true;
            return 20 * MINUTE;
        }
        let longest = if self.on(Harsh::DelayedRequests) { 240 } else { 20 };
        self.choices.pick(longest + 1) * SECOND
    }

    fn reverse(&mut self) -> (Input, bool) {
        self.gave_back_in_time |= self.seen_in_time;
        let is_first = std::mem::take(&mut self.is_first);
        let is_about_reverses = matches!(
            self.harsh,
            Harsh::DelayedRequests | Harsh::DelayedTooLong | Harsh::ReverseWithoutEffect
        );
        let (result, is_answer) = if self.fault(if is_about_reverses { 90 } else { 30 }) {
            match self.choices.pick(7) {
                0 => (Sent::Never, false),
                // By the channel, whatever it could have done.
                1 => (Sent::Refused, true),
                2 => {
                    self.takes(2 * SECOND);
                    self.world.reverse();
                    self.takes(60 * SECOND);
                    (Sent::Maybe, false)
                }
                3 if self.on(Harsh::ReverseWithoutEffect) => (Sent::Maybe, true),
                3 | 4 => {
                    self.takes(60 * SECOND);
                    (Sent::Maybe, false)
                }
                _ => {
                    let delay = self.delay();
                    self.world.send_reverse(delay);
                    self.takes(60 * SECOND);
                    (Sent::Maybe, false)
                }
            }
        } else {
            self.takes(2 * SECOND);
            (if self.world.reverse() { Sent::Maybe } else { Sent::Refused }, true)
        };
        (Input::Reversed { result, is_first }, is_answer)
    }

    fn log(&mut self, what: impl FnOnce() -> String) {
        if self.is_logged {
            let at = self.world.now - START;
            self.log.push(format!("{:>9}.{:03} {}", at / SECOND, at % SECOND, what()));
        }
    }
}
