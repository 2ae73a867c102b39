//! Conditional requests (RFC 9110 §13.1.2): answers that the client has already cost no body.

use http::{HeaderMap, HeaderValue, header};

/// Whether `If-None-Match` names the entity tag of the answer, or any (`*`). Tags are compared weakly.
pub fn is_unchanged(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let Ok(own) = etag.to_str().map(opaque) else { return false };
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|tag| tag.trim() == "*" || opaque(tag) == own)
}

fn opaque(tag: &str) -> &str {
    let tag = tag.trim();
    tag.strip_prefix("W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_tag_is_compared_weakly_and_among_several() {
        let own = HeaderValue::from_static("W/\"a\"");
        for (sent, same) in [
            ("W/\"a\"", true),
            ("\"a\"", true),
            ("\"b\", W/\"a\"", true),
            ("*", true),
            ("\"b\"", false),
            ("a", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static(sent))]);
            assert_eq!(is_unchanged(&headers, &own), same, "{sent}");
        }
        assert!(!is_unchanged(&HeaderMap::new(), &own));
    }
}
