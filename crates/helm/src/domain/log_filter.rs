//! Which log rows are asked for (helm.md §4.2).

use std::fmt;

use chrono::{DateTime, Datelike, Utc};

use super::log_entry::{known_level, parse_time};

/// Rows of one answer unless asked otherwise.
pub const DEFAULT_LIMIT: i64 = 100;
/// Most rows of one answer.
pub const MAX_LIMIT: i64 = 1000;

/// No entry has it: whoever asks for an unknown level finds nothing.
const NO_LEVEL: &str = "";

/// Newest first, or oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Newest first.
    #[default]
    Descending,
    /// Oldest first.
    Ascending,
}

/// A place in the log by time: where the next page goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Time of the last row of a page, to the microsecond.
    pub timestamp: DateTime<Utc>,
    /// Its id, which tells rows of one time apart.
    pub id: i64,
}

impl Cursor {
    fn parse(text: &str) -> Option<Self> {
        let (micros, id) = text.rsplit_once('.')?;
        let timestamp = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
        // PostgreSQL's years end sooner than chrono's.
        (1..=9999).contains(&timestamp.year()).then_some(())?;
        Some(Self { timestamp, id: id.parse().ok()? })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.timestamp.timestamp_micros(), self.id)
    }
}

/// A search over the log; every set member narrows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogFilter {
    /// Exact service name.
    pub service: Option<String>,
    /// Exact level, in stored form.
    pub level: Option<&'static str>,
    /// Exact correlation id.
    pub correlation_id: Option<String>,
    /// Part of the user's name or address, in any case.
    pub user: Option<String>,
    /// Part of the message, in any case.
    pub search: Option<String>,
    /// Words of the message (full-text search).
    pub words: Option<String>,
    /// Not before, inclusive.
    pub start: Option<DateTime<Utc>>,
    /// Not after, inclusive.
    pub end: Option<DateTime<Utc>>,
    /// Only rows with a higher id: the live tail.
    pub after_id: Option<i64>,
    /// No rows with a higher id: the end of what a live tail may read.
    pub up_to_id: Option<i64>,
    /// Only rows behind this place, in the order asked for.
    pub cursor: Option<Cursor>,
    /// Rows wanted.
    pub limit: i64,
    /// Rows skipped.
    pub offset: i64,
    /// Which end first.
    pub order: Order,
}

impl LogFilter {
    /// How far a tail has read with an answer of so many rows: to the last of them when there may be more, else to the end of
    /// what it may read, so that rows which do not fit the filter are not looked at again.
    #[must_use]
    pub fn last_id(&self, last: Option<i64>, rows: usize) -> Option<i64> {
        self.after_id.filter(|_| self.order == Order::Ascending)?;
        let is_full = i64::try_from(rows).is_ok_and(|rows| rows >= self.limit);
        if is_full { last } else { self.up_to_id.max(self.after_id) }
    }

    /// Where the page after one of so many rows begins, which ends at `last`; none when that page was not full.
    #[must_use]
    pub fn next_cursor(&self, last: Option<Cursor>, rows: usize) -> Option<Cursor> {
        last.filter(|_| i64::try_from(rows).is_ok_and(|rows| rows == self.limit))
    }
}

/// The filter as it stands in a query string.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub struct RawFilter {
    /// Service name.
    pub service: Option<String>,
    /// Level in any case.
    pub level: Option<String>,
    /// Upstream's name of `correlation_id`.
    pub trace_id: Option<String>,
    /// Correlation id.
    pub correlation_id: Option<String>,
    /// Part of the user.
    pub user: Option<String>,
    /// Part of the message.
    pub search: Option<String>,
    /// Words of the message.
    pub words: Option<String>,
    /// ISO 8601.
    pub start_time: Option<String>,
    /// ISO 8601.
    pub end_time: Option<String>,
    /// Live tail.
    pub after_id: Option<String>,
    /// Where an earlier page ended.
    pub cursor: Option<String>,
    /// Rows wanted.
    pub limit: Option<String>,
    /// Rows skipped.
    pub offset: Option<String>,
    /// `asc` or `desc`.
    pub order: Option<String>,
}

/// A value of the query string that cannot be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadFilter {
    /// `start_time` is no time.
    #[error("Invalid start_time format")]
    StartTime,
    /// `end_time` is no time.
    #[error("Invalid end_time format")]
    EndTime,
    /// `cursor` is none that an earlier page gave.
    #[error("Invalid cursor")]
    Cursor,
}

impl TryFrom<RawFilter> for LogFilter {
    type Error = BadFilter;

