//! What happens to a row: it is added, enters a state, and leaves it when its time has come. What is
//! refused half-way is taken back by `State::attempt`, in which all of this runs but a seed: if that fails,
//! there is no sandbox.

use serde_json::Value;

use super::answer::{Answer, Answered};
use super::clock::{Millis, seconds};
use super::kind::{By, Kind, Purse};
use super::kinds::{BALANCE_TRANSACTION, CHARGE, USER};
use super::ledger::Account;
use super::state::{Row, State, fields, text_of};
use super::values::{Fields, fields_of};

/// What a new row is made of.
pub(super) struct New {
    pub(super) kind: &'static Kind,
    pub(super) app: usize,
    /// Empty if the kind counts its rows.
    pub(super) id: Box<str>,
    pub(super) parent: Option<usize>,
    pub(super) group: Option<usize>,
    /// Not always the first one.
    pub(super) state: &'static str,
    pub(super) document: Fields,
}

impl New {
    pub(super) fn of(kind: &'static Kind, app: usize, document: Fields) -> Self {
        let state = kind.states[0].name;
        Self { kind, app, id: "".into(), parent: None, group: None, state, document }
    }
}

impl State {
    /// Adds a row, which enters its first state.
    pub(super) fn add(&mut self, new: New, at: Millis) -> Answered<usize> {
        let New { kind, app, id, parent, group, state, document } = new;
        let number = kind.unique.and_then(|name| document.get(name)).and_then(Value::as_str);
        let number = number.map(|number| format!("{}/{app}/{number}", kind.name));
        if number.as_ref().is_some_and(|number| self.numbered(number).is_some()) {
            let name = kind.unique.unwrap_or_default();
            let message = format!("参数 {name} 已被使用 (another {} has this number)", kind.name);
            return Err(Answer::error(400, "invalid_request_error", &message, None, Some(name)));
        }
        let (created, document) = (seconds(at), text_of(document));
        let row = self.insert(Row { kind, app, id, parent, group, state, created, document })?;
        self.enter(row, state, at)?;
        if let Some(number) = number {
            self.give_number(number, row);
        }
        Ok(row)
    }

    /// Lets a row enter a state, with all that follows.
    pub(super) fn enter(&mut self, row: usize, to: &str, at: Millis) -> Answered<()> {
        let kind = self.rows[row].kind;
        let state = kind.state(to);
        if let Some(posting) = state.posts {
            let amount = self.field(row, "_posts").as_i64();
            let amount = amount.unwrap_or_else(|| self.number(row, "amount"));
            self.post(row, posting.from, posting.to, amount, posting.reason, at)?;
        }
        for (field, value) in [(state.time, seconds(at).into()), (state.flag, Value::from(true))] {
            if let Some(field) = field {
                self.set(row, field, value);
            }
        }
        self.row_mut(row).state = state.name;
        self.schedule(row, state.name, at);
        if let Some(event) = state.event {
            let object = self.show(row);
            self.record_event(event, object, at);
        }
        self.entered(row, at)
    }

    /// Moves an amount in the ledger for a row, and records what that does to balances of users.
    pub(super) fn post(
        &mut self,
        row: usize,
        from: Purse,
        to: Purse,
        amount: i64,
        reason: &str,
        at: Millis,
    ) -> Answered<()> {
        if amount == 0 {
            return Ok(());
        }
        let (from, to) = (self.account(row, from), self.account(row, to));
        if let Account::User(app, user) = &from {
            // The balance of a deleted user is not spent.
            self.find(&USER, *app, None, user)?;
        }
        if !self.ledger.post(from.clone(), to.clone(), amount, row) {
            return Err(Answer::balance_too_low());
        }
        for (account, change) in [(from, -amount), (to, amount)] {
            let Account::User(app, user) = &account else { continue };
            let document = fields_of([
                ("user", Value::from(&**user)),
                ("amount", change.into()),
                ("available_balance", self.ledger.balance(&account).into()),
                ("source", self.id(row).into()),
                ("type", reason.into()),
                ("description", self.field(row, "description")),
            ]);
            self.user(*app, user, at)?;
            let made = self.add(New::of(&BALANCE_TRANSACTION, *app, document), at)?;
            let made = Value::from(self.id(made));
            self.names_transaction(row, user, made);
        }
        Ok(())
    }

