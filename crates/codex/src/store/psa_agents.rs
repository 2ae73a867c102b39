//! Technicians of the PSA.

use hivematrix_shared::contracts::codex::{PsaAgent, PsaId};
use sqlx::PgPool;

/// All agents, active ones first, then by name; `provider` names whose.
pub async fn list(pool: &PgPool, provider: Option<&str>) -> sqlx::Result<Vec<PsaAgent>> {
    let rows = sqlx::query!(
        r#"
        select id, external_id, external_source, email, job_title, active, name as "name!"
        from psa_agents,
            lateral (select coalesce(nullif(concat_ws(' ', nullif(first_name, ''), nullif(last_name, '')), ''),
                'Agent ' || external_id) as name) as named
        where $1::text is null or external_source = $1
        order by active desc, lower(name), id
        "#,
        provider
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| PsaAgent {
            id: row.id,
            external_id: PsaId(row.external_id),
            source: Some(row.external_source),
            name: row.name,
            email: row.email,
            job_title: row.job_title,
            active: row.active,
        })
        .collect())
}
