//! Numbers over time as small pictures, drawn on the server: where the areas are, and the same in words.

use chrono::{DateTime, TimeDelta, Utc};

/// Width of a picture, in its own units.
pub const WIDTH: i64 = 360;
/// Height of the drawing itself; labels stand below.
pub const HEIGHT: i64 = 60;
/// Height of a picture with its labels.
pub const TOTAL_HEIGHT: i64 = HEIGHT + 16;

/// Minutes of one column.
pub const COLUMN_MINUTES: i32 = 5;
/// Hours of a picture.
pub const HOURS: i64 = 24;

/// A line across, with what it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How far down.
    pub y: i64,
    /// A number with its unit.
    pub label: String,
}

/// One number over the last day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// An SVG path; empty where nothing is known.
    pub path: String,
    /// The scale.
    pub lines: Vec<Line>,
    /// The same in words.
    pub words: String,
}

impl History {
    /// Draws the averages of columns (when each begins, oldest first) until now. Where columns are missing the area breaks off:
    /// nobody knows what was then.
    #[must_use]
    pub fn of(columns: &[(DateTime<Utc>, f64)], now: DateTime<Utc>, unit: &str) -> Self {
        let (Some((_, newest)), Some(most)) =
            (columns.last(), columns.iter().map(|(_, value)| *value).reduce(f64::max))
        else {
            return Self { words: "Nothing is known of the last 24 hours yet.".into(), ..Self::default() };
        };
        let top = scale_end(most);
        let begins = now - TimeDelta::hours(HOURS);
        let column = TimeDelta::minutes(COLUMN_MINUTES.into());
        let mut path = String::new();
        for run in columns.chunk_by(|a, b| b.0 - a.0 <= column) {
            let left = x(run.first().map_or(now, |(at, _)| *at), begins);
            let right = x(run.last().map_or(now, |(at, _)| *at + column), begins);
            path.push_str(&format!("M{left} {HEIGHT}"));
            for (at, value) in run {
                let y = y(*value, top);
                path.push_str(&format!("L{} {y}L{} {y}", x(*at, begins), x(*at + column, begins)));
            }
            path.push_str(&format!("L{right} {HEIGHT}Z"));
        }
        let lines = [top / 2.0, top];
        let lines = lines.map(|value| Line { y: y(value, top), label: with_unit(value, unit) }).into();
        let words =
            format!("{} now, {} at most within 24 hours.", with_unit(*newest, unit), with_unit(most, unit));
        Self { path, lines, words }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "units of a small picture")]
fn y(value: f64, top: f64) -> i64 {
    HEIGHT - (value.clamp(0.0, top) / top * HEIGHT as f64).round() as i64
}

fn x(at: DateTime<Utc>, begins: DateTime<Utc>) -> i64 {
    ((at - begins).num_seconds() * WIDTH / (HOURS * 3600)).clamp(0, WIDTH)
}

/// The smallest of 1, 2, 4, 6, 10, 20, … that is not below the largest value.
fn scale_end(largest: f64) -> f64 {
    let mut power = 1.0;
    while power < 1e15 {
        for step in [1.0, 2.0, 4.0, 6.0] {
            if step * power >= largest {
                return step * power;
            }
        }
        power *= 10.0;
    }
    largest
}

/// Small numbers with one decimal, large ones whole.
fn with_unit(value: f64, unit: &str) -> String {
    if value < 10.0 && value.fract() != 0.0 {
        format!("{value:.1} {unit}")
    } else {
        format!("{value:.0} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2025-11-22T10:30:00Z".parse().unwrap()
    }

    fn ago(minutes: i64) -> DateTime<Utc> {
        now() - TimeDelta::minutes(minutes)
    }

    #[test]
    fn the_scale_ends_at_a_round_number() {
        for (largest, end) in [(0.0, 1), (0.3, 1), (1.0, 1), (1.2, 2), (61.0, 100), (350.0, 400)] {
            assert_eq!(scale_end(largest).to_string(), end.to_string(), "{largest}");
        }
        assert!(scale_end(f64::MAX) >= f64::MAX);
    }

    #[test]
    fn an_area_breaks_off_where_nothing_is_known() {
        // Four columns of five minutes are five units.
        let columns = [(ago(1440), 1.0), (ago(1420), 2.0), (ago(1415), 0.0), (ago(5), 2.0)];
        let history = History::of(&columns, now(), "ms");
        assert_eq!(
            history.path,
            "M0 60L0 30L1 30L1 60ZM5 60L5 0L6 0L6 60L7 60L7 60ZM358 60L358 0L360 0L360 60Z"
        );
        let lines: Vec<_> = history.lines.iter().map(|line| (line.y, line.label.as_str())).collect();
        assert_eq!(lines, [(30, "1 ms"), (0, "2 ms")]);
        assert_eq!(history.words, "2 ms now, 2 ms at most within 24 hours.");
    }

    #[test]
    fn nothing_known_is_said_and_older_columns_stay_within_the_picture() {
        let nothing = History::of(&[], now(), "ms");
        assert_eq!((nothing.path.as_str(), nothing.lines.len()), ("", 0));
        let old = History::of(&[(ago(2000), 1.5)], now(), "MB");
        assert_eq!(old.path, "M0 60L0 15L0 15L0 60Z");
        assert_eq!(old.words, "1.5 MB now, 1.5 MB at most within 24 hours.");
    }
}
