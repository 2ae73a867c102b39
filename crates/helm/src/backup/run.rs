//! A whole backup: what is expected, each part in turn, the manifest, what is remembered of it.

use std::{fs::DirBuilder, os::unix::fs::DirBuilderExt, path::PathBuf};

use anyhow::{Context, Result};
use hivematrix_shared::clock::Clock;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::ToSchema;

use super::{
    archive::{self, Writer},
    database,
    dump::Source,
    expected::Expected,
    folder, graph, history, keys,
    saving::{Folder, SMALL, Saving, WHOLE, database_of},
};
use crate::{
    domain::backup::{
        archive_name,
        graph::PART,
        manifest::{FORMAT, Header, Manifest, State, database_part},
        parts::RESTORE_FOLDER,
        retention::{KEEP_DAYS, Record},
    },
    instance::{
        Layout,
        files::{FileLock, private_dir},
    },
};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Order {
    /// Where the archive goes; `None` = the instance's own folder.
    pub folder: Option<PathBuf>,
    /// age recipients of this archive; none = the lasting ones.
    pub recipients: Vec<String>,
    /// Days that archives of the list are kept.
    pub keep_days: u32,
}

impl Default for Order {
    fn default() -> Self {
        Self { folder: None, recipients: Vec::new(), keep_days: KEEP_DAYS }
    }
}

/// What came of it.
#[derive(Debug, Serialize)]
pub struct Done {
    /// The archive.
    pub archive: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// What is in it.
    pub manifest: Manifest,
    /// The identity that was made for it, when there was none.
    pub identity_made: Option<PathBuf>,
    /// Archives that had their time and were removed.
    pub removed: Vec<PathBuf>,
}

/// Writes an archive, removes those that had their time, and remembers the result, whatever it is. The lock is held until
/// the end.
///
/// # Errors
/// When there is no archive. One with missing parts is no error here: [`Manifest::is_complete`] tells.
pub async fn run(layout: &Layout, order: &Order, clock: &Clock, lock: FileLock) -> Result<Done> {
    let outcome = match layout.folder("helm").join(RESTORE_FOLDER).exists() {
        true => Err(anyhow::anyhow!(
            "a restore is running or was broken off (`helm up` ends it): what is in use is half of each state"
        )),
        false => write(layout, order, clock).await,
    };
    let (archive, error) = match &outcome {
        Ok(done) => (Some(done.archive.clone()), incomplete(&done.manifest)),
        Err(error) => (None, Some(format!("{error:#}"))),
    };
    let last = history::Last { finished_at: clock.now(), archive, ok: error.is_none(), error };
    let remembered = history::remember(layout, &last);
    drop(lock);
    let done = outcome?;
    remembered.context("the result of the backup cannot be kept")?;
    Ok(done)
}

/// What is missing, in words.
#[must_use]
pub fn incomplete(manifest: &Manifest) -> Option<String> {
    let missing: Vec<String> = manifest
        .missing()
        .map(|part| format!("{} ({})", part.name, part.reason.as_deref().unwrap_or_default()))
        .collect();
    (!missing.is_empty()).then(|| format!("missing: {}", missing.join(", ")))
}

