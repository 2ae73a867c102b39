//! Clearing data as a whole: a copy of every row into a file first, then everything in one transaction
//! (codex-api.md §4.6).

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use flate2::{Compression, write::GzEncoder};
use futures::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool, QueryBuilder};
use tokio::sync::mpsc;
use utoipa::ToSchema;
use uuid::Uuid;

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
                "assets",
                "companies",
            ],
            Self::Contacts => &["contact_company_link", "asset_contact_link", "contacts"],
            Self::Assets => &["asset_contact_link", "assets"],
            Self::Agents => &["agents"],
            Self::All => &[
                "contact_company_link",
                "ticket_time_entries",
                "ticket_details",
                "rmm_site_links",
                "locations",
                "company_feature_overrides",
                "asset_contact_link",
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
    /// A sync would write while rows go.
    #[error("A sync is running. Wait for it to end, or cancel it.")]
    Busy(Uuid),
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

/// Copies and clears. `folder` takes the copy; `actor` is kept as the one who did it.
///
/// # Errors
/// When a sync runs, or the copy or the database fail; then everything is as it was.
pub async fn clear(
    pool: &PgPool,
    what: DataType,
    folder: &Path,
    actor: &str,
    now: DateTime<Utc>,
) -> Result<Cleared, ClearError> {
    let mut transaction = pool.begin().await?;
    sqlx::query!("select set_config('lock_timeout', '5s', true)").fetch_one(&mut *transaction).await?;
    super::changes::acting(&mut transaction, actor).await?;
    // No job can begin from here on: it would have to write its row.
    sqlx::query!("lock table sync_jobs in share mode").execute(&mut *transaction).await?;
    let running = sqlx::query_scalar!("select id from sync_jobs where status = 'running' limit 1")
        .fetch_optional(&mut *transaction)
        .await?;
    if let Some(job) = running {
        return Err(ClearError::Busy(job));
    }
    let tables = what.tables();
    for table in tables {
        QueryBuilder::new("lock table ")
            .push(table)
            .push(" in share row exclusive mode")
            .build()
            .execute(&mut *transaction)
            .await?;
    }
    // Whoever clears twice in a second must not replace the copy of what was there by one of nothing.
    let tag = Uuid::new_v4().simple().to_string();
    let name = format!("cleared-{}-{}-{}.jsonl.gz", what.as_str(), now.format("%Y%m%dT%H%M%SZ"), &tag[..8]);
    let copy_begun = Unfinished(folder.join(format!("{name}.part")));
    copy(&mut transaction, what.copied(), folder, &copy_begun.0).await?;
    let removed = remove(&mut transaction, what, &name).await?;
    transaction.commit().await?;
    // Only now it is a backup: a copy of what is still there would mislead.
    let named = copy_begun.complete(&folder.join(&name)).is_ok();
    let backup = if named { name } else { format!("{name}.part") };
    Ok(Cleared { removed, backup })
}

/// A copy that is no backup yet; it goes when nothing was cleared.
struct Unfinished(PathBuf);

impl Unfinished {
    /// Gives it its name. Whether or not that can be done, it stays from now on.
    fn complete(mut self, path: &Path) -> io::Result<()> {
        fs::rename(std::mem::take(&mut self.0), path)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            let _ = fs::remove_file(&self.0);
        }
    }
}

/// Writes every row of the tables as a line of JSON into a compressed file that only its owner can read.
async fn copy(
    conn: &mut PgConnection,
    tables: Vec<&'static str>,
    folder: &Path,
    path: &Path,
) -> Result<(), ClearError> {
    let (lines, mut received) = mpsc::channel::<String>(256);
    let (place, begun) = (folder.to_owned(), path.to_owned());
    let writer = tokio::task::spawn_blocking(move || -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&place)?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&begun)?;
        let mut packed = GzEncoder::new(BufWriter::new(file), Compression::default());
        while let Some(line) = received.blocking_recv() {
            packed.write_all(line.as_bytes())?;
        }
        let file = packed.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        File::open(place)?.sync_all()
    });
    for table in tables {
        let mut query = QueryBuilder::new("select json_build_object('table', ");
        query.push_bind(table).push("::text, 'row', to_jsonb(t))::text from ").push(table).push(" t");
        let mut rows = query.build_query_scalar::<String>().fetch(&mut *conn);
        while let Some(row) = rows.try_next().await? {
            if lines.send(format!("{row}\n")).await.is_err() {
                break;
            }
        }
    }
    drop(lines);
    writer.await.map_err(io::Error::other)??;
    Ok(())
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
