//! Content codings (RFC 9110 §8.4, §12.5.3): which one a client wants, and which answers gain by one.

use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::security::media_type;

/// Smaller answers gain nothing.
pub const WORTH_ENCODING: u64 = 1024;

/// A coding that the gateway can apply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Coding {
    /// `br` (RFC 7932).
    Brotli,
    /// `gzip` (RFC 1952).
    Gzip,
}

impl Coding {
    /// Its name in headers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// The value of `Content-Encoding`.
    pub fn header_value(self) -> HeaderValue {
        HeaderValue::from_static(self.name())
    }
}

/// The coding of `offered` that a client likes best; among equals the one offered first. `None`: as it is.
pub fn wanted(headers: &HeaderMap, offered: &[Coding]) -> Option<Coding> {
    let mut best: Option<(Coding, u16)> = None;
    for coding in offered {
        let weight = weight(headers, coding.name()).or_else(|| weight(headers, "*")).unwrap_or(0);
        if weight > best.map_or(0, |(_, weight)| weight) {
            best = Some((*coding, weight));
        }
    }
    let plain = weight(headers, "identity").unwrap_or(0);
    best.filter(|(_, weight)| *weight >= plain).map(|(coding, _)| coding)
}

/// The weight that `Accept-Encoding` gives to a coding, in thousandths.
fn weight(headers: &HeaderMap, wanted: &str) -> Option<u16> {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(|item| {
            let mut parts = item.split(';').map(str::trim);
            let name = parts.next()?;
            let name = if name.eq_ignore_ascii_case("x-gzip") { "gzip" } else { name };
            let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            name.eq_ignore_ascii_case(wanted).then(|| weight.map_or(1000, thousandths))
        })
}

/// A malformed weight counts as a refusal: an answer that is sent plain is always readable.
fn thousandths(weight: &str) -> u16 {
    match weight.parse::<f32>() {
        Ok(weight) if (0.0..=1.0).contains(&weight) => (weight * 1000.0).round() as u16,
        _ => 0,
    }
}

/// Whether an answer may be encoded: a whole text that nobody encoded yet and that may be transformed. Event streams and
/// other endless answers are not texts of this kind: their pieces have to arrive one by one.
pub fn may_be_encoded(status: StatusCode, headers: &HeaderMap) -> bool {
    let whole = !status.is_informational()
        && !matches!(
            status,
            StatusCode::NO_CONTENT
                | StatusCode::RESET_CONTENT
                | StatusCode::PARTIAL_CONTENT
                | StatusCode::NOT_MODIFIED
        )
        && !headers.contains_key(header::CONTENT_RANGE);
    whole
        && !headers.contains_key(header::CONTENT_ENCODING)
        && is_text(media_type(headers))
        && !is_fixed(headers)
}

/// `Cache-Control: no-transform` (RFC 9111 §5.2.2.6).
fn is_fixed(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|directive| directive.trim().eq_ignore_ascii_case("no-transform"))
}

fn is_text(media_type: &str) -> bool {
    const TEXTS: [&str; 6] = [
        "application/json",
        "application/javascript",
        "application/xml",
        "application/wasm",
        "application/manifest+json",
        "image/svg+xml",
    ];
    let (kind, syntax) = media_type.split_once('/').unwrap_or_default();
    let suffix = syntax.rsplit_once('+').map_or("", |(_, suffix)| suffix);
    TEXTS.iter().any(|text| media_type.eq_ignore_ascii_case(text))
        || ["json", "xml"].iter().any(|text| suffix.eq_ignore_ascii_case(text))
        || (kind.eq_ignore_ascii_case("text") && !syntax.eq_ignore_ascii_case("event-stream"))
}

/// Says in the headers that an answer depends on `Accept-Encoding`, whether or not this one is encoded.
pub fn add_vary(headers: &mut HeaderMap) {
    let named = headers
        .get_all(header::VARY)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|name| name.trim() == "*" || name.trim().eq_ignore_ascii_case("accept-encoding"));
    if !named {
        headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
}

