//! Archived invoices in lists.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::{PgPool, Postgres, QueryBuilder};

use crate::domain::billing::Period;

/// An archived invoice in a list.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct Listed {
    /// Its id.
    pub id: i32,
    /// Whose.
    pub company_account_number: String,
    /// Name at that time.
    pub company_name: String,
    /// Number.
    pub invoice_number: String,
    /// Year.
    pub billing_year: i32,
    /// Month, 1 to 12.
    pub billing_month: i32,
    /// `YYYY-MM-DD`.
    pub invoice_date: String,
    /// When it was archived.
    pub archived_at: DateTime<Utc>,
    /// Everything.
    pub total_amount: Decimal,
    /// People with a cost.
    pub user_count: i32,
    /// Devices with a cost.
    pub asset_count: i32,
    /// Plan.
    pub billing_plan: Option<String>,
    /// Term.
    pub contract_term: Option<String>,
}

const LISTED: &str =
    "id, company_account_number, company_name, invoice_number, billing_year, billing_month, invoice_date,
    archived_at, total_amount, user_count, asset_count, billing_plan, contract_term";

/// What is looked for in the archive.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Exactly this company.
    pub account_number: Option<String>,
    /// A part of its name, whatever its case.
    pub company_name: Option<String>,
    /// Exactly this invoice.
    pub invoice_number: Option<String>,
    /// Billed year.
    pub year: Option<i32>,
    /// Billed month.
    pub month: Option<i32>,
    /// Archived on this day or later.
    pub from_date: Option<NaiveDate>,
    /// Archived on this day or earlier.
    pub to_date: Option<NaiveDate>,
    /// At most so many.
    pub limit: i64,
    /// Without the first ones.
    pub offset: i64,
}

/// Archived invoices, the last archived first, and how many there are in all.
///
/// # Errors
/// When the database cannot be read.
pub async fn search(pool: &PgPool, search: &Search) -> sqlx::Result<(i64, Vec<Listed>)> {
    let mut tx = pool.begin_with("begin isolation level repeatable read, read only").await?;
    let mut count = QueryBuilder::new("select count(*) from billing_snapshots");
    narrow(&mut count, search);
    let total = count.build_query_scalar().fetch_one(&mut *tx).await?;
    let mut rows = QueryBuilder::new(format!("select {LISTED} from billing_snapshots"));
    narrow(&mut rows, search);
    rows.push(" order by archived_at desc, id desc limit ").push_bind(search.limit);
    rows.push(" offset ").push_bind(search.offset);
    let found = rows.build_query_as().fetch_all(&mut *tx).await?;
    tx.commit().await?;
    Ok((total, found))
}

fn narrow(query: &mut QueryBuilder<Postgres>, search: &Search) {
    query.push(" where true");
    if let Some(account_number) = &search.account_number {
        query.push(" and company_account_number = ").push_bind(account_number.clone());
    }
    if let Some(part) = &search.company_name {
        query.push(" and strpos(lower(company_name), lower(").push_bind(part.clone()).push(")) > 0");
    }
    if let Some(number) = &search.invoice_number {
        query.push(" and invoice_number = ").push_bind(number.clone());
    }
    if let Some(year) = search.year {
        query.push(" and billing_year = ").push_bind(year);
    }
    if let Some(month) = search.month {
        query.push(" and billing_month = ").push_bind(month);
    }
    if let Some(day) = search.from_date {
        query.push(" and archived_at >= ").push_bind(day).push("::timestamp at time zone 'UTC'");
    }
    if let Some(day) = search.to_date {
        query.push(" and archived_at < (").push_bind(day).push("::date + 1)::timestamp at time zone 'UTC'");
    }
}

/// All archived invoices of a company, also those under account numbers that it had before, the newest month first.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_company(pool: &PgPool, account_number: &str) -> sqlx::Result<Vec<Listed>> {
    let mut rows =
        QueryBuilder::new(format!("select {LISTED} from billing_snapshots where company_account_number = "));
    rows.push_bind(account_number.to_owned());
    rows.push(" or id in (select id from archived_months where company_account_number = any((select numbers_of(array[");
    rows.push_bind(account_number.to_owned()).push("]))::text[]) and current_account_number = ");
    rows.push_bind(account_number.to_owned()).push(")");
    rows.push(" order by billing_year desc, billing_month desc, id desc");
    rows.build_query_as().fetch_all(pool).await
}

/// Companies with archived invoices: account number and the newest name, by name.
///
/// # Errors
/// When the database cannot be read.
pub async fn names(pool: &PgPool) -> sqlx::Result<Vec<(String, String)>> {
    let rows = sqlx::query!(
        "select company_account_number, company_name from (
            select distinct on (company_account_number) company_account_number, company_name
            from billing_snapshots order by company_account_number, billing_year desc, billing_month desc
         ) newest order by lower(company_name), company_account_number"
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.company_account_number, row.company_name)).collect())
}

/// Invoices of a span of months in one line each, with what was credited since.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Number.
    pub invoice_number: String,
    /// Whose.
    pub company_account_number: String,
    /// Name at that time.
    pub company_name: String,
    /// Year.
    pub billing_year: i32,
    /// Month, 1 to 12.
    pub billing_month: i32,
    /// `YYYY-MM-DD`.
    pub invoice_date: String,
    /// `YYYY-MM-DD`.
    pub due_date: Option<String>,
    /// Plan.
    pub billing_plan: Option<String>,
    /// Term.
    pub contract_term: Option<String>,
    /// People.
    pub total_user_charges: Decimal,
    /// Devices.
    pub total_asset_charges: Decimal,
    /// Backup.
    pub total_backup_charges: Decimal,
    /// Hours.
    pub total_ticket_charges: Decimal,
    /// Line items.
    pub total_line_item_charges: Decimal,
    /// Everything.
    pub total_amount: Decimal,
    /// What was taken off it.
    pub credited: Decimal,
    /// When it was archived.
    pub archived_at: DateTime<Utc>,
    /// Who accepted it.
    pub created_by: String,
}

/// Invoices from one month to another, of one company or of all, by month and account number. A company is meant by the number that
/// it has as well as by one that it had, as long as nobody else has that by now.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_span(
    pool: &PgPool,
    (from, to): (Period, Period),
    account_number: Option<&str>,
) -> sqlx::Result<Vec<Summary>> {
    let place = |period: Period| period.year() * 12 + period.month().cast_signed();
    sqlx::query_as!(
        Summary,
        r#"select invoice_number, company_account_number, company_name, billing_year, billing_month, invoice_date, due_date,
            billing_plan, contract_term, total_user_charges, total_asset_charges, total_backup_charges,
            total_ticket_charges, total_line_item_charges, total_amount,
            coalesce((select sum(n.total_amount) from credit_notes n where n.snapshot_id = s.id), 0) as "credited!",
            archived_at, created_by
         from billing_snapshots s
         where billing_year * 12 + billing_month between $1 and $2
            and ($3::text is null or company_account_number = $3 or id in (
                select m.id from archived_months m where m.current_account_number = $3 or m.current_account_number in (
                    select f.current_account_number from archived_months f
                     where f.company_account_number = $3
                       and not exists (select from archived_months o where o.current_account_number = $3))))
         order by billing_year, billing_month, company_account_number"#,
        place(from),
        place(to),
        account_number
    )
    .fetch_all(pool)
    .await
}
