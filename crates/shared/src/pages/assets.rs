//! A service's own scripts and images under `/static`, compiled into the binary.

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::conditional::is_unchanged;

/// One file.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Path below `/static/`, such as `js/main.js`.
    pub path: &'static str,
    /// Its bytes.
    pub content: &'static [u8],
}

impl Asset {
    /// A file at `/static/<path>`.
    pub const fn new(path: &'static str, content: &'static [u8]) -> Self {
        Self { path, content }
    }

    fn content_type(&self) -> &'static str {
        match self.path.rsplit('.').next() {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("json") => "application/json",
            _ => "application/octet-stream",
        }
    }
}

/// Modules that the pages of several services share; a page imports them beside its own, as `./call.js`.
pub const MODULES: &[Asset] = &[
    Asset::new("js/call.js", include_bytes!("../../static/js/call.js")),
    Asset::new("js/dialog.js", include_bytes!("../../static/js/dialog.js")),
    Asset::new("js/dom.js", include_bytes!("../../static/js/dom.js")),
    Asset::new("js/page.js", include_bytes!("../../static/js/page.js")),
];

/// Routes for all files; answers carry an `ETag` and are checked again after a minute.
pub fn router<S: Clone + Send + Sync + 'static>(assets: &'static [Asset]) -> Router<S> {
    assets.iter().fold(Router::new(), |router, asset| {
        let tag = etag(asset.content);
        let serve = move |headers: HeaderMap| {
            let tag = tag.clone();
            async move { answer(asset, &tag, &headers) }
        };
        router.route(&format!("/static/{}", asset.path), get(serve))
    })
}

fn answer(asset: &Asset, tag: &HeaderValue, headers: &HeaderMap) -> Response {
    let fixed = [
        (header::ETAG, tag.clone()),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=60")),
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type())),
    ];
    if is_unchanged(headers, tag) {
        (StatusCode::NOT_MODIFIED, fixed).into_response()
    } else {
        (fixed, asset.content).into_response()
    }
}

fn etag(content: &[u8]) -> HeaderValue {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content);
    let hex: String = digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::from_str(&format!("\"{hex}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"0\""))
}
