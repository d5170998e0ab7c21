//! A web server that reverses orders, `POST /orders/{charge id}/reverse`, and takes news of them,
//! `POST /webhooks`.
//!
//! `cargo run --example web_server` runs it against the sandbox and prints what to try. With
//! `PINGPP_API_KEY` (and the other variables of `Client::from_env`) and `PINGPP_PUBLIC_KEY_PATH`, the
//! file of Ping++'s key that the dashboard shows, it is the real thing.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use pingpp::sandbox::{Options, Sandbox};
use pingpp::{Amount, Client, CreateCharge, Error, Event, Outcome, PayBy, PublicKey, webhook};
use serde_json::json;

#[derive(Clone)]
struct App {
    client: Client,
    /// Ping++'s, to verify what is posted here.
    key: PublicKey,
    /// The events that were taken, by their key; a real server keeps them in its database, where the
    /// key is unique.
    inbox: Arc<Mutex<HashMap<String, Event>>>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let here = format!("http://{}", listener.local_addr()?);
    println!("listening on {here}");
    // Kept until the end: dropping it stops the sandbox.
    let mut sandbox = None;
    let (client, key) = if std::env::var_os("PINGPP_API_KEY").is_some() {
        let path = std::env::var("PINGPP_PUBLIC_KEY_PATH")
            .map_err(|_| "PINGPP_PUBLIC_KEY_PATH: name the file of Ping++'s public key")?;
        (Client::from_env()?, PublicKey::from_pem_file(path)?)
    } else {
        let options = Options::builder().webhook(format!("{here}/webhooks")).build();
        let sandbox = sandbox.insert(Sandbox::start_with(options).await?);
        let id = unpaid_charge(&sandbox.client()).await?;
        println!("reverse: curl -X POST {here}/orders/{id}/reverse");
        println!("pay, and get the news: {}/_sandbox/", sandbox.base_url());
        (sandbox.client(), sandbox.public_key())
    };
    let app = App { client, key, inbox: Arc::default() };
    axum::serve(listener, router(app))
        .with_graceful_shutdown(async {
            let _ = tokio::signal::ctrl_c().await;
        })
        .await?;
    Ok(())
}

fn router(app: App) -> Router {
    Router::new()
        .route("/orders/{id}/reverse", post(reverse))
        .route("/webhooks", post(take))
        .layer(DefaultBodyLimit::max(webhook::BODY_LIMIT))
        .with_state(app)
}

/// An event that Ping++ signed, of the client's mode; anything else is answered with 401, 400 or 403
/// before a handler sees it.
struct Signed(Event);

impl FromRequest<App> for Signed {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let signature = request.headers().get(webhook::SIGNATURE_HEADER).cloned();
        let signature =
            signature.as_ref().and_then(|value| value.to_str().ok()).unwrap_or_default();
        // The bytes as they came: JSON that was read and written again is not what was signed.
        let body = Bytes::from_request(request, app).await.map_err(IntoResponse::into_response)?;
        let event = webhook::verify(&app.key, app.client.mode(), signature, &body);
        event.map(Self).map_err(|error| {
            let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
            (status, error.to_string()).into_response()
        })
    }
}

/// Stores first and answers 2xx then: what was answered is not delivered again. Work on an event
/// belongs behind the inbox, not before the answer.
async fn take(State(app): State<App>, Signed(event): Signed) -> StatusCode {
    let key = event.dedup_key();
    let mut inbox = app.inbox.lock().unwrap_or_else(PoisonError::into_inner);
    let is_new = !inbox.contains_key(&key);
    println!("{} {key}{}", event.kind, if is_new { "" } else { ", again" });
    inbox.entry(key).or_insert(event);
    StatusCode::OK
}

async fn reverse(State(app): State<App>, Path(id): Path<String>) -> Response {
    // In a task of its own, so that a browser that goes away does not stop it half-way.
    let reversing = tokio::spawn(app.client.charges().reverse(id));
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
        .channel(PayBy::alipay_scan("281000000000000000"))
        .amount(Amount::from_fen(100))
        .client_ip([192, 0, 2, 1])
        .subject("Tea")
        .body("A pot of Longjing");
    Ok(client.charges().create(params).await?.id.to_string())
}
