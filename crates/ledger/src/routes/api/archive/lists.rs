//! Lists of archived invoices, in parts.

use axum::extract::{RawQuery, State};
use chrono::NaiveDate;
use hivematrix_shared::{
    auth::BillingOnly,
    extract::{Json, Path, Query},
    problem::Result,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{super::bad, money, stamp, whole};
use crate::{
    Ledger,
    store::snapshots::{self, Listed, Search},
};

/// Most results of a search in one answer.
const MOST: i64 = 1000;

/// What is looked for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
pub(super) struct SearchQuery {
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
pub(super) struct Found {
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
pub(super) async fn search(
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

/// A day; of a time only its day counts.
fn day(name: &str, text: &Option<String>) -> Result<Option<NaiveDate>> {
    let Some(text) = text.as_deref().map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let day = text.get(..10).unwrap_or(text);
    day.parse().map(Some).map_err(|_| bad(format!("{name} must be a day such as 2025-06-30")))
}

/// The archive of a company.
#[derive(Serialize, ToSchema)]
pub(super) struct CompanyArchive {
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
pub(super) struct PageQuery {
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
pub(super) async fn of_company(
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
