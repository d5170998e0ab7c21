//! Counts and measures what a client does, and prints it as a Prometheus server would fetch it; prints
//! the spans of each call, too. It runs against the sandbox.
//!
//! `cargo run --example observability`

use std::error::Error as StdError;

use pingpp::sandbox::{Fault, Sandbox};
use pingpp::{Amount, AttemptInfo, CreateCharge, CreateRefund, Ended, Outcome, PayBy};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tracing_subscriber::fmt::format::FmtSpan;

type Labels = [(&'static str, String); 2];
type Spent = Family<[(&'static str, &'static str); 1], Histogram, fn() -> Histogram>;

/// The metrics; its clones share them.
#[derive(Clone)]
struct Metrics {
    calls: Family<Labels, Counter>,
    attempts: Family<Labels, Counter>,
    spent: Spent,
    permits: Gauge,
    retries_left: Gauge,
}

impl Metrics {
    fn new(registry: &mut Registry) -> Self {
        // From a millisecond to half a minute.
        let buckets = || Histogram::new([0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0]);
        let metrics = Self {
            calls: Family::default(),
            attempts: Family::default(),
            spent: Family::new_with_constructor(buckets),
            permits: Gauge::default(),
            retries_left: Gauge::default(),
        };
        registry.register("pingpp_calls", "Calls by outcome", metrics.calls.clone());
        registry.register("pingpp_attempts", "Attempts by status", metrics.attempts.clone());
        let (name, help) = ("pingpp_attempt_duration", "What the time of attempts is spent on");
        registry.register_with_unit(name, help, Unit::Seconds, metrics.spent.clone());
        registry.register("pingpp_permits", "Requests at a time", metrics.permits.clone());
        let (name, help) = ("pingpp_retries_left", "Retries that the budget pays for");
        registry.register(name, help, metrics.retries_left.clone());
        metrics
    }

    /// Nothing here waits: it runs where the call is awaited.
    fn observe(&self, info: &AttemptInfo<'_>) {
        let operation = format!("{} {}", info.method, info.route);
        if info.ended == Ended::Call {
            let outcome = match info.failed {
                None => "ok",
                Some(Outcome::Unknown) => "unknown",
                Some(Outcome::Rejected) => "rejected",
                Some(_) => "not_sent",
            };
            let labels = [("operation", operation), ("outcome", outcome.to_owned())];
            self.calls.get_or_create(&labels).inc();
        } else {
            let status = info.status.map_or("none".to_owned(), |status| status.to_string());
            self.attempts.get_or_create(&[("operation", operation), ("status", status)]).inc();
            let spent = &info.durations;
            for (step, time) in [
                ("permit", spent.permit),
                ("signature", spent.signature),
                ("connection", spent.connection),
                ("answer", spent.answer),
            ] {
                self.spent.get_or_create(&[("step", step)]).observe(time.as_secs_f64());
            }
        }
        self.permits.set(info.permits as i64);
        self.retries_left.set(info.retries_left.into());
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .init();
    let mut registry = Registry::default();
    let metrics = Metrics::new(&mut registry);
    let sandbox = Sandbox::start().await?;
    let client = sandbox.builder().observe(move |info| metrics.observe(info)).build()?;

    let order = CreateCharge::builder()
        .order_no("20261123001")
        .channel(PayBy::alipay_scan("281000000000000003"))
        .amount(Amount::from_fen(100))
        .client_ip([192, 0, 2, 1])
        .subject("Tea")
        .body("A pot of Longjing");
    let id = client.charges().create(order).await?.id;
    client.charges().reverse(id.clone()).await?;
    // It is refused: there is nothing to give back.
    let refund = CreateRefund::builder().description("The tea was cold");
    assert!(client.refunds(id.clone()).create(refund).await.is_err());
    // The answer of this one is lost, and a second attempt brings it.
    sandbox.fail_next(Fault::close().after_acting());
    client.charges().reverse(id).await?;

    let mut text = String::new();
    encode(&mut text, &registry)?;
    println!("{text}");
    Ok(())
}
