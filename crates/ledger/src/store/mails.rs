//! `document_mails`: which documents went out by mail.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

/// A mail that went out.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct SentMail {
    /// When.
    pub sent_at: DateTime<Utc>,
    /// Who sent it.
    pub sent_by: String,
    /// To whom: addresses with a comma between them.
    pub recipients: String,
}

/// Notes a mail that went out.
///
/// # Errors
/// When the database cannot be written.
pub async fn note(pool: &PgPool, document: &str, mail: &SentMail) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into document_mails (document, sent_at, sent_by, recipients) values ($1, $2, $3, $4)",
        document,
        mail.sent_at,
        mail.sent_by,
        mail.recipients
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Mails with a document, the last one first.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_document(pool: &PgPool, document: &str) -> sqlx::Result<Vec<SentMail>> {
    sqlx::query_as!(
        SentMail,
        "select sent_at, sent_by, recipients from document_mails where document = $1 order by id desc",
        document
    )
    .fetch_all(pool)
    .await
}

/// Who got the last mail with an invoice of a company.
///
/// # Errors
/// When the database cannot be read.
pub async fn last_of(pool: &PgPool, account_number: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "select m.recipients from document_mails m join billing_snapshots s on s.invoice_number = m.document
         where s.company_account_number = $1 order by m.id desc limit 1",
        account_number
    )
    .fetch_optional(pool)
    .await
}
