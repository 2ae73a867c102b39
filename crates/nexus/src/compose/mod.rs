//! The shared look: stylesheets, theme and side panel, put into the pages of all services as they pass (nexus.md §9).

mod body;
mod panel;
mod rewriter;
mod tail;

use axum::{body::Body, response::Response};
use http::{HeaderValue, StatusCode, header};

pub use self::panel::Panel;
use self::{
    body::ComposedBody,
    rewriter::{Additions, Front},
};
use crate::domain::{look::Look, nonce::Nonce, security, session::Remaining};

/// A service answers with this header and `none` to keep its page as it is.
const OPT_OUT: &str = "x-hivematrix-look";

/// What a page gets beside its own content.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dress<'a> {
    /// Theme and colours.
    pub look: Look,
    /// The side panel of a signed-in user.
    pub panel: Option<&'a Panel>,
    /// The nonce in the page's policy, which every script that is added here carries; absent where the policy has none.
    pub nonce: Option<&'a Nonce>,
    /// The page stands for one that could not be shown: after this many seconds it tries to open that one.
    pub retry_after: Option<u64>,
    /// What is left of the session that the page's script keeps alive.
    pub session: Option<Remaining>,
}

/// Puts look and side panel into a page; anything that is no whole page passes unchanged.
pub fn compose(mut response: Response, dress: &Dress<'_>) -> Response {
    if !is_composable(&response) {
        response.headers_mut().remove(OPT_OUT);
        return response;
    }
    let additions = Additions::new(dress);
    let (mut parts, body) = response.into_parts();
    // What described the original bytes does not fit the composed page, and nobody may keep a page of a session.
    for name in [header::CONTENT_LENGTH, header::ETAG, header::LAST_MODIFIED, header::ACCEPT_RANGES] {
        parts.headers.remove(name);
    }
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Response::from_parts(parts, Body::new(ComposedBody::new(body, Front::new(additions))))
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
