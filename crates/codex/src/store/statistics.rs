//! How much data there is.

use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;

/// How many rows there are of what the admin page counts.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RecordStatistics)]
pub struct Statistics {
    /// Companies.
    pub companies: i64,
    /// Contacts.
    pub contacts: i64,
    /// Active ones among them.
    pub contacts_active: i64,
    /// Assets.
    pub assets: i64,
    /// Those that are online.
    pub assets_online: i64,
    /// Platform users.
    pub agents: i64,
    /// Those that may sign in.
    pub agents_enabled: i64,
    /// Agents of the PSA.
    pub psa_agents: i64,
    /// Tickets.
    pub tickets: i64,
    /// Those that are not done.
    pub tickets_active: i64,
}

/// Counts.
///
/// # Errors
/// When the database cannot be read.
pub async fn statistics(pool: &PgPool) -> sqlx::Result<Statistics> {
    sqlx::query_as!(
        Statistics,
        r#"select (select count(*) from companies) as "companies!",
               contacts.total as "contacts!", contacts.active as "contacts_active!",
               assets.total as "assets!", assets.online as "assets_online!",
               agents.total as "agents!", agents.enabled as "agents_enabled!",
               (select count(*) from psa_agents) as "psa_agents!",
               (select count(*) from ticket_details) as "tickets!",
               (select count(*) from ticket_details where is_active) as "tickets_active!"
           from (select count(*) as total, count(*) filter (where active) as active from contacts) as contacts,
               (select count(*) as total, count(*) filter (where online) as online from assets) as assets,
               (select count(*) as total, count(*) filter (where enabled) as enabled from agents) as agents"#
    )
    .fetch_one(pool)
    .await
}
