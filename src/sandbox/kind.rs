//! A kind of object as data: where it is, what it needs, which states it goes through, what it posts
//! to the ledger. The kinds themselves are in `kinds`; rules that are no data are in `hooks`.

/// One kind of object of the API.
pub(super) struct Kind {
    /// Identifies the kind in here; its path parameter in the routes of what belongs to it.
    pub(super) name: &'static str,
    /// The value of `object`.
    pub(super) object: &'static str,
    /// The route of the collection.
    pub(super) path: &'static str,
    pub(super) id: IdForm,
    /// The operations that need no rule of their own: `c`reate, `r`etrieve, `l`ist, `u`pdate,
    /// `d`elete.
    pub(super) can: &'static str,
    pub(super) paging: Paging,
    /// How many objects a page has at most.
    pub(super) per_page: usize,
    /// The fields of an object with the values that they have if nothing else is known, as JSON. A
    /// parameter of the same name and type sets its field.
    pub(super) fields: &'static str,
    /// The parameters without which nothing is created.
    pub(super) needs: &'static [&'static str],
    /// The filters without which nothing is listed.
    pub(super) lists_by: &'static [&'static str],
    /// The documented limits of parameters.
    pub(super) limits: &'static [(&'static str, Limit)],
    /// The fields that an update changes.
    pub(super) updates: &'static [&'static str],
    /// The merchant's number, which only one object of an app has.
    pub(super) unique: Option<&'static str>,
    /// The states; a new object is in the first one.
    pub(super) states: &'static [State],
    pub(super) moves: &'static [Move],
    /// Why its states post nothing to the ledger; empty if some do. A test holds kinds to it.
    #[cfg_attr(not(test), expect(dead_code, reason = "for readers and for a test"))]
    pub(super) books: &'static str,
}

/// How ids are made.
#[derive(Clone, Copy)]
pub(super) enum IdForm {
    /// A prefix, and a number of at least this many digits.
    Numbered(&'static str, usize),
    /// The parameter that the merchant chooses it by; it is unique only below its parent.
    Named(&'static str),
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Paging {
    Cursor,
    Pages,
}

/// A limit that is documented for a parameter.
#[derive(Clone, Copy)]
pub(super) enum Limit {
    /// Characters of a text.
    Chars(usize, usize),
    /// Bytes of a text in UTF-8.
    Bytes(usize),
    /// ASCII letters and digits of a text.
    Alnum(usize, usize),
    /// A number of fen, or another integer.
    Number(i64, i64),
    /// Items of a list.
    Items(usize),
    OneOf(&'static [&'static str]),
    /// The id of a user, which the merchant chooses.
    UserId,
}

/// A state of an object, and what happens when it is entered.
#[derive(Clone, Copy)]
pub(super) struct State {
    /// The value of `status`, where there is one.
    pub(super) name: &'static str,
    /// The field that is set to the time.
    pub(super) time: Option<&'static str>,
    /// The field that is set to `true`.
    pub(super) flag: Option<&'static str>,
    /// The event that is posted to the webhook.
    pub(super) event: Option<&'static str>,
    pub(super) posts: Option<Posting>,
}

/// Moves the `amount` of an object in the ledger.
#[derive(Clone, Copy)]
pub(super) struct Posting {
    pub(super) from: Purse,
    pub(super) to: Purse,
    /// The `type` of the balance transaction, if a user's balance changes.
    pub(super) reason: &'static str,
}

/// Where money is, from the point of view of an object.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Purse {
    /// Outside: banks, Alipay, WeChat.
    Channels,
    /// The merchant's account, of the object's app.
    Merchant,
    /// The balance of the user that this field names.
    User(&'static str),
    /// The balance that a payment came from; outside, if it came from none.
    Source,
    /// Set aside for the object until it ends.
    Reserved,
}

/// A way from one state to another.
pub(super) struct Move {
    pub(super) by: By,
    pub(super) from: &'static str,
    pub(super) to: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum By {
    /// So many seconds pass.
    Time(u64),
    /// It is retrieved.
    Retrieve,
    /// `PUT` with this `status`.
    Put,
    /// `POST` to this path below it.
    Verb(&'static str),
    /// The customer or the merchant does something outside of the API: `Sandbox::confirm`.
    Confirm,
}

/// The state of what has none.
const ALIVE: &[State] = &[State::new("")];

impl Kind {
    /// A kind with an id of its own and no rules.
    pub(super) const fn new(name: &'static str, path: &'static str, id: IdForm) -> Self {
        Self {
            name,
            object: name,
            path,
            id,
            can: "crl",
            paging: Paging::Pages,
            per_page: 100,
            fields: "{}",
            needs: &[],
            lists_by: &[],
            limits: &[],
            updates: &[],
            unique: None,
            states: ALIVE,
            moves: &[],
            books: "",
        }
    }

    pub(super) fn state(&self, name: &str) -> &'static State {
        let found = self.states.iter().find(|state| state.name == name);
        found.unwrap_or_else(|| panic!("{} has no state {name:?}", self.name))
    }

    pub(super) fn has_state(&self, name: &str) -> bool {
        self.states.iter().any(|state| state.name == name)
    }

    /// Where a move leads from a state.
    pub(super) fn leads(&self, by: By, from: &str) -> Option<&'static str> {
        let mut moves = self.moves.iter();
        moves.find(|m| m.by == by && m.from == from).map(|m| m.to)
    }

    /// How long an object stays in a state that ends by itself, in seconds, and the next state.
    pub(super) fn passes(&self, from: &str) -> Option<(u64, &'static str)> {
        self.moves.iter().filter(|m| m.from == from).find_map(|m| match m.by {
            By::Time(seconds) => Some((seconds, m.to)),
            _ => None,
        })
    }
}

impl State {
    pub(super) const fn new(name: &'static str) -> Self {
        Self { name, time: None, flag: None, event: None, posts: None }
    }

    pub(super) const fn stamps(mut self, field: &'static str) -> Self {
        self.time = Some(field);
        self
    }

    pub(super) const fn sets(mut self, field: &'static str) -> Self {
        self.flag = Some(field);
        self
    }

    pub(super) const fn emits(mut self, event: &'static str) -> Self {
        self.event = Some(event);
        self
    }

    pub(super) const fn posts(mut self, from: Purse, to: Purse, reason: &'static str) -> Self {
        self.posts = Some(Posting { from, to, reason });
        self
    }
}

/// A move.
pub(super) const fn by(by: By, from: &'static str, to: &'static str) -> Move {
    Move { by, from, to }
}
