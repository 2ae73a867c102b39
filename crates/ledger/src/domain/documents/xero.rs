//! Invoices as Xero imports them: the 29 columns of its template `SalesInvoiceTemplate.csv` (Business, Invoices, Import), those
//! with a star required, one row for each line, dated by the period.
//!
//! Xero multiplies quantity and unit amount itself and works out `Total` and `TaxAmount`, so these two stay empty, and a line
//! whose quantity was rounded goes in as one time its amount: what is imported is the bill to the cent.

use chrono::NaiveDate;

use super::{
    cells::harmless,
    document::{InvoiceDocument, Kind},
};

const HEADER: [&str; 29] = [
    "*ContactName",
    "EmailAddress",
    "POAddressLine1",
    "POAddressLine2",
    "POAddressLine3",
    "POAddressLine4",
    "POCity",
    "PORegion",
    "POPostalCode",
    "POCountry",
    "*InvoiceNumber",
    "Reference",
    "*InvoiceDate",
    "*DueDate",
    "Total",
    "InventoryItemCode",
    "*Description",
    "*Quantity",
    "*UnitAmount",
    "Discount",
    "*AccountCode",
    "*TaxType",
    "TaxAmount",
    "TrackingName1",
    "TrackingOption1",
    "TrackingName2",
    "TrackingOption2",
    "Currency",
    "BrandingTheme",
];

/// Letters that Xero has for the name of a contact.
pub const NAME: usize = 255;

/// In which order an organisation in Xero writes day and month.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum DateOrder {
    /// `30/06/2025`: everywhere but in the United States.
    #[default]
    DayFirst,
    /// `06/30/2025`.
    MonthFirst,
}

impl DateOrder {
    fn text(self, date: NaiveDate) -> String {
        let format = match self {
            Self::DayFirst => "%d/%m/%Y",
            Self::MonthFirst => "%m/%d/%Y",
        };
        date.format(format).to_string()
    }
}

/// What an organisation in Xero calls things.
#[derive(Clone, Debug, PartialEq)]
pub struct Organisation {
    /// Code of the account for sales. Xero's own first one is `200`.
    pub account_code: String,
    /// Name of the tax rate, as Xero displays it.
    pub tax_type: String,
    /// How dates are written.
    pub dates: DateOrder,
    /// Name of the branding theme; Xero's default one without.
    pub branding_theme: Option<String>,
}

impl Default for Organisation {
    fn default() -> Self {
        Self {
            account_code: "200".to_owned(),
            tax_type: "Tax Exempt".to_owned(),
            dates: DateOrder::default(),
            branding_theme: None,
        }
    }
}

/// The file, for any number of documents. Credit notes have negative amounts.
pub fn csv<'d>(
    documents: impl IntoIterator<Item = &'d InvoiceDocument<'d>>,
    organisation: &Organisation,
) -> String {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // Writing into memory does not fail, and each record has the cells of the header.
    let _ = writer.write_record(HEADER);
    for document in documents {
        for cells in rows(document, organisation) {
            let _ = writer.write_record(&cells);
        }
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

fn rows(document: &InvoiceDocument<'_>, organisation: &Organisation) -> Vec<[String; HEADER.len()]> {
    let customer = &document.customer;
    let safe = |text: &str| harmless(text).into_owned();
    let address = |line: usize| customer.address.get(line).map(|line| safe(line)).unwrap_or_default();
    let reference = match &document.kind {
        Kind::Invoice => document.period.first_day().format("%B %Y").to_string(),
        Kind::CreditNote { invoice_number, .. } => safe(invoice_number),
    };
    let due = document.due_date.unwrap_or(document.date);
    let none = String::new;
    let mut products: Vec<_> =
        document.lines.iter().map(|line| (safe(&line.description), line.product())).collect();
    if !document.rounding().is_zero() {
        let unit = super::document::Unit::Piece;
        products.push(("Rounding".to_owned(), (rust_decimal::Decimal::ONE, unit, document.rounding())));
    }
    products
        .into_iter()
        .map(|(description, (quantity, _, unit_price))| {
            [
                safe(&customer.name).chars().take(NAME).collect(),
                none(),
                address(0),
                address(1),
                address(2),
                address(3),
                none(),
                none(),
                none(),
                none(),
                safe(&document.number),
                reference.clone(),
                organisation.dates.text(document.date),
                organisation.dates.text(due),
                none(),
                none(),
                description,
                quantity.normalize().to_string(),
                format!("{unit_price:.2}"),
                none(),
                safe(&organisation.account_code),
                safe(&organisation.tax_type),
                none(),
                none(),
                none(),
                none(),
                none(),
                safe(&document.sender.currency),
                organisation.branding_theme.as_deref().map(safe).unwrap_or_default(),
            ]
        })
        .collect()
}
