//! Rows of a sync that could not be taken as they are, and why.

use sqlx::PgPool;
use uuid::Uuid;

use super::Page;
use crate::sync::Problem;

/// Adds to the list of a job; a job that is gone takes nothing.
///
/// # Errors
/// When the database cannot be written.
pub async fn add(pool: &PgPool, job: Uuid, problems: &[Problem]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into sync_job_errors (job_id, at, message)
         select j.id, e.at, e.message from sync_jobs j,
             rows from (jsonb_to_recordset($2) as (at timestamptz, message text)) with ordinality as e (at, message, place)
         where j.id = $1 order by e.place",
        job,
        sqlx::types::Json(problems) as _
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// A page of the list of a job, in the order in which they came.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(pool: &PgPool, job: Uuid, limit: i64, offset: i64) -> sqlx::Result<Page<Problem>> {
    let total =
        sqlx::query_scalar!(r#"select count(*) as "count!" from sync_job_errors where job_id = $1"#, job)
            .fetch_one(pool)
            .await?;
    let items = sqlx::query_as!(
        Problem,
        "select at, message from sync_job_errors where job_id = $1 order by id limit $2 offset $3",
        job,
        limit,
        offset
    )
    .fetch_all(pool)
    .await?;
    Ok(Page { items, total })
}
