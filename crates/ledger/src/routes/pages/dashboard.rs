//! `GET /`: what the month comes to, and what has to be done about it (ledger-pages.md §2 and §10).

mod change;
mod charts;

use askama::Template;
use axum::{extract::State, response::Response};
use hivematrix_shared::{
    auth::{BillingOnly, PermissionLevel},
    pages::{
        Page,
        chart::{Bar, Bars},
        flash::Flash,
    },
    problem::Result,
};
use rust_decimal::Decimal;

use self::change::{Change, ChangeWords};
use super::{
    chart::{Columns, Hours, WIDTH},
    month::MonthPicker,
    parts::{self, Currency, Flashes, Moment, Standing, month_query, path_part},
};
use crate::{
    Ledger,
    bills::overview::{Attention, Row},
    routes::api::month::Month,
    store::revenue,
};

/// Rows of a short list.
const SHORT: usize = 6;

/// A line of a short list.
struct Note {
    name: String,
    href: String,
    detail: String,
    amount: String,
}

/// A short list of something longer.
struct Notes {
    total: usize,
    rows: Vec<Note>,
}

impl Notes {
    fn of(mut rows: Vec<Note>) -> Self {
        let total = rows.len();
        rows.truncate(SHORT);
        Self { total, rows }
    }
}

#[derive(Template)]
#[template(path = "dashboard.html")]
struct Dashboard {
    page: Page,
    flashes: Vec<Flash>,
    month: MonthPicker,
    month_query: String,
    is_admin: bool,
    clients: usize,
    revenue: String,
    change: Option<ChangeWords>,
    active: usize,
    expiring: usize,
    expired: usize,
    archived: i64,
    open: Notes,
    open_total: String,
    ending: Notes,
    ended: Notes,
    changes: Notes,
    unmapped: Notes,
    attention: Vec<Attention>,
    months: Columns,
    charts: [(&'static str, &'static str, Bars); 2],
    hours: Hours,
    sign: String,
    as_of: Option<Moment>,
    drawn: Moment,
}

