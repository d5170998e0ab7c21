//! `ClientBuilder`: the configuration of a client.
//!
//! Everything is checked in `build`, which needs no runtime and opens no socket.

use std::ffi::OsString;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::time::Duration;

use http::HeaderValue;
use http::uri::{Authority, Scheme, Uri};
use tokio::time::Instant;

use crate::client::{Client, ClientInner};
use crate::clock::ServerClock;
use crate::config_error::ConfigError;
use crate::credentials::{ApiKey, Credentials};
use crate::observer::{AttemptInfo, Observer};
use crate::request::{NOT_AN_APP, is_app};
use crate::retry::{Budget, RetryPolicy};
use crate::signing::{PublicKey, Signers, SigningKey};
#[cfg(feature = "_simulation")]
use crate::simulation::Simulated;
use crate::system::System;
use crate::transport::{Config, Lookup, Proxy, Transport, root_certificates};
use crate::types::{App, Id};

const BASE_URL: &str = "https://api.pingxx.com";

/// Configures a [`Client`]; made by [`Client::builder`].
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
///
/// let client = pingpp::Client::builder("sk_test_ibbTe5jLGCi5rzfH4OqPW9KC")
///     .signing_key(pingpp::SigningKey::from_pem_file("your_rsa_private_key.pem")?)
///     .app("app_1Gqj58ynP0mHeX1q")
///     .timeout(Duration::from_secs(30))
///     .build()?;
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct ClientBuilder {
    api_key: ApiKey,
    signing_key: Option<SigningKey>,
    unsigned: bool,
    verify: Vec<PublicKey>,
    app: Option<Id<App>>,
    base_url: String,
    correct_clock_skew: bool,
    timeout: Duration,
    attempt_timeout: Duration,
    connect_timeout: Duration,
    retry: RetryPolicy,
    observer: Option<Observer>,
    max_in_flight: usize,
    signing_threads: Option<NonZeroUsize>,
    #[cfg(feature = "sandbox")]
    signs_inline: bool,
    roots: Vec<Vec<u8>>,
    platform_verifier: bool,
    proxy: Proxy,
    pinned: Vec<(String, Vec<IpAddr>)>,
    system: System,
    lookup: Lookup,
    accept_language: String,
    user_agent: Option<String>,
}

impl Client {
    /// Begins a client that uses this secret API key (`sk_test_...` or `sk_live_...`; it decides
    /// between test and live mode).
    pub fn builder(api_key: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(api_key.into())
    }

    /// Makes a client from the environment:
    ///
    /// | variable | |
    /// |---|---|
    /// | `PINGPP_API_KEY` | the secret key; required |
    /// | `PINGPP_PRIVATE_KEY_PATH` | a PEM file with the key that signs, or |
    /// | `PINGPP_PRIVATE_KEY` | its text; line breaks may be written as `\n`, or |
    /// | `PINGPP_UNSIGNED` | `1` to send requests without a signature |
    /// | `PINGPP_APP_ID` | the app |
    /// | `PINGPP_BASE_URL` | default `https://api.pingxx.com` |
    ///
    /// # Errors
    /// [`ConfigError`], which names the variable. Without a usable key it is an error, never a client
    /// that does not sign, unless `PINGPP_UNSIGNED=1` asks for that.
    pub fn from_env() -> Result<Self, ConfigError> {
        ClientBuilder::from_vars(|name| std::env::var_os(name))?.build()
    }
}

impl ClientBuilder {
    fn new(api_key: String) -> Self {
        Self {
            api_key: ApiKey::new(api_key),
            signing_key: None,
            unsigned: false,
            verify: Vec::new(),
            app: None,
            base_url: BASE_URL.to_owned(),
            correct_clock_skew: false,
            timeout: Duration::from_secs(80),
            attempt_timeout: Duration::from_secs(25),
            connect_timeout: Duration::from_secs(10),
            retry: RetryPolicy::default(),
            observer: None,
            max_in_flight: 256,
            signing_threads: None,
            #[cfg(feature = "sandbox")]
            signs_inline: false,
            roots: Vec::new(),
            platform_verifier: false,
            proxy: Proxy::Environment,
            pinned: Vec::new(),
            system: System::default(),
            lookup: Lookup::system(),
            accept_language: String::from("zh-CN"),
            user_agent: None,
        }
    }

