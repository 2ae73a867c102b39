//! Contract terms and dates (codex-api.md §6.5).

use chrono::{Days, Months, NaiveDate};

/// Support level of a company whose plan is not listed.
pub const BILLED_HOURLY: &str = "Billed Hourly";

/// The one spelling of a term that is stored and returned. Unknown terms stay as they are; empty means none.
pub fn canonical_term(term: &str) -> Option<String> {
    let term = term.trim();
    let plain = term.to_lowercase().replace(['-', '_'], " ");
    let known = match plain.split_whitespace().collect::<Vec<_>>().join(" ").as_str() {
        "" => return None,
        "1 year" | "1 years" => "1 Year",
        "2 year" | "2 years" => "2 Year",
        "3 year" | "3 years" => "3 Year",
        "month to month" | "monthly" => "Month to Month",
        _ => term,
    };
    Some(known.to_owned())
}

/// Last day of a contract of a canonical term that began on `start` (a date, or a time whose date counts). None for
/// open-ended terms, and when the start is unreadable or the 29th of February.
pub fn end_date(start: &str, term: &str) -> Option<NaiveDate> {
    let years = match term {
        "1 Year" => 1,
        "2 Year" => 2,
        "3 Year" => 3,
        _ => return None,
    };
    let date = start.split('T').next()?.trim();
    let start = NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?;
    let anniversary = start.checked_add_months(Months::new(12 * years))?;
    let leap_day = chrono::Datelike::day(&start) != chrono::Datelike::day(&anniversary);
    if leap_day { None } else { anniversary.checked_sub_days(Days::new(1)) }
}

/// The last day of a contract as it is stored: the one that follows from start and term, none for an open contract, else
/// what was agreed otherwise.
pub fn effective_end(start: Option<&str>, term: Option<&str>, agreed: Option<&str>) -> Option<String> {
    match (start.zip(term).and_then(|(start, term)| end_date(start, term)), term) {
        (Some(end), _) => Some(end.to_string()),
        (None, Some("Month to Month")) => None,
        (None, _) => agreed.map(str::to_owned),
    }
}

/// A contract that ends within so many days is marked.
pub const ENDS_SOON: i64 = 30;

/// How a contract stands on a day.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// Its end is not known.
    Unknown,
    /// It goes on from month to month.
    Open,
    /// It runs for more than [`ENDS_SOON`] days.
    Running,
    /// It ends within [`ENDS_SOON`] days.
    EndsSoon,
    /// It has ended.
    Expired,
}

/// How a contract with this end and canonical term stands; the last day still belongs to it.
pub fn standing(end: Option<&str>, term: Option<&str>, today: NaiveDate) -> Standing {
    if term == Some("Month to Month") {
        return Standing::Open;
    }
    let date = end.and_then(|end| end.split('T').next()).map(str::trim);
    match date.and_then(|date| NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()) {
        None => Standing::Unknown,
        Some(end) if end < today => Standing::Expired,
        Some(end) if (end - today).num_days() <= ENDS_SOON => Standing::EndsSoon,
        Some(_) => Standing::Running,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_day_still_belongs_to_a_contract() {
        let today = NaiveDate::from_ymd_opt(2025, 11, 22).unwrap();
        for (end, term, expected) in [
            (Some("2025-11-21"), Some("1 Year"), Standing::Expired),
            (Some("2025-11-22"), Some("1 Year"), Standing::EndsSoon),
            (Some("2025-12-22T00:00:00Z"), None, Standing::EndsSoon),
            (Some("2025-12-23"), Some("1 Year"), Standing::Running),
            (Some("2020-01-01"), Some("Month to Month"), Standing::Open),
            (Some("soon"), None, Standing::Unknown),
            (None, Some("1 Year"), Standing::Unknown),
        ] {
            assert_eq!(standing(end, term, today), expected, "{end:?} {term:?}");
        }
    }

    #[test]
    fn an_agreed_end_counts_only_where_none_follows() {
        for (start, term, agreed, expected) in [
            (Some("2025-03-01"), Some("1 Year"), Some("2040-01-01"), Some("2026-02-28")),
            (Some("2025-03-01"), Some("Month to Month"), Some("2040-01-01"), None),
            (Some("2025-03-01"), Some("5 Year"), Some("2030-02-28"), Some("2030-02-28")),
            (None, Some("1 Year"), Some("2040-01-01"), Some("2040-01-01")),
            (Some("2025-03-01"), None, None, None),
        ] {
            assert_eq!(effective_end(start, term, agreed).as_deref(), expected, "{start:?} {term:?}");
        }
    }

    #[test]
    fn terms_have_one_spelling() {
        for (term, expected) in [
            ("1 year", Some("1 Year")),
            ("1-Year", Some("1 Year")),
            ("2 YEARS", Some("2 Year")),
            (" 3 years ", Some("3 Year")),
            ("month-to-month", Some("Month to Month")),
            ("Monthly", Some("Month to Month")),
            ("5 Year", Some("5 Year")),
            ("  ", None),
        ] {
            assert_eq!(canonical_term(term).as_deref(), expected, "{term:?}");
        }
    }

    #[test]
    fn a_contract_ends_the_day_before_its_anniversary() {
        for (start, term, expected) in [
            ("2024-03-01", "1 Year", Some("2025-02-28")),
            ("2023-01-01T00:00:00Z", "2 Year", Some("2024-12-31")),
            ("2023-06-15", "3 Year", Some("2026-06-14")),
            ("2024-02-29", "1 Year", None),
            ("2024-01-01", "Month to Month", None),
            ("soon", "1 Year", None),
        ] {
            assert_eq!(
                end_date(start, term).map(|date| date.to_string()).as_deref(),
                expected,
                "{start} {term}"
            );
        }
    }
}
