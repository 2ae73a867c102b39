//! `hivematrix-codex init-db`, upstream's `init_db.py` (codex-api.md §11.3): makes role and database, writes the connection
//! into `codex.conf` and brings the tables up to date.

mod rebuild;

use std::{
    io::{BufRead, IsTerminal as _, stdin},
    path::Path,
    process::ExitCode,
    str::FromStr as _,
};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use hivematrix_shared::{
    config::{Secret, ServiceConfig as _, conf_path, home_from_environment, ini_text},
    db,
};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{
    MIGRATOR,
    cli::say,
    config::Settings,
    settings::{Origin, write::Writer},
};

/// What to prepare. Without `--headless`, `--test`, `--migrate-only` or `--force-rebuild` it asks at the terminal.
#[derive(Args, Clone, Debug)]
pub struct InitDbArgs {
    /// Ask nothing: everything comes from the arguments.
    #[arg(long)]
    pub headless: bool,
    /// Only bring the tables of the configured database up to date; with `--headless` that happens anyway.
    #[arg(long)]
    pub migrate_only: bool,
    /// Everything with defaults, and a password by chance where none is given.
    #[arg(long)]
    pub test: bool,
    /// Remove everything in the configured database and make it anew. Asks for a phrase, see `--confirm`.
    #[arg(long, conflicts_with_all = ["headless", "test", "migrate_only"])]
    pub force_rebuild: bool,
    /// The phrase of `--force-rebuild`, `rebuild <name of the database>`, where nobody can type it.
    #[arg(long, requires = "force_rebuild")]
    pub confirm: Option<String>,
    /// Host of the server.
    #[arg(long, default_value = "localhost")]
    pub db_host: String,
    /// Its port.
    #[arg(long, default_value_t = 5432)]
    pub db_port: u16,
    /// Name of the database.
    #[arg(long, default_value = "codex_db")]
    pub db_name: String,
    /// Role that owns it.
    #[arg(long, default_value = "codex_user")]
    pub db_user: String,
    /// The role's password, required with `--headless`. In the environment it is hidden from other users of the machine.
    #[arg(long, env = "CODEX_DB_PASSWORD", hide_env_values = true)]
    pub db_password: Option<Secret>,
    /// Administrator of the server, who makes what is missing; without one the local account `postgres` is tried.
    #[arg(long, env = "CODEX_DB_ADMIN_URL", hide_env_values = true)]
    pub admin_url: Option<Secret>,
    /// Accepted and ignored, as in the original.
    #[arg(long, hide = true)]
    pub create_sample_data: bool,
}

/// Where the database is, or will be.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    host: String,
    port: u16,
    name: String,
    user: String,
}

