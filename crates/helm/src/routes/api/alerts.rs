//! What is wrong, and what was.

use axum::extract::State;
use hivematrix_shared::{auth::AdminOnly, extract::Json, problem::Result};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    ServeState,
    store::alerts::{self, Alert},
};

/// Most alerts of the past.
const MOST: i64 = 100;

/// Alerts of now and of the past.
#[derive(Debug, Serialize, ToSchema)]
pub struct Alerts {
    /// What is wrong now: the worst first, then the newest.
    firing: Vec<Alert>,
    /// What is over, the newest first, at most 100.
    resolved: Vec<Alert>,
}

/// What the rules for alerts have found.
#[utoipa::path(get, path = "/api/alerts", tag = "services",
    responses((status = 200, description = "Alerts", body = Alerts)))]
pub async fn list(State(state): State<ServeState>, _: AdminOnly) -> Result<Json<Alerts>> {
    let firing = alerts::firing(&state.pool).await?;
    let resolved = alerts::resolved(&state.pool, MOST).await?;
    Ok(Json(Alerts { firing, resolved }))
}
