//! The files that take what processes write: `<home>/<service>/logs/<service>.{stdout,stderr}.log`.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use nix::fcntl::OFlag;

use crate::domain::process_line::Stream;

/// As much of the end of a file is looked at for its last lines.
const TAIL_BYTES: u64 = 1024 * 1024;
/// Longer lines are cut: nobody reads them on a page.
const LINE_BYTES: usize = 4096;

/// The file of one stream.
#[must_use]
pub fn file(folder: &Path, service: &str, stream: Stream) -> PathBuf {
    folder.join(format!("{service}.{}.log", stream.as_str()))
}

/// Opens a file for reading. The folder may belong to another account than Helm's, so a link is not followed, and what is
/// no file is not waited for. None when it is not there.
///
/// # Errors
/// When it cannot be opened, or is no plain file.
pub fn open(path: &Path) -> io::Result<Option<File>> {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if file.metadata()?.is_file() { Ok(Some(file)) } else { Err(io::Error::other("no plain file")) }
}

/// The last lines of a file, oldest first, of its last MiB at most. None when it is not there.
///
/// # Errors
/// As [`open`].
pub fn last_lines(path: &Path, most: usize) -> io::Result<Option<Vec<String>>> {
    let Some(mut file) = open(path)? else { return Ok(None) };
    let length = file.metadata()?.len();
    let from = length.saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(from))?;
    let mut end = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut end)?;
    // The first line of a piece is a half one.
    let whole = match (from, end.iter().position(|byte| *byte == b'\n')) {
        (0, _) | (_, None) => end.as_slice(),
        (_, Some(at)) => &end[at + 1..],
    };
    let whole = whole.strip_suffix(b"\n").unwrap_or(whole);
    if whole.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let mut lines: Vec<String> = whole.rsplit(|byte| *byte == b'\n').take(most).map(line).collect();
    lines.reverse();
    Ok(Some(lines))
}

fn line(bytes: &[u8]) -> String {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    let cut = &bytes[..bytes.len().min(LINE_BYTES)];
    let mut text = String::from_utf8_lossy(cut).into_owned();
    if cut.len() < bytes.len() {
        text.push('…');
    }
    text
}

/// A place in a file that grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Which file: another one may come under the same name.
    pub inode: u64,
    /// Bytes that were read.
    pub offset: u64,
}

/// Whole lines behind a place, and the place after them.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece {
    /// Without line feeds.
    pub lines: Vec<String>,
    /// Where it goes on.
    pub place: Place,
}

/// How large a file is now, and which. None when it is not there.
///
/// # Errors
/// As [`open`].
pub fn end(path: &Path) -> io::Result<Option<Place>> {
    let Some(file) = open(path)? else { return Ok(None) };
    let metadata = file.metadata()?;
    Ok(Some(Place { inode: metadata.ino(), offset: metadata.len() }))
}