/// Does it. Exit code 0 when the database is ready.
///
/// # Errors
/// Why it is not, without any password.
pub async fn run(args: &InitDbArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    let configured = settings.database.database_url.as_ref();
    if args.force_rebuild {
        rebuild::rebuild(configured.context("no database is configured")?, args.confirm.as_deref()).await?;
    } else if args.migrate_only && !args.headless {
        migrate(configured.context("no database is configured")?).await?;
    } else {
        let interactive = !args.headless && !args.test;
        ensure!(
            !interactive || stdin().is_terminal(),
            "there is nobody to ask: give --headless, --test or --migrate-only"
        );
        let mut place = Place {
            host: args.db_host.clone(),
            port: args.db_port,
            name: args.db_name.clone(),
            user: args.db_user.clone(),
        };
        if interactive {
            place = place.asked(&mut stdin().lock())?;
        }
        let password = match &args.db_password {
            Some(password) => password.clone(),
            None if args.headless => bail!("--db-password is required with --headless"),
            None => Secret::new(by_chance()),
        };
        prepare(&place, &password, args.admin_url.as_ref()).await?;
        let url = place.url(Some(&password))?;
        let usual = || conf_path(&home_from_environment(), Settings::SERVICE);
        write_config(&settings.origin.as_ref().map_or_else(usual, Origin::file), &place, &url)?;
        migrate(&url).await?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Place {
    /// The place with what somebody types; an empty line leaves a value as it is.
    fn asked(self, input: &mut dyn BufRead) -> anyhow::Result<Self> {
        let mut ask = |what: &str, usual: String| -> anyhow::Result<String> {
            say(&format!("{what} [{usual}]:"));
            let mut line = String::new();
            ensure!(input.read_line(&mut line)? > 0, "the input has ended");
            let typed = line.trim();
            Ok(if typed.is_empty() { usual } else { typed.to_owned() })
        };
        Ok(Self {
            host: ask("Host", self.host)?,
            port: ask("Port", self.port.to_string())?.parse().context("the port is no number")?,
            name: ask("Database", self.name)?,
            user: ask("User", self.user)?,
        })
    }

    fn url(&self, password: Option<&Secret>) -> anyhow::Result<Secret> {
        let mut url = Url::parse("postgres://localhost")?;
        let wrong = |what: &str| anyhow::anyhow!("the {what} of the database cannot be part of an address");
        url.set_host(Some(&self.host)).map_err(|_| wrong("host"))?;
        url.set_port(Some(self.port)).map_err(|()| wrong("port"))?;
        url.set_username(&escaped(&self.user)).map_err(|()| wrong("user"))?;
        let password = password.map(|password| escaped(password.expose()));
        url.set_password(password.as_deref()).map_err(|()| wrong("password"))?;
        url.path_segments_mut().map_err(|()| wrong("name"))?.push(&self.name);
        Ok(Secret::new(url.to_string()))
    }
}

/// A text as part of an address, every letter that could mean something there written by its number.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let escape = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(escape).collect()
}

/// A password nobody has to remember: it stands in the configuration only.
fn by_chance() -> String {
    rand::random::<[u8; 24]>().iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn connect(url: &Secret) -> anyhow::Result<PgConnection> {
    // The error text would repeat the address with its password.
    let options = PgConnectOptions::from_str(url.expose())
        .map_err(|_| anyhow::anyhow!("the address of the database is no PostgreSQL address"))?;
    Ok(options.disable_statement_logging().connect().await?)
}

/// The local account of the server's administrator. The statement that makes a role holds its password, so that none may be
/// written to the log, not even one that takes long.
fn local_admin(port: u16) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket("/var/run/postgresql")
        .port(port)
        .username("postgres")
        .database("postgres")
        .disable_statement_logging()
}

/// Makes role and database where they are missing, and looks whether they can be used.
async fn prepare(place: &Place, password: &Secret, admin_url: Option<&Secret>) -> anyhow::Result<()> {
    let url = place.url(Some(password))?;
    if let Ok(connection) = connect(&url).await {
        connection.close().await?;
        say(&format!("The database {} is there", place.name));
        return Ok(());
    }
    let admin = match admin_url {
        Some(url) => connect(url).await,
        None => local_admin(place.port).connect().await.map_err(Into::into),
    };
    let mut admin = admin.with_context(|| {
        format!("the database {} cannot be used, and no administrator to make it can be reached", place.name)
    })?;
    let role = (
        "select exists(select from pg_roles where rolname = $1)",
        &place.user,
        "create role %I login password %L",
        password.expose(),
    );
    let database = (
        "select exists(select from pg_database where datname = $1)",
        &place.name,
        "create database %I owner %I",
        place.user.as_str(),
    );
    for (exists, missing, make, with) in [role, database] {
        if sqlx::query_scalar(exists).bind(missing).fetch_one(&mut admin).await? {
            continue;
        }
        // The server quotes names and password.
        let statement: String = sqlx::query_scalar("select format($1, $2::text, $3::text)")
            .bind(make)
            .bind(missing)
            .bind(with)
            .fetch_one(&mut admin)
            .await?;
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut admin).await?;
        say(&format!("Made {missing}"));
    }
    admin.close().await?;
    let connection =
        connect(&url).await.context("role and database are there, but cannot be used together")?;
    connection.close().await?;
    Ok(())
}

