//! The JSON API (core.md §2).

mod body;
mod exchange;
mod internal_token;
mod introspect;
mod jwks;
mod revocations;
mod revoke;
mod service_token;
mod sessions;
mod validate;

use axum::response::{IntoResponse, Response};
use hivematrix_shared::{extract::Json, problem::Problem};
use http::StatusCode;
use serde_json::{Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{crypto::signer::SigningError, state::AppState, store::sessions::StoreUnavailable};

/// All JSON routes with their documentation.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(jwks::jwks))
        .routes(routes!(service_token::service_token))
        .routes(routes!(exchange::exchange))
        .routes(routes!(validate::validate))
        .routes(routes!(revoke::revoke))
        .routes(routes!(introspect::introspect))
        .routes(routes!(internal_token::internal_token))
        .routes(routes!(revocations::revocations))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::delete))
        .routes(routes!(sessions::revoke))
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
        Self::unavailable("Sessions cannot be checked at the moment.", 2).cause(error)
    }
}

impl From<SigningError> for Problem {
    fn from(error: SigningError) -> Self {
        Self::internal(error)
    }
}
