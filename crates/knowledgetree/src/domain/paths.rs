//! Paths: the names from below the root, joined by `/`; the root is the empty path and its name is never part of one
//! (knowledgetree.md §4).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Most names of a path that is looked up.
pub const MAX_DEPTH: usize = 200;

/// All but the unreserved characters of RFC 3986: what is written stands in any part of an address.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Why an address names no item.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PathError {
    /// A percent sign without two hexadecimal digits, or bytes that are no UTF-8.
    #[error("The path is not properly encoded.")]
    Encoding,
    /// More than [`MAX_DEPTH`] names.
    #[error("The path has more than {MAX_DEPTH} parts.")]
    TooDeep,
}

/// The names of a path of the API, which is not encoded: slashes at both ends are left away. An empty name in the
/// middle stays, and no item has it.
///
/// # Errors
/// [`PathError::TooDeep`].
pub fn names(path: &str) -> Result<Vec<String>, PathError> {
    segments(path, |segment| Ok(segment.to_owned()))
}

/// The names of a path as it stands in the address of a page, raw: each part is decoded once, after the parts are taken
/// apart, so that a name such as `50%41` or `a%2Fb` means itself.
///
/// # Errors
/// [`PathError`].
pub fn names_of_url(raw: &str) -> Result<Vec<String>, PathError> {
    segments(raw, decode)
}

fn segments(path: &str, read: impl Fn(&str) -> Result<String, PathError>) -> Result<Vec<String>, PathError> {
    let path = path.trim_matches('/');
    if path.is_empty() {
        return Ok(Vec::new());
    }
    if path.split('/').count() > MAX_DEPTH {
        return Err(PathError::TooDeep);
    }
    path.split('/').map(read).collect()
}

fn decode(segment: &str) -> Result<String, PathError> {
    let broken = segment.match_indices('%').any(|(at, _)| {
        !segment.as_bytes().get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    });
    if broken {
        return Err(PathError::Encoding);
    }
    percent_decode_str(segment)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| PathError::Encoding)
}

/// One name or id as a part of an address.
pub fn encode(name: &str) -> String {
    utf8_percent_encode(name, COMPONENT).to_string()
}

/// `url_path` of the API: encoded, without a slash at the start, empty for the root.
pub fn url_path<S: AsRef<str>>(names: &[S]) -> String {
    join(names, "/", encode)
}

/// `path` of the API: absolute, not encoded, `/` for the root.
pub fn api_path<S: AsRef<str>>(names: &[S]) -> String {
    format!("/{}", join(names, "/", str::to_owned))
}

/// `path` of a category: the parent's [`api_path`] and the name.
pub fn child_path(parent: &str, name: &str) -> String {
    format!("{}/{name}", parent.trim_end_matches('/'))
}

/// `folder_path` of a search result: for people, `root` for the root itself.
pub fn folder_path<S: AsRef<str>>(names: &[S]) -> String {
    if names.is_empty() { "root".to_owned() } else { join(names, " / ", str::to_owned) }
}

/// The page of a folder. `prefix` is what the gateway put before our paths, such as `/knowledgetree`.
pub fn browse_url<S: AsRef<str>>(prefix: &str, names: &[S]) -> String {
    format!("{prefix}/browse/{}", url_path(names))
}

/// The page of a folder that opens one of its articles.
pub fn open_article_url<S: AsRef<str>>(prefix: &str, folder: &[S], id: &str) -> String {
    format!("{}?article={}", browse_url(prefix, folder), encode(id))
}

/// The lasting address of an item.
pub fn view_url(prefix: &str, id: &str) -> String {
    format!("{prefix}/view/{}", encode(id))
}

/// The id in a link to an item: `/view/<id>` or `/knowledgetree/view/<id>`, whatever query or fragment follows.
pub fn item_of_link(href: &str) -> Option<String> {
    let path = href.trim().split(['?', '#']).next()?;
    let raw = path.strip_prefix("/knowledgetree").unwrap_or(path).strip_prefix("/view/")?;
    let raw = raw.strip_suffix('/').unwrap_or(raw);
    if raw.is_empty() || raw.contains('/') {
        return None;
    }
    decode(raw).ok().filter(|id| !id.chars().any(char::is_control))
}

