//! Whether a changing request that carries the session cookie was made by our own pages (nexus.md §13).

use http::{HeaderMap, Method, header};

use super::origin::PublicOrigins;

/// Whether a request may act with the session cookie.
///
/// Browsers say by `Sec-Fetch-Site` who caused a request, older ones by `Origin`. A client that sends neither is no
/// browser; it cannot be misled by another site, and `SameSite=Lax` covers what is left.
pub fn may_use_cookie(method: &Method, headers: &HeaderMap, origins: &PublicOrigins) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return true;
    }
    if let Some(site) = headers.get("sec-fetch-site") {
        return matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    match headers.get(header::ORIGIN) {
        Some(origin) => origin.to_str().is_ok_and(|origin| origins.contains(origin)),
        None => true,
    }
}

/// Whether a page of ours led here: a link or a form, not another site and not a typed address.
pub fn is_from_own_page(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin")
}

/// Whether another site caused this request, as far as the browser says so.
pub fn is_from_another_site(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site" || site == "same-site")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changing_requests_count_only_from_our_own_pages() {
        let origins = PublicOrigins::parse("https://msp.example.net,https://localhost:8443").unwrap();
        let site = |v| ("sec-fetch-site", v);
        let origin = |v| ("origin", v);
        for (method, list, expected) in [
            (Method::GET, &[site("cross-site"), origin("https://evil.example")][..], true),
            (Method::POST, &[site("same-origin")], true),
            (Method::POST, &[site("none")], true),
            (Method::POST, &[site("cross-site")], false),
            (Method::PUT, &[site("same-site")], false),
            (Method::DELETE, &[site("cross-site"), origin("https://msp.example.net")], false),
            (Method::POST, &[origin("https://msp.example.net")], true),
            (Method::PATCH, &[origin("https://localhost:8443")], true),
            (Method::POST, &[origin("https://localhost")], false),
            (Method::POST, &[origin("http://msp.example.net")], false),
            (Method::POST, &[origin("https://msp.example.net.evil.example")], false),
            (Method::POST, &[origin("null")], false),
            (Method::POST, &[], true),
        ] {
            let headers =
                list.iter().map(|(n, v): &(&str, &str)| (n.parse().unwrap(), v.parse().unwrap())).collect();
            assert_eq!(may_use_cookie(&method, &headers, &origins), expected, "{method} {list:?}");
        }
    }
}
