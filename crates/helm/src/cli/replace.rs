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
    if !args.back {
        refuse_tables_of_the_original(layout, name).await?;
    }
    found::set_in_use(layout, name, args.back)?;
    let whose = if args.back { "the original's" } else { "ours" };
    say!("{name}: {whose} from the next start of the suite on. Now: helm down && helm up");
    say!("Where systemd runs it: sudo helm install --systemd");
    Ok(())
}

/// A program of ours leaves a database with the original's tables as it is, and does not start on it.
async fn refuse_tables_of_the_original(layout: &Layout, name: &str) -> Result<()> {
    let secrets = secrets::read(layout)?;
    let operator = operator::of_next_up(layout)?;
    let url = databases::url_of_program(layout, name, &secrets, &operator)?;
    // The parse error would repeat the address with its password.
    let Ok(options) = url.parse::<PgConnectOptions>() else {
        bail!("{name}: the address of its database is not valid")
    };
    let database = options.get_database().unwrap_or_default().to_owned();
    let connected = options.disable_statement_logging().connect().await;
    let mut connection = match connected {
        Ok(connection) => connection,
        // No such database, or no such role yet: the next start makes them.
        Err(sqlx::Error::Database(error))
            if matches!(error.code().as_deref(), Some("3D000" | "28P01" | "28000")) =>
        {
            return Ok(());
        }
        Err(error) => {
            return Err(error)
                .context("the database has to be looked at first, and cannot be reached: helm up");
        }
    };
    let is_theirs = has_foreign_tables(&mut connection).await;
    // Nothing was changed that could be lost.
    let _ = connection.close().await;
    if is_theirs.context("cannot look at the database")? {
        bail!(
            "{database} holds the tables of the original {name}, which ours does not touch. Set it aside, so that the next start \
             makes a new one, and take its data over from there:\n  \
             helm stop {name}\n  \
             ALTER DATABASE {database} RENAME TO {database}_original;   (as the administrator of the server)\n  \
             helm replace {name}, then the start it tells\n  \
             hivematrix-{name} import --from postgres://USER:PASSWORD@HOST:PORT/{database}_original"
        );
    }
    Ok(())
}

/// Whether there are tables, and none of ours, which always come with the list of their migrations.
async fn has_foreign_tables(connection: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "SELECT to_regclass('public._sqlx_migrations') IS NULL AND EXISTS (SELECT FROM pg_class
             WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace)",
    )
    .fetch_one(connection)
    .await
}
