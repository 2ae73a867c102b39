//! The archive of a span of months as files.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use hivematrix_shared::{
    audit,
    auth::BillingOnly,
    csv::{BYTE_ORDER_MARK, push_line},
    extract::Query,
    problem::Result,
};
use serde::Deserialize;
use sqlx::PgPool;
use tracing::Instrument as _;

use super::{
    super::{account, archive::stamp, bad, by, missing, month::written},
    csv_file, file,
    zip_stream::ZipStream,
};
use crate::{
    Ledger,
    bills::papers,
    domain::{
        billing::Period,
        documents::{names, quickbooks},
    },
    store::snapshots::{self, Summary},
};

/// Months of one file.
const MOST_MONTHS: i32 = 120;

/// Which invoices, and as what.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
pub(super) struct SpanQuery {
    /// First month, `YYYY-MM`.
    #[param(required)]
    from: Option<String>,
    /// Last month, `YYYY-MM`.
    #[param(required)]
    to: Option<String>,
    /// Only of this company: a number that it has or had. What it was billed under its other numbers comes along.
    account_number: Option<String>,
    /// `summary` (a CSV file with one line for each invoice), `csv`, `quickbooks` or `pdf` (a ZIP archive with that summary and a
    /// file for each invoice). `csv` where nothing is said.
    format: Option<String>,
}

/// What is made of each invoice.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Format {
    Summary,
    Csv,
    QuickBooks,
    Pdf,
}

impl Format {
    fn read(text: Option<&str>) -> Option<Self> {
        match text.map(str::trim) {
            None | Some("" | "csv") => Some(Self::Csv),
            Some("summary") => Some(Self::Summary),
            Some("quickbooks") => Some(Self::QuickBooks),
            Some("pdf") => Some(Self::Pdf),
            Some(_) => None,
        }
    }
}

/// The archived invoices of a span of months: a summary, or a ZIP archive that is made while it is sent.
#[utoipa::path(
    get, path = "/archive/export", tag = "downloads", operation_id = "export_span", params(SpanQuery),
    responses(
        (status = 200, description = "The file", content_type = "application/zip", body = Vec<u8>),
        (status = 400, description = "A parameter is missing or wrong, or the span is longer than ten years"),
        (status = 404, description = "No invoice of this span is archived")
    )
)]
pub(super) async fn export(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Query(query): Query<SpanQuery>,
) -> Result<Response> {
    let month = |name: &str, text: &Option<String>| {
        text.as_deref()
            .and_then(written)
            .ok_or_else(|| bad(format!("{name} must be a month such as 2025-06")))
    };
    let (from, to) = (month("from", &query.from)?, month("to", &query.to)?);
    if to < from {
        return Err(bad("to must not be before from"));
    }
    if count(to) - count(from) >= MOST_MONTHS {
        return Err(bad(format!("One file holds at most {MOST_MONTHS} months")));
    }
    let format = Format::read(query.format.as_deref())
        .ok_or_else(|| bad("format must be summary, csv, quickbooks or pdf"))?;
    let only = query.account_number.as_deref().map(str::trim).filter(|number| !number.is_empty());
    let only = only.map(account).transpose()?;
    let rows = snapshots::of_span(&ledger.pool, (from, to), only).await?;
    if rows.is_empty() {
        return Err(missing("No invoice of these months is archived"));
    }
    audit!(
        user = by(&caller), from = %from, to = %to, company = only.unwrap_or("all"), invoices = rows.len(),
        "Archive exported"
    );
    let summary = summary(&rows);
    let name = |ending| match only {
        Some(number) => names::document(&format!("archive-{number}-{from}-{to}"), ending),
        None => format!("archive-{from}-{to}.{ending}"),
    };
    if format == Format::Summary {
        return Ok(csv_file(&name("csv"), summary));
    }
    let (mut zip, body) = ZipStream::new();
    tokio::spawn(
        async move {
            let outcome = fill(&mut zip, &ledger, rows, summary, format).await;
            zip.end(outcome).await;
        }
        .in_current_span(),
    );
    Ok(file(&name("zip"), "application/zip", body))
}

fn count(period: Period) -> i32 {
    period.year() * 12 + period.month().cast_signed()
}

async fn fill(
    zip: &mut ZipStream,
    ledger: &Ledger,
    rows: Vec<Summary>,
    summary: String,
    format: Format,
) -> Result<()> {
    zip.add("summary.csv".to_owned(), summary).await?;
    let own = Arc::new(ledger.bills.stationery().await?);
    for row in rows {
        let number = row.invoice_number;
        if format == Format::Pdf {
            let source = ledger.bills.archived(&number).await?;
            let source = source.ok_or_else(|| missing("The invoice is not in the archive any more"))?;
            let (_, bytes) = papers::pdf(&ledger.drawing, source, &own).await?;
            zip.add(names::document(&number, "pdf"), bytes).await?;
        } else {
            let (name, text) = text_file(&ledger.pool, &number, format).await?;
            zip.add(name, text).await?;
        }
    }
    Ok(())
}

async fn text_file(pool: &PgPool, number: &str, format: Format) -> Result<(String, String)> {
    let mut connection = pool.acquire().await?;
    let stored = snapshots::find(&mut connection, number).await?;
    let invoice = stored.ok_or_else(|| missing("The invoice is not in the archive any more"))?.invoice;
    let (company, account, period) =
        (&invoice.company_name, &invoice.company_account_number, invoice.period());
    Ok(if format == Format::QuickBooks {
        (names::archived_quickbooks(account, period), quickbooks::of_archived(&invoice))
    } else {
        (names::archived_entry(company, account, period), invoice.invoice_csv)
    })
}

const HEADINGS: [&str; 18] = [
    "Invoice Number",
    "Account Number",
    "Company",
    "Period",
    "Invoice Date",
    "Due Date",
    "Plan",
    "Term",
    "Users",
    "Assets",
    "Backup",
    "Hours",
    "Line Items",
    "Total",
    "Credited",
    "Left",
    "Archived At",
    "Accepted By",
];

/// One line for each invoice, amounts with a point and two places.
fn summary(rows: &[Summary]) -> String {
    let mut text = String::from(BYTE_ORDER_MARK);
    push_line(&mut text, HEADINGS);
    for row in rows {
        let amount = |amount: rust_decimal::Decimal| format!("{amount:.2}");
        let cells = [
            row.invoice_number.clone(),
            row.company_account_number.clone(),
            row.company_name.clone(),
            format!("{:04}-{:02}", row.billing_year, row.billing_month),
            row.invoice_date.clone(),
            row.due_date.clone().unwrap_or_default(),
            row.billing_plan.clone().unwrap_or_default(),
            row.contract_term.clone().unwrap_or_default(),
            amount(row.total_user_charges),
            amount(row.total_asset_charges),
            amount(row.total_backup_charges),
            amount(row.total_ticket_charges),
            amount(row.total_line_item_charges),
            amount(row.total_amount),
            amount(row.credited),
            amount(row.total_amount - row.credited),
            stamp(row.archived_at),
            row.created_by.clone(),
        ];
        push_line(&mut text, cells.iter().map(String::as_str));
    }
    text
}