    /// Empty values count as absent; numbers that are none take their default, as upstream's do.
    fn try_from(raw: RawFilter) -> Result<Self, BadFilter> {
        let start = given(raw.start_time).map(|t| parse_time(&t).ok_or(BadFilter::StartTime)).transpose()?;
        let end = given(raw.end_time).map(|t| parse_time(&t).ok_or(BadFilter::EndTime)).transpose()?;
        Ok(Self {
            service: given(raw.service),
            level: given(raw.level).map(|level| known_level(&level).unwrap_or(NO_LEVEL)),
            correlation_id: given(raw.correlation_id).or_else(|| given(raw.trace_id)),
            user: given(raw.user),
            search: given(raw.search),
            words: given(raw.words),
            start,
            end,
            after_id: number(raw.after_id),
            up_to_id: None,
            cursor: given(raw.cursor).map(|c| Cursor::parse(&c).ok_or(BadFilter::Cursor)).transpose()?,
            limit: number(raw.limit).unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT),
            offset: number(raw.offset).unwrap_or(0).max(0),
            order: match given(raw.order).as_deref() {
                Some("asc") => Order::Ascending,
                _ => Order::Descending,
            },
        })
    }
}

fn given(value: Option<String>) -> Option<String> {
    value.map(|v| v.trim().to_owned()).filter(|v| !v.is_empty())
}

fn number(value: Option<String>) -> Option<i64> {
    given(value)?.parse().ok()
}

/// `text` as a pattern of `LIKE` that matches it anywhere.
#[must_use]
pub fn contains_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_kept_and_nonsense_takes_the_default() {
        let table = [(None, 100), (Some("5"), 5), (Some("0"), 1), (Some("99999"), 1000), (Some("x"), 100)];
        for (given, limit) in table {
            let raw = RawFilter { limit: given.map(str::to_owned), ..RawFilter::default() };
            assert_eq!(LogFilter::try_from(raw).unwrap().limit, limit, "{given:?}");
        }
    }

    #[test]
    fn bad_times_are_named() {
        let start = RawFilter { start_time: Some("soon".into()), ..RawFilter::default() };
        assert_eq!(LogFilter::try_from(start).unwrap_err().to_string(), "Invalid start_time format");
        let end = RawFilter { end_time: Some("later".into()), ..RawFilter::default() };
        assert_eq!(LogFilter::try_from(end).unwrap_err().to_string(), "Invalid end_time format");
    }

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_else_refused() {
        let cursor = Cursor { timestamp: DateTime::from_timestamp_micros(-1_234_567).unwrap(), id: 9 };
        let read = |text: &str| {
            LogFilter::try_from(RawFilter { cursor: Some(text.to_owned()), ..RawFilter::default() })
        };
        assert_eq!(read(&cursor.to_string()).unwrap().cursor, Some(cursor));
        for bad in ["x", "1", "1.", ".1", "1.x", "99999999999999999999.1", "-8000000000000000000.1"] {
            assert_eq!(read(bad).unwrap_err().to_string(), "Invalid cursor", "{bad}");
        }
    }

    #[test]
    fn a_tail_goes_on_behind_what_it_has_read() {
        let filter = LogFilter {
            after_id: Some(10),
            up_to_id: Some(50),
            limit: 2,
            order: Order::Ascending,
            ..LogFilter::default()
        };
        assert_eq!(filter.last_id(None, 0), Some(50), "nothing fits: not looked at again");
        assert_eq!(filter.last_id(Some(30), 1), Some(50));
        assert_eq!(filter.last_id(Some(31), 2), Some(31), "there may be more");
        let behind = LogFilter { up_to_id: Some(5), ..filter.clone() };
        assert_eq!(behind.last_id(None, 0), Some(10), "never back");
        assert_eq!(LogFilter { after_id: None, ..filter.clone() }.last_id(Some(30), 1), None);
        assert_eq!(LogFilter { order: Order::Descending, ..filter }.last_id(Some(30), 1), None);
    }

    #[test]
    fn only_a_full_page_has_one_after_it() {
        let filter = LogFilter { limit: 2, ..LogFilter::default() };
        let last = Cursor { timestamp: DateTime::UNIX_EPOCH, id: 7 };
        assert_eq!(filter.next_cursor(Some(last), 2), Some(last));
        assert_eq!(filter.next_cursor(Some(last), 1), None);
        assert_eq!(filter.next_cursor(None, 0), None);
    }

    #[test]
    fn trace_id_is_another_name_of_correlation_id_and_empty_is_absent() {
        let raw = RawFilter {
            trace_id: Some("t".into()),
            correlation_id: Some(" ".into()),
            level: Some("error".into()),
            service: Some(String::new()),
            ..RawFilter::default()
        };
        let filter = LogFilter::try_from(raw).unwrap();
        assert_eq!(filter.correlation_id.as_deref(), Some("t"));
        assert_eq!(filter.level, Some("ERROR"));
        assert_eq!(filter.service, None);
    }

    #[test]
    fn an_unknown_level_is_no_level_and_not_info() {
        for (given, level) in
            [("warn", "WARNING"), ("Fatal", "CRITICAL"), ("info", "INFO"), ("LOUD", ""), ("WARNINGS", "")]
        {
            let raw = RawFilter { level: Some(given.into()), ..RawFilter::default() };
            assert_eq!(LogFilter::try_from(raw).unwrap().level, Some(level), "{given}");
        }
    }

    #[test]
    fn wildcards_in_a_search_are_plain_text() {
        assert_eq!(contains_pattern(r"50%_\"), r"%50\%\_\\%");
    }
}
