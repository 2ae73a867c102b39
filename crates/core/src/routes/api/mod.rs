//! The JSON API (core.md §2).

mod body;
mod exchange;
mod internal_token;
mod introspect;
mod jwks;
mod keys;
mod revocations;
mod revoke;
mod service_token;
mod sessions;
mod validate;

use axum::{
    middleware,
    response::{IntoResponse, Response},
};
use hivematrix_shared::{
    config::Secret,
    extract::Json,
    problem::{Problem, Result},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    crypto::signer::SigningError,
    routes::request::text,
    state::{AppState, Parts},
    store::sessions::StoreUnavailable,
};

/// Header with a service's own secret.
const SECRET_HEADER: &str = "x-service-secret";

/// All JSON routes with their documentation.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(tokens())
        .routes(routes!(jwks::jwks))
        .routes(routes!(keys::status))
        .routes(routes!(keys::rotate))
        .routes(routes!(revocations::revocations))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::delete))
        .routes(routes!(sessions::revoke))
}

/// Routes whose answers hold tokens or what is in them, which no cache may keep (RFC 6749 §5.1, RFC 7662 §4).
fn tokens() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(service_token::service_token))
        .routes(routes!(exchange::exchange))
        .routes(routes!(validate::validate))
        .routes(routes!(revoke::revoke))
        .routes(routes!(introspect::introspect))
        .routes(routes!(internal_token::internal_token))
        .route_layer(middleware::map_response(not_stored))
}

async fn not_stored(mut answer: Response) -> Response {
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// 401 unless the request carries Helm's secret.
fn require_helm(core: &Parts, headers: &HeaderMap) -> Result<()> {
    let secret = Secret::new(text(headers, SECRET_HEADER).unwrap_or_default());
    if core.secrets.fits("helm", &secret) {
        return Ok(());
    }
    Err(Problem::new(StatusCode::UNAUTHORIZED).error("Invalid service credentials"))
}

/// The body `{"error": …}` of the token routes, as upstream writes it (core.md §8).
fn error(status: StatusCode, text: impl std::fmt::Display) -> Response {
    answer(status, json!({ "error": text.to_string() }))
}

fn answer(status: StatusCode, body: Value) -> Response {
    (status, Json(body)).into_response()
}

impl From<StoreUnavailable> for Problem {
    fn from(error: StoreUnavailable) -> Self {
        Self::unavailable("Sessions cannot be checked at the moment.", 2)
            .error("Service temporarily unavailable")
            .cause(error)
    }
}

impl From<SigningError> for Problem {
    fn from(error: SigningError) -> Self {
        Self::internal(error).error("Internal server error")
    }
}
