//! `snapshot_jobs`: bulk archiving, one row per run whoever started it (ledger.md §2.3, §7.4).

mod read;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

pub use read::{JobCompany, JobRow, companies, failures_of_month, find, list, running, running_of};

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
