//! What services used (helm.md §4.3).

use axum::extract::State;
use chrono::{DateTime, Utc};
use hivematrix_shared::{
    auth::AdminOnly,
    extract::{Json, Path, Query},
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    ServeState,
    domain::metric_filter::RawMetricFilter,
    store::metrics::{self, MetricRow},
};

/// Rows of one service.
#[derive(Debug, Serialize, ToSchema)]
pub struct Metrics {
    service_name: String,
    start_time: DateTime<Utc>,
    end_time: DateTime<Utc>,
    metrics: Vec<MetricRow>,
}

/// Samples of a service, newest first: every 15 seconds for the last day, averages of five minutes before that.
#[utoipa::path(
    get, path = "/api/metrics/{service_name}", tag = "services",
    params(
        ("service_name" = String, Path, description = "Service name"),
        ("metric_name" = Option<String>, Query, description = "`cpu_percent`, `memory_mb` or `health_latency_ms`"),
        ("start_time" = Option<String>, Query, description = "ISO 8601, inclusive; 24 hours before the end"),
        ("end_time" = Option<String>, Query, description = "ISO 8601, inclusive; now"),
        ("limit" = Option<i64>, Query, description = "100, at most 1000"),
    ),
    responses((status = 200, description = "Samples; none for a service that was never seen", body = Metrics),
        (status = 400, description = "A time is wrong"))
)]
pub async fn of_service(
    State(state): State<ServeState>,
    _: AdminOnly,
    Path(service_name): Path<String>,
    Query(raw): Query<RawMetricFilter>,
) -> Result<Json<Metrics>> {
    let filter = raw
        .read(state.context.clock.now())
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST).error(error.to_string()))?;
    let metrics = metrics::search(&state.pool, &service_name, &filter).await?;
    Ok(Json(Metrics { service_name, start_time: filter.start, end_time: filter.end, metrics }))
}
