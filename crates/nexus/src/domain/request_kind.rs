//! Whether the answer to a request may get the shared look (nexus.md §9.1).

use http::{HeaderMap, Method, header};

/// Signs of a program rather than a page: an API path, a script's request or JSON asked for or sent.
fn is_api_call(path: &str, headers: &HeaderMap) -> bool {
    path.contains("/api/")
        || accepts(headers, "application/json")
        || text(headers, "content-type").is_some_and(|t| t.starts_with("application/json"))
}

/// Whether the answer, should it be HTML, may get the shared look: not for scripts that fetch fragments.
pub fn may_be_composed(method: &Method, path: &str, headers: &HeaderMap) -> bool {
    let for_a_document =
        text(headers, "sec-fetch-dest").is_none_or(|dest| matches!(dest, "document" | "iframe" | "frame"));
    method != Method::HEAD
        && for_a_document
        && !headers.contains_key("x-requested-with")
        && !is_api_call(path, headers)
}

fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    text(headers, header::ACCEPT.as_str()).is_some_and(|accept| accept.contains(media_type))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn fragments_for_scripts_keep_their_form() {
        for (list, expected) in [
            (&[][..], true),
            (&[("sec-fetch-dest", "document")], true),
            (&[("sec-fetch-dest", "iframe")], true),
            (&[("sec-fetch-dest", "empty")], false),
            (&[("x-requested-with", "fetch")], false),
            (&[("accept", "application/json")], false),
        ] {
            assert_eq!(may_be_composed(&Method::GET, "/codex/", &headers(list)), expected, "{list:?}");
        }
        assert!(!may_be_composed(&Method::HEAD, "/codex/", &HeaderMap::new()));
    }
}
