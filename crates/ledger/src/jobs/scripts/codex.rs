//! Is Codex there, and what does it have?

use super::{Listener, WORD};
use crate::{Ledger, clients::codex::Years};

/// Counts what Codex has; not well when it has no companies.
///
/// # Errors
/// When Codex does not answer, or its answer breaks off.
pub async fn sync_from_codex(ledger: &Ledger, listener: &dyn Listener) -> anyhow::Result<bool> {
    listener.progress("Asking Codex for its companies");
    let years = ledger.bills.current_period().map_or(Years::All, |period| Years::One(period.year()));
    let mut told = ledger.codex.companies(years);
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
