//! The shared look: stylesheets, theme and side panel, put into the pages of all services as they pass (nexus.md §9).

mod body;
mod panel;
mod rewriter;

use axum::{body::Body, response::Response};
use http::{HeaderValue, StatusCode, header};

pub use self::panel::Panel;
use self::{body::ComposedBody, rewriter::Additions};
use crate::domain::{look::Look, security};

/// A service answers with this header and `none` to keep its page as it is.
const OPT_OUT: &str = "x-hivematrix-look";

/// Puts the look, and the side panel if there is one, into a page; anything that is no whole page passes unchanged. Without
/// a look the page follows the system's theme.
pub fn compose(mut response: Response, look: Option<Look>, panel: Option<&Panel>, gzip: bool) -> Response {
    if !is_composable(&response) {
        response.headers_mut().remove(OPT_OUT);
        return response;
    }
    let additions = Additions::new(look, panel.map(|panel| panel.markup(look)));
    let (mut parts, body) = response.into_parts();
    // What described the original bytes does not fit the composed page, and nobody may keep a page of a session.
    for name in [header::CONTENT_LENGTH, header::ETAG, header::LAST_MODIFIED, header::ACCEPT_RANGES] {
        parts.headers.remove(name);
    }
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if gzip {
        parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        parts.headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    Response::from_parts(parts, Body::new(ComposedBody::new(body, rewriter::build(additions), gzip)))
}

/// A page whose bytes are readable here and whose service did not opt out.
fn is_composable(response: &Response) -> bool {
    let headers = response.headers();
    let encoded = headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity");
    !matches!(
        response.status(),
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED | StatusCode::PARTIAL_CONTENT
    ) && security::media_type(headers).eq_ignore_ascii_case("text/html")
        && !encoded
        && headers.get(OPT_OUT).is_none_or(|value| value != "none")
        && is_utf8(response)
        && !is_download(response)
}

/// Pages in another encoding are rare enough to go without the look.
fn is_utf8(response: &Response) -> bool {
    let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let charset = content_type.unwrap_or_default().split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.trim().split_once('=')?;
        name.eq_ignore_ascii_case("charset").then(|| value.trim_matches('"'))
    });
    charset.is_none_or(|charset| {
        ["utf-8", "utf8", "us-ascii"].iter().any(|known| charset.eq_ignore_ascii_case(known))
    })
}

fn is_download(response: &Response) -> bool {
    let disposition =
        response.headers().get(header::CONTENT_DISPOSITION).and_then(|value| value.to_str().ok());
    disposition.is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with("attachment"))
}

#[cfg(test)]
mod tests;
