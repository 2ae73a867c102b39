//! The handshake of a WebSocket (RFC 6455 §4), as far as a gateway is concerned.

use http::{HeaderMap, HeaderValue, Method, Version, header, request::Parts};

use super::origin::PublicOrigins;

/// Value of `Upgrade` on both sides.
const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// Whether a request asks for a WebSocket. An upgrade to anything else is never passed on.
pub fn is_asked_for(parts: &Parts) -> bool {
    parts.method == Method::GET
        && parts.version == Version::HTTP_11
        && has_token(&parts.headers, &header::CONNECTION, "upgrade")
        && is_websocket(&parts.headers)
}

/// Whether an answer's `Upgrade` header names a WebSocket and nothing else.
pub fn is_websocket(headers: &HeaderMap) -> bool {
    let mut upgrades = headers.get_all(header::UPGRADE).iter();
    let first = upgrades.next().and_then(|value| value.to_str().ok());
    upgrades.next().is_none() && first.is_some_and(|upgrade| upgrade.trim().eq_ignore_ascii_case("websocket"))
}

/// Puts in what makes a request or an answer a handshake; both are headers of one connection only.
pub fn mark(headers: &mut HeaderMap) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, WEBSOCKET);
}

/// Whether a handshake may act with the session cookie. Browsers send the cookie with any site's WebSocket and let that site
/// read what comes back, but they always say which site it is.
pub fn may_use_cookie(headers: &HeaderMap, origins: &PublicOrigins) -> bool {
    let mut given = headers.get_all(header::ORIGIN).iter();
    let origin = given.next().and_then(|origin| origin.to_str().ok());
    given.next().is_none() && origin.is_some_and(|origin| origins.contains(origin))
}

fn has_token(headers: &HeaderMap, name: &header::HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|value| value.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn request(method: Method, list: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method);
        for (name, value) in list {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn only_a_get_that_names_the_websocket_alone_asks_for_one() {
        let connection = ("connection", "keep-alive, Upgrade");
        for (method, list, expected) in [
            (Method::GET, &[connection, ("upgrade", "websocket")][..], true),
            (Method::GET, &[connection, ("upgrade", "WebSocket")], true),
            (Method::POST, &[connection, ("upgrade", "websocket")], false),
            (Method::GET, &[connection, ("upgrade", "h2c")], false),
            (Method::GET, &[connection, ("upgrade", "websocket, h2c")], false),
            (Method::GET, &[connection, ("upgrade", "websocket"), ("upgrade", "h2c")], false),
            (Method::GET, &[("connection", "keep-alive"), ("upgrade", "websocket")], false),
            (Method::GET, &[connection], false),
        ] {
            assert_eq!(is_asked_for(&request(method, list)), expected, "{list:?}");
        }
        let mut second_version = request(Method::GET, &[connection, ("upgrade", "websocket")]);
        second_version.version = Version::HTTP_2;
        assert!(!is_asked_for(&second_version));
    }

    #[test]
    fn the_cookie_counts_only_with_one_origin_of_ours() {
        let origins = PublicOrigins::parse("https://msp.example.net").unwrap();
        for (list, expected) in [
            (&[("origin", "https://msp.example.net")][..], true),
            (&[("origin", "https://evil.example")], false),
            (&[("origin", "https://msp.example.net.evil.example")], false),
            (&[("origin", "null")], false),
            (&[("origin", "https://msp.example.net"), ("origin", "https://evil.example")], false),
            (&[], false),
        ] {
            let headers = request(Method::GET, list).headers;
            assert_eq!(may_use_cookie(&headers, &origins), expected, "{list:?}");
        }
    }
}
