//! Who a request is counted for.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use axum::extract::ConnectInfo;
use http::Request;
use tower_governor::{GovernorError, key_extractor::KeyExtractor};

use crate::auth::Caller;

/// What a limit counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyBy {
    /// `user:<sub>` or `service:<name>` of a valid token, else `ip:<address>`.
    Caller,
    /// `ip:<address>`, whoever is signed in: routes that take passwords or codes.
    Address,
    /// The path, whoever asks: links that are opened without signing in.
    Path,
}

/// What a request counts for, where that is known already: an extension that wins over the [`Caller`].
#[derive(Clone, Debug)]
pub struct RateKey(pub Arc<str>);

impl RateKey {
    /// The key of a caller.
    pub fn of(caller: &Caller) -> Self {
        Self(caller.rate_key().into())
    }
}

impl KeyExtractor for KeyBy {
    type Key = Arc<str>;

    fn extract<B>(&self, request: &Request<B>) -> Result<Arc<str>, GovernorError> {
        let extensions = request.extensions();
        Ok(match self {
            Self::Caller => match (extensions.get::<RateKey>(), extensions.get::<Caller>()) {
                (Some(RateKey(key)), _) => key.clone(),
                (None, Some(caller)) => caller.rate_key().into(),
                (None, None) => address_key(client_address(request)).into(),
            },
            Self::Address => address_key(client_address(request)).into(),
            Self::Path => format!("path:{}", request.uri().path()).into(),
        })
    }
}

/// The address a request comes from.
///
/// A call from this machine with `X-Forwarded-For` came through the gateway, which put the client last. From elsewhere
/// the header proves nothing. Without a connection (tests) it is the loopback address.
pub fn client_address<B>(request: &Request<B>) -> IpAddr {
    let peer = peer(request);
    if !peer.is_loopback() {
        return peer;
    }
    forwarded_for(request).unwrap_or(peer)
}

/// Whether a request comes straight from another process of this machine.
pub(super) fn is_local_service<B>(request: &Request<B>) -> bool {
    peer(request).is_loopback() && forwarded_for(request).is_none()
}

fn peer<B>(request: &Request<B>) -> IpAddr {
    let connection = request.extensions().get::<ConnectInfo<SocketAddr>>();
    connection.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |ConnectInfo(peer)| peer.ip().to_canonical())
}

fn forwarded_for<B>(request: &Request<B>) -> Option<IpAddr> {
    let last = request.headers().get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    let address: IpAddr = last.rsplit(',').next()?.trim().parse().ok()?;
    Some(address.to_canonical())
}

/// What counts as one address: an IPv6 customer has at least a /64, and each address of it on its own would be a way around
/// any limit.
pub fn customer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

fn address_key(address: IpAddr) -> String {
    format!("ip:{}", customer(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(peer: &str, forwarded_for: Option<&str>) -> Request<()> {
        let mut request = Request::new(());
        let peer: IpAddr = peer.parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(peer, 4711)));
        if let Some(value) = forwarded_for {
            request.headers_mut().insert("x-forwarded-for", value.parse().unwrap());
        }
        request
    }

    #[test]
    fn a_forwarded_address_counts_only_from_this_machine() {
        for (peer, forwarded_for, expected) in [
            ("127.0.0.1", None, "ip:127.0.0.1"),
            ("127.0.0.1", Some("203.0.113.7"), "ip:203.0.113.7"),
            ("::ffff:127.0.0.1", Some("203.0.113.7"), "ip:203.0.113.7"),
            ("127.0.0.1", Some("10.9.9.9, 203.0.113.7"), "ip:203.0.113.7"),
            ("127.0.0.1", Some("nonsense"), "ip:127.0.0.1"),
            ("198.51.100.1", Some("203.0.113.7"), "ip:198.51.100.1"),
            ("2001:db8:1:2:3:4:5:6", None, "ip:2001:db8:1:2::"),
        ] {
            assert_eq!(&*KeyBy::Address.extract(&request(peer, forwarded_for)).unwrap(), expected);
        }
    }

    #[test]
    fn only_calls_that_nobody_forwarded_are_local() {
        assert!(is_local_service(&request("::1", None)));
        assert!(!is_local_service(&request("127.0.0.1", Some("203.0.113.7"))));
        assert!(!is_local_service(&request("198.51.100.1", None)));
    }
}