fn join<S: AsRef<str>>(names: &[S], separator: &str, write: impl Fn(&str) -> String) -> String {
    names.iter().map(|name| write(name.as_ref())).collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_is_decoded_once() {
        for (raw, result) in [
            ("", Ok(vec![])),
            ("/", Ok(vec![])),
            ("/a/b/", Ok(vec!["a", "b"])),
            ("50%2541", Ok(vec!["50%41"])),
            ("a%2Fb/c", Ok(vec!["a/b", "c"])),
            ("a//b", Ok(vec!["a", "", "b"])),
            ("who%3F%20%231", Ok(vec!["who? #1"])),
            ("a+b", Ok(vec!["a+b"])),
            ("100%", Err(PathError::Encoding)),
            ("%zz", Err(PathError::Encoding)),
            ("%ff", Err(PathError::Encoding)),
        ] {
            let expected = result.map(|names| names.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(names_of_url(raw), expected, "{raw}");
        }
        assert_eq!(names(" a%20 /b/"), Ok(vec![" a%20 ".to_owned(), "b".to_owned()]));
        assert_eq!(names(&"x/".repeat(MAX_DEPTH + 1)), Err(PathError::TooDeep));
    }

    #[test]
    fn paths_of_answers_have_the_shape_of_the_contract() {
        let none: [&str; 0] = [];
        let some = ["Companies", "Q&A 100%"];
        assert_eq!(
            (url_path(&none), api_path(&none), folder_path(&none)),
            ("".into(), "/".into(), "root".into())
        );
        assert_eq!(url_path(&some), "Companies/Q%26A%20100%25");
        assert_eq!(api_path(&some), "/Companies/Q&A 100%");
        assert_eq!(folder_path(&some), "Companies / Q&A 100%");
        assert_eq!(child_path("/", "a"), "/a");
        assert_eq!(child_path("/a", "b"), "/a/b");
        assert_eq!(browse_url("/knowledgetree", &none), "/knowledgetree/browse/");
        assert_eq!(open_article_url("", &["a?"], "x&y"), "/browse/a%3F?article=x%26y");
        assert_eq!(view_url("/knowledgetree", "root_A&B"), "/knowledgetree/view/root_A%26B");
    }

    #[test]
    fn links_to_items_are_known_by_their_path() {
        for (href, id) in [
            ("/view/abc", Some("abc")),
            ("/knowledgetree/view/root_Acme%20Corp", Some("root_Acme Corp")),
            ("/view/abc?x=1#part", Some("abc")),
            ("/view/abc/", Some("abc")),
            ("/view/", None),
            ("/view/a/b", None),
            ("/view/%zz", None),
            ("/view/a%00", None),
            ("/other/view/abc", None),
            ("//evil.example/view/abc", None),
            ("https://acme.example/view/abc", None),
            ("view/abc", None),
        ] {
            assert_eq!(item_of_link(href).as_deref(), id, "{href}");
        }
    }

    proptest! {
        #[test]
        fn names_survive_an_address(list in prop::collection::vec(".{1,20}", 0..6)) {
            let url = url_path(&list);
            prop_assert!(url.is_ascii() && !url.contains(['?', '#', ' ', '\\']));
            prop_assert_eq!(names_of_url(&url), Ok(list));
        }

        #[test]
        fn ids_survive_a_link(id in "[^\\p{Cc}]{1,40}") {
            prop_assert_eq!(item_of_link(&view_url("/knowledgetree", &id)), Some(id));
        }

        #[test]
        fn no_address_panics(raw in ".{0,60}") {
            let _ = names_of_url(&raw);
            let _ = item_of_link(&raw);
        }
    }
}
