//! JSON routes.

pub mod displays;
mod stream;
pub mod sync;
mod tickets;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Beacon;

/// All JSON routes.
pub fn router() -> OpenApiRouter<Beacon> {
    OpenApiRouter::new()
        .routes(routes!(tickets::tickets))
        .routes(routes!(stream::stream))
        .routes(routes!(displays::list, displays::add))
        .routes(routes!(displays::revoke))
        .routes(routes!(sync::start))
        .routes(routes!(sync::status))
}
