//! Clearing data as a whole: a copy of every row into a file, and everything removed in one transaction
//! (codex-api.md §4.6).

mod backup;

use std::{io, path::Path, time::Duration};

use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder, Transaction};
use utoipa::ToSchema;
use uuid::Uuid;

use self::backup::{Backup, Unfinished, tidy};
use super::{alone::Alone, unit};

/// What can be cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DataType {
    /// Companies with their tickets, locations, sites, overrides and assets.
    Companies,
    /// Contacts.
    Contacts,
    /// Assets.
    Assets,
    /// Platform users.
    Agents,
    /// All of these.
    All,
}

impl DataType {
    /// The word for it, which has to be typed before anything is cleared.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Companies => "companies",
            Self::Contacts => "contacts",
            Self::Assets => "assets",
            Self::Agents => "agents",
            Self::All => "all",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Companies, Self::Contacts, Self::Assets, Self::Agents, Self::All]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }

    /// The tables that are emptied, links first. What other tables say about these rows goes with them.
    const fn tables(self) -> &'static [&'static str] {
        match self {
            Self::Companies => &[
                "contact_company_link",
                "ticket_time_entries",
                "ticket_details",
                "rmm_site_links",
                "locations",
                "company_feature_overrides",
                "asset_contact_link",
                "asset_history",
                "assets",
                "companies",
            ],
            Self::Contacts => &["contact_company_link", "asset_contact_link", "contacts"],
            Self::Assets => &["asset_contact_link", "asset_history", "assets"],
            Self::Agents => &["agents"],
            Self::All => &[
                "contact_company_link",
                "ticket_time_entries",
                "ticket_details",
                "rmm_site_links",
                "locations",
                "company_feature_overrides",
                "asset_contact_link",
                "asset_history",
                "assets",
                "companies",
                "contacts",
                "agents",
            ],
        }
    }

    /// The tables that are copied: also what goes with the rows of the others and no sync would bring back.
    fn copied(self) -> Vec<&'static str> {
        let with_contacts = self.tables().contains(&"contacts").then_some("contact_aliases");
        self.tables().iter().copied().chain(with_contacts).collect()
    }

    /// The kinds of sync that have to start from nothing afterwards: an incremental run would bring only changes.
    const fn forgotten(self) -> &'static [&'static str] {
        match self {
            Self::Companies => &["companies", "tickets", "tickets-full"],
            Self::Contacts => &["contacts"],
            Self::All => &["companies", "contacts", "tickets", "tickets-full"],
            Self::Assets | Self::Agents => &[],
        }
    }
}

