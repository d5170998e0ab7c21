//! The promises of the crate, kept against the sandbox and against raw sockets.

mod raw;

const API_KEY: &str = "sk_test_integration00000000000000";

fn merchant_key() -> pingpp::SigningKey {
    pingpp::SigningKey::from_pem(include_str!("../keys/merchant.pem")).unwrap()
}
