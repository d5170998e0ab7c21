//! Each line of the page "Logs and traces" is one that the crate writes, and it writes no other.

use std::time::Duration;

use pingpp::{CreateRefund, RetryPolicy};

use crate::raw::{Act, Server, html, json};
use crate::secrecy::{Log, set_default};
use crate::{ID, charge, order};

#[tokio::test]
async fn the_page_about_logs_shows_every_line() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .without_time()
        .with_writer(move || writer.clone())
        .finish();
    let guard = set_default(subscriber);
    let server = Server::start(|request| match request.number {
        0 => Act::Write(html(502)),
        1 => Act::Write(json(200, &charge())),
        4 => Act::WriteAndStall(Vec::new()),
        _ => Act::WriteAndClose(Vec::new()),
    })
    .await;
    let client = server.client();
    client.charges().reverse(ID).await.unwrap();
    let once = server.builder().retry(RetryPolicy::none()).build().unwrap();
    once.charges().reverse(ID).await.unwrap_err();
    once.charges().create(order("20261123001")).await.unwrap_err();
    let refund = client.refunds(ID).create(CreateRefund::builder().description("d"));
    assert!(tokio::time::timeout(Duration::from_millis(300), refund).await.is_err());
    // A read in doubt had no effect.
    once.charges().retrieve(ID).await.unwrap_err();
    let other = Server::start(move |_| Act::Write(json(200, &charge()))).await;
    let charges = other.client().charges();
    let token = charges.settle(ID).token().unwrap();
    charges.resume(token).await.unwrap();
    drop(guard);

    let page = include_str!("../../src/logs.md");
    let block = page.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    let promised: Vec<_> = block.lines().collect();
    let text = log.text();
    let written: Vec<_> = text
        .lines()
        .filter(|line| line.contains(" pingpp::"))
        .map(|line| {
            // Without the spans around it, and with a word for what differs.
            let at = line.find("pingpp::").unwrap();
            let (level, message) = (line[..5].trim(), &line[at..]);
            let line = format!("{level:>5} {message}");
            if let Some((rest, _)) = line.split_once(" wait=") {
                format!("{rest} wait=WAIT")
            } else if let Some((rest, seen)) = line.split_once(" input=") {
                let (_, action) = seen.split_once(" action=").unwrap();
                format!("{rest} input=INPUT action={action}")
            } else {
                line
            }
        })
        .collect();
    assert_eq!(written, promised);
}
