//! PostgreSQL and Redis: reachable, of a version that will do, with tables that this program knows.

use std::time::Duration;

use hivematrix_shared::db;
use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use url::Url;

use super::Case;
use crate::{
    MIGRATOR,
    backup::programs,
    domain::{
        backup::version::Version,
        doctor::{self, Finding},
        ports,
    },
    inspect::archive,
    instance::{databases, packages::Package},
};

const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn examine(case: &Case) -> Vec<Finding> {
    let Some(secrets) = &case.secrets else {
        let message = "the suite was never started here, so that there is no database yet";
        return vec![Finding::skipped("database", message)];
    };
    let mut findings = Vec::new();
    let own_port = ports::shifted(ports::POSTGRES, case.options.port_offset).ok();
    for (name, _) in case.registry.iter().filter(|(_, entry)| entry.needs_database() && !entry.is_remote()) {
        match databases::url_of(&case.layout, name, secrets, &case.operator) {
            Ok(url) => {
                for finding in one(name, &url, own_port).await {
                    // One server of several services lacks one program.
                    if !findings.contains(&finding) {
                        findings.push(finding);
                    }
                }
            }
            Err(error) => findings.push(Finding::problem(
                "database",
                format!("{name}: {error:#}"),
                "the service finds no database",
                "mend the setting that is named",
            )),
        }
    }
    if let Some(url) = case.operator.redis() {
        findings.push(redis(url).await);
    }
    findings
}

async fn one(service: &str, url: &str, own_port: Option<u16>) -> Vec<Finding> {
    // The parse error would repeat the address with its password.
    let Ok(options) = url.parse::<PgConnectOptions>() else {
        return vec![Finding::problem(
            "database",
            format!("{service}: the address of its database is not valid"),
            "the service cannot start",
            format!(
                "write {}_DATABASE_URL as postgres://USER:PASSWORD@HOST:5432/DATABASE",
                service.to_uppercase()
            ),
        )];
    };
    let is_own = options.get_host() == "127.0.0.1" && Some(options.get_port()) == own_port;
    let place = format!("{}:{}", options.get_host(), options.get_port());
    let connected = timeout(PATIENCE, options.disable_statement_logging().connect()).await;
    let mut connection = match connected {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) if is_own && db::is_away(&error) => {
            let message = format!("{service}: the suite's own PostgreSQL does not run");
            return vec![Finding::skipped("database", message)];
        }
        Ok(Err(error)) => return vec![unreachable(service, &place, &words(&error))],
        Err(_) => return vec![unreachable(service, &place, "no answer in 5 s")],
    };
    let findings = match look(service, &mut connection).await {
        Ok(findings) => findings,
        Err(error) => vec![unreachable(service, &place, &words(&error))],
    };
    // Nothing was changed that could be lost.
    let _ = connection.close().await;
    findings
}

