//! Checks the books of the sandbox against its objects.

use std::collections::HashMap;

use super::kinds::{BALANCE_TRANSACTION, TRANSFER};
use super::ledger::Account;
use super::state::State;

/// The states of objects whose money is set aside.
const OPEN: [&str; 7] =
    ["pending", "created", "sending", "sent", "returning", "wait_user_confirm", "open"];

impl State {
    /// What does not balance.
    pub(super) fn check_books(&self) -> Result<(), String> {
        let accounts = self.ledger.accounts();
        let total: i64 = accounts.iter().map(|(_, balance)| balance).sum();
        if total != 0 {
            return Err(format!("all accounts together are {total}"));
        }
        let mut told: HashMap<(usize, String), i64> = HashMap::new();
        for row in self.of_kind(&BALANCE_TRANSACTION) {
            let sum = told.entry((self.rows[*row].app, self.text(*row, "user"))).or_default();
            *sum += self.number(*row, "amount");
            let after = self.number(*row, "available_balance");
            if *sum != after {
                return Err(format!("{} says {after}, the ones before it {sum}", self.id(*row)));
            }
        }
        for (account, balance) in accounts {
            match account {
                Account::User(app, user) => {
                    let told = told.get(&(*app, user.to_string())).copied().unwrap_or_default();
                    if *balance < 0 || *balance != told {
                        return Err(format!("user {user}: {balance}, but its transactions {told}"));
                    }
                }
                Account::Reserved(row) => {
                    let state = self.rows[*row].state;
                    let amount = self.number(*row, "amount");
                    let due = if OPEN.contains(&state) { amount } else { 0 };
                    if *balance != due {
                        let id = self.id(*row);
                        return Err(format!("{id} is {state}, and {balance} is reserved for it"));
                    }
                }
                Account::Channels | Account::Merchant(_) => {}
            }
        }
        // No transfer is paid and taken back.
        let both = |row: &&usize| {
            self.rows[**row].state != "paid" && !self.field(**row, "time_transferred").is_null()
        };
        match self.of_kind(&TRANSFER).iter().find(both) {
            Some(row) => {
                Err(format!("{} was paid and is {}", self.id(*row), self.rows[*row].state))
            }
            None => Ok(()),
        }
    }
}
