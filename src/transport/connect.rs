//! The connector: names, TCP, the tunnel of a proxy and TLS, within one time limit.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use std::{fmt, io};

use http::uri::{Scheme, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use rustls::client::ClientConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::{ConfigBuilder, RootCertStore, WantsVerifier};
use tokio::time::timeout;
use tower_service::Service;

use super::dial::dial;
use super::resolve::{Names, Origin};
use super::socket::Socket;
use super::{Config, implied_port};
use crate::config_error::ConfigError;
use crate::error::BoxError;
use crate::system::System;

/// Which proxy to go through.
pub(crate) enum Proxy {
    /// What the environment says: `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`.
    Environment,
    None,
    Through(String),
}

/// Without the address, which may hold a password.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment => "Environment",
            Self::None => "None",
            Self::Through(_) => "Through(..)",
        })
    }
}

/// TCP, proxy and TLS, all within one time limit.
#[derive(Clone)]
pub(super) struct Connector {
    https: HttpsConnector<Dial>,
    names: Arc<Names>,
    has_proxy: bool,
    limit: Duration,
}

impl Connector {
    pub(super) fn new(config: &Config) -> Result<Self, ConfigError> {
        let tls = tls(config)?;
        let proxy = proxy(config)?;
        let tcp = tcp(config, proxy.as_ref());
        let (names, has_proxy) = (Arc::clone(&tcp.names), proxy.is_some());
        let dial = match proxy {
            None => Dial::Direct(tcp),
            Some(proxy) => {
                let tunnel = Tunnel::new(proxy.uri().clone(), https(tls.clone(), tcp));
                Dial::Tunnel(Box::new(match proxy.basic_auth() {
                    Some(auth) => tunnel.with_auth(auth.clone()),
                    None => tunnel,
                }))
            }
        };
        Ok(Self { https: https(tls, dial), names, has_proxy, limit: config.connect_timeout })
    }

    /// What may explain that there is no connection yet.
    pub(super) fn obstacle(&self) -> Option<BoxError> {
        self.names.is_silent().then(|| "the name server has not answered".into())
    }

    pub(super) fn has_proxy(&self) -> bool {
        self.has_proxy
    }
}

/// A connection to the server: TLS over TCP or over the tunnel of a proxy, which may be TLS itself.
pub(super) type Stream = MaybeHttpsStream<MaybeHttpsStream<TokioIo<Socket>>>;

type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.https.poll_ready(cx)
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        let connecting = timeout(self.limit, self.https.call(server));
        Box::pin(async {
            match connecting.await {
                Ok(connected) => connected,
                Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
            }
        })
    }
}

/// Connects to the server, or to a proxy that opens a tunnel to it (`CONNECT`).
#[derive(Clone)]
enum Dial {
    Direct(Tcp),
    Tunnel(Box<Tunnel<HttpsConnector<Tcp>>>),
}

impl Service<Uri> for Dial {
    type Response = MaybeHttpsStream<TokioIo<Socket>>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self {
            Self::Direct(tcp) => tcp.poll_ready(cx),
            Self::Tunnel(tunnel) => tunnel.poll_ready(cx).map_err(Into::into),
        }
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        match self {
            Self::Direct(tcp) => {
                let connecting = tcp.call(server);
                Box::pin(async { Ok(MaybeHttpsStream::Http(connecting.await?)) })
            }
            Self::Tunnel(tunnel) => {
                let connecting = tunnel.call(server);
                Box::pin(async { Ok(connecting.await?) })
            }
        }
    }
}

/// Opens the TCP connections of all streams. All lead to the same host.
#[derive(Clone)]
struct Tcp {
    system: System,
    names: Arc<Names>,
    port: u16,
}

impl Service<Uri> for Tcp {
    type Response = TokioIo<Socket>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let Self { system, names, port } = self.clone();
        Box::pin(async move {
            let (address, tcp) = dial(&system, names.addresses().await?, port).await?;
            Ok(TokioIo::new(Socket::new(tcp, Some(Origin::new(names, address)))))
        })
    }
}

fn https<T>(tls: ClientConfig, inner: T) -> HttpsConnector<T> {
    HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(inner)
}

