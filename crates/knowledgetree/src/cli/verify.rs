//! `hivematrix-knowledgetree verify`: is the tree whole?

use std::{path::Path, process::ExitCode};

use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use super::{ended, say};
use crate::{
    config::Settings,
    domain::{
        faults::Inspection,
        files::{ContentHash, FileRecord},
    },
    store::{self, KnowledgeStore},
};

/// Lines that are written at most.
const MOST_LINES: usize = 1000;

/// Looks, and tells.
///
/// # Errors
/// When the store cannot be read.
pub async fn run(settings: &Settings) -> anyhow::Result<ExitCode> {
    let store = store::open(settings, &CancellationToken::new()).await?;
    let (items, faults) = inspect(store.as_ref(), &settings.common.service_dir().join("uploads")).await?;
    for fault in faults.iter().take(MOST_LINES) {
        say(fault);
    }
    match faults.len() {
        0 => say(&format!("{items} items, and nothing is wrong")),
        many => say(&format!("{items} items, {many} faults")),
    }
    Ok(ended(faults.is_empty()))
}

/// Number of items in a store, and what is wrong with it; `uploads` is the folder of the bytes.
///
/// # Errors
/// When the store cannot be read.
pub async fn inspect(store: &dyn KnowledgeStore, uploads: &Path) -> store::Result<(usize, Vec<String>)> {
    let has_bytes = |file: &FileRecord| uploads.join(place(file)).is_file();
    let mut inspection = Inspection::default();
    let mut records = store.dump();
    while let Some(record) = records.next().await {
        inspection.take(&record?, &has_bytes);
    }
    Ok(inspection.end())
}

/// Where the bytes of a file lie: by their hash, those of the original under their stored name.
fn place(file: &FileRecord) -> std::path::PathBuf {
    let by_hash = file.content_hash.as_deref().and_then(|hash| hash.parse::<ContentHash>().ok());
    by_hash.map_or_else(|| file.filename.clone().into(), |hash| hash.relative_path())
}
