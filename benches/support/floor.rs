//! What one would write by hand: hyper, ring and serde in a loop, no retries, no limits, no checks.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::RSA_PKCS1_SHA256;
use serde::Deserialize;
use serde_json::{Map, Value};

/// How the hand-written loop signs.
#[derive(Clone, Copy, PartialEq)]
#[allow(dead_code, reason = "not every benchmark uses every way")]
pub(crate) enum Signing {
    Inline,
    SpawnBlocking,
}

#[derive(Clone)]
pub(crate) struct Floor {
    http: Client<HttpConnector, Full<Bytes>>,
    url: String,
    key: Option<Arc<KeyPair>>,
    signing: Signing,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "decoded as a program would")]
pub(crate) struct Charge {
    pub(crate) id: String,
    pub(crate) object: String,
    pub(crate) created: i64,
    pub(crate) livemode: bool,
    pub(crate) paid: bool,
    pub(crate) refunded: bool,
    pub(crate) reversed: bool,
    pub(crate) app: String,
    pub(crate) channel: String,
    pub order_no: String,
    pub client_ip: String,
    pub(crate) amount: i64,
    pub amount_settle: i64,
    pub(crate) currency: String,
    pub(crate) subject: String,
    pub(crate) body: String,
    pub(crate) extra: Map<String, Value>,
    pub time_paid: Option<i64>,
    pub time_expire: i64,
    pub time_settle: Option<i64>,
    pub transaction_no: Option<String>,
    pub(crate) refunds: Refunds,
    pub amount_refunded: i64,
    pub failure_code: Option<String>,
    pub failure_msg: Option<String>,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) credential: Map<String, Value>,
    pub(crate) description: Option<String>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "decoded as a program would")]
pub(crate) struct Refunds {
    pub(crate) object: String,
    pub(crate) url: String,
    pub has_more: bool,
    pub(crate) data: Vec<Value>,
}

impl Floor {
    /// `pem` is the PKCS#8 key to sign with, if any.
    pub(crate) fn new(url: &str, pem: Option<&str>, signing: Signing) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let key = pem
            .map(|pem| Arc::new(KeyPair::from_pkcs8(pem::parse(pem).unwrap().contents()).unwrap()));
        let http = Client::builder(TokioExecutor::new()).build(connector);
        Self { http, url: url.to_owned(), key, signing }
    }

    pub(crate) async fn reverse(&self, id: &str) -> Charge {
        let target = format!("/v1/charges/{id}/reverse");
        let timestamp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().to_string();
        let mut request = Request::post(format!("{}{target}", self.url))
            .header("authorization", "Bearer sk_test_benchmark")
            .header("accept", "application/json")
            .header("accept-language", "zh-CN")
            .header("user-agent", "floor")
            .header("content-type", "application/json; charset=utf-8")
            .header("pingplusplus-request-timestamp", &timestamp);
        if let Some(key) = &self.key {
            let text = ["{}", &target, &timestamp].concat();
            let signature = match self.signing {
                Signing::Inline => sign(key, text.as_bytes()),
                Signing::SpawnBlocking => {
                    let key = Arc::clone(key);
                    tokio::task::spawn_blocking(move || sign(&key, text.as_bytes())).await.unwrap()
                }
            };
            request = request.header("pingplusplus-signature", signature);
        }
        let request = request.body(Full::from("{}")).unwrap();
        let response = self.http.request(request).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&body).unwrap()
    }
}

fn sign(key: &KeyPair, message: &[u8]) -> String {
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
    STANDARD.encode(signature)
}
