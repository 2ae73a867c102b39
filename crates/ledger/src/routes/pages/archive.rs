//! `GET /archive/`: what was billed, when the month is archived by itself, and how that went (ledger-pages.md §6).

mod job;

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use hivematrix_shared::{
    auth::{BillingOnly, PermissionLevel},
    extract::LenientQuery,
    pages::{Page, flash::Flash},
    problem::Result,
};
use serde::Deserialize;

use job::JobView;

use super::{
    clients::paging::Pages,
    parts::{self, Currency, Flashes, MONTHS, Moment, path_part, url_query},
};
use crate::{
    Ledger,
    domain::billing::Period,
    store::{
        jobs,
        revenue::{self, ArchiveFigures},
        schedule,
        snapshots::{self, Listed, Search},
    },
};

/// Invoices on one page.
const SIZE: usize = 50;
/// Jobs on one page.
const JOBS: i64 = 15;

/// What is looked for, as the address has it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ArchiveQuery {
    account_number: Option<String>,
    company_name: Option<String>,
    invoice_number: Option<String>,
    year: Option<i32>,
    month: Option<i32>,
    page: Option<usize>,
    jobs_page: Option<i64>,
}

impl ArchiveQuery {
    fn text(of: &Option<String>) -> String {
        of.as_deref().map(str::trim).filter(|text| !text.contains('\0')).unwrap_or_default().to_owned()
    }

    fn month(&self) -> Option<i32> {
        self.month.filter(|month| (1..=12).contains(month))
    }

    fn kept(&self) -> Vec<(&'static str, String)> {
        let number = |number: Option<i32>| number.map(|number| number.to_string()).unwrap_or_default();
        let pairs = [
            ("account_number", Self::text(&self.account_number)),
            ("company_name", Self::text(&self.company_name)),
            ("invoice_number", Self::text(&self.invoice_number)),
            ("year", number(self.year)),
            ("month", number(self.month())),
        ];
        pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }
}

struct InvoiceRow {
    number: String,
    path: String,
    company: String,
    client: String,
    period: String,
    archived: Moment,
    total: String,
}

struct ScheduleView {
    enabled: bool,
    day: u32,
    hour: u32,
    previous: bool,
    all: bool,
    next: Option<String>,
    last: Option<Moment>,
    status: String,
    count: i32,
}

impl ScheduleView {
    fn words(&self) -> String {
        let day = if self.day > 28 {
            format!("day {} (or the last) of each month", self.day)
        } else {
            format!("day {} of each month", self.day)
        };
        format!("{day} at {:02}:00", self.hour)
    }
}

#[derive(Template)]
#[template(path = "archive.html")]
struct ArchivePage {
    page: Page,
    flashes: Vec<Flash>,
    is_admin: bool,
    figures: ArchiveFigures,
    query: ArchiveQuery,
    searched: bool,
    total: usize,
    rows: Vec<InvoiceRow>,
    pages: Pages,
    schedule: Option<ScheduleView>,
    /// The month that is archived when somebody runs it now.
    run: Period,
    /// The oldest and the newest month, `YYYY-MM`.
    span: Option<(String, String)>,
    jobs: Vec<JobView>,
    /// Pages of jobs before and after this one.
    jobs_pages: (Option<i64>, Option<i64>),
}

impl ArchivePage {
    /// Whether the schedule runs, archives the month before, and all companies; what a new one begins with where there is none.
    fn switches(&self) -> (bool, bool, bool) {
        self.schedule
            .as_ref()
            .map_or((true, true, true), |schedule| (schedule.enabled, schedule.previous, schedule.all))
    }

    fn account(&self) -> String {
        ArchiveQuery::text(&self.query.account_number)
    }

    fn company(&self) -> String {
        ArchiveQuery::text(&self.query.company_name)
    }

    fn number(&self) -> String {
        ArchiveQuery::text(&self.query.invoice_number)
    }

    fn is_year(&self, year: &i32) -> bool {
        self.query.year == Some(*year)
    }

    fn is_month(&self, month: &usize) -> bool {
        self.query.month().is_some_and(|chosen| usize::try_from(chosen) == Ok(*month))
    }

    /// An export begins with the newest year, where nothing else is chosen.
    fn from(oldest: &str, newest: &str) -> String {
        let january = format!("{}-01", newest.get(..4).unwrap_or(newest));
        january.max(oldest.to_owned())
    }

    fn to_page(&self, number: &usize) -> String {
        let kept = url_query(&self.query.kept());
        let joint = if kept.is_empty() { "" } else { "&" };
        format!("{}/archive/?{kept}{joint}page={number}", self.page.prefix)
    }

