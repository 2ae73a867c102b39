//! Invoices as files (ledger.md §6.3). A month that is archived is given as it was archived.

mod span;
mod zip_stream;

use axum::{body::Body, extract::State, middleware, response::Response};
use hivematrix_shared::{
    audit,
    auth::BillingOnly,
    extract::{Form, Path},
    pages::only_people,
    problem::Result,
};
use http::{HeaderValue, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use sqlx::PgPool;
use tracing::Instrument as _;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::zip_stream::ZipStream;
use super::{
    account, bad, by,
    month::{Month, MonthQuery, period},
};
use crate::{
    Ledger,
    bills::{BillError, Chunk, Each},
    domain::{
        archive::ArchivedInvoice,
        billing::{Bill, Period},
        documents::{invoice, names, quickbooks},
    },
    store::snapshots,
};

/// The routes of this file: for people, services have the JSON routes.
pub fn router() -> OpenApiRouter<Ledger> {
    let router = OpenApiRouter::new()
        .routes(routes!(invoice_csv))
        .routes(routes!(all_invoices))
        .routes(routes!(quickbooks_csv))
        .routes(routes!(all_quickbooks))
        .routes(routes!(span::export));
    router.layer(middleware::from_fn(only_people))
}

/// A CSV file under a name that may have any letters.
pub(super) fn csv_file(name: &str, text: String) -> Response {
    file(name, "text/csv; charset=utf-8", Body::from(text))
}

pub(super) fn file(name: &str, media_type: &'static str, body: Body) -> Response {
    sent("attachment", name, media_type, body)
}

/// A file that the browser shows by itself.
pub(super) fn shown(name: &str, media_type: &'static str, body: Body) -> Response {
    sent("inline", name, media_type, body)
}

fn sent(how: &str, name: &str, media_type: &'static str, body: Body) -> Response {
    let plain: String = name
        .chars()
        .map(|letter| {
            if letter.is_ascii_graphic() && !matches!(letter, '"' | '\\') || letter == ' ' {
                letter
            } else {
                '_'
            }
        })
        .collect();
    let mut disposition = format!("{how}; filename=\"{plain}\"");
    if plain != name {
        // RFC 5987, for names that ASCII does not hold.
        disposition.push_str(&format!("; filename*=UTF-8''{}", utf8_percent_encode(name, NON_ALPHANUMERIC)));
    }
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    if let Ok(value) = HeaderValue::from_str(&disposition) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

/// The invoice of a company for a month.
#[utoipa::path(
    get, path = "/invoice/{account_number}/download", tag = "downloads",
    params(("account_number" = String, Path, description = "Account number of the company"), MonthQuery),
    responses(
        (status = 200, description = "The file", content_type = "text/csv", body = String),
        (status = 404, description = "Codex knows no such company"),
        (status = 422, description = "There is no bill"),
        (status = 503, description = "Codex or the database does not answer")
    )
)]
async fn invoice_csv(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path(account_number): Path<String>,
    Month(period): Month,
) -> Result<Response> {
    audit!(user = by(&caller), company = account_number, period = %period, "Invoice downloaded");
    let archived = snapshots::number_of(&ledger.pool, &account_number, period).await?;
    if let Some(number) = archived
        && let Some(stored) = snapshots::csv(&ledger.pool, &number).await?
    {
        let name = names::archived(&stored.company_name, &stored.company_account_number, &period.to_string());
        return Ok(csv_file(&name, stored.invoice_csv));
    }
    let material = ledger.bills.material(account(&account_number)?, period).await?;
    let bill = material.bill().map_err(BillError::from)?;
    Ok(csv_file(&names::invoice(&bill), invoice::csv(&bill)))
}

/// The invoice of a company for a month, for QuickBooks.
#[utoipa::path(
    get, path = "/client/{account_number}/export/quickbooks", tag = "downloads",
    params(("account_number" = String, Path, description = "Account number of the company"), MonthQuery),
    responses(
        (status = 200, description = "The file", content_type = "text/csv", body = String),
        (status = 404, description = "Codex knows no such company"),
        (status = 422, description = "There is no bill"),
        (status = 503, description = "Codex or the database does not answer")
    )
)]
async fn quickbooks_csv(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path(account_number): Path<String>,
    Month(period): Month,
) -> Result<Response> {
    audit!(user = by(&caller), company = account_number, period = %period, "Invoice downloaded for QuickBooks");
    let mut connection = ledger.pool.acquire().await?;
    let stored = snapshots::of_company_month(&mut connection, &account_number, period).await?;
    drop(connection);
    if let Some(stored) = stored {
        let name = names::archived_quickbooks(&stored.invoice.company_account_number, period);
        return Ok(csv_file(&name, quickbooks::of_archived(&stored.invoice)));
    }
    let material = ledger.bills.material(account(&account_number)?, period).await?;
    let bill = material.bill().map_err(BillError::from)?;
    Ok(csv_file(&names::quickbooks(&bill), quickbooks::csv(&bill)))
}

