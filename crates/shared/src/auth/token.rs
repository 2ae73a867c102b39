//! Where a request carries its token: the bearer header, else the cookie `access_token` (platform.md §6).

use axum::extract::FromRequestParts;
use http::{HeaderMap, Method, header, request::Parts};

use super::AuthError;
use crate::{config::Secret, problem::Problem};

/// Cookie that same-origin scripts may use instead of the header.
pub const COOKIE: &str = "access_token";

/// The token of a request that passed verification, for calls on behalf of its user.
#[derive(Clone, Debug)]
pub struct BearerToken(pub Secret);

impl<S: Send + Sync> FromRequestParts<S> for BearerToken {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| AuthError::Missing.into())
    }
}

/// The token of a request. A cookie counts for unsafe methods only when the request comes from our own pages.
pub fn token_of(method: &Method, headers: &HeaderMap) -> Option<String> {
    bearer(headers).or_else(|| {
        let safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        (safe || is_same_origin(headers)).then(|| cookie(headers, COOKIE)).flatten()
    })
}

/// The value after `Authorization: Bearer`.
pub fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty()).then(|| token.trim().to_owned())
}

/// The value of a cookie.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        // Somebody else's cookie of any bytes must not hide this one.
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| std::str::from_utf8(pair).ok())
        .find_map(|pair| {
            let (found, value) = pair.trim().split_once('=')?;
            (found == name && !value.is_empty()).then(|| value.to_owned())
        })
}

/// Whether a browser says that the request comes from our own origin: `Sec-Fetch-Site`, else `Origin` against the host.
pub fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    let host = text("x-forwarded-host").or_else(|| text("host"));
    match (text("origin"), host) {
        (Some(origin), Some(host)) => {
            origin.split_once("://").is_some_and(|(_, authority)| authority == host)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (n.parse().unwrap(), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn the_header_wins_and_the_cookie_needs_our_own_origin_to_write() {
        let cookie = ("cookie", "a=b; access_token=c");
        for (method, pairs, expected) in [
            (Method::GET, &[("authorization", "Bearer h"), cookie][..], Some("h")),
            (Method::GET, &[("authorization", "bearer  h")], Some("h")),
            (Method::GET, &[("authorization", "Basic h"), cookie], Some("c")),
            (Method::GET, &[cookie], Some("c")),
            (Method::POST, &[cookie], None),
            (
                Method::POST,
                &[cookie, ("sec-fetch-site", "cross-site"), ("origin", "https://h"), ("host", "h")],
                None,
            ),
            (Method::POST, &[cookie, ("sec-fetch-site", "same-origin")], Some("c")),
            (Method::POST, &[cookie, ("origin", "https://h:8443"), ("host", "h:8443")], Some("c")),
            (Method::POST, &[cookie, ("origin", "https://evil"), ("host", "h")], None),
            (Method::GET, &[], None),
        ] {
            assert_eq!(token_of(&method, &headers(pairs)).as_deref(), expected, "{method} {pairs:?}");
        }
    }
}
