//! What a page knows about its service and the way it was reached.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::{HeaderMap, Method, header, request::Parts};

use super::icon;
use crate::{config::UNKNOWN_VERSION, problem::Problem};

/// What is the same for all pages of a service; the server layer puts it into every request.
#[derive(Clone, Debug, Default)]
pub struct PageInfo {
    /// Display name, such as `Beacon`.
    pub service_title: Arc<str>,
    /// Version shown in the footer.
    pub version: Arc<str>,
}

/// One request's view of the service, for templates. Build every link as `{{ page.prefix }}/path`.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Prefix that the gateway stripped, such as `/beacon`; empty on direct access.
    pub prefix: String,
    /// Display name of the service.
    pub service_title: Arc<str>,
    /// Version of the service.
    pub version: Arc<str>,
}

impl Page {
    /// The page of a request.
    pub fn of(parts: &Parts) -> Self {
        let info = parts.extensions.get::<PageInfo>().cloned().unwrap_or_default();
        Self { prefix: prefix_of(&parts.headers), service_title: info.service_title, version: info.version }
    }

    /// `v2025.11.22-abc1234`, for the footer; without a `v` where nobody knows.
    pub fn version_words(&self) -> String {
        let known = !self.version.is_empty() && *self.version != *UNKNOWN_VERSION;
        if known { format!("v{}", self.version) } else { UNKNOWN_VERSION.to_owned() }
    }

    /// The drawing of an icon, for templates: `{{ page.icon("save")|safe }}`. Nothing for a name that is not in the set,
    /// which the tests of the design system do not let pass.
    pub fn icon(&self, name: &str) -> &'static str {
        icon(name).unwrap_or_default()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Ok(Self::of(parts))
    }
}

/// The gateway's `X-Forwarded-Prefix`; anything that is no plain path counts as absent, since it goes into links.
pub fn prefix_of(headers: &HeaderMap) -> String {
    let prefix = headers.get("x-forwarded-prefix").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let prefix = prefix.trim_end_matches('/');
    let plain = prefix.starts_with('/')
        && !prefix.starts_with("//")
        && prefix.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_'));
    if plain { prefix.to_owned() } else { String::new() }
}

/// Whether a request is a browser opening a page, so that a missing login is a redirect (nexus.md §4.1). Anything with
/// `/api/`, `X-Requested-With` or a JSON `Accept` or `Content-Type` is not.
pub fn is_navigation(method: &Method, path: &str, headers: &HeaderMap) -> bool {
    let is_page = mentions(headers, header::ACCEPT, "text/html") || navigates(headers);
    matches!(*method, Method::GET | Method::HEAD) && is_page && !is_call(path, headers)
}

/// Whether a person sees the answer, so that errors are pages: a navigation, or a form that a browser sends.
pub fn is_shown(method: &Method, path: &str, headers: &HeaderMap) -> bool {
    is_navigation(method, path, headers) || (navigates(headers) && !is_call(path, headers))
}

fn is_call(path: &str, headers: &HeaderMap) -> bool {
    path.contains("/api/")
        || headers.contains_key("x-requested-with")
        || mentions(headers, header::CONTENT_TYPE, "json")
        || (mentions(headers, header::ACCEPT, "json") && !mentions(headers, header::ACCEPT, "text/html"))
}

fn navigates(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-mode").is_some_and(|mode| mode.as_bytes() == b"navigate")
}

fn mentions(headers: &HeaderMap, name: header::HeaderName, what: &str) -> bool {
    headers.get(name).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (n.parse().unwrap(), http::HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn the_footer_names_a_version_only_where_there_is_one() {
        for (version, words) in
            [("2025.11.22-abc1234", "v2025.11.22-abc1234"), ("unknown", "unknown"), ("", "unknown")]
        {
            assert_eq!(Page { version: version.into(), ..Page::default() }.version_words(), words);
        }
    }

    #[test]
    fn only_a_plain_path_is_taken_as_prefix() {
        for (given, taken) in [
            ("/beacon", "/beacon"),
            ("/beacon/", "/beacon"),
            ("//evil.example", ""),
            ("https://evil.example", ""),
            ("/\"><script>", ""),
            ("", ""),
        ] {
            assert_eq!(prefix_of(&headers(&[("x-forwarded-prefix", given)])), taken, "{given}");
        }
    }

    #[test]
    fn a_navigation_is_a_read_that_wants_a_page() {
        let html = [("accept", "text/html,application/xhtml+xml")];
        for (method, path, pairs, expected) in [
            (Method::GET, "/helpdesk", &html[..], true),
            (Method::HEAD, "/helpdesk", &html, true),
            (Method::POST, "/helpdesk", &html, false),
            (Method::GET, "/beacon/api/tickets/helpdesk", &html, false),
            (Method::GET, "/x", &[("sec-fetch-mode", "navigate")], true),
            (Method::GET, "/x", &[("accept", "*/*")], false),
            (Method::GET, "/x", &[("accept", "text/html"), ("x-requested-with", "XMLHttpRequest")], false),
            (Method::GET, "/x", &[("accept", "application/json")], false),
        ] {
            assert_eq!(is_navigation(&method, path, &headers(pairs)), expected, "{method} {path} {pairs:?}");
        }
    }

    #[test]
    fn the_answer_to_a_browsers_form_is_shown_too() {
        let form = [("sec-fetch-mode", "navigate"), ("content-type", "application/x-www-form-urlencoded")];
        for (method, path, pairs, expected) in [
            (Method::GET, "/x", &[("accept", "text/html")][..], true),
            (Method::POST, "/x", &form, true),
            (Method::POST, "/api/x", &form, false),
            (Method::POST, "/x", &[("accept", "text/html")], false),
            (Method::POST, "/x", &[("sec-fetch-mode", "cors")], false),
            (
                Method::POST,
                "/x",
                &[("sec-fetch-mode", "navigate"), ("content-type", "application/json")],
                false,
            ),
        ] {
            assert_eq!(is_shown(&method, path, &headers(pairs)), expected, "{method} {path} {pairs:?}");
        }
    }
}
