//! Keeps process logs small. Processes append to their files all the time, so a full file is copied and emptied in place.

use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
};

/// A file above this size is rotated.
pub const MAX_BYTES: u64 = 10 * 1024 * 1024;
/// Older copies kept: `<file>.1` is the newest.
const COPIES: u32 = 3;

/// Rotates one file if it is larger than `max` bytes.
///
/// # Errors
/// When a copy cannot be made; the file is emptied only after that.
pub fn rotate(file: &Path, max: u64) -> io::Result<bool> {
    match fs::metadata(file) {
        Ok(metadata) if metadata.len() > max => {}
        Ok(_) => return Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    }
    for number in (1..COPIES).rev() {
        let from = copy_name(file, number);
        if from.exists() {
            fs::rename(from, copy_name(file, number + 1))?;
        }
    }
    fs::copy(file, copy_name(file, 1))?;
    OpenOptions::new().write(true).open(file)?.set_len(0)?;
    Ok(true)
}

/// Rotates all logs of a folder.
pub fn rotate_folder(folder: &Path, max: u64) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_some_and(|extension| extension == "log")
            && let Err(error) = rotate(&path, max)
        {
            tracing::warn!(file = %path.display(), error = %error, "log file not rotated");
        }
    }
}

fn copy_name(file: &Path, number: u32) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_full_log_is_copied_and_its_writer_goes_on_at_the_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.stderr.log");
        let mut writer = OpenOptions::new().append(true).create(true).open(&file).unwrap();
        for round in 1..=5 {
            writer.write_all(format!("round {round}, long enough").as_bytes()).unwrap();
            assert!(rotate(&file, 10).unwrap());
        }
        writer.write_all(b"new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert!(!rotate(&file, 10).unwrap());
        let copies: Vec<String> = (1..=3).map(|n| fs::read_to_string(copy_name(&file, n)).unwrap()).collect();
        assert_eq!(copies, ["round 5, long enough", "round 4, long enough", "round 3, long enough"]);
        assert!(!copy_name(&file, 4).exists());
    }
}
