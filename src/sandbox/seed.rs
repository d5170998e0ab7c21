//! Creates the charges that a sandbox starts with, and their refunds.

use std::io;

use serde_json::Value;

use super::answer::{Answer, Answered};
use super::state::State;
use super::values::Fields;

impl State {
    /// Creates the charges of `Options::seed`, in the first app if they name none.
    pub(super) fn load_seed(&mut self, seed: &str) -> io::Result<()> {
        let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
        let charges: Vec<Fields> = serde_json::from_str(seed)
            .map_err(|error| wrong(format!("the seed is not an array of charges: {error}")))?;
        for (at, params) in charges.into_iter().enumerate() {
            self.seed_charge(params).map_err(|refusal| {
                wrong(format!("charge {at} of the seed: {}", refusal.body["error"]["message"]))
            })?;
        }
        Ok(())
    }

    fn seed_charge(&mut self, mut params: Fields) -> Answered<()> {
        let id = params.remove("id");
        let paid = params.remove("paid") == Some(true.into());
        let reversed = params.remove("reversed") == Some(true.into());
        let refunds = params.remove("refunds").unwrap_or_default();
        let app = if params.contains_key("app") { self.app_in(&params)? } else { self.own_apps[0] };
        let id = id.as_ref().and_then(Value::as_str);
        let (charge, _) = self.add_charge(app, params, id, None)?;
        if paid && !self.pay(charge, self.clock.millis()) {
            return Err(Answer::bad_parameter("paid", "the balance of its user is too low"));
        }
        let refunds = refunds.as_array().cloned().unwrap_or_default();
        if reversed && !refunds.is_empty() {
            return Err(Answer::bad_parameter("reversed", "what is refunded cannot be reversed"));
        }
        for refund in refunds {
            let refund = refund.as_object().cloned().unwrap_or_default();
            self.refund(charge, refund)?;
        }
        if reversed {
            self.close_charge(charge)?;
        }
        Ok(())
    }
}
