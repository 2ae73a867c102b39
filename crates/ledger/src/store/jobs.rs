//! `snapshot_jobs`: bulk archiving, one row per run whoever started it (ledger.md §2.3, §7.4).

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

/// A job that is to run.
#[derive(Clone, Debug)]
pub struct NewJob<'a> {
    /// Its id.
    pub id: Uuid,
    /// `manual`, `scheduled` or `bulk`.
    pub job_type: &'static str,
    /// Year.
    pub year: i32,
    /// Month, 1 to 12.
    pub month: i32,
    /// Only these companies.
    pub only: Option<&'a [String]>,
    /// Who started it.
    pub triggered_by: &'a str,
    /// When.
    pub now: DateTime<Utc>,
}

/// Notes that a job runs. False when one for this month runs already.
///
/// # Errors
/// When the database cannot be written.
pub async fn begin(executor: impl PgExecutor<'_>, job: &NewJob<'_>) -> sqlx::Result<bool> {
    let only = job.only.map(|numbers| Value::from(numbers.to_vec()).to_string());
    let done = sqlx::query!(
        "insert into snapshot_jobs (id, job_type, status, target_year, target_month, target_account_numbers, started_at,
            triggered_by)
         values ($1, $2, 'running', $3, $4, $5, $6, $7)
         on conflict (target_year, target_month) where status = 'running' do nothing",
        job.id,
        job.job_type,
        job.year,
        job.month,
        only,
        job.now,
        job.triggered_by
    )
    .execute(executor)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// What became of a company.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CompanyOutcome {
    /// Its bill is in the archive now.
    Archived,
    /// It was there already.
    Already,
    /// It is not billed.
    Skipped,
    /// It could not be billed.
    Failed,
}

impl CompanyOutcome {
    /// As the table has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Archived => "archived",
            Self::Already => "already",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

/// Notes how many companies there are.
///
/// # Errors
/// When the database cannot be written.
pub async fn expect(pool: &PgPool, id: Uuid, companies: usize) -> sqlx::Result<()> {
    sqlx::query!(
        "update snapshot_jobs set total_companies = $2 where id = $1",
        id,
        i32::try_from(companies).unwrap_or(i32::MAX)
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Notes what became of a company. With the bill in one transaction, so that a job that is killed knows what it did.
///
/// # Errors
/// When the database cannot be written.
pub async fn note(
    connection: &mut sqlx::PgConnection,
    id: Uuid,
    company: (&str, &str),
    outcome: CompanyOutcome,
    reason: Option<&str>,
) -> sqlx::Result<()> {
    let (account_number, name) = company;
    sqlx::query!(
        "insert into snapshot_job_companies (job_id, company_account_number, company_name, outcome, reason)
         values ($1, left($2, 50), left($3, 255), $4, $5) on conflict do nothing",
        id,
        account_number,
        name,
        outcome.name(),
        reason
    )
    .execute(&mut *connection)
    .await?;
    let done = sqlx::query!(
        "update snapshot_jobs set completed_companies = completed_companies + case when $2 then 0 else 1 end,
            failed_companies = failed_companies + case when $2 then 1 else 0 end
         where id = $1 and status = 'running'",
        id,
        outcome == CompanyOutcome::Failed
    )
    .execute(connection)
    .await?;
    // Somebody has ended the job: it is not this process' any more.
    if done.rows_affected() == 0 { Err(sqlx::Error::RowNotFound) } else { Ok(()) }
}

/// How a job went.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Bills that are in the archive now, those that were there before included.
    pub success_count: i64,
    /// Companies that could not be billed.
    pub failed_count: i64,
    /// Bills that were there before.
    pub already_archived_count: i64,
    /// Companies that are not billed.
    pub skipped_count: i64,
    /// `<account number>: <reason>`.
    pub errors: Vec<String>,
    /// `<account number>: <what should be looked at>`, of bills that were archived.
    pub warnings: Vec<String>,
}

/// Counts what became of the companies of a job.
///
/// # Errors
/// When the database cannot be read.
pub async fn tally(pool: &PgPool, id: Uuid) -> sqlx::Result<Tally> {
    let row = sqlx::query!(
        r#"select count(*) filter (where outcome in ('archived', 'already')) as "success!",
            count(*) filter (where outcome = 'failed') as "failed!",
            count(*) filter (where outcome = 'already') as "already!",
            count(*) filter (where outcome = 'skipped') as "skipped!",
            coalesce(array_agg(company_account_number || ': ' || coalesce(reason, 'no reason') order by company_account_number)
                filter (where outcome = 'failed'), '{}') as "errors!",
            coalesce(array_agg(company_account_number || ': ' || reason order by company_account_number)
                filter (where outcome = 'archived' and reason is not null), '{}') as "warnings!"
         from snapshot_job_companies where job_id = $1"#,
        id
    )
    .fetch_one(pool)
    .await?;
    Ok(Tally {
        success_count: row.success,
        failed_count: row.failed,
        already_archived_count: row.already,
        skipped_count: row.skipped,
        errors: row.errors,
        warnings: row.warnings,
    })
}

/// Ends a job: `output` where it did its work, `error` where nothing could start.
///
/// # Errors
/// When the database cannot be written.
pub async fn end(
    pool: &PgPool,
    id: Uuid,
    now: DateTime<Utc>,
    end: Result<(Value, bool), &str>,
) -> sqlx::Result<()> {
    let (status, output, success, error) = match end {
        Ok((output, success)) => ("completed", Some(output.to_string()), success, None),
        Err(error) => ("failed", None, false, Some(error)),
    };
    sqlx::query!(
        "update snapshot_jobs set status = $2, output = $3, success = $4, error = $5, completed_at = $6
         where id = $1 and status = 'running'",
        id,
        status,
        output,
        success,
        error,
        now
    )
    .execute(pool)
    .await?;
    Ok(())
}

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
