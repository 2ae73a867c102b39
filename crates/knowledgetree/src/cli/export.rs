//! `hivematrix-knowledgetree export`: what people wrote (knowledgetree.md §10).

use std::{
    io::{Cursor, Write as _, stdout},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, ensure};
use clap::Args;
use futures::TryStreamExt as _;
use tokio_util::sync::CancellationToken;

use super::{ended, say};
use crate::{
    config::Settings,
    domain::{
        records::ExportRow,
        transfer::{Entry, folder, json},
    },
    store,
};

/// Where to.
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    /// A file that ends in `.json` or `.zip`, a folder that is made, or `-` for JSON on standard output.
    pub to: PathBuf,
}

/// Writes the export. What is there already is not overwritten.
///
/// # Errors
/// When the store cannot be read, or the place not be written.
pub async fn run(args: &ExportArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    let to = args.to.as_path();
    let is_output = to == Path::new("-");
    ensure!(is_output || !to.exists(), "{} is there already", to.display());
    let store = store::open(settings, &CancellationToken::new()).await?;
    let rows: Vec<ExportRow> = store.export().try_collect().await?;
    let entries: Vec<Entry> = rows.into_iter().map(entry).collect();
    let count = entries.len();
    let ending = to.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    if is_output {
        stdout().lock().write_all(&json::write(entries)?)?;
        return Ok(ended(true));
    }
    match ending.as_deref() {
        Some("json") => write_private(to, &json::write(entries)?)?,
        Some("zip") => write_private(to, &folder::write(entries, Cursor::new(Vec::new()))?.into_inner())?,
        _ => {
            let archive = folder::write(entries, Cursor::new(Vec::new()))?;
            let mut archive = zip::ZipArchive::new(archive)?;
            archive.extract(to).with_context(|| format!("cannot write {}", to.display()))?;
        }
    }
    say(&format!("{count} items are in {}", to.display()));
    Ok(ended(true))
}

/// A new file that only this account can read.
fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    let mut file = file.with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(bytes)?;
    Ok(file.sync_all()?)
}

/// A row of the store as an export has it.
fn entry(row: ExportRow) -> Entry {
    Entry {
        path: row.path,
        content: row.content,
        format: row.content_format.unwrap_or_default(),
        is_folder: row.is_folder,
        is_attached: row.is_attached,
        is_reference: row.is_reference,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}
