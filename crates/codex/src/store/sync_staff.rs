//! Writing the vendor's agents and their groups.

use sqlx::{PgConnection, PgPool};

use super::sync_tickets::Written;
use crate::providers::{PsaAgent, PsaGroup};

fn written(rows: &[bool]) -> Written {
    let created = rows.iter().filter(|created| **created).count() as u64;
    Written { created, updated: rows.len() as u64 - created }
}

/// Stores agents, as the vendor has them.
///
/// # Errors
/// When the database refuses a row or cannot be reached.
pub async fn upsert_agents(
    conn: &mut PgConnection,
    provider: &str,
    rows: &[PsaAgent],
) -> sqlx::Result<Written> {
    let rows = sqlx::query_scalar!(
        r#"insert into psa_agents as a (external_id, external_source, email, first_name, last_name, active, job_title,
               department_ids, group_ids, created_at, updated_at)
           select i.external_id, $2, i.email, i.first_name, i.last_name, i.active, i.job_title, i.department_ids,
               i.group_ids, i.created_at, i.updated_at
           from jsonb_to_recordset($1) as i (external_id bigint, email text, first_name text, last_name text,
               active boolean, job_title text, department_ids jsonb, group_ids jsonb, created_at timestamptz,
               updated_at timestamptz)
           on conflict (external_id, external_source) do update set
               email = excluded.email, first_name = excluded.first_name, last_name = excluded.last_name,
               active = excluded.active, job_title = excluded.job_title, department_ids = excluded.department_ids,
               group_ids = excluded.group_ids, created_at = excluded.created_at, updated_at = excluded.updated_at
           returning (a.xmax = 0) as "created!""#,
        sqlx::types::Json(rows) as _,
        provider
    )
    .fetch_all(conn)
    .await?;
    Ok(written(&rows))
}

/// Stores groups, as the vendor has them.
///
/// # Errors
/// When the database refuses a row or cannot be reached.
pub async fn upsert_groups(
    conn: &mut PgConnection,
    provider: &str,
    rows: &[PsaGroup],
) -> sqlx::Result<Written> {
    let rows = sqlx::query_scalar!(
        r#"insert into psa_groups as g
               (external_id, external_source, name, description, agent_ids, created_at, updated_at)
           select i.external_id, $2, i.name, i.description, i.agent_ids, i.created_at, i.updated_at
           from jsonb_to_recordset($1) as i (external_id bigint, name text, description text, agent_ids jsonb,
               created_at timestamptz, updated_at timestamptz)
           on conflict (external_id, external_source) do update set
               name = excluded.name, description = excluded.description, agent_ids = excluded.agent_ids,
               created_at = excluded.created_at, updated_at = excluded.updated_at
           returning (g.xmax = 0) as "created!""#,
        sqlx::types::Json(rows) as _,
        provider
    )
    .fetch_all(conn)
    .await?;
    Ok(written(&rows))
}

/// Vendor ids of the stored agents.
///
/// # Errors
/// When the database cannot be read.
pub async fn agent_ids(pool: &PgPool, provider: &str) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!("select external_id from psa_agents where external_source = $1", provider)
        .fetch_all(pool)
        .await
}

/// Removes agents the vendor no longer has.
///
/// # Errors
/// When the database cannot be written.
pub async fn remove_agents(conn: &mut PgConnection, provider: &str, ids: &[i64]) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from psa_agents where external_source = $1 and external_id = any ($2)",
        provider,
        ids
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
