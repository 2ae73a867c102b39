//! One database and one role per service, on the private cluster or on an existing server.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use hivematrix_shared::config::{FileKey, FileValues};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use url::Url;

use super::{Layout, postgres};
use crate::domain::{child_env::given, ports, registry::Registry, secrets::Secrets};

/// Where each service keeps its data.
#[derive(Debug, Clone, Default)]
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
        operator: &BTreeMap<String, String>,
        admin_url: &str,
    ) -> Result<Self> {
        let mut settled = Self { admin_url: Some(admin_url.to_owned()), ..Self::default() };
        for (name, entry) in registry.iter().filter(|(_, entry)| entry.needs_database()) {
            if entry.is_remote() {
                continue;
            }
            let url = match elsewhere(layout, name, operator)? {
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
    pub fn given(layout: &Layout, registry: &Registry, operator: &BTreeMap<String, String>) -> Result<Self> {
        let mut settled = Self::default();
        for (name, _) in registry.iter().filter(|(_, entry)| entry.needs_database() && !entry.is_remote()) {
            if let Some(url) = elsewhere(layout, name, operator)? {
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
pub fn url_of(
    layout: &Layout,
    service: &str,
    secrets: &Secrets,
    operator: &BTreeMap<String, String>,
) -> Result<Option<String>> {
    if let Some(url) = elsewhere(layout, service, operator)? {
        return Ok(Some(url));
    }
    let admin_url = match operator.get("HIVEMATRIX_DATABASE_URL") {
        Some(url) => url.clone(),
        None => {
            let offset = super::options::Options::read(layout)?.port_offset;
            postgres::admin_url(ports::shifted(ports::POSTGRES, offset)?, &secrets.postgres_password)
        }
    };
    own_url(&admin_url, service, &secrets.of(service).database_password).map(Some)
}

/// Whether any service of the registry needs the private cluster.
///
/// # Errors
/// When a settings file cannot be read.
pub fn private_cluster_needed(
    layout: &Layout,
    registry: &Registry,
    operator: &BTreeMap<String, String>,
) -> Result<bool> {
    if operator.contains_key("HIVEMATRIX_DATABASE_URL") {
        return Ok(false);
    }
    for (name, entry) in registry.iter() {
        if entry.needs_database() && !entry.is_remote() && elsewhere(layout, name, operator)?.is_none() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The database an operator chose for a service.
fn elsewhere(layout: &Layout, service: &str, operator: &BTreeMap<String, String>) -> Result<Option<String>> {
    let variable = format!("{}_DATABASE_URL", service.to_uppercase().replace('-', "_"));
    if let Some(url) = given(operator, &variable) {
        return Ok(Some(url.to_owned()));
    }
    const KEYS: &[FileKey] = &[FileKey::new("database", "connection_string", "DATABASE_URL")];
    let values = FileValues::read(layout.home(), service, KEYS)?;
    Ok(values.get("DATABASE_URL").map(str::to_owned))
}

fn own_url(admin_url: &str, service: &str, password: &str) -> Result<String> {
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
    options.disable_statement_logging().connect().await.context("cannot reach PostgreSQL")
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
