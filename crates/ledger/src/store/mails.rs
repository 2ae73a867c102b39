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

/// What counts against one more mail.
#[derive(Clone, Debug, Default)]
pub struct Before {
    /// Mails of this person since a moment.
    pub by_person: i64,
    /// When the document went to the same people last.
    pub same_at: Option<DateTime<Utc>>,
}

/// Looks what a person has sent since then, and when this document went to these people last.
///
/// # Errors
/// When the database cannot be read.
pub async fn before(
    pool: &PgPool,
    document: &str,
    recipients: &str,
    by: &str,
    since: DateTime<Utc>,
) -> sqlx::Result<Before> {
    sqlx::query_as!(
        Before,
        r#"select count(*) filter (where sent_by = $3 and sent_at > $4) as "by_person!",
            max(sent_at) filter (where document = $1 and recipients = $2) as same_at
         from document_mails where (sent_by = $3 and sent_at > $4) or document = $1"#,
        document,
        recipients,
        by,
        since
    )
    .fetch_one(pool)
    .await
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
