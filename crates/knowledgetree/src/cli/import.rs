//! `hivematrix-knowledgetree import`: an export, ours or the original's, or a folder of Markdown files (knowledgetree.md §10).

use std::{
    fs,
    io::{Cursor, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, ensure};
use clap::Args;
use hivematrix_shared::clock::Clock;
use tokio_util::sync::CancellationToken;
use zip::{ZipWriter, write::SimpleFileOptions};

use super::{ended, say};
use crate::{
    config::Settings,
    domain::{
        item::Author,
        records::ImportRow,
        transfer::{self, folder, json},
    },
    jobs::seed::row,
    store,
};

/// First bytes of an archive.
const ZIP: &[u8] = b"PK";

/// Where from.
#[derive(Args, Clone, Debug)]
pub struct ImportArgs {
    /// A JSON file or a ZIP archive as an export writes them, or a folder of Markdown files.
    pub from: PathBuf,
    /// Who is noted as the author.
    #[arg(long, default_value = "import")]
    pub user: String,
}

/// Imports all of it, or nothing.
///
/// # Errors
/// When the file cannot be read, something in it is wrong, or the store does not take it.
pub async fn run(args: &ImportArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    let rows = read(&args.from).with_context(|| format!("{} cannot be imported", args.from.display()))?;
    let store = store::open(settings, &CancellationToken::new()).await?;
    let author = Author { user: &args.user, is_admin: false, at: Clock::system().now() };
    let report = store.import(&rows, &author).await.context("nothing was imported")?;
    say(&format!("{} made, {} changed, {} as before", report.created, report.updated, report.unchanged));
    Ok(ended(true))
}

fn read(from: &Path) -> anyhow::Result<Vec<ImportRow>> {
    let entries = if from.is_dir() {
        folder::read(&packed(from)?)?
    } else {
        let bytes = fs::read(from)?;
        if bytes.starts_with(ZIP) { folder::read(&bytes)? } else { json::read(&bytes)? }
    };
    Ok(transfer::prepare(entries)?.into_iter().map(row).collect())
}

/// A folder as the archive that it would be. Links are not followed.
fn packed(from: &Path) -> anyhow::Result<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let mut open = vec![from.to_owned()];
    let mut bytes = 0;
    while let Some(place) = open.pop() {
        for entry in fs::read_dir(&place)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            let name = path
                .strip_prefix(from)?
                .to_str()
                .with_context(|| format!("{} is no text", path.display()))?;
            if kind.is_dir() {
                archive.add_directory(format!("{name}/"), SimpleFileOptions::default())?;
                open.push(path);
            } else if kind.is_file() && is_text(name) {
                let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
                bytes += text.len();
                ensure!(bytes <= folder::MAX_ARCHIVE, "the files of the folder are too much for one import");
                archive.start_file(name, SimpleFileOptions::default())?;
                archive.write_all(&text)?;
            }
        }
    }
    Ok(archive.finish()?.into_inner())
}

/// Others are left out anyway.
fn is_text(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".md", ".markdown", ".txt"].iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_notes_becomes_a_tree() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("Guides/Network")).unwrap();
        fs::write(at("Guides/Network/VPN.md"), "# VPN\n").unwrap();
        fs::write(at("Guides/picture.png"), "x").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", at("Guides/passwd.md")).unwrap();
        let paths: Vec<String> = read(folder.path()).unwrap().iter().map(|row| row.path.join("/")).collect();
        assert_eq!(paths, ["Guides", "Guides/Network", "Guides/Network/VPN"]);
        assert!(read(&at("Guides/picture.png")).is_err());
        assert!(read(&at("nothing.json")).is_err());
    }
}
