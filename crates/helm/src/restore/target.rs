//! The databases that a restore loads into: made fresh beside those in use, with the same owner, encoding and grants.

use anyhow::{Context, Result, bail};
use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::domain::backup::manifest::DatabaseFacts;

/// An identifier for a statement, quoted by PostgreSQL's own rule.
#[must_use]
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text for a statement; names of encodings and values of settings hold no backslash that would mean something.
#[must_use]
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The value of a setting. Where it is a list of names, each of them is a text of its own.
fn value_of(setting: &str, value: &str) -> String {
    if !["search_path", "temp_tablespaces", "session_preload_libraries"].contains(&setting) {
        return literal(value);
    }
    let names = value.split(',').map(|name| literal(name.trim().trim_matches('"')));
    names.collect::<Vec<_>>().join(", ")
}

/// Runs one statement that was made of quoted names.
///
/// # Errors
/// When the server refuses.
pub async fn run(server: &mut PgConnection, statement: String) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(server).await.map(drop).map_err(Into::into)
}

/// Whether there is a database of this name.
///
/// # Errors
/// When the server refuses.
pub async fn exists(server: &mut PgConnection, database: &str) -> Result<bool> {
    let exists = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)");
    Ok(exists.bind(database).fetch_one(server).await?)
}

/// Major version of the server.
///
/// # Errors
/// When the server refuses.
pub async fn major(server: &mut PgConnection) -> Result<i32> {
    let version = sqlx::query_scalar("SELECT current_setting('server_version_num')::int");
    let version: i32 = version.fetch_one(server).await?;
    Ok(version / 10_000)
}

/// Makes the roles that a dump names and this server lacks. They cannot sign in: whoever needs that gives them a password.
///
/// # Errors
/// When the server refuses.
pub async fn ensure_roles(server: &mut PgConnection, facts: &DatabaseFacts) -> Result<Vec<String>> {
    let mut made = Vec::new();
    for role in facts.roles.iter().chain([&facts.owner]) {
        let known = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)");
        let known: bool = known.bind(role).fetch_one(&mut *server).await?;
        if !known {
            run(server, format!("CREATE ROLE {} NOLOGIN", identifier(role)))
                .await
                .with_context(|| format!("the role {role} cannot be made"))?;
            made.push(role.clone());
        }
    }
    Ok(made)
}

/// Whether this role may make databases and the server is not older than the dump.
///
/// # Errors
/// In words, when not.
pub async fn check(server: &mut PgConnection, facts: &DatabaseFacts) -> Result<()> {
    let row = sqlx::query(
        "SELECT current_setting('server_version_num')::int, rolsuper OR rolcreatedb, rolname::text
           FROM pg_roles WHERE rolname = current_user",
    )
    .fetch_one(server)
    .await?;
    let (version, may_create, role): (i32, bool, String) =
        (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    if version / 10_000 < facts.major() {
        bail!(
            "{} was saved from PostgreSQL {}, and this server is {}: use a server of that version or later",
            facts.database,
            facts.major(),
            version / 10_000
        );
    }
    if !may_create {
        bail!(
            "the role {role} may not make databases, which a restore of {} needs: ALTER ROLE {} CREATEDB, as an \
             administrator of that server",
            facts.database,
            identifier(&role)
        );
    }
    Ok(())
}

/// Lets the role of this name sign in to a cluster that was made for a test restore; a superuser's name is refused.
///
/// # Errors
/// When the archive names a role that may do everything, or the server refuses.
pub async fn let_sign_in(server: &mut PgConnection, role: &str) -> Result<()> {
    let is_superuser = sqlx::query_scalar("SELECT rolsuper FROM pg_roles WHERE rolname = $1");
    let is_superuser: bool = is_superuser.bind(role).fetch_one(&mut *server).await?;
    if is_superuser {
        bail!("the archive says that a database belongs to {role}, who may do everything here");
    }
    run(server, format!("ALTER ROLE {} LOGIN", identifier(role)))
        .await
        .with_context(|| format!("the role {role} cannot be used"))
}

/// Makes the empty database `name` that `owner` owns, with the encoding and the grants of the saved one.
///
/// # Errors
/// When the server refuses.
pub async fn create(server: &mut PgConnection, name: &str, owner: &str, facts: &DatabaseFacts) -> Result<()> {
    let database = identifier(name);
    run(
        server,
        format!(
            "CREATE DATABASE {database} OWNER {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}",
            identifier(owner),
            literal(&facts.encoding),
            literal(&facts.collate),
            literal(&facts.ctype)
        ),
    )
    .await
    .with_context(|| format!("the database {name} cannot be made"))?;
    run(server, format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC")).await?;
    for grant in &facts.grants {
        if !["CONNECT", "CREATE", "TEMPORARY"].contains(&grant.privilege.as_str()) {
            bail!("the archive grants the unknown privilege {}", grant.privilege);
        }
        // The owner of the saved one has all rights here under the name of the owner here.
        if grant.grantee == facts.owner {
            continue;
        }
        let grantee = if grant.grantee.is_empty() { "PUBLIC".into() } else { identifier(&grant.grantee) };
        let option = if grant.grantable { " WITH GRANT OPTION" } else { "" };
        run(server, format!("GRANT {} ON DATABASE {database} TO {grantee}{option}", grant.privilege)).await?;
    }
    Ok(())
}

/// Gives a database the settings of the saved one. The connection is its owner's, who can set what sessions may set for
/// themselves: an archive must not name a library that everybody's sessions load.
///
/// # Errors
/// When one of them needs an administrator, or the server does not know it.
pub async fn set(connection: &mut PgConnection, name: &str, facts: &DatabaseFacts) -> Result<()> {
    for setting in &facts.settings {
        let (setting, value) =
            setting.split_once('=').context("the archive holds a setting without value")?;
        let statement = format!(
            "ALTER DATABASE {} SET {} TO {}",
            identifier(name),
            identifier(setting),
            value_of(setting, value)
        );
        run(connection, statement)
            .await
            .with_context(|| format!("the setting {setting} of {} cannot be made", facts.database))?;
    }
    Ok(())
}

/// Removes a database, also when somebody is connected to it.
///
/// # Errors
/// When the server refuses.
pub async fn remove(server: &mut PgConnection, name: &str) -> Result<()> {
    run(server, format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", identifier(name)))
        .await
        .with_context(|| format!("the database {name} cannot be removed"))
}

/// Ends the connections to a database, so that it can be renamed. What stays shows in the error of the renaming.
pub async fn disconnect(server: &mut PgConnection, name: &str) {
    let end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()";
    if let Err(error) = sqlx::query(end).bind(name).execute(server).await {
        tracing::debug!(error = %error, database = name, "connections were not ended");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_cannot_end_a_statement() {
        assert_eq!(identifier("a\"; DROP ROLE x; --"), "\"a\"\"; DROP ROLE x; --\"");
        assert_eq!(literal("a'; --"), "'a''; --'");
        assert_eq!(value_of("search_path", "\"$user\", public"), "'$user', 'public'");
        assert_eq!(value_of("work_mem", "8MB"), "'8MB'");
    }
}
