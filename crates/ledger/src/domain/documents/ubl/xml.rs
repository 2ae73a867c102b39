//! The elements, in the order that the schemas of UBL ask for.

use std::io;

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};
use rust_decimal::Decimal;

use super::{Legal, LegalEntity, NoTax, counted};
use crate::domain::documents::document::{InvoiceDocument, Kind, Line, Unit};

const NORM: &str = "urn:cen.eu:en16931:2017";
const SCHEMAS: &str = "urn:oasis:names:specification:ubl:schema:xsd:";

type Xml = Writer<Vec<u8>>;

/// Writes a document that has all it needs.
pub(super) fn write(document: &InvoiceDocument<'_>, legal: &Legal) -> String {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    // Writing into memory does not fail.
    let _ = xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
    let _ = root(&mut xml, document, legal);
    String::from_utf8(xml.into_inner()).unwrap_or_default()
}

/// A text without what XML cannot hold (XML 1.0, 2.2).
pub(super) fn legible(text: &str) -> String {
    let is_legible = |letter: &char| matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().filter(is_legible).collect()
}

fn text(xml: &mut Xml, name: &str, text: &str) -> io::Result<()> {
    xml.create_element(name).write_text_content(BytesText::new(legible(text).trim()))?;
    Ok(())
}

/// An element where there is something to say; the norm has no empty ones.
fn some(xml: &mut Xml, name: &str, words: Option<&str>) -> io::Result<()> {
    match words.map(legible).filter(|words| !words.trim().is_empty()) {
        Some(words) => text(xml, name, &words),
        None => Ok(()),
    }
}

fn group(xml: &mut Xml, name: &str, inside: impl FnOnce(&mut Xml) -> io::Result<()>) -> io::Result<()> {
    xml.create_element(name).write_inner_content(inside)?;
    Ok(())
}

fn money(xml: &mut Xml, name: &str, amount: Decimal, currency: &str) -> io::Result<()> {
    let element = xml.create_element(name).with_attribute(("currencyID", currency));
    element.write_text_content(BytesText::new(&format!("{amount:.2}")))?;
    Ok(())
}

fn root(xml: &mut Xml, document: &InvoiceDocument<'_>, legal: &Legal) -> io::Result<()> {
    let name = match document.kind {
        Kind::Invoice => "Invoice",
        Kind::CreditNote { .. } => "CreditNote",
    };
    xml.create_element(name)
        .with_attribute(("xmlns", format!("{SCHEMAS}{name}-2").as_str()))
        .with_attribute(("xmlns:cac", format!("{SCHEMAS}CommonAggregateComponents-2").as_str()))
        .with_attribute(("xmlns:cbc", format!("{SCHEMAS}CommonBasicComponents-2").as_str()))
        .write_inner_content(|xml| {
            head(xml, document)?;
            let sender = document.sender;
            group(xml, "cac:AccountingSupplierParty", |xml| {
                let party = Party {
                    name: &sender.name,
                    number: None,
                    address: &sender.address,
                    email: sender.email.as_deref(),
                };
                party.write(xml, &legal.seller)
            })?;
            let customer = &document.customer;
            group(xml, "cac:AccountingCustomerParty", |xml| {
                let number = Some(customer.account_number.as_str());
                let party = Party { name: &customer.name, number, address: &customer.address, email: None };
                party.write(xml, &legal.buyer)
            })?;
            terms(xml, document)?;
            totals(xml, document, &legal.tax)?;
            for (place, line) in document.lines.iter().enumerate() {
                write_line(xml, document, place + 1, line, &legal.tax)?;
            }
            Ok(())
        })?;
    Ok(())
}

