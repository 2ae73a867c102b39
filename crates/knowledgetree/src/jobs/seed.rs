//! Knowledge that a new tree begins with, such as a demo's: imported once, as an import by hand would do it.

use std::path::Path;

use anyhow::Context as _;
use hivematrix_shared::clock::Clock;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    domain::{
        content,
        item::{Author, Visibility},
        records::ImportRow,
        synced::ContextOwner,
        transfer::{self, Entry, json},
    },
    store::{KnowledgeStore, StoreError},
};

/// Where it is noted that it was done.
const KEY: &str = "seed";
/// Who is noted as the author.
const AUTHOR: &str = "setup";

/// A file of knowledge.
#[derive(Deserialize)]
struct Seed {
    /// Items, as an export has them.
    items: Box<RawValue>,
    /// Tickets that know some of them.
    #[serde(default)]
    tickets: Vec<TicketKnowledge>,
}

#[derive(Deserialize)]
struct TicketKnowledge {
    number: String,
    path: String,
}

/// Imports the file, if no file was imported before and nobody has written anything yet. Whether it did.
///
/// # Errors
/// When the file cannot be used, or the store does not take it.
pub async fn plant(store: &dyn KnowledgeStore, file: &Path, clock: &Clock) -> anyhow::Result<bool> {
    if store.state(KEY).await?.is_some() {
        return Ok(false);
    }
    let text = tokio::fs::read(file).await.with_context(|| format!("cannot read {}", file.display()))?;
    let (rows, tickets) = read(&text).with_context(|| format!("{} cannot be used", file.display()))?;
    let now = clock.now();
    // Of several instances, one does it. Whoever begins and is killed leaves it undone, which nobody misses.
    if !store.set_state(KEY, None, &now.to_rfc3339()).await? {
        return Ok(false);
    }
    let counts = store.counts().await?;
    if counts.articles > 0 || counts.folders > 1 {
        return Ok(false);
    }
    let author = Author { user: AUTHOR, is_admin: false, at: now };
    store.import(&rows, &author).await?;
    for ticket in &tickets {
        let path: Vec<String> = ticket.path.split('/').map(str::to_owned).collect();
        let item = store.resolve(&path, Visibility::All).await?;
        store.link_context(ContextOwner::Ticket(&ticket.number), &item.id).await?;
    }
    tracing::info!(items = rows.len(), "the tree begins with what a file holds");
    Ok(true)
}

fn read(text: &[u8]) -> anyhow::Result<(Vec<ImportRow>, Vec<TicketKnowledge>)> {
    let seed: Seed = serde_json::from_slice(text)?;
    let entries = transfer::prepare(json::read(seed.items.get().as_bytes())?)?;
    Ok((entries.into_iter().map(row).collect(), seed.tickets))
}

/// An entry of an import as the store takes it.
pub(crate) fn row(entry: Entry) -> ImportRow {
    ImportRow {
        links: content::item_links(entry.format, &entry.content),
        path: entry.path,
        content: entry.content,
        content_format: entry.format,
        is_folder: entry.is_folder,
        is_attached: entry.is_attached,
        is_reference: entry.is_reference,
    }
}

/// Imports the file as soon as the store answers.
pub async fn when_ready(store: &dyn KnowledgeStore, file: &Path, clock: &Clock) {
    /// Until the next try.
    const AGAIN: std::time::Duration = std::time::Duration::from_secs(5);
    loop {
        match plant(store, file, clock).await {
            Ok(_) => return,
            Err(error) if matches!(error.downcast_ref(), Some(StoreError::Unavailable(_))) => {}
            Err(error) => return tracing::error!(%error, "the tree does not begin with the file"),
        }
        tokio::time::sleep(AGAIN).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_demo_begins_with_can_be_imported() {
        let (rows, tickets) = read(include_bytes!("../../../../deploy/demo/knowledge.json")).unwrap();
        assert!(rows.iter().any(|row| row.is_attached) && rows.iter().any(|row| !row.content.is_empty()));
        for ticket in &tickets {
            let is_there = rows.iter().any(|row| row.path.join("/") == ticket.path && !row.is_folder);
            assert!(is_there, "{}", ticket.path);
        }
    }
}
