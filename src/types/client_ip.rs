//! The address of the customer, as a parameter.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::ser::{Error, Serialize, Serializer};

/// The IP address of the customer: from an [`IpAddr`], from `[192, 0, 2, 1]` or from a text. The call
/// that would send a text that is no address is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientIp(Result<IpAddr, String>);

impl From<IpAddr> for ClientIp {
    fn from(address: IpAddr) -> Self {
        Self(Ok(address))
    }
}

impl From<Ipv4Addr> for ClientIp {
    fn from(address: Ipv4Addr) -> Self {
        Self(Ok(address.into()))
    }
}

impl From<Ipv6Addr> for ClientIp {
    fn from(address: Ipv6Addr) -> Self {
        Self(Ok(address.into()))
    }
}

impl From<[u8; 4]> for ClientIp {
    fn from(address: [u8; 4]) -> Self {
        Self(Ok(address.into()))
    }
}

impl From<SocketAddr> for ClientIp {
    fn from(address: SocketAddr) -> Self {
        Self(Ok(address.ip()))
    }
}

impl From<&str> for ClientIp {
    fn from(text: &str) -> Self {
        Self(text.parse().map_err(|_| text.to_owned()))
    }
}

impl From<String> for ClientIp {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl fmt::Display for ClientIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(address) => address.fmt(f),
            Err(text) => f.write_str(text),
        }
    }
}

impl Serialize for ClientIp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Ok(address) => address.serialize(serializer),
            Err(text) => Err(S::Error::custom(format_args!(
                "client_ip: {text:?} is not an IP address: pass the one that the customer's request \
                 came from, such as 192.0.2.1, without a port"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_address_is_not_written() {
        for good in ["192.0.2.1", "2001:db8::1"] {
            let written = serde_json::to_string(&ClientIp::from(good)).unwrap();
            assert_eq!(written, format!("{good:?}"));
        }
        for wrong in ["", "192.0.2.1:80", "localhost", "192.0.2.256", " 192.0.2.1"] {
            let error = serde_json::to_string(&ClientIp::from(wrong)).unwrap_err();
            assert!(error.to_string().contains("client_ip"), "{error}");
        }
    }
}
