//! What a sync could not take as it was (codex-api.md §8.2).

use axum::extract::State;
use hivematrix_shared::{
    extract::{Json, LenientQuery, Path},
    pages::format::iso_z,
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    paging::{self, MAX_LIMIT},
    refusals::ForTechnicians,
    sync::Technician,
};
use crate::{
    Codex,
    store::{job_errors, sync_jobs},
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(list_errors))
}

/// The page; values of the wrong type are ignored.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct PageQuery {
    /// Page size, 100 unless given, at most 500.
    limit: Option<i64>,
    /// Rows to skip.
    offset: Option<i64>,
}

/// One row that was patched or left out, or a step that failed.
#[derive(Serialize, ToSchema)]
struct JobErrorRow {
    #[schema(format = DateTime)]
    at: String,
    message: String,
}

/// A page of them.
#[derive(Serialize, ToSchema)]
struct JobErrorPage {
    errors: Vec<JobErrorRow>,
    /// Rows on this page.
    count: usize,
    /// Rows that were kept, at most 10,000; all are counted in the job's `progress.counts.warnings`.
    total: i64,
    offset: i64,
    limit: i64,
}

/// What a job could not take as it was, in the order in which it came. Grows while the job runs.
#[utoipa::path(get, path = "/sync/status/{job_id}/errors", tag = "sync", params(("job_id" = String, Path, description = "Id of the job"), PageQuery), responses(
    (status = 200, body = JobErrorPage), (status = 404, description = "No such job"), ForTechnicians
))]
async fn list_errors(
    State(codex): State<Codex>,
    _: Technician,
    Path(job_id): Path<String>,
    LenientQuery(query): LenientQuery<PageQuery>,
) -> Result<Json<JobErrorPage>> {
    let missing = || Problem::new(StatusCode::NOT_FOUND).error("Job not found");
    let id = Uuid::parse_str(&job_id).map_err(|_| missing())?;
    sync_jobs::get(&codex.pool, id).await?.ok_or_else(missing)?;
    let (limit, offset) = (paging::limit(query.limit, 100, MAX_LIMIT), paging::offset(query.offset));
    let page = job_errors::list(&codex.pool, id, limit, offset).await?;
    let rows = page.items.into_iter().map(|row| JobErrorRow { at: iso_z(row.at), message: row.message });
    let errors: Vec<JobErrorRow> = rows.collect();
    Ok(Json(JobErrorPage { count: errors.len(), total: page.total, errors, offset, limit }))
}
