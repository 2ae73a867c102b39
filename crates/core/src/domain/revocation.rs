//! Positions in the ordered log of ended sessions (core.md §2.7).

use std::{fmt, str::FromStr};

/// A position: milliseconds and a counter within them, in the form of Redis stream ids (`1700000000000-0`).
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Cursor {
    millis: u64,
    counter: u64,
}

impl Cursor {
    /// The position for an entry written at `now_millis`, after this one even if the clock went back.
    pub fn next(self, now_millis: u64) -> Self {
        if now_millis > self.millis {
            Self { millis: now_millis, counter: 0 }
        } else {
            Self { millis: self.millis, counter: self.counter + 1 }
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.millis, self.counter)
    }
}

/// Which log a position belongs to. Positions of another log say nothing, so who brings one is sent everything.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogId {
    /// The log in Redis, the same for all instances.
    Shared,
    /// The log of one process, under a number it drew at its start.
    Own(u32),
}

/// Where a reader of the log stands: what `cursor`, `since` and the event ids carry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Position {
    /// Of which log.
    pub log: LogId,
    /// Where in it.
    pub cursor: Cursor,
}

impl fmt::Display for Position {
    /// `<millis>-<counter>`, with `.<number of the log>` for a process's own; the beginning is `0-0` in every log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.log {
            LogId::Own(number) if self.cursor != Cursor::default() => {
                write!(f, "{}.{number:08x}", self.cursor)
            }
            _ => self.cursor.fmt(f),
        }
    }
}

impl FromStr for Position {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (cursor, log) = match text.split_once('.') {
            None => (text, LogId::Shared),
            Some((cursor, number)) => {
                let is_hex = number.len() == 8 && number.bytes().all(|b| b.is_ascii_hexdigit());
                let number = is_hex.then(|| u32::from_str_radix(number, 16).ok()).flatten();
                (cursor, LogId::Own(number.ok_or(InvalidCursor)?))
            }
        };
        Ok(Self { log, cursor: cursor.parse()? })
    }
}

/// A text that is no cursor.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the cursor is not one that this service gave out")]
pub struct InvalidCursor;

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (millis, counter) = text.split_once('-').ok_or(InvalidCursor)?;
        let number = |part: &str| {
            (!part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
                .then(|| part.parse().ok())
                .flatten()
        };
        Ok(Self {
            millis: number(millis).ok_or(InvalidCursor)?,
            counter: number(counter).ok_or(InvalidCursor)?,
        })
    }
}

/// One ended session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Revocation {
    /// Where it stands in the log.
    pub cursor: Cursor,
    /// Session id.
    pub jti: String,
    /// When its token expires anyway, Unix seconds.
    pub exp: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_grow_even_when_the_clock_stands_or_goes_back() {
        let first = Cursor::default().next(1_000);
        let second = first.next(1_000);
        let third = second.next(400);
        assert!(Cursor::default() < first && first < second && second < third);
        assert_eq!(third.to_string(), "1000-2");
        assert_eq!(third.next(2_000).to_string(), "2000-0");
    }

    #[test]
    fn only_two_numbers_with_a_hyphen_are_a_cursor() {
        assert_eq!("1000-2".parse(), Ok(Cursor { millis: 1000, counter: 2 }));
        for bad in ["", "-", "5", "5-", "-5", "+5-1", "5-1-2", "a-b", "99999999999999999999-0"] {
            assert_eq!(bad.parse::<Cursor>(), Err(InvalidCursor), "{bad}");
        }
    }

    #[test]
    fn a_position_names_its_log_unless_it_is_the_shared_one_or_the_beginning() {
        let cursor = Cursor { millis: 1000, counter: 2 };
        for (position, text) in [
            (Position { log: LogId::Shared, cursor }, "1000-2"),
            (Position { log: LogId::Own(0xbad), cursor }, "1000-2.00000bad"),
        ] {
            assert_eq!(position.to_string(), text);
            assert_eq!(text.parse(), Ok(position));
        }
        let beginning = Position { log: LogId::Own(5), cursor: Cursor::default() };
        assert_eq!(beginning.to_string(), "0-0");
        for bad in ["1000-2.", "1000-2.bad", "1000-2.+0000bad", "1000-2.00000bad.1", ".00000bad", "1.2"] {
            assert_eq!(bad.parse::<Position>(), Err(InvalidCursor), "{bad}");
        }
    }
}
