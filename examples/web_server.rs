//! A web server that reverses orders: `POST /orders/{charge id}/reverse`.
//!
//! `cargo run --example web_server` runs it against the sandbox and prints a `curl` line to try;
//! with `PINGPP_API_KEY` (and the other variables of `Client::from_env`) set it is the real thing.

use std::error::Error as StdError;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use pingpp::sandbox::Sandbox;
use pingpp::{Amount, Channel, Client, CreateCharge, Error, Outcome};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    // Kept until the end: dropping it stops the sandbox.
    let mut sandbox = None;
    let client = if std::env::var_os("PINGPP_API_KEY").is_some() {
        Client::from_env()?
    } else {
        sandbox.insert(Sandbox::start().await?).client()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    if sandbox.is_some() {
        let id = unpaid_charge(&client).await?;
        println!("try: curl -X POST http://{}/orders/{id}/reverse", listener.local_addr()?);
    }
    axum::serve(listener, app(client))
        .with_graceful_shutdown(async {
            let _ = tokio::signal::ctrl_c().await;
        })
        .await?;
    Ok(())
}

fn app(client: Client) -> Router {
    Router::new().route("/orders/{id}/reverse", post(reverse)).with_state(client)
}

async fn reverse(State(client): State<Client>, Path(id): Path<String>) -> Response {
    // In a task of its own, so that a browser that goes away does not stop it half-way.
    let reversing = tokio::spawn(client.charges().reverse(id));
    match reversing.await {
        Ok(Ok(charge)) => Json(json!({ "state": "closed", "paid": charge.paid })).into_response(),
        Ok(Err(error)) => refusal(&error),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// What a frontend can act on: the state of the order, and whether trying again makes sense.
fn refusal(error: &Error) -> Response {
    let (status, state) = match (error.outcome(), error.status()) {
        // Nothing happened; the request was wrong or did not get out.
        (Outcome::NotSent, _) if error.is_retryable() => (StatusCode::SERVICE_UNAVAILABLE, "open"),
        (Outcome::NotSent, _) => (StatusCode::BAD_REQUEST, "open"),
        // Ping++ said no: too busy, no such charge, or a charge that cannot be reversed.
        (Outcome::Rejected, _) if error.is_retryable() => (StatusCode::TOO_MANY_REQUESTS, "open"),
        (Outcome::Rejected, Some(404)) => (StatusCode::NOT_FOUND, "none"),
        (Outcome::Rejected, Some(401)) => (StatusCode::INTERNAL_SERVER_ERROR, "open"),
        (Outcome::Rejected, _) => (StatusCode::CONFLICT, "open"),
        // It may be reversed by now. Reversing again is safe and settles it.
        _ => (StatusCode::BAD_GATEWAY, "unknown"),
    };
    let body = json!({
        "state": state,
        "retry": error.is_retryable(),
        "code": error.api().and_then(|api| api.code()).map(|code| code.as_str()),
        "message": error.api().map(|api| api.message()),
    });
    (status, Json(body)).into_response()
}

async fn unpaid_charge(client: &Client) -> Result<String, Error> {
    let params = CreateCharge::builder()
        .order_no("20261123001")
        .channel(Channel::AlipayScan)
        .extra([("scan_code", "281000000000000000")])
        .amount(Amount::from_fen(100))
        .client_ip([192, 0, 2, 1])
        .subject("Tea")
        .body("A pot of Longjing")
        .build();
    Ok(client.charges().create(params).await?.id.to_string())
}
