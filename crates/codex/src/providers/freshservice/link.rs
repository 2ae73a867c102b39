//! The `Link` header (RFC 8288).

/// The target of the link with relation `next`, if the header value has one.
pub fn next(header: &str) -> Option<&str> {
    let mut rest = header;
    while let Some(open) = rest.find('<') {
        let close = open + rest[open..].find('>')?;
        let target = &rest[open + 1..close];
        // Parameters reach to the comma before the next `<`.
        let end = rest[close..].find('<').map_or(rest.len(), |at| close + at);
        if rest[close + 1..end].split(';').any(is_next) {
            return Some(target);
        }
        rest = &rest[end..];
    }
    None
}

fn is_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    name.trim().eq_ignore_ascii_case("rel")
        && value
            .trim_matches(|c: char| c.is_whitespace() || c == ',' || c == '"')
            .split_whitespace()
            .any(|relation| relation.eq_ignore_ascii_case("next"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_next_relation_counts() {
        for (header, expected) in [
            ("<https://a.example/t?page=2>; rel=\"next\"", Some("https://a.example/t?page=2")),
            ("<https://a.example/t?page=2>;rel=next", Some("https://a.example/t?page=2")),
            ("<x?page=1>; rel=\"prev\", <x?page=3>; rel=\"next\"", Some("x?page=3")),
            ("<x?page=1,2>; rel=\"prev\"", None),
            ("<x>; title=\"next\"", None),
            ("", None),
            ("<unclosed", None),
        ] {
            assert_eq!(next(header), expected, "{header}");
        }
    }
}
