//! One database into the archive: `pg_dump` and the checksums of the tables share one snapshot.

use std::{
    fs::File,
    io::{self, Read, Write},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};
use sqlx::{Connection, PgConnection};
use tokio::{
    process::Child,
    sync::oneshot,
    time::{Instant, timeout_at},
};

use super::{
    archive::{Writer, Written},
    database, programs, rights,
};
use crate::domain::backup::{
    manifest::{DatabaseFacts, Part, State, TableFacts, database_part},
    parts::Kind,
    version::Version,
};

/// A database that is saved. Its addresses hold passwords.
#[derive(Clone)]
pub struct Source {
    /// Whose it is.
    pub service: String,
    /// Address, as its service.
    pub url: String,
    /// Address, by the role that dumps what the service cannot read.
    pub dump_url: String,
}

/// How long a dump waits for a table, try after try. Who changes a table waits for the connection that holds the snapshot, and
/// the dump queues behind it: PostgreSQL sees no deadlock there. So the snapshot gives way soon, and a new one is taken.
const PATIENCE: Duration = Duration::from_secs(5);
/// Of the tries after the first.
const MORE_PATIENCE: [Duration; 2] = [Duration::from_secs(15), Duration::from_secs(30)];
/// Between two tries: who waited for the tables has them now.
const PAUSE: Duration = Duration::from_secs(1);

/// A service may have named a server that never says anything, and the other ones' databases are to be saved as well: so long
/// for the questions before a dump, and for its first byte, which comes when `pg_dump` has asked everything.
const PREPARATION: Duration = Duration::from_secs(10 * 60);
/// Of one database.
const LONGEST: Duration = Duration::from_secs(2 * 60 * 60);
/// Of all databases of an archive.
pub const TOGETHER: Duration = Duration::from_secs(3 * 60 * 60);

/// Writes one database, which is over at `until` whatever its server does. The writer comes back whatever happened to the
/// database; without it, the archive itself failed.
///
/// # Errors
/// When the archive cannot be written any more.
pub async fn save(mut writer: Writer, source: &Source, until: Instant) -> Result<(Writer, Result<Part>)> {
    if until <= Instant::now() {
        return Ok((writer, Err(anyhow::anyhow!("the databases before it took all the time of the backup"))));
    }
    let until = until.min(Instant::now() + LONGEST);
    let mut patience = PATIENCE;
    let mut more = MORE_PATIENCE.into_iter();
    loop {
        let (returned, outcome) = attempt(writer, source, patience, until).await?;
        writer = returned;
        let error = match outcome {
            Ok(part) => return Ok((writer, Ok(part))),
            Err(Failed::ForGood(error)) => return Ok((writer, Err(error))),
            Err(Failed::BeforeFirstByte(error)) => error,
        };
        let Some(longer) = more.next() else { return Ok((writer, Err(error))) };
        tracing::warn!(service = source.service, error = %error, "a dump did not begin, trying again");
        tokio::time::sleep(PAUSE).await;
        patience = longer;
    }
}

/// Why there is no dump.
#[derive(Debug)]
enum Failed {
    /// `pg_dump` ended by itself and gave nothing: the archive is as it was. It writes when it holds all tables.
    BeforeFirstByte(anyhow::Error),
    /// Another try would not help, or would write a second time.
    ForGood(anyhow::Error),
}

async fn attempt(
    writer: Writer,
    source: &Source,
    patience: Duration,
    until: Instant,
) -> Result<(Writer, Result<Part, Failed>)> {
    let prepared = timeout_at(soon(until), prepare(source, patience)).await;
    let started = prepared.context("its server does not answer").flatten().and_then(|(prepared, dump)| {
        let child = tokio::process::Command::from(dump).kill_on_drop(true).spawn();
        Ok((prepared, child.context("cannot run pg_dump")?))
    });
    let (mut prepared, child) = match started {
        Ok(started) => started,
        Err(error) => return Ok((writer, Err(Failed::ForGood(error)))),
    };
    let name = database_part(&prepared.facts.database);
    let (begins, has_begun) = oneshot::channel();
    // Not earlier: a snapshot that has to give way must not be in the middle of a large table.
    let tables = async {
        has_begun.await.ok()?;
        let checksums = database::checksums(&mut prepared.snapshot_holder);
        Some(timeout_at(until, checksums).await.context("its tables take too long").flatten())
    };
    let (dumped, tables) = tokio::join!(dump(writer, &name, child, begins, until), tables);
    let (writer, written) = dumped?;
    let outcome = match (written, tables) {
        (Ok(written), Some(Ok(tables))) => {
            let finished = timeout_at(until, prepared.finish(name, written, tables)).await;
            finished.context("its server does not answer").flatten().map_err(Failed::ForGood)
        }
        (Err(failed), _) => Err(failed),
        (Ok(_), Some(Err(error))) => Err(Failed::ForGood(error)),
        (Ok(_), None) => Err(Failed::ForGood(anyhow::anyhow!("pg_dump wrote nothing"))),
    };
    Ok((writer, outcome))
}

/// When the questions before a dump, or its first byte, are too late.
fn soon(until: Instant) -> Instant {
    until.min(Instant::now() + PREPARATION)
}

struct Prepared {
    facts: DatabaseFacts,
    snapshot_holder: PgConnection,
}

async fn prepare(source: &Source, patience: Duration) -> Result<(Prepared, Command)> {
    let mut connection = database::connect(&source.url).await?;
    let snapshot = database::begin_snapshot(&mut connection).await?;
    let facts = database::facts(&mut connection, &source.service).await?;
    let program = programs::folder_of("pg_dump", facts.major())?.join("pg_dump");
    let version = Version::of_server(facts.server);
    let address = rights::address(source, &mut connection, version, &program).await?;
    let mut dump = programs::connecting(&program, address)?;
    dump.args(["--format=custom", "--compress=6", "--no-password"])
        .arg(format!("--lock-wait-timeout={}ms", patience.as_millis()))
        .arg(format!("--snapshot={snapshot}"))
        .stdout(Stdio::piped());
    Ok((Prepared { facts, snapshot_holder: connection }, dump))
}

