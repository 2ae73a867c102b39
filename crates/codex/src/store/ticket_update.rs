//! What the vendor answered to a change that a person asked for.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::{
    changes::acting,
    sync_tickets::{self, Gone},
    tickets::TicketName,
};
use crate::providers::{Conversation, PsaTicket};

/// A stored ticket as far as a change has to know it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    /// Codex's id.
    pub id: i64,
    /// The PSA's id.
    pub external_id: i64,
    /// Name of the provider.
    pub source: String,
}

/// The ticket of that name.
///
/// # Errors
/// When the database cannot be read.
pub async fn find(pool: &PgPool, name: TicketName<'_>) -> sqlx::Result<Option<Target>> {
    let (internal, external, provider, preferred) = match name {
        TicketName::Internal(id) => (Some(id), None, None, ""),
        TicketName::External { id, provider, preferred } => (None, Some(id), provider, preferred),
    };
    sqlx::query_as!(
        Target,
        "select id, external_id, external_source as source from ticket_details
         where (id = $1 or external_id = $2) and ($3::text is null or external_source = $3)
         order by (external_source = $4) desc, id limit 1",
        internal,
        external,
        provider,
        preferred
    )
    .fetch_optional(pool)
    .await
}

/// Whether the provider has an agent of this id, and whether that one is active.
///
/// # Errors
/// When the database cannot be read.
pub async fn agent_is_active(pool: &PgPool, provider: &str, agent: i64) -> sqlx::Result<Option<bool>> {
    sqlx::query_scalar!(
        "select active from psa_agents where external_source = $1 and external_id = $2",
        provider,
        agent
    )
    .fetch_optional(pool)
    .await
}

/// Stores the ticket as the vendor has it after the change.
///
/// # Errors
/// When the database cannot be written.
pub async fn save_ticket(
    pool: &PgPool,
    actor: &str,
    provider: &str,
    ticket: PsaTicket,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let mut tx = pool.begin().await?;
    acting(&mut tx, actor).await?;
    match Gone::marked(&ticket) {
        Some(gone) => {
            sync_tickets::mark_gone(&mut tx, provider, &[gone]).await?;
        }
        None => {
            sync_tickets::upsert(&mut tx, provider, &[ticket], now).await?;
        }
    }
    tx.commit().await
}

/// Stores a note that the vendor has taken, once. Its details become due, since the detail phase may just have read the
/// messages without it. The ticket's own time stays the vendor's: a note may carry a later one, by which the vendor's next
/// word about the ticket would be taken for an old one.
///
/// # Errors
/// When the database cannot be written.
pub async fn save_note(
    pool: &PgPool,
    actor: &str,
    ticket: i64,
    note: &Conversation,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let mut tx = pool.begin().await?;
    acting(&mut tx, actor).await?;
    sqlx::query!(
        "update ticket_details set
             notes = case when exists (select from jsonb_array_elements(notes) n where n -> 'id' = $2::jsonb -> 'id')
                 then notes else notes || $2::jsonb end,
             detail_due_at = $3, detail_attempts = 0
         where id = $1",
        ticket,
        sqlx::types::Json(note) as _,
        now
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}
