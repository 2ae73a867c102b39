//! Reading the archive (ledger.md §7.3).

use std::time::Duration;

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use hivematrix_shared::{
    audit,
    auth::BillingOnly,
    extract::{Json, Path, Query},
    problem::{Problem, Result},
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{account, bad, by, downloads::csv_file, missing};
use crate::{
    Ledger,
    bills::verify::{Report, part, verify},
    domain::{billing::number::json_number, documents::names},
    store::{
        credit_notes,
        snapshots::{self, Listed, Search},
    },
};

/// Most results of a search in one answer.
const MOST: i64 = 1000;

/// The routes of this file.
pub fn router() -> OpenApiRouter<Ledger> {
    OpenApiRouter::new()
        .routes(routes!(search))
        .routes(routes!(of_company))
        .routes(routes!(one))
        .routes(routes!(csv))
        .routes(routes!(check))
}

/// A time as the archive tells it.
pub(super) fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Money as a JSON number.
pub(super) fn money<S: serde::Serializer>(amount: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    json_number(format!("{amount:.2}"), serializer)
}

fn number(amount: Decimal) -> Value {
    #[derive(Serialize)]
    struct Amount(#[serde(serialize_with = "money")] Decimal);
    serde_json::to_value(Amount(amount)).unwrap_or_default()
}

/// An archived invoice, whole: `billing_data` is the bill as it was computed.
#[utoipa::path(
    get, path = "/archive/api/snapshot/{invoice_number}", tag = "archive",
    params(("invoice_number" = String, Path, description = "Number of the invoice")),
    responses((status = 200, description = "The invoice", body = Value), (status = 404, description = "There is none"))
)]
async fn one(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Path(invoice_number): Path<String>,
) -> Result<Json<Value>> {
    let mut connection = ledger.pool.acquire().await?;
    let stored = snapshots::find(&mut connection, &invoice_number).await?;
    let stored = stored.ok_or_else(|| missing("Snapshot not found"))?;
    let notes = credit_notes::list(&mut connection, None, Some(&invoice_number)).await?;
    let invoice = &stored.invoice;
    let data: Value = serde_json::from_str(&invoice.billing_data_json).map_err(Problem::internal)?;
    let lines: Vec<Value> = invoice
        .line_items
        .iter()
        .map(|line| {
            json!({
                "line_type": line.line_type,
                "item_name": line.item_name,
                "description": line.description,
                "quantity": number(line.quantity),
                "rate": number(line.rate),
                "amount": number(line.amount),
            })
        })
        .collect();
    let credited: Vec<Value> = notes.iter().map(|stored| super::credit_notes::answer(&stored.note)).collect();
    let credited_total: Decimal = notes.iter().map(|stored| stored.note.total_amount).sum();
    Ok(Json(json!({
        "id": stored.id,
        "company_account_number": invoice.company_account_number,
        "company_name": invoice.company_name,
        "invoice_number": invoice.invoice_number,
        "billing_year": invoice.billing_year,
        "billing_month": invoice.billing_month,
        "invoice_date": invoice.invoice_date,
        "due_date": invoice.due_date,
        "archived_at": stamp(invoice.archived_at),
        "billing_plan": invoice.billing_plan,
        "contract_term": invoice.contract_term,
        "support_level": invoice.support_level,
        "total_amount": number(invoice.total_amount),
        "total_user_charges": number(invoice.total_user_charges),
        "total_asset_charges": number(invoice.total_asset_charges),
        "total_backup_charges": number(invoice.total_backup_charges),
        "total_ticket_charges": number(invoice.total_ticket_charges),
        "total_line_item_charges": number(invoice.total_line_item_charges),
        "user_count": invoice.user_count,
        "asset_count": invoice.asset_count,
        "billable_hours": number(invoice.billable_hours),
        "billing_data": data,
        "created_by": invoice.created_by,
        "notes": invoice.notes,
        "line_items": lines,
        "credit_notes": credited,
        "credited_amount": number(credited_total),
        "content_hash": stored.content_hash,
        "previous_hash": stored.previous_hash,
    })))
}

/// The invoice file as it was archived, byte for byte.
#[utoipa::path(
    get, path = "/archive/api/snapshot/{invoice_number}/csv", tag = "archive",
    params(("invoice_number" = String, Path, description = "Number of the invoice")),
    responses(
        (status = 200, description = "The file", content_type = "text/csv", body = String),
        (status = 404, description = "There is no such invoice")
    )
)]
async fn csv(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path(invoice_number): Path<String>,
) -> Result<Response> {
    let stored = snapshots::csv(&ledger.pool, &invoice_number).await?;
    let stored = stored.ok_or_else(|| missing("Snapshot not found"))?;
    let month = format!("{:04}-{:02}", stored.billing_year, stored.billing_month);
    let name = names::archived(&stored.company_name, &stored.company_account_number, &month);
    audit!(user = by(&caller), document = invoice_number, "Archived invoice downloaded");
    Ok(csv_file(&name, stored.invoice_csv))
}

