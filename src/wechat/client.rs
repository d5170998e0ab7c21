//! `WeChat`: the calls to WeChat's server.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::HeaderValue;
use http::uri::PathAndQuery;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use super::error::WeChatError;
use super::js::JsTicket;
use crate::builder::{USER_AGENT, server};
use crate::config_error::ConfigError;
use crate::error::{BuildError, Outcome, Report, Step, TransportError};
use crate::request::{Method, append_pair};
use crate::system::System;
use crate::transport::{Config, Lookup, Outgoing, Proxy, Transport, Turn, root_certificates};
use crate::types::{Sensitive, Timestamp};

const BASE_URL: &str = "https://api.weixin.qq.com";
const AUTHORIZE: &str = "https://open.weixin.qq.com/connect/oauth2/authorize";

/// Access to WeChat's server for one app id. Cloning is cheap.
#[derive(Clone)]
pub struct WeChat {
    inner: Arc<Inner>,
}

struct Inner {
    app_id: String,
    secret: Sensitive,
    transport: Transport,
    timeout: Duration,
}

/// Configures a [`WeChat`]; made by [`WeChat::builder`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct WeChatBuilder {
    app_id: String,
    secret: Sensitive,
    base_url: String,
    timeout: Duration,
    roots: Vec<Vec<u8>>,
    proxy: Proxy,
}

/// What the customer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// Only the open id; the customer sees nothing of it.
    Base,
    /// Name and picture as well; the customer must agree.
    UserInfo,
}

/// Who the customer is, from [`WeChat::open_id`].
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct OpenId {
    /// The customer, for this app id.
    #[serde(rename = "openid")]
    pub open_id: String,
    /// The customer, for all app ids of the merchant, if these are linked.
    #[serde(rename = "unionid")]
    pub union_id: Option<String>,
    /// With this the name and the picture can be asked for.
    pub access_token: Option<Sensitive>,
}

/// Who the customer of a mini program is, from [`WeChat::mini_program_session`].
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct MiniProgramSession {
    /// The customer, for this app id.
    #[serde(rename = "openid")]
    pub open_id: String,
    /// The customer, for all app ids of the merchant, if these are linked.
    #[serde(rename = "unionid")]
    pub union_id: Option<String>,
    /// The key that WeChat encrypts data of the customer with. It must not be sent to the client.
    pub session_key: Sensitive,
}

impl WeChat {
    /// Begins the access for an app id (`wx...`) and its secret.
    pub fn builder(app_id: impl Into<String>, secret: impl Into<Sensitive>) -> WeChatBuilder {
        WeChatBuilder {
            app_id: app_id.into(),
            secret: secret.into(),
            base_url: BASE_URL.to_owned(),
            timeout: Duration::from_secs(30),
            roots: Vec::new(),
            proxy: Proxy::Environment,
        }
    }

    /// The address that a customer's browser inside of WeChat must be sent to. WeChat sends it on to
    /// `redirect_uri` with `code` and `state` in the query. Nothing is sent by this.
    ///
    /// `state` comes back as it is, so a value that only this customer's session knows keeps others
    /// from bringing in their code. Up to 128 letters and digits.
    pub fn authorize_url(&self, redirect_uri: &str, scope: Scope, state: &str) -> String {
        let scope = match scope {
            Scope::Base => "snsapi_base",
            Scope::UserInfo => "snsapi_userinfo",
        };
        // WeChat compares the whole address with a pattern, so the order counts.
        let mut query = String::new();
        for (key, value) in [
            ("appid", self.inner.app_id.as_str()),
            ("redirect_uri", redirect_uri),
            ("response_type", "code"),
            ("scope", scope),
            ("state", state),
        ] {
            append_pair(&mut query, key, value);
        }
        format!("{AUTHORIZE}{query}#wechat_redirect")
    }

    /// The customer who brought this code from [`authorize_url`](Self::authorize_url). A code can be
    /// used once.
    ///
    /// # Errors
    /// [`WeChatError::Refused`] with 40029 or 40163 if the code is wrong or was used already.
    pub async fn open_id(&self, code: &str) -> Result<OpenId, WeChatError> {
        let code = [("code", code), ("grant_type", "authorization_code")];
        self.get("/sns/oauth2/access_token", "secret", &code).await
    }

    /// The customer of a mini program, by the code of its `wx.login`. A code can be used once.
    ///
    /// # Errors
    /// As [`open_id`](Self::open_id).
    pub async fn mini_program_session(
        &self,
        js_code: &str,
    ) -> Result<MiniProgramSession, WeChatError> {
        let code = [("js_code", js_code), ("grant_type", "authorization_code")];
        self.get("/sns/jscode2session", "secret", &code).await
    }

    /// A new ticket of the JS-SDK. Keep it, and share it: see [`JsTicket`].
    ///
    /// It also fetches a new access token of the app id, which ends the one before within minutes. A
    /// merchant that keeps such tokens elsewhere gives the
    /// [ticket from there](JsTicket::new) instead.
    ///
    /// # Errors
    /// [`WeChatError::Refused`] with 40164 if the address of this server is not on the list in the
    /// settings of the WeChat account.
    pub async fn js_ticket(&self) -> Result<JsTicket, WeChatError> {
        #[derive(Deserialize)]
        struct Token {
            access_token: Sensitive,
        }
        #[derive(Deserialize)]
        struct Ticket {
            ticket: Sensitive,
            expires_in: i64,
        }
        let grant = [("grant_type", "client_credential")];
        let token: Token = self.get("/cgi-bin/token", "secret", &grant).await?;
        let asked = Timestamp::from(SystemTime::now()).as_unix();
        let query = [("access_token", token.access_token.as_str()), ("type", "jsapi")];
        let ticket: Ticket = self.get("/cgi-bin/ticket/getticket", "", &query).await?;
        let expires = Timestamp::from_unix(asked.saturating_add(ticket.expires_in));
        Ok(JsTicket::new(ticket.ticket, expires))
    }