/// Fits the headers to an encoded body: another length, no ranges of it, and an entity tag that only says "the same
/// content" (RFC 9110 §8.8.3.3).
pub fn describe_encoded(headers: &mut HeaderMap, coding: Coding) {
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::ACCEPT_RANGES);
    headers.insert(header::CONTENT_ENCODING, coding.header_value());
    let Some(tag) = headers.get(header::ETAG).map(HeaderValue::as_bytes) else { return };
    if tag.starts_with(b"W/") {
        return;
    }
    let weak = HeaderValue::from_bytes(&[b"W/".as_slice(), tag].concat());
    match weak {
        Ok(weak) => headers.insert(header::ETAG, weak),
        Err(_) => headers.remove(header::ETAG),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in list {
            map.append(*name, HeaderValue::from_static(value));
        }
        map
    }

    #[test]
    fn the_client_chooses_by_weight_and_the_gateway_among_equals() {
        use Coding::{Brotli, Gzip};
        for (accepted, expected) in [
            ("gzip, deflate, br, zstd", Some(Gzip)),
            ("br, gzip", Some(Gzip)),
            ("br", Some(Brotli)),
            ("gzip;q=0.5, br;q=0.8", Some(Brotli)),
            ("gzip;q=0.5,br;q=0.500", Some(Gzip)),
            ("gzip;q=0, br", Some(Brotli)),
            ("gzip; q=0.001", Some(Gzip)),
            ("GZIP;Q=1.0", Some(Gzip)),
            ("x-gzip", Some(Gzip)),
            ("*", Some(Gzip)),
            ("*;q=0.1, gzip;q=0", Some(Brotli)),
            ("br;q=1, *;q=0", Some(Brotli)),
            ("identity, gzip;q=0.5", None),
            ("identity;q=0.5, gzip", Some(Gzip)),
            ("gzip;q=2", None),
            ("gzip;q=-1", None),
            ("gzip;q=abc", None),
            ("gzip;q=0.000", None),
            ("identity", None),
            ("deflate, zstd", None),
            ("gzippy", None),
            ("", None),
        ] {
            assert_eq!(
                wanted(&headers(&[("accept-encoding", accepted)]), &[Gzip, Brotli]),
                expected,
                "{accepted}"
            );
        }
        assert_eq!(wanted(&HeaderMap::new(), &[Gzip, Brotli]), None);
        assert_eq!(wanted(&headers(&[("accept-encoding", "gzip, br")]), &[Brotli, Gzip]), Some(Brotli));
        let two_lines = headers(&[("accept-encoding", "deflate"), ("accept-encoding", "br")]);
        assert_eq!(wanted(&two_lines, &[Gzip, Brotli]), Some(Brotli));
    }

    #[test]
    fn whole_texts_may_be_encoded_and_nothing_else() {
        let json = ("content-type", "application/json");
        for (status, list, expected) in [
            (200, &[json][..], true),
            (404, &[json], true),
            (200, &[("content-type", "text/html; charset=utf-8")], true),
            (200, &[("content-type", "application/problem+json")], true),
            (200, &[("content-type", "image/svg+xml")], true),
            (200, &[("content-type", "TEXT/CSV")], true),
            (200, &[json, ("cache-control", "private, max-age=5")], true),
            (200, &[json, ("cache-control", "private, No-Transform")], false),
            (200, &[json, ("content-encoding", "gzip")], false),
            (200, &[json, ("content-range", "bytes 0-9/10")], false),
            (206, &[json], false),
            (204, &[json], false),
            (304, &[json], false),
            (101, &[json], false),
            (200, &[("content-type", "text/event-stream")], false),
            (200, &[("content-type", "application/x-ndjson")], false),
            (200, &[("content-type", "application/octet-stream")], false),
            (200, &[("content-type", "application/zip")], false),
            (200, &[("content-type", "image/png")], false),
            (200, &[], false),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(may_be_encoded(status, &headers(list)), expected, "{status} {list:?}");
        }
    }

    #[test]
    fn caches_are_told_once_that_the_coding_was_chosen() {
        for (given, expected) in [
            (&[][..], &["accept-encoding"][..]),
            (&[("vary", "Cookie")], &["Cookie", "accept-encoding"]),
            (&[("vary", "Cookie, Accept-Encoding")], &["Cookie, Accept-Encoding"]),
            (&[("vary", "*")], &["*"]),
        ] {
            let mut map = headers(given);
            add_vary(&mut map);
            assert_eq!(map.get_all("vary").iter().collect::<Vec<_>>(), expected, "{given:?}");
        }
    }

    #[test]
    fn the_headers_of_an_encoded_answer_fit_its_body() {
        for (tag, expected) in [("\"1\"", "W/\"1\""), ("W/\"1\"", "W/\"1\"")] {
            let mut map = headers(&[("content-length", "5000"), ("accept-ranges", "bytes")]);
            map.insert("etag", HeaderValue::from_static(tag));
            describe_encoded(&mut map, Coding::Gzip);
            assert_eq!(map["etag"], expected);
            assert_eq!(map["content-encoding"], "gzip");
            assert!(!map.contains_key("content-length") && !map.contains_key("accept-ranges"));
        }
    }
}