/// Writes the connection, and sections that are missing.
fn write_config(path: &Path, place: &Place, url: &Secret) -> anyhow::Result<()> {
    let writer = Writer::begin(path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut text = writer.text()?;
    let port = place.port.to_string();
    let mut values = vec![
        ("database", "connection_string", url.expose()),
        ("database", "db_host", &place.host),
        ("database", "db_port", &port),
        ("database", "db_name", &place.name),
        ("database", "db_user", &place.user),
        ("database_credentials", "db_host", &place.host),
        ("database_credentials", "db_port", &port),
        ("database_credentials", "db_user", &place.user),
        ("database_credentials", "db_name", &place.name),
    ];
    let defaults = [
        ("psa", "default_provider", "freshservice"),
        ("psa", "enabled_providers", "freshservice"),
        ("rmm", "default_provider", "datto"),
        ("scheduler", "sync_psa_schedule", "daily"),
        ("scheduler", "sync_rmm_schedule", "daily"),
        ("scheduler", "sync_tickets_schedule", "frequent"),
    ];
    let has = |section: &str| text.lines().any(|line| line.trim() == format!("[{section}]"));
    values.extend(defaults.into_iter().filter(|(section, ..)| !has(section)));
    for (section, key, value) in values {
        let value = ini_text::written(value).with_context(|| format!("{key} cannot stand in a file"))?;
        text = ini_text::edit(&text, ini_text::Edit { section, key, value: Some(&value) });
    }
    writer.replace(&text).with_context(|| format!("cannot write {}", path.display()))?;
    say(&format!("The connection is written to {}", path.display()));
    Ok(())
}

async fn migrate(url: &Secret) -> anyhow::Result<()> {
    // Once now, so that a server that is away is an error here and not something to wait for.
    connect(url).await.context("the database cannot be reached")?.close().await?;
    let pool = db::connect(Some(url), 2)?;
    db::migrate(&pool, &MIGRATOR, &CancellationToken::new()).await?;
    pool.close().await;
    say("The tables are up to date");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        let text = |text: &str| text.to_owned();
        Place { host: text("db.example"), port: 5433, name: text("codex db"), user: text("us/er") }
    }

    #[test]
    fn an_address_holds_whatever_name_and_password_hold() {
        let url = place().url(Some(&Secret::new("p@ss/w:rd%"))).unwrap();
        assert_eq!(url.expose(), "postgres://us%2Fer:p%40ss%2Fw%3Ard%25@db.example:5433/codex%20db");
        let options = PgConnectOptions::from_str(url.expose()).unwrap();
        assert_eq!((options.get_username(), options.get_database()), ("us/er", Some("codex db")));
    }

    #[test]
    fn no_statement_with_a_password_gets_into_the_log() {
        let options = format!("{:?}", local_admin(5432));
        for level in ["statements_level", "slow_statements_level"] {
            assert!(options.contains(&format!(" {level}: Off")), "{options}");
        }
    }

    #[test]
    fn what_is_typed_counts_and_an_empty_line_keeps_the_usual() {
        let mut typed = "\n5499\nother\n\n".as_bytes();
        let asked = place().asked(&mut typed).unwrap();
        assert_eq!(asked, Place { port: 5499, name: "other".to_owned(), ..place() });
        assert!(place().asked(&mut "x\nnine\n".as_bytes()).is_err());
        assert!(place().asked(&mut "".as_bytes()).is_err(), "nobody is there any more");
    }

    #[test]
    fn the_file_gets_the_connection_and_what_it_lacks_and_keeps_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("codex.conf");
        std::fs::write(&path, "[psa]\ndefault_provider = superops\n[database]\ndb_name = old\n").unwrap();
        write_config(&path, &place(), &Secret::new("postgres://x")).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        for line in
            ["connection_string = postgres://x", "db_name = codex db", "default_provider = superops", "[rmm]"]
        {
            assert!(text.lines().any(|have| have == line), "{line} is not in {text}");
        }
        assert!(!text.contains("enabled_providers"), "a section that is there stays as it is: {text}");
    }
}
