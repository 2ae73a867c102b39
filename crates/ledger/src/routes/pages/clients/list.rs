//! Which clients a list shows, in which order, and what they come to.

use std::{cmp::Ordering, collections::HashMap};

use chrono::NaiveDate;
use serde::Deserialize;

use super::super::parts::{Standing, url_query};
use crate::bills::overview::Row;

/// What is shown, as the address has it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ClientsQuery {
    /// `active`, `expiring` or `expired`.
    pub filter: Option<String>,
    /// `open`, `failed` or `accepted`.
    pub state: Option<String>,
    /// Exactly this plan.
    pub plan: Option<String>,
    /// A part of name, account number or plan.
    pub search: Option<String>,
    /// Key of the column, with `-` before it for the other direction.
    pub sort: Option<String>,
    /// Page, from 1.
    pub page: Option<usize>,
    /// Rows of a page: 25, 50, 100; everything else is all.
    pub per_page: Option<usize>,
}

/// Columns: heading, key, whether it is a number, class.
pub const COLUMNS: [(&str, &str, bool, &str); 13] = [
    ("Company", "name", false, ""),
    ("Account #", "account_number", false, "hide-sm"),
    ("Plan", "billing_plan", false, ""),
    ("Support Level", "support_level", false, "hide-lg"),
    ("Term", "contract_term_length", false, "hide-lg"),
    ("Contract End", "contract_end_date", false, ""),
    ("Workstations", "workstations", true, "hide-sm"),
    ("Servers", "servers", true, "hide-sm"),
    ("VMs", "vms", true, "hide-sm"),
    ("Users", "users", true, "hide-sm"),
    ("Backup (TB)", "backup", true, "hide-sm"),
    ("Hours (This Year)", "hours", true, "hide-sm"),
    ("Total Bill", "total_bill", true, ""),
];

/// Sizes of a page.
pub const SIZES: [usize; 3] = [25, 50, 100];

impl ClientsQuery {
    fn text(of: &Option<String>) -> &str {
        of.as_deref().map(str::trim).unwrap_or_default()
    }

    /// The filter, where it is one.
    pub fn filter(&self) -> &str {
        Some(Self::text(&self.filter))
            .filter(|word| ["active", "expiring", "expired"].contains(word))
            .unwrap_or("")
    }

    /// The state, where it is one.
    pub fn state(&self) -> &str {
        Some(Self::text(&self.state))
            .filter(|word| ["open", "failed", "accepted"].contains(word))
            .unwrap_or("")
    }

    /// The plan.
    pub fn plan(&self) -> &str {
        Self::text(&self.plan)
    }

    /// What is looked for.
    pub fn search(&self) -> &str {
        Self::text(&self.search)
    }

    /// Key of the order, and whether it is the other way round.
    pub fn order(&self) -> (&'static str, bool) {
        let text = Self::text(&self.sort);
        let (key, down) = text.strip_prefix('-').map_or((text, false), |key| (key, true));
        COLUMNS
            .iter()
            .find(|(_, known, ..)| *known == key)
            .map_or(("name", false), |(_, key, ..)| (key, down))
    }

    /// The order as the address has it.
    pub fn sort(&self) -> String {
        let (key, down) = self.order();
        format!("{}{key}", if down { "-" } else { "" })
    }

    /// What a press on a heading orders by: numbers begin with the largest.
    pub fn sort_after(&self, key: &str) -> String {
        let (now, down) = self.order();
        let is_number = COLUMNS.iter().any(|(_, known, is_number, _)| *known == key && *is_number);
        let next_down = if now == key { !down } else { is_number };
        format!("{}{key}", if next_down { "-" } else { "" })
    }

    /// Rows of a page; `None` is all.
    pub fn size(&self) -> Option<usize> {
        self.per_page.filter(|size| SIZES.contains(size))
    }

    /// Whether rows are left out.
    pub fn narrows(&self) -> bool {
        [self.filter(), self.state(), self.plan(), self.search()].iter().any(|part| !part.is_empty())
    }

    /// Everything but month and page, for addresses.
    pub fn kept(&self) -> Vec<(&'static str, String)> {
        let size = self.size().map(|size| size.to_string()).unwrap_or_default();
        let pairs = [
            ("filter", self.filter().to_owned()),
            ("state", self.state().to_owned()),
            ("plan", self.plan().to_owned()),
            ("search", self.search().to_owned()),
            ("sort", Some(self.sort()).filter(|sort| sort != "name").unwrap_or_default()),
            ("per_page", size),
        ];
        pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }

    /// The same as text.
    pub fn address(&self) -> String {
        url_query(&self.kept())
    }
}