    /// With app id and secret in the query, if `secret` names it.
    async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        secret: &str,
        query: &[(&str, &str)],
    ) -> Result<T, WeChatError> {
        let Inner { app_id, transport, timeout, .. } = &*self.inner;
        let own = [("appid", app_id.as_str()), (secret, self.inner.secret.as_str())];
        let own = own.iter().filter(|_| !secret.is_empty());
        let mut pairs = String::new();
        for (key, value) in own.chain(query) {
            append_pair(&mut pairs, key, value);
        }
        let target = PathAndQuery::try_from([path, &pairs].concat())
            .map_err(|_| WeChatError::Build(BuildError::new("the code is too long to be sent")))?;
        let failed = |step, source| {
            let report = Report::of_answer(Outcome::Unknown);
            let server = transport.server_text();
            WeChatError::Transport(TransportError::new(step, server, source, report))
        };
        let deadline = Instant::now() + *timeout;
        let mut turn = Turn::default();
        let Ok(mut permit) = timeout_at(deadline, transport.permit(&mut turn)).await else {
            return Err(failed(Step::Permit, None));
        };
        let outgoing = Outgoing {
            method: Method::Get,
            target,
            body: Bytes::new(),
            authorization: None,
            timestamp: None,
            signature: None,
            fresh_connection: true,
        };
        let sending =
            transport.exchange(&mut permit, outgoing, &mut None, deadline, deadline).await;
        let answered = sending.map_err(|error| failed(error.step, error.source))?;
        // The limit is never lowered here, so a permit need not be returned.
        let Some((answer, _)) = answered else { return Err(failed(Step::Permit, None)) };
        read(answer.status, answer.body.as_deref().unwrap_or_default())
    }
}

/// The answer, unless it says what is wrong.
fn read<T: DeserializeOwned>(status: u16, body: &[u8]) -> Result<T, WeChatError> {
    #[derive(Deserialize)]
    struct Refusal {
        errcode: i64,
        errmsg: Option<String>,
    }
    let unreadable = |_| WeChatError::Unreadable { status };
    match serde_json::from_slice(body) {
        Ok(Refusal { errcode, errmsg }) if errcode != 0 => {
            Err(WeChatError::Refused { code: errcode, message: errmsg.unwrap_or_default() })
        }
        _ if !(200..300).contains(&status) => Err(WeChatError::Unreadable { status }),
        _ => serde_json::from_slice(body).map_err(unreadable),
    }
}

impl WeChatBuilder {
    /// Where WeChat is: `https://host[:port]`, or `http://` on a loopback address for a test.
    /// Default: `https://api.weixin.qq.com`.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// Limit of each request, connecting included. Default: 30 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Trusts the certificates of this PEM text as well. May be called several times.
    pub fn root_certificate(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.roots.push(pem.as_ref().to_owned());
        self
    }

    /// Connects through this proxy (`http://[user:password@]host:port`) with CONNECT. Without it the
    /// environment is asked: `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Proxy::Through(url.into());
        self
    }

    /// Connects straight, whatever the environment says.
    pub fn no_proxy(mut self) -> Self {
        self.proxy = Proxy::None;
        self
    }

    /// Checks everything. Needs no runtime and opens no socket.
    ///
    /// # Errors
    /// [`ConfigError`], which names the setting and says what is wrong with it.
    pub fn build(self) -> Result<WeChat, ConfigError> {
        if self.app_id.is_empty() {
            return Err(ConfigError::new("app_id", "it is empty"));
        }
        if self.secret.as_str().is_empty() {
            return Err(ConfigError::new("secret", "it is empty"));
        }
        if self.timeout.is_zero() || self.timeout > Duration::from_secs(3_600) {
            return Err(ConfigError::new("timeout", "it must be longer than zero, up to an hour"));
        }
        let (scheme, authority) = server(&self.base_url)?;
        let mut roots = Vec::new();
        for text in &self.roots {
            roots.extend(root_certificates(text)?);
        }
        let transport = Transport::new(Config {
            scheme,
            authority,
            connect_timeout: self.timeout,
            max_in_flight: 64,
            roots,
            pinned: Vec::new(),
            system: System::default(),
            lookup: Lookup::system(),
            platform_verifier: false,
            proxy: self.proxy,
            accept_language: HeaderValue::from_static("zh-CN"),
            user_agent: HeaderValue::from_static(USER_AGENT),
        })?;
        let (app_id, secret, timeout) = (self.app_id, self.secret, self.timeout);
        Ok(WeChat { inner: Arc::new(Inner { app_id, secret, transport, timeout }) })
    }
}

impl fmt::Debug for WeChat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeChat")
            .field("app_id", &self.inner.app_id)
            .field("server", self.inner.transport.server())
            .finish_non_exhaustive()
    }
}