    /// Reads the variables that [`Client::from_env`] names through `var`.
    fn from_vars(var: impl Fn(&str) -> Option<OsString>) -> Result<Self, ConfigError> {
        let text = |name: &'static str| match var(name).map(OsString::into_string) {
            None => Ok(None),
            Some(Ok(text)) if !text.is_empty() => Ok(Some(text)),
            Some(_) => Err(ConfigError::new(name, "it is empty or not UTF-8: set or unset it")),
        };
        let Some(api_key) = text("PINGPP_API_KEY")? else {
            return Err(ConfigError::new(
                "PINGPP_API_KEY",
                "it is not set: export the secret key (sk_test_... or sk_live_...) of your \
                 Ping++ dashboard",
            ));
        };
        let mut builder = Self::new(api_key);
        let (path, pem) = ("PINGPP_PRIVATE_KEY_PATH", "PINGPP_PRIVATE_KEY");
        builder.signing_key = match (text(path)?, text(pem)?) {
            (None, None) => None,
            (Some(file), None) => Some((path, SigningKey::from_pem_file(file))),
            (None, Some(text)) => Some((pem, SigningKey::from_pem(text))),
            (Some(_), Some(_)) => {
                let reason = "PINGPP_PRIVATE_KEY_PATH is set as well: unset one of them";
                return Err(ConfigError::new(pem, reason));
            }
        }
        .map(|(name, key)| key.map_err(|error| ConfigError::new(name, error.to_string())))
        .transpose()?;
        match text("PINGPP_UNSIGNED")?.as_deref() {
            None | Some("0") => {}
            Some("1") => builder.unsigned = true,
            Some(_) => {
                let reason = "it is neither 1 nor 0: set it to 1 to send unsigned requests";
                return Err(ConfigError::new("PINGPP_UNSIGNED", reason));
            }
        }
        if let Some(app) = text("PINGPP_APP_ID")? {
            builder = builder.app(app);
        }
        if let Some(url) = text("PINGPP_BASE_URL")? {
            builder = builder.base_url(url);
        }
        Ok(builder)
    }

    /// Signs every request with this key. Its public half must be uploaded in the Ping++ dashboard.
    ///
    /// Either this or [`unsigned`](Self::unsigned) is required.
    pub fn signing_key(mut self, key: SigningKey) -> Self {
        self.signing_key = Some(key);
        self
    }

    /// Sends requests without a signature. Ping++ accepts them only while signature checking is
    /// switched off in the dashboard, and never for transfers.
    pub fn unsigned(mut self) -> Self {
        self.unsigned = true;
        self
    }

    /// Accepts answers only if they are signed with this Ping++ public key, which the dashboard
    /// shows. May be called several times: any one of the keys will do, so that keys can rotate.
    pub fn verify_responses(mut self, key: PublicKey) -> Self {
        self.verify.push(key);
        self
    }

    /// The app of the calls that need one (`app_...`); [`Client::with_app`] changes it.
    pub fn app(mut self, app: impl Into<Id<App>>) -> Self {
        self.app = Some(app.into());
        self
    }

    /// Where the API is: `https://host[:port]`, or `http://` on a loopback address for a sandbox.
    /// Default: `https://api.pingxx.com`.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// Whether requests are signed with the server's time instead of this machine's, as far as its
    /// answers tell it ([`Client::clock_skew`]). A call that may be repeated and is refused because
    /// the clock is off is then sent again with the right time. Default: no; the clock of a server
    /// should be set.
    pub fn correct_clock_skew(mut self, correct: bool) -> Self {
        self.correct_clock_skew = correct;
        self
    }

    /// Limit of a whole call: waiting, signing, connecting, every attempt and pause. Default: 80 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Limit of one attempt of a call that may be repeated. Default: 25 s.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// Limit of looking up addresses, TCP, proxy and TLS together. Default: 10 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How often a call may be sent. Default: 4 times.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Is called after each attempt and after each call, to count and to measure them.
    ///
    /// It runs where the call is awaited, so it must not block: count, or send to a channel. If it
    /// panics, the panic is caught and the call goes on. Set again, it replaces the one before.
    ///
    /// ```
    /// # fn main() -> Result<(), pingpp::ConfigError> {
    /// let client = pingpp::Client::builder("sk_test_ibbTe5jLGCi5rzfH4OqPW9KC")
    ///     .unsigned()
    ///     .observe(|info| println!("{} {}: {:?}", info.method, info.route, info.took))
    ///     .build()?;
    /// # let _ = client;
    /// # Ok(())
    /// # }
    /// ```
    pub fn observe(mut self, observe: impl Fn(&AttemptInfo<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Some(Observer::new(observe));
        self
    }

    /// How many requests may be under way at a time; others wait, first come first served. Default:
    /// 256.
    ///
    /// Ping++ plans have such a limit, too, and answer 403 above it. It need not be known: the client
    /// sends fewer at a time when it is refused, and more again when that works
    /// ([how much](crate::Repeat)).
    pub fn max_in_flight(mut self, n: usize) -> Self {
        self.max_in_flight = n;
        self
    }

    /// How many threads sign. Default: one per core.
    pub fn signing_threads(mut self, n: NonZeroUsize) -> Self {
        self.signing_threads = Some(n);
        #[cfg(feature = "sandbox")]
        {
            self.signs_inline = false;
        }
        self
    }

    /// Signs where a call is awaited, without threads.
    #[cfg(feature = "sandbox")]
    pub(crate) fn signs_inline(mut self) -> Self {
        self.signs_inline = true;
        self
    }

    /// Takes the clock, the network and the signatures from a simulation.
    #[cfg(feature = "_simulation")]
    #[doc(hidden)]
    pub fn simulated(mut self, system: Simulated) -> Self {
        self.lookup = Lookup::Simulated(system.clone());
        self.system.simulated = Some(system);
        self
    }

    fn signers(&self) -> Signers {
        #[cfg(feature = "_simulation")]
        if let Some(simulated) = &self.system.simulated {
            return simulated.sign.map_or_else(Signers::inline, Signers::simulated);
        }
        #[cfg(feature = "sandbox")]
        if self.signs_inline {
            return Signers::inline();
        }
        Signers::new(self.signing_threads)
    }

    /// Trusts the certificates of this PEM text as well. May be called several times.
    pub fn root_certificate(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.roots.push(pem.as_ref().to_owned());
        self
    }

    /// Trusts what the operating system trusts, instead of the compiled-in roots.
    #[cfg(feature = "platform-verifier")]
    #[cfg_attr(docsrs, doc(cfg(feature = "platform-verifier")))]
    pub fn platform_verifier(mut self) -> Self {
        self.platform_verifier = true;
        self
    }

    /// Connects through this proxy (`http://[user:password@]host:port`) with CONNECT. Without it the
    /// environment is asked: `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Proxy::Through(url.into());
        self
    }

    /// Connects without a proxy, whatever the environment says.
    pub fn no_proxy(mut self) -> Self {
        self.proxy = Proxy::None;
        self
    }

    /// Connects to these addresses of a host, in this order, instead of looking them up: for a server
    /// or a proxy that has no name, or against a name server that cannot be relied on. The port is
    /// that of the URL, and the host is the one that its TLS certificate has to name. Has no effect
    /// on hosts that the client does not connect to; the last call for a host counts.
    ///
    /// Without it the system is asked, for one look-up at a time, which is good for 30 s. When the
    /// name server fails or is silent, the addresses of the last good look-up are used.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = pingpp::Client::builder("sk_test_ibbTe5jLGCi5rzfH4OqPW9KC")
    ///     .signing_key(pingpp::SigningKey::from_pem_file("your_rsa_private_key.pem")?)
    ///     .resolve("api.pingxx.com", ["192.0.2.1".parse()?, "192.0.2.2".parse()?])
    ///     .build()?;
    /// # let _ = client;
    /// # Ok(())
    /// # }
    /// ```
    pub fn resolve(
        mut self,
        host: impl Into<String>,
        addresses: impl IntoIterator<Item = IpAddr>,
    ) -> Self {
        self.pinned.push((host.into(), addresses.into_iter().collect()));
        self
    }

    /// Looks up hosts in another way than by the system.
    #[cfg(test)]
    pub(crate) fn lookup(mut self, lookup: Lookup) -> Self {
        self.lookup = lookup;
        self
    }

    /// The language of error messages, such as `en`. Default: `zh-CN`.
    pub fn accept_language(mut self, language: impl Into<String>) -> Self {
        self.accept_language = language.into();
        self
    }

    /// Appended to `User-Agent`, to name the program.
    pub fn user_agent(mut self, suffix: impl Into<String>) -> Self {
        self.user_agent = Some(suffix.into());
        self
    }

    /// Checks everything and makes the client. Needs no runtime and opens no socket.
    ///
    /// # Errors
    /// [`ConfigError`], which names the setting and says what is wrong with it.
    pub fn build(self) -> Result<Client, ConfigError> {
        let signers = self.signers();
        let credentials = Credentials::new(self.api_key, self.signing_key)
            .map_err(|reason| ConfigError::new("api_key", reason))?;
        match (&credentials.signing_key, self.unsigned) {
            (None, false) => {
                return Err(ConfigError::new(
                    "signing_key",
                    "there is none: pass the RSA private key whose public half is in the Ping++ \
                     dashboard (from_env reads PINGPP_PRIVATE_KEY_PATH), or call `unsigned()` \
                     (PINGPP_UNSIGNED=1) to send requests without a signature",
                ));
            }
            (Some(_), true) => {
                return Err(ConfigError::new(
                    "unsigned",
                    "there is a signing key as well: remove one of them",
                ));
            }
            _ => {}
        }
        if self.app.as_ref().is_some_and(|app| !is_app(app)) {
            return Err(ConfigError::new("app", NOT_AN_APP));
        }
        let (scheme, authority) = server(&self.base_url)?;
        for (setting, limit) in [
            ("timeout", self.timeout),
            ("attempt_timeout", self.attempt_timeout),
            ("connect_timeout", self.connect_timeout),
        ] {
            if limit.is_zero() {
                return Err(ConfigError::new(setting, "it must be longer than zero"));
            }
        }
        if self.max_in_flight == 0 {
            return Err(ConfigError::new("max_in_flight", "it must be at least 1"));
        }
        if let Some((host, _)) = self.pinned.iter().find(|(_, addresses)| addresses.is_empty()) {
            return Err(ConfigError::new("resolve", format!("there is no address for {host}")));
        }
        let mut roots = Vec::new();
        for text in &self.roots {
            roots.extend(root_certificates(text)?);
        }
        let user_agent = match &self.user_agent {
            None => USER_AGENT.to_owned(),
            Some(suffix) => format!("{USER_AGENT} {suffix}"),
        };
        let transport = Transport::new(Config {
            scheme,
            authority,
            connect_timeout: self.connect_timeout,
            max_in_flight: self.max_in_flight,
            roots,
            platform_verifier: self.platform_verifier,
            proxy: self.proxy,
            pinned: self.pinned,
            system: self.system.clone(),
            lookup: self.lookup,
            accept_language: header("accept_language", &self.accept_language)?,
            user_agent: header("user_agent", &user_agent)?,
        })?;
        let inner = ClientInner {
            transport,
            signers,
            budget: Mutex::new(Budget::new()),
            born: Instant::now(),
            clock: ServerClock::default(),
            correct_clock_skew: self.correct_clock_skew,
            born_at: self.system.now(),
            system: self.system,
            credentials,
            verify: self.verify,
            timeout: self.timeout,
            attempt_timeout: self.attempt_timeout,
            retry: self.retry,
            observer: self.observer,
        };
        Ok(Client::new(inner, self.app))
    }
}

