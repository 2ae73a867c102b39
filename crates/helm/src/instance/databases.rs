//! One database and one role per service, on the private cluster or on an existing server.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result, bail};
use hivematrix_shared::config::{FileKey, FileValues, conf_path};
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use url::Url;

use super::{Layout, beneath, files, foreign, master_config, postgres, registry};
use crate::domain::{
    master_config::Document,
    operator::Operator,
    ports,
    registry::{HelmEntry, Registry},
    secrets::Secrets,
};

/// Where each service keeps its data.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Databases {
    /// Connection URL by service.
    pub urls: BTreeMap<String, String>,
    /// Services whose database Helm makes, on the server of [`Databases::admin_url`].
    pub managed: Vec<String>,
    /// Administrative URL of the server that Helm makes databases on.
    pub admin_url: Option<String>,
}

impl Databases {
    /// Settles where each service keeps its data: `<SERVICE>_DATABASE_URL`, else the service's own file, else a database
    /// that Helm makes on the server at `admin_url`.
    ///
    /// # Errors
    /// When a file or an address cannot be read.
    pub fn settle(
        layout: &Layout,
        registry: &Registry,
        secrets: &Secrets,
        operator: &Operator,
        admin_url: &str,
    ) -> Result<Self> {
        let mut settled = Self { admin_url: Some(admin_url.to_owned()), ..Self::default() };
        for (name, entry) in registry.iter().filter(|(_, entry)| entry.needs_database()) {
            if entry.is_remote() {
                continue;
            }
            let url = match elsewhere(layout, name, Some(entry), operator)? {
                Some(url) => url,
                None => {
                    settled.managed.push(name.to_owned());
                    own_url(admin_url, name, &secrets.of(name).database_password)?
                }
            };
            settled.urls.insert(name.to_owned(), url);
        }
        Ok(settled)
    }

    /// As [`Databases::settle`] where every service has a database of the operator's choice.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn given(layout: &Layout, registry: &Registry, operator: &Operator) -> Result<Self> {
        let mut settled = Self::default();
        let services = registry.iter().filter(|(_, entry)| entry.needs_database() && !entry.is_remote());
        for (name, entry) in services {
            if let Some(url) = elsewhere(layout, name, Some(entry), operator)? {
                settled.urls.insert(name.to_owned(), url);
            }
        }
        Ok(settled)
    }

    /// Makes the missing databases and roles.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn make(&self, secrets: &Secrets) -> Result<()> {
        let (Some(admin_url), false) = (&self.admin_url, self.managed.is_empty()) else { return Ok(()) };
        let mut admin = connect(admin_url).await?;
        for service in &self.managed {
            make_one(&mut admin, service, &secrets.of(service).database_password)
                .await
                .with_context(|| format!("cannot make the database of {service}"))?;
        }
        admin.close().await?;
        Ok(())
    }
}

/// The database of one service, as a prepared instance has it.
///
/// # Errors
/// When a settings file or an address cannot be read.
pub fn url_of(layout: &Layout, service: &str, secrets: &Secrets, operator: &Operator) -> Result<String> {
    let written = registry::written(layout)?;
    url_with(layout, service, written.get(service), secrets, operator)
}

/// The database that a program of ours for a service has or would have, whoever is at work in its place now.
///
/// # Errors
/// As [`url_of`].
pub fn url_of_program(
    layout: &Layout,
    service: &str,
    secrets: &Secrets,
    operator: &Operator,
) -> Result<String> {
    url_with(layout, service, None, secrets, operator)
}

fn url_with(
    layout: &Layout,
    service: &str,
    entry: Option<&HelmEntry>,
    secrets: &Secrets,
    operator: &Operator,
) -> Result<String> {
    if let Some(url) = elsewhere(layout, service, entry, operator)? {
        return Ok(url);
    }
    let admin_url = admin_url(layout, secrets, operator)?;
    own_url(&admin_url, service, &secrets.of(service).database_password)
}

/// Administrative address of the server that Helm makes databases on, as a prepared instance has it.
///
/// # Errors
/// When the options of the instance cannot be read.
pub fn admin_url(layout: &Layout, secrets: &Secrets, operator: &Operator) -> Result<String> {
    if let Some(url) = operator.database_server() {
        return Ok(url.to_owned());
    }
    let offset = super::options::Options::read(layout)?.port_offset;
    Ok(postgres::admin_url(ports::shifted(ports::POSTGRES, offset)?, &secrets.postgres_password))
}