    /// Writes the id of a balance transaction into the object that caused it.
    fn names_transaction(&mut self, row: usize, user: &str, id: Value) {
        let known = fields(self.rows[row].kind);
        let is_recipient = self.text(row, "recipient") == user;
        let names = [
            ("balance_transaction", true),
            ("user_balance_transaction", !is_recipient),
            ("recipient_balance_transaction", is_recipient),
        ];
        for (name, is_it) in names {
            if is_it && known.contains_key(name) {
                self.set(row, name, id.clone());
            }
        }
    }

    fn account(&self, row: usize, purse: Purse) -> Account {
        let app = self.rows[row].app;
        let user = |name: &str| Account::User(app, self.text(row, name).into());
        match purse {
            Purse::Channels => Account::Channels,
            Purse::Merchant => Account::Merchant(app),
            Purse::Reserved => Account::Reserved(row),
            Purse::User(field) => user(field),
            Purse::Source if self.text(row, "_source").is_empty() => Account::Channels,
            Purse::Source => user("_source"),
        }
    }

    /// The user of an app with this id, who is made if need be: recharges and coupons do that.
    pub(super) fn user(&mut self, app: usize, id: &str, at: Millis) -> Answered<usize> {
        if let Ok(user) = self.find(&USER, app, None, id) {
            return Ok(user);
        }
        self.add(New { id: id.into(), ..New::of(&USER, app, Fields::new()) }, at)
    }

    /// Moves a row on because of something that happens to it. `None` if nothing follows from it in
    /// the row's state.
    pub(super) fn advance(&mut self, row: usize, by: By, at: Millis) -> Option<Answered<()>> {
        let to = self.rows[row].kind.leads(by, self.rows[row].state)?;
        let to = match by {
            By::Put | By::Verb(_) => to,
            _ => self.or_fails(row, to),
        };
        Some(if to == self.rows[row].state { Ok(()) } else { self.enter(row, to, at) })
    }

    /// Somebody does what the object with this id waits for.
    pub(super) fn confirm(&mut self, id: &str) -> bool {
        let waits = |row: &Row| &*row.id == id && row.kind.leads(By::Confirm, row.state).is_some();
        let Some(row) = self.rows.iter().position(waits) else { return false };
        let now = self.clock.millis();
        self.attempt(|state| state.advance(row, By::Confirm, now).unwrap_or(Ok(()))).is_ok()
    }

    /// Performs every change that is due, in order and each at its own time.
    pub(super) fn catch_up(&mut self) {
        let now = self.clock.millis();
        while let Some((time, due)) = self.due.take_due(now) {
            // Nobody pays what has expired.
            let is_over = self.is(due.row, &CHARGE) && !self.is_open(due.row, time);
            if self.rows[due.row].state == due.from && !is_over {
                // What is refused, as the payment of an order whose coupon is used by now, stays as it is.
                let _ = self.attempt(|state| {
                    let to = state.or_fails(due.row, due.to);
                    state.enter(due.row, to, time)
                });
            }
        }
    }

    /// The state that a row moves to, which is `failed` if its `metadata[sandbox]` says so.
    fn or_fails(&mut self, row: usize, to: &'static str) -> &'static str {
        match self.wish(row) {
            Some(code) if self.rows[row].kind.has_state("failed") => {
                self.fail(row, &code);
                "failed"
            }
            _ => to,
        }
    }

    /// What `metadata[sandbox]` wishes for: the code with which an object fails.
    pub(super) fn wish(&self, row: usize) -> Option<String> {
        let own = self.field(row, "_sandbox");
        let wish = if own.is_null() { &self.field(row, "metadata")["sandbox"] } else { &own };
        wish.as_str().filter(|wish| !wish.is_empty()).map(str::to_owned)
    }

    /// The wish of a batch for its part of this number: all parts fail, or with `partially` the first.
    pub(super) fn wish_for_part(&self, batch: usize, part: usize) -> Value {
        match self.wish(batch) {
            Some(wish) if wish == "partially" && part > 0 => "".into(),
            wish => wish.into(),
        }
    }

    /// Writes why a row has failed.
    pub(super) fn fail(&mut self, row: usize, code: &str) {
        let message = format!("沙箱模拟的失败 (simulated failure: {code})");
        for (name, value) in [("failure_code", code), ("failure_msg", &message)] {
            if fields(self.rows[row].kind).contains_key(name) {
                self.set(row, name, value);
            }
        }
    }
}
