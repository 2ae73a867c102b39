//! Where to go after sign-in: only addresses of the gateway itself (nexus.md §4.3, weak point 7).

use url::Url;

/// Longer targets are dropped: they would not fit the sign-in cookie.
const MAX_LENGTH: usize = 2000;
/// Never a target: they would sign in or out again.
const LOOPS: [&str; 3] = ["/login", "/logout", "/keycloak-callback"];

/// The local path and query of `next`, or `/` when it leads elsewhere.
pub fn local_target(next: Option<&str>) -> String {
    next.and_then(parse).unwrap_or_else(|| "/".to_owned())
}

fn parse(next: &str) -> Option<String> {
    if !next.starts_with('/') || next.len() > MAX_LENGTH {
        return None;
    }
    // The browser's own reading of the address decides: `//host` and `/\host` are other hosts for it.
    let base = Url::parse("https://gateway.invalid/").ok()?;
    let url = base.join(next).ok()?;
    if url.origin() != base.origin() || url.path().starts_with("//") || LOOPS.contains(&url.path()) {
        return None;
    }
    let mut target = url.path().to_owned();
    for (mark, part) in [('?', url.query()), ('#', url.fragment())] {
        if let Some(part) = part.filter(|part| !part.is_empty()) {
            target.push(mark);
            target.push_str(part);
        }
    }
    Some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_local_addresses_are_kept_and_their_query_survives() {
        for (next, expected) in [
            ("/ledger/", "/ledger/"),
            ("/codex/companies?x=1&x=2", "/codex/companies?x=1&x=2"),
            ("/codex/open?u=https://example.com/a", "/codex/open?u=https://example.com/a"),
            ("/codex/companies?", "/codex/companies"),
            ("/a#b", "/a#b"),
            ("/codex/../helm/", "/helm/"),
            ("", "/"),
            ("codex/", "/"),
            ("//evil.example/", "/"),
            ("/\\evil.example/", "/"),
            ("\\\\evil.example", "/"),
            ("/\t/evil.example", "/"),
            ("/\n/evil.example", "/"),
            ("/x/..//evil.example", "/"),
            ("https://evil.example/", "/"),
            ("javascript:alert(1)", "/"),
            ("/logout", "/"),
            ("/login?next=/a", "/"),
        ] {
            assert_eq!(local_target(Some(next)), expected, "{next:?}");
        }
        assert_eq!(local_target(None), "/");
        assert_eq!(local_target(Some(&format!("/{}", "a".repeat(MAX_LENGTH)))), "/");
    }
}