async fn write(layout: &Layout, order: &Order, clock: &Clock) -> Result<Done> {
    let end = Instant::now() + WHOLE;
    let expected = Expected::of(layout)?;
    let foreign_links = expected.foreign.iter().flat_map(|foreign| &foreign.links);
    for link in expected.files.links.iter().chain(foreign_links) {
        tracing::warn!(link = %link.display(), "a link is not saved, nor what it leads to");
    }
    let recipients = keys::recipients(layout, &order.recipients)?;
    let target = match &order.folder {
        Some(given) => std::path::absolute(given).context("the folder of the archive is not valid")?,
        None => folder(layout),
    };
    match order.folder {
        None => private_dir(&target)?,
        // A folder that is there keeps its mode: it may be everybody's.
        Some(_) if target.is_dir() => {}
        Some(_) => DirBuilder::new()
            .mode(0o700)
            .create(&target)
            .with_context(|| format!("cannot create the folder {}", target.display()))?,
    }
    archive::sweep(&target);
    let created_at = clock.now();
    let header = Header { format: FORMAT, suite: env!("CARGO_PKG_VERSION").to_owned(), created_at };
    let writer = Writer::create(&target, &archive_name(created_at), &recipients.keys, &header)?;
    let progress =
        history::Progress { started_at: created_at, part: String::new(), done: 0, parts: expected.names() };
    let mut saving = Saving { layout, writer: Some(writer), progress, parts: Vec::new(), listed: 0 };
    let (small, long) = Folder::of(expected.home, expected.files, expected.foreign);
    saving.folders(small, Instant::now() + SMALL).await?;
    saving.databases(&expected.databases).await?;
    if let Some(place) = &expected.graph {
        saving.graph(place, end).await?;
    }
    saving.folders(long, end).await?;
    let Saving { writer, mut parts, .. } = saving;
    let writer = writer.context("writing was ended")?;
    parts.extend(expected.absent);
    parts.sort_by(|one, other| (one.kind, &one.name).cmp(&(other.kind, &other.name)));
    let manifest = Manifest { header, finished_at: clock.now(), parts };
    let (archive, bytes) = writer.finish(&manifest)?;
    history::add(layout, Record::of(archive.clone(), bytes, &manifest))?;
    let removed = history::remove_expired(layout, clock.now(), order.keep_days)?;
    Ok(Done { archive, bytes, manifest, identity_made: recipients.made, removed })
}

/// What an archive would hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Preview {
    /// Name of the part.
    pub part: String,
    /// Files of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<usize>,
    /// Size of the database on its server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<i64>,
    /// Why it would not be saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether the archive would be incomplete without it.
    pub missing: bool,
}

/// Says what a backup would hold; touches nothing.
///
/// # Errors
/// When there is no instance, or a file of it cannot be read.
pub async fn preview(layout: &Layout) -> Result<Vec<Preview>> {
    let expected = Expected::of(layout)?;
    let mut told = Vec::new();
    let foreign = expected.foreign.into_iter().map(|it| (it.part, it.content));
    let own = expected.files.parts.into_iter().map(|((_, name), content)| (name, content));
    for (part, content) in own.chain(foreign) {
        let (files, reason) = (Some(content.files.len()), content.unreadable);
        let missing = reason.is_some();
        told.push(Preview { part, files, bytes: None, reason, missing });
    }
    for source in &expected.databases {
        let part = database_part(&database_of(source));
        told.push(match size(source).await {
            Ok(bytes) => Preview { part, files: None, bytes: Some(bytes), reason: None, missing: false },
            Err(error) => {
                Preview { part, files: None, bytes: None, reason: Some(format!("{error:#}")), missing: true }
            }
        });
    }
    if let Some(place) = &expected.graph {
        let reason = Box::pin(graph::connect(place)).await.err().map(|error| format!("{error:#}"));
        let missing = reason.is_some();
        told.push(Preview { part: PART.to_owned(), files: None, bytes: None, reason, missing });
    }
    told.extend(expected.absent.into_iter().map(|part| Preview {
        missing: part.state == State::Missing,
        part: part.name,
        files: None,
        bytes: None,
        reason: part.reason,
    }));
    Ok(told)
}

/// Size of a database; also shows that it can be reached and that the program that dumps it is there.
async fn size(source: &Source) -> Result<i64> {
    let mut connection = database::connect(&source.url).await?;
    let facts = database::facts(&mut connection, &source.service).await?;
    super::programs::folder_of("pg_dump", facts.major())?;
    let size = sqlx::query_scalar("SELECT pg_database_size(current_database())");
    Ok(size.fetch_one(&mut connection).await?)
}
