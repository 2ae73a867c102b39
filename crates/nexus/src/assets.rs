//! The design system's files under `/static`, compiled into the binary (nexus.md §11).

use std::{collections::HashMap, io::Write, sync::LazyLock};

use aws_lc_rs::digest;
use axum::{body::Body, response::Response};
use brotli::CompressorWriter;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use hivematrix_shared::{conditional::is_unchanged, pages::icons};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::domain::encoding::{self, Coding};

include!(concat!(env!("OUT_DIR"), "/static_files.rs"));

/// Codings in which files lie ready, the smaller form first.
const CODINGS: [Coding; 2] = [Coding::Brotli, Coding::Gzip];
/// Nearly the smallest form; the last steps cost ten times as long, at every start.
const BROTLI_QUALITY: u32 = 9;
const BROTLI_WINDOW: u32 = 22;
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
    encoded: Vec<(Coding, Bytes)>,
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
        let mut encoded = Vec::new();
        if text && content.len() as u64 >= encoding::WORTH_ENCODING {
            encoded.extend(brotli(content).map(|content| (Coding::Brotli, content)));
            encoded.extend(gzip(content).map(|content| (Coding::Gzip, content)));
        }
        Self { content, encoded, content_type, version }
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
    // Weak: the same content in whatever coding.
    let etag = HeaderValue::from_str(&format!("W/\"{}\"", asset.version)).ok()?;
    let current = query.and_then(|query| query.strip_prefix("v=")) == Some(asset.version.as_str());
    let wanted = encoding::wanted(request, &CODINGS);
    let encoded = asset.encoded.iter().find(|(coding, _)| Some(*coding) == wanted);
    let unchanged = is_unchanged(request, &etag);

    let mut response = Response::new(match (unchanged, encoded) {
        (true, _) => Body::empty(),
        (false, Some((_, content))) => Body::from(content.clone()),
        (false, None) => Body::from(asset.content),
    });
    let headers = response.headers_mut();
    headers.insert(header::ETAG, etag);
    headers.insert(header::CACHE_CONTROL, if current { FOREVER } else { ASK_AGAIN });
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    encoding::add_vary(headers);
    if unchanged {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else if let Some((coding, _)) = encoded {
        headers.insert(header::CONTENT_ENCODING, coding.header_value());
    }
    Some(response)
}

fn brotli(content: &[u8]) -> Option<Bytes> {
    let mut encoded = Vec::new();
    let mut encoder = CompressorWriter::new(&mut encoded, 4096, BROTLI_QUALITY, BROTLI_WINDOW);
    encoder.write_all(content).ok()?;
    drop(encoder);
    Some(encoded.into())
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
        for (accepted, coding) in [
            ("gzip, deflate, br", Some("br")),
            ("gzip, deflate", Some("gzip")),
            ("br;q=0.5, gzip;q=1", Some("gzip")),
            ("gzip;q=0", None),
            ("identity", None),
        ] {
            let response =
                serve("css/global.css", None, &request(header::ACCEPT_ENCODING, accepted)).unwrap();
            let sent = response.headers().get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap());
            assert_eq!(sent, coding, "{accepted}");
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
