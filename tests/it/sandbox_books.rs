//! The books of the sandbox balance after every fault, whatever it hits: what was done is booked, what
//! was not done is not.

use std::time::Duration;

use pingpp::sandbox::{Fault, Sandbox};
use pingpp::{Client, Request, RetryPolicy};
use serde_json::{Value, json};

/// Every fault, and whether it lets the operation happen.
fn faults() -> Vec<(Fault, bool)> {
    let replacing = [
        Fault::refuse(),
        Fault::close(),
        Fault::stall(),
        Fault::garbage(),
        Fault::bad_gateway(),
        Fault::internal_error(),
        Fault::too_many_requests(Duration::from_secs(1)),
        Fault::forbidden(),
        Fault::payment_required("channel_connection_error"),
    ];
    let acting = [Fault::slow(Duration::from_secs(1)), Fault::truncate(), Fault::bad_signature()];
    // A connection that is refused carries no request that could be acted on.
    let acts = |fault: &Fault| *fault != Fault::refuse();
    let after = replacing.iter().filter(|fault| acts(fault)).cloned().map(Fault::after_acting);
    let after: Vec<_> = after.collect();
    let not = replacing.into_iter().map(|fault| (fault, false));
    not.chain(acting.into_iter().chain(after).map(|fault| (fault, true))).collect()
}

struct World {
    sandbox: Sandbox,
    charge: String,
}

impl World {
    async fn new() -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let client = sandbox.client();
        let charge: Value = client.call(Self::create(sandbox.app(), "0")).await.unwrap();
        let bonus = json!({ "user": "user_1", "amount": 100_000, "order_no": "b1" });
        let bonus = Request::post("/v1/apps/{app}/balance_bonuses", &[sandbox.app()]).json(&bonus);
        client.call::<Value>(bonus).await.unwrap();
        Self { sandbox, charge: charge["id"].as_str().unwrap().to_owned() }
    }

    fn create(app: &str, number: &str) -> Request {
        Request::post("/v1/charges", &[]).json(&json!({
            "order_no": number, "app": { "id": app }, "channel": "alipay_scan", "amount": 1000,
            "client_ip": "192.0.2.1", "currency": "cny", "subject": "Tea", "body": "Tea",
            "extra": { "scan_code": pingpp::sandbox::payer::PAYS_AT_ONCE },
        }))
    }

    /// The writes, each of which posts something.
    fn writes(&self, number: usize) -> [(&'static str, Request); 4] {
        let app = self.sandbox.app();
        let number = format!("n{number}");
        let refund = json!({ "amount": 1, "description": "x" });
        let transfer = json!({
            "app": { "id": app }, "channel": "alipay", "order_no": number, "amount": 10,
            "type": "b2c", "currency": "cny", "recipient": "a@b.c", "description": "wages",
        });
        let withdrawal = json!({
            "user": "user_1", "amount": 10, "user_fee": 1, "order_no": number, "channel": "alipay",
            "extra": { "account": "a@b.c", "name": "Li" },
        });
        [
            ("/v1/charges", Self::create(app, &number)),
            (
                "/v1/charges/*/refunds",
                Request::post("/v1/charges/{charge}/refunds", &[&self.charge]).json(&refund),
            ),
            ("/v1/transfers", Request::post("/v1/transfers", &[]).json(&transfer)),
            (
                "/v1/apps/*/withdrawals",
                Request::post("/v1/apps/{app}/withdrawals", &[app]).json(&withdrawal),
            ),
        ]
    }

    /// A client without connections, so that one can be refused.
    fn client(&self) -> Client {
        let builder = self.sandbox.builder().verify_responses(self.sandbox.public_key());
        builder.build().unwrap()
    }
}

#[tokio::test]
async fn the_books_balance_after_every_fault_on_every_kind_of_write() {
    let world = World::new().await;
    let stalls = Fault::stall();
    let endless = [stalls.clone(), stalls.after_acting(), Fault::slow(Duration::from_secs(1))];
    let mut number = 0;
    for (fault, acts) in faults() {
        number += 1;
        for (path, request) in world.writes(number) {
            let (before, received) = (world.sandbox.postings(), world.sandbox.requests().len());
            world.sandbox.fail_next(fault.clone().on("POST", path));
            let call = world.client().call::<Value>(request.clone()).retry(RetryPolicy::none());
            let has_arrived = async {
                while world.sandbox.requests().len() == received {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            tokio::select! {
                result = call => drop(result.unwrap_err()),
                // Nobody waits for the end of such an answer.
                () = has_arrived, if endless.contains(&fault) => {}
            }
            let posted = world.sandbox.postings() - before;
            assert_eq!(posted > 0, acts, "{fault:?} on {path}: {posted} postings");
            world.sandbox.check_books().unwrap();
        }
    }
    // Whatever is under way ends.
    world.sandbox.advance(Duration::from_secs(3 * 86_400));
    world.sandbox.check_books().unwrap();
    assert_eq!(number, 20);
}
