//! Reading the other database: one moment of it, nothing written, row by row.

use std::str::FromStr;

use anyhow::{Context as _, ensure};
use futures::{Stream, StreamExt as _};
use hivematrix_shared::config::Secret;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, Row as _, postgres::PgConnectOptions,
};

use super::table::Table;

/// The names of a table's columns that the source has, and how to read them.
#[derive(Clone, Debug)]
pub struct Columns(Vec<&'static str>);

impl Columns {
    /// The names, in the order of the values.
    pub fn names(&self) -> &[&'static str] {
        &self.0
    }
}

/// Opens the source for reading: everything that follows is of one moment.
///
/// # Errors
/// When it cannot be reached, or is no database of upstream's Codex. The text never contains the password.
pub async fn open(address: &Secret) -> anyhow::Result<PgConnection> {
    let options = PgConnectOptions::from_str(address.expose())
        .map_err(|_| anyhow::anyhow!("--from is no address such as postgres://user:password@host/codex_db"))?
        .application_name("hivematrix-codex import")
        .disable_statement_logging();
    let mut source = options.connect().await.context("the source cannot be reached")?;
    for statement in [
        "set default_transaction_read_only = on",
        "set statement_timeout = 0",
        "set timezone = 'UTC'",
        "set datestyle = 'ISO'",
        "begin transaction isolation level repeatable read, read only",
    ] {
        sqlx::raw_sql(statement)
            .execute(&mut source)
            .await
            .context("the source refuses a reading transaction")?;
    }
    let ours: bool =
        sqlx::query_scalar("select to_regclass('board_version') is not null").fetch_one(&mut source).await?;
    ensure!(!ours, "the source is a database of this program, not of the original Codex");
    let theirs: bool =
        sqlx::query_scalar("select to_regclass('companies') is not null").fetch_one(&mut source).await?;
    ensure!(theirs, "the source has no table 'companies', so it is no database of the original Codex");
    Ok(source)
}

/// Ends the reading.
///
/// # Errors
/// When the connection is gone.
pub async fn close(mut source: PgConnection) -> sqlx::Result<()> {
    sqlx::raw_sql("rollback").execute(&mut source).await?;
    source.close().await
}

/// Which columns the source has of a table; none when it has no such table.
///
/// # Errors
/// When the source cannot be read.
pub async fn columns(source: &mut PgConnection, table: &Table) -> sqlx::Result<Option<Columns>> {
    let names: Vec<String> = sqlx::query_scalar(
        "select attname::text from pg_attribute
         where attrelid = to_regclass($1) and attnum > 0 and not attisdropped",
    )
    .bind(table.name)
    .fetch_all(source)
    .await?;
    let wanted = table.columns.iter().map(|column| column.name).chain(table.also.iter().copied());
    let found: Vec<_> = wanted.filter(|name| names.iter().any(|there| there == name)).collect();
    Ok((!names.is_empty()).then_some(Columns(found)))
}

/// All rows, ordered by their key, every value as text.
pub fn rows<'a>(
    source: &'a mut PgConnection,
    table: &Table,
    columns: &Columns,
) -> impl Stream<Item = sqlx::Result<Vec<Option<String>>>> + use<'a> {
    let list: Vec<String> = columns.0.iter().map(|name| format!("\"{name}\"::text")).collect();
    let key: Vec<String> = table.key.iter().map(|name| format!("\"{name}\"")).collect();
    let sql = format!("select {} from \"{}\" order by {}", list.join(", "), table.name, key.join(", "));
    let count = columns.0.len();
    // Names come from our own tables of tables, never from outside.
    sqlx::query(AssertSqlSafe(sql)).fetch(source).map(move |row| {
        let row = row?;
        (0..count).map(|index| row.try_get(index)).collect()
    })
}
