//! What is known of a database beside its dump: owner, grants, roles, tables and their checksums. Plain SQL on whichever
//! database is saved, so nothing here is checked against one schema at compile time.
//!
//! All of it as the service itself, never as an administrator: what its role may have put there, a view in place of a table
//! or a cast of its own, runs with the rights that it has anyway.

use std::time::Duration;

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection, Row, postgres::PgConnectOptions};
use tokio::time::timeout;

use crate::domain::backup::manifest::{DatabaseFacts, Grant, TableFacts};

/// As `pg_dump` is told as well.
const PATIENCE: Duration = Duration::from_secs(15);

/// How the text of a row looks, whatever the settings of server and role.
const PLAIN: &str = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = '30s'; \
     SET row_security = off; SET search_path = pg_catalog; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; \
     SET IntervalStyle = 'postgres'; SET extra_float_digits = 1; SET bytea_output = 'hex'; SET xmloption = 'content'; \
     SET lc_monetary = 'C'";

/// Connects for a long look at everything.
///
/// # Errors
/// When the server does not answer or refuses.
pub async fn connect(url: &str) -> Result<PgConnection> {
    // The parse error would repeat the address with its password.
    let options: PgConnectOptions = url.parse().ok().context("a database address is not valid")?;
    let connected = timeout(PATIENCE, options.disable_statement_logging().connect()).await;
    let mut connection = connected
        .context("it does not answer")
        .and_then(|connected| Ok(connected?))
        .context("cannot reach the database")?;
    sqlx::raw_sql(PLAIN).execute(&mut connection).await?;
    Ok(connection)
}

/// Facts of the connected database; without its tables.
///
/// # Errors
/// When the server refuses.
pub async fn facts(connection: &mut PgConnection, service: &str) -> Result<DatabaseFacts> {
    let row = sqlx::query(
        "SELECT datname::text, pg_get_userbyid(datdba)::text, pg_encoding_to_char(encoding)::text,
                datcollate::text, datctype::text, current_setting('server_version_num')::int
           FROM pg_database WHERE datname = current_database()",
    )
    .fetch_one(&mut *connection)
    .await?;
    let grants = sqlx::query(
        "SELECT coalesce(r.rolname, '')::text, a.privilege_type::text, a.is_grantable
           FROM pg_database d CROSS JOIN aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
           LEFT JOIN pg_roles r ON r.oid = a.grantee
          WHERE d.datname = current_database() ORDER BY 1, 2",
    )
    .fetch_all(&mut *connection)
    .await?;
    let settings = sqlx::query_scalar(
        "SELECT unnest(setconfig) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
          WHERE d.datname = current_database() AND setrole = 0",
    )
    .fetch_all(&mut *connection)
    .await?;
    let roles = sqlx::query_scalar(
        "SELECT r.rolname::text FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid
           JOIN pg_database d ON d.datname = current_database()
          WHERE s.refclassid = 'pg_authid'::regclass
            AND (s.dbid = d.oid OR (s.classid = 'pg_database'::regclass AND s.objid = d.oid))
          UNION SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = current_database()
          ORDER BY 1",
    )
    .fetch_all(&mut *connection)
    .await?;
    let grants = grants.iter().map(|row| {
        Ok(Grant { grantee: row.try_get(0)?, privilege: row.try_get(1)?, grantable: row.try_get(2)? })
    });
    Ok(DatabaseFacts {
        service: service.to_owned(),
        database: row.try_get(0)?,
        owner: row.try_get(1)?,
        encoding: row.try_get(2)?,
        collate: row.try_get(3)?,
        ctype: row.try_get(4)?,
        server: row.try_get(5)?,
        migration: migration(connection).await?,
        grants: grants.collect::<sqlx::Result<_>>()?,
        settings,
        roles,
        tables: Vec::new(),
        unread: unread(connection).await?,
    })
}

/// Tables that the role of the connection may not read: others own them, or rows are hidden from it. They are in the dump, and not compared.
async fn unread(connection: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    let tables = tables(connection).await?;
    Ok(tables.into_iter().filter(|table| !table.readable).map(|table| table.full_name()).collect())
}

