//! Archived documents and their seals: what an archive holds, and how anybody can see that it is still what was written
//! (ledger.md §7).
//!
//! A seal is the SHA-256, in lower-case hexadecimal, of the JSON text `{"previous":…,"document":…}`: the seal before it in the
//! chain of the company (null for the first), and the document with its members in the order of its type here.

use std::collections::HashSet;

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, SecondsFormat, Utc};
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{
    billing::{Bill, Period, explain::Behind},
    documents::{invoice, snapshot},
};

/// An archived invoice.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArchivedInvoice {
    /// Unique over all time.
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
    /// When it was archived.
    #[serde(serialize_with = "micros")]
    pub archived_at: DateTime<Utc>,
    /// Plan.
    pub billing_plan: Option<String>,
    /// Term.
    pub contract_term: Option<String>,
    /// Support level.
    pub support_level: Option<String>,
    /// Everything.
    #[serde(serialize_with = "two_places")]
    pub total_amount: Decimal,
    /// People.
    #[serde(serialize_with = "two_places")]
    pub total_user_charges: Decimal,
    /// Devices.
    #[serde(serialize_with = "two_places")]
    pub total_asset_charges: Decimal,
    /// Backup.
    #[serde(serialize_with = "two_places")]
    pub total_backup_charges: Decimal,
    /// Hours.
    #[serde(serialize_with = "two_places")]
    pub total_ticket_charges: Decimal,
    /// Line items.
    #[serde(serialize_with = "two_places")]
    pub total_line_item_charges: Decimal,
    /// People with a cost.
    pub user_count: i32,
    /// Devices with a cost.
    pub asset_count: i32,
    /// Hours that were not prepaid.
    #[serde(serialize_with = "two_places")]
    pub billable_hours: Decimal,
    /// The whole bill, as JSON text.
    pub billing_data_json: String,
    /// The invoice file.
    pub invoice_csv: String,
    /// Who accepted it.
    pub created_by: String,
    /// For people.
    pub notes: Option<String>,
    /// Taken over from the archive of the original suite, whose roundings do not always add up.
    pub taken_over: bool,
    /// Its lines, in their order.
    pub line_items: Vec<ArchivedLine>,
    /// The hours it holds (rule 48), in their order.
    pub billed_hours: Vec<ArchivedHours>,
}

/// A line of an archived invoice.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArchivedLine {
    /// `user`, `asset`, `backup`, `ticket` or `custom`.
    pub line_type: String,
    /// Of whom or what.
    pub item_name: String,
    /// As the invoice has it.
    pub description: Option<String>,
    /// How many.
    #[serde(serialize_with = "two_places")]
    pub quantity: Decimal,
    /// For each.
    #[serde(serialize_with = "two_places")]
    pub rate: Decimal,
    /// Charge.
    #[serde(serialize_with = "two_places")]
    pub amount: Decimal,
}

/// Hours that an archived invoice holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArchivedHours {
    /// The ticket.
    pub ticket_number: String,
    /// The entry; none for hours of a ticket without dated entries.
    pub time_entry_id: Option<i64>,
    /// How many.
    #[serde(serialize_with = "all_places")]
    pub hours: Decimal,
}

/// A correction: what is taken off an archived invoice.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CreditNote {
    /// `<invoice number>-C<n>`.
    pub number: String,
    /// The invoice.
    pub invoice_number: String,
    /// Whose.
    pub company_account_number: String,
    /// When.
    #[serde(serialize_with = "micros")]
    pub issued_at: DateTime<Utc>,
    /// Who.
    pub issued_by: String,
    /// Why.
    pub reason: String,
    /// Sum of the lines, positive.
    #[serde(serialize_with = "two_places")]
    pub total_amount: Decimal,
    /// What is taken off, in order.
    pub lines: Vec<CreditLine>,
}

/// A line of a credit note.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CreditLine {
    /// The line of the invoice, where it is one: its place there, from 0.
    pub line_item: Option<i32>,
    /// What for.
    pub description: String,
    /// What is taken off, positive.
    #[serde(serialize_with = "two_places")]
    pub amount: Decimal,
}

/// What goes into a seal.
#[derive(Serialize)]
struct Sealed<'a, D> {
    previous: Option<&'a str>,
    document: &'a D,
}

