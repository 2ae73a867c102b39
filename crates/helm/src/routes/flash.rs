//! What a form says after its redirect, in the cookie `helm_session` (helm.md §1).

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use hivematrix_shared::pages::{
    Page,
    flash::{Flash, FlashCookie},
};
use http::{HeaderValue, StatusCode, header, request::Parts};

/// The cookie.
const COOKIE: FlashCookie = FlashCookie::new("helm_session");

/// The messages for this page.
#[derive(Clone, Debug, Default)]
pub struct Flashes(pub Vec<Flash>);

impl<S: Send + Sync> FromRequestParts<S> for Flashes {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(COOKIE.read(&parts.headers)))
    }
}

impl Flashes {
    /// The page that shows them, after which they are gone.
    pub fn shown_by(self, page: impl IntoResponse) -> Response {
        let mut response = page.into_response();
        if !self.0.is_empty()
            && let Some(gone) = COOKIE.gone()
        {
            response.headers_mut().append(header::SET_COOKIE, gone);
        }
        response
    }
}

/// 302 to a path of this service, whose page says `flash`.
#[must_use]
pub fn redirect(page: &Page, path: &str, flash: &Flash) -> Response {
    let mut response = StatusCode::FOUND.into_response();
    if let Ok(target) = HeaderValue::from_str(&format!("{}{path}", page.prefix)) {
        response.headers_mut().insert(header::LOCATION, target);
    }
    if let Some(cookie) = COOKIE.set(std::slice::from_ref(flash)) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