/// The rows that fit, in order. `failures` are those whose bill could not be archived, with the reason.
pub fn select(
    mut rows: Vec<Row>,
    query: &ClientsQuery,
    today: NaiveDate,
    failures: &HashMap<String, String>,
) -> Vec<Row> {
    let search = query.search().to_lowercase();
    rows.retain(|row| {
        let standing = Standing::of(&row.contract_end_date, row.contract_expired, today);
        let in_filter = match query.filter() {
            "active" => standing != Standing::Expired,
            "expiring" => standing == Standing::Expiring,
            "expired" => standing == Standing::Expired,
            _ => true,
        };
        let in_state = match query.state() {
            "open" => !row.is_archived,
            "failed" => !row.is_archived && failures.contains_key(&row.account_number),
            "accepted" => row.is_archived,
            _ => true,
        };
        let found = [&row.name, &row.account_number, &row.billing_plan];
        in_filter
            && in_state
            && (query.plan().is_empty() || row.billing_plan == query.plan())
            && (search.is_empty() || found.iter().any(|text| text.to_lowercase().contains(&search)))
    });
    let (key, down) = query.order();
    rows.sort_by(|a, b| {
        let order = by(key, a, b);
        let order = if down { order.reverse() } else { order };
        order
            .then_with(|| text(&a.name).cmp(&text(&b.name)))
            .then_with(|| a.account_number.cmp(&b.account_number))
    });
    rows
}

fn text(text: &str) -> String {
    text.to_lowercase()
}

fn by(key: &str, a: &Row, b: &Row) -> Ordering {
    let texts = |a: &str, b: &str| text(a).cmp(&text(b));
    match key {
        "account_number" => texts(&a.account_number, &b.account_number),
        "billing_plan" => texts(&a.billing_plan, &b.billing_plan),
        "support_level" => texts(
            a.support_level.as_deref().unwrap_or_default(),
            b.support_level.as_deref().unwrap_or_default(),
        ),
        "contract_term_length" => texts(&a.contract_term_length, &b.contract_term_length),
        "contract_end_date" => texts(&a.contract_end_date, &b.contract_end_date),
        "workstations" => a.workstations.cmp(&b.workstations),
        "servers" => a.servers.cmp(&b.servers),
        "vms" => a.vms.cmp(&b.vms),
        "users" => a.users.cmp(&b.users),
        "backup" => a.backup.cmp(&b.backup),
        "hours" => a.hours.cmp(&b.hours),
        "total_bill" => a.total_bill.cmp(&b.total_bill),
        _ => texts(&a.name, &b.name),
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::{super::totals::Totals, *};
    use crate::{bills::overview::Prepaid, domain::charges::Charges};

    fn row(name: &str, total: i64, end: &str, is_archived: bool) -> Row {
        Row {
            account_number: name.to_uppercase(),
            name: name.to_owned(),
            billing_plan: "Standard".to_owned(),
            contract_term_length: "1 Year".to_owned(),
            support_level: None,
            contract_end_date: end.to_owned(),
            contract_expired: end < "2025-07-15",
            total_bill: Decimal::from(total),
            workstations: 2,
            servers: 0,
            vms: 0,
            users: 1,
            backup: Decimal::ZERO,
            hours: Decimal::ONE,
            is_archived,
            complete: true,
            unmapped_devices: 0,
            charges: Charges::default(),
            prepaid: Prepaid::default(),
        }
    }

    #[test]
    fn filters_search_and_order_hold_together() {
        let rows = || {
            vec![
                row("delta", 30, "2025-07-20", true),
                row("Alpha", 10, "2026-01-01", false),
                row("beta", 20, "2025-01-01", false),
            ]
        };
        let today = NaiveDate::from_ymd_opt(2025, 7, 15).unwrap();
        let given = |pairs: &[(&str, &str)]| {
            let of =
                |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            ClientsQuery {
                filter: of("filter"),
                state: of("state"),
                plan: of("plan"),
                search: of("search"),
                sort: of("sort"),
                ..ClientsQuery::default()
            }
        };
        let failures: HashMap<String, String> =
            ["BETA", "DELTA"].map(|number| (number.to_owned(), "no plan".to_owned())).into();
        for (pairs, expected) in [
            (&[][..], "Alpha beta delta"),
            (&[("sort", "-total_bill")], "delta beta Alpha"),
            (&[("sort", "drop table")], "Alpha beta delta"),
            (&[("filter", "active")], "Alpha delta"),
            (&[("filter", "expiring")], "delta"),
            (&[("filter", "expired")], "beta"),
            (&[("filter", "nonsense")], "Alpha beta delta"),
            (&[("state", "open"), ("search", " BET ")], "beta"),
            (&[("plan", "Premium")], ""),
            (&[("state", "failed")], "beta"),
            (&[("search", "standard"), ("sort", "-name")], "delta beta Alpha"),
        ] {
            let names: Vec<String> =
                select(rows(), &given(pairs), today, &failures).into_iter().map(|row| row.name).collect();
            assert_eq!(names.join(" "), expected, "{pairs:?}");
        }
        assert_eq!(Totals::of(&rows()).total_bill, Decimal::from(60));
    }
}
