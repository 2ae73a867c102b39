//! `billing_snapshots` and what hangs on them: invoices are put into the archive and read, never changed.

mod lists;
mod read;

use std::collections::HashMap;

use rust_decimal::Decimal;
use sqlx::{PgConnection, PgExecutor, PgPool};

pub use lists::{Listed, Search, Summary, names, of_company, of_span, search};
pub use read::{Stored, StoredCsv, csv, find, number_of, of_company_month};

use crate::domain::archive::{ArchivedHours, ArchivedInvoice, ArchivedLine, seal};

/// A month of a company that is archived.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Month {
    /// Whose it was.
    pub company_account_number: String,
    /// The number that this company has now.
    pub current_account_number: String,
    /// Year.
    pub billing_year: i32,
    /// Month, 1 to 12.
    pub billing_month: i32,
    /// Its place in the archive.
    pub position: i64,
}

/// The archived months of companies, of all without a list, those under former numbers included.
///
/// # Errors
/// When the database cannot be read.
pub async fn months(executor: impl PgExecutor<'_>, only: Option<&[String]>) -> sqlx::Result<Vec<Month>> {
    sqlx::query_as!(
        Month,
        r#"select company_account_number as "company_account_number!", current_account_number as "current_account_number!",
            billing_year as "billing_year!", billing_month as "billing_month!", position as "position!"
         from archived_months
         where $1::text[] is null or company_account_number = any($1) or current_account_number = any($1)"#,
        only
    )
    .fetch_all(executor)
    .await
}

/// What became of an invoice that was to be archived.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It is in the archive, with this seal.
    Archived(String),
    /// The month is there already.
    Already,
    /// Others have archived another month of this company since the bill was computed: it has to be computed again.
    Moved,
}

/// Puts an invoice into the archive, in the caller's transaction, together with its lines, hours and seal. `archive_end` is
/// where the company's archive ended when the bill was computed.
///
/// # Errors
/// When the database cannot be written.
pub async fn archive(
    connection: &mut PgConnection,
    invoice: &ArchivedInvoice,
    archive_end: i64,
) -> sqlx::Result<Outcome> {
    hold_chain(connection, &invoice.company_account_number).await?;
    archive_held(connection, invoice, archive_end).await
}

/// [`archive`] for a caller who keeps everybody from adding to the archive.
///
/// # Errors
/// When the database cannot be written.
pub async fn archive_held(
    connection: &mut PgConnection,
    invoice: &ArchivedInvoice,
    archive_end: i64,
) -> sqlx::Result<Outcome> {
    let state = sqlx::query!(
        r#"select coalesce((select max(position) from archived_months
                              where company_account_number = $1 or current_account_number = $1), 0) as "end!",
            exists (select from billing_snapshots where invoice_number = $4
                        or company_account_number = $1 and billing_year = $2 and billing_month = $3) as "is_there!""#,
        invoice.company_account_number,
        invoice.billing_year,
        invoice.billing_month,
        invoice.invoice_number
    )
    .fetch_one(&mut *connection)
    .await?;
    if state.is_there {
        return Ok(Outcome::Already);
    }
    if state.end != archive_end {
        return Ok(Outcome::Moved);
    }
    let previous = last_seal(connection, &invoice.company_account_number).await?;
    let hash = seal(invoice, previous.as_deref()).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let id = insert(connection, invoice, &hash, previous.as_deref()).await?;
    insert_lines(connection, id, &invoice.line_items).await?;
    insert_hours(connection, id, &invoice.company_account_number, &invoice.billed_hours).await?;
    Ok(Outcome::Archived(hash))
}

/// Where a company's archive ends, what it has under former numbers included.
///
/// # Errors
/// When the database cannot be read.
pub async fn archive_end(executor: impl PgExecutor<'_>, account_number: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select coalesce(max(position), 0) as "end!" from archived_months
            where company_account_number = $1 or current_account_number = $1"#,
        account_number
    )
    .fetch_one(executor)
    .await
}

/// Keeps others from adding to a company's chain until the transaction ends.
pub(super) async fn hold_chain(connection: &mut PgConnection, account_number: &str) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 2))", account_number)
        .fetch_one(connection)
        .await?;
    Ok(())
}

/// The newest seal in a company's chain.
pub(super) async fn last_seal(
    connection: &mut PgConnection,
    account_number: &str,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"select content_hash as "hash!" from (
            select position, content_hash from billing_snapshots where company_account_number = $1
            union all
            select position, content_hash from credit_notes where company_account_number = $1
         ) documents order by position desc limit 1"#,
        account_number
    )
    .fetch_optional(connection)
    .await
}

