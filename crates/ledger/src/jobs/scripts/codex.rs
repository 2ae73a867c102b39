//! Is Codex there, and what does it have?

use super::{Listener, WORD};
use crate::Ledger;

/// Counts what Codex has; not well when it has no companies.
///
/// # Errors
/// When Codex does not answer, or its answer breaks off.
pub async fn sync_from_codex(ledger: &Ledger, listener: &dyn Listener) -> anyhow::Result<bool> {
    listener.progress("Asking Codex for its companies");
    let mut told = ledger.codex.companies(ledger.bills.current_period().map(|period| period.year()));
    let (mut companies, mut assets, mut contacts) = (0_usize, 0, 0);
    while let Some(company) = told.recv().await {
        companies += 1;
        if let Ok(data) = company? {
            assets += data.assets.len();
            contacts += data.contacts.len();
        }
        if companies.is_multiple_of(WORD) {
            listener.progress(&format!("{companies} companies so far"));
        }
    }
    listener.say(&format!("Companies: {companies}\nAssets: {assets}\nContacts: {contacts}"));
    Ok(companies > 0)
}
