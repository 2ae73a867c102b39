//! `GET /.well-known/jwks.json` (core.md §2.5).

use axum::extract::State;
use hivematrix_shared::extract::Json;
use serde_json::Value;

use crate::state::AppState;

/// The public keys that verify Core's tokens. Open: services and gateway read it before they have any token.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "tokens", security(()),
    responses((status = 200, description = "A JSON Web Key Set", body = Object)))]
pub async fn jwks(State(core): State<AppState>) -> Json<Value> {
    Json(core.keys.jwks())
}