/// The invoices of all companies for a month, one file each, as a ZIP archive that is made while it is sent.
#[utoipa::path(
    get, path = "/invoices/bulk/download", tag = "downloads", params(MonthQuery),
    responses(
        (status = 200, description = "The archive", content_type = "application/zip", body = Vec<u8>),
        (status = 503, description = "Codex or the database does not answer")
    )
)]
async fn all_invoices(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Month(period): Month,
) -> Result<Response> {
    audit!(user = by(&caller), period = %period, "All invoices downloaded");
    let name = names::archive(period);
    let maker = Maker {
        of_bill: |bill| (names::archive_entry(bill), invoice::csv(bill)),
        of_archived: |stored| {
            let name =
                names::archived_entry(&stored.company_name, &stored.company_account_number, stored.period());
            (name, stored.invoice_csv.clone())
        },
    };
    all(&ledger, period, name, maker).await
}

/// Which month.
#[derive(Deserialize, ToSchema)]
struct MonthForm {
    /// Year; the current one where it is empty.
    year: Option<String>,
    /// Month, 1 to 12; the current one where it is empty.
    month: Option<String>,
}

/// The invoices of all companies for a month, for QuickBooks.
#[utoipa::path(
    post, path = "/export/all_bills", tag = "downloads",
    request_body(content = MonthForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The archive", content_type = "application/zip", body = Vec<u8>),
        (status = 400, description = "A field is wrong, or comes twice"),
        (status = 503, description = "Codex or the database does not answer")
    )
)]
async fn all_quickbooks(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Form(form): Form<MonthForm>,
) -> Result<Response> {
    let today = ledger.bills.current_period().ok_or_else(|| bad("year and month are required"))?;
    let number = |name: &str, text: Option<String>, otherwise: i64| match text.as_deref().map(str::trim) {
        None | Some("") => Ok(otherwise),
        Some(text) => text.parse().map_err(|_| bad(format!("{name} must be a whole number"))),
    };
    let year = number("year", form.year, today.year().into())?;
    let period = period(year, number("month", form.month, today.month().into())?)?;
    audit!(user = by(&caller), period = %period, "All invoices downloaded for QuickBooks");
    let name = names::quickbooks_archive(period);
    let maker = Maker {
        of_bill: |bill| (names::quickbooks_archive_entry(bill), quickbooks::csv(bill)),
        of_archived: |stored| {
            let name = names::archived_quickbooks_entry(&stored.company_name, stored.period());
            (name, quickbooks::of_archived(stored))
        },
    };
    all(&ledger, period, name, maker).await
}

/// How the file of a company is made: of its bill, and of its archived invoice.
struct Maker {
    of_bill: fn(&Bill<'_>) -> (String, String),
    of_archived: fn(&ArchivedInvoice) -> (String, String),
}

/// A ZIP archive with a file for each company with a bill. A month that is archived is taken from the archive, whatever has become
/// of the company since.
async fn all(ledger: &Ledger, period: Period, name: String, maker: Maker) -> Result<Response> {
    let mut each = ledger.bills.each(None, period).await?;
    // What fails at once is an answer; later the archive breaks off, and nobody takes it for a whole one.
    let first = each.next().await?;
    let (mut zip, body) = ZipStream::new();
    let pool = ledger.pool.clone();
    tokio::spawn(
        async move {
            let outcome = fill(&mut zip, &pool, &mut each, first, period, &maker).await;
            zip.end(outcome).await;
        }
        .in_current_span(),
    );
    Ok(file(&name, "application/zip", body))
}

async fn fill(
    zip: &mut ZipStream,
    pool: &PgPool,
    each: &mut Each,
    first: Option<Chunk>,
    period: Period,
    maker: &Maker,
) -> Result<()> {
    let (year, month) = (period.year(), period.month().cast_signed());
    let mut archived = snapshots::of_month(pool, year, month).await?;
    let mut chunk = first;
    while let Some(Chunk { materials, bad }) = chunk {
        for material in &materials {
            // Archived under its number, or under one that it had before.
            let own = archived.remove(material.account_number());
            let former = material.rows().archived_before.get(&period);
            if let Some(number) = own.or_else(|| archived.remove(former?)) {
                add_archived(zip, pool, &number, maker).await?;
            } else if !material.is_inactive() {
                match material.bill() {
                    Ok(bill) => {
                        let (name, text) = (maker.of_bill)(&bill);
                        zip.add(name, text).await?;
                    }
                    Err(reason) => {
                        tracing::warn!(company = material.account_number(), %reason, "an invoice is not in the archive of all");
                    }
                }
            }
        }
        for company in bad.iter().filter(|company| !archived.contains_key(&company.account_number)) {
            tracing::warn!(
                company = company.account_number,
                reason = company.reason,
                "an invoice is not in the archive of all"
            );
        }
        chunk = each.next().await?;
    }
    // Of companies that Codex does not send any more.
    let mut rest: Vec<String> = archived.into_values().collect();
    rest.sort_unstable();
    for number in rest {
        add_archived(zip, pool, &number, maker).await?;
    }
    Ok(())
}

async fn add_archived(zip: &mut ZipStream, pool: &PgPool, number: &str, maker: &Maker) -> Result<()> {
    let mut connection = pool.acquire().await?;
    let stored = snapshots::find(&mut connection, number).await?;
    drop(connection);
    let Some(stored) = stored else { return Ok(()) };
    let (name, text) = (maker.of_archived)(&stored.invoice);
    zip.add(name, text).await
}
