//! `GET /clients`: what all companies owe for a month (ledger-pages.md §3).

pub mod list;
pub mod paging;
mod totals;
mod weigh;

use std::collections::HashMap;

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use hivematrix_shared::{
    audit,
    auth::BillingOnly,
    extract::LenientQuery,
    pages::{Page, flash::Flash},
    problem::Result,
};
use http::header;
use indexmap::IndexSet;
use rust_decimal::Decimal;
use uuid::Uuid;

use self::{
    list::{COLUMNS, ClientsQuery, SIZES, select},
    paging::Pages,
    totals::Totals,
    weigh::Weighed,
};
use super::{
    month::MonthPicker,
    parts::{self, Currency, Flashes, Moment, Standing, month_query, path_part, plan_badge},
};
use crate::{
    Ledger,
    bills::overview::{Attention, Row},
    routes::api::month::Month,
    store::{jobs, revenue},
};

#[derive(Template)]
#[template(path = "clients.html")]
struct ClientsPage {
    page: Page,
    flashes: Vec<Flash>,
    month: MonthPicker,
    currency: Currency,
    query: ClientsQuery,
    month_query: String,
    today: chrono::NaiveDate,
    plans: IndexSet<String>,
    rows: Vec<Row>,
    pages: Pages,
    matching: usize,
    all: usize,
    totals: Totals,
    attention: Vec<Attention>,
    /// Account numbers of the open bills among those that match, where not all companies do.
    open: Vec<String>,
    open_count: usize,
    is_future: bool,
    /// Reasons of those whose bill could not be archived.
    failures: HashMap<String, String>,
    /// The open bills among those that match.
    weighed: Weighed,
    /// The job that archives this month now.
    running: Option<Uuid>,
    as_of: Option<Moment>,
    drawn: Moment,
}

impl ClientsPage {
    fn standing(&self, row: &Row) -> Standing {
        Standing::of(&row.contract_end_date, row.contract_expired, self.today)
    }

    /// Class and word of the state of a bill.
    fn state(&self, row: &Row) -> (&'static str, &'static str) {
        match (row.is_archived, row.complete) {
            (true, _) => ("badge badge--success", "Accepted"),
            (false, _) if self.failures.contains_key(&row.account_number) => {
                ("badge badge--danger", "Failed")
            }
            (false, true) => ("badge", "Open"),
            (false, false) => ("badge badge--warning", "Incomplete"),
        }
    }

    /// Why its bill could not be archived.
    fn failure(&self, row: &Row) -> Option<&str> {
        self.failures.get(&row.account_number).map(String::as_str).filter(|_| !row.is_archived)
    }

    /// What to look at before it is accepted.
    fn warning(&self, row: &Row) -> &str {
        self.weighed.warnings.get(&row.account_number).map(String::as_str).unwrap_or_default()
    }

    fn direction(&self, key: &str) -> &'static str {
        match self.query.order() {
            (known, false) if known == key => "ascending",
            (known, true) if known == key => "descending",
            _ => "none",
        }
    }

    fn arrow(&self, key: &str) -> &'static str {
        match self.direction(key) {
            "ascending" => " sort-asc",
            "descending" => " sort-desc",
            _ => "",
        }
    }

    /// Address of another page of the list.
    fn to_page(&self, number: &usize) -> String {
        let kept = self.query.address();
        let joint = if kept.is_empty() { "" } else { "&" };
        format!("{}/clients?{kept}{joint}{}&page={number}", self.page.prefix, self.month_query)
    }

    fn money(&self, amount: &Decimal) -> String {
        self.currency.amount(*amount)
    }

    fn is_size(&self, size: &usize) -> bool {
        self.query.size() == Some(*size)
    }

    fn link(row: &Row) -> String {
        path_part(&row.account_number)
    }

    /// The open bills, for the script.
    fn open_json(&self) -> String {
        serde_json::to_string(&self.open).unwrap_or_default()
    }

    fn filter_words(&self) -> &'static str {
        match self.query.filter() {
            "active" => "clients with an active contract",
            "expiring" => "clients whose contract ends within 30 days",
            _ => "clients whose contract has ended",
        }
    }
}

