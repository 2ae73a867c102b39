//! A reverse proxy in front of the gateway: what it says about the visitor, if it is one whose word counts.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Once,
};

use axum::extract::{ConnectInfo, Request};
use http::{HeaderMap, HeaderName, header, request::Parts};

use crate::domain::{headers, trusted::TrustedProxies};

/// A proxy that is missing among the trusted ones is told once; whoever forges headers must not fill the log.
static TOLD: Once = Once::new();

/// What a trusted proxy said about the visitor; an extension of the request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Front {
    /// `Host` as the browser sent it.
    pub host: Option<String>,
    /// Whether the browser speaks TLS with the proxy.
    pub https: Option<bool>,
    client: Option<String>,
}

/// Takes over what a trusted proxy says about the visitor: one hop, the last one. Takes it out of every request, so that
/// nothing behind this can believe anybody else.
pub fn take_over(request: &mut Request, trusted: &TrustedProxies) {
    let peer = address_of(request.extensions());
    if !trusted.contains(peer) {
        if !trusted.is_empty() && request.headers().contains_key(&headers::FORWARDED_FOR) {
            TOLD.call_once(
                || tracing::warn!(%peer, "forwarding headers of an address that is not trusted are ignored"),
            );
        }
    } else if let Some(front) = Front::read(request.headers()) {
        // A visitor whom the proxy does not name must not pass for the proxy, which may be on this machine.
        let client = front.client.as_deref().and_then(address).filter(|client| !client.is_loopback());
        let client = client.unwrap_or(IpAddr::from([0, 0, 0, 0]));
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(client, 0)));
        request.extensions_mut().insert(front);
    }
    remove(request.headers_mut());
}

/// The address a request comes from; without a connection (tests) it is the loopback address.
pub fn client_of(parts: &Parts) -> IpAddr {
    address_of(&parts.extensions)
}

/// Whether a trusted proxy says that the visitor speaks TLS with it.
pub fn is_https(request: &Request) -> bool {
    request.extensions().get::<Front>().is_some_and(|front| front.https == Some(true))
}

fn address_of(extensions: &http::Extensions) -> IpAddr {
    let connection = extensions.get::<ConnectInfo<SocketAddr>>();
    connection.map_or(IpAddr::from([127, 0, 0, 1]), |ConnectInfo(peer)| peer.ip().to_canonical())
}

impl Front {
    /// Reads the headers of either kind; `None` when there are none: then it is the proxy's machine itself that asks.
    /// A proxy that writes one kind passes on the visitor's own headers of the other, so `Forwarded` counts only alone.
    fn read(map: &HeaderMap) -> Option<Self> {
        let (client, proto, host) = (
            last(map, &headers::FORWARDED_FOR),
            last(map, &headers::FORWARDED_PROTO),
            last(map, &headers::FORWARDED_HOST),
        );
        if client.is_some() || proto.is_some() || host.is_some() {
            return Some(Self { host, https: proto.map(is_tls), client });
        }
        let hop = last(map, &header::FORWARDED)?;
        let value = |wanted: &str| {
            let pairs = hop.split(';').filter_map(|pair| pair.trim().split_once('='));
            let mut values = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
            values.next().map(|(_, value)| value.trim().trim_matches('"').to_owned())
        };
        Some(Self { host: value("host"), https: value("proto").map(is_tls), client: value("for") })
    }
}

fn is_tls(proto: String) -> bool {
    proto.eq_ignore_ascii_case("https") || proto.eq_ignore_ascii_case("wss")
}

/// The last entry of a list that each proxy adds to.
fn last(map: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = map.get_all(name).iter().next_back()?.to_str().ok()?;
    let value = value.rsplit(',').next()?.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// An address as proxies write it: alone, with a port, IPv6 in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let address = text.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    let address = address.or_else(|_| text.trim_matches(['[', ']']).parse());
    address.ok().map(|address| address.to_canonical())
}

fn remove(map: &mut HeaderMap) {
    let forwarded: Vec<HeaderName> =
        map.keys().filter(|name| name.as_str().starts_with("x-forwarded-")).cloned().collect();
    for name in forwarded {
        map.remove(name);
    }
    map.remove(header::FORWARDED);
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    /// What the gateway makes of a request from `peer`: the client, and what the proxy said.
    fn seen(trusted: &str, peer: &str, list: &[(&str, &str)]) -> (String, Option<Front>) {
        let mut request = Request::new(Body::empty());
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        for (name, value) in list {
            request.headers_mut().append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        take_over(&mut request, &trusted.parse().unwrap());
        assert!(request.headers().is_empty(), "{:?}", request.headers());
        let (parts, _) = request.into_parts();
        (client_of(&parts).to_string(), parts.extensions.get::<Front>().cloned())
    }

    #[test]
    fn the_last_hop_counts_when_it_comes_from_a_trusted_address() {
        const PROXY: &str = "10.0.0.5";
        for (list, client, host, https) in [
            (&[("x-forwarded-for", "203.0.113.7")][..], "203.0.113.7", None, None),
            (&[("x-forwarded-for", "6.6.6.6, 203.0.113.7")], "203.0.113.7", None, None),
            (
                &[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "203.0.113.7")],
                "203.0.113.7",
                None,
                None,
            ),
            (&[("x-forwarded-for", "203.0.113.7:4711")], "203.0.113.7", None, None),
            (&[("x-forwarded-for", "[2001:db8::7]:4711")], "2001:db8::7", None, None),
            (&[("x-forwarded-for", "[2001:db8::7]")], "2001:db8::7", None, None),
            (&[("x-forwarded-for", "unknown")], "0.0.0.0", None, None),
            (&[("x-forwarded-for", "127.0.0.1")], "0.0.0.0", None, None),
            (
                &[("x-forwarded-host", "a.test"), ("x-forwarded-proto", "https")],
                "0.0.0.0",
                Some("a.test"),
                Some(true),
            ),
            (
                &[("x-forwarded-for", "203.0.113.7"), ("x-forwarded-proto", "http")],
                "203.0.113.7",
                None,
                Some(false),
            ),
            (
                &[("forwarded", "for=6.6.6.6, for=203.0.113.7;proto=https;host=a.test")],
                "203.0.113.7",
                Some("a.test"),
                Some(true),
            ),
            (
                &[("forwarded", "For=\"[2001:db8::7]:4711\"; Host=\"a.test\"")],
                "2001:db8::7",
                Some("a.test"),
                None,
            ),
            (
                &[("forwarded", "for=6.6.6.6;host=evil.test"), ("x-forwarded-for", "203.0.113.7")],
                "203.0.113.7",
                None,
                None,
            ),
        ] {
            let front = Front { host: host.map(str::to_owned), https, client: None };
            let (as_client, said) = seen(PROXY, PROXY, list);
            let said = said.map(|said| Front { client: None, ..said });
            assert_eq!((as_client.as_str(), said), (client, Some(front)), "{list:?}");
            assert_eq!(seen(PROXY, "198.51.100.1", list), ("198.51.100.1".to_owned(), None), "{list:?}");
            assert_eq!(seen("", "127.0.0.1", list), ("127.0.0.1".to_owned(), None), "{list:?}");
        }
        assert_eq!(seen(PROXY, PROXY, &[]), (PROXY.to_owned(), None), "the proxy's machine itself");
    }
}
