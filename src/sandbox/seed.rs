//! Creates the charges that a sandbox starts with.

use std::io;

use serde_json::{Map, Value, json};

use super::state::{APP, State};

impl State {
    /// Creates the charges of `Options::seed`.
    pub(super) fn load_seed(&mut self, seed: &str) -> io::Result<()> {
        let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
        let charges: Vec<Map<String, Value>> = serde_json::from_str(seed)
            .map_err(|error| wrong(format!("the seed is not an array of charges: {error}")))?;
        for (at, mut params) in charges.into_iter().enumerate() {
            let id = params.remove("id");
            let paid = params.remove("paid") == Some(true.into());
            let reversed = params.remove("reversed") == Some(true.into());
            params.entry("app").or_insert(json!({ "id": APP }));
            let (charge, _) = self
                .add_charge(params, id.as_ref().and_then(Value::as_str))
                .map_err(|refusal| {
                    wrong(format!("charge {at} of the seed: {}", refusal.body["error"]["message"]))
                })?;
            if paid {
                self.pay(charge, self.clock.millis());
            }
            self.charges[charge].reversed = reversed;
        }
        Ok(())
    }
}
