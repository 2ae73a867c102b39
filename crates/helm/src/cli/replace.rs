//! `helm replace`: a program of ours in the place of a service of the original suite, or the other way.

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};

use super::output::say;
use crate::instance::{Layout, databases, found, installation, operator, registry, secrets};

/// Arguments of `helm replace`.
#[derive(Debug, Args)]
pub struct ReplaceArgs {
    /// Service name.
    pub service: String,
    /// The service of the original suite in the place of ours.
    #[arg(long)]
    pub back: bool,
}

pub(super) async fn run(layout: &Layout, args: &ReplaceArgs) -> Result<()> {
    let name = args.service.as_str();
    let found = found::known(layout)?;
    let Some(theirs) = found.get(name) else {
        bail!("no folder hivematrix-{name} of the original suite was found by the last `helm up`");
    };
    ensure!(
        registry::has_program(&installation::programs()?, name),
        "this build has no program for {name}, so that the original's is at work anyway"
    );
    if theirs.is_in_use(name) == args.back {
        let whose = if args.back { "the original's" } else { "ours" };
        say!("{name}: {whose} is chosen already");
        return Ok(());
    }
    let database = Database::look(layout, name).await?;
    if args.back {
        refuse_tables_of_ours(name, &database)?;
    } else {
        refuse_tables_of_the_original(name, &database)?;
    }
    found::set_in_use(layout, name, args.back)?;
    let whose = if args.back { "the original's" } else { "ours" };
    say!("{name}: {whose} from the next start of the suite on. Now: helm down && helm up");
    say!("Where systemd runs it: sudo helm install --systemd");
    Ok(())
}

/// Whose tables a database holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tables {
    /// There is no such database, or nothing in it.
    None,
    /// Ours always come with the list of their migrations.
    Ours,
    /// The original's.
    Theirs,
}

/// The database that a program of ours has or would have: its name, whose tables it holds, and whether the one is beside it that
/// was set aside for an import.
struct Database {
    name: String,
    tables: Tables,
    has_original: bool,
}

impl Database {
    async fn look(layout: &Layout, service: &str) -> Result<Self> {
        let secrets = secrets::read(layout)?;
        let operator = operator::of_next_up(layout)?;
        let url = databases::url_of_program(layout, service, &secrets, &operator)?;
        let admin = databases::admin_url(layout, &secrets, &operator)?;
        // The parse error would repeat the address with its password.
        let parsed = |url: &str| url.parse::<PgConnectOptions>().ok();
        let (Some(options), Some(admin)) = (parsed(&url), parsed(&admin)) else {
            bail!("{service}: the address of its database is not valid");
        };
        let name = options.get_database().unwrap_or_default().to_owned();
        let is_same_server = (options.get_host(), options.get_port()) == (admin.get_host(), admin.get_port());
        // On Helm's own server the administrator looks: the role may not be there yet, or have another password.
        let options = if is_same_server { admin.database(&name) } else { options };
        let mut connection = match options.disable_statement_logging().connect().await {
            Ok(connection) => connection,
            // No such database.
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("3D000") => {
                return Ok(Self { name, tables: Tables::None, has_original: false });
            }
            Err(error) => {
                return Err(error)
                    .context("the database has to be looked at first, and cannot be reached: helm up");
            }
        };
        let found = tables(&mut connection, &name).await;
        // Nothing was changed that could be lost.
        let _ = connection.close().await;
        let (tables, has_original) = found.context("cannot look at the database")?;
        Ok(Self { name, tables, has_original })
    }
}

async fn tables(connection: &mut PgConnection, name: &str) -> sqlx::Result<(Tables, bool)> {
    let (is_ours, is_empty, has_original): (bool, bool, bool) = sqlx::query_as(
        "SELECT to_regclass('public._sqlx_migrations') IS NOT NULL,
             NOT EXISTS (SELECT FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace),
             EXISTS (SELECT FROM pg_database WHERE datname = $1 || '_original')",
    )
    .bind(name)
    .fetch_one(connection)
    .await?;
    let tables = match (is_empty, is_ours) {
        (true, _) => Tables::None,
        (false, true) => Tables::Ours,
        (false, false) => Tables::Theirs,
    };
    Ok((tables, has_original))
}

/// A program of ours leaves a database with the original's tables as it is, and does not start on it.
fn refuse_tables_of_the_original(service: &str, database: &Database) -> Result<()> {
    let name = &database.name;
    ensure!(
        database.tables != Tables::Theirs,
        "{name} holds the tables of the original {service}, which ours does not touch. Set it aside, so that the next start \
         makes a new one, and take its data over from there:\n  \
         helm stop {service}\n  \
         ALTER DATABASE {name} RENAME TO {name}_original;   (as the administrator of the server)\n  \
         helm replace {service}, then the start it tells\n  \
         hivematrix-{service} import --from postgres://USER:PASSWORD@HOST:PORT/{name}_original"
    );
    Ok(())
}

/// The original's would write into our tables where its own were set aside.
fn refuse_tables_of_ours(service: &str, database: &Database) -> Result<()> {
    let name = &database.name;
    ensure!(
        !(database.tables == Tables::Ours && database.has_original),
        "{name} holds our tables; those of the original {service} are set aside in {name}_original. Put them back first, as the \
         administrator of the server:\n  \
         helm stop {service}\n  \
         ALTER DATABASE {name} RENAME TO {name}_ours;\n  \
         ALTER DATABASE {name}_original RENAME TO {name};"
    );
    Ok(())
}