pub(crate) const USER_AGENT: &str = concat!("pingpp-rust/", env!("CARGO_PKG_VERSION"));

fn header(setting: &'static str, text: &str) -> Result<HeaderValue, ConfigError> {
    HeaderValue::from_str(text)
        .map_err(|error| ConfigError::because(setting, "it cannot be sent in a header", error))
}

pub(crate) fn server(url: &str) -> Result<(Scheme, Authority), ConfigError> {
    let wrong = |reason: &str| ConfigError::new("base_url", reason);
    // `Uri` drops fragments silently.
    if url.contains(['?', '#']) {
        return Err(wrong("it must not have a query or a fragment"));
    }
    let uri: Uri =
        url.parse().map_err(|error| ConfigError::because("base_url", "it is not a URL", error))?;
    let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
        return Err(wrong("it must be of the form https://host or https://host:port"));
    };
    if authority.as_str().contains('@') {
        return Err(wrong("it must not contain a user name or a password"));
    }
    if !matches!(uri.path(), "" | "/") {
        return Err(wrong("it must not have a path: /v1 is added to it, and signed"));
    }
    if authority.port_u16().is_none() && authority.as_str() != authority.host() {
        return Err(wrong("its port is not a number up to 65535"));
    }
    match scheme.as_str() {
        "https" => {}
        "http" if is_loopback(authority.host()) => {}
        "http" => {
            return Err(wrong(
                "plain http is for loopback addresses only, since anybody on the way could read \
                 the API key: use https",
            ));
        }
        _ => return Err(wrong("it must begin with https://")),
    }
    Ok((scheme.clone(), authority.clone()))
}

