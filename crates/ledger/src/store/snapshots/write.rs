//! What is put into the archive, once and for all.

use rust_decimal::Decimal;
use sqlx::PgConnection;

use crate::domain::archive::{ArchivedHours, ArchivedInvoice, ArchivedLine, seal};

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
                              where company_account_number = any((select numbers_of(array[$1]))::text[])
                                and (company_account_number = $1 or current_account_number = $1)), 0) as "end!",
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

/// Keeps others from adding to a company's chain until the transaction ends.
pub(in crate::store) async fn hold_chain(
    connection: &mut PgConnection,
    account_number: &str,
) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 2))", account_number)
        .fetch_one(connection)
        .await?;
    Ok(())
}

/// The newest seal in a company's chain.
pub(in crate::store) async fn last_seal(
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
