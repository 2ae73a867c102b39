//! `credit_notes`: corrections of archived invoices. They are documents of the same chain, and as final.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use sqlx::{PgConnection, PgPool};

use super::snapshots::{hold_chain, last_seal};
use crate::domain::archive::{CreditLine, CreditNote, seal};

/// Why no credit note was made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// There is no such invoice.
    NoInvoice,
    /// The invoice has no such line.
    NoLine(i32),
    /// The same correction was made within the last minutes: its number.
    Twice(String),
    /// More would be taken off than is left of the invoice.
    TooMuch {
        /// What is left of it.
        left: Decimal,
    },
}

/// Two equal corrections within this time are one that was sent twice.
const SAME: TimeDelta = TimeDelta::minutes(10);

/// A correction that is asked for.
#[derive(Clone, Debug)]
pub struct Correction {
    /// Which invoice.
    pub invoice_number: String,
    /// Why.
    pub reason: String,
    /// What is taken off.
    pub lines: Vec<CreditLine>,
}

/// Makes a credit note in the caller's transaction.
///
/// # Errors
/// When the database cannot be written.
pub async fn add(
    connection: &mut PgConnection,
    correction: Correction,
    issued_by: &str,
    issued_at: DateTime<Utc>,
) -> sqlx::Result<Result<(CreditNote, String), Refusal>> {
    let invoice = sqlx::query!(
        "select id, company_account_number, total_amount from billing_snapshots where invoice_number = $1",
        correction.invoice_number
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(invoice) = invoice else { return Ok(Err(Refusal::NoInvoice)) };
    hold_chain(connection, &invoice.company_account_number).await?;
    let last =
        list(connection, None, Some(&correction.invoice_number)).await?.pop().map(|stored| stored.note);
    if let Some(last) = last
        && last.reason == correction.reason
        && last.lines == correction.lines
        && issued_at - last.issued_at < SAME
    {
        return Ok(Err(Refusal::Twice(last.number)));
    }
    let before = sqlx::query!(
        r#"select count(*) as "count!", coalesce(sum(total_amount), 0) as "total!" from credit_notes where snapshot_id = $1"#,
        invoice.id
    )
    .fetch_one(&mut *connection)
    .await?;
    let line_ids = sqlx::query_scalar!(
        "select id from snapshot_line_items where snapshot_id = $1 order by id",
        invoice.id
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut line_items = Vec::new();
    for line in &correction.lines {
        line_items.push(match line.line_item {
            None => None,
            Some(place) => match usize::try_from(place).ok().and_then(|place| line_ids.get(place)) {
                Some(id) => Some(*id),
                None => return Ok(Err(Refusal::NoLine(place))),
            },
        });
    }
    let total: Decimal = correction.lines.iter().map(|line| line.amount).sum();
    let left = invoice.total_amount - before.total;
    if total > left {
        return Ok(Err(Refusal::TooMuch { left }));
    }
    let note = CreditNote {
        number: format!("{}-C{}", correction.invoice_number, before.count + 1),
        invoice_number: correction.invoice_number,
        company_account_number: invoice.company_account_number,
        issued_at,
        issued_by: issued_by.to_owned(),
        reason: correction.reason,
        total_amount: total,
        lines: correction.lines,
    };
    let previous = last_seal(connection, &note.company_account_number).await?;
    let hash = seal(&note, previous.as_deref()).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let id = sqlx::query_scalar!(
        "insert into credit_notes (number, snapshot_id, company_account_number, issued_at, issued_by, reason, total_amount,
            content_hash, previous_hash)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id",
        note.number,
        invoice.id,
        note.company_account_number,
        note.issued_at,
        note.issued_by,
        note.reason,
        note.total_amount,
        hash,
        previous
    )
    .fetch_one(&mut *connection)
    .await?;
    for (line, line_item) in note.lines.iter().zip(line_items) {
        sqlx::query!(
            "insert into credit_note_lines (credit_note_id, line_item_id, description, amount) values ($1, $2, $3, $4)",
            id,
            line_item,
            line.description,
            line.amount
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(Ok((note, hash)))
}

/// A credit note with its place in the archive.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredNote {
    /// The document.
    pub note: CreditNote,
    /// Its place in the archive.
    pub position: i64,
    /// Its seal.
    pub content_hash: String,
    /// The seal before it.
    pub previous_hash: Option<String>,
}

/// The credit notes of a company or of one invoice, oldest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(
    connection: &mut PgConnection,
    account_number: Option<&str>,
    invoice_number: Option<&str>,
) -> sqlx::Result<Vec<StoredNote>> {
    let rows = sqlx::query!(
        "select n.id, n.number, s.invoice_number, n.company_account_number, n.issued_at, n.issued_by, n.reason, n.total_amount,
            n.position, n.content_hash, n.previous_hash, n.snapshot_id
         from credit_notes n join billing_snapshots s on s.id = n.snapshot_id
         where ($1::text is null or n.company_account_number = $1) and ($2::text is null or s.invoice_number = $2)
         order by n.position",
        account_number,
        invoice_number
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut notes = Vec::new();
    for row in rows {
        let lines = sqlx::query_as!(
            CreditLine,
            r#"select l.description, l.amount,
                (select place - 1 from (select id, row_number() over (order by id) as place
                    from snapshot_line_items where snapshot_id = $2) placed where placed.id = l.line_item_id)::int as line_item
             from credit_note_lines l where l.credit_note_id = $1 order by l.id"#,
            row.id,
            row.snapshot_id
        )
        .fetch_all(&mut *connection)
        .await?;
        notes.push(StoredNote {
            position: row.position,
            content_hash: row.content_hash,
            previous_hash: row.previous_hash,
            note: CreditNote {
                number: row.number,
                invoice_number: row.invoice_number,
                company_account_number: row.company_account_number,
                issued_at: row.issued_at,
                issued_by: row.issued_by,
                reason: row.reason,
                total_amount: row.total_amount,
                lines,
            },
        });
    }
    Ok(notes)
}

/// What was taken off invoices of a month, by company.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_month(pool: &PgPool, year: i32, month: i32) -> sqlx::Result<Vec<(String, Decimal)>> {
    let rows = sqlx::query!(
        r#"select n.company_account_number, sum(n.total_amount) as "total!" from credit_notes n
         join billing_snapshots s on s.id = n.snapshot_id
         where s.billing_year = $1 and s.billing_month = $2 group by n.company_account_number"#,
        year,
        month
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.company_account_number, row.total)).collect())
}
