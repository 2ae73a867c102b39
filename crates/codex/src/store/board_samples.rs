//! How the board looked, every five minutes (codex-api.md §3.4).

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use hivematrix_shared::contracts::codex::BoardPoint;
use sqlx::{PgPool, types::Json};

use crate::domain::{
    board::Facts,
    board_sample::{Sample, count},
};

/// Samples are kept this long.
const KEPT: TimeDelta = TimeDelta::days(30);
/// Key of the advisory lock of the instance that takes a sample.
const SAMPLING: i64 = 0x636f_6465_785f_6273;

/// Counts the board as it stands and keeps the numbers under `at`. Whether this call did: another instance may have, or
/// be just at it.
///
/// # Errors
/// When the database cannot be written.
pub async fn take(pool: &PgPool, at: DateTime<Utc>) -> sqlx::Result<bool> {
    let mut tx = pool.begin().await?;
    let mine = sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock($1) as "mine!""#, SAMPLING)
        .fetch_one(&mut *tx)
        .await?;
    let taken = sqlx::query_scalar!(
        r#"select exists(select from ticket_board_samples where at = $1) as "taken!""#,
        at
    )
    .fetch_one(&mut *tx)
    .await?;
    if !mine || taken {
        return Ok(false);
    }
    let rows = sqlx::query!(
        "select group_id, responder_id, status, priority, ticket_type, last_updated_at, fr_due_by, due_by,
             first_responded_at, agent_responded_at
         from ticket_details where is_active"
    )
    .fetch_all(&mut *tx)
    .await?;
    let tickets = rows.iter().map(|row| {
        let facts = Facts {
            status: row.status.as_deref(),
            priority: row.priority.as_deref(),
            ticket_type: row.ticket_type.as_deref(),
            last_updated_at: row.last_updated_at,
            fr_due_by: row.fr_due_by,
            due_by: row.due_by,
            first_responded_at: row.first_responded_at,
            agent_responded_at: row.agent_responded_at,
        };
        (row.group_id, row.responder_id, facts)
    });
    let samples: Vec<Sample> = count(tickets, at);
    sqlx::query!(
        "insert into ticket_board_samples (at, group_id, section1, section2, section3, section4, breached, agents)
         select $1, s.group_id, s.section1, s.section2, s.section3, s.section4, s.breached, s.agents
         from jsonb_to_recordset($2) as s (group_id bigint, section1 integer, section2 integer, section3 integer,
             section4 integer, breached integer, agents jsonb)",
        at,
        Json(&samples) as _
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!("delete from ticket_board_samples where at < $1", at - KEPT).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(true)
}

/// Which groups count.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Groups {
    /// All of them.
    #[default]
    All,
    /// These.
    Only(Vec<i64>),
    /// All but these.
    Without(Vec<i64>),
}

/// All samples since a moment, oldest first. A moment without a sample stays out; one at which no ticket counted is zero.
///
/// # Errors
/// When the database cannot be read.
pub async fn history(pool: &PgPool, since: DateTime<Utc>, groups: &Groups) -> sqlx::Result<Vec<BoardPoint>> {
    let (ids, wanted) = match groups {
        Groups::All => (None, true),
        Groups::Only(ids) => (Some(ids.as_slice()), true),
        Groups::Without(ids) => (Some(ids.as_slice()), false),
    };
    let rows = sqlx::query!(
        r#"
        with samples as (
            select s.*, $2::bigint[] is null or (s.group_id = any ($2)) = $3 as counts
            from ticket_board_samples s where s.at >= $1),
        sums as (
            select at, sum(section1) filter (where counts) as section1, sum(section2) filter (where counts) as section2,
                sum(section3) filter (where counts) as section3, sum(section4) filter (where counts) as section4,
                sum(breached) filter (where counts) as breached
            from samples group by at),
        loads as (
            select at, jsonb_object_agg(agent, tickets) as agents
            from (
                select at, a.key as agent, sum(a.value::bigint) as tickets
                from samples, jsonb_each_text(agents) a where counts group by at, a.key) each
            group by at)
        select at as "at!", coalesce(section1, 0) as "section1!", coalesce(section2, 0) as "section2!",
            coalesce(section3, 0) as "section3!", coalesce(section4, 0) as "section4!",
            coalesce(breached, 0) as "breached!",
            coalesce(loads.agents, '{}') as "agents!: Json<BTreeMap<String, i64>>"
        from sums left join loads using (at) order by at
        "#,
        since,
        ids,
        wanted
    )
    .fetch_all(pool)
    .await?;
    let points = rows.into_iter().map(|row| BoardPoint {
        at: row.at,
        section1: row.section1,
        section2: row.section2,
        section3: row.section3,
        section4: row.section4,
        breached: row.breached,
        agents: row.agents.0,
    });
    Ok(points.collect())
}
