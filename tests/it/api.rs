//! The shape of the public API, and what it says about bad configuration.

use std::error::Error as StdError;

use pingpp::{
    Call, Charge, ChargeApi, Client, ClientBuilder, ConfigError, Error, KeyError, Outcome, Pager,
    PublicKey, Response, SigningKey,
};

#[test]
fn errors_are_two_words_and_calls_go_anywhere() {
    fn everywhere<T: Send + Sync + 'static>() {}
    fn sendable<T: Future + Send + Unpin + 'static>() {}
    fn error<T: StdError + Send + Sync + 'static>() {}
    assert!(size_of::<Error>() <= 16);
    everywhere::<Client>();
    everywhere::<ChargeApi>();
    everywhere::<SigningKey>();
    everywhere::<PublicKey>();
    everywhere::<Charge>();
    everywhere::<Response<Charge>>();
    sendable::<Call<Charge>>();
    sendable::<Call<Response<Charge>>>();
    fn send<T: Send + 'static>() {}
    send::<Pager<Charge>>();
    error::<Error>();
    error::<ConfigError>();
    error::<KeyError>();
}

#[test]
fn a_client_is_built_without_a_runtime() {
    let client = Client::builder("sk_test_1").signing_key(crate::merchant_key()).build().unwrap();
    drop(client.charges().reverse("ch_1"));
}

#[test]
fn bad_configuration_names_the_setting_and_says_why() {
    let key = |key: &str| Client::builder(key).unsigned();
    let url = |url: &str| key("sk_test_1").base_url(url);
    let cases: Vec<(ClientBuilder, &str, &str)> = vec![
        (key(""), "api_key", "empty"),
        (key("sk_test_1 "), "api_key", "spaces"),
        (key("sk_test_1\n"), "api_key", "line break"),
        (key("sk-test"), "api_key", "letters, digits"),
        (key("密钥"), "api_key", "letters, digits"),
        (key("sk_live_"), "api_key", "begin with"),
        (key("pk_test_1"), "api_key", "begin with"),
        (key("app_1"), "api_key", "begin with"),
        (key("sk_test_1").app("1Gqj58ynP0mHeX1q"), "app", "app_"),
        (key("sk_test_1").app(""), "app", "app_"),
        (key("sk_test_1").signing_key(crate::merchant_key()), "unsigned", "remove one"),
        (Client::builder("sk_test_1"), "signing_key", "unsigned()"),
        (url("http://api.pingxx.com"), "base_url", "https"),
        (url("http://192.168.0.1"), "base_url", "loopback"),
        (url("http://localhost.evil.com"), "base_url", "loopback"),
        (url("https://user:pass@api.pingxx.com"), "base_url", "user name"),
        (url("http://127.0.0.1@evil.com"), "base_url", "user name"),
        (url("https://api.pingxx.com?a=b"), "base_url", "query"),
        (url("https://api.pingxx.com/#a"), "base_url", "fragment"),
        (url("https://api.pingxx.com/v1"), "base_url", "path"),
        (url("https://api.pingxx.com:99999"), "base_url", "port"),
        (url("api.pingxx.com"), "base_url", "https://host"),
        (url("ftp://api.pingxx.com"), "base_url", "https://"),
        (url(""), "base_url", "URL"),
        (key("sk_test_1").timeout(std::time::Duration::ZERO), "timeout", "zero"),
        (key("sk_test_1").max_in_flight(0), "max_in_flight", "at least 1"),
        (key("sk_test_1").root_certificate("nothing"), "root_certificate", "BEGIN CERTIFICATE"),
        (key("sk_test_1").proxy("socks5://127.0.0.1:1"), "proxy", "http://"),
        (key("sk_test_1").user_agent("a\nb"), "user_agent", "header"),
        (key("sk_test_1").accept_language("\0"), "accept_language", "header"),
    ];
    for (builder, setting, why) in cases {
        let error = builder.build().expect_err(why);
        assert_eq!(error.setting(), setting);
        assert!(error.to_string().contains(why), "{error}");
        assert!(!error.to_string().contains("pass@"), "{error}");
    }
}

#[test]
fn loopback_and_https_addresses_are_accepted() {
    for url in [
        "https://api.pingxx.com",
        "https://api.pingxx.com/",
        "https://gateway.example:8443",
        "http://127.0.0.1:1",
        "http://127.9.9.9",
        "http://localhost:80",
        "http://[::1]:80",
    ] {
        Client::builder("sk_test_1")
            .unsigned()
            .base_url(url)
            .build()
            .unwrap_or_else(|e| panic!("{url}: {e}"));
    }
}

#[tokio::test]
async fn a_wrong_api_key_is_a_rejection_in_the_servers_words() {
    let sandbox = pingpp::sandbox::Sandbox::start().await.unwrap();
    let call = sandbox.client().charges().reverse("ch_1").api_key("sk_test_wrong");
    let error = call.await.unwrap_err();
    assert_eq!((error.status(), error.outcome()), (Some(401), Outcome::Rejected));
    assert!(error.to_string().contains("API KEY"), "{error}");
}
