//! What archived invoices come to.

use std::collections::HashMap;

use rust_decimal::Decimal;
use sqlx::PgPool;

use super::accounts;
use crate::domain::charges::Charges;

/// What an archived invoice comes to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ArchivedTotal {
    /// Everything.
    pub amount: Decimal,
    /// What it is made of.
    pub charges: Charges,
}

/// What the archived invoices of a month come to, by the account number that the company has now.
///
/// # Errors
/// When the database cannot be read.
pub async fn totals_by_company(
    pool: &PgPool,
    year: i32,
    month: i32,
) -> sqlx::Result<HashMap<String, ArchivedTotal>> {
    let renamed = accounts::current_in(pool, year, month).await?;
    let mut found: HashMap<String, ArchivedTotal> = HashMap::new();
    for (number, total) in totals_of(pool, year, month).await? {
        let sum = found.entry(renamed.get(&number).cloned().unwrap_or(number)).or_default();
        sum.amount += total.amount;
        sum.charges += total.charges;
    }
    Ok(found)
}

/// An archived invoice as the list of a month shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct ArchivedBill {
    /// Whose.
    pub company_account_number: String,
    /// Name at that time.
    pub company_name: String,
    /// Plan.
    pub billing_plan: Option<String>,
    /// Term.
    pub contract_term: Option<String>,
    /// Support level.
    pub support_level: Option<String>,
    /// The whole bill, as JSON text.
    pub billing_data_json: String,
}

/// The archived invoices of these account numbers for a month, by name.
///
/// # Errors
/// When the database cannot be read.
pub async fn bills_of(
    pool: &PgPool,
    year: i32,
    month: i32,
    account_numbers: &[String],
) -> sqlx::Result<Vec<ArchivedBill>> {
    sqlx::query_as!(
        ArchivedBill,
        "select company_account_number, company_name, billing_plan, contract_term, support_level, billing_data_json
         from billing_snapshots where billing_year = $1 and billing_month = $2 and company_account_number = any($3)
         order by lower(company_name), company_account_number",
        year,
        month,
        account_numbers
    )
    .fetch_all(pool)
    .await
}

/// What the archived invoices of a month come to, by the account number that they are archived under.
///
/// # Errors
/// When the database cannot be read.
pub async fn totals_of(pool: &PgPool, year: i32, month: i32) -> sqlx::Result<HashMap<String, ArchivedTotal>> {
    let rows = sqlx::query!(
        "select company_account_number, total_amount, total_user_charges, total_asset_charges, total_ticket_charges,
            total_backup_charges, total_line_item_charges
         from billing_snapshots where billing_year = $1 and billing_month = $2",
        year,
        month
    )
    .fetch_all(pool)
    .await?;
    let total = |amount, users, assets, hours, backup, items| ArchivedTotal {
        amount,
        charges: Charges { users, assets, hours, backup, items },
    };
    Ok(rows
        .into_iter()
        .map(|row| {
            let total = total(
                row.total_amount,
                row.total_user_charges,
                row.total_asset_charges,
                row.total_ticket_charges,
                row.total_backup_charges,
                row.total_line_item_charges,
            );
            (row.company_account_number, total)
        })
        .collect())
}

/// What the archived invoices of a month come to together, less what was credited since.
#[derive(Clone, Debug, PartialEq)]
pub struct MonthRevenue {
    /// Year.
    pub billing_year: i32,
    /// Month, 1 to 12.
    pub billing_month: i32,
    /// How many invoices.
    pub invoices: i64,
    /// Their sum.
    pub revenue: Decimal,
}

/// Revenue by month of the last months with invoices, the newest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn by_month(pool: &PgPool, months: i64) -> sqlx::Result<Vec<MonthRevenue>> {
    sqlx::query_as!(
        MonthRevenue,
        r#"select billing_year, billing_month, count(*) as "invoices!",
            sum(total_amount - coalesce((select sum(n.total_amount) from credit_notes n where n.snapshot_id = s.id), 0)) as "revenue!"
         from billing_snapshots s group by billing_year, billing_month
         order by billing_year desc, billing_month desc limit $1"#,
        months
    )
    .fetch_all(pool)
    .await
}

/// What there is in the archive.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ArchiveFigures {
    /// Invoices.
    pub snapshots: i64,
    /// Companies with invoices.
    pub companies: i64,
    /// Billed years, the newest first.
    pub years: Vec<i32>,
}

/// Counts the archive.
///
/// # Errors
/// When the database cannot be read.
pub async fn figures(pool: &PgPool) -> sqlx::Result<ArchiveFigures> {
    sqlx::query_as!(
        ArchiveFigures,
        r#"select count(*) as "snapshots!", count(distinct company_account_number) as "companies!",
            coalesce(array_agg(distinct billing_year order by billing_year desc), '{}') as "years!"
         from billing_snapshots"#
    )
    .fetch_one(pool)
    .await
}

/// The oldest and the newest archived month, `YYYY-MM`; none in an empty archive.
///
/// # Errors
/// When the database cannot be read.
pub async fn span(pool: &PgPool) -> sqlx::Result<Option<(String, String)>> {
    let row = sqlx::query!(
        "select min(billing_year * 12 + billing_month - 1) as oldest, max(billing_year * 12 + billing_month - 1) as newest
         from billing_snapshots"
    )
    .fetch_one(pool)
    .await?;
    let text = |place: i32| format!("{:04}-{:02}", place / 12, place % 12 + 1);
    Ok(row.oldest.zip(row.newest).map(|(oldest, newest)| (text(oldest), text(newest))))
}
