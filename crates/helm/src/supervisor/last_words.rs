//! What a process said before it ended: the reason, more often than not.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use super::spec::UnitSpec;

/// Last words are cut to this many characters.
const LAST_WORDS: usize = 300;
/// They are looked for in this much of the end of the log.
const TAIL_BYTES: u64 = 4096;

/// The last line that a process wrote to its error log, for people; of a JSON line the message and the cause.
pub(super) fn last_words(spec: &UnitSpec) -> Option<String> {
    last_line(&spec.logs.join(format!("{}.stderr.log", spec.name)))
}

fn last_line(log: &Path) -> Option<String> {
    let text = tail(log)?;
    let line = text.lines().rev().find(|line| !line.trim().is_empty())?.trim();
    let words = match serde_json::from_str::<serde_json::Value>(line) {
        Ok(entry) => {
            let part = |value: &serde_json::Value| value.as_str().map(str::to_owned);
            let cause = ["error", "cause", "reason"].iter().find_map(|name| part(&entry["extra"][name]));
            [part(&entry["message"]), cause].into_iter().flatten().collect::<Vec<_>>().join(": ")
        }
        Err(_) => line.to_owned(),
    };
    Some(words.chars().take(LAST_WORDS).collect())
}

/// The end of a file.
fn tail(path: &Path) -> Option<String> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES))).ok()?;
    let mut end = Vec::new();
    file.read_to_end(&mut end).ok()?;
    Some(String::from_utf8_lossy(&end).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts_and_of_a_json_line_its_message_and_cause() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("x.log");
        let table = [
            ("first\nsecond\n\n", "second"),
            (r#"{"message":"cannot start","extra":{"error":"no secret"}}"#, "cannot start: no secret"),
            (r#"{"message":"cannot start"}"#, "cannot start"),
        ];
        for (text, expected) in table {
            std::fs::write(&log, text).unwrap();
            assert_eq!(last_line(&log).as_deref(), Some(expected));
        }
        std::fs::write(&log, "").unwrap();
        assert_eq!(last_line(&log), None);
    }
}
