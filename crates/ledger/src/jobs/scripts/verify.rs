//! Is the archive what was written?

use sqlx::PgPool;

use super::{Listener, WORD};
use crate::bills::verify::{Report, walk};

/// Checks the archive of one company, or of all, and names each document that is not as it was written.
///
/// # Errors
/// When the database cannot be read.
pub async fn verify(pool: &PgPool, account: Option<&str>, listener: &dyn Listener) -> anyhow::Result<bool> {
    let told = |done: usize, of: usize| {
        if done == 0 {
            listener.progress(&format!("Checking the documents of {of} companies"));
        } else if done.is_multiple_of(WORD) {
            listener.progress(&format!("{done} of {of} companies are checked"));
        }
    };
    let Report { companies, documents, faults, .. } = walk(pool, account, told).await?;
    for fault in &faults {
        listener.say(&format!("{}: {}", fault.document, fault.fault));
    }
    listener.say(&format!("{documents} documents of {companies} companies, {} faults.", faults.len()));
    Ok(faults.is_empty())
}
