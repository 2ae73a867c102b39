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
}
