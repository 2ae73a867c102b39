//! Archived invoices one by one.

use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::domain::{
    archive::{ArchivedHours, ArchivedInvoice, ArchivedLine},
    billing::Period,
};

/// An archived invoice with its place in the archive.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Its id.
    pub id: i32,
    /// What was archived.
    pub invoice: ArchivedInvoice,
    /// Its place in the archive.
    pub position: i64,
    /// Its seal.
    pub content_hash: String,
    /// The seal before it.
    pub previous_hash: Option<String>,
}

/// An archived invoice by its number.
///
/// # Errors
/// When the database cannot be read.
pub async fn find(connection: &mut PgConnection, invoice_number: &str) -> sqlx::Result<Option<Stored>> {
    let row = sqlx::query!("select * from billing_snapshots where invoice_number = $1", invoice_number)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let line_items = sqlx::query_as!(
        ArchivedLine,
        "select line_type, item_name, description, quantity, rate, amount from snapshot_line_items
         where snapshot_id = $1 order by id",
        row.id
    )
    .fetch_all(&mut *connection)
    .await?;
    let billed_hours = sqlx::query_as!(
        ArchivedHours,
        "select ticket_number, time_entry_id, hours from billed_hours where snapshot_id = $1 order by id",
        row.id
    )
    .fetch_all(&mut *connection)
    .await?;
    Ok(Some(Stored {
        id: row.id,
        position: row.position,
        content_hash: row.content_hash,
        previous_hash: row.previous_hash,
        invoice: ArchivedInvoice {
            invoice_number: row.invoice_number,
            company_account_number: row.company_account_number,
            company_name: row.company_name,
            billing_year: row.billing_year,
            billing_month: row.billing_month,
            invoice_date: row.invoice_date,
            due_date: row.due_date,
            archived_at: row.archived_at,
            billing_plan: row.billing_plan,
            contract_term: row.contract_term,
            support_level: row.support_level,
            total_amount: row.total_amount,
            total_user_charges: row.total_user_charges,
            total_asset_charges: row.total_asset_charges,
            total_backup_charges: row.total_backup_charges,
            total_ticket_charges: row.total_ticket_charges,
            total_line_item_charges: row.total_line_item_charges,
            user_count: row.user_count,
            asset_count: row.asset_count,
            billable_hours: row.billable_hours,
            billing_data_json: row.billing_data_json,
            invoice_csv: row.invoice_csv,
            created_by: row.created_by,
            notes: row.notes,
            taken_over: row.taken_over,
            line_items,
            billed_hours,
        },
    }))
}

/// Number of the archived invoice of a company's month: under its account number, else under one that it had before.
///
/// # Errors
/// When the database cannot be read.
pub async fn number_of(
    executor: impl PgExecutor<'_>,
    account_number: &str,
    period: Period,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"select invoice_number as "number!" from archived_months
         where billing_year = $2 and billing_month = $3 and company_account_number = any((select numbers_of(array[$1]))::text[])
            and (company_account_number = $1 or current_account_number = $1)
         order by company_account_number = $1 desc, position desc limit 1"#,
        account_number,
        period.year(),
        period.month().cast_signed()
    )
    .fetch_optional(executor)
    .await
}

/// The archived invoice of a company's month, found as by [`number_of`].
///
/// # Errors
/// When the database cannot be read.
pub async fn of_company_month(
    connection: &mut PgConnection,
    account_number: &str,
    period: Period,
) -> sqlx::Result<Option<Stored>> {
    match number_of(&mut *connection, account_number, period).await? {
        Some(number) => find(connection, &number).await,
        None => Ok(None),
    }
}

/// The invoice file as it was archived.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredCsv {
    /// Name of the company at that time.
    pub company_name: String,
    /// Whose.
    pub company_account_number: String,
    /// Year.
    pub billing_year: i32,
    /// Month, 1 to 12.
    pub billing_month: i32,
    /// The file.
    pub invoice_csv: String,
}

/// The file of an archived invoice.
///
/// # Errors
/// When the database cannot be read.
pub async fn csv(pool: &PgPool, invoice_number: &str) -> sqlx::Result<Option<StoredCsv>> {
    sqlx::query_as!(
        StoredCsv,
        "select company_name, company_account_number, billing_year, billing_month, invoice_csv from billing_snapshots
         where invoice_number = $1",
        invoice_number
    )
    .fetch_optional(pool)
    .await
}
