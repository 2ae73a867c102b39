//! Cookies: the gateway's own are kept from the backends, the backends' are kept apart from each other (nexus.md §8).

use http::{HeaderMap, HeaderValue, header};

/// Prefix of the session cookie and of its chunks.
pub const SESSION: &str = "__Host-session";
/// Prefix of the sign-in cookies, one for each sign-in under way.
pub const LOGIN: &str = "__Host-login-";
/// What a browser remembers of the look; no secret, the theme switch writes it too (js/80-theme.js).
pub const LOOK: &str = "__Host-look";
/// Attributes of every other cookie of the gateway.
const ATTRIBUTES: &str = "; Path=/; Secure; HttpOnly; SameSite=Lax";
/// Browsers take at least 4096 bytes for name, value and attributes together.
const CHUNK: usize = 3800;
/// More chunks than any real session needs; a longer list is a forgery.
const MAX_CHUNKS: usize = 12;

/// Each cookie of a request as it came, also when HTTP/2 sent them as several headers. Other sites of the same host may
/// have set some of any bytes, which must not hide the others.
fn raw_pairs(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers
        .get_all(header::COOKIE)
        .into_iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
        .map(<[u8]>::trim_ascii)
}

/// Name and value of each cookie of a request that can be read.
pub fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    raw_pairs(headers).filter_map(|pair| std::str::from_utf8(pair).ok()?.split_once('='))
}

/// The value of a cookie. Of two values under one name at least one was planted, so neither counts.
pub fn get<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = pairs(headers).filter(|(n, _)| *n == name).map(|(_, value)| value);
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

/// Whether a cookie is the gateway's own.
pub fn is_own(name: &str) -> bool {
    name.starts_with(SESSION) || name.starts_with(LOGIN) || name == LOOK
}

/// Takes the gateway's own cookies out of a request; the others go on as one header.
pub fn strip_own(headers: &mut HeaderMap) {
    if !headers.contains_key(header::COOKIE) {
        return;
    }
    let others = raw_pairs(headers).filter(|pair| {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        !pair.is_empty() && !std::str::from_utf8(name).is_ok_and(is_own)
    });
    let rest = others.collect::<Vec<_>>().join(&b"; "[..]);
    headers.remove(header::COOKIE);
    if let Ok(value) = HeaderValue::from_bytes(&rest)
        && !rest.is_empty()
    {
        headers.insert(header::COOKIE, value);
    }
}

/// The value of a cookie that may be split: `<n>.<first part>`, further parts in `<name>-1` and so on.
pub fn get_chunked(headers: &HeaderMap, name: &str) -> Option<String> {
    let (count, first) = get(headers, name)?.split_once('.')?;
    let count: usize = count.parse().ok().filter(|n| (1..=MAX_CHUNKS).contains(n))?;
    let mut value = first.to_owned();
    for index in 1..count {
        value.push_str(get(headers, &format!("{name}-{index}"))?);
    }
    Some(value)
}

/// `Set-Cookie` values that store `value`, in chunks when it is long. Left-over chunks of `request` are expired.
pub fn set_chunked(name: &str, value: &str, request: &HeaderMap) -> Vec<String> {
    let mut parts: Vec<&str> = Vec::new();
    let mut rest = value;
    while rest.len() > CHUNK {
        let (part, tail) = rest.split_at(CHUNK);
        parts.push(part);
        rest = tail;
    }
    parts.push(rest);
    let mut cookies = vec![format!("{name}={}.{}{ATTRIBUTES}", parts.len(), parts[0])];
    cookies
        .extend(parts.iter().enumerate().skip(1).map(|(i, part)| format!("{name}-{i}={part}{ATTRIBUTES}")));
    let left_over = |n: &str| {
        n.strip_prefix(name)
            .and_then(|s| s.strip_prefix('-'))
            .and_then(|i| i.parse().ok())
            .is_some_and(|i: usize| i >= parts.len())
    };
    cookies.extend(pairs(request).filter(|(n, _)| left_over(n)).map(|(n, _)| expire(n)));
    cookies
}

/// `Set-Cookie` value of a short-lived cookie.
pub fn set_for(name: &str, value: &str, seconds: u32) -> String {
    format!("{name}={value}; Max-Age={seconds}{ATTRIBUTES}")
}

/// `Set-Cookie` value of a cookie that scripts of our pages may read.
pub fn set_readable(name: &str, value: &str, seconds: u32) -> String {
    format!("{name}={value}; Path=/; Secure; SameSite=Lax; Max-Age={seconds}")
}

/// `Set-Cookie` value that removes a cookie of the gateway.
pub fn expire(name: &str) -> String {
    format!("{name}=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0{ATTRIBUTES}")
}

/// `Set-Cookie` values that remove a cookie and its chunks, always including the first.
pub fn expire_chunked(name: &str, request: &HeaderMap) -> Vec<String> {
    let chunk = format!("{name}-");
    let mut cookies = vec![expire(name)];
    cookies.extend(pairs(request).filter(|(n, _)| n.starts_with(&chunk)).map(|(n, _)| expire(n)));
    cookies
}