/// To the proxy if there is one, else to the server.
fn tcp(config: &Config, proxy: Option<&Intercept>) -> Tcp {
    let (host, port, scheme) = match proxy.map(Intercept::uri) {
        None => (config.authority.host(), config.authority.port_u16(), Some(&config.scheme)),
        Some(proxy) => (proxy.host().unwrap_or_default(), proxy.port_u16(), proxy.scheme()),
    };
    let port = port.unwrap_or_else(|| implied_port(scheme.unwrap_or(&Scheme::HTTP)));
    let names = Names::new(host, &config.pinned, config.lookup.clone());
    Tcp { system: config.system.clone(), names, port }
}

fn proxy(config: &Config) -> Result<Option<Intercept>, ConfigError> {
    let matcher = match &config.proxy {
        Proxy::None => return Ok(None),
        // Plain http is for a server on this machine, which is reached without a proxy.
        Proxy::Environment if config.scheme == Scheme::HTTP => return Ok(None),
        Proxy::Environment => Matcher::from_env(),
        Proxy::Through(url) => Matcher::builder().all(url.as_str()).build(),
    };
    let server = Uri::builder()
        .scheme(config.scheme.clone())
        .authority(config.authority.clone())
        .path_and_query("/")
        .build()
        .map_err(|error| ConfigError::because("base_url", "it is not a usable URL", error))?;
    let proxy = matcher.intercept(&server);
    let usable = |proxy: &Intercept| matches!(proxy.uri().scheme_str(), Some("http" | "https"));
    match (&config.proxy, proxy) {
        (_, Some(proxy)) if usable(&proxy) => Ok(Some(proxy)),
        (Proxy::Environment, None) => Ok(None),
        _ => Err(ConfigError::new(
            "proxy",
            "only http:// and https:// proxies can be used, as in http://user:password@host:3128; \
             `no_proxy()` ignores those of the environment",
        )),
    }
}

fn tls(config: &Config) -> Result<ClientConfig, ConfigError> {
    // Not the process-wide default: that one is chosen by the application.
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| ConfigError::because("tls", "no TLS version is usable", error))?;
    if config.platform_verifier || cfg!(not(feature = "webpki-roots")) {
        with_platform_roots(builder, config, provider)
    } else {
        with_compiled_roots(builder, config)
    }
}

type TlsBuilder = ConfigBuilder<ClientConfig, WantsVerifier>;

fn with_compiled_roots(builder: TlsBuilder, config: &Config) -> Result<ClientConfig, ConfigError> {
    let mut roots = RootCertStore::empty();
    #[cfg(feature = "webpki-roots")]
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    for root in &config.roots {
        roots.add(root.clone()).map_err(|error| {
            ConfigError::because("root_certificate", "it cannot be used as a trust root", error)
        })?;
    }
    if roots.is_empty() && config.scheme == Scheme::HTTPS {
        return Err(ConfigError::new(
            "root_certificate",
            "there are no trust roots: enable the feature `webpki-roots` or `platform-verifier`, \
             or pass the certificate of your authority",
        ));
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(feature = "platform-verifier")]
fn with_platform_roots(
    builder: TlsBuilder,
    config: &Config,
    provider: Arc<CryptoProvider>,
) -> Result<ClientConfig, ConfigError> {
    let roots = config.roots.iter().cloned();
    let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(roots, provider)
        .map_err(|error| {
            ConfigError::because("root_certificate", "the system's roots are unusable", error)
        })?;
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    Ok(builder.with_no_client_auth())
}

#[cfg(not(feature = "platform-verifier"))]
fn with_platform_roots(
    builder: TlsBuilder,
    config: &Config,
    _: Arc<CryptoProvider>,
) -> Result<ClientConfig, ConfigError> {
    with_compiled_roots(builder, config)
}

/// Reads the certificates of a PEM text.
pub(crate) fn root_certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let blocks = pem::parse_many(text)
        .map_err(|error| ConfigError::because("root_certificate", "it is not PEM", error))?;
    let certificates: Vec<_> = blocks
        .into_iter()
        .filter(|block| block.tag() == "CERTIFICATE")
        .map(|block| CertificateDer::from(block.into_contents()))
        .collect();
    if certificates.is_empty() {
        return Err(ConfigError::new(
            "root_certificate",
            "no `BEGIN CERTIFICATE` block was found in it",
        ));
    }
    Ok(certificates)
}
