//! A month that is billed.

use std::fmt;

use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, NaiveTime, TimeZone, Utc};

/// A month of a year from 1 to 9999, in UTC.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Period {
    first_day: NaiveDate,
}

impl Period {
    /// The month, or nothing when there is none of that number.
    pub fn new(year: i64, month: i64) -> Option<Self> {
        let year = i32::try_from(year).ok().filter(|year| (1..=9999).contains(year))?;
        let first_day = NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()?, 1)?;
        Some(Self { first_day })
    }

    /// The month an instant falls in, converted to UTC (rules 21 and 46).
    pub fn of<Z: TimeZone>(time: &DateTime<Z>) -> Option<Self> {
        let day = time.naive_utc();
        Self::new(i64::from(day.year()), i64::from(day.month()))
    }

    /// The year.
    pub fn year(self) -> i32 {
        self.first_day.year()
    }

    /// The month, 1 to 12.
    pub fn month(self) -> u32 {
        self.first_day.month()
    }

    /// The month after.
    pub fn next(self) -> Self {
        Self { first_day: self.first_day.checked_add_months(Months::new(1)).unwrap_or(NaiveDate::MAX) }
    }

    /// The month before; none before the first there is.
    pub fn previous(self) -> Option<Self> {
        let first_day = self.first_day.checked_sub_months(Months::new(1))?;
        (first_day.year() >= 1).then_some(Self { first_day })
    }

    /// The first day.
    pub const fn first_day(self) -> NaiveDate {
        self.first_day
    }

    /// The last day, the date of the invoice (section 6.1).
    pub fn last_day(self) -> NaiveDate {
        self.next().first_day.checked_sub_days(Days::new(1)).unwrap_or(self.first_day)
    }

    /// The instant the month begins at.
    pub fn begins(self) -> DateTime<Utc> {
        self.first_day.and_time(NaiveTime::MIN).and_utc()
    }
}

/// `2025-06`.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.month())
    }
}

impl serde::Serialize for Period {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_knows_its_days() {
        for (year, month, last) in [
            (2024, 2, "2024-02-29"),
            (2025, 2, "2025-02-28"),
            (2025, 12, "2025-12-31"),
            (9999, 12, "9999-12-31"),
        ] {
            assert_eq!(Period::new(year, month).unwrap().last_day().to_string(), last);
        }
        for (year, month) in [(2025, 0), (2025, 13), (0, 1), (99_999, 1), (-5, 1), (2025, -1)] {
            assert_eq!(Period::new(year, month), None, "{year}-{month}");
        }
    }
}
