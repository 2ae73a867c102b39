//! Setting up the database of a service from nothing: role, database and the connection in its conf file. What `init_db` of a
//! service that runs on its own does; Helm does it for a whole suite.

use std::{io::BufRead, path::Path, str::FromStr as _};

use anyhow::{Context as _, ensure};
use clap::Args;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, migrate::Migrator,
    postgres::PgConnectOptions,
};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::config::{ConfWriter, Secret, ini_text};

/// Where the database is, or will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Host of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Name of the database.
    pub name: String,
    /// Role that owns it.
    pub user: String,
}

/// Where the database is, on the command line of a service.
#[derive(Args, Clone, Debug)]
pub struct PlaceArgs {
    /// Host of the server.
    #[arg(long, default_value = "localhost")]
    pub db_host: String,
    /// Its port.
    #[arg(long, default_value_t = 5432)]
    pub db_port: u16,
    /// Name of the database; without one that of the service with `_db` behind it.
    #[arg(long)]
    pub db_name: Option<String>,
    /// Role that owns it; without one the name of the service with `_user` behind it.
    #[arg(long)]
    pub db_user: Option<String>,
}

impl PlaceArgs {
    /// The place that a service has by these.
    pub fn of(&self, service: &str) -> Place {
        Place {
            host: self.db_host.clone(),
            port: self.db_port,
            name: self.db_name.clone().unwrap_or_else(|| format!("{service}_db")),
            user: self.db_user.clone().unwrap_or_else(|| format!("{service}_user")),
        }
    }
}

impl Place {
    /// The place with what somebody types; an empty line leaves a value as it is.
    ///
    /// # Errors
    /// When the input ends, or the port is no number.
    pub fn asked(self, input: &mut dyn BufRead, say: &dyn Fn(&str)) -> anyhow::Result<Self> {
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

    /// The address, as `DATABASE_URL` has it.
    ///
    /// # Errors
    /// When a part cannot be written in an address.
    pub fn url(&self, password: Option<&Secret>) -> anyhow::Result<Secret> {
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

/// A password nobody has to remember: it stands in the conf file only.
pub fn password_by_chance() -> Secret {
    Secret::new(rand::random::<[u8; 24]>().iter().map(|byte| format!("{byte:02x}")).collect::<String>())
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

/// Makes role and database where they are missing, and looks whether they can be used. Without the address of an administrator the
/// local account `postgres` is tried.
///
/// # Errors
/// Why they cannot, without any password.
pub async fn prepare(
    place: &Place,
    password: &Secret,
    admin_url: Option<&Secret>,
    say: &dyn Fn(&str),
) -> anyhow::Result<()> {
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

/// Writes the connection into a conf file, under the names that the original writes, and `defaults` (section, key, value) for
/// sections that are missing.
///
/// # Errors
/// When the file cannot be written, or a value not stand in one line; then the file is as it was.
pub fn write_connection(
    path: &Path,
    place: &Place,
    url: &Secret,
    defaults: &[(&str, &str, &str)],
    say: &dyn Fn(&str),
) -> anyhow::Result<()> {
    let writer = ConfWriter::begin(path).with_context(|| format!("cannot write {}", path.display()))?;
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
    let has = |section: &str| text.lines().any(|line| line.trim() == format!("[{section}]"));
    values.extend(defaults.iter().copied().filter(|(section, ..)| !has(section)));
    for (section, key, value) in values {
        let value = ini_text::written(value).with_context(|| format!("{key} cannot stand in a file"))?;
        text = ini_text::edit(&text, ini_text::Edit { section, key, value: Some(&value) });
    }
    writer.replace(&text).with_context(|| format!("cannot write {}", path.display()))?;
    say(&format!("The connection is written to {}", path.display()));
    Ok(())
}

/// Makes a place usable, and writes it into a conf file, with `defaults` as in [`write_connection`]; answers its address.
///
/// # Errors
/// Why it is not, without any password.
pub async fn ready(
    place: &Place,
    password: &Secret,
    admin_url: Option<&Secret>,
    (path, defaults): (&Path, &[(&str, &str, &str)]),
    say: &dyn Fn(&str),
) -> anyhow::Result<Secret> {
    prepare(place, password, admin_url, say).await?;
    let url = place.url(Some(password))?;
    write_connection(path, place, &url, defaults, say)?;
    Ok(url)
}

/// Brings the tables up to date. A server that is away is an error here and nothing to wait for.
///
/// # Errors
/// When the server is away or the tables cannot be changed.
pub async fn migrate(url: &Secret, migrator: &Migrator, say: &dyn Fn(&str)) -> anyhow::Result<()> {
    connect(url).await.context("the database cannot be reached")?.close().await?;
    let pool = super::connect(Some(url), 2)?;
    super::migrate(&pool, migrator, &CancellationToken::new()).await?;
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
    fn without_names_a_place_has_those_of_its_service() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            place: PlaceArgs,
        }
        let read = |line: &[&str]| <Line as clap::Parser>::parse_from(line).place.of("ledger");
        let usual = read(&["x"]);
        assert_eq!((usual.host.as_str(), usual.port), ("localhost", 5432));
        assert_eq!((usual.name.as_str(), usual.user.as_str()), ("ledger_db", "ledger_user"));
        let own = read(&["x", "--db-host", "h", "--db-port", "1", "--db-name", "n", "--db-user", "u"]);
        assert_eq!(own, Place { host: "h".into(), port: 1, name: "n".into(), user: "u".into() });
    }

    #[test]
    fn what_is_typed_counts_and_an_empty_line_keeps_the_usual() {
        let mut typed = "\n5499\nother\n\n".as_bytes();
        let asked = place().asked(&mut typed, &|_| {}).unwrap();
        assert_eq!(asked, Place { port: 5499, name: "other".to_owned(), ..place() });
        assert!(place().asked(&mut "x\nnine\n".as_bytes(), &|_| {}).is_err());
        assert!(place().asked(&mut "".as_bytes(), &|_| {}).is_err(), "nobody is there any more");
    }

    #[test]
    fn the_file_gets_the_connection_and_what_it_lacks_and_keeps_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("codex.conf");
        std::fs::write(&path, "[psa]\ndefault_provider = superops\n[database]\ndb_name = old\n").unwrap();
        let defaults = [
            ("psa", "default_provider", "freshservice"),
            ("psa", "enabled_providers", "freshservice"),
            ("rmm", "default_provider", "datto"),
        ];
        write_connection(&path, &place(), &Secret::new("postgres://x"), &defaults, &|_| {}).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        for line in
            ["connection_string = postgres://x", "db_name = codex db", "default_provider = superops", "[rmm]"]
        {
            assert!(text.lines().any(|have| have == line), "{line} is not in {text}");
        }
        assert!(!text.contains("enabled_providers"), "a section that is there stays as it is: {text}");
    }
}
