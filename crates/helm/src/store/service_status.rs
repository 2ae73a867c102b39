//! `service_status`: the last sample of each service (helm.md §5.2).

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use crate::domain::sample::StatusRow;

/// Puts the rows of one moment in the place of the earlier ones; services that are no more lose theirs.
///
/// # Errors
/// When the database refuses or is away.
pub async fn replace(pool: &PgPool, at: DateTime<Utc>, rows: &[StatusRow]) -> sqlx::Result<()> {
    let mut transaction = pool.begin().await?;
    let names: Vec<String> = rows.iter().map(|row| row.service_name.clone()).collect();
    sqlx::query!("DELETE FROM service_status WHERE service_name <> ALL($1)", &names)
        .execute(&mut *transaction)
        .await?;
    for row in rows {
        sqlx::query!(
            "INSERT INTO service_status (service_name, status, pid, port, started_at, last_checked, health_status,
                                         health_message, cpu_percent, memory_mb)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             ON CONFLICT (service_name) DO UPDATE SET status = excluded.status, pid = excluded.pid, port = excluded.port,
               started_at = coalesce(excluded.started_at, service_status.started_at), last_checked = excluded.last_checked,
               health_status = excluded.health_status, health_message = excluded.health_message,
               cpu_percent = excluded.cpu_percent, memory_mb = excluded.memory_mb",
            row.service_name,
            row.status,
            row.pid,
            row.port,
            row.started_at,
            at,
            row.health_status,
            row.health_message,
            row.cpu_percent,
            row.memory_mb
        )
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await
}
