//! When the contract ends. Shown, never charged (rule 8).

use std::borrow::Cow;

use chrono::{Months, NaiveDate};

use super::{inputs::Company, plan::MONTH_TO_MONTH};

/// The end of a contract.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct ContractEnd<'a> {
    /// As it is shown.
    pub text: Cow<'a, str>,
    /// Whether it has passed.
    pub expired: bool,
}

/// The end of a company's contract under a term, as of today.
pub(super) fn end<'a>(company: &'a Company, term: &str, today: NaiveDate) -> ContractEnd<'a> {
    let shown = |text: &'static str| ContractEnd { text: Cow::Borrowed(text), expired: false };
    if let Some(end) = company.contract_end_date.as_deref().filter(|end| !end.is_empty()) {
        return ContractEnd { text: Cow::Borrowed(end), expired: date(end).is_some_and(|end| today > end) };
    }
    if term == MONTH_TO_MONTH {
        return shown(MONTH_TO_MONTH);
    }
    let years = match term {
        "1 Year" => 1,
        "2 Year" => 2,
        "3 Year" => 3,
        _ => return shown("N/A"),
    };
    let Some(start) = company.contract_start_date.as_deref().filter(|start| !start.is_empty()) else {
        return shown("N/A");
    };
    let Some(end) = date(start).and_then(|start| last_day(start, years)) else {
        return shown("Invalid Start Date");
    };
    ContractEnd { text: Cow::Owned(end.format("%Y-%m-%d").to_string()), expired: today > end }
}

/// The date of a date, or of a time.
fn date(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text.split('T').next()?, "%Y-%m-%d").ok()
}

/// The same day so many years later, minus one day. A 29 February without counterpart has none.
fn last_day(start: NaiveDate, years: u32) -> Option<NaiveDate> {
    let same_day = start.checked_add_months(Months::new(12 * years))?;
    if chrono::Datelike::day(&same_day) == chrono::Datelike::day(&start) { same_day.pred_opt() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_given_or_computed_or_unknown() {
        let today = NaiveDate::from_ymd_opt(2025, 7, 15).unwrap();
        for (start, given, term, expected, expired) in [
            ("2024-09-01", "2025-08-31", "1 Year", "2025-08-31", false),
            ("", "2025-05-31T00:00:00Z", "1 Year", "2025-05-31T00:00:00Z", true),
            ("", "2025-07-15", "1 Year", "2025-07-15", false),
            ("", "open ended", "1 Year", "open ended", false),
            ("2024-09-01", "", "Month to Month", "Month to Month", false),
            ("2023-07-01T09:00:00Z", "", "2 Year", "2025-06-30", true),
            ("2022-07-17", "", "3 Year", "2025-07-16", false),
            ("2024-03-01", "", "1 Year", "2025-02-28", true),
            ("2024-02-29", "", "1 Year", "Invalid Start Date", false),
            ("soon", "", "1 Year", "Invalid Start Date", false),
            ("", "", "1 Year", "N/A", false),
            ("2024-09-01", "", "5 Year", "N/A", false),
        ] {
            let company = Company {
                contract_start_date: Some(start.to_owned()),
                contract_end_date: Some(given.to_owned()),
                ..Company::default()
            };
            let end = end(&company, term, today);
            assert_eq!((&*end.text, end.expired), (expected, expired), "{start} {given} {term}");
        }
    }
}