/// A backend's `Set-Cookie` as the browser gets it: kept below `scope` and without a domain. `None` drops it: a name
/// of the gateway, one with a prefix that demands `Path=/`, or none, since browsers send back the value alone, which may
/// look like any cookie.
pub fn scope_set_cookie(value: &str, scope: &str, default_same_site: bool) -> Option<String> {
    let mut parts = value.split(';').map(str::trim);
    let pair = parts.next()?;
    let name = pair.split_once('=')?.0.trim();
    if name.is_empty() || is_own(name) || name.starts_with("__Host-") {
        return None;
    }
    let (mut path, mut same_site) = (None, false);
    let mut scoped = pair.to_owned();
    for part in parts.filter(|part| !part.is_empty()) {
        let key = part.split_once('=').map_or(part, |(key, _)| key);
        if key.eq_ignore_ascii_case("path") {
            path = part.split_once('=').map(|(_, path)| path.trim().to_owned());
        } else if !key.eq_ignore_ascii_case("domain") {
            same_site |= key.eq_ignore_ascii_case("samesite");
            scoped.push_str("; ");
            scoped.push_str(part);
        }
    }
    let inside =
        |path: &String| path.strip_prefix(scope).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    scoped.push_str("; Path=");
    scoped.push_str(&path.filter(inside).unwrap_or_else(|| scope.to_owned()));
    if default_same_site && !same_site {
        scoped.push_str("; SameSite=Lax");
    }
    Some(scoped)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(cookies: &[&'static str]) -> HeaderMap {
        cookies.iter().map(|c| (header::COOKIE, HeaderValue::from_static(c))).collect()
    }

    /// What a browser would send back after these `Set-Cookie` values.
    fn browser(set: &[String]) -> HeaderMap {
        let kept = set.iter().filter(|c| !c.contains("Max-Age=0")).map(|c| c.split(';').next().unwrap());
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, kept.collect::<Vec<_>>().join("; ").parse().unwrap());
        headers
    }

    #[test]
    fn own_cookies_stay_here_and_the_others_go_on_as_one_header() {
        let mut headers = request(&[
            "__Host-session=1.a; lang=en; __Host-look=dark.bee",
            "__Host-session-1=b; __Host-login-x=c; flash=q=1",
        ]);
        strip_own(&mut headers);
        assert_eq!(headers.get_all(header::COOKIE).iter().collect::<Vec<_>>(), ["lang=en; flash=q=1"]);
        let mut only_own = request(&["__Host-session=1.a"]);
        strip_own(&mut only_own);
        assert!(only_own.is_empty());
    }

    #[test]
    fn a_cookie_of_any_bytes_hides_no_other_and_goes_on_as_it_is() {
        let bytes = b"__Host-session=1.a; name=J\xF6rg; lang=\xC3\xA9";
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_bytes(bytes).unwrap());
        assert_eq!(get_chunked(&headers, SESSION).as_deref(), Some("a"));
        assert_eq!(get(&headers, "lang"), Some("\u{e9}"));
        strip_own(&mut headers);
        assert_eq!(headers[header::COOKIE].as_bytes(), b"name=J\xF6rg; lang=\xC3\xA9");
    }

    #[test]
    fn a_long_value_travels_in_chunks() {
        for length in [10, CHUNK, CHUNK + 1, 3 * CHUNK + 7] {
            let value = "x".repeat(length);
            let set = set_chunked(SESSION, &value, &HeaderMap::new());
            assert_eq!(set.len(), length.div_ceil(CHUNK), "{length}");
            assert!(set.iter().all(|c| c.len() < 4096 && c.ends_with(ATTRIBUTES)), "{length}");
            assert_eq!(get_chunked(&browser(&set), SESSION), Some(value), "{length}");
        }
    }

    #[test]
    fn a_missing_chunk_or_a_wild_count_is_no_value() {
        for cookies in [
            "__Host-session=2.a",
            "__Host-session=0.a",
            "__Host-session=99.a",
            "__Host-session=x.a",
            "__Host-session=abc",
            "__Host-session=1.a; __Host-session=1.b",
            "__Host-session=2.a; __Host-session-1=b; __Host-session-1=c",
            "other=1.a",
        ] {
            assert_eq!(get_chunked(&request(&[cookies]), SESSION), None, "{cookies}");
        }
    }

    #[test]
    fn a_shorter_value_expires_the_chunks_that_are_left_over() {
        let before = request(&["__Host-session=3.a; __Host-session-1=b; __Host-session-2=c"]);
        let set = set_chunked(SESSION, "short", &before);
        assert_eq!(set.len(), 3);
        assert!(set[1].starts_with("__Host-session-1=;") && set[2].starts_with("__Host-session-2=;"));
        assert_eq!(expire_chunked(SESSION, &before).len(), 3);
    }

    #[test]
    fn backend_cookies_are_kept_below_their_service() {
        for (value, expected) in [
            ("session=abc; HttpOnly; Path=/", Some("session=abc; HttpOnly; Path=/ledger")),
            ("a=b", Some("a=b; Path=/ledger")),
            ("a=b; Path=/ledger/x; Domain=example.net", Some("a=b; Path=/ledger/x")),
            ("a=b; path=/ledgerx", Some("a=b; Path=/ledger")),
            ("a=; Max-Age=0; SameSite=Strict", Some("a=; Max-Age=0; SameSite=Strict; Path=/ledger")),
            ("__Host-session=evil; Path=/; Secure", None),
            ("__Host-session-1=evil", None),
            ("__Host-login-x=evil", None),
            ("__Host-other=x; Path=/; Secure", None),
            ("nonsense", None),
            ("=__Host-session=evil", None),
            (" = __Host-session=evil", None),
        ] {
            assert_eq!(scope_set_cookie(value, "/ledger", false).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn cookies_of_the_identity_provider_get_a_same_site_rule() {
        assert_eq!(
            scope_set_cookie("AUTH=1; Path=/realms/hivematrix/; Secure; HttpOnly", "/keycloak", true)
                .as_deref(),
            Some("AUTH=1; Secure; HttpOnly; Path=/keycloak; SameSite=Lax")
        );
        assert_eq!(
            scope_set_cookie("A=1; SameSite=None; Secure", "/keycloak", true).as_deref(),
            Some("A=1; SameSite=None; Secure; Path=/keycloak")
        );
    }
}
