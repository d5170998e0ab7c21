//! What a settlement keeps, so that it can go on in another process.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

use super::clock::unix_millis;
use super::machine::Machine;
use super::state::State;
use super::transition::Phase;
use super::wire;
use crate::error::BuildError;
use crate::resources::charges::Charge;
use crate::types::{App, Id};

/// The version that this crate writes. It is raised when a version of this crate that does not know
/// the new one must not go on with a token; a new field does not raise it.
pub(super) const VERSION: u64 = 2;

/// Where a settlement stands, to be kept and resumed.
///
/// It holds ids, times and the options that were set ([`every`](crate::Settlement::every),
/// [`give_up_after`](crate::Settlement::give_up_after),
/// [`resolve_within`](crate::Settlement::resolve_within),
/// [`accept_late_payment`](crate::Settlement::accept_late_payment)), and once it has ended, the ending
/// with the charge, without its `credential` and `extra`. It holds no keys and no way to pay. The
/// client, the hook and what a create needs do not travel in it.
///
/// It is written as JSON with a version, by serde or as text (`Display`, `FromStr`). Tokens of
/// earlier versions are read; fields that this version does not know are kept and written back. A
/// token whose version is higher than that of this crate is kept as it came, and neither
/// [stepped](Self::step) nor resumed.
///
/// **Owners:** a token has one owner at a time. Two that work on copies of one token, or two
/// settlements of one order, can contradict each other: one sees a payment while the reverse of the
/// other is on its way. Where several machines share tokens, guard each write by a lease, and
/// answer [`Stop`](super::Stop) from the hook if the lease is lost.
#[derive(Clone, PartialEq)]
pub struct SettleToken(Repr);

#[derive(Clone, PartialEq)]
enum Repr {
    Known(Box<State>),
    /// Of a later version, as it came.
    Later(Box<Map<String, Value>>),
}

impl SettleToken {
    /// The token of a settlement that begins now: of a charge that exists.
    /// [`Settlement::token`](crate::Settlement::token) gives one with options.
    pub fn new(charge: impl Into<Id<Charge>>) -> Self {
        let now = unix_millis(SystemTime::now());
        let machine = Machine::new(Phase::Watch, now);
        Self::of(State { charge: Some(charge.into()), machine, ..State::default() })
    }

    pub(super) fn of(state: State) -> Self {
        Self(Repr::Known(Box::new(state)))
    }

    /// The number of the order, if it is known: from the create, or from the first look.
    pub fn order_no(&self) -> Option<&str> {
        self.known()?.order_no.as_deref()
    }

    /// The charge, if it is known: a create whose answer was lost has none yet. Of several charges
    /// with one number, the one that is being settled.
    pub fn charge(&self) -> Option<&Id<Charge>> {
        self.known()?.charge.as_ref()
    }

    /// The app, if it is known.
    pub fn app(&self) -> Option<&Id<App>> {
        self.known()?.app.as_ref()
    }

    /// When the next step is to be taken, by the server's clock; `None` once it has ended. A step
    /// that is taken earlier, because of a webhook for example, looks earlier.
    pub fn due(&self) -> Option<SystemTime> {
        let machine = &self.known()?.machine;
        let due = UNIX_EPOCH.checked_add(Duration::from_millis(machine.due));
        due.filter(|_| machine.ending.is_none())
    }

    /// Whether a reverse may have been sent.
    pub fn may_have_reversed(&self) -> bool {
        self.known().is_some_and(|state| state.machine.may_have_reversed())
    }

    /// The customer walked away: the next step looks once more, then the charge is closed. It changes
    /// nothing once it has ended.
    pub fn cancel(&mut self) {
        if let Repr::Known(state) = &mut self.0 {
            state.machine.cancelled = true;
        }
    }

    /// Goes on after [`Settled::Unresolved`](super::Settled::Unresolved) with a new round of work: a look, a reverse where one can
    /// work, and the time of [`resolve_within`](crate::Settlement::resolve_within). Other endings are
    /// final. [`ChargeApi::resume`](crate::ChargeApi::resume) does it by itself.
    pub fn reopen(&mut self) {
        if let Repr::Known(state) = &mut self.0 {
            state.reopen();
        }
    }

    pub(super) fn known(&self) -> Option<&State> {
        match &self.0 {
            Repr::Known(state) => Some(state),
            Repr::Later(_) => None,
        }
    }

    /// # Errors
    /// If the token is of a later version.
    pub(super) fn into_state(self) -> Result<Box<State>, BuildError> {
        match self.0 {
            Repr::Known(state) => Ok(state),
            Repr::Later(map) => {
                let version = map.get("version").cloned().unwrap_or_default();
                Err(BuildError::new(format!(
                    "a settlement token of version {version} is unknown here: use a version of \
                     this crate that writes such tokens"
                )))
            }
        }
    }

    pub(super) fn from_state(state: Box<State>) -> Self {
        Self(Repr::Known(state))
    }
}

impl fmt::Debug for SettleToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("SettleToken");
        if let Some(state) = self.known() {
            let endings: Vec<_> = state.done.iter().map(|done| done.ending).collect();
            debug.field("charge", &state.charge).field("order_no", &state.order_no);
            debug.field("phase", &state.machine.phase).field("endings", &endings);
        }
        debug.finish_non_exhaustive()
    }
}

/// As JSON text.
impl fmt::Display for SettleToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for SettleToken {
    type Err = ParseTokenError;

    fn from_str(text: &str) -> Result<Self, ParseTokenError> {
        serde_json::from_str(text).map_err(|_| ParseTokenError)
    }
}

/// A text that is not a [`SettleToken`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseTokenError;

impl fmt::Display for ParseTokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is not the JSON of a settlement token")
    }
}

impl std::error::Error for ParseTokenError {}

impl Serialize for SettleToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Versioned<'a> {
            version: u64,
            #[serde(flatten)]
            state: &'a State,
        }
        match &self.0 {
            Repr::Known(state) => Versioned { version: VERSION, state }.serialize(serializer),
            Repr::Later(map) => map.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for SettleToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut map = Map::deserialize(deserializer)?;
        let version = map.get("version").and_then(Value::as_u64);
        let state = match version.ok_or_else(|| de::Error::missing_field("version"))? {
            0 => return Err(de::Error::custom("there is no version 0")),
            1 => wire::first_version(map).map_err(de::Error::custom)?,
            VERSION => {
                map.remove("version");
                let state: State = serde_json::from_value(map.into()).map_err(de::Error::custom)?;
                if state.charge.is_none() && (state.order_no.is_none() || state.app.is_none()) {
                    return Err(de::Error::missing_field("charge"));
                }
                state
            }
            _ => return Ok(Self(Repr::Later(Box::new(map)))),
        };
        Ok(Self::of(state))
    }
}