    /// Words and links of the jobs before and after these.
    fn job_links(&self) -> [(&'static str, Option<String>); 2] {
        let link = |number: i64| {
            let mut kept = self.query.kept();
            kept.extend(self.query.page.map(|page| ("page", page.to_string())));
            kept.push(("jobs_page", number.to_string()));
            format!("{}/archive/?{}#jobs", self.page.prefix, url_query(&kept))
        };
        let (newer, older) = self.jobs_pages;
        [("Newer", newer.map(link)), ("Older", older.map(link))]
    }
}

/// A page of jobs, the newest first, and the numbers of the pages before and after it.
async fn job_page(ledger: &Ledger, wanted: i64) -> Result<(Vec<JobView>, (Option<i64>, Option<i64>))> {
    let page = wanted.clamp(1, 1_000_000);
    let mut rows = jobs::list(&ledger.pool, JOBS + 1, (page - 1) * JOBS).await?;
    let most = usize::try_from(JOBS).unwrap_or_default();
    let after = (rows.len() > most).then_some(page + 1);
    rows.truncate(most);
    Ok((rows.into_iter().map(JobView::of).collect(), ((page > 1).then_some(page - 1), after)))
}

/// Paths of pages that are folders end in a slash.
pub async fn root(_: BillingOnly, page: Page) -> Response {
    Redirect::permanent(&format!("{}/archive/", page.prefix)).into_response()
}

/// The page.
pub async fn page(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    LenientQuery(query): LenientQuery<ArchiveQuery>,
    Flashes(flashes): Flashes,
    page: Page,
) -> Result<Response> {
    let is_admin = caller.level() == Some(PermissionLevel::Admin);
    let currency = Currency::of(&ledger).await?;
    let some = |of: &Option<String>| Some(ArchiveQuery::text(of)).filter(|text| !text.is_empty());
    let wanted = query.page.unwrap_or(1).clamp(1, 1_000_000);
    let mut search = Search {
        account_number: some(&query.account_number),
        company_name: some(&query.company_name),
        invoice_number: some(&query.invoice_number),
        year: query.year,
        month: query.month(),
        limit: i64::try_from(SIZE).unwrap_or_default(),
        offset: i64::try_from((wanted - 1) * SIZE).unwrap_or_default(),
        ..Search::default()
    };
    let (mut total, mut rows) = snapshots::search(&ledger.pool, &search).await?;
    let pages = Pages::of(usize::try_from(total).unwrap_or_default(), Some(wanted), Some(SIZE));
    if rows.is_empty() && total > 0 {
        search.offset = i64::try_from(pages.begin).unwrap_or_default();
        (total, rows) = snapshots::search(&ledger.pool, &search).await?;
    }
    let schedule = schedule_view(&ledger).await?;
    let current = ledger.bills.current_period().unwrap_or_default();
    let is_previous = schedule.as_ref().is_none_or(|schedule| schedule.previous);
    let has_flashes = !flashes.is_empty();
    let (jobs, jobs_pages) = job_page(&ledger, query.jobs_page.unwrap_or(1)).await?;
    let shown = ArchivePage {
        flashes,
        is_admin,
        figures: revenue::figures(&ledger.pool).await?,
        searched: !query.kept().is_empty(),
        total: usize::try_from(total).unwrap_or_default(),
        rows: rows.into_iter().map(|row| invoice(row, &currency)).collect(),
        pages,
        schedule,
        run: current.previous().filter(|_| is_previous).unwrap_or(current),
        span: revenue::span(&ledger.pool).await?,
        jobs,
        jobs_pages,
        query,
        page,
    };
    parts::shown(&shown, has_flashes)
}

fn invoice(row: Listed, currency: &Currency) -> InvoiceRow {
    InvoiceRow {
        path: path_part(&row.invoice_number),
        number: row.invoice_number,
        client: path_part(&row.company_account_number),
        company: row.company_name,
        period: format!("{:04}-{:02}", row.billing_year, row.billing_month),
        archived: Moment::of(row.archived_at),
        total: currency.amount(row.total_amount),
    }
}

async fn schedule_view(ledger: &Ledger) -> Result<Option<ScheduleView>> {
    let now = ledger.context.clock.local();
    Ok(schedule::load(&ledger.pool).await?.map(|row| {
        let next = row.schedule.next(&now).filter(|_| row.schedule.enabled);
        ScheduleView {
            enabled: row.schedule.enabled,
            day: row.schedule.day_of_month,
            hour: row.schedule.hour,
            previous: row.schedule.previous_month,
            all: row.schedule.all_companies,
            next: next.map(|next| next.format("%Y-%m-%d %H:%M").to_string()),
            last: Moment::maybe(row.last_run_at),
            status: row.last_run_status.map(|status| parts::title_of(&status)).unwrap_or_default(),
            count: row.last_run_count,
        }
    }))
}
