//! Invoices and credit notes as documents for customers: from the archive where the month is there, else from the bill.

mod draw;

use chrono::NaiveDate;
use sqlx::PgConnection;

pub use draw::{AT_A_TIME, pdf};

use super::{BillError, Bills, Material};
use crate::{
    domain::{
        archive::{ArchivedInvoice, CreditNote},
        billing::{NoBill, Period},
        documents::{
            document::{
                Archived, ArchivedLine, Credit, HoursShown, InvoiceDocument, Sender, credit_note,
                of_archived, of_bill,
            },
            pdf::{Paper, logo::Logo},
            ubl::{LegalEntity, NoTax},
            xero::{DateOrder, Organisation},
        },
    },
    store::{
        credit_notes,
        settings::{self, BillingSettings},
        snapshots,
    },
};

/// What a document is made from, read whole: while it is made nothing of the database is held.
#[derive(Debug)]
pub enum Source {
    /// An archived month.
    Archived {
        /// The invoice.
        invoice: Box<ArchivedInvoice>,
        /// What was credited since.
        credits: Vec<Credit>,
        /// The credit note that is wanted instead of the invoice.
        note: Option<CreditNote>,
    },
    /// A month whose bill is open.
    Open(Box<Material>),
}

impl Source {
    /// Gives the document to `make`.
    ///
    /// # Errors
    /// Why there is no bill.
    pub fn document<T>(
        &self,
        sender: &Sender,
        make: impl FnOnce(&InvoiceDocument<'_>) -> T,
    ) -> Result<T, NoBill> {
        match self {
            Self::Archived { invoice, note: Some(note), .. } => {
                Ok(make(&credited(document(invoice, sender), note)))
            }
            Self::Archived { invoice, credits, note: None } => {
                Ok(make(&InvoiceDocument { credits: credits.clone(), ..document(invoice, sender) }))
            }
            Self::Open(material) => Ok(make(&of_bill(&material.bill()?, sender))),
        }
    }
}

impl Bills {
    /// What documents say of their sender, and how they are made.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn stationery(&self) -> sqlx::Result<Stationery> {
        Ok(Stationery::of(settings::load(&self.pool).await?))
    }

    /// What the invoice of a month is made from.
    ///
    /// # Errors
    /// When there is no such company, or a source does not answer.
    pub async fn invoice(&self, account_number: &str, period: Period) -> Result<Source, BillError> {
        let mut connection = self.pool.acquire().await?;
        let number = snapshots::number_of(&mut *connection, account_number, period).await?;
        if let Some(number) = number
            && let Some(found) = archived(&mut connection, &number).await?
        {
            return Ok(found);
        }
        drop(connection);
        let material = self.material(account_number, period).await?;
        Ok(Source::Open(Box::new(material)))
    }

    /// What an archived invoice or credit note is made from; none where there is none of this number.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn archived(&self, number: &str) -> sqlx::Result<Option<Source>> {
        let mut connection = self.pool.acquire().await?;
        if let Some(found) = archived(&mut connection, number).await? {
            return Ok(Some(found));
        }
        // `<invoice number>-C<n>`
        let Some((invoice, _)) = number.rsplit_once("-C") else { return Ok(None) };
        let notes = credit_notes::list(&mut connection, None, Some(invoice)).await?;
        let note = notes.into_iter().map(|stored| stored.note).find(|note| note.number == number);
        if note.is_none() {
            return Ok(None);
        }
        let invoice = snapshots::find(&mut connection, invoice).await?;
        Ok(invoice.map(|stored| Source::Archived {
            invoice: Box::new(stored.invoice),
            credits: Vec::new(),
            note,
        }))
    }
}