/// The newest migration that was applied, where the service keeps that.
///
/// # Errors
/// When the server refuses.
pub async fn migration(connection: &mut PgConnection) -> sqlx::Result<Option<i64>> {
    let kept: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_class WHERE oid = to_regclass('public._sqlx_migrations') AND relkind = 'r')",
    )
    .fetch_one(&mut *connection)
    .await?;
    if !kept {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT max(version) FROM public._sqlx_migrations WHERE success")
        .fetch_one(&mut *connection)
        .await
}

/// A table of the database, quoted for a statement.
struct Table {
    schema: String,
    name: String,
    quoted: String,
    readable: bool,
}

impl Table {
    fn full_name(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

/// Every table with rows of its own that a dump holds: no parents of partitions, nothing that an extension brings.
async fn tables(connection: &mut PgConnection) -> sqlx::Result<Vec<Table>> {
    let rows = sqlx::query(
        "SELECT n.nspname::text, c.relname::text, format('%I.%I', n.nspname, c.relname),
                has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
                    AND NOT row_security_active(c.oid)
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.relkind = 'r' AND c.relpersistence <> 't'
            AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                               AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e')
          ORDER BY 1, 2",
    )
    .fetch_all(&mut *connection)
    .await?;
    let table = |row: &sqlx::postgres::PgRow| {
        Ok(Table {
            schema: row.try_get(0)?,
            name: row.try_get(1)?,
            quoted: row.try_get(2)?,
            readable: row.try_get(3)?,
        })
    };
    rows.iter().map(table).collect()
}

/// Those that the role of the connection may read.
async fn readable(connection: &mut PgConnection) -> sqlx::Result<Vec<Table>> {
    Ok(tables(connection).await?.into_iter().filter(|table| table.readable).collect())
}

/// Begins a snapshot in which no table can be dropped, and names it for others to share.
///
/// # Errors
/// When the server refuses, or a table was dropped again and again in the moment it was to be held.
pub async fn begin_snapshot(connection: &mut PgConnection) -> Result<String> {
    let mut attempts = 0;
    loop {
        sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").execute(&mut *connection).await?;
        let snapshot = sqlx::query_scalar("SELECT pg_export_snapshot()").fetch_one(&mut *connection).await?;
        let names: Vec<String> = readable(connection).await?.into_iter().map(|table| table.quoted).collect();
        if names.is_empty() {
            return Ok(snapshot);
        }
        let lock = format!("LOCK TABLE ONLY {} IN ACCESS SHARE MODE", names.join(", ONLY "));
        match sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut *connection).await {
            Ok(_) => return Ok(snapshot),
            Err(_) if attempts < 5 => {
                attempts += 1;
                sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await?;
            }
            Err(error) => return Err(error).context("cannot hold the tables"),
        }
    }
}

/// Row counts and checksums of all tables that the connection may read, as it sees them.
///
/// # Errors
/// When a table cannot be read.
pub async fn checksums(connection: &mut PgConnection) -> Result<Vec<TableFacts>> {
    let mut facts = Vec::new();
    for table in readable(connection).await? {
        // The name was quoted by the server itself. The text of a row by its functions and not by a cast, which the owner of
        // the table could have replaced.
        let sum = format!(
            "SELECT count(*), coalesce(sum(('x' || left(encode(sha256(convert_to(textin(record_out(r.*)), 'UTF8')), 'hex'), 16))\
             ::bit(64)::bigint::numeric), 0)::text FROM ONLY {} r",
            table.quoted
        );
        let row = sqlx::query(AssertSqlSafe(sum))
            .fetch_one(&mut *connection)
            .await
            .with_context(|| format!("cannot read the table {}", table.quoted))?;
        let Table { schema, name, .. } = table;
        facts.push(TableFacts { schema, name, rows: row.try_get(0)?, checksum: row.try_get(1)? });
    }
    Ok(facts)
}
