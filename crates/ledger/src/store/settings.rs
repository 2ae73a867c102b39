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
        "select yearly_pool, hours, currency, sender_name, sender_address, sender_email, sender_tax_id, terms, logo, logo_type
         from billing_settings"
    )
    .fetch_one(executor)
    .await
}

/// Stores them.
///
/// # Errors
/// When the database cannot be written.
pub async fn save(connection: &mut PgConnection, settings: &BillingSettings) -> sqlx::Result<()> {
    sqlx::query!(
        "update billing_settings set yearly_pool = $1, hours = $2, currency = $3, sender_name = $4, sender_address = $5,
            sender_email = $6, sender_tax_id = $7, terms = $8, logo = $9, logo_type = $10",
        settings.yearly_pool,
        settings.hours,
        settings.currency,
        settings.sender_name,
        settings.sender_address,
        settings.sender_email,
        settings.sender_tax_id,
        settings.terms,
        settings.logo,
        settings.logo_type
    )
    .execute(connection)
    .await?;
    Ok(())
}
