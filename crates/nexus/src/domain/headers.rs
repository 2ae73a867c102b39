//! Which headers pass the gateway (nexus.md §8.2, §8.3).

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Headers that belong to one connection. `Trailer` is none of them: it names what comes after a body, which passes.
fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// Headers by which a client could pass for somebody else or for another request: well-known ones, all of `X-Forwarded-*`,
/// and names with underscores, which some servers read as dashes.
fn is_spoofable(name: &str) -> bool {
    let known = matches!(
        name,
        "forwarded"
            | "x-real-ip"
            | "x-client-ip"
            | "x-cluster-client-ip"
            | "true-client-ip"
            | "cf-connecting-ip"
            | "x-original-url"
            | "x-rewrite-url"
            | "x-http-method-override"
            | "x-method-override"
            | "x-http-method"
            | "x-host"
            | "x-original-host"
            | "x-scheme"
            | "x-url-scheme"
            | "front-end-https"
            | "remote-user"
            | "x-remote-user"
            // Programs started by a web server would take it for the proxy to use.
            | "proxy"
            | "x-correlation-id"
    );
    known || name.starts_with("x-forwarded-") || name.contains('_')
}

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

/// Takes out what must not reach a backend: connection headers and spoofable ones. A client that takes trailers gets the
/// backend's.
pub fn clean_request(headers: &mut HeaderMap) {
    let takes_trailers = takes_trailers(headers);
    // `Expect` is answered here: the client is told to go on as soon as the backend takes the body.
    remove(headers, |name| matches!(name, "host" | "expect") || is_spoofable(name));
    if takes_trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("te"));
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
    remove(headers, |name| matches!(name, "server" | "alt-svc" | "strict-transport-security"));
}

fn takes_trailers(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(header::TE).into_iter().filter_map(|value| value.to_str().ok());
    codings.flat_map(|value| value.split(',')).any(|coding| coding.trim().eq_ignore_ascii_case("trailers"))
}

/// Takes out the connection's own headers, those that `Connection` names, and the `unwanted` ones. Each header is looked at
/// once: there are few of them, and many that could be unwanted.
fn remove(headers: &mut HeaderMap, unwanted: impl Fn(&str) -> bool) {
    let listed: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(str::trim))
        // What it says nearly always, and no header.
        .filter(|name| !name.eq_ignore_ascii_case("keep-alive") && !name.eq_ignore_ascii_case("close"))
        .filter_map(|name| name.parse().ok())
        .collect();
    let removed: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_hop_by_hop(name.as_str()) || unwanted(name.as_str()) || listed.contains(name))
        .cloned()
        .collect();
    for name in removed {
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
