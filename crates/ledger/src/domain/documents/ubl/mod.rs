//! Electronic invoices: UBL 2.1 by the European norm EN 16931.
//!
//! Ledger knows no taxes: a bill is what it is, and no tax is added to it. The norm wants every invoice to say why none is
//! (BR-CO-04, BR-CO-18), so an electronic invoice is made only where the operator has said so ([`NoTax`]), and only where
//! all else is there that the norm requires ([`Gap`]). Whoever charges value added tax makes electronic invoices in the
//! accounting program, from the exports for QuickBooks or Xero.
//!
//! It is the norm itself and not Peppol's use of it: for that, addresses in Peppol's network (PEPPOL-EN16931-R010, R020) and a
//! reference of the buyer (R003) would be needed, which nothing here knows.

mod xml;

use rust_decimal::Decimal;
use thiserror::Error;

use super::document::{InvoiceDocument, Kind};

/// Why no value added tax is on an invoice (category of UNTDID 5305, and reason).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NoTax {
    /// `O`: outside the scope of the tax.
    OutOfScope,
    /// `E`: exempt, for instance as a small business. The words that the law wants.
    Exempt {
        /// Reason.
        reason: String,
    },
    /// `AE`: the buyer owes it.
    ReverseCharge,
}

impl NoTax {
    const fn category(&self) -> &'static str {
        match self {
            Self::OutOfScope => "O",
            Self::Exempt { .. } => "E",
            Self::ReverseCharge => "AE",
        }
    }
}

/// What the law calls a company.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LegalEntity {
    /// ISO 3166-1, two letters.
    pub country: String,
    /// Number for value added tax, with its country in front.
    pub vat_id: Option<String>,
    /// Number in a register of companies.
    pub registration: Option<String>,
}

/// What an electronic invoice says beyond the printed one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Legal {
    /// Who sends it.
    pub seller: LegalEntity,
    /// Who gets it.
    pub buyer: LegalEntity,
    /// Why there is no tax.
    pub tax: NoTax,
}

/// What is missing for an electronic invoice, with the rule that asks for it. The texts are for the operator.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Gap {
    /// No lines.
    #[error("the invoice has no line (BR-16)")]
    NoLine,
    /// No currency.
    #[error("the currency must be a code of three letters (BR-05)")]
    Currency,
    /// No name of the sender.
    #[error("the sender has no name (BR-06)")]
    SellerName,
    /// No country of the sender.
    #[error("the sender's country must be a code of two letters (BR-09)")]
    SellerCountry,
    /// No country of the customer.
    #[error("the customer's country must be a code of two letters (BR-11)")]
    BuyerCountry,
    /// No number of the sender that counts.
    #[error("the sender needs a number in a register of companies (BR-CO-26)")]
    SellerRegistration,
    /// No tax number of the sender.
    #[error("the sender needs a VAT number with its country in front (BR-E-02, BR-AE-02, BR-CO-09)")]
    SellerVatId,
    /// A tax number that must not be there.
    #[error("without VAT, neither side may have a VAT number (BR-O-02)")]
    VatId,
    /// No number of the customer.
    #[error("reverse charge needs the customer's VAT number with its country in front (BR-AE-02, BR-CO-09)")]
    BuyerVatId,
    /// No reason.
    #[error("an exemption needs its reason in words (BR-E-10)")]
    Reason,
}

/// The electronic invoice, or electronic credit note.
///
/// # Errors
/// Everything that is missing for one.
pub fn write(document: &InvoiceDocument<'_>, legal: &Legal) -> Result<String, Vec<Gap>> {
    let gaps = gaps(document, legal);
    if gaps.is_empty() { Ok(xml::write(document, legal)) } else { Err(gaps) }
}

fn gaps(document: &InvoiceDocument<'_>, legal: &Legal) -> Vec<Gap> {
    let Legal { seller, buyer, tax } = legal;
    let letters = |text: &str, count: usize| {
        text.len() == count && text.bytes().all(|letter| letter.is_ascii_uppercase())
    };
    let is_vat_id = |id: &Option<String>| {
        id.as_deref().is_some_and(|id| id.len() > 2 && id.get(..2).is_some_and(|country| letters(country, 2)))
    };
    let is_blank = |text: &str| xml::legible(text).trim().is_empty();
    let needs_vat_ids = !matches!(tax, NoTax::OutOfScope);
    let has_registration = seller.registration.as_deref().is_some_and(|number| !is_blank(number));
    [
        (document.lines.is_empty(), Gap::NoLine),
        (!letters(&document.sender.currency, 3), Gap::Currency),
        (is_blank(&document.sender.name), Gap::SellerName),
        (!letters(&seller.country, 2), Gap::SellerCountry),
        (!letters(&buyer.country, 2), Gap::BuyerCountry),
        (!needs_vat_ids && !has_registration, Gap::SellerRegistration),
        (needs_vat_ids && !is_vat_id(&seller.vat_id), Gap::SellerVatId),
        (!needs_vat_ids && (seller.vat_id.is_some() || buyer.vat_id.is_some()), Gap::VatId),
        (matches!(tax, NoTax::ReverseCharge) && !is_vat_id(&buyer.vat_id), Gap::BuyerVatId),
        (matches!(tax, NoTax::Exempt { reason } if is_blank(reason)), Gap::Reason),
    ]
    .into_iter()
    .filter_map(|(is_missing, gap)| is_missing.then_some(gap))
    .collect()
}

/// The amounts of a document as the norm counts them: what a credit note takes off is positive.
fn counted(document: &InvoiceDocument<'_>, amount: Decimal) -> Decimal {
    match document.kind {
        Kind::Invoice => amount,
        Kind::CreditNote { .. } => -amount,
    }
}

#[cfg(test)]
mod tests;