fn is_loopback(host: &str) -> bool {
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    match literal.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = include_str!("../tests/keys/merchant.pem");

    fn from(vars: &[(&str, &str)]) -> Result<Client, ConfigError> {
        let var = |name: &str| {
            vars.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        };
        ClientBuilder::from_vars(var)?.build()
    }

    #[test]
    fn the_environment_makes_a_client_that_signs() {
        let escaped = PEM.replace('\n', "\\n");
        let client = from(&[
            ("PINGPP_API_KEY", "sk_test_1"),
            ("PINGPP_PRIVATE_KEY", &escaped),
            ("PINGPP_APP_ID", "app_1"),
            ("PINGPP_BASE_URL", "http://127.0.0.1:1"),
        ])
        .unwrap();
        assert!(client.inner().credentials.signing_key.is_some());
        assert_eq!(client.app().map(Id::as_str), Some("app_1"));
        assert_eq!(client.inner().transport.server().as_str(), "127.0.0.1:1");
    }

    #[test]
    fn a_wrong_variable_is_named_and_never_a_client_that_does_not_sign() {
        let key = ("PINGPP_API_KEY", "sk_test_1");
        let pem = ("PINGPP_PRIVATE_KEY", PEM);
        assert!(from(&[key, ("PINGPP_UNSIGNED", "1")]).is_ok());
        for (vars, named) in [
            (vec![], "PINGPP_API_KEY"),
            (vec![("PINGPP_API_KEY", "")], "PINGPP_API_KEY"),
            (vec![key, ("PINGPP_PRIVATE_KEY", "no key")], "PINGPP_PRIVATE_KEY"),
            (vec![key, ("PINGPP_PRIVATE_KEY", "")], "PINGPP_PRIVATE_KEY"),
            (vec![key, ("PINGPP_PRIVATE_KEY_PATH", "no/such.pem")], "PINGPP_PRIVATE_KEY_PATH"),
            (
                vec![key, ("PINGPP_PRIVATE_KEY", PEM), ("PINGPP_PRIVATE_KEY_PATH", "a.pem")],
                "PINGPP_PRIVATE_KEY",
            ),
            (vec![key, pem, ("PINGPP_BASE_URL", "http://api.pingxx.com")], "base_url"),
            (vec![key], "signing_key"),
            (vec![key, ("PINGPP_UNSIGNED", "0")], "signing_key"),
            (vec![key, ("PINGPP_UNSIGNED", "yes")], "PINGPP_UNSIGNED"),
            (vec![key, pem, ("PINGPP_UNSIGNED", "1")], "unsigned"),
            (vec![key, pem, ("PINGPP_APP_ID", "1Gqj58ynP0mHeX1q")], "app"),
            (vec![("PINGPP_API_KEY", "pk_test_1"), pem], "api_key"),
        ] {
            assert_eq!(from(&vars).unwrap_err().setting(), named, "{vars:?}");
        }
    }
}