async fn look(service: &str, connection: &mut PgConnection) -> sqlx::Result<Vec<Finding>> {
    let number = sqlx::query_scalar!(r#"SELECT current_setting('server_version_num')::int AS "number!""#)
        .fetch_one(&mut *connection)
        .await?;
    let mut findings = vec![doctor::postgres_version(service, u32::try_from(number).unwrap_or(0))];
    findings.extend(dumps(Version::of_server(number)));
    if service == "helm" {
        let known: Vec<i64> = MIGRATOR.iter().map(|migration| migration.version).collect();
        findings.push(doctor::schema(service, &known, &applied(connection).await?));
    }
    if service == "ledger" {
        let open = archive::open_tables(connection).await?;
        findings.extend(open.map(|open| doctor::archive(&open)));
    }
    Ok(findings)
}

/// Whether such a server can be backed up with what is installed, and safely; that nothing is, is told once.
fn dumps(server: Version) -> Option<Finding> {
    programs::newest_folder_of("pg_dump").ok()?;
    let client = format!("postgresql-client-{}", server.major);
    let folder = match programs::folder_of("pg_dump", server.major) {
        Ok(folder) => folder,
        Err(error) => {
            let why = "a backup lacks the databases of that server";
            let fix = Package { debian: &client, fedora: "postgresql" }.command();
            return Some(Finding::warning("package", format!("{error:#}"), why, fix));
        }
    };
    let program = programs::version_of(&folder.join("pg_dump"));
    let releases = [("PostgreSQL", Some(server)), ("pg_dump", program)];
    let (whose, release) = releases
        .into_iter()
        .find_map(|(whose, release)| Some((whose, release.filter(|r| !r.dumps_safely())?)))?;
    let packages = format!("postgresql-{} {client}", server.major);
    let newest = Package { debian: &packages, fedora: "postgresql-server postgresql" };
    Some(Finding::warning(
        "package",
        format!(
            "{whose} {release} lets whoever owns a table run programs while others dump it (CVE-2024-7348)"
        ),
        "a backup lacks each database of which its service cannot read everything itself",
        format!("{}, in its newest release", newest.command()),
    ))
}

/// The migrations that have run in a database, none in one without tables.
async fn applied(connection: &mut PgConnection) -> sqlx::Result<Vec<i64>> {
    let exists = sqlx::query_scalar!(r#"SELECT to_regclass('_sqlx_migrations') IS NOT NULL AS "exists!""#)
        .fetch_one(&mut *connection)
        .await?;
    if !exists {
        return Ok(Vec::new());
    }
    // The table belongs to the migrations, not to the tables they make.
    sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success ORDER BY version")
        .fetch_all(connection)
        .await
}

/// What the server says, without what only its programmers need.
fn words(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        error => error.to_string(),
    }
}

fn unreachable(service: &str, place: &str, reason: &str) -> Finding {
    let fix = match reason {
        reason if reason.contains("password") => {
            format!(
                "set the right password in {}_DATABASE_URL, or let Helm make the database (HIVEMATRIX_DATABASE_URL)",
                service.to_uppercase()
            )
        }
        reason if reason.contains("does not exist") => {
            "make database and role, or let Helm do it (HIVEMATRIX_DATABASE_URL)".to_owned()
        }
        _ => "start it: systemctl start postgresql; behind a firewall, let this machine through".to_owned(),
    };
    Finding::problem(
        "database",
        format!("{service}: PostgreSQL at {place}: {reason}"),
        "the service waits for its database and answers nothing before",
        fix,
    )
}

async fn redis(url: &str) -> Finding {
    let Some((host, port)) =
        Url::parse(url).ok().and_then(|url| Some((url.host_str()?.to_owned(), url.port().unwrap_or(6379))))
    else {
        return Finding::problem(
            "redis",
            "REDIS_URL is no address",
            "Core and Nexus cannot keep sessions",
            "write it as redis://:PASSWORD@HOST:6379/0",
        );
    };
    let place = format!("{host}:{port}");
    let problem = |reason: String| {
        Finding::problem(
            "redis",
            format!("Redis at {place}: {reason}"),
            "nobody can sign in while sessions cannot be kept",
            "start it: systemctl start redis-server; check host, port and password of REDIS_URL",
        )
    };
    match timeout(PATIENCE, ping(url, &host, port)).await {
        Ok(Ok(())) => Finding::ok("redis", format!("Redis at {place} answers")),
        Ok(Err(reason)) => problem(reason),
        Err(_) => problem("no answer in 5 s".to_owned()),
    }
}

/// Over TLS only the connection is tried.
async fn ping(url: &str, host: &str, port: u16) -> Result<(), String> {
    let mut stream = TcpStream::connect((host, port)).await.map_err(|error| error.to_string())?;
    let parsed = Url::parse(url).map_err(|error| error.to_string())?;
    if parsed.scheme() != "redis" {
        return Ok(());
    }
    let mut request = String::new();
    if let Some(password) = parsed.password() {
        let password = databases::percent_decoded(password);
        let user = databases::percent_decoded(parsed.username());
        let words: Vec<&str> =
            if user.is_empty() { vec!["AUTH", &password] } else { vec!["AUTH", &user, &password] };
        request.push_str(&command(&words));
    }
    request.push_str(&command(&["PING"]));
    stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
    let mut answer = String::new();
    let mut chunk = [0u8; 256];
    while !answer.contains("+PONG") {
        if let Some(error) = answer.lines().find(|line| line.starts_with('-')) {
            return Err(error.trim_start_matches('-').to_owned());
        }
        let read = stream.read(&mut chunk).await.map_err(|error| error.to_string())?;
        if read == 0 {
            return Err("the connection was closed".to_owned());
        }
        answer.push_str(&String::from_utf8_lossy(&chunk[..read]));
    }
    Ok(())
}

fn command(words: &[&str]) -> String {
    let parts = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
    format!("*{}\r\n{}", words.len(), parts.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_no_pg_dump_understands_or_that_is_not_mended_is_told() {
        // Tests need PostgreSQL's programs, here as elsewhere.
        let folder = programs::newest_folder_of("pg_dump").unwrap();
        let message = |major, minor| dumps(Version { major, minor }).map(|found| found.message);
        assert!(message(999, 0).unwrap().contains("pg_dump of PostgreSQL 999"));
        assert!(message(12, 19).unwrap().contains("PostgreSQL 12.19 lets whoever owns a table run programs"));
        let program = programs::version_of(&folder.join("pg_dump")).unwrap();
        let told = message(program.major, 99);
        assert_eq!(told.is_none(), program.dumps_safely(), "{told:?}");
    }
}
