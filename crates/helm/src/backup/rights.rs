//! With whose rights a database is dumped. Its service owns what is in it and may have been taken over, so that it reads its
//! own database; an administrator is asked only for what the service cannot read, by releases that are safe for that.

use std::path::Path;

use anyhow::{Context, Result, bail};
use sqlx::PgConnection;

use super::{dump::Source, programs};
use crate::domain::backup::version::Version;

/// The first thing in the database of the connection that its role cannot dump, in words.
async fn out_of_reach(connection: &mut PgConnection) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar(
        "SELECT format('%s %I.%I', CASE c.relkind WHEN 'S' THEN 'the sequence' ELSE 'the table' END, n.nspname, c.relname)
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.relkind IN ('r', 'p', 'S') AND c.relpersistence <> 't'
            AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
            -- Of what an extension brings only its settings are dumped.
            AND NOT EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
                             WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
                               AND d.refclassid = 'pg_extension'::regclass AND NOT c.oid = ANY (coalesce(e.extconfig, '{}')))
            -- As an alternative and not as a sum: a sequence has no rights of a table, nor a table those of a sequence.
            AND NOT (has_schema_privilege(n.oid, 'USAGE')
                     AND CASE c.relkind WHEN 'S' THEN has_sequence_privilege(c.oid, 'SELECT')
                              ELSE has_table_privilege(c.oid, 'SELECT') AND NOT row_security_active(c.oid) END)
          UNION ALL SELECT 'the large object ' || oid FROM pg_largeobject_metadata WHERE NOT pg_has_role(lomowner, 'USAGE')
          UNION ALL SELECT format('the subscription %I', subname) FROM pg_subscription
           WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
             AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
          UNION ALL SELECT format('the access of %I to %I', usename, srvname) FROM pg_user_mappings
           WHERE umoptions IS NULL AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
          LIMIT 1",
    )
    .fetch_optional(connection)
    .await
}

/// The address by which `pg_dump` connects. `connection` is the service's own, to a server of `version`.
///
/// # Errors
/// When only an administrator could dump everything, and not safely.
pub async fn address<'a>(
    source: &'a Source,
    connection: &mut PgConnection,
    version: Version,
    pg_dump: &Path,
) -> Result<&'a str> {
    if source.dump_url == source.url {
        return Ok(&source.url);
    }
    let Some(what) = out_of_reach(connection).await.context("cannot tell whose the database is")? else {
        return Ok(&source.url);
    };
    let program = programs::version_of(pg_dump).context("pg_dump does not say its version")?;
    for (whose, version) in [("the server", version), ("pg_dump", program)] {
        if !version.dumps_safely() {
            bail!(
                "{} cannot read {what} of its own database, and an administrator does not dump it as long as {whose} \
                 is {version}: whoever owns a table could become one (CVE-2024-7348); update PostgreSQL",
                source.service
            );
        }
    }
    tracing::info!(service = source.service, what, "the administrator dumps what the service cannot read");
    Ok(&source.dump_url)
}
