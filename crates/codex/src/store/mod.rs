//! SQL, one file per aggregate, and the ready-made answer of the ticket board.

pub mod account_numbers;
pub mod alone;
pub mod asset_edit;
pub mod asset_history;
pub mod asset_list;
pub mod asset_page;
pub mod assets;
pub mod board;
pub mod board_cache;
pub mod board_samples;
pub mod bulk;
pub mod changes;
pub mod clear;
pub mod companies;
pub mod company_edit;
pub mod company_list;
pub mod company_page;
pub mod contact_edit;
pub mod contact_links;
pub mod contact_list;
pub mod contact_merge;
pub mod contact_page;
pub mod contacts;
pub mod contract_ends;
pub mod dashboard;
pub mod data_version;
pub mod displays;
mod expected;
pub mod feature_categories;
pub mod feature_options;
pub mod features;
pub mod job_errors;
pub mod last_runs;
pub mod locations;
pub mod plan_import;
pub mod plan_usage;
pub mod plans;
pub mod psa_agents;
pub mod psa_tickets;
pub mod recent_commands;
pub mod related_tickets;
pub mod review_subjects;
pub mod reviews;
pub mod rmm_devices;
pub mod scope;
pub mod search;
pub mod snapshot;
pub mod staged_contacts;
pub mod statistics;
pub mod support_levels;
pub mod sync_agents;
pub mod sync_assets;
pub mod sync_companies;
pub mod sync_contacts;
pub mod sync_details;
pub mod sync_history;
pub mod sync_jobs;
pub mod sync_sites;
pub mod sync_staff;
pub mod sync_state;
pub mod sync_tickets;
pub mod ticket_update;
pub mod tickets;
pub mod unit;
pub mod users;
pub mod webhooks;

/// One page of a list and how many rows there are in all.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows of the page.
    pub items: Vec<T>,
    /// Rows on all pages.
    pub total: i64,
}

/// A value of a column that a list filters by.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Value {
    /// The filter.
    pub of: String,
    /// The value, in the case of letters it has somewhere.
    pub value: String,
}

impl Value {
    /// The values of one filter.
    pub fn of<'a>(values: &'a [Self], of: &'a str) -> impl Iterator<Item = &'a str> {
        values.iter().filter(move |value| value.of == of).map(|value| value.value.as_str())
    }
}

/// How many rows of a list a choice of a filter leaves.
#[derive(Clone, Debug, Eq, PartialEq, sqlx::FromRow)]
pub struct Counted {
    /// The filter.
    pub of: String,
    /// The choice; words in small letters.
    pub value: String,
    /// Rows.
    pub count: i64,
}

/// The pattern of `like` for text that contains this one, whose own `%` and `_` stand for themselves; none for none. The sign
/// between the fields of a `search_text` is not looked for.
pub(crate) fn containing(search: &str) -> Option<String> {
    let letters = || search.chars().filter(|letter| *letter != '\u{1}');
    letters().next()?;
    let mut pattern = String::with_capacity(search.len() + 2);
    pattern.push('%');
    for letter in letters() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    Some(pattern)
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_searched_stands_for_itself() {
        for (search, pattern) in
            [("", None), ("\u{1}", None), ("ac\u{1}me", Some("%acme%")), ("50%_\\", Some("%50\\%\\_\\\\%"))]
        {
            assert_eq!(super::containing(search).as_deref(), pattern);
        }
    }
}
