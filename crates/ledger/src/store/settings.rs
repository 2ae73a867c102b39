//! `billing_settings`: how bills are read where the contract leaves a choice, and what invoices say of their sender.

use sqlx::{PgConnection, PgExecutor};

/// The settings.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct BillingSettings {
    /// `gross` or `net` (rule 47).
    pub yearly_pool: String,
    /// `dated` or `original` (rule 48).
    pub hours: String,
    /// ISO 4217 code.
    pub currency: String,
    /// Name of the sender.
    pub sender_name: Option<String>,
    /// Postal address, in lines.
    pub sender_address: Option<String>,
    /// For questions.
    pub sender_email: Option<String>,
    /// Tax or VAT number.
    pub sender_tax_id: Option<String>,
    /// Terms of payment, at the foot of invoices.
    pub terms: Option<String>,
    /// `a4` or `letter`.
    pub paper: String,
    /// Code of the account for sales in Xero.
    pub xero_account_code: String,
    /// Name of the tax rate in Xero.
    pub xero_tax_type: String,
    /// `day_first` or `month_first`.
    pub xero_dates: String,
    /// Country of the sender, ISO 3166-1, for electronic invoices.
    pub sender_country: Option<String>,
    /// Its number for value added tax.
    pub sender_vat_id: Option<String>,
    /// Its number in a register of companies.
    pub sender_registration: Option<String>,
    /// Why no tax is on invoices: `out_of_scope`, `exempt` or `reverse_charge`; without it there are no electronic invoices.
    pub no_tax: Option<String>,
    /// The words that the law wants for an exemption.
    pub no_tax_reason: Option<String>,
    /// Picture at the head of invoices.
    pub logo: Option<Vec<u8>>,
    /// Its media type.
    pub logo_type: Option<String>,
}

/// Reads them.
///
/// # Errors
/// When the database cannot be read.
pub async fn load(executor: impl PgExecutor<'_>) -> sqlx::Result<BillingSettings> {
    sqlx::query_as!(
        BillingSettings,
        "select yearly_pool, hours, currency, sender_name, sender_address, sender_email, sender_tax_id, terms, paper,
            xero_account_code, xero_tax_type, xero_dates, sender_country, sender_vat_id, sender_registration, no_tax,
            no_tax_reason, logo, logo_type
         from billing_settings"
    )
    .fetch_one(executor)
    .await
}

/// Reads them and keeps others from changing them until the transaction ends.
///
/// # Errors
/// When the database cannot be read.
pub async fn hold(connection: &mut PgConnection) -> sqlx::Result<BillingSettings> {
    sqlx::query!("select id from billing_settings for update").fetch_one(&mut *connection).await?;
    load(connection).await
}

/// Stores them.
///
/// # Errors
/// When the database cannot be written.
pub async fn save(connection: &mut PgConnection, settings: &BillingSettings) -> sqlx::Result<()> {
    sqlx::query!(
        "update billing_settings set yearly_pool = $1, hours = $2, currency = $3, sender_name = $4, sender_address = $5,
            sender_email = $6, sender_tax_id = $7, terms = $8, paper = $9, xero_account_code = $10, xero_tax_type = $11,
            xero_dates = $12, sender_country = $13, sender_vat_id = $14, sender_registration = $15, no_tax = $16,
            no_tax_reason = $17, logo = $18, logo_type = $19",
        settings.yearly_pool,
        settings.hours,
        settings.currency,
        settings.sender_name,
        settings.sender_address,
        settings.sender_email,
        settings.sender_tax_id,
        settings.terms,
        settings.paper,
        settings.xero_account_code,
        settings.xero_tax_type,
        settings.xero_dates,
        settings.sender_country,
        settings.sender_vat_id,
        settings.sender_registration,
        settings.no_tax,
        settings.no_tax_reason,
        settings.logo,
        settings.logo_type
    )
    .execute(connection)
    .await?;
    Ok(())
}
