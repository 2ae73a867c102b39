//! Keeps process logs small. Processes append to their files all the time, so the end of a full file is copied and the file
//! emptied in place. Only the end: a service that writes much would otherwise have all of it written twice, and the log
//! database has what is older.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Seek, SeekFrom},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// A file above this size is rotated.
pub const MAX_BYTES: u64 = 32 * 1024 * 1024;
/// As much of its end is kept as `<file>.1`.
const KEPT_BYTES: u64 = MAX_BYTES / 4;

/// Rotates one file if it is larger than `max` bytes, and keeps the last `kept` of them, from the beginning of a line on.
///
/// # Errors
/// When the copy cannot be made; the file is emptied only after that.
pub fn rotate(file: &Path, max: u64, kept: u64) -> io::Result<bool> {
    let length = match fs::metadata(file) {
        Ok(metadata) if metadata.len() > max => metadata.len(),
        Ok(_) => return Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let mut full = BufReader::new(File::open(file)?);
    if let Some(skipped) = length.checked_sub(kept).filter(|skipped| *skipped > 0) {
        // One byte earlier, so that a line that begins right there is kept whole.
        full.seek(SeekFrom::Start(skipped - 1))?;
        full.skip_until(b'\n')?;
    }
    io::copy(&mut full, &mut copy_of(file)?)?;
    OpenOptions::new().write(true).open(file)?.set_len(0)?;
    Ok(true)
}

/// Rotates all logs of a folder.
pub fn rotate_folder(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_some_and(|extension| extension == "log")
            && let Err(error) = rotate(&path, MAX_BYTES, KEPT_BYTES)
        {
            tracing::warn!(file = %path.display(), error = %error, "log file not rotated");
        }
    }
}

/// The file that takes the copy, as readable as the file itself.
fn copy_of(file: &Path) -> io::Result<File> {
    let mut name = file.as_os_str().to_owned();
    name.push(".1");
    let copy =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(PathBuf::from(name))?;
    copy.set_permissions(fs::metadata(file)?.permissions())?;
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn the_end_of_a_full_log_is_kept_and_its_writer_goes_on_at_the_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.stderr.log");
        let mut writer = OpenOptions::new().append(true).create(true).open(&file).unwrap();
        for (written, kept, left) in [
            ("1\n2\n3\n4\n", 4, "3\n4\n"),
            ("1\n2\n3\n4\n", 5, "3\n4\n"),
            ("1\n2\n3\n4\n", 100, "1\n2\n3\n4\n"),
            ("one line\n", 4, ""),
        ] {
            writer.write_all(written.as_bytes()).unwrap();
            assert!(rotate(&file, 7, kept).unwrap());
            assert_eq!(fs::read_to_string(folder.path().join("x.stderr.log.1")).unwrap(), left, "{kept}");
        }
        writer.write_all(b"new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert!(!rotate(&file, 7, 4).unwrap());
    }
}
