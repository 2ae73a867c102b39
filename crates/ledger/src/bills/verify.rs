//! Is the archive what was written? Every seal is made again, every chain followed, every sum added up.

use std::time::Duration;

use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::{PgConnection, PgPool};
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::{
    domain::archive::{ArchivedInvoice, seal},
    store::{
        credit_notes,
        snapshots::{self, Stored},
    },
};

/// What was found.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, ToSchema)]
pub struct Report {
    /// Companies with documents.
    pub companies: usize,
    /// Invoices and credit notes.
    pub documents: usize,
    /// What is not as it was written.
    pub faults: Vec<ArchiveFault>,
    /// The last account number that was checked, where the time did not suffice for all: the rest is checked with it as `after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A document that is not as it was written.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
pub struct ArchiveFault {
    /// Number of the invoice or credit note.
    pub document: String,
    /// What is wrong.
    pub fault: String,
}

/// One document of a company's chain.
struct Link {
    number: String,
    position: i64,
    previous_hash: Option<String>,
    content_hash: String,
    /// The seal that the content has now.
    made: Option<String>,
    sums: Vec<String>,
}

/// Checks the archive of one company, or of all.
///
/// # Errors
/// When the database cannot be read.
pub async fn verify(pool: &PgPool, account_number: Option<&str>) -> sqlx::Result<Report> {
    walk(pool, account_number, |_, _| ()).await
}

/// Checks companies one after the other in the order of their account numbers, those after `after`, until `time` is up; one at
/// least.
///
/// # Errors
/// When the database cannot be read.
pub async fn part(pool: &PgPool, after: Option<&str>, time: Duration) -> sqlx::Result<Report> {
    let began = Instant::now();
    let mut snapshot = pool.begin_with("begin isolation level repeatable read, read only").await?;
    let mut report = Report::default();
    let companies = snapshots::companies_after(&mut *snapshot, after).await?;
    let mut left = companies.into_iter().peekable();
    while let Some(company) = left.next() {
        check(&mut snapshot, &company, &mut report).await?;
        if left.peek().is_some() && began.elapsed() >= time {
            report.next = Some(company);
            break;
        }
    }
    snapshot.commit().await?;
    Ok(report)
}

/// As [`verify`]; `told` hears before each company how many are done, and of how many.
///
/// # Errors
/// When the database cannot be read.
pub async fn walk(
    pool: &PgPool,
    account_number: Option<&str>,
    told: impl Fn(usize, usize),
) -> sqlx::Result<Report> {
    let mut snapshot = pool.begin_with("begin isolation level repeatable read, read only").await?;
    let mut report = Report::default();
    let companies = match account_number {
        Some(number) => vec![number.to_owned()],
        None => snapshots::companies(&mut *snapshot).await?,
    };
    let of = companies.len();
    for (place, company) in companies.into_iter().enumerate() {
        told(place, of);
        check(&mut snapshot, &company, &mut report).await?;
    }
    snapshot.commit().await?;
    Ok(report)
}

/// Checks the archive of one company.
async fn check(connection: &mut PgConnection, company: &str, report: &mut Report) -> sqlx::Result<()> {
    let mut links = links(connection, company).await?;
    if links.is_empty() {
        return Ok(());
    }
    links.sort_by_key(|link| link.position);
    report.companies += 1;
    report.documents += links.len();
    let mut before: Option<String> = None;
    for link in links {
        let mut faults = link.sums;
        if link.made.as_ref() != Some(&link.content_hash) {
            faults.push("its content is not what was sealed".to_owned());
        }
        if link.previous_hash != before {
            faults.push("the document before it is missing or another one".to_owned());
        }
        let number = link.number;
        report
            .faults
            .extend(faults.into_iter().map(|fault| ArchiveFault { document: number.clone(), fault }));
        before = Some(link.content_hash);
    }
    Ok(())
}

async fn links(connection: &mut PgConnection, company: &str) -> sqlx::Result<Vec<Link>> {
    let mut links = Vec::new();
    for number in snapshots::numbers(&mut *connection, company).await? {
        let Some(stored) = snapshots::find(connection, &number).await? else { continue };
        links.push(Link {
            made: seal(&stored.invoice, stored.previous_hash.as_deref()).ok(),
            sums: sums(&stored),
            number,
            position: stored.position,
            previous_hash: stored.previous_hash,
            content_hash: stored.content_hash,
        });
    }
    for stored in credit_notes::list(connection, Some(company), None).await? {
        let lines: Decimal = stored.note.lines.iter().map(|line| line.amount).sum();
        let sums = if lines == stored.note.total_amount {
            Vec::new()
        } else {
            vec!["its lines do not add up to its total".to_owned()]
        };
        links.push(Link {
            made: seal(&stored.note, stored.previous_hash.as_deref()).ok(),
            sums,
            number: stored.note.number,
            position: stored.position,
            previous_hash: stored.previous_hash,
            content_hash: stored.content_hash,
        });
    }
    Ok(links)
}

fn sums(stored: &Stored) -> Vec<String> {
    let ArchivedInvoice { total_amount, line_items, .. } = &stored.invoice;
    let invoice = &stored.invoice;
    let charges = invoice.total_user_charges
        + invoice.total_asset_charges
        + invoice.total_backup_charges
        + invoice.total_ticket_charges
        + invoice.total_line_item_charges;
    let lines: Decimal = line_items.iter().map(|line| line.amount).sum();
    let mut faults = Vec::new();
    if invoice.taken_over {
        return faults;
    }
    if charges != *total_amount {
        faults.push("its charges do not add up to its total".to_owned());
    }
    if lines != *total_amount {
        faults.push("its lines do not add up to its total".to_owned());
    }
    faults
}
