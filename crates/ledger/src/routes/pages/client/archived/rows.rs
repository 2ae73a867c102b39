//! The lines of an archived invoice, the hours behind it, and what was taken off it.

use rust_decimal::Decimal;

use crate::{
    domain::{
        archive::ArchivedLine,
        documents::document::{HoursShown, TicketShown},
    },
    routes::pages::parts::{Currency, Moment, path_part},
    store::credit_notes::StoredNote,
};

/// Kinds of lines with their headings, in the order of the invoice.
const KINDS: [(&str, &str); 5] = [
    ("user", "User Charges"),
    ("asset", "Asset Charges"),
    ("backup", "Backup Charges"),
    ("ticket", "Ticket Hours"),
    ("custom", "Custom Line Items"),
];

/// Lines of one kind.
pub struct Kind {
    pub title: &'static str,
    pub total: String,
    pub lines: Vec<LineRow>,
}

/// A line.
pub struct LineRow {
    pub name: String,
    pub description: String,
    pub quantity: String,
    pub rate: String,
    pub amount: String,
}

/// A line that can be corrected.
pub struct Choice {
    pub place: usize,
    pub words: String,
    pub amount: String,
}

/// A credit note.
pub struct NoteRow {
    pub number: String,
    pub path: String,
    pub issued: Moment,
    pub by: String,
    pub reason: String,
    pub total: String,
    pub lines: Vec<(String, String)>,
}

/// The hours behind it.
pub struct HoursRows {
    /// Worked, prepaid for the month, prepaid for the year, left to pay for.
    pub figures: [(&'static str, String); 4],
    /// Number, subject, hours, hours that were not charged.
    pub tickets: Vec<(String, String, String, String)>,
}

/// By kind.
pub fn kinds(lines: &[ArchivedLine], currency: &Currency) -> Vec<Kind> {
    KINDS
        .iter()
        .filter_map(|(kind, title)| {
            let of_kind: Vec<&ArchivedLine> = lines.iter().filter(|line| line.line_type == *kind).collect();
            let total: Decimal = of_kind.iter().map(|line| line.amount).sum();
            let rows = of_kind.iter().map(|line| LineRow {
                name: line.item_name.clone(),
                description: line.description.clone().unwrap_or_default(),
                quantity: line.quantity.normalize().to_string(),
                rate: currency.amount(line.rate),
                amount: currency.amount(line.amount),
            });
            (!of_kind.is_empty()).then(|| Kind {
                title,
                total: currency.amount(total),
                lines: rows.collect(),
            })
        })
        .collect()
}

/// Lines that can be corrected.
pub fn choices(lines: &[ArchivedLine], currency: &Currency) -> Vec<Choice> {
    lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.amount > Decimal::ZERO)
        .map(|(place, line)| Choice {
            place,
            words: format!(
                "{} – {}",
                line.description.as_deref().unwrap_or(&line.item_name),
                currency.amount(line.amount)
            ),
            amount: format!("{:.2}", line.amount),
        })
        .collect()
}

/// A credit note.
pub fn note(stored: StoredNote, currency: &Currency) -> NoteRow {
    let note = stored.note;
    NoteRow {
        issued: Moment::of(note.issued_at),
        by: note.issued_by,
        reason: note.reason,
        total: currency.amount(note.total_amount),
        lines: note.lines.into_iter().map(|line| (line.description, currency.amount(line.amount))).collect(),
        path: path_part(&note.number),
        number: note.number,
    }
}

/// The hours that the archive keeps of a bill.
pub fn hours(billing_data: &str) -> Option<HoursRows> {
    let shown = HoursShown::read(billing_data)?;
    let text = |hours: Decimal| format!("{hours:.2}");
    let ticket = |ticket: TicketShown| {
        let aside = if ticket.non_billable.is_zero() { String::new() } else { text(ticket.non_billable) };
        (ticket.number, ticket.subject, text(ticket.hours), aside)
    };
    Some(HoursRows {
        figures: [
            ("Hours This Period", text(shown.worked)),
            ("Prepaid Monthly Hours Used", text(shown.prepaid_monthly)),
            ("Prepaid Yearly Hours Used", text(shown.prepaid_yearly)),
            ("Billable Hours", text(shown.billable)),
        ],
        tickets: shown.tickets.into_iter().map(ticket).collect(),
    })
}