/// Reads whole lines from `from` on, at most to `until` and at most `most` bytes. A file that became shorter, or another
/// one, is read from its beginning; of one that nobody has read yet only the last `most` bytes are news. A line that is
/// longer than `most` is taken in parts.
///
/// # Errors
/// As [`open`].
pub fn read_on(path: &Path, from: Option<Place>, until: Place, most: u64) -> io::Result<Option<Piece>> {
    let Some(mut file) = open(path)? else { return Ok(None) };
    let metadata = file.metadata()?;
    let (inode, length) = (metadata.ino(), metadata.len());
    let (start, skips_half) = match from {
        Some(place) if place.inode == inode && place.offset <= length => (place.offset, false),
        Some(_) => (0, false),
        None => (length.saturating_sub(most), length > most),
    };
    // Where the end was seen in another file it says nothing about this one.
    let stop = if until.inode == inode { until.offset.min(length) } else { length };
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(stop.saturating_sub(start).min(most)).read_to_end(&mut bytes)?;
    let mut taken = match bytes.iter().rposition(|byte| *byte == b'\n') {
        Some(at) => at + 1,
        None if u64::try_from(bytes.len()).is_ok_and(|read| read == most) => bytes.len(),
        None => 0,
    };
    let mut lines: Vec<String> = bytes[..taken]
        .split_inclusive(|byte| *byte == b'\n')
        .map(|line| String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line)).into_owned())
        .collect();
    if skips_half {
        let half = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
        taken = taken.max(half);
        lines.drain(..lines.len().min(1));
    }
    let offset = start + u64::try_from(taken).unwrap_or_default();
    Ok(Some(Piece { lines, place: Place { inode, offset } }))
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write, os::unix::fs::symlink};

    use super::*;

    fn append(path: &Path, text: &str) {
        OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn the_last_lines_are_whole_and_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.stdout.log");
        assert_eq!(last_lines(&path, 5).unwrap(), None);
        append(&path, "");
        assert_eq!(last_lines(&path, 5).unwrap(), Some(vec![]));
        append(&path, "one\r\ntwo\n\nthree");
        assert_eq!(last_lines(&path, 2).unwrap().unwrap(), ["", "three"]);
        assert_eq!(last_lines(&path, 5).unwrap().unwrap(), ["one", "two", "", "three"]);
        fs::write(&path, format!("{}\nlast\n", "x".repeat(2 * 1024 * 1024))).unwrap();
        assert_eq!(last_lines(&path, 5).unwrap().unwrap(), ["last"], "the half line is left out");
        fs::write(&path, "y".repeat(LINE_BYTES + 1)).unwrap();
        assert_eq!(last_lines(&path, 5).unwrap().unwrap(), [format!("{}…", "y".repeat(LINE_BYTES))]);
        fs::write(&path, b"\xff\xfe\n").unwrap();
        assert_eq!(last_lines(&path, 5).unwrap().unwrap(), ["\u{fffd}\u{fffd}"]);
    }

    #[test]
    fn links_and_what_is_no_file_are_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.stdout.log");
        symlink("/etc/passwd", &path).unwrap();
        assert!(last_lines(&path, 5).is_err());
        fs::remove_file(&path).unwrap();
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(last_lines(&path, 5).is_err(), "and nobody waits for it");
    }

    #[test]
    fn a_growing_file_is_read_once_and_by_whole_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.stdout.log");
        let mut from = None;
        let mut next = |most: u64| {
            let until = end(&path).unwrap().unwrap();
            let piece = read_on(&path, from, until, most).unwrap().unwrap();
            from = Some(piece.place);
            piece.lines
        };
        append(&path, "one\ntw");
        assert_eq!(next(100), ["one"]);
        assert_eq!(next(100), Vec::<String>::new());
        append(&path, "o\nthree\nfour\n");
        assert_eq!(next(9), ["two"]);
        assert_eq!(next(9), ["three"]);
        assert_eq!(next(9), ["four"]);
        append(&path, "a line that is longer\n");
        assert_eq!(next(9), ["a line th"]);
        assert_eq!(next(9), ["at is lon"]);
        assert_eq!(next(9), ["ger"]);
        // Emptied in place, as the rotation does.
        OpenOptions::new().write(true).open(&path).unwrap().set_len(0).unwrap();
        append(&path, "new\n");
        assert_eq!(next(100), ["new"]);
        // Another file under the same name.
        fs::rename(&path, folder.path().join("x.old")).unwrap();
        append(&path, "another one\n");
        assert_eq!(next(100), ["another one"]);
    }

    #[test]
    fn of_a_file_that_nobody_has_read_the_end_is_news() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.stdout.log");
        append(&path, "long ago\nbefore\nnow\n");
        let until = end(&path).unwrap().unwrap();
        let piece = read_on(&path, None, until, 9).unwrap().unwrap();
        assert_eq!((piece.lines, piece.place), (vec!["now".to_owned()], until));
        let all = read_on(&path, None, until, 100).unwrap().unwrap();
        assert_eq!(all.lines, ["long ago", "before", "now"]);
        let earlier = Place { offset: 16, ..until };
        assert_eq!(read_on(&path, None, earlier, 100).unwrap().unwrap().lines, ["long ago", "before"]);
    }
}
