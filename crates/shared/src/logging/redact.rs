//! The last line of defence against secrets in logs: callers must not log them, this removes what slips through.

use serde_json::Value;

/// Longest text of a message or value that is kept; Helm cuts messages at the same length (helm.md §4.2).
const MAX_CHARS: usize = 10_000;

const HIDDEN: &str = "[redacted]";

/// Whether a field of this name holds a secret by its name alone.
pub(super) fn is_secret(field: &str) -> bool {
    const ENDINGS: [&str; 8] =
        ["password", "secret", "token", "api_key", "apikey", "authorization", "cookie", "private_key"];
    let same =
        |(one, other): (&u8, &u8)| *one == other.to_ascii_lowercase() || (*one, *other) == (b'_', b'-');
    let ends_with = |ending: &str| {
        let tail = field.len().checked_sub(ending.len()).map(|start| &field.as_bytes()[start..]);
        tail.is_some_and(|tail| ending.as_bytes().iter().zip(tail).all(same))
    };
    ENDINGS.iter().any(|ending| ends_with(ending))
}

/// The value that takes a secret's place.
pub(super) fn hidden() -> Value {
    Value::from(HIDDEN)
}

/// The text without signed tokens and passwords of URLs, cut to a bearable length.
pub(super) fn text(mut text: String) -> String {
    if text.len() > MAX_CHARS
        && let Some((at, _)) = text.char_indices().nth(MAX_CHARS)
    {
        text.truncate(at);
    }
    if text.contains("eyJ") {
        text = without_tokens(&text);
    }
    if text.contains("://") {
        text = without_url_passwords(&text);
    }
    text
}

/// Replaces everything that looks like `eyJ….….…`, the compact form of a JWT.
fn without_tokens(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("eyJ") {
        let candidate = &rest[start..];
        let end = candidate
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '=')))
            .unwrap_or(candidate.len());
        out.push_str(&rest[..start]);
        let word = &candidate[..end];
        out.push_str(if word.matches('.').count() >= 2 { HIDDEN } else { word });
        rest = &candidate[end..];
    }
    out.push_str(rest);
    out
}

/// Replaces the password of `scheme://user:password@host`.
fn without_url_passwords(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        let (before, after) = rest.split_at(start + 3);
        out.push_str(before);
        let end = after
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\''))
            .unwrap_or(after.len());
        let authority = &after[..end];
        match authority
            .rsplit_once('@')
            .and_then(|(userinfo, host)| Some((userinfo.split_once(':')?.0, host)))
        {
            Some((user, host)) => {
                out.push_str(user);
                out.push(':');
                out.push_str(HIDDEN);
                out.push('@');
                out.push_str(host);
            }
            None => out.push_str(authority),
        }
        rest = &after[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_promise_a_secret_are_known() {
        for name in [
            "password",
            "client_secret",
            "X-Service-Secret",
            "access_token",
            "api_key",
            "Authorization",
            "Set-Cookie",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["user", "token_type", "view_slug", "secret_rotated_at", "status"] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn tokens_and_url_passwords_are_cut_out_of_texts() {
        for (given, expected) in [
            ("Bearer eyJhbGciOi.eyJpc3Mi.c2ln-_x refused", "Bearer [redacted] refused"),
            ("eyJ is how a token begins", "eyJ is how a token begins"),
            (
                "cannot reach postgres://codex:s3cr3t@127.0.0.1:5432/db now",
                "cannot reach postgres://codex:[redacted]@127.0.0.1:5432/db now",
            ),
            ("GET https://example.net/a?b=c", "GET https://example.net/a?b=c"),
            ("a user@host and http://x", "a user@host and http://x"),
        ] {
            assert_eq!(text(given.to_owned()), expected);
        }
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        let long = "ä".repeat(MAX_CHARS + 5);
        assert_eq!(text(long).chars().count(), MAX_CHARS);
    }
}
