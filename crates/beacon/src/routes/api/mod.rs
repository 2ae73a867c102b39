//! JSON routes.

mod sync;
pub mod tickets;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Beacon;

/// All JSON routes.
pub fn router() -> OpenApiRouter<Beacon> {
    OpenApiRouter::new()
        .routes(routes!(tickets::tickets))
        .routes(routes!(sync::start))
        .routes(routes!(sync::status))
}
