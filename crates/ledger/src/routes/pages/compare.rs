//! `GET /archive/compare`: two archived months of a company side by side (ledger-pages.md §10).

use askama::Template;
use axum::{extract::State, response::Response};
use hivematrix_shared::{auth::BillingOnly, extract::LenientQuery, pages::Page, problem::Result};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::{
    lines::{DifferenceRow, kind_words},
    parts::{self, Currency, month_words, path_part},
};
use crate::{
    Ledger,
    domain::{
        archive::ArchivedInvoice,
        billing::Period,
        compare::{self, Difference},
    },
    routes::api::month::written,
    store::snapshots,
};

/// What is compared, as the address has it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CompareQuery {
    account_number: Option<String>,
    first: Option<String>,
    second: Option<String>,
}

/// One of the months.
struct Side {
    words: String,
    number: String,
    href: String,
    total: String,
    plan: String,
}

/// Both months.
struct Shown {
    sides: [Side; 2],
    change: String,
    plan_changed: bool,
    kinds: Vec<DifferenceRow>,
    /// Title, id, rows, sum of the changes.
    lists: [(&'static str, &'static str, Vec<DifferenceRow>, String); 3],
}

impl Shown {
    fn is_same(&self) -> bool {
        self.lists.iter().all(|(.., rows, _)| rows.is_empty())
    }
}

#[derive(Template)]
#[template(path = "compare.html")]
struct ComparePage {
    page: Page,
    account_number: String,
    companies: Vec<(String, String)>,
    /// `YYYY-MM` and words, the newest first.
    months: Vec<(String, String)>,
    first: String,
    second: String,
    shown: Option<Shown>,
}

impl ComparePage {
    fn json(&self) -> String {
        format!(
            "/archive/api/compare?account_number={}&first={}&second={}",
            path_part(&self.account_number),
            self.first,
            self.second
        )
    }
}

/// The page.
pub async fn page(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    LenientQuery(query): LenientQuery<CompareQuery>,
    page: Page,
) -> Result<Response> {
    let companies = snapshots::names(&ledger.pool).await?;
    let given = query.account_number.as_deref().map(str::trim).unwrap_or_default();
    let known = companies.iter().find(|(number, _)| number == given);
    let account_number = known.map(|(number, _)| number.clone()).unwrap_or_default();
    let months: Vec<Period> = snapshots::of_company(&ledger.pool, &account_number)
        .await?
        .iter()
        .filter_map(|row| Period::new(row.billing_year.into(), row.billing_month.into()))
        .collect();
    let archived =
        |text: &Option<String>| text.as_deref().and_then(written).filter(|period| months.contains(period));
    // The newest one against the one before it, where nothing is chosen.
    let second = archived(&query.second).or_else(|| months.first().copied());
    let before = |second: Period| months.iter().find(|month| **month < second).copied();
    let first = archived(&query.first)
        .or_else(|| second.and_then(before))
        .or_else(|| months.iter().find(|month| Some(**month) != second).copied());
    let shown = match (first, second) {
        (Some(first), Some(second)) => show(&ledger, &account_number, first, second).await?,
        _ => None,
    };
    let text = |period: Option<Period>| period.map(|period| period.to_string()).unwrap_or_default();
    let page = ComparePage {
        page,
        account_number,
        companies,
        months: months.iter().map(|month| (month.to_string(), month_words(*month))).collect(),
        first: text(first),
        second: text(second),
        shown,
    };
    parts::shown(&page, false)
}

async fn show(ledger: &Ledger, account_number: &str, first: Period, second: Period) -> Result<Option<Shown>> {
    let currency = Currency::of(ledger).await?;
    let mut connection = ledger.pool.acquire().await?;
    let before = snapshots::of_company_month(&mut connection, account_number, first).await?;
    let after = snapshots::of_company_month(&mut connection, account_number, second).await?;
    drop(connection);
    let (Some(before), Some(after)) = (before, after) else { return Ok(None) };
    let (before, after) = (before.invoice, after.invoice);
    let found = compare::compare(&before, &after);
    let list = |title, id, lines: Vec<Difference>| {
        let sum: Decimal = lines.iter().map(Difference::change).sum();
        let rows = lines.iter().map(|line| DifferenceRow::of(line, &currency)).collect();
        (title, id, rows, currency.change(sum))
    };
    Ok(Some(Shown {
        change: currency.change(after.total_amount - before.total_amount),
        plan_changed: before.billing_plan != after.billing_plan,
        kinds: found
            .kinds
            .iter()
            .map(|(kind, first, second)| DifferenceRow {
                name: kind_words(kind).to_owned(),
                kind: "",
                before: currency.amount(*first),
                after: currency.amount(*second),
                change: currency.change(second - first),
            })
            .collect(),
        lists: [
            list("Added", "added", found.added),
            list("Removed", "removed", found.removed),
            list("Changed", "changed", found.changed),
        ],
        sides: [side(&before, first, &currency), side(&after, second, &currency)],
    }))
}

fn side(invoice: &ArchivedInvoice, period: Period, currency: &Currency) -> Side {
    Side {
        words: month_words(period),
        href: format!("/archive/invoice/{}", path_part(&invoice.invoice_number)),
        number: invoice.invoice_number.clone(),
        total: currency.amount(invoice.total_amount),
        plan: invoice.billing_plan.clone().unwrap_or_default(),
    }
}