impl Prepared {
    async fn finish(self, name: String, written: Written, tables: Vec<TableFacts>) -> Result<Part> {
        self.snapshot_holder.close().await?;
        let facts = DatabaseFacts { tables, ..self.facts };
        let absent = Part::absent(name, Kind::Postgresql, State::Saved, "");
        Ok(Part {
            reason: None,
            bytes: written.bytes,
            sha256: written.sha256,
            database: Some(facts),
            ..absent
        })
    }
}

/// Copies what a program writes into the archive, tells when that begins, and ends it when it is late. Only here it is
/// waited for, so that nobody else's process is ended in its place. The outer error is the archive's, the inner one the
/// program's.
async fn dump(
    writer: Writer,
    name: &str,
    mut child: Child,
    begins: oneshot::Sender<()>,
    until: Instant,
) -> Result<(Writer, Result<Written, Failed>)> {
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        anyhow::bail!("pg_dump has no output");
    };
    let said = programs::listen(File::from(stderr.into_owned_fd()?));
    let stdout = File::from(stdout.into_owned_fd()?);
    let (first, has_first) = oneshot::channel();
    let part = name.to_owned();
    let mut copying = tokio::task::spawn_blocking(move || copy(writer, &part, stdout, first));
    let has_first = timeout_at(soon(until), has_first).await;
    let has_begun = matches!(has_first, Ok(Ok(())));
    if has_begun {
        // Nobody listens any more when the backup was given up.
        let _ = begins.send(());
    } else {
        drop(begins);
    }
    let copied = match has_first {
        Ok(_) => timeout_at(until, &mut copying).await.ok(),
        Err(_) => None,
    };
    let is_late = copied.is_none();
    let copied = match copied {
        Some(copied) => copied,
        None => {
            tracing::error!(part = name, "a dump takes too long and is ended");
            child.start_kill().context("cannot end pg_dump")?;
            copying.await
        }
    };
    let (writer, written) = copied.context("writing was ended")?.context("the archive cannot be written")?;
    let status = child.wait().await.context("cannot wait for pg_dump")?;
    let said = tokio::task::spawn_blocking(move || said.join().unwrap_or_default()).await?;
    let words = || anyhow::anyhow!("{}", programs::last_words(&said));
    let outcome = match () {
        () if is_late => Err(Failed::ForGood(anyhow::anyhow!("it took too long and was ended"))),
        () if status.success() => Ok(written),
        () if has_begun => Err(Failed::ForGood(words())),
        () => Err(Failed::BeforeFirstByte(words())),
    };
    Ok((writer, outcome))
}

fn copy(
    mut writer: Writer,
    name: &str,
    mut from: impl Read,
    begins: oneshot::Sender<()>,
) -> io::Result<(Writer, Written)> {
    let mut part = writer.part(name);
    pour(&mut from, &mut part, begins)?;
    let written = part.finish()?;
    Ok((writer, written))
}

fn pour(from: &mut impl Read, to: &mut impl Write, begins: oneshot::Sender<()>) -> io::Result<()> {
    let mut begins = Some(begins);
    let mut buffer = vec![0; 256 << 10];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => {
                if let Some(begins) = begins.take() {
                    // Nobody listens any more when the backup was given up.
                    let _ = begins.send(());
                }
                to.write_all(&buffer[..read])?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::backup::manifest::{FORMAT, Header};

    /// What comes of a program that does what `script` says, of which there is none at `until`.
    async fn dumped(script: &str, until: Instant) -> (Result<Written, Failed>, bool) {
        let folder = tempfile::tempdir().unwrap();
        let recipient = age::x25519::Identity::generate().to_public();
        let created_at = "2025-11-22T02:00:00Z".parse().unwrap();
        let header = Header { format: FORMAT, suite: "1".into(), created_at };
        let writer = Writer::create(folder.path(), "a.tar.age", &[recipient], &header).unwrap();
        let mut stand_in = tokio::process::Command::new("/bin/sh");
        stand_in.args(["-c", script]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = stand_in.spawn().unwrap();
        let (begins, has_begun) = oneshot::channel();
        let (_writer, outcome) = dump(writer, "postgresql/x_db", child, begins, until).await.unwrap();
        (outcome, has_begun.await.is_ok())
    }

    #[tokio::test]
    async fn a_dump_that_never_begins_is_ended_and_not_tried_again() {
        let (outcome, has_begun) = dumped("exec sleep 3600", Instant::now()).await;
        let Err(Failed::ForGood(error)) = outcome else { panic!("{outcome:?}") };
        assert!(error.to_string().contains("too long"), "{error}");
        assert!(!has_begun);
    }

    #[tokio::test]
    async fn only_a_dump_that_ended_by_itself_without_a_byte_is_tried_again() {
        let later = Instant::now() + LONGEST;
        let (outcome, _) = dumped("echo 'pg_dump: error: a lock' >&2; exit 1", later).await;
        let Err(Failed::BeforeFirstByte(error)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(error.to_string(), "pg_dump: error: a lock");
        let (outcome, has_begun) = dumped("echo half; echo 'error: the rest' >&2; exit 1", later).await;
        assert!(matches!(outcome, Err(Failed::ForGood(_))), "{outcome:?}");
        assert!(has_begun);
        let (outcome, has_begun) = dumped("printf whole", later).await;
        assert_eq!((outcome.unwrap().bytes, has_begun), (5, true));
    }
}