impl Dashboard {
    /// The short lists: title, id, rows, what stands there without any, where there are more.
    fn lists(&self) -> [(&'static str, &'static str, &Notes, &'static str, String); 5] {
        let clients = |more: &str| format!("/clients?{}{more}", self.month_query);
        [
            (
                "Unaccepted Bills",
                "open",
                &self.open,
                "Every bill of this month is accepted.",
                clients("&state=open&sort=-total_bill"),
            ),
            (
                "Contracts Ending",
                "ending",
                &self.ending,
                "No contract ends within 30 days.",
                clients("&filter=expiring"),
            ),
            (
                "Expired Contracts",
                "ended",
                &self.ended,
                "No client is billed on an expired contract.",
                clients("&filter=expired"),
            ),
            (
                "Largest Changes",
                "changes",
                &self.changes,
                "Nothing changed against the archived month before, or it is not archived.",
                clients("&sort=-total_bill"),
            ),
            (
                "Unmapped Devices",
                "unmapped",
                &self.unmapped,
                "Every kind of device has a billing type.",
                "/admin/device-types".to_owned(),
            ),
        ]
    }

    /// Whether the bars of a chart lead to the clients behind them.
    fn is_linked(&self, chart: &str) -> bool {
        chart == "plans"
    }

    /// The clients behind a bar: those of a plan.
    fn clients_of(&self, chart: &str, bar: &Bar) -> Option<String> {
        let is_named = |plan: &&str| self.is_linked(chart) && !plan.trim().is_empty();
        let plan = bar.name.as_deref().filter(is_named)?;
        Some(format!("/clients?{}&plan={}", self.month_query, path_part(plan)))
    }

    /// A number of an amount's chart, with commas.
    fn whole(&self, value: &i64) -> String {
        let text = value.to_string();
        let mut out = self.sign.clone();
        for (place, digit) in text.chars().enumerate() {
            if place > 0 && (text.len() - place).is_multiple_of(3) {
                out.push(',');
            }
            out.push(digit);
        }
        out
    }
}

/// The page.
pub async fn page(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Month(period): Month,
    Flashes(flashes): Flashes,
    page: Page,
) -> Result<Response> {
    let as_of = ledger.codex.tickets_as_of();
    let (found, as_of) = tokio::join!(ledger.bills.overview(period), as_of);
    let found = found?;
    let (currency, today) = (Currency::of(&ledger).await?, parts::today(&ledger));
    let standing = |row: &Row| Standing::of(&row.contract_end_date, row.contract_expired, today);
    let count = |wanted: Standing| found.rows.iter().filter(|row| standing(row) == wanted).count();
    let total: Decimal = found.rows.iter().map(|row| row.total_bill).sum();
    let before = match period.previous() {
        Some(before) => {
            revenue::totals_by_company(&ledger.pool, before.year(), before.month().cast_signed()).await?
        }
        None => Default::default(),
    };
    let archived = revenue::by_month(&ledger.pool, i64::from(2 * charts::MONTHS)).await?;
    let is_over = ledger.bills.current_period().is_some_and(|current| period < current);
    let open: Vec<&Row> = found.rows.iter().filter(|row| !row.is_archived).collect();
    let link = |row: &Row| format!("/client/{}?{}", path_part(&row.account_number), month_query(period));
    // Where the causes of a change stand: on the page of an open bill, else both months side by side.
    let causes = |row: &Row| match period.previous() {
        Some(before) if row.is_archived => {
            let number = path_part(&row.account_number);
            format!("/archive/compare?account_number={number}&first={before}&second={period}")
        }
        _ => format!("{}#changes", link(row)),
    };
    let note = |row: &Row, detail: String, amount: String| Note {
        name: row.name.clone(),
        href: link(row),
        detail,
        amount,
    };
    let by_total = {
        let mut rows = open.clone();
        rows.sort_by_key(|row| std::cmp::Reverse(row.total_bill));
        rows
    };
    let by_end = |wanted: Standing| {
        let mut rows: Vec<&Row> = found.rows.iter().filter(|row| standing(row) == wanted).collect();
        rows.sort_by(|a, b| a.contract_end_date.cmp(&b.contract_end_date));
        rows
    };
    let contracts = |wanted: Standing, verb: &str| {
        let rows = by_end(wanted).into_iter().map(|row| {
            let detail = format!("{verb} on {}", parts::day(&row.contract_end_date));
            note(row, detail, currency.amount(row.total_bill))
        });
        Notes::of(rows.collect())
    };
    let mut changed: Vec<(Decimal, &Row)> = found
        .rows
        .iter()
        .filter_map(|row| Some((row.total_bill - before.get(&row.account_number)?.amount, row)))
        .filter(|(change, _)| !change.is_zero())
        .collect();
    changed.sort_by_key(|(change, _)| std::cmp::Reverse(change.abs()));
    let bills = found.rows.iter().map(|row| (row.account_number.as_str(), row.total_bill));
    let troubled = found.attention.iter().filter(|company| !company.is_stranger);
    let troubled = troubled.map(|company| company.account_number.as_str()).collect();
    let change = Change::of(bills, &troubled, &before);
    let unmapped = found.rows.iter().filter(|row| row.unmapped_devices > 0);
    let has_flashes = !flashes.is_empty();
    let shown = Dashboard {
        flashes,
        month: MonthPicker::new(&ledger, period, format!("{}/", page.prefix)),
        month_query: month_query(period),
        is_admin: caller.level() == Some(PermissionLevel::Admin),
        clients: found.rows.len(),
        revenue: currency.amount(total),
        change: change.and_then(|change| change.words(period, &currency)),
        active: found.rows.len() - count(Standing::Expired),
        expiring: count(Standing::Expiring),
        expired: count(Standing::Expired),
        archived: revenue::figures(&ledger.pool).await?.snapshots,
        open_total: currency.amount(open.iter().map(|row| row.total_bill).sum()),
        open: Notes::of(
            by_total
                .into_iter()
                .map(|row| {
                    let detail = match (row.complete, is_over) {
                        (false, _) => "incomplete: Codex has not read all of its tickets",
                        (true, true) => "the month is over",
                        (true, false) => "the month still runs",
                    };
                    note(row, detail.to_owned(), currency.amount(row.total_bill))
                })
                .collect(),
        ),
        ending: contracts(Standing::Expiring, "ends"),
        ended: contracts(Standing::Expired, "ended"),
        changes: Notes::of(
            changed
                .into_iter()
                .map(|(change, row)| {
                    let detail = format!("now {}", currency.amount(row.total_bill));
                    Note { href: causes(row), ..note(row, detail, currency.change(change)) }
                })
                .collect(),
        ),
        unmapped: Notes::of(
            unmapped
                .map(|row| {
                    let devices = if row.unmapped_devices == 1 { "device" } else { "devices" };
                    note(row, String::new(), format!("{} {devices}", row.unmapped_devices))
                })
                .collect(),
        ),
        months: Columns::of(&charts::months(&archived, period, total), &currency),
        charts: [
            ("Revenue by Kind", "kinds", charts::kinds(&found.rows)),
            ("Revenue by Plan", "plans", charts::plans(&found.rows)),
        ],
        hours: Hours::of(
            found.rows.iter().map(|row| (row.name.as_str(), row.prepaid.worked, row.prepaid.allowance)),
        ),
        attention: found.attention,
        sign: currency.sign(),
        as_of: Moment::maybe(as_of.ok().flatten()),
        drawn: Moment::of(ledger.context.clock.now()),
        page,
    };
    parts::shown(&shown, has_flashes)
}