/// The seal of a document after another one.
///
/// # Errors
/// Never for the documents of this archive: they are plain data.
pub fn seal(document: &impl Serialize, previous: Option<&str>) -> serde_json::Result<String> {
    let text = serde_json::to_vec(&Sealed { previous, document })?;
    let hash = digest(&SHA256, &text);
    Ok(hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

impl ArchivedInvoice {
    /// The month it is for.
    pub fn period(&self) -> Period {
        // The table holds no other months.
        Period::new(self.billing_year.into(), self.billing_month.into())
            .or_else(|| Period::of(&self.archived_at))
            .unwrap_or_default()
    }

    /// What is kept of a bill.
    ///
    /// # Errors
    /// When the bill cannot be written as JSON.
    pub fn of(
        bill: &Bill<'_>,
        archived_at: DateTime<Utc>,
        created_by: &str,
        notes: Option<String>,
    ) -> serde_json::Result<Self> {
        let kept = snapshot::of(bill);
        let lines = kept.line_items.iter().map(|line| ArchivedLine {
            line_type: line.line_type.name().to_owned(),
            item_name: line.item_name.to_owned(),
            description: Some(line.description.clone()),
            quantity: line.quantity.parse().unwrap_or(Decimal::ONE),
            rate: line.rate.decimal(),
            amount: line.amount.decimal(),
        });
        let hours = bill.billed_hours.iter().map(|held| ArchivedHours {
            ticket_number: held.ticket_number.to_owned(),
            time_entry_id: held.time_entry_id,
            hours: held.hours.decimal(),
        });
        Ok(Self {
            invoice_number: kept.invoice_number,
            company_account_number: kept.company_account_number.to_owned(),
            company_name: kept.company_name.to_owned(),
            billing_year: kept.billing_year,
            billing_month: kept.billing_month.cast_signed(),
            invoice_date: kept.invoice_date.to_string(),
            due_date: Some(kept.due_date.to_string()),
            archived_at,
            billing_plan: Some(kept.billing_plan.to_owned()),
            contract_term: Some(kept.contract_term.to_owned()),
            support_level: kept.support_level.map(str::to_owned),
            total_amount: kept.total_amount.decimal(),
            total_user_charges: kept.total_user_charges.decimal(),
            total_asset_charges: kept.total_asset_charges.decimal(),
            total_backup_charges: kept.total_backup_charges.decimal(),
            total_ticket_charges: kept.total_ticket_charges.decimal(),
            total_line_item_charges: kept.total_line_item_charges.decimal(),
            user_count: kept.user_count.cast_signed(),
            asset_count: kept.asset_count.cast_signed(),
            billable_hours: kept.billable_hours.two_places().to_string().parse().unwrap_or_default(),
            billing_data_json: lean(bill)?.to_string(),
            invoice_csv: invoice::csv(bill),
            created_by: created_by.to_owned(),
            notes,
            taken_over: false,
            line_items: lines.collect(),
            billed_hours: hours.collect(),
        })
    }
}

/// The whole bill without what it does not need of the people and devices: who they are, and what was billed. Of people who are
/// not on the bill nothing is kept: an archive is for ever.
fn lean(bill: &Bill<'_>) -> serde_json::Result<Value> {
    let mut value = serde_json::to_value(bill)?;
    let billed: HashSet<Option<i64>> = bill
        .explain
        .lines
        .iter()
        .filter_map(|line| match line.behind {
            Behind::User { user_id } => Some(user_id),
            _ => None,
        })
        .collect();
    let mut contacts = bill.users.iter();
    if let Some(users) = value["users"].as_array_mut() {
        users.retain(|_| contacts.next().is_some_and(|contact| billed.contains(&contact.id)));
    }
    keep(&mut value["users"], &["id", "name", "full_name", "active"]);
    let device = [
        "id",
        "hostname",
        "hardware_type",
        "device_type",
        "billing_type",
        "custom_cost",
        "backup_data_bytes",
    ];
    keep(&mut value["assets"], &device);
    let company = [
        "account_number",
        "name",
        "billing_plan",
        "contract_term_length",
        "contract_start_date",
        "contract_end_date",
        "support_level",
    ];
    retain(&mut value["client"], &company);
    Ok(value)
}

fn keep(list: &mut Value, members: &[&str]) {
    for row in list.as_array_mut().into_iter().flatten() {
        retain(row, members);
    }
}

fn retain(object: &mut Value, members: &[&str]) {
    if let Some(object) = object.as_object_mut() {
        object.retain(|name, _| members.contains(&name.as_str()));
    }
}

/// As PostgreSQL keeps it: to the microsecond.
fn micros<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Micros, true))
}

fn two_places<S: Serializer>(number: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{number:.2}"))
}

fn all_places<S: Serializer>(number: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&number.normalize())
}
