//! What became of jobs, and of the companies of each.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

/// Jobs that are noted as running, by whomever.
///
/// # Errors
/// When the database cannot be read.
pub async fn running(pool: &PgPool) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!("select id from snapshot_jobs where status = 'running'").fetch_all(pool).await
}

/// A job in a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JobRow {
    /// Its id.
    pub id: Uuid,
    /// `manual`, `scheduled` or `bulk`.
    pub job_type: String,
    /// `running`, `completed` or `failed`.
    pub status: String,
    /// Year.
    pub target_year: i32,
    /// Month, 1 to 12.
    pub target_month: i32,
    /// Only these companies: a JSON array.
    pub target_account_numbers: Option<String>,
    /// How many companies there are.
    pub total_companies: i32,
    /// How many are done.
    pub completed_companies: i32,
    /// How many failed.
    pub failed_companies: i32,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub completed_at: Option<DateTime<Utc>>,
    /// How it went: a JSON object.
    pub output: Option<String>,
    /// Why nothing could start.
    pub error: Option<String>,
    /// Whether nothing failed.
    pub success: Option<bool>,
    /// Who started it.
    pub triggered_by: Option<String>,
}

/// Jobs, the last started first.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(pool: &PgPool, limit: i64, offset: i64) -> sqlx::Result<Vec<JobRow>> {
    sqlx::query_as!(
        JobRow,
        "select id, job_type, status, target_year, target_month, target_account_numbers, total_companies,
            completed_companies, failed_companies, started_at, completed_at, output, error, success, triggered_by
         from snapshot_jobs order by started_at desc, id limit $1 offset $2",
        limit,
        offset
    )
    .fetch_all(pool)
    .await
}

/// One job.
///
/// # Errors
/// When the database cannot be read.
pub async fn find(pool: &PgPool, id: Uuid) -> sqlx::Result<Option<JobRow>> {
    sqlx::query_as!(
        JobRow,
        "select id, job_type, status, target_year, target_month, target_account_numbers, total_companies,
            completed_companies, failed_companies, started_at, completed_at, output, error, success, triggered_by
         from snapshot_jobs where id = $1",
        id
    )
    .fetch_optional(pool)
    .await
}

/// What became of one company.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct JobCompany {
    /// Account number.
    pub company_account_number: String,
    /// Name.
    pub company_name: Option<String>,
    /// `archived`, `already`, `skipped` or `failed`.
    pub outcome: String,
    /// Why, where it was skipped or failed; what should be looked at, where it was archived.
    pub reason: Option<String>,
}

/// What became of the companies of a job: failures first, then by name.
///
/// # Errors
/// When the database cannot be read.
pub async fn companies(pool: &PgPool, id: Uuid) -> sqlx::Result<Vec<JobCompany>> {
    sqlx::query_as!(
        JobCompany,
        "select company_account_number, company_name, outcome, reason from snapshot_job_companies where job_id = $1
         order by outcome <> 'failed', lower(company_name), company_account_number",
        id
    )
    .fetch_all(pool)
    .await
}

/// Companies whose last try to archive a month failed, with the reason.
///
/// # Errors
/// When the database cannot be read.
pub async fn failures_of_month(
    pool: &PgPool,
    year: i32,
    month: i32,
) -> sqlx::Result<HashMap<String, String>> {
    let rows = sqlx::query!(
        r#"select company_account_number, coalesce(reason, '') as "reason!" from (
            select distinct on (c.company_account_number) c.company_account_number, c.outcome, c.reason
            from snapshot_job_companies c join snapshot_jobs j on j.id = c.job_id
            where j.target_year = $1 and j.target_month = $2
            order by c.company_account_number, j.started_at desc, j.id
         ) last where outcome = 'failed'"#,
        year,
        month
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.company_account_number, row.reason)).collect())
}

/// The job that archives a month now.
///
/// # Errors
/// When the database cannot be read.
pub async fn running_of(pool: &PgPool, year: i32, month: i32) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "select id from snapshot_jobs where status = 'running' and target_year = $1 and target_month = $2",
        year,
        month
    )
    .fetch_optional(pool)
    .await
}