/// Why nothing was cleared.
#[derive(Debug, thiserror::Error)]
pub enum ClearError {
    /// The copy could not be written.
    #[error("the backup cannot be written: {0}")]
    Backup(#[from] io::Error),
    /// The database did not do it.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// What was cleared.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Cleared {
    /// Rows by table.
    #[schema(value_type = std::collections::BTreeMap<String, u64>)]
    pub removed: Vec<(&'static str, u64)>,
    /// Name of the file with a copy of every row.
    pub backup: String,
}

/// Who wants to know how it goes.
pub trait Watcher: Sync {
    /// A table with so many rows is copied now.
    fn copies(&self, table: &'static str, rows: u64);
    /// A row is copied.
    fn copied(&self);
    /// From now on nothing may end the work but the database: nobody could tell whether the rows are gone.
    fn decides(&self);
}

/// Attempts to get at all tables once everything is copied.
const ATTEMPTS: u32 = 6;

/// Copies and clears. `folder` takes the copy; `actor` is kept as the one who did it.
///
/// The copy is of one moment and holds up nobody. Then the tables are locked against other writers for as long as it takes
/// to copy what has changed since that moment and to remove everything; readers never wait. It is all or nothing, and every
/// removed row is in the copy: one that changed meanwhile comes twice, one that changed shortly before may do so, and the
/// later line counts.
///
/// # Errors
/// When the copy or the database fail; then everything is as it was.
pub async fn clear(
    _alone: &Alone,
    pool: &PgPool,
    what: DataType,
    folder: &Path,
    actor: &str,
    now: DateTime<Utc>,
    watcher: &dyn Watcher,
) -> Result<Cleared, ClearError> {
    tidy(pool, folder).await?;
    // Whoever clears twice in a second must not replace the copy of what was there by one of nothing.
    let tag = Uuid::new_v4().simple().to_string();
    let name = format!("cleared-{}-{}-{}.jsonl.gz", what.as_str(), now.format("%Y%m%dT%H%M%SZ"), &tag[..8]);
    let unfinished = Unfinished(folder.join(format!("{name}.part")));
    let mut backup = Backup::create(folder, &unfinished.0).await?;
    let since = copy(pool, what, &mut backup, watcher).await?;
    let mut attempt = 1;
    let (transaction, removed) = loop {
        match take_out(pool, what, &name, actor, since, &mut backup).await {
            // Somebody writes to these tables just now.
            Err(ClearError::Database(error)) if attempt < ATTEMPTS && unit::is_passing(&error) => {
                attempt += 1;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            done => break done?,
        }
    };
    watcher.decides();
    backup.finish().await?;
    transaction.commit().await?;
    // Only now it is a backup: a copy of what is still there would mislead.
    let named = unfinished.complete(&folder.join(&name)).is_ok();
    let backup = if named { name } else { format!("{name}.part") };
    Ok(Cleared { removed, backup })
}

/// Copies every row, as of one moment, and answers the first transaction that this moment may not have seen.
async fn copy(
    pool: &PgPool,
    what: DataType,
    backup: &mut Backup,
    watcher: &dyn Watcher,
) -> Result<i64, ClearError> {
    let mut moment = pool.begin_with("begin isolation level repeatable read, read only").await?;
    let since =
        sqlx::query_scalar!(r#"select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as "since!""#)
            .fetch_one(&mut *moment)
            .await?;
    for table in what.copied() {
        let count: i64 = QueryBuilder::new("select count(*) from ")
            .push(table)
            .build_query_scalar()
            .fetch_one(&mut *moment)
            .await?;
        watcher.copies(table, u64::try_from(count).unwrap_or(0));
        let mut query = rows_of(table);
        let mut rows = query.build_query_scalar::<String>().fetch(&mut *moment);
        while let Some(row) = rows.try_next().await? {
            backup.add(row).await?;
            watcher.copied();
        }
    }
    moment.commit().await?;
    Ok(since)
}

fn rows_of(table: &'static str) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("select json_build_object('table', ");
    query.push_bind(table).push("::text, 'row', to_jsonb(t))::text from ").push(table).push(" t");
    query
}

/// Locks the tables, copies what has changed since the copy, and removes everything. To be committed.
async fn take_out(
    pool: &PgPool,
    what: DataType,
    name: &str,
    actor: &str,
    since: i64,
    backup: &mut Backup,
) -> Result<(Transaction<'static, Postgres>, Vec<(&'static str, u64)>), ClearError> {
    let mut transaction = pool.begin_with("begin; set local lock_timeout = '5s'").await?;
    super::changes::acting(&mut transaction, actor).await?;
    for table in what.tables() {
        QueryBuilder::new("lock table ")
            .push(table)
            .push(" in share row exclusive mode")
            .build()
            .execute(&mut *transaction)
            .await?;
    }
    for table in what.copied() {
        let mut query = rows_of(table);
        // The number of a row's transaction has lost its upper half; the next one tells it. Of a row that is older than
        // the other half of all numbers it may be taken for a new one: that row then comes twice.
        query
            .push(
                ", (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint as next) n \
                 where t.xmin::text::bigint + (n.next >> 32 << 32) \
                 - case when t.xmin::text::bigint > n.next & 4294967295 then 4294967296 else 0 end >= ",
            )
            .push_bind(since);
        let mut rows = query.build_query_scalar::<String>().fetch(&mut *transaction);
        while let Some(row) = rows.try_next().await? {
            backup.add(row).await?;
        }
    }
    let removed = remove(&mut transaction, what, name).await?;
    Ok((transaction, removed))
}

async fn remove(
    conn: &mut PgConnection,
    what: DataType,
    backup: &str,
) -> sqlx::Result<Vec<(&'static str, u64)>> {
    sqlx::query!("select set_config('codex.clearing', 'on', true)").fetch_one(&mut *conn).await?;
    let mut removed = Vec::new();
    for table in what.tables() {
        let done = QueryBuilder::new("delete from ").push(table).build().execute(&mut *conn).await?;
        let rows = done.rows_affected();
        removed.push((*table, rows));
        if rows > 0 {
            sqlx::query!(
                "insert into tombstones (kind, key, name, reason, record) \
                 values ($1, '*', $2, 'cleared', jsonb_build_object('rows', $3::bigint, 'backup', $4::text))",
                *table,
                format!("{rows} rows"),
                i64::try_from(rows).unwrap_or(i64::MAX),
                backup
            )
            .execute(&mut *conn)
            .await?;
        }
    }
    let kinds: Vec<String> = what.forgotten().iter().map(|kind| (*kind).to_owned()).collect();
    sqlx::query!("delete from sync_state where kind = any($1)", &kinds).execute(&mut *conn).await?;
    if what.tables().contains(&"assets") {
        // A run that was broken off would go on behind the sites whose devices are gone now.
        sqlx::query!("delete from rmm_runs").execute(&mut *conn).await?;
    }
    if what.forgotten().contains(&"tickets") {
        sqlx::query!("delete from sync_seen").execute(&mut *conn).await?;
    }
    Ok(removed)
}
