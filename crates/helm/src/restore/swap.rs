//! Changing names: what was loaded comes into use, what was in use steps aside; and the same the other way round.

use std::path::PathBuf;

use anyhow::{Context, Result};
use sqlx::{Connection, PgConnection};

use super::{
    file_swap::{swap_file, undo_file},
    graph,
    journal::{self, DatabaseStep, Journal, Stage},
    server::Server,
    target::{disconnect, exists, identifier, remove, run},
};
use crate::{
    backup::database,
    instance::{Layout, postgres},
};

/// Where the files of the archive wait.
#[must_use]
pub fn staged(layout: &Layout) -> PathBuf {
    journal::folder(layout).join("files")
}

/// Where the files that were in use are put aside.
pub(super) fn aside(layout: &Layout) -> PathBuf {
    journal::folder(layout).join("before")
}

/// Brings everything into use.
///
/// # Errors
/// When a step fails; [`undo`] takes back those before it.
pub async fn swap(layout: &Layout, journal: &mut Journal) -> Result<()> {
    journal.stage = Stage::Swapping;
    journal.write(layout)?;
    for step in &journal.databases {
        swap_database(step).await.with_context(|| format!("{} cannot be replaced", step.name))?;
    }
    if let Some(step) = &journal.graph {
        Box::pin(graph::swap(step)).await.context("the graph cannot be replaced")?;
    }
    for step in &journal.files {
        swap_file(layout, journal, step)
            .with_context(|| format!("{} cannot be replaced", step.path.display()))?;
    }
    journal.stage = Stage::Done;
    journal.write(layout)
}

/// Both names change in one transaction: there is never no database.
async fn swap_database(step: &DatabaseStep) -> Result<()> {
    let mut server = database::connect(&step.server).await?;
    for name in [&step.name, &step.fresh] {
        disconnect(&mut server, name).await;
    }
    let mut renames = vec![(&step.fresh, &step.name)];
    if step.existed {
        renames.insert(0, (&step.name, &step.before));
    }
    rename(&mut server, &renames).await?;
    server.close().await.map_err(Into::into)
}

async fn rename(server: &mut PgConnection, renames: &[(&String, &String)]) -> Result<()> {
    let statement = |(from, to): &(&String, &String)| {
        format!("ALTER DATABASE {} RENAME TO {};", identifier(from), identifier(to))
    };
    let statements: String = renames.iter().map(statement).collect();
    run(server, format!("BEGIN; {statements} COMMIT")).await
}

async fn undo_database(step: &DatabaseStep, stage: Stage) -> Result<()> {
    let mut server = database::connect(&step.server).await?;
    let has_fresh = exists(&mut server, &step.fresh).await?;
    let is_swapped = match step.existed {
        // A database that somebody made meanwhile is not the restore's.
        _ if stage != Stage::Swapping => false,
        true => exists(&mut server, &step.before).await?,
        false => !has_fresh && exists(&mut server, &step.name).await?,
    };
    if is_swapped {
        for name in [&step.name, &step.before] {
            disconnect(&mut server, name).await;
        }
        let mut renames = vec![(&step.name, &step.fresh)];
        if step.existed {
            renames.push((&step.before, &step.name));
        }
        rename(&mut server, &renames).await?;
    }
    remove(&mut server, &step.fresh).await?;
    server.close().await.map_err(Into::into)
}

/// Takes back whatever was done, in the other order. May be done again.
///
/// # Errors
/// When a step cannot be taken back; the journal stays, and the next attempt goes on with it.
pub async fn undo(layout: &Layout, journal: &Journal) -> Result<()> {
    if journal.stage == Stage::Swapping {
        for step in journal.files.iter().rev() {
            undo_file(layout, journal, step)
                .with_context(|| format!("{} is not back in place", step.path.display()))?;
        }
    }
    if let Some(step) = &journal.graph {
        Box::pin(graph::undo(step)).await.context("the graph is not back in place")?;
    }
    for step in journal.databases.iter().rev() {
        undo_database(step, journal.stage)
            .await
            .with_context(|| format!("{} is not back in place", step.name))?;
    }
    // Not before what they own is gone.
    for role in &journal.roles {
        role.remove().await?;
    }
    Ok(())
}

/// Removes what is left of the old state. May be done again.
///
/// # Errors
/// When a database cannot be removed; the journal stays, and the next attempt goes on with it.
pub async fn finish(journal: &Journal) -> Result<()> {
    for step in journal.databases.iter().filter(|step| step.existed) {
        let mut server = database::connect(&step.server).await?;
        remove(&mut server, &step.before).await?;
        server.close().await?;
    }
    if let Some(step) = &journal.graph {
        Box::pin(graph::finish(step)).await.context("what is left of the old graph cannot be removed")?;
    }
    Ok(())
}

/// What became of a restore that was not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovered {
    /// There was none.
    Nothing,
    /// The old state is back.
    Undone,
    /// The new state is there.
    Finished,
}

/// Ends a restore that was killed: undone, or finished when everything was in place already. The caller holds the daemon's
/// lock.
///
/// # Errors
/// When the databases cannot be reached or a step fails; the next attempt goes on with it.
pub async fn recover(layout: &Layout) -> Result<Recovered> {
    let Some(journal) = Journal::read(layout)? else {
        // A folder without a journal was never begun with.
        if journal::folder(layout).exists() {
            Journal::close(layout)?;
        }
        return Ok(Recovered::Nothing);
    };
    let server = match &journal.cluster {
        Some(cluster) if !journal.databases.is_empty() => {
            Some(Server::start(layout, cluster.port, &cluster.password).await?)
        }
        // Nothing is to be undone in it; it may have been started all the same.
        Some(_) => {
            Server::stop_left(layout).await?;
            None
        }
        None => None,
    };
    let own_neo4j = Box::pin(graph::server_of(layout, &journal)).await?;
    let ended = if journal.stage == Stage::Done {
        finish(&journal).await.map(|()| Recovered::Finished)
    } else {
        undo(layout, &journal).await.map(|()| Recovered::Undone)
    };
    if let Some(server) = server {
        server.stop().await?;
    }
    if let Some(own_neo4j) = own_neo4j {
        own_neo4j.stop().await?;
    }
    let ended = ended.with_context(|| {
        format!("a restore of {} was ended half-way and cannot be put right", journal.archive.display())
    })?;
    if ended == Recovered::Undone && journal.cluster.as_ref().is_some_and(|cluster| cluster.made) {
        // Nobody has the password of a cluster that was made for the archive's secrets.
        postgres::discard(layout)?;
    }
    Journal::close(layout)?;
    Ok(ended)
}
