//! Security headers of the gateway's answers (nexus.md §13).

use hivematrix_shared::registry::ServiceEntry;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::nonce::Nonce;

/// Policy of our own pages, but for their scripts: everything from the gateway, nothing inline.
const STRICT: &str = "style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; media-src 'self'; \
     manifest-src 'self'; worker-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'self'";
/// A page without any right, should its policy not be writable.
const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'self'");

/// Policy of upstream's pages, which carry inline code and load icons, fonts and an editor from these hosts.
const COMPAT: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; \
     script-src 'self' 'unsafe-inline' 'unsafe-eval' https://unpkg.com https://cdn.jsdelivr.net \
     https://cdnjs.cloudflare.com https://cdn.ckeditor.com; \
     style-src 'self' 'unsafe-inline' https://fonts.googleapis.com https://unpkg.com https://cdn.jsdelivr.net \
     https://cdnjs.cloudflare.com https://cdn.ckeditor.com; \
     font-src 'self' data: https://fonts.gstatic.com https://cdn.jsdelivr.net https://cdnjs.cloudflare.com; \
     img-src 'self' data: blob: https:; connect-src 'self'; object-src 'none'; form-action 'self'; base-uri 'self'; \
     frame-ancestors 'self'",
);

/// Policy of the API documents' viewer.
const API_DOCS: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'",
);

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const PERMISSIONS: HeaderValue = HeaderValue::from_static(
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), \
     midi=(), payment=(), usb=()",
);
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Whose policy a page gets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PagePolicy {
    /// Our own pages.
    Strict,
    /// Pages of an upstream service.
    Compat,
    /// API documents: as strict, but their viewer sets styles on its elements.
    ApiDocs,
    /// Pages of a foreign identity provider that brings its own policy.
    Own,
}

impl PagePolicy {
    /// The policy of a service's pages.
    pub fn of(entry: &ServiceEntry) -> Self {
        if entry.has_compat_pages() { Self::Compat } else { Self::Strict }
    }
}

/// Adds the headers every answer carries. `hsts` only with a certificate that is not self-made: otherwise a browser
/// could never again reach the suite with another one.
pub fn add_common(headers: &mut HeaderMap, hsts: bool) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, SAME_ORIGIN);
    headers.insert(PERMISSIONS_POLICY, PERMISSIONS);
    headers.insert(RESOURCE_POLICY, SAME_ORIGIN);
    if hsts {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
}

/// Adds the policies of a page. What a service demands of its own page beyond that stays in force, since browsers obey
/// all policies they get: a service can be stricter, never looser.
pub fn add_page_policy(headers: &mut HeaderMap, policy: PagePolicy, nonce: &Nonce) {
    match policy {
        PagePolicy::Strict => {
            headers.append(header::CONTENT_SECURITY_POLICY, strict(nonce));
        }
        PagePolicy::Compat => {
            headers.append(header::CONTENT_SECURITY_POLICY, COMPAT);
        }
        PagePolicy::ApiDocs => {
            headers.insert(header::CONTENT_SECURITY_POLICY, API_DOCS);
        }
        PagePolicy::Own => return,
    }
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    headers.insert(OPENER_POLICY, SAME_ORIGIN);
}

/// Scripts are files of the gateway or carry the page's nonce; code in the markup and in its attributes does not run.
fn strict(nonce: &Nonce) -> HeaderValue {
    HeaderValue::from_str(&format!("default-src 'none'; script-src 'self' 'nonce-{nonce}'; {STRICT}"))
        .unwrap_or(NOTHING)
}

/// Takes out what would let scripts of other sites read a service's answers.
pub fn remove_cross_origin(headers: &mut HeaderMap) {
    let granted: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("access-control-") || name.as_str() == "timing-allow-origin")
        .cloned()
        .collect();
    for name in granted {
        headers.remove(name);
    }
}

/// The media type of an answer without its parameters; empty when there is none.
pub fn media_type(headers: &HeaderMap) -> &str {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().unwrap_or_default().trim()
}

