//! Where a browser may be sent after login or logout.

use url::Url;

/// A path of this origin, safe to redirect to; `None` for anything that could lead elsewhere (weak point 15).
///
/// It is resolved as a browser would resolve it, so `//host`, `/\host` and control characters do not slip through.
pub fn local_path(next: &str) -> Option<String> {
    if !next.starts_with('/') || next.contains(|c: char| c.is_control() || c == '\\') {
        return None;
    }
    let base = Url::parse("https://local.invalid/").ok()?;
    let resolved = base.join(next).ok()?;
    if resolved.origin() != base.origin() || !resolved.username().is_empty() || resolved.password().is_some()
    {
        return None;
    }
    let mut path = resolved.path().to_owned();
    // Dot segments may resolve to a path that starts with two slashes, which a browser reads as a host.
    if path.starts_with("//") {
        return None;
    }
    if let Some(query) = resolved.query() {
        path.push('?');
        path.push_str(query);
    }
    if let Some(fragment) = resolved.fragment() {
        path.push('#');
        path.push_str(fragment);
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_origin_are_kept() {
        for (next, kept) in [
            ("/", Some("/")),
            ("/beacon/helpdesk?agent=1#top", Some("/beacon/helpdesk?agent=1#top")),
            ("/x?u=https://elsewhere.example/", Some("/x?u=https://elsewhere.example/")),
            ("", None),
            ("beacon", None),
            ("https://elsewhere.example/", None),
            ("//elsewhere.example/", None),
            ("/\\elsewhere.example/", None),
            ("/\t/elsewhere.example/", None),
            ("/..//elsewhere.example/", None),
            ("/.//elsewhere.example", None),
            ("javascript:alert(1)", None),
        ] {
            assert_eq!(local_path(next).as_deref(), kept, "{next:?}");
        }
    }
}