/// What is looked for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
struct SearchQuery {
    /// Exactly this company.
    account_number: Option<String>,
    /// A part of the company's name, whatever its case.
    company_name: Option<String>,
    /// Exactly this invoice.
    invoice_number: Option<String>,
    /// Billed year.
    #[param(value_type = Option<i32>)]
    year: Option<String>,
    /// Billed month.
    #[param(value_type = Option<i32>)]
    month: Option<String>,
    /// Archived on this day (`YYYY-MM-DD`, UTC) or later.
    from_date: Option<String>,
    /// Archived on this day or earlier.
    to_date: Option<String>,
    /// At most so many: 100 where nothing is said, 1000 at most, 0 for the total alone.
    #[param(value_type = Option<i64>, minimum = 0)]
    limit: Option<String>,
    /// Without the first ones.
    #[param(value_type = Option<i64>, minimum = 0)]
    offset: Option<String>,
}

/// Results of a search.
#[derive(Serialize, ToSchema)]
struct Found {
    /// How many there are in all.
    total: i64,
    /// At most so many here.
    limit: i64,
    /// So many were passed over.
    offset: i64,
    /// The last archived first.
    results: Vec<FoundRow>,
    #[serde(flatten)]
    pages: Pages,
}

/// Where the results before and after these are: references to be resolved against the address of the request. Neither is
/// there where there are none.
#[derive(Default, Serialize, ToSchema)]
struct Pages {
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<String>,
}

impl Pages {
    fn of(query: Option<&str>, total: i64, limit: i64, offset: i64) -> Self {
        let is_other = |pair: &&str| {
            let name = pair.split('=').next().unwrap_or_default();
            !pair.is_empty() && !matches!(name, "limit" | "offset")
        };
        let others: Vec<&str> = query.unwrap_or_default().split('&').filter(is_other).collect();
        let link = |offset: i64| {
            let own = [format!("limit={limit}"), format!("offset={offset}")];
            let pairs: Vec<&str> = others.iter().copied().chain(own.iter().map(String::as_str)).collect();
            format!("?{}", pairs.join("&"))
        };
        let after = offset.saturating_add(limit);
        Self {
            next: (limit > 0 && after < total).then(|| link(after)),
            previous: (limit > 0 && offset > 0).then(|| link(offset.min(total).saturating_sub(limit).max(0))),
        }
    }
}

/// An archived invoice in a search.
#[derive(Serialize, ToSchema)]
struct FoundRow {
    id: i32,
    company_account_number: String,
    company_name: String,
    invoice_number: String,
    billing_year: i32,
    billing_month: i32,
    invoice_date: String,
    archived_at: String,
    #[serde(serialize_with = "money")]
    #[schema(value_type = f64)]
    total_amount: Decimal,
    user_count: i32,
    asset_count: i32,
}

impl From<Listed> for FoundRow {
    fn from(row: Listed) -> Self {
        Self {
            id: row.id,
            company_account_number: row.company_account_number,
            company_name: row.company_name,
            invoice_number: row.invoice_number,
            billing_year: row.billing_year,
            billing_month: row.billing_month,
            invoice_date: row.invoice_date,
            archived_at: stamp(row.archived_at),
            total_amount: row.total_amount,
            user_count: row.user_count,
            asset_count: row.asset_count,
        }
    }
}

