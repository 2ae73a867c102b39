//! Lines that a process wrote to its standard output or standard error: which of them came to Helm by another way already,
//! and what the others say.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::log_entry::{LEVELS, MAX_MESSAGE, NewLogEntry, normal_level, parse_time, validate};

/// A level stands near the beginning of a line, or nowhere.
const LEVEL_WITHIN: usize = 120;

/// Standard output or standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// Both, standard error first: that is where services write their log.
    pub const ALL: [Self; 2] = [Self::Stderr, Self::Stdout];

    /// The word in file names, the table and the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// Whose lines they are.
#[derive(Debug, Clone, Copy)]
pub struct Writer<'a> {
    /// Service name.
    pub service: &'a str,
    /// Where it wrote them.
    pub stream: Stream,
    /// Whether its log, in the form of our services, reaches Helm by itself.
    pub ships: bool,
}

/// What a line inherits from the one before.
#[derive(Debug, Default)]
pub struct Reader {
    level: Option<&'static str>,
    in_traceback: bool,
}

impl Reader {
    /// The entry that a line becomes; none for an empty one, and for one that its writer ships.
    pub fn read(&mut self, writer: Writer<'_>, line: &str, now: DateTime<Utc>) -> Option<NewLogEntry> {
        let line = line.trim_end();
        if line.trim_start().is_empty() {
            return None;
        }
        if let Some(fields) = structured(line) {
            *self = Self::default();
            if writer.ships && is_of(&fields, writer.service) {
                return None;
            }
            return Some(from_fields(fields, writer, line, now));
        }
        if writer.ships && is_our_text(line) {
            *self = Self::default();
            return None;
        }
        let level = self.level_of(line);
        Some(from_text(line, level, writer, now))
    }

    /// A line that is indented, or the last one of a Python traceback, belongs to what stands above it.
    fn level_of(&mut self, line: &str) -> &'static str {
        if line.starts_with([' ', '\t'])
            && let Some(level) = self.level
        {
            return level;
        }
        let ends_traceback = std::mem::take(&mut self.in_traceback);
        self.in_traceback = line.starts_with("Traceback (most recent call last)");
        let level = match named_level(line) {
            _ if self.in_traceback || ends_traceback => "ERROR",
            Some(level) => level,
            None => "INFO",
        };
        self.level = Some(level);
        level
    }
}

/// The members of a line that is a JSON object with a message.
fn structured(line: &str) -> Option<Map<String, Value>> {
    if !line.starts_with('{') {
        return None;
    }
    match serde_json::from_str(line) {
        Ok(Value::Object(fields)) if fields.get("message").is_some_and(Value::is_string) => Some(fields),
        _ => None,
    }
}

/// Whether these are members that our services write (`docs/LOGGING.md`).
fn is_of(fields: &Map<String, Value>, service: &str) -> bool {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    text("service") == Some(service) && text("level").is_some() && text("timestamp").is_some()
}

/// `2025-11-22T10:30:00.123Z [LEVEL] target: message`: how our services write where nobody wants JSON.
fn is_our_text(line: &str) -> bool {
    let mut words = line.split(' ');
    let time = words.next().is_some_and(|word| word.ends_with('Z') && parse_time(word).is_some());
    let level = words.next().and_then(|word| word.strip_prefix('[')?.strip_suffix(']'));
    time && level.is_some_and(|level| LEVELS.contains(&level))
        && words.next().is_some_and(|target| target.ends_with(':'))
}

/// Our own names and those of usual formatters, as Helm's ingestion reads them.
fn from_fields(
    mut fields: Map<String, Value>,
    writer: Writer<'_>,
    line: &str,
    now: DateTime<Utc>,
) -> NewLogEntry {
    for (theirs, ours) in [("levelname", "level"), ("user", "user_email"), ("time", "timestamp")] {
        if !fields.contains_key(ours)
            && let Some(value) = fields.remove(theirs)
        {
            fields.insert(ours.into(), value);
        }
    }
    if fields.get("correlation_id").is_some_and(|id| id == "none") {
        fields.remove("correlation_id");
    }
    let mut extra = Map::new();
    for name in ["extra", "context", "extra_data"] {
        match fields.remove(name) {
            Some(Value::Object(members)) => extra.extend(members),
            Some(Value::Null) | None => {}
            Some(other) => {
                extra.insert(name.into(), other);
            }
        }
    }
    extra.insert("source".into(), writer.stream.as_str().into());
    fields.insert("extra_data".into(), extra.into());
    // Who writes to a file must not number entries in another's name.
    fields.remove("source");
    match validate(writer.service, &fields.into(), now) {
        Ok(entry) => entry,
        Err(_) => from_text(line, named_level(line).unwrap_or("INFO"), writer, now),
    }
}

fn from_text(line: &str, level: &'static str, writer: Writer<'_>, now: DateTime<Utc>) -> NewLogEntry {
    let source = Map::from_iter([("source".to_owned(), Value::from(writer.stream.as_str()))]);
    NewLogEntry {
        service: writer.service.to_owned(),
        level,
        message: line.chars().take(MAX_MESSAGE).collect::<String>().replace('\0', "\u{fffd}"),
        timestamp: now,
        correlation_id: None,
        user_email: None,
        extra_data: Some(source.into()),
        hostname: None,
        process_id: None,
        number: None,
    }
}

