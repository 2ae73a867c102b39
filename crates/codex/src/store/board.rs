//! The rows of the ticket board and the version that says whether they have changed.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::{PgPool, types::Json};

/// Longest text of a ticket on the board, in characters (codex-api.md §2).
pub const TEXT_LIMIT: usize = 10_000;

/// One active ticket with the names that belong to it.
#[derive(Clone, Debug, Default)]
pub struct BoardRow {
    /// Codex's id.
    pub id: i64,
    /// The PSA's id.
    pub external_id: i64,
    /// Name of the provider.
    pub source: String,
    /// The PSA's number as text.
    pub ticket_number: Option<String>,
    /// Subject line.
    pub subject: Option<String>,
    /// HTML of the request, cut.
    pub description: Option<String>,
    /// Plain text of the request, cut.
    pub description_text: Option<String>,
    /// Normalised status.
    pub status: Option<String>,
    /// The PSA's status code.
    pub status_id: Option<i32>,
    /// Normalised priority.
    pub priority: Option<String>,
    /// The PSA's priority code.
    pub priority_id: Option<i32>,
    /// `Incident`, `Service Request`, …
    pub ticket_type: Option<String>,
    /// Account number of the company.
    pub company_id: Option<String>,
    /// Name of the company.
    pub company_name: Option<String>,
    /// The company's level.
    pub company_compliance_level: Option<String>,
    /// The PSA's id of the requester.
    pub requester_id: Option<i64>,
    /// E-mail address of the requester.
    pub requester_email: Option<String>,
    /// Name of the requester: stored, else that of the contact.
    pub requester_name: Option<String>,
    /// The PSA's id of the agent.
    pub responder_id: Option<i64>,
    /// Name of the agent, if active.
    pub agent_name: Option<String>,
    /// The PSA's id of the group.
    pub group_id: Option<i64>,
    /// Labels.
    pub tags: Json<Vec<String>>,
    /// When the ticket was opened.
    pub created_at: Option<DateTime<Utc>>,
    /// The same in the display zone.
    pub created_at_str: Option<String>,
    /// When the ticket was last changed.
    pub updated_at: Option<DateTime<Utc>>,
    /// The same in the display zone.
    pub updated_at_str: Option<String>,
    /// When the first answer is due.
    pub fr_due_by: Option<DateTime<Utc>>,
    /// When the ticket is due.
    pub due_by: Option<DateTime<Utc>>,
    /// When the first answer was given.
    pub first_responded_at: Option<DateTime<Utc>>,
    /// When an agent last answered.
    pub agent_responded_at: Option<DateTime<Utc>>,
    /// Hours booked.
    pub total_hours_spent: Decimal,
}

/// Everything the board shows, as one moment of the database has it.
#[derive(Clone, Debug, Default)]
pub struct Board {
    /// The version these rows belong to.
    pub version: i64,
    /// End of the newest ticket sync, or when the newest reported event was taken.
    pub last_sync_time: Option<DateTime<Utc>>,
    /// All active tickets, in no order.
    pub rows: Vec<BoardRow>,
}

/// The number that grows with every committed change of the board.
pub async fn version(pool: &PgPool) -> sqlx::Result<i64> {
    sqlx::query_scalar!("select version from board_version").fetch_one(pool).await
}

/// End of the newest ticket sync of the provider for which that is longest ago, `None` when one of them had none yet;
/// events that vendors report do not count.
pub async fn last_sync_time(pool: &PgPool, providers: &[&str]) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!(
        "select case when bool_and(s.last_completed_at is not null) then min(s.last_completed_at) end
         from unnest($1::text[]) as name left join sync_state s on s.provider = name and s.kind = 'tickets'",
        providers as _
    )
    .fetch_one(pool)
    .await
}

/// Whether PostgreSQL knows a time zone of this name.
pub async fn knows_zone(pool: &PgPool, zone: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists(select from pg_timezone_names where name = $1) as "known!""#, zone)
        .fetch_one(pool)
        .await
}

/// Reads the board; display times are written in `zone`, an IANA name.
pub async fn load(pool: &PgPool, zone: &str) -> sqlx::Result<Board> {
    // One snapshot of the database, so that rows and version belong together.
    let mut transaction = pool.begin_with("begin isolation level repeatable read, read only").await?;
    let version =
        sqlx::query_scalar!("select version from board_version").fetch_one(&mut *transaction).await?;
    let last_sync_time = sqlx::query_scalar!(
        "select max(last_completed_at) from sync_state where kind in ('tickets', 'events')"
    )
    .fetch_one(&mut *transaction)
    .await?;
    let rows = sqlx::query_as!(
        BoardRow,
        r#"
        select t.id as "id!", t.external_id as "external_id!", t.external_source as "source!", t.ticket_number, t.subject,
            left(t.description, 10000) as description, left(t.description_text, 10000) as description_text,
            t.status, t.status_id, t.priority, t.priority_id, t.ticket_type,
            t.company_account_number as company_id, c.name as "company_name?",
            c.compliance_level as "company_compliance_level?",
            t.requester_id, t.requester_email, coalesce(nullif(t.requester_name, ''), r.name) as requester_name,
            t.responder_id, a.name as "agent_name?",
            t.group_id, t.tags as "tags!: Json<Vec<String>>",
            t.created_at, to_char(t.created_at at time zone $1, 'Mon DD, HH12:MI AM') as created_at_str,
            t.last_updated_at as updated_at, to_char(t.last_updated_at at time zone $1, 'Mon DD, HH12:MI AM') as updated_at_str,
            t.fr_due_by, t.due_by, t.first_responded_at, t.agent_responded_at,
            t.total_hours_spent as "total_hours_spent!"
        from ticket_details t
        left join companies c on c.account_number = t.company_account_number
        left join contacts r on r.external_source = t.external_source and r.external_id = t.requester_id
        -- of the ticket's own provider; where that has no such agent, of another one
        left join lateral (
            select case when p.active then nullif(concat_ws(' ', nullif(p.first_name, ''), nullif(p.last_name, '')), '') end as name
            from psa_agents p where p.external_id = t.responder_id
            order by p.external_source <> t.external_source, p.external_source limit 1) a on true
        where t.is_active
        "#,
        zone
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(Board { version, last_sync_time, rows })
}