/// The addresses for a backup of a service's database: as the service, and by the role that may dump everything in it, which
/// is the administrator where Helm made it.
///
/// # Errors
/// When a settings file or an address cannot be read.
pub fn backup_urls(
    layout: &Layout,
    service: &str,
    secrets: &Secrets,
    operator: &Operator,
) -> Result<(String, String)> {
    let written = registry::written(layout)?;
    if let Some(url) = elsewhere(layout, service, written.get(service), operator)? {
        return Ok((url.clone(), url));
    }
    let admin_url = admin_url(layout, secrets, operator)?;
    let own = own_url(&admin_url, service, &secrets.of(service).database_password)?;
    Ok((own, with_database(&admin_url, &names(service).1)?))
}

/// The same server and role with another database.
///
/// # Errors
/// When the address is not valid.
pub fn with_database(url: &str, database: &str) -> Result<String> {
    // The parse error would repeat the address with its password.
    let mut url: Url = url.parse().ok().context("a database address is not valid")?;
    url.set_path(database);
    Ok(url.into())
}

/// Whether any service of the registry needs the private cluster.
///
/// # Errors
/// When a settings file cannot be read.
pub fn private_cluster_needed(layout: &Layout, registry: &Registry, operator: &Operator) -> Result<bool> {
    if operator.database_server().is_some() {
        return Ok(false);
    }
    for (name, entry) in registry.iter() {
        let is_served = entry.needs_database() && !entry.is_remote();
        if is_served && elsewhere(layout, name, Some(entry), operator)?.is_none() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The database an operator chose for a service: by a variable, in the service's own file, or in the master configuration.
///
/// # Errors
/// When one of these files cannot be read.
pub fn elsewhere(
    layout: &Layout,
    service: &str,
    entry: Option<&HelmEntry>,
    operator: &Operator,
) -> Result<Option<String>> {
    if let Some(url) = operator.database(service) {
        return Ok(Some(url.to_owned()));
    }
    const KEYS: &[FileKey] = &[FileKey::new("database", "connection_string", "DATABASE_URL")];
    // By a link a service could have another one's file read for it, and be given the address of that one's database.
    let values = FileValues::read_by(layout.home(), service, KEYS, |path| beneath::read_text(path))?;
    if let Some(url) = values.get("DATABASE_URL") {
        return Ok(Some(url.to_owned()));
    }
    if let Some(entry) = entry.filter(|entry| foreign::is_upstream(layout, entry))
        && let Some(text) = foreign::conf_text(layout, service, entry)?
    {
        let conf = conf_path(layout.home(), service);
        let read = |path: &Path| if path == conf { Ok(text.clone()) } else { beneath::read_text(path) };
        let values = FileValues::read_by(layout.home(), service, KEYS, read)?;
        let theirs = values.get("DATABASE_URL").filter(|url| !is_ours(layout, service, url));
        if let Some(url) = theirs {
            return Ok(Some(url.to_owned()));
        }
    }
    configured(&master_config::read(layout)?.document, service)
}

/// Whether a connection string is one that Helm wrote itself: nobody else has its password.
fn is_ours(layout: &Layout, service: &str, url: &str) -> bool {
    let secrets: Option<Secrets> = files::read_json(&layout.secrets()).ok().flatten();
    let password = secrets.map(|secrets| secrets.of(service).database_password).unwrap_or_default();
    let written = Url::parse(url).ok();
    !password.is_empty() && written.is_some_and(|url| url.password() == Some(&password))
}

/// The database of `apps.<service>` in the master configuration, when name, role and password are all there.
fn configured(document: &Document, service: &str) -> Result<Option<String>> {
    let of_app = |name: &str| document.text(&["apps", service, name]);
    let (Some(name), Some(user), Some(password)) =
        (of_app("db_name"), of_app("db_user"), of_app("db_password"))
    else {
        return Ok(None);
    };
    let of_server = |name: &str| document.effective(&["databases", "postgresql", name]).unwrap_or_default();
    let host = of_server("host");
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let mut url = Url::parse(&format!("postgresql://{host}:{}", of_server("port")))
        .context("databases.postgresql names no server")?;
    url.set_path(&name);
    if url.set_username(&user).is_err() || url.set_password(Some(&password)).is_err() {
        bail!("databases.postgresql names no server");
    }
    Ok(Some(url.into()))
}

/// A name or password of an address as it was before it was written into it.
#[must_use]
pub fn percent_decoded(text: &str) -> String {
    url::form_urlencoded::parse(format!("x={}", text.replace('+', "%2B").replace('&', "%26")).as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// The address of the database that Helm makes for a service on the server of `admin_url`.
///
/// # Errors
/// When that address names no server.
pub fn own_url(admin_url: &str, service: &str, password: &str) -> Result<String> {
    let mut url = Url::parse(admin_url).context("the administrative database address is not valid")?;
    let (user, database) = names(service);
    url.set_path(&database);
    if url.set_username(&user).is_err() || url.set_password(Some(password)).is_err() {
        bail!("the administrative database address names no server");
    }
    Ok(url.into())
}

/// Role and database of a service (platform.md §1).
fn names(service: &str) -> (String, String) {
    (format!("{service}_user"), format!("{service}_db"))
}

async fn connect(url: &str) -> Result<PgConnection> {
    // The parse error would repeat the address with its password.
    let options: PgConnectOptions =
        url.parse().ok().context("the administrative database address is not valid")?;
    let mut admin = options.disable_statement_logging().connect().await.context("cannot reach PostgreSQL")?;
    // Before PostgreSQL 15 every role may put functions of its own into the administrator's database.
    sqlx::raw_sql("SET search_path = pg_catalog").execute(&mut admin).await?;
    Ok(admin)
}

async fn make_one(admin: &mut PgConnection, service: &str, password: &str) -> Result<()> {
    let (user, database) = names(service);
    let role_exists =
        sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS "exists!""#, user)
            .fetch_one(&mut *admin)
            .await?;
    let verb = if role_exists { "ALTER" } else { "CREATE" };
    let role = sqlx::query_scalar!(
        r#"SELECT format('%s ROLE %I LOGIN PASSWORD %L', $1::text, $2::text, $3::text) AS "sql!""#,
        verb,
        user,
        password
    )
    .fetch_one(&mut *admin)
    .await?;
    // Quoted by the server itself; neither name nor password can end the statement.
    sqlx::raw_sql(AssertSqlSafe(role)).execute(&mut *admin).await?;
    let database_exists = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS "exists!""#,
        database
    )
    .fetch_one(&mut *admin)
    .await?;
    if database_exists {
        return Ok(());
    }
    let statements = sqlx::query!(
        r#"SELECT format('GRANT %I TO CURRENT_USER', $1::text) AS "join!",
                  format('CREATE DATABASE %I OWNER %I ENCODING ''UTF8'' TEMPLATE template0', $2::text, $1::text) AS "create!",
                  format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', $2::text) AS "close!",
                  (SELECT rolsuper FROM pg_roles WHERE rolname = CURRENT_USER) AS "superuser!""#,
        user,
        database
    )
    .fetch_one(&mut *admin)
    .await?;
    if !statements.superuser {
        sqlx::raw_sql(AssertSqlSafe(statements.join)).execute(&mut *admin).await?;
    }
    sqlx::raw_sql(AssertSqlSafe(statements.create)).execute(&mut *admin).await?;
    sqlx::raw_sql(AssertSqlSafe(statements.close)).execute(&mut *admin).await?;
    tracing::info!(service, database = %database, "database created");
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_database_of_the_master_configuration_is_used_when_it_is_whole() {
        let whole = json!({"db_name": "codex_db", "db_user": "codex_user", "db_password": "p@w/"});
        for (document, url) in [
            (json!({}), None),
            (json!({"apps": {"codex": {"db_name": "codex_db", "db_user": "codex_user"}}}), None),
            (
                json!({"apps": {"codex": whole}}),
                Some("postgresql://codex_user:p%40w%2F@localhost:5432/codex_db"),
            ),
            (
                json!({"apps": {"codex": whole}, "databases": {"postgresql": {"host": "2001:db8::7", "port": 5433}}}),
                Some("postgresql://codex_user:p%40w%2F@[2001:db8::7]:5433/codex_db"),
            ),
        ] {
            let document = Document::of(document).unwrap();
            assert_eq!(configured(&document, "codex").unwrap().as_deref(), url);
        }
    }
}