fn head(xml: &mut Xml, document: &InvoiceDocument<'_>) -> io::Result<()> {
    text(xml, "cbc:CustomizationID", NORM)?;
    text(xml, "cbc:ID", &document.number)?;
    text(xml, "cbc:IssueDate", &document.date.to_string())?;
    match &document.kind {
        Kind::Invoice => {
            let due = document.due_date.map(|date| date.to_string());
            some(xml, "cbc:DueDate", due.as_deref())?;
            // UNTDID 1001.
            text(xml, "cbc:InvoiceTypeCode", "380")?;
            some(xml, "cbc:Note", document.notes.as_deref())?;
        }
        Kind::CreditNote { reason, .. } => {
            text(xml, "cbc:CreditNoteTypeCode", "381")?;
            some(xml, "cbc:Note", Some(reason))?;
        }
    }
    text(xml, "cbc:DocumentCurrencyCode", &document.sender.currency)?;
    group(xml, "cac:InvoicePeriod", |xml| {
        text(xml, "cbc:StartDate", &document.period.first_day().to_string())?;
        text(xml, "cbc:EndDate", &document.period.last_day().to_string())
    })?;
    let Kind::CreditNote { invoice_number, .. } = &document.kind else { return Ok(()) };
    group(xml, "cac:BillingReference", |xml| {
        group(xml, "cac:InvoiceDocumentReference", |xml| text(xml, "cbc:ID", invoice_number))
    })
}

struct Party<'a> {
    name: &'a str,
    number: Option<&'a str>,
    address: &'a [String],
    email: Option<&'a str>,
}

impl Party<'_> {
    fn write(&self, xml: &mut Xml, legal: &LegalEntity) -> io::Result<()> {
        group(xml, "cac:Party", |xml| {
            if let Some(number) = self.number.filter(|number| !legible(number).trim().is_empty()) {
                group(xml, "cac:PartyIdentification", |xml| text(xml, "cbc:ID", number))?;
            }
            group(xml, "cac:PostalAddress", |xml| self.write_address(xml, &legal.country))?;
            if let Some(vat_id) = &legal.vat_id {
                group(xml, "cac:PartyTaxScheme", |xml| {
                    text(xml, "cbc:CompanyID", vat_id)?;
                    group(xml, "cac:TaxScheme", |xml| text(xml, "cbc:ID", "VAT"))
                })?;
            }
            group(xml, "cac:PartyLegalEntity", |xml| {
                text(xml, "cbc:RegistrationName", self.name)?;
                some(xml, "cbc:CompanyID", legal.registration.as_deref())
            })?;
            match self.email.filter(|email| !legible(email).trim().is_empty()) {
                Some(email) => group(xml, "cac:Contact", |xml| text(xml, "cbc:ElectronicMail", email)),
                None => Ok(()),
            }
        })
    }

    /// Three lines are all that the norm has (BT-35, BT-36, BT-162); what is beyond them goes into the third.
    fn write_address(&self, xml: &mut Xml, country: &str) -> io::Result<()> {
        let lines: Vec<&str> =
            self.address.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
        some(xml, "cbc:StreetName", lines.first().copied())?;
        some(xml, "cbc:AdditionalStreetName", lines.get(1).copied())?;
        if let Some(rest) = lines.get(2..).filter(|rest| !rest.is_empty()) {
            group(xml, "cac:AddressLine", |xml| text(xml, "cbc:Line", &rest.join(", ")))?;
        }
        group(xml, "cac:Country", |xml| text(xml, "cbc:IdentificationCode", country))
    }
}

/// What is owed has a date or terms (BR-CO-25); of what is credited, the terms say what becomes of it.
fn terms(xml: &mut Xml, document: &InvoiceDocument<'_>) -> io::Result<()> {
    let terms = match &document.kind {
        Kind::Invoice => document.sender.terms.clone(),
        Kind::CreditNote { invoice_number, .. } => Some(format!("Credited against invoice {invoice_number}")),
    };
    let terms = terms.filter(|terms| !legible(terms).trim().is_empty());
    let terms = terms.or_else(|| document.due_date.is_none().then(|| "Due on receipt".to_owned()));
    match terms {
        Some(terms) => group(xml, "cac:PaymentTerms", |xml| text(xml, "cbc:Note", &terms)),
        None => Ok(()),
    }
}