/// An archived invoice with what was credited since.
async fn archived(connection: &mut PgConnection, number: &str) -> sqlx::Result<Option<Source>> {
    let Some(stored) = snapshots::find(connection, number).await? else { return Ok(None) };
    let notes = credit_notes::list(connection, None, Some(number)).await?;
    let credits = notes.into_iter().map(|stored| Credit {
        number: stored.note.number,
        date: stored.note.issued_at.date_naive(),
        amount: stored.note.total_amount,
    });
    Ok(Some(Source::Archived { invoice: Box::new(stored.invoice), credits: credits.collect(), note: None }))
}

fn document<'s>(invoice: &ArchivedInvoice, sender: &'s Sender) -> InvoiceDocument<'s> {
    let day = |text: &str| text.get(..10).unwrap_or(text).parse::<NaiveDate>().ok();
    let period = invoice.period();
    let rows = Archived {
        invoice_number: &invoice.invoice_number,
        company_account_number: &invoice.company_account_number,
        company_name: &invoice.company_name,
        period,
        invoice_date: day(&invoice.invoice_date).unwrap_or_else(|| period.last_day()),
        due_date: invoice.due_date.as_deref().and_then(day),
        billing_plan: invoice.billing_plan.as_deref(),
        contract_term: invoice.contract_term.as_deref(),
        support_level: invoice.support_level.as_deref(),
        total_amount: invoice.total_amount,
        // They are for the people here.
        notes: None,
        lines: invoice
            .line_items
            .iter()
            .map(|line| ArchivedLine {
                line_type: &line.line_type,
                item_name: &line.item_name,
                description: line.description.as_deref(),
                quantity: line.quantity,
                rate: line.rate,
                amount: line.amount,
            })
            .collect(),
        hours: HoursShown::read(&invoice.billing_data_json),
    };
    of_archived(rows, sender)
}

fn credited<'s>(invoice: InvoiceDocument<'s>, note: &CreditNote) -> InvoiceDocument<'s> {
    let lines: Vec<_> = note.lines.iter().map(|line| (line.description.as_str(), line.amount)).collect();
    credit_note(invoice, &note.number, note.issued_at.date_naive(), &note.reason, &lines)
}

/// What documents say of their sender, and how they are made.
#[derive(Clone, Debug)]
pub struct Stationery {
    /// Who sends them.
    pub sender: Sender,
    /// The sheet.
    pub paper: Paper,
    /// What Xero calls things.
    pub xero: Organisation,
    /// What the law calls the sender.
    pub seller: LegalEntity,
    /// Why no tax is on invoices, where the operator has said so.
    pub no_tax: Option<NoTax>,
}

impl Stationery {
    fn of(known: BillingSettings) -> Self {
        let lines = |text: Option<String>| -> Vec<String> {
            text.iter().flat_map(|text| text.lines()).map(str::to_owned).collect()
        };
        let no_tax = known.no_tax.as_deref().map(|word| match word {
            "exempt" => NoTax::Exempt { reason: known.no_tax_reason.clone().unwrap_or_default() },
            "reverse_charge" => NoTax::ReverseCharge,
            _ => NoTax::OutOfScope,
        });
        // A picture that cannot be read was refused when it was set.
        let logo = known.logo.as_deref().and_then(|bytes| Logo::read(bytes).ok());
        Self {
            sender: Sender {
                name: known.sender_name.unwrap_or_default(),
                address: lines(known.sender_address),
                email: known.sender_email,
                tax_id: known.sender_tax_id,
                terms: known.terms,
                logo,
                currency: known.currency,
            },
            paper: if known.paper == "letter" { Paper::Letter } else { Paper::A4 },
            xero: Organisation {
                account_code: known.xero_account_code,
                tax_type: known.xero_tax_type,
                dates: if known.xero_dates == "month_first" {
                    DateOrder::MonthFirst
                } else {
                    DateOrder::DayFirst
                },
                branding_theme: None,
            },
            seller: LegalEntity {
                country: known.sender_country.unwrap_or_default(),
                vat_id: known.sender_vat_id,
                registration: known.sender_registration,
            },
            no_tax,
        }
    }
}