async fn insert(
    connection: &mut PgConnection,
    invoice: &ArchivedInvoice,
    hash: &str,
    previous: Option<&str>,
) -> sqlx::Result<i32> {
    sqlx::query_scalar!(
        "insert into billing_snapshots (company_account_number, company_name, invoice_number, billing_year, billing_month,
            invoice_date, due_date, archived_at, billing_plan, contract_term, support_level, total_amount, total_user_charges,
            total_asset_charges, total_backup_charges, total_ticket_charges, total_line_item_charges, user_count,
            asset_count, billable_hours, billing_data_json, invoice_csv, created_by, notes, content_hash, previous_hash,
            taken_over)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23,
            $24, $25, $26, $27)
         returning id",
        invoice.company_account_number,
        invoice.company_name,
        invoice.invoice_number,
        invoice.billing_year,
        invoice.billing_month,
        invoice.invoice_date,
        invoice.due_date,
        invoice.archived_at,
        invoice.billing_plan,
        invoice.contract_term,
        invoice.support_level,
        invoice.total_amount,
        invoice.total_user_charges,
        invoice.total_asset_charges,
        invoice.total_backup_charges,
        invoice.total_ticket_charges,
        invoice.total_line_item_charges,
        invoice.user_count,
        invoice.asset_count,
        invoice.billable_hours,
        invoice.billing_data_json,
        invoice.invoice_csv,
        invoice.created_by,
        invoice.notes,
        hash,
        previous,
        invoice.taken_over
    )
    .fetch_one(connection)
    .await
}

async fn insert_lines(connection: &mut PgConnection, id: i32, lines: &[ArchivedLine]) -> sqlx::Result<()> {
    let column =
        |pick: fn(&ArchivedLine) -> &str| lines.iter().map(|line| pick(line).to_owned()).collect::<Vec<_>>();
    let number = |pick: fn(&ArchivedLine) -> Decimal| lines.iter().map(pick).collect::<Vec<_>>();
    let descriptions: Vec<Option<String>> = lines.iter().map(|line| line.description.clone()).collect();
    sqlx::query!(
        "insert into snapshot_line_items (snapshot_id, line_type, item_name, description, quantity, rate, amount)
         select $1, line_type, item_name, description, quantity, rate, amount
           from unnest($2::text[], $3::text[], $4::text[], $5::numeric[], $6::numeric[], $7::numeric[]) with ordinality
                as line (line_type, item_name, description, quantity, rate, amount, place)
          order by place",
        id,
        &column(|line| &line.line_type),
        &column(|line| &line.item_name),
        &descriptions as _,
        &number(|line| line.quantity),
        &number(|line| line.rate),
        &number(|line| line.amount)
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert_hours(
    connection: &mut PgConnection,
    id: i32,
    account_number: &str,
    held: &[ArchivedHours],
) -> sqlx::Result<()> {
    let tickets: Vec<String> = held.iter().map(|held| held.ticket_number.clone()).collect();
    let entries: Vec<Option<i64>> = held.iter().map(|held| held.time_entry_id).collect();
    let hours: Vec<Decimal> = held.iter().map(|held| held.hours).collect();
    sqlx::query!(
        "insert into billed_hours (snapshot_id, company_account_number, ticket_number, time_entry_id, hours)
         select $1, $2, ticket_number, time_entry_id, hours
           from unnest($3::text[], $4::bigint[], $5::numeric[]) with ordinality
                as held (ticket_number, time_entry_id, hours, place)
          order by place",
        id,
        account_number,
        &tickets,
        &entries as _,
        &hours
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether there is any archived invoice.
///
/// # Errors
/// When the database cannot be read.
pub async fn any(executor: impl PgExecutor<'_>) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select from billing_snapshots) as "any!""#)
        .fetch_one(executor)
        .await
}

/// The archived invoices of a month: account numbers with the numbers of their invoices.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_month(pool: &PgPool, year: i32, month: i32) -> sqlx::Result<HashMap<String, String>> {
    let rows = sqlx::query!(
        "select company_account_number, invoice_number from billing_snapshots
         where billing_year = $1 and billing_month = $2",
        year,
        month
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.company_account_number, row.invoice_number)).collect())
}

/// Companies with archived invoices.
///
/// # Errors
/// When the database cannot be read.
pub async fn companies(executor: impl PgExecutor<'_>) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!("select distinct company_account_number from billing_snapshots order by 1")
        .fetch_all(executor)
        .await
}

/// Companies with archived invoices whose account numbers come after the given one.
///
/// # Errors
/// When the database cannot be read.
pub async fn companies_after(
    executor: impl PgExecutor<'_>,
    after: Option<&str>,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "select distinct company_account_number from billing_snapshots
         where $1::text is null or company_account_number > $1 order by 1",
        after
    )
    .fetch_all(executor)
    .await
}

/// Numbers of a company's invoices, in the order of the archive.
///
/// # Errors
/// When the database cannot be read.
pub async fn numbers(executor: impl PgExecutor<'_>, account_number: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "select invoice_number from billing_snapshots where company_account_number = $1 order by position",
        account_number
    )
    .fetch_all(executor)
    .await
}
