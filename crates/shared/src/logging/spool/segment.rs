//! One file of the spool: a JSON entry per line.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use super::super::queue::{Priority, Queued};

const SUFFIX: &str = ".jsonl";

pub(super) struct Segment {
    pub(super) name: String,
    pub(super) bytes: u64,
    /// Entries in it; unknown for files of an earlier process, which are not extended.
    entries: Option<usize>,
    /// The highest priority whose entries were taken out to make room.
    stripped: Option<Priority>,
}

impl Segment {
    /// Whether a file of this name belongs to the spool.
    pub(super) fn is_name(name: &str) -> bool {
        name.ends_with(SUFFIX) && name.bytes().next().is_some_and(|first| first.is_ascii_digit())
    }

    /// A file that lies there already.
    pub(super) fn found(name: String, bytes: u64) -> Self {
        Self { name, bytes, entries: None, stripped: None }
    }

    /// A new file. It appears whole or not at all.
    pub(super) fn create(dir: &Path, stamp: u64, lines: &[u8], entries: usize) -> io::Result<Self> {
        let name = format!("{stamp:020}-{:010}{SUFFIX}", std::process::id());
        replace(dir, &name, lines)?;
        Ok(Self { name, bytes: lines.len() as u64, entries: Some(entries), stripped: None })
    }

    /// Whether a later batch of `more` entries may be added.
    pub(super) fn takes(&self, stamp: u64, more: usize, max: usize) -> bool {
        let later = self.name.as_str() < format!("{stamp:020}").as_str();
        later && self.stripped.is_none() && self.entries.is_some_and(|entries| entries + more <= max)
    }

    /// Adds lines at the end.
    pub(super) fn extend(&mut self, dir: &Path, lines: &[u8], entries: usize) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).open(dir.join(&self.name))?;
        file.write_all(lines)?;
        file.sync_data()?;
        self.bytes += lines.len() as u64;
        self.entries = self.entries.map(|there| there + entries);
        Ok(())
    }

    /// The entries. A line that was cut off by a crash is left out.
    pub(super) fn read(&self, dir: &Path) -> io::Result<Vec<Queued>> {
        match fs::read(dir.join(&self.name)) {
            Ok(content) => Ok(content
                .split(|byte| *byte == b'\n')
                .filter_map(|line| serde_json::from_slice(line).ok())
                .collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Takes the entries of a priority out and says how many there were.
    pub(super) fn strip(&mut self, dir: &Path, priority: Priority) -> io::Result<usize> {
        if self.stripped >= Some(priority) {
            return Ok(0);
        }
        let mut entries = self.read(dir)?;
        let before = entries.len();
        entries.retain(|queued| queued.priority != priority);
        let dropped = before - entries.len();
        if dropped > 0 {
            let lines = lines(&entries)?;
            replace(dir, &self.name, &lines)?;
            self.bytes = lines.len() as u64;
        }
        self.stripped = Some(priority);
        Ok(dropped)
    }
}

/// The entries as lines.
pub(super) fn lines(entries: &[Queued]) -> io::Result<Vec<u8>> {
    let mut lines = Vec::with_capacity(entries.len() * 256);
    for queued in entries {
        serde_json::to_writer(&mut lines, queued)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

fn replace(dir: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let temporary = dir.join(format!(".{name}.tmp"));
    let mut file: File =
        OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&temporary)?;
    file.write_all(content)?;
    file.sync_data()?;
    fs::rename(temporary, dir.join(name))
}
