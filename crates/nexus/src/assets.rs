//! The design system's files under `/static`, compiled into the binary (nexus.md §11).

use std::{collections::HashMap, io::Write, sync::LazyLock};

use aws_lc_rs::digest;
use axum::{body::Body, response::Response};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use hivematrix_shared::{conditional::is_unchanged, pages::icons};
use http::{HeaderMap, HeaderValue, StatusCode, header};

include!(concat!(env!("OUT_DIR"), "/static_files.rs"));

/// Smaller files gain nothing by compression.
const WORTH_COMPRESSING: usize = 1024;
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// The icon set as one file: drawings by name, for markup that asks for them and the script that draws them.
pub const ICONS: &str = "img/icons.svg";

static SPRITE: LazyLock<String> = LazyLock::new(icons::sprite);
static ASSETS: LazyLock<HashMap<&'static str, Asset>> = LazyLock::new(|| {
    let made = [(ICONS, SPRITE.as_bytes())];
    FILES.iter().copied().chain(made).map(|(path, content)| (path, Asset::new(path, content))).collect()
});

struct Asset {
    content: &'static [u8],
    compressed: Option<Bytes>,
    content_type: &'static str,
    version: String,
}

impl Asset {
    fn new(path: &str, content: &'static [u8]) -> Self {
        let hash = digest::digest(&digest::SHA256, content);
        let version = hash.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let content_type = content_type(path);
        let text = content_type.starts_with("text/")
            || content_type.contains("svg")
            || content_type.contains("json");
        let compressed = (text && content.len() >= WORTH_COMPRESSING).then(|| gzip(content)).flatten();
        Self { content, compressed, content_type, version }
    }
}

/// The address of a file with its version, `/static/<path>?v=<hash>`: it may be cached forever.
pub fn address(path: &str) -> String {
    match ASSETS.get(path) {
        Some(asset) => format!("/static/{path}?v={}", asset.version),
        None => format!("/static/{path}"),
    }
}

/// Answers a request for the file at `/static/<path>`.
pub fn serve(path: &str, query: Option<&str>, request: &HeaderMap) -> Option<Response> {
    let asset = ASSETS.get(path)?;
    let etag = HeaderValue::from_str(&format!("\"{}\"", asset.version)).ok()?;
    let current = query.and_then(|query| query.strip_prefix("v=")) == Some(asset.version.as_str());
    let compressed = asset.compressed.as_ref().filter(|_| accepts_gzip(request));
    let unchanged = is_unchanged(request, &etag);

    let mut response = Response::new(match (unchanged, compressed) {
        (true, _) => Body::empty(),
        (false, Some(compressed)) => Body::from(compressed.clone()),
        (false, None) => Body::from(asset.content),
    });
    let headers = response.headers_mut();
    headers.insert(header::ETAG, etag);
    headers.insert(header::CACHE_CONTROL, if current { FOREVER } else { ASK_AGAIN });
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if unchanged {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else if compressed.is_some() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Some(response)
}

/// Whether a client takes gzip.
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        value.split(',').map(str::trim).any(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
            name.trim().eq_ignore_ascii_case("gzip")
                && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
        })
    })
}

fn gzip(content: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).ok()?;
    Some(encoder.finish().ok()?.into())
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        Some("woff2") => "font/woff2",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn a_versioned_address_may_be_cached_forever_and_a_plain_one_is_asked_again() {
        let address = address("css/global.css");
        let query = address.split_once('?').unwrap().1;
        for (query, cached) in [(Some(query), FOREVER), (Some("v=old"), ASK_AGAIN), (None, ASK_AGAIN)] {
            let response = serve("css/global.css", query, &HeaderMap::new()).unwrap();
            assert_eq!(response.headers()[header::CACHE_CONTROL], cached, "{query:?}");
            assert_eq!(response.headers()[header::CONTENT_TYPE], "text/css; charset=utf-8");
        }
    }

    #[test]
    fn a_known_version_is_not_sent_again() {
        let first = serve("css/global.css", None, &HeaderMap::new()).unwrap();
        let etag = first.headers()[header::ETAG].to_str().unwrap();
        let again = serve("css/global.css", None, &request(header::IF_NONE_MATCH, etag)).unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        let other = serve("css/global.css", None, &request(header::IF_NONE_MATCH, "\"other\"")).unwrap();
        assert_eq!(other.status(), StatusCode::OK);
    }

    #[test]
    fn text_is_compressed_for_those_who_take_it() {
        for (accepted, encoded) in [
            ("gzip, deflate, br", true),
            ("br;q=1, gzip;q=0.5", true),
            ("gzip;q=0", false),
            ("identity", false),
        ] {
            let response =
                serve("css/global.css", None, &request(header::ACCEPT_ENCODING, accepted)).unwrap();
            assert_eq!(response.headers().contains_key(header::CONTENT_ENCODING), encoded, "{accepted}");
        }
    }

    #[test]
    fn the_icon_of_the_pages_is_there() {
        let icon = serve(crate::domain::route::ICON, None, &HeaderMap::new()).unwrap();
        assert_eq!(icon.headers()[header::CONTENT_TYPE], "image/svg+xml");
    }

    #[test]
    fn the_icon_set_is_one_file_that_may_be_cached_forever() {
        let address = address(ICONS);
        let query = address.split_once('?').unwrap().1;
        let sprite = serve(ICONS, Some(query), &HeaderMap::new()).unwrap();
        assert_eq!(sprite.headers()[header::CONTENT_TYPE], "image/svg+xml");
        assert_eq!(sprite.headers()[header::CACHE_CONTROL], FOREVER);
    }

    #[test]
    fn an_unknown_file_is_not_found() {
        assert!(serve("css/none.css", None, &HeaderMap::new()).is_none());
        assert!(serve("", None, &HeaderMap::new()).is_none());
    }
}
