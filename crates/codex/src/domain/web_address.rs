//! Links that came from outside.

/// Whether a text leads to a page, and is not a script that calls itself one.
pub fn is_web_address(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_a_page() {
        for (link, sound) in [
            ("https://rmm.example/1", true),
            ("http://10.0.0.1/", true),
            ("javascript:alert(1)", false),
            ("data:text/html,x", false),
            ("/relative", false),
            ("", false),
        ] {
            assert_eq!(is_web_address(link), sound, "{link}");
        }
    }
}
