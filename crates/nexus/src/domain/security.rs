//! Security headers of the gateway's answers (nexus.md §13).

use hivematrix_shared::registry::ServiceEntry;
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Policy of our own pages: everything from the gateway, nothing inline.
const STRICT: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; media-src 'self'; manifest-src 'self'; worker-src 'self'; frame-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'self'",
);

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
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(PERMISSIONS_POLICY, PERMISSIONS);
    if hsts {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
}

/// Adds the content policy of a page.
pub fn add_page_policy(headers: &mut HeaderMap, policy: PagePolicy) {
    let value = match policy {
        PagePolicy::Strict => STRICT,
        PagePolicy::Compat => COMPAT,
        PagePolicy::ApiDocs => API_DOCS,
        PagePolicy::Own => return,
    };
    headers.insert(header::CONTENT_SECURITY_POLICY, value);
}

/// The media type of an answer without its parameters; empty when there is none.
pub fn media_type(headers: &HeaderMap) -> &str {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().unwrap_or_default().trim()
}

/// Whether an answer is a document a browser runs scripts in.
pub fn is_document(headers: &HeaderMap) -> bool {
    let media_type = media_type(headers);
    ["text/html", "application/xhtml+xml", "image/svg+xml"].iter().any(|t| media_type.eq_ignore_ascii_case(t))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_pages_allow_nothing_inline_and_nothing_foreign() {
        let policy = STRICT.to_str().unwrap().to_owned();
        assert!(!policy.contains("unsafe") && !policy.contains("http"));
        assert!(COMPAT.to_str().unwrap().contains("script-src 'self' 'unsafe-inline'"));
    }

    #[test]
    fn hsts_comes_only_with_a_real_certificate() {
        for hsts in [true, false] {
            let mut headers = HeaderMap::new();
            add_common(&mut headers, hsts);
            assert_eq!(headers.contains_key(header::STRICT_TRANSPORT_SECURITY), hsts);
            assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        }
    }

    #[test]
    fn documents_are_recognised_by_their_media_type() {
        for (content_type, expected) in [
            ("text/html; charset=utf-8", true),
            ("TEXT/HTML", true),
            ("image/svg+xml", true),
            ("application/json", false),
            ("text/html-like", false),
        ] {
            let headers =
                HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
            assert_eq!(is_document(&headers), expected, "{content_type}");
        }
    }
}
