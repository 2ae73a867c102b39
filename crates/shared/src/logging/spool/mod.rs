//! Log entries that Helm did not take yet, on disk: `<home>/<service>/log-spool/`, files of at most one request each.
//!
//! A file is named after the time its oldest batch left the queue, so that the names sort in the order of the log. It is
//! sent whole and deleted when Helm has it, therefore a restart neither loses nor repeats what was acknowledged.
//! One process of a service owns the folder and replays it; another one of the same service (a command line
//! run beside the server) only adds files.

mod segment;

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::PathBuf,
};

use self::segment::Segment;
use super::queue::{LogCounters, Priority, Queued};

/// Batches and files hold at most this many entries; a file is one request.
pub(super) const MAX_ENTRIES: usize = 2000;

/// Entries that left the queue together.
#[derive(Debug)]
pub(super) struct Batch {
    /// Microseconds since the Unix epoch, rising with every batch of a process.
    pub(super) stamp: u64,
    pub(super) entries: Vec<Queued>,
}

/// A file's content, about to be sent.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) name: String,
    pub(super) entries: Vec<Queued>,
}

/// The folder and what is known about its files.
pub(super) struct Spool {
    dir: PathBuf,
    max_bytes: u64,
    counters: LogCounters,
    /// Held as long as this process replays the folder.
    owner: Option<File>,
    /// Oldest first. Without ownership only the files of this process.
    segments: Vec<Segment>,
    /// The file whose content is being sent; it must not change.
    in_flight: Option<String>,
}

impl Spool {
    /// Touches nothing on disk until there is something to write or to replay.
    ///
    /// `max_bytes` bounds the lines that may be dropped; important ones are kept beyond it.
    pub(super) fn new(dir: PathBuf, max_bytes: u64, counters: LogCounters) -> Self {
        Self { dir, max_bytes, counters, owner: None, segments: Vec::new(), in_flight: None }
    }

    /// Looks for files of an earlier process or of one running beside, and takes the folder over if nobody has it.
    pub(super) fn rescan(&mut self) -> io::Result<()> {
        if !self.dir.exists() || !self.take_ownership()? {
            return Ok(());
        }
        let mut found = Vec::new();
        for file in fs::read_dir(&self.dir)? {
            let file = file?;
            let name = file.file_name().to_string_lossy().into_owned();
            if !Segment::is_name(&name) {
                continue;
            }
            match self.segments.iter().position(|known| known.name == name) {
                Some(known) => found.push(self.segments.swap_remove(known)),
                None => found.push(Segment::found(name, file.metadata()?.len())),
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        self.segments = found;
        Ok(())
    }

    /// Whether there is something this process has to replay.
    pub(super) fn has_backlog(&self) -> bool {
        self.owner.is_some() && !self.segments.is_empty()
    }

    /// Writes the entries of a batch with its stamp. Whatever does not fit is dropped by priority and counted.
    pub(super) fn append(&mut self, stamp: u64, entries: &mut Vec<Queued>) -> io::Result<()> {
        self.prepare()?;
        self.make_room(entries)?;
        if entries.is_empty() {
            return Ok(());
        }
        let lines = segment::lines(entries)?;
        let in_flight = self.in_flight.as_deref();
        let newest = self.segments.last_mut().filter(|newest| {
            Some(newest.name.as_str()) != in_flight && newest.takes(stamp, entries.len(), MAX_ENTRIES)
        });
        match newest {
            Some(newest) if self.owner.is_some() => newest.extend(&self.dir, &lines, entries.len())?,
            _ => {
                let segment = Segment::create(&self.dir, stamp, &lines, entries.len())?;
                let at = self.segments.partition_point(|other| other.name < segment.name);
                self.segments.insert(at, segment);
            }
        }
        self.counters.spooled.inc_by(entries.len() as u64);
        Ok(())
    }

    /// The oldest file's entries; the file stays until [`Spool::remove`]. Files without a readable line are deleted.
    pub(super) fn oldest(&mut self) -> io::Result<Option<Stored>> {
        if self.owner.is_none() {
            return Ok(None);
        }
        while let Some(segment) = self.segments.first() {
            let name = segment.name.clone();
            let entries = segment.read(&self.dir)?;
            if entries.is_empty() {
                self.remove(&name)?;
                continue;
            }
            self.in_flight = Some(name.clone());
            return Ok(Some(Stored { name, entries }));
        }
        Ok(None)
    }

    /// Deletes a file whose entries Helm has.
    pub(super) fn remove(&mut self, name: &str) -> io::Result<()> {
        self.in_flight = None;
        self.segments.retain(|segment| segment.name != name);
        match fs::remove_file(self.dir.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The file that was being sent stays for a later try.
    pub(super) fn release(&mut self) -> io::Result<()> {
        self.in_flight = None;
        Ok(())
    }

    fn prepare(&mut self) -> io::Result<()> {
        if !self.dir.exists() {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        }
        if self.owner.is_none() && self.take_ownership()? {
            self.rescan()?;
        }
        Ok(())
    }

    fn take_ownership(&mut self) -> io::Result<bool> {
        if self.owner.is_some() {
            return Ok(true);
        }
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(self.dir.join(".lock"))?;
        match lock.try_lock() {
            Ok(()) => {
                self.owner = Some(lock);
                Ok(true)
            }
            Err(fs::TryLockError::WouldBlock) => Ok(false),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Drops access lines, then other unimportant ones, until `entries` fit: stored ones first, as they are older.
    fn make_room(&mut self, entries: &mut Vec<Queued>) -> io::Result<()> {
        for lane in [Priority::Access, Priority::Normal] {
            let mut needed = segment::lines(entries)?.len() as u64;
            let mut at = 0;
            while self.bytes() + needed > self.max_bytes && at < self.segments.len() {
                let segment = &mut self.segments[at];
                if self.in_flight.as_ref() == Some(&segment.name) {
                    at += 1;
                    continue;
                }
                let dropped = segment.strip(&self.dir, lane)?;
                (0..dropped).for_each(|_| self.counters.count_dropped(lane));
                if segment.bytes == 0 {
                    let name = segment.name.clone();
                    self.segments.remove(at);
                    fs::remove_file(self.dir.join(name))?;
                } else {
                    at += 1;
                }
            }
            if self.bytes() + needed > self.max_bytes {
                let before = entries.len();
                entries.retain(|queued| queued.priority != lane);
                (entries.len()..before).for_each(|_| self.counters.count_dropped(lane));
                needed = segment::lines(entries)?.len() as u64;
            }
            if self.bytes() + needed <= self.max_bytes {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