/// Whether an answer is a document a browser runs scripts in: HTML, and XML of any kind.
pub fn is_document(headers: &HeaderMap) -> bool {
    let media_type = media_type(headers);
    ["text/html", "text/xml", "application/xml"].iter().any(|known| media_type.eq_ignore_ascii_case(known))
        || media_type.rsplit_once('+').is_some_and(|(_, syntax)| syntax.eq_ignore_ascii_case("xml"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn of(policy: PagePolicy, nonce: &Nonce) -> HeaderMap {
        let mut headers = HeaderMap::new();
        add_page_policy(&mut headers, policy, nonce);
        headers
    }

    fn directives(headers: &HeaderMap) -> HashMap<String, String> {
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        policy
            .split(';')
            .map(|directive| directive.trim().split_once(' ').unwrap())
            .map(|(name, sources)| {
                (name.to_owned(), sources.split_whitespace().collect::<Vec<_>>().join(" "))
            })
            .collect()
    }

    #[test]
    fn each_directive_of_each_policy_is_the_agreed_one() {
        let nonce = Nonce::fresh();
        let (own, nothing) = ("'self'".to_owned(), "'none'".to_owned());
        let scripts = format!("'self' 'nonce-{nonce}'");
        let strict = directives(&of(PagePolicy::Strict, &nonce));
        for (name, sources) in [
            ("default-src", &nothing),
            ("script-src", &scripts),
            ("style-src", &own),
            ("img-src", &"'self' data:".to_owned()),
            ("font-src", &own),
            ("connect-src", &own),
            ("media-src", &own),
            ("manifest-src", &own),
            ("worker-src", &own),
            ("frame-src", &own),
            ("form-action", &own),
            ("base-uri", &nothing),
            ("frame-ancestors", &own),
        ] {
            assert_eq!(strict.get(name), Some(sources), "{name}");
        }
        assert_eq!(strict.len(), 13);
        let compat = directives(&of(PagePolicy::Compat, &nonce));
        for (name, part) in [
            ("script-src", "'unsafe-inline'"),
            ("script-src", "https://unpkg.com"),
            ("style-src", "'unsafe-inline'"),
            ("style-src", "https://fonts.googleapis.com"),
            ("font-src", "https://fonts.gstatic.com"),
            ("object-src", "'none'"),
            ("frame-ancestors", "'self'"),
        ] {
            assert!(compat[name].contains(part), "{name} {part}");
        }
        assert!(!compat["script-src"].contains("nonce"), "a nonce would forbid what is inline");
        let docs = directives(&of(PagePolicy::ApiDocs, &nonce));
        assert_eq!((docs["script-src"].as_str(), docs["frame-ancestors"].as_str()), ("'self'", "'self'"));
        assert!(of(PagePolicy::Own, &nonce).is_empty());
    }

    #[test]
    fn pages_cannot_be_framed_or_reached_by_windows_of_other_sites() {
        for policy in [PagePolicy::Strict, PagePolicy::Compat, PagePolicy::ApiDocs] {
            let headers = of(policy, &Nonce::fresh());
            assert_eq!(headers[header::X_FRAME_OPTIONS], "SAMEORIGIN", "{policy:?}");
            assert_eq!(headers[OPENER_POLICY], "same-origin", "{policy:?}");
        }
    }

    #[test]
    fn a_service_can_only_be_stricter() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
        add_page_policy(&mut headers, PagePolicy::Strict, &Nonce::fresh());
        let all: Vec<_> = headers.get_all(header::CONTENT_SECURITY_POLICY).iter().collect();
        assert_eq!(all[0], "sandbox");
        assert!(all[1].to_str().unwrap().starts_with("default-src 'none';"));
    }

    #[test]
    fn no_answer_is_opened_to_other_sites() {
        let mut headers = HeaderMap::new();
        for name in ["access-control-allow-origin", "access-control-allow-credentials", "timing-allow-origin"]
        {
            headers.insert(name, HeaderValue::from_static("*"));
        }
        remove_cross_origin(&mut headers);
        assert!(headers.is_empty(), "{headers:?}");
    }

    #[test]
    fn hsts_comes_only_with_a_real_certificate_and_the_rest_always() {
        for hsts in [true, false] {
            let mut headers = HeaderMap::new();
            add_common(&mut headers, hsts);
            let expected = hsts.then_some("max-age=31536000");
            let sent = headers.get(header::STRICT_TRANSPORT_SECURITY).map(|value| value.to_str().unwrap());
            assert_eq!(sent, expected);
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "same-origin"),
                ("cross-origin-resource-policy", "same-origin"),
            ] {
                assert_eq!(headers[name], value);
            }
            assert!(headers[PERMISSIONS_POLICY].to_str().unwrap().contains("camera=()"));
        }
    }

    #[test]
    fn documents_are_recognised_by_their_media_type() {
        for (content_type, expected) in [
            ("text/html; charset=utf-8", true),
            ("TEXT/HTML", true),
            ("image/svg+xml", true),
            ("application/xhtml+xml", true),
            ("application/xml; charset=utf-8", true),
            ("text/xml", true),
            ("application/json", false),
            ("text/html-like", false),
        ] {
            let headers =
                HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
            assert_eq!(is_document(&headers), expected, "{content_type}");
        }
    }
}
