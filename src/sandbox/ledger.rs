//! The books of the sandbox: each posting takes an amount from one account and adds it to another, so
//! that all accounts together are always zero.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// Who has money, or owes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) enum Account {
    /// Outside: banks, Alipay, WeChat. Below zero by what customers have paid.
    Channels,
    /// The merchant, by the number of the app. What a merchant has paid in beforehand is not known
    /// here, so that it may be below zero.
    Merchant(usize),
    /// The balance of a user of an app. Never below zero.
    User(usize, Box<str>),
    /// Set aside for the object of this number.
    Reserved(usize),
}

/// One posting. Accounts and objects are numbers here, to keep many of them in little memory.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Entry {
    from: usize,
    to: usize,
    amount: i64,
    /// The object that it is for.
    pub(super) source: usize,
}

#[derive(Default)]
pub(super) struct Ledger {
    accounts: Vec<(Account, i64)>,
    numbers: HashMap<Account, usize>,
    entries: Vec<Entry>,
}

impl Ledger {
    pub(super) fn balance(&self, account: &Account) -> i64 {
        self.numbers.get(account).map_or(0, |number| self.accounts[*number].1)
    }

    /// Posts an amount. A user who has less posts nothing, which returns `false`.
    pub(super) fn post(&mut self, from: Account, to: Account, amount: i64, source: usize) -> bool {
        if matches!(from, Account::User(..)) && self.balance(&from) < amount {
            return false;
        }
        let (from, to) = (self.number(from), self.number(to));
        self.accounts[from].1 -= amount;
        self.accounts[to].1 += amount;
        self.entries.push(Entry { from, to, amount, source });
        true
    }

    /// The lengths now, for `back_to`.
    pub(super) fn mark(&self) -> (usize, usize) {
        (self.entries.len(), self.accounts.len())
    }

    /// Removes what was posted since.
    pub(super) fn back_to(&mut self, (entries, accounts): (usize, usize)) {
        for entry in self.entries.drain(entries..) {
            self.accounts[entry.from].1 += entry.amount;
            self.accounts[entry.to].1 -= entry.amount;
        }
        for (account, _) in self.accounts.drain(accounts..) {
            self.numbers.remove(&account);
        }
    }

    fn number(&mut self, account: Account) -> usize {
        let accounts = &mut self.accounts;
        *self.numbers.entry(account).or_insert_with_key(|account| {
            accounts.push((account.clone(), 0));
            accounts.len() - 1
        })
    }

    /// The number of postings.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// All accounts with their balances.
    pub(super) fn accounts(&self) -> &[(Account, i64)] {
        &self.accounts
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&Account, &Account, i64, usize)> {
        let account = |number: usize| &self.accounts[number].0;
        self.entries.iter().map(move |e| (account(e.from), account(e.to), e.amount, e.source))
    }
}