/// The page.
pub async fn page(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Month(period): Month,
    LenientQuery(query): LenientQuery<ClientsQuery>,
    Flashes(flashes): Flashes,
    page: Page,
) -> Result<Response> {
    let as_of = ledger.codex.tickets_as_of();
    let (found, as_of) = tokio::join!(ledger.bills.overview(period), as_of);
    let (found, today, currency) = (found?, parts::today(&ledger), Currency::of(&ledger).await?);
    let (year, number) = (period.year(), period.month().cast_signed());
    let failures = jobs::failures_of_month(&ledger.pool, year, number).await?;
    let before = match period.previous() {
        Some(before) => {
            revenue::totals_by_company(&ledger.pool, before.year(), before.month().cast_signed()).await?
        }
        None => HashMap::new(),
    };
    let mut plans: IndexSet<String> = found.rows.iter().map(|row| row.billing_plan.clone()).collect();
    plans.sort_unstable();
    let all = found.rows.len();
    let rows = select(found.rows, &query, today, &failures);
    let open: Vec<String> =
        rows.iter().filter(|row| !row.is_archived).map(|row| row.account_number.clone()).collect();
    let pages = Pages::of(rows.len(), query.page, query.size());
    let has_flashes = !flashes.is_empty();
    let shown = ClientsPage {
        flashes,
        month: MonthPicker::new(&ledger, period, format!("{}/clients", page.prefix)).keeping(query.kept()),
        weighed: Weighed::of(&rows, &before, today, &currency),
        running: jobs::running_of(&ledger.pool, year, number).await?,
        as_of: Moment::maybe(as_of.ok().flatten()),
        drawn: Moment::of(ledger.context.clock.now()),
        failures,
        currency,
        month_query: month_query(period),
        today,
        plans,
        matching: rows.len(),
        all,
        totals: Totals::of(&rows),
        attention: found.attention,
        open_count: open.len(),
        open: if query.narrows() { open } else { Vec::new() },
        is_future: ledger.bills.current_period().is_some_and(|current| period > current),
        rows: rows.into_iter().skip(pages.begin).take(pages.end - pages.begin).collect(),
        pages,
        query,
        page,
    };
    parts::shown(&shown, has_flashes)
}

/// `GET /clients/export`: the rows that match, as a file for spreadsheets.
pub async fn export(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Month(period): Month,
    LenientQuery(query): LenientQuery<ClientsQuery>,
) -> Result<Response> {
    let failures = jobs::failures_of_month(&ledger.pool, period.year(), period.month().cast_signed()).await?;
    let rows = select(ledger.bills.overview(period).await?.rows, &query, parts::today(&ledger), &failures);
    audit!(user = caller.label(), period = %period, "List of clients exported");
    let name = format!("billing_dashboard_{:04}_{:02}.csv", period.year(), period.month());
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, csv(&rows)).into_response())
}

/// The rows as a file: texts always quoted, lines ended by LF, nothing that a spreadsheet would run.
fn csv(rows: &[Row]) -> String {
    let headings = COLUMNS.iter().map(|(heading, ..)| text(heading));
    let mut lines = vec![headings.collect::<Vec<_>>().join(",")];
    lines.extend(rows.iter().map(|row| {
        [
            text(&row.name),
            text(&row.account_number),
            text(&row.billing_plan),
            text(row.support_level.as_deref().unwrap_or("N/A")),
            text(&row.contract_term_length),
            text(parts::day(&row.contract_end_date)),
            row.workstations.to_string(),
            row.servers.to_string(),
            row.vms.to_string(),
            row.users.to_string(),
            format!("{:.2}", row.backup),
            format!("{:.2}", row.hours),
            format!("{:.2}", row.total_bill),
        ]
        .join(",")
    }));
    lines.join("\n") + "\n"
}

fn text(text: &str) -> String {
    let harmless = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{harmless}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_a_file_are_quoted_and_run_nothing() {
        for (given, written) in [
            ("A & B", "\"A & B\""),
            ("the \"best\", ltd.", "\"the \"\"best\"\", ltd.\""),
            ("=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\""),
        ] {
            assert_eq!(text(given), written);
        }
    }
}
