//! The calls to WeChat: what goes out, what comes back, and that no secret is printed.

use std::time::{Duration, SystemTime};

use pingpp::wechat::{Scope, WeChat, WeChatError};

use crate::raw::{Act, Server, html, json};
use crate::secrecy::logged;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn wechat(server: &Server) -> WeChat {
    WeChat::builder("wx_1", SECRET).base_url(server.url()).no_proxy().build().unwrap()
}

async fn answering(text: &'static str) -> (Server, WeChat) {
    let server = Server::always(Act::Write(json(200, text))).await;
    let wechat = wechat(&server);
    (server, wechat)
}

#[tokio::test]
async fn the_address_of_the_customer_keeps_its_state_and_its_fragment_apart() {
    let (server, wechat) = answering("{}").await;
    let url = wechat.authorize_url("https://a.cn/付?b=1&c=2#d", Scope::Base, "a b&c#d");
    assert_eq!(
        url,
        "https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx_1\
         &redirect_uri=https%3A%2F%2Fa.cn%2F%E4%BB%98%3Fb%3D1%26c%3D2%23d&response_type=code\
         &scope=snsapi_base&state=a%20b%26c%23d#wechat_redirect"
    );
    let url = wechat.authorize_url("https://a.cn", Scope::UserInfo, "1");
    assert!(url.ends_with("&scope=snsapi_userinfo&state=1#wechat_redirect"), "{url}");
    assert_eq!(server.request_count(), 0);
}

#[tokio::test]
async fn a_code_brings_the_open_id_and_nothing_of_pingpp_goes_out() {
    let answer = r#"{"access_token":"t","expires_in":7200,"openid":"o7","unionid":"u"}"#;
    let (server, wechat) = answering(answer).await;
    let customer = wechat.open_id("c&d").await.unwrap();
    assert_eq!((customer.open_id.as_str(), customer.union_id.as_deref()), ("o7", Some("u")));
    let sent = &server.requests()[0];
    assert_eq!(
        sent.target,
        format!(
            "/sns/oauth2/access_token?appid=wx_1&secret={SECRET}&code=c%26d\
             &grant_type=authorization_code"
        )
    );
    for header in ["authorization", "pingplusplus-request-timestamp", "pingplusplus-signature"] {
        assert_eq!(sent.header(header), None, "{header}");
    }
}

#[tokio::test]
async fn a_mini_program_gets_its_session() {
    let (server, wechat) = answering(r#"{"openid":"o7","session_key":"k=="}"#).await;
    let session = wechat.mini_program_session("c").await.unwrap();
    assert_eq!((session.open_id.as_str(), session.session_key.as_str()), ("o7", "k=="));
    assert_eq!(
        server.requests()[0].target,
        format!(
            "/sns/jscode2session?appid=wx_1&secret={SECRET}&js_code=c&grant_type=authorization_code"
        )
    );
}

#[tokio::test]
async fn a_ticket_comes_with_its_expiry() {
    let server = Server::start(|request| {
        Act::Write(match request.number {
            0 => json(200, r#"{"access_token":"t+1","expires_in":7200}"#),
            _ => json(200, r#"{"errcode":0,"errmsg":"ok","ticket":"x","expires_in":7200}"#),
        })
    })
    .await;
    let ticket = wechat(&server).js_ticket().await.unwrap();
    assert_eq!(ticket.ticket.as_str(), "x");
    let now = SystemTime::now();
    assert!(!ticket.is_expired(now + Duration::from_secs(6_800)));
    assert!(ticket.is_expired(now + Duration::from_secs(7_000)));
    let targets: Vec<_> = server.requests().into_iter().map(|request| request.target).collect();
    let token = format!("/cgi-bin/token?appid=wx_1&secret={SECRET}&grant_type=client_credential");
    assert_eq!(targets, [&token, "/cgi-bin/ticket/getticket?access_token=t%2B1&type=jsapi"]);
}

#[tokio::test]
async fn what_wechat_refuses_is_told_and_sent_once() {
    let (server, wechat) = answering(r#"{"errcode":40029,"errmsg":"invalid code"}"#).await;
    let error = wechat.open_id("c").await.unwrap_err();
    assert!(matches!(error, WeChatError::Refused { code: 40029, .. }), "{error:?}");
    assert_eq!(server.request_count(), 1);
    for body in ["{}", "null", "[]", "", r#"{"openid":7}"#] {
        let (_server, wechat) = answering(body).await;
        let error = wechat.open_id("c").await.unwrap_err();
        assert!(matches!(error, WeChatError::Unreadable { status: 200, .. }), "{body} {error:?}");
    }
    for act in [Act::Write(html(502)), Act::Write(json(302, r#"{"openid":"o7"}"#))] {
        let server = Server::always(act).await;
        let error = self::wechat(&server).open_id("c").await.unwrap_err();
        assert!(matches!(error, WeChatError::Unreadable { .. }), "{error:?}");
        assert_eq!(server.request_count(), 1);
    }
}

#[tokio::test]
async fn no_secret_reaches_a_log_an_error_or_a_debug() {
    let (log, _guard) = logged();
    let answer = r#"{"openid":"o7","session_key":"sessionkey","access_token":"accesstoken"}"#;
    let (server, wechat) = answering(answer).await;
    let builder = WeChat::builder("wx_1", SECRET);
    let session = wechat.mini_program_session("jscode").await.unwrap();
    let customer = wechat.open_id("jscode").await.unwrap();
    let url = server.url();
    drop(server);
    let away = WeChat::builder("wx_1", SECRET).base_url(url).no_proxy().build().unwrap();
    let error = away.js_ticket().await.unwrap_err();
    let text = format!("{builder:?} {wechat:?} {session:?} {customer:?} {error} {error:?}");
    for secret in [SECRET, "sessionkey", "accesstoken", "jscode"] {
        assert!(!text.contains(secret), "{text}");
        assert!(!log.text().contains(secret), "{}", log.text());
    }
    assert!(WeChat::builder("", SECRET).build().is_err());
    assert!(WeChat::builder("wx_1", "").build().is_err());
    assert!(WeChat::builder("wx_1", SECRET).base_url("http://example.com").build().is_err());
}
