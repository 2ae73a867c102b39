//! What a form says after its redirect. The gateway has `session` for itself, so that name would be lost behind it
//! (codex-pages.md §10).

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use hivematrix_shared::pages::flash::FlashCookie;
pub use hivematrix_shared::pages::flash::{Flash, Kind};
use http::request::Parts;

/// The cookie.
pub const COOKIE: FlashCookie = FlashCookie::new("codex_session");

/// The messages for this page.
#[derive(Clone, Debug, Default)]
pub struct Flashes(pub Vec<Flash>);

impl<S: Send + Sync> FromRequestParts<S> for Flashes {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(COOKIE.read(&parts.headers)))
    }
}
