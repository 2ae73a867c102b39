//! Archiving many companies at once, and how that went (ledger.md §7.4, §7.5).

use axum::extract::State;
use hivematrix_shared::{
    audit,
    auth::BillingOnly,
    extract::{Json, Path, Query},
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    accept::number,
    archive::{stamp, whole},
    bad, by, members, missing,
    month::period,
};
use crate::{
    Ledger,
    jobs::{NotStarted, Order},
    store::jobs::{self, JobCompany, JobRow},
};

/// Companies in one request.
const MOST_COMPANIES: usize = 100_000;

/// The routes of this file.
pub fn router() -> OpenApiRouter<Ledger> {
    OpenApiRouter::new()
        .routes(routes!(start))
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(companies))
}

/// What is archived.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "stands in the document; the handler reads numbers and their texts")]
struct BulkBody {
    /// Year.
    year: i32,
    /// Month, 1 to 12.
    month: i32,
    /// Only these companies; null, an empty list or nothing at all is everybody.
    account_numbers: Option<Vec<String>>,
    /// Kept with each bill.
    notes: Option<String>,
}

/// A job runs.
#[derive(Serialize, ToSchema)]
struct Started {
    /// For people.
    message: &'static str,
    /// Its id.
    job_id: Uuid,
}

/// Archives the bills of a month in the background. One company that fails stops no other; what is archived already stays.
#[utoipa::path(
    post, path = "/archive/api/snapshot/bulk", tag = "archive", request_body = BulkBody,
    responses(
        (status = 202, body = Started),
        (status = 400, description = "Members are missing or wrong, or the month has not begun"),
        (status = 409, description = "A job for this month is running")
    )
)]
async fn start(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Json(body): Json<Value>,
) -> Result<(StatusCode, Json<Started>)> {
    let body = members(body)?;
    let needed = || bad("year and month are required");
    let period = period(number(&body, "year", needed)?, number(&body, "month", needed)?)?;
    if ledger.bills.current_period().is_some_and(|current| period > current) {
        return Err(bad("A month that has not begun cannot be archived"));
    }
    let only = account_numbers(&body)?;
    let notes = body.get("notes").and_then(Value::as_str).map(str::trim).filter(|notes| !notes.is_empty());
    if notes.is_some_and(|notes| notes.chars().count() > 10_000 || notes.contains('\0')) {
        return Err(bad("notes must have at most 10000 characters"));
    }
    let order = Order {
        job_type: "bulk",
        period,
        only,
        by: by(&caller),
        notes: notes.map(str::to_owned),
        stop: ledger.context.shutdown.clone(),
    };
    let job_id = ledger.jobs.start(order).await.map_err(|error| match error {
        NotStarted::Running => Problem::new(StatusCode::CONFLICT).error(error.to_string()),
        NotStarted::Database(error) => error.into(),
    })?;
    audit!(user = by(&caller), job = %job_id, period = %period, "Bulk archiving started");
    Ok((StatusCode::ACCEPTED, Json(Started { message: "Bulk snapshot job started", job_id })))
}

fn account_numbers(body: &Map<String, Value>) -> Result<Option<Vec<String>>> {
    let wrong = || bad("account_numbers must be a list of account numbers");
    let rows = match body.get("account_numbers") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(rows)) if rows.len() <= MOST_COMPANIES => rows,
        Some(_) => return Err(wrong()),
    };
    let text = |row: &Value| match row {
        Value::String(text) if !text.trim().is_empty() && text.len() <= 200 => Ok(text.trim().to_owned()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(wrong()),
    };
    let numbers = rows.iter().map(text).collect::<Result<Vec<String>>>()?;
    Ok(Some(numbers).filter(|numbers| !numbers.is_empty()))
}

/// Which jobs.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
struct JobsQuery {
    /// At most so many: 50 where nothing is said, 100 at most.
    #[param(value_type = Option<i64>, minimum = 0)]
    limit: Option<String>,
    /// Without the first ones.
    #[param(value_type = Option<i64>, minimum = 0)]
    offset: Option<String>,
}

fn common(job: &JobRow) -> Value {
    json!({
        "id": job.id,
        "job_type": job.job_type,
        "status": job.status,
        "target_year": job.target_year,
        "target_month": job.target_month,
        "total_companies": job.total_companies,
        "completed_companies": job.completed_companies,
        "failed_companies": job.failed_companies,
        "started_at": stamp(job.started_at),
        "completed_at": job.completed_at.map(stamp),
        "success": job.success,
        "triggered_by": job.triggered_by,
    })
}

fn output(job: &JobRow) -> Value {
    job.output.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// Jobs, the last started first.
#[utoipa::path(
    get, path = "/archive/api/scheduler/jobs", tag = "archive",
    responses((status = 200, description = "`jobs`", body = Value))
)]
async fn list(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Query(query): Query<JobsQuery>,
) -> Result<Json<Value>> {
    let limit = whole("limit", &query.limit, 0..=i64::MAX)?.unwrap_or(50).min(100);
    let offset = whole("offset", &query.offset, 0..=i64::MAX)?.unwrap_or(0);
    let rows = jobs::list(&ledger.pool, limit, offset).await?;
    let jobs: Vec<Value> = rows
        .iter()
        .map(|job| {
            let (mut row, output) = (common(job), output(job));
            row["success_count"] = output["success_count"].clone();
            row["failed_count"] = output["failed_count"].clone();
            row
        })
        .collect();
    Ok(Json(json!({ "jobs": jobs })))
}

async fn found(ledger: &Ledger, id: &str) -> Result<JobRow> {
    let missing = || missing("Job not found");
    let id: Uuid = id.parse().map_err(|_| missing())?;
    jobs::find(&ledger.pool, id).await?.ok_or_else(missing)
}

/// One job; `output` says how it went.
#[utoipa::path(
    get, path = "/archive/api/scheduler/jobs/{job_id}", tag = "archive",
    params(("job_id" = String, Path, description = "Id of the job")),
    responses((status = 200, description = "The job", body = Value), (status = 404, description = "There is none"))
)]
async fn one(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Path(job_id): Path<String>,
) -> Result<Json<Value>> {
    let job = found(&ledger, &job_id).await?;
    let mut answer = common(&job);
    answer["output"] = output(&job);
    answer["error"] = json!(job.error);
    Ok(Json(answer))
}

/// What became of the companies of a job.
#[derive(Serialize, ToSchema)]
struct JobCompanies {
    /// Failures first, then by name.
    companies: Vec<JobCompany>,
}

/// What became of each company of a job so far.
#[utoipa::path(
    get, path = "/archive/api/scheduler/jobs/{job_id}/companies", tag = "archive",
    params(("job_id" = String, Path, description = "Id of the job")),
    responses((status = 200, body = JobCompanies), (status = 404, description = "There is no such job"))
)]
async fn companies(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Path(job_id): Path<String>,
) -> Result<Json<JobCompanies>> {
    let job = found(&ledger, &job_id).await?;
    Ok(Json(JobCompanies { companies: jobs::companies(&ledger.pool, job.id).await? }))
}
