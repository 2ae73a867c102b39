//! The graph of an archive into a Neo4j. The community edition has one database and no other name for it, so what comes is
//! loaded beside what is in use, under a label of its own, and the labels are exchanged in one transaction: whoever looks sees
//! the old graph or the new one, whole. Constraints and indexes are not touched: they belong to the service, which makes its
//! own when it starts.

mod load;
mod own_server;
mod statements;
mod swap;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

pub use self::{
    own_server::OwnServer,
    swap::{finish, swap, undo},
};
use super::{journal::Journal, places::View};
use crate::{
    backup::graph::{self, Scope},
    clients::neo4j::Connected,
    domain::{backup::graph::GraphFacts, master_config::Neo4j},
    instance::{Layout, neo4j},
};

/// A graph that is replaced.
#[derive(Clone, Serialize, Deserialize)]
pub struct GraphStep {
    /// Its part of the archive.
    pub part: String,
    /// Where it goes.
    pub place: Neo4j,
    /// Whether that is the suite's own server, which only runs with the suite.
    pub own: bool,
}

impl GraphStep {
    /// Where the graph of a part goes: to the Neo4j that this instance uses.
    ///
    /// # Errors
    /// When there is none.
    pub fn of(layout: &Layout, view: &View, part: &str) -> Result<Self> {
        let place = view.neo4j()?.with_context(|| {
            format!(
                "the archive holds the graph of KnowledgeTree, and this suite uses no Neo4j: `helm install neo4j` brings one, \
                 databases.neo4j.uri names one (docs/NEO4J.md); --without {part} restores the rest"
            )
        })?;
        let own = neo4j::is_own(&place, view.neo4j_port()?);
        if own && !neo4j::is_installed(layout) {
            bail!(
                "the archive holds the graph of KnowledgeTree, which lay in a Neo4j of the suite's own: `helm install neo4j` first; \
                 --without {part} restores the rest"
            );
        }
        Ok(Self { part: part.to_owned(), place, own })
    }

    /// Starts the server where it is the suite's own; it is stopped when the guard is.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(&self, layout: &Layout) -> Result<Option<OwnServer>> {
        match self.own {
            true => OwnServer::start(layout, &self.place).await.map(Some),
            false => Ok(None),
        }
    }

    pub(super) async fn connect(&self) -> Result<Connected> {
        graph::connect(&self.place).await
    }
}

/// Loads a graph beside the one in use and compares it with what was saved.
///
/// # Errors
/// When the archive changed since it was checked, the server refuses, or something else came out.
pub async fn load(
    step: &GraphStep,
    facts: &GraphFacts,
    lines: tokio::sync::mpsc::Receiver<Vec<u8>>,
) -> Result<()> {
    let connected = step.connect().await?;
    swap::clear(&connected).await?;
    load::load(&connected, lines).await?;
    let found = graph::read(&connected, Scope::INCOMING, None).await?;
    let told = facts.differences(&found);
    if !told.is_empty() {
        bail!("the graph did not come out as it was saved: {}", told.join(", "));
    }
    swap::note_labels(&connected).await
}

/// The server of a restore that was not over, where there is something to do in it.
///
/// # Errors
/// When it does not start.
pub async fn server_of(layout: &Layout, journal: &Journal) -> Result<Option<OwnServer>> {
    match &journal.graph {
        Some(step) => step.start(layout).await,
        None => Ok(None),
    }
}
