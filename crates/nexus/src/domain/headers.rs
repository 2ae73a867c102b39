//! Which headers pass the gateway (nexus.md §8.2, §8.3).

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Headers that belong to one connection. `Trailer` is none of them: it names what comes after a body, which passes.
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Headers by which a client could pass for somebody else or for another request.
const SPOOFABLE: [HeaderName; 20] = [
    header::FORWARDED,
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-client-ip"),
    HeaderName::from_static("x-cluster-client-ip"),
    HeaderName::from_static("true-client-ip"),
    HeaderName::from_static("cf-connecting-ip"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-rewrite-url"),
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-method-override"),
    HeaderName::from_static("x-http-method"),
    HeaderName::from_static("x-host"),
    HeaderName::from_static("x-original-host"),
    HeaderName::from_static("x-scheme"),
    HeaderName::from_static("x-url-scheme"),
    HeaderName::from_static("front-end-https"),
    HeaderName::from_static("remote-user"),
    HeaderName::from_static("x-remote-user"),
    // Programs started by a web server would take it for the proxy to use.
    HeaderName::from_static("proxy"),
    HeaderName::from_static("x-correlation-id"),
];

/// `X-Forwarded-For`
pub const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// `X-Forwarded-Proto`
pub const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// `X-Forwarded-Host`
pub const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// `X-Forwarded-Port`
pub const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
/// `X-Forwarded-Prefix`
pub const FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
/// `X-Correlation-ID`
pub const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// Takes out what must not reach a backend: connection headers, spoofable ones, all of `X-Forwarded-*` and names with
/// underscores, which some servers read as dashes. A client that takes trailers gets the backend's.
pub fn clean_request(headers: &mut HeaderMap) {
    let takes_trailers = takes_trailers(headers);
    remove_hop_by_hop(headers);
    if takes_trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("te"));
    }
    headers.remove(header::HOST);
    // Answered here: the client is told to go on as soon as the backend takes the body.
    headers.remove(header::EXPECT);
    for name in &SPOOFABLE {
        headers.remove(name);
    }
    let bad: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("x-forwarded-") || name.as_str().contains('_'))
        .cloned()
        .collect();
    for name in bad {
        headers.remove(name);
    }
}

/// Headers about the request as a whole: in trailers, after it was judged, they come too late.
const NOT_IN_TRAILERS: [HeaderName; 9] = [
    header::AUTHORIZATION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::CONTENT_TYPE,
    header::COOKIE,
    header::EXPECT,
    header::ORIGIN,
    HeaderName::from_static("x-service-secret"),
];

/// Takes out of a request's trailers what must stand at its beginning or must not reach a backend at all (RFC 9110 §6.5.1).
pub fn clean_trailers(trailers: &mut HeaderMap) {
    trailers.remove(header::TE);
    clean_request(trailers);
    for name in &NOT_IN_TRAILERS {
        trailers.remove(name);
    }
}

/// Takes out what must not reach the browser: connection headers and the backend's idea of transport security.
pub fn clean_response(headers: &mut HeaderMap) {
    remove_hop_by_hop(headers);
    headers.remove(header::SERVER);
    headers.remove(header::ALT_SVC);
    headers.remove(header::STRICT_TRANSPORT_SECURITY);
}

fn takes_trailers(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(header::TE).into_iter().filter_map(|value| value.to_str().ok());
    codings.flat_map(|value| value.split(',')).any(|coding| coding.trim().eq_ignore_ascii_case("trailers"))
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let listed: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(str::trim))
        // What it says nearly always, and no header.
        .filter(|name| !name.eq_ignore_ascii_case("keep-alive") && !name.eq_ignore_ascii_case("close"))
        .filter_map(|name| name.parse().ok())
        .collect();
    for name in HOP_BY_HOP.iter().chain(&listed) {
        headers.remove(name);
    }
}

/// A `Location` as the browser needs it: an address on the backend itself becomes one below `prefix`, others stay.
pub fn rewrite_location(location: &HeaderValue, backends: &[String], prefix: &str) -> Option<HeaderValue> {
    let location = location.to_str().ok()?;
    let rest = backends.iter().find_map(|backend| {
        let rest = location.strip_prefix(backend.trim_end_matches('/'))?;
        (rest.is_empty() || rest.starts_with(['/', '?', '#'])).then_some(rest)
    })?;
    let slash = if rest.starts_with('/') { "" } else { "/" };
    HeaderValue::from_str(&format!("{prefix}{slash}{rest}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn connection_and_spoofable_headers_do_not_pass() {
        let mut map = headers(&[
            ("host", "msp.example.net"),
            ("connection", "keep-alive, X-Secret-Hop"),
            ("x-secret-hop", "1"),
            ("te", "gzip"),
            ("expect", "100-continue"),
            ("upgrade", "h2c"),
            ("transfer-encoding", "chunked"),
            ("proxy-authorization", "Basic eA=="),
            ("forwarded", "for=1.2.3.4"),
            ("x-real-ip", "1.2.3.4"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-prefix", "/evil"),
            ("x-forwarded-anything", "1"),
            ("x_forwarded_for", "1.2.3.4"),
            ("remote_user", "admin"),
            ("x-http-method-override", "DELETE"),
            ("x-original-url", "/admin"),
            ("cf-connecting-ip", "1.2.3.4"),
            ("remote-user", "admin"),
            ("proxy", "http://evil.example"),
            ("accept", "text/html"),
            ("x-service-secret", "kept"),
            ("content-length", "3"),
        ]);
        clean_request(&mut map);
        let mut left: Vec<&str> = map.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "content-length", "x-service-secret"]);
    }

    #[test]
    fn trailers_are_asked_for_on_behalf_of_who_takes_them() {
        for (te, expected) in [("trailers", true), ("gzip, Trailers", true), ("gzip", false)] {
            let mut map = headers(&[("te", te), ("trailer", "x-sum")]);
            clean_request(&mut map);
            assert_eq!(map.get("te").is_some_and(|te| te == "trailers"), expected, "{te}");
            assert_eq!(map.get("connection").is_some_and(|names| names == "te"), expected, "{te}");
            assert_eq!(map["trailer"], "x-sum");
        }
    }

    #[test]
    fn only_addresses_on_the_backend_itself_are_rewritten() {
        let backends = ["http://localhost:5030".to_owned(), "http://10.0.0.2:5030/".to_owned()];
        for (location, expected) in [
            ("http://localhost:5030/plans?a=1", Some("/ledger/plans?a=1")),
            ("http://10.0.0.2:5030/plans", Some("/ledger/plans")),
            ("http://localhost:5030", Some("/ledger/")),
            ("http://localhost:5030?x", Some("/ledger/?x")),
            ("http://localhost:50301/plans", None),
            ("http://localhost:5030.evil.example/", None),
            ("/ledger/plans", None),
            ("https://example.com/", None),
        ] {
            let rewritten = rewrite_location(&HeaderValue::from_static(location), &backends, "/ledger");
            assert_eq!(rewritten.as_ref().map(|v| v.to_str().unwrap()), expected, "{location}");
        }
    }
}