/// Archived invoices, the last archived first.
#[utoipa::path(
    get, path = "/archive/api/snapshots/search", tag = "archive",
    responses((status = 200, body = Found), (status = 400, description = "A parameter is wrong"))
)]
async fn search(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    RawQuery(asked): RawQuery,
    Query(query): Query<SearchQuery>,
) -> Result<Json<Found>> {
    let given = |text: &Option<String>| {
        text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let wanted = Search {
        account_number: given(&query.account_number),
        company_name: given(&query.company_name),
        invoice_number: given(&query.invoice_number),
        year: whole("year", &query.year, 1..=9999)?.map(narrowed),
        month: whole("month", &query.month, 1..=12)?.map(narrowed),
        from_date: day("from_date", &query.from_date)?,
        to_date: day("to_date", &query.to_date)?,
        limit: whole("limit", &query.limit, 0..=i64::MAX)?.unwrap_or(100).min(MOST),
        offset: whole("offset", &query.offset, 0..=i64::MAX)?.unwrap_or(0),
    };
    let (total, rows) = snapshots::search(&ledger.pool, &wanted).await?;
    let results = rows.into_iter().map(FoundRow::from).collect();
    let pages = Pages::of(asked.as_deref(), total, wanted.limit, wanted.offset);
    Ok(Json(Found { total, limit: wanted.limit, offset: wanted.offset, results, pages }))
}

/// A number that was held to a small range.
fn narrowed(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// A whole number of a query, within a range.
pub(super) fn whole(
    name: &str,
    text: &Option<String>,
    range: std::ops::RangeInclusive<i64>,
) -> Result<Option<i64>> {
    let Some(text) = text.as_deref().map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.map(Some).ok_or_else(|| bad(format!("{name} must be a whole number in its range")))
}

/// A day; of a time only its day counts.
fn day(name: &str, text: &Option<String>) -> Result<Option<NaiveDate>> {
    let Some(text) = text.as_deref().map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let day = text.get(..10).unwrap_or(text);
    day.parse().map(Some).map_err(|_| bad(format!("{name} must be a day such as 2025-06-30")))
}

/// The archive of a company.
#[derive(Serialize, ToSchema)]
struct CompanyArchive {
    company_account_number: String,
    /// Name in the newest month; null where there is none.
    company_name: Option<String>,
    /// How many there are in all.
    total_snapshots: usize,
    /// The newest month first.
    snapshots: Vec<CompanyRow>,
    #[serde(flatten)]
    pages: Pages,
}

/// Which of them.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
struct PageQuery {
    /// At most so many; all where nothing is said.
    #[param(value_type = Option<i64>, minimum = 0)]
    limit: Option<String>,
    /// Without the first ones.
    #[param(value_type = Option<i64>, minimum = 0)]
    offset: Option<String>,
}

/// An archived month of a company.
#[derive(Serialize, ToSchema)]
struct CompanyRow {
    id: i32,
    invoice_number: String,
    billing_year: i32,
    billing_month: i32,
    invoice_date: String,
    archived_at: String,
    #[serde(serialize_with = "money")]
    #[schema(value_type = f64)]
    total_amount: Decimal,
    billing_plan: Option<String>,
    contract_term: Option<String>,
}

/// All archived months of a company, the newest first. Whether there is such a company is not looked at.
#[utoipa::path(
    get, path = "/archive/api/snapshots/company/{account_number}", tag = "archive",
    params(("account_number" = String, Path, description = "Account number of the company"), PageQuery),
    responses((status = 200, body = CompanyArchive), (status = 400, description = "A parameter is wrong"))
)]
async fn of_company(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Path(account_number): Path<String>,
    RawQuery(asked): RawQuery,
    Query(query): Query<PageQuery>,
) -> Result<Json<CompanyArchive>> {
    let limit = whole("limit", &query.limit, 0..=i64::MAX)?;
    let offset = whole("offset", &query.offset, 0..=i64::MAX)?.unwrap_or(0);
    let rows = snapshots::of_company(&ledger.pool, &account_number).await?;
    Ok(Json(CompanyArchive {
        company_account_number: account_number,
        company_name: rows.first().map(|row| row.company_name.clone()),
        total_snapshots: rows.len(),
        pages: limit.map_or_else(Pages::default, |limit| {
            Pages::of(asked.as_deref(), i64::try_from(rows.len()).unwrap_or(i64::MAX), limit, offset)
        }),
        snapshots: rows
            .into_iter()
            .skip(usize::try_from(offset).unwrap_or(usize::MAX))
            .take(limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX)))
            .map(|row| CompanyRow {
                id: row.id,
                invoice_number: row.invoice_number,
                billing_year: row.billing_year,
                billing_month: row.billing_month,
                invoice_date: row.invoice_date,
                archived_at: stamp(row.archived_at),
                total_amount: row.total_amount,
                billing_plan: row.billing_plan,
                contract_term: row.contract_term,
            })
            .collect(),
    }))
}

/// Whose archive.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
struct VerifyQuery {
    /// Only of this company.
    account_number: Option<String>,
    /// Only of companies after this account number: `next` of the answer before.
    after: Option<String>,
}

/// So long one request checks the archive.
const CHECKING: Duration = Duration::from_secs(10);

/// Checks that the archive is what was written: every seal, every chain of seals, every sum.
///
/// A large archive is checked in parts: where there is a `next`, the rest is asked for with it as `after`. The job `verify` and
/// the command of that name check all at once.
#[utoipa::path(
    get, path = "/archive/api/verify", tag = "archive",
    responses((status = 200, body = Report))
)]
async fn check(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Query(query): Query<VerifyQuery>,
) -> Result<Json<Report>> {
    let number = query.account_number.as_deref().map(account).transpose()?;
    // It reads the whole archive: one at a time.
    let Ok(_turn) = ledger.verifying.try_acquire() else { return Err(Problem::too_many_requests(30)) };
    let found = match number {
        Some(number) => verify(&ledger.pool, Some(number)).await?,
        None => part(&ledger.pool, query.after.as_deref(), CHECKING).await?,
    };
    Ok(Json(found))
}
