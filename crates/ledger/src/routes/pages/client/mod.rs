//! `GET /client/{account_number}`: the bill of a company for a month, as it is now or as it was archived (ledger-pages.md §4).

mod archived;
mod changes;
mod documents;
mod lines;
mod view;
pub mod warnings;

use askama::Template;
use axum::{extract::State, response::Response};
use hivematrix_shared::{
    auth::BillingOnly,
    extract::Path,
    pages::{Page, flash::Flash},
    problem::Result,
};

pub use archived::invoice;
use changes::Changes;
use documents::Documents;
use view::BillView;
use warnings::Warning;

use super::{
    failed,
    month::MonthPicker,
    parts::{self, Currency, Flashes, Moment, month_query, path_part},
};
use crate::{
    Ledger,
    bills::{BillError, Material},
    domain::{billing::Bill, documents::invoice_number},
    routes::api::{account, month::Month},
    store::snapshots::{self, Listed},
};

/// Past invoices on one page.
const PAST: usize = 24;

/// An archived invoice of the same company.
#[derive(Clone, Debug)]
pub struct Past {
    /// Its month.
    pub month: String,
    /// Number.
    pub number: String,
    /// Everything.
    pub total: String,
    /// When it was archived.
    pub archived: Moment,
    /// Address of its page below the prefix.
    pub href: String,
}

impl Past {
    /// Of some rows of the archive.
    pub fn of(rows: Vec<Listed>, currency: &Currency) -> Vec<Self> {
        rows.into_iter()
            .take(PAST)
            .map(|row| Self {
                month: format!("{} {}", parts::month_name(row.billing_month), row.billing_year),
                total: currency.amount(row.total_amount),
                archived: Moment::of(row.archived_at),
                href: format!("/archive/invoice/{}", path_part(&row.invoice_number)),
                number: row.invoice_number,
            })
            .collect()
    }
}

#[derive(Template)]
#[template(path = "client/bill.html")]
struct BillPage {
    page: Page,
    flashes: Vec<Flash>,
    month: MonthPicker,
    company: String,
    account_number: String,
    path: String,
    query: String,
    invoice_number: String,
    documents: Documents,
    may_accept: bool,
    /// What is shown, for the archive to compare with: `1234.50`.
    total: String,
    bill: BillView,
    /// Against the month before, where that is archived.
    changes: Option<Changes>,
    past: Vec<Past>,
}

impl BillPage {
    /// What the dialog repeats before the bill becomes final.
    fn to_weigh(&self) -> impl Iterator<Item = &Warning> {
        self.bill.warnings.iter()
    }
}

/// The page.
pub async fn page(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Path(account_number): Path<String>,
    Month(period): Month,
    Flashes(flashes): Flashes,
    page: Page,
) -> Result<Response> {
    let account_number = account(&account_number)?.to_owned();
    let path = format!("{}/client/{}", page.prefix, path_part(&account_number));
    let month = MonthPicker::new(&ledger, period, path.clone());
    if let Some(number) = snapshots::number_of(&ledger.pool, &account_number, period).await? {
        return archived::show(&ledger, page, flashes, number, Some(month)).await;
    }
    let material = match ledger.bills.material(&account_number, period).await {
        Ok(material) => material,
        Err(error) => return failed(&page, error, &account_number),
    };
    let bill = match material.bill() {
        Ok(bill) => bill,
        Err(why) => return failed(&page, BillError::NoBill(why), &account_number),
    };
    let currency = Currency::of(&ledger).await?;
    let past = snapshots::of_company(&ledger.pool, &account_number).await?;
    let mut view = view(&ledger, &material, &bill, &currency);
    let mut changes = None;
    if let Some(before) = ledger.bills.month_before(&account_number, period).await? {
        let now = ledger.bills.as_invoice(&bill)?;
        let month = parts::month_words(before.period());
        let large = warnings::large_change(now.total_amount, before.total_amount, &month, &currency);
        view.warnings.extend(large);
        changes = Some(Changes::of(&account_number, period, &before, &now, &currency));
    }
    let past = Past::of(past, &currency);
    let is_future = ledger.bills.current_period().is_some_and(|current| period > current);
    let has_flashes = !flashes.is_empty();
    let shown = BillPage {
        flashes,
        company: material.company_name().to_owned(),
        path: format!("/client/{}", path_part(&account_number)),
        query: month_query(period),
        invoice_number: invoice_number(&account_number, period),
        documents: Documents::of_bill(&account_number, period),
        total: format!("{:.2}", bill.receipt.total.decimal()),
        may_accept: material.incomplete().is_none() && !is_future,
        bill: view,
        changes,
        past,
        account_number,
        month,
        page,
    };
    parts::shown(&shown, has_flashes)
}

fn view(ledger: &Ledger, material: &Material, bill: &Bill<'_>, currency: &Currency) -> BillView {
    let mut shown = BillView::of(material, bill, currency);
    let is_over = ledger.bills.current_period().is_some_and(|current| bill.period < current);
    shown.warnings = warnings::of(material, bill, is_over, parts::today(ledger));
    shown
}
