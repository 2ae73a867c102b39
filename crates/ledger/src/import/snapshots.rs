//! The archive of the original suite: invoices as they are, in the order in which they were archived, sealed here.

use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::{Acquire as _, PgConnection, Row as _, postgres::PgRow};

use super::{
    has_table,
    report::{Counts, Refused, Report},
    time::moment,
};
use crate::{
    domain::archive::{ArchivedHours, ArchivedInvoice, ArchivedLine},
    store::snapshots::{self, Outcome},
};

const NAME: &str = "billing_snapshots";

/// Takes over all invoices that are not here yet.
pub(super) async fn take(
    source: &mut PgConnection,
    target: &mut PgConnection,
    report: &mut Report,
) -> anyhow::Result<Counts> {
    let mut counts = Counts { table: NAME, ..Counts::default() };
    if !has_table(source, NAME).await? {
        return Ok(counts);
    }
    counts.in_source = true;
    // One lock instead of one for each company.
    sqlx::query!("lock table billing_snapshots, credit_notes in share row exclusive mode")
        .execute(&mut *target)
        .await?;
    let ids: Vec<i32> = sqlx::query_scalar("select id from billing_snapshots order by archived_at, id")
        .fetch_all(&mut *source)
        .await?;
    for id in ids {
        counts.read += 1;
        let mut refuse = |row: String, reason: String| {
            counts.refused += 1;
            report.refused.push(Refused { table: NAME, row, reason });
        };
        let invoice = match read(source, id).await {
            Ok(Ok(invoice)) => invoice,
            // A value that is none here, such as an amount that is missing.
            Err(error @ (sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnNotFound(_))) => {
                refuse(id.to_string(), error.to_string());
                continue;
            }
            Err(error) => return Err(error.into()),
            Ok(Err(reason)) => {
                refuse(id.to_string(), reason);
                continue;
            }
        };
        let mut one = target.begin().await?;
        let known = snapshots::find(&mut one, &invoice.invoice_number).await?;
        if let Some(known) = known {
            one.rollback().await?;
            let is_same = known.invoice.invoice_csv == invoice.invoice_csv
                && known.invoice.total_amount == invoice.total_amount;
            if is_same {
                counts.unchanged += 1;
            } else {
                refuse(invoice.invoice_number, "another invoice of this number is in the archive".to_owned());
            }
            continue;
        }
        let end = snapshots::archive_end(&mut *one, &invoice.company_account_number).await?;
        match snapshots::archive_held(&mut one, &invoice, end).await {
            Ok(Outcome::Archived(seal)) => {
                one.commit().await?;
                counts.new += 1;
                tracing::info!(
                    invoice = invoice.invoice_number,
                    seal,
                    "invoice of the original's archive sealed"
                );
            }
            Ok(Outcome::Already | Outcome::Moved) => {
                one.rollback().await?;
                refuse(invoice.invoice_number, "the month is in the archive under another number".to_owned());
            }
            Err(sqlx::Error::Database(error)) => {
                one.rollback().await?;
                refuse(invoice.invoice_number, error.message().to_owned());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(counts)
}

async fn read(source: &mut PgConnection, id: i32) -> sqlx::Result<Result<ArchivedInvoice, String>> {
    let row =
        sqlx::query("select * from billing_snapshots where id = $1").bind(id).fetch_one(&mut *source).await?;
    let lines = sqlx::query("select * from snapshot_line_items where snapshot_id = $1 order by id")
        .bind(id)
        .fetch_all(source)
        .await?;
    let archived_at: String = row.try_get("archived_at")?;
    let Some(archived_at) = moment(&archived_at) else {
        return Ok(Err(format!("archived_at `{archived_at}` is no time")));
    };
    let text = |name: &str| row.try_get::<Option<String>, _>(name);
    let money = |name: &str| row.try_get::<Option<Decimal>, _>(name).map(Option::unwrap_or_default);
    let count = |name: &str| row.try_get::<Option<i32>, _>(name).map(Option::unwrap_or_default);
    let data: String = row.try_get("billing_data_json")?;
    Ok(Ok(ArchivedInvoice {
        invoice_number: row.try_get("invoice_number")?,
        company_account_number: row.try_get("company_account_number")?,
        company_name: row.try_get("company_name")?,
        billing_year: row.try_get("billing_year")?,
        billing_month: row.try_get("billing_month")?,
        invoice_date: row.try_get("invoice_date")?,
        due_date: text("due_date")?,
        archived_at,
        billing_plan: text("billing_plan")?,
        contract_term: text("contract_term")?,
        support_level: text("support_level")?,
        total_amount: money("total_amount")?,
        total_user_charges: money("total_user_charges")?,
        total_asset_charges: money("total_asset_charges")?,
        total_backup_charges: money("total_backup_charges")?,
        total_ticket_charges: money("total_ticket_charges")?,
        total_line_item_charges: money("total_line_item_charges")?,
        user_count: count("user_count")?,
        asset_count: count("asset_count")?,
        billable_hours: money("billable_hours")?,
        billed_hours: hours(&data),
        billing_data_json: data,
        invoice_csv: row.try_get("invoice_csv")?,
        created_by: text("created_by")?.unwrap_or_else(|| "admin".to_owned()),
        notes: text("notes")?,
        taken_over: true,
        line_items: lines.iter().map(line).collect::<sqlx::Result<_>>()?,
    }))
}

fn line(row: &PgRow) -> sqlx::Result<ArchivedLine> {
    Ok(ArchivedLine {
        line_type: row.try_get("line_type")?,
        item_name: row.try_get("item_name")?,
        description: row.try_get("description")?,
        quantity: row.try_get::<Option<Decimal>, _>("quantity")?.unwrap_or(Decimal::ONE),
        rate: row.try_get("rate")?,
        amount: row.try_get("amount")?,
    })
}

/// The hours that the bill held, so that they are not billed again (rule 48).
fn hours(data: &str) -> Vec<ArchivedHours> {
    let data: Value = serde_json::from_str(data).unwrap_or_default();
    let tickets = data["tickets_for_billing_period"].as_array().cloned().unwrap_or_default();
    let held = tickets.iter().filter_map(|ticket| {
        let number = match &ticket["ticket_number"] {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        let hours = crate::domain::billing::number::parse(&ticket["total_hours_spent"].to_string()).ok()?;
        (!hours.is_zero()).then_some(ArchivedHours { ticket_number: number, time_entry_id: None, hours })
    });
    held.collect()
}
