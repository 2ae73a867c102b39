//! The test restore: an archive's databases in a cluster of their own, compared with the snapshots they were taken from.

use std::path::Path;

use anyhow::{Context, Result, bail};
use hivematrix_shared::clock::Clock;
use serde::Serialize;

use super::{archive, database, graph_lines::Looking, history, keys, scratch::Scratch};
use crate::{
    domain::backup::{
        graph::GraphFacts,
        manifest::{DatabaseFacts, Manifest},
        retention::Verified,
    },
    instance::Layout,
    restore::{
        load::{Loader, Target},
        target,
    },
};

/// What a test restore found.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether everything is there and as it was.
    pub ok: bool,
    /// Parts that should be in the archive and are not.
    pub missing: Vec<String>,
    /// By database.
    pub databases: Vec<Compared>,
    /// The graph, where the archive has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub graph: Option<ComparedGraph>,
    /// Files that were compared with their checksums.
    pub files: usize,
}

/// A graph, read line by line: no server is needed for that.
#[derive(Debug, Serialize)]
pub struct ComparedGraph {
    /// Nodes that were read.
    pub nodes: u64,
    /// Relationships that were read, each between nodes that are there.
    pub relationships: u64,
    /// Where it differs from what was saved.
    pub differences: Vec<String>,
}

/// One database after its test restore.
#[derive(Debug, Serialize)]
pub struct Compared {
    /// Its name.
    pub database: String,
    /// Tables that were compared.
    pub tables: usize,
    /// Their rows.
    pub rows: i64,
    /// Where it differs from its snapshot.
    pub differences: Vec<String>,
}

/// Restores an archive into a scratch cluster and compares every table with the checksum that was taken in the snapshot.
///
/// # Errors
/// When the archive cannot be used, or no cluster can be made. Differences are no error here: the report tells them.
pub async fn verify(layout: &Layout, path: &Path, identity: Option<&Path>, clock: &Clock) -> Result<Report> {
    let path = std::path::absolute(path).context("the archive's path is not valid")?;
    let identities = keys::identities(layout, identity)?;
    let read = {
        let path = path.clone();
        move || {
            let mut graph = Looking::default();
            let manifest = archive::read(&path, &identities, &mut graph)?;
            anyhow::Ok((manifest, graph, identities))
        }
    };
    let reading = tokio::task::spawn_blocking(read).await.context("reading was ended")?;
    let (manifest, looked_at, identities) = reading?;
    let graph = manifest.saved().find_map(|part| {
        let facts = part.graph.as_ref()?;
        let (found, mut differences) = match looked_at.found(&part.name) {
            Ok(found) => (found.clone(), facts.differences(found)),
            Err(error) => (GraphFacts::default(), vec![error]),
        };
        differences.dedup();
        Some(ComparedGraph { nodes: found.nodes, relationships: found.relationships, differences })
    });
    let databases: Vec<DatabaseFacts> = manifest.saved().filter_map(|part| part.database.clone()).collect();
    let compared = match databases.iter().map(DatabaseFacts::major).max() {
        Some(major) => {
            let scratch = Scratch::start(layout, major).await?;
            load(&scratch, &path, identities, &manifest).await?;
            compare(&scratch, &databases).await?
        }
        None => Vec::new(),
    };
    let missing: Vec<String> = manifest.missing().map(|part| part.name.clone()).collect();
    let whole_graph = graph.as_ref().is_none_or(|graph| graph.differences.is_empty());
    let ok = missing.is_empty() && whole_graph && compared.iter().all(|one| one.differences.is_empty());
    history::verified(layout, &path, Verified { at: clock.now(), ok }).await?;
    let files = manifest.saved().map(|part| part.files.len()).sum();
    Ok(Report { ok, missing, databases: compared, graph, files })
}

async fn load(
    scratch: &Scratch,
    path: &Path,
    identities: Vec<Box<dyn age::Identity + Send + Sync>>,
    manifest: &Manifest,
) -> Result<()> {
    let mut server = database::connect(&scratch.admin_url()?).await?;
    let mut targets = Vec::new();
    for part in manifest.saved() {
        let Some(facts) = &part.database else { continue };
        target::ensure_roles(&mut server, facts).await?;
        target::let_sign_in(&mut server, &facts.owner).await?;
        target::create(&mut server, &facts.database, &facts.owner, facts).await?;
        let url = scratch.url(&facts.owner, &facts.database)?;
        let target = Target::new(&part.name, &url, &facts.database, facts.major())?;
        // Everything belongs to that one role here: it may not make what others own, and nobody may do everything.
        targets.push(target.owned_by_another(true));
    }
    let mut loader = Loader::looking(targets, manifest);
    let own_path = path.to_owned();
    let loading = tokio::task::spawn_blocking(move || archive::read(&own_path, &identities, &mut loader));
    if loading.await.context("loading was ended")?? != *manifest {
        bail!("{} became another archive meanwhile", path.display());
    }
    Ok(())
}

async fn compare(scratch: &Scratch, databases: &[DatabaseFacts]) -> Result<Vec<Compared>> {
    let mut compared = Vec::new();
    for facts in databases {
        let url = scratch.url(&facts.owner, &facts.database)?;
        let mut connection = database::connect(&url).await?;
        let found = database::checksums(&mut connection).await?;
        compared.push(Compared {
            database: facts.database.clone(),
            tables: facts.tables.len(),
            rows: facts.tables.iter().map(|table| table.rows).sum(),
            differences: facts.differences(found),
        });
    }
    Ok(compared)
}