/// The level that a line names: a word in capitals, or before a colon or behind `level=` in any.
fn named_level(line: &str) -> Option<&'static str> {
    const WORDS: [&str; 10] =
        ["TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "CRITICAL", "FATAL", "PANIC"];
    let end = line.char_indices().nth(LEVEL_WITHIN).map_or(line.len(), |(at, _)| at);
    let beginning = &line[..end];
    let mut at = 0;
    for word in beginning.split(|c: char| !c.is_ascii_alphanumeric()) {
        let (before, behind) = (&beginning[..at], &beginning[at + word.len()..]);
        at += word.len() + behind.chars().next().map_or(0, char::len_utf8);
        let upper = word.to_ascii_uppercase();
        if !WORDS.contains(&upper.as_str()) {
            continue;
        }
        let is_marked =
            behind.starts_with(':') || before.ends_with("level=") || before.ends_with("level\":\"");
        if upper == word || is_marked {
            return Some(match upper.as_str() {
                "TRACE" => "DEBUG",
                "NOTICE" => "INFO",
                "PANIC" => "CRITICAL",
                level => normal_level(level),
            });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn now() -> DateTime<Utc> {
        "2025-11-22T10:30:00Z".parse().unwrap()
    }

    const OURS: Writer<'_> = Writer { service: "codex", stream: Stream::Stderr, ships: true };
    const FOREIGN: Writer<'_> = Writer { service: "archive", stream: Stream::Stdout, ships: false };

    fn read(writer: Writer<'_>, line: &str) -> Option<NewLogEntry> {
        Reader::default().read(writer, line, now())
    }

    #[test]
    fn what_a_service_ships_is_left_to_its_shipper() {
        let shipped = [
            r#"{"timestamp":"2025-11-22T10:30:00.123Z","level":"INFO","service":"codex","message":"m"}"#,
            "2025-11-22T10:30:00.123Z [INFO] access: GET /x 200",
            "",
            "  ",
        ];
        for line in shipped {
            assert_eq!(read(OURS, line), None, "{line}");
        }
        for line in [
            "thread 'main' panicked at src/main.rs:3:5:",
            "/lib/libc.so.6: version `GLIBC_2.38' not found",
            r#"{"timestamp":"2025-11-22T10:30:00.123Z","level":"INFO","service":"nexus","message":"m"}"#,
            "2025-11-22T10:30:00.123Z [INFO] no target",
        ] {
            assert!(read(OURS, line).is_some(), "{line}");
        }
        assert!(read(Writer { ships: false, ..OURS }, shipped[0]).is_some(), "unless it does not ship");
    }

    #[test]
    fn a_structured_line_is_read_into_its_columns() {
        let line = r#"{"time":"2025-11-22T09:00:00Z","levelname":"warning","message":"slow","user":"ada@x",
            "correlation_id":"c-1","extra":{"ms":7},"source":"0b9d2a52-31a7-4a2e-9a75-0f4c8f1d2b3c","seq":1}"#;
        let entry = read(FOREIGN, line).unwrap();
        assert_eq!(
            (entry.service.as_str(), entry.level, entry.message.as_str()),
            ("archive", "WARNING", "slow")
        );
        assert_eq!(entry.timestamp.to_rfc3339(), "2025-11-22T09:00:00+00:00");
        assert_eq!(
            (entry.correlation_id.as_deref(), entry.user_email.as_deref()),
            (Some("c-1"), Some("ada@x"))
        );
        assert_eq!(entry.extra_data, Some(json!({"ms": 7, "source": "stdout"})));
        assert_eq!(entry.number, None);
        let odd = read(FOREIGN, r#"{"message":"m","timestamp":"soon","level":"ERROR"}"#).unwrap();
        assert!(odd.message.starts_with('{') && odd.level == "ERROR", "kept as it is: {odd:?}");
    }

    #[test]
    fn the_level_of_a_text_is_the_word_for_it_and_no_part_of_another() {
        let table = [
            ("2025-11-22 10:30:00,123 - archive - ERROR - no room", "ERROR"),
            ("[WARN] late", "WARNING"),
            ("INFO:     Uvicorn running", "INFO"),
            ("error: could not bind", "ERROR"),
            ("time=x level=debug msg=y", "DEBUG"),
            ("FATAL:  password authentication failed", "CRITICAL"),
            ("the error page was shown", "INFO"),
            ("TERROR and MIRRORED", "INFO"),
            ("0 errors", "INFO"),
            ("ünï ERROR", "ERROR"),
        ];
        for (line, level) in table {
            let entry = read(FOREIGN, line).unwrap();
            assert_eq!((entry.level, entry.message.as_str()), (level, line));
            assert_eq!(entry.extra_data, Some(json!({"source": "stdout"})));
        }
        let far = format!("{} ERROR", "x".repeat(LEVEL_WITHIN));
        assert_eq!(read(FOREIGN, &far).unwrap().level, "INFO");
    }

    #[test]
    fn a_traceback_is_an_error_to_its_end() {
        let mut reader = Reader::default();
        let lines = [
            ("ready", "INFO"),
            ("Traceback (most recent call last):", "ERROR"),
            ("  File \"run.py\", line 3, in main", "ERROR"),
            ("    boom()", "ERROR"),
            ("ValueError: boom", "ERROR"),
            ("ready again", "INFO"),
            ("    indented", "INFO"),
        ];
        for (line, level) in lines {
            assert_eq!(reader.read(FOREIGN, line, now()).unwrap().level, level, "{line}");
        }
    }

    #[test]
    fn what_cannot_be_stored_is_replaced_and_what_is_too_long_cut() {
        let entry = read(FOREIGN, &format!("a\0{}", "é".repeat(MAX_MESSAGE))).unwrap();
        assert!(entry.message.starts_with("a\u{fffd}é"));
        assert_eq!(entry.message.chars().count(), MAX_MESSAGE);
    }
}
