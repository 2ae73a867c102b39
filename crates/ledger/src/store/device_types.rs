//! `device_type_mappings`: which rate a kind of device has (rule 45).

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor};
use utoipa::ToSchema;

/// A row.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
pub struct MappingRow {
    /// Kind of device, as Codex names it.
    pub device_type: String,
    /// What it is billed as.
    pub billing_type: String,
    /// Who said so; null for what was there from the beginning.
    pub updated_by: Option<String>,
    /// When.
    pub updated_at: DateTime<Utc>,
}

/// All mappings, by name.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(executor: impl PgExecutor<'_>) -> sqlx::Result<Vec<MappingRow>> {
    sqlx::query_as!(
        MappingRow,
        "select device_type, billing_type, updated_by, updated_at from device_type_mappings
         order by lower(device_type)"
    )
    .fetch_all(executor)
    .await
}

/// Says what a kind of device is billed as, whatever its case.
///
/// # Errors
/// When the database cannot be written.
pub async fn save(
    connection: &mut PgConnection,
    device_type: &str,
    billing_type: &str,
    actor: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into device_type_mappings (device_type, billing_type, updated_by) values ($1, $2, $3)
         on conflict (lower(device_type))
            do update set billing_type = excluded.billing_type, updated_by = excluded.updated_by, updated_at = now()",
        device_type,
        billing_type,
        actor
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets a mapping: devices of this kind are unmapped again. False when there was none.
///
/// # Errors
/// When the database cannot be written.
pub async fn remove(connection: &mut PgConnection, device_type: &str) -> sqlx::Result<bool> {
    let done =
        sqlx::query!("delete from device_type_mappings where lower(device_type) = lower($1)", device_type)
            .execute(connection)
            .await?;
    Ok(done.rows_affected() > 0)
}