/// No tax on the sum of the lines, which is all there is to pay (BR-CO-10, 13, 15 and 16).
fn totals(xml: &mut Xml, document: &InvoiceDocument<'_>, tax: &NoTax) -> io::Result<()> {
    let currency = &document.sender.currency;
    let sum = counted(document, document.sum_of_lines());
    let rounding = counted(document, document.rounding());
    group(xml, "cac:TaxTotal", |xml| {
        money(xml, "cbc:TaxAmount", Decimal::ZERO, currency)?;
        group(xml, "cac:TaxSubtotal", |xml| {
            money(xml, "cbc:TaxableAmount", sum, currency)?;
            money(xml, "cbc:TaxAmount", Decimal::ZERO, currency)?;
            group(xml, "cac:TaxCategory", |xml| {
                rate(xml, tax)?;
                let (code, reason) = match tax {
                    NoTax::OutOfScope => (Some("VATEX-EU-O"), "Not subject to VAT"),
                    NoTax::Exempt { reason } => (None, reason.as_str()),
                    NoTax::ReverseCharge => (Some("VATEX-EU-AE"), "Reverse charge"),
                };
                some(xml, "cbc:TaxExemptionReasonCode", code)?;
                text(xml, "cbc:TaxExemptionReason", reason)?;
                group(xml, "cac:TaxScheme", |xml| text(xml, "cbc:ID", "VAT"))
            })
        })
    })?;
    group(xml, "cac:LegalMonetaryTotal", |xml| {
        for name in ["cbc:LineExtensionAmount", "cbc:TaxExclusiveAmount", "cbc:TaxInclusiveAmount"] {
            money(xml, name, sum, currency)?;
        }
        if !rounding.is_zero() {
            money(xml, "cbc:PayableRoundingAmount", rounding, currency)?;
        }
        money(xml, "cbc:PayableAmount", counted(document, document.total), currency)
    })
}

/// Category and rate. What is out of scope has no rate, not even zero (BR-O-05).
fn rate(xml: &mut Xml, tax: &NoTax) -> io::Result<()> {
    text(xml, "cbc:ID", tax.category())?;
    match tax {
        NoTax::OutOfScope => Ok(()),
        NoTax::Exempt { .. } | NoTax::ReverseCharge => text(xml, "cbc:Percent", "0"),
    }
}

fn write_line(
    xml: &mut Xml,
    document: &InvoiceDocument<'_>,
    number: usize,
    line: &Line,
    tax: &NoTax,
) -> io::Result<()> {
    let (element, quantity_element) = match document.kind {
        Kind::Invoice => ("cac:InvoiceLine", "cbc:InvoicedQuantity"),
        Kind::CreditNote { .. } => ("cac:CreditNoteLine", "cbc:CreditedQuantity"),
    };
    let currency = &document.sender.currency;
    let (quantity, unit, price) = line.product();
    let quantity = counted(document, quantity);
    // A price is never negative (BR-27); what is taken off has a negative quantity.
    let (quantity, price) = if price.is_sign_negative() { (-quantity, -price) } else { (quantity, price) };
    // UN/ECE recommendation 20.
    let unit = match unit {
        Unit::Piece => "C62",
        Unit::Hour => "HUR",
    };
    let name =
        if legible(&line.description).trim().is_empty() { line.kind.name() } else { &line.description };
    group(xml, element, |xml| {
        text(xml, "cbc:ID", &number.to_string())?;
        xml.create_element(quantity_element)
            .with_attribute(("unitCode", unit))
            .write_text_content(BytesText::new(&quantity.normalize().to_string()))?;
        money(xml, "cbc:LineExtensionAmount", counted(document, line.amount), currency)?;
        group(xml, "cac:Item", |xml| {
            text(xml, "cbc:Name", name)?;
            group(xml, "cac:ClassifiedTaxCategory", |xml| {
                rate(xml, tax)?;
                group(xml, "cac:TaxScheme", |xml| text(xml, "cbc:ID", "VAT"))
            })
        })?;
        group(xml, "cac:Price", |xml| money(xml, "cbc:PriceAmount", price, currency))
    })
}
