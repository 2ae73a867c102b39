//! `hivematrix-ledger sync-from-codex`: is Codex there, and what does it have?

use std::process::ExitCode;

use hivematrix_shared::context::ServiceContext;
use sqlx::PgPool;

use super::say;
use crate::{Ledger, config::Settings};

/// Asks and tells.
///
/// # Errors
/// When Codex does not answer.
pub async fn run(settings: &Settings, pool: PgPool) -> anyhow::Result<ExitCode> {
    let context = ServiceContext::start_without_shipping("ledger", settings.common.clone())?;
    let ledger = Ledger::new(context.clone(), settings, pool);
    let counted = count(&ledger).await;
    context.stop().await;
    let (companies, assets, contacts) = counted?;
    say(&format!("Companies: {companies}\nAssets: {assets}\nContacts: {contacts}"));
    Ok(if companies == 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn count(ledger: &Ledger) -> anyhow::Result<(usize, usize, usize)> {
    let mut companies = ledger.codex.companies(ledger.bills.current_period().map(|period| period.year()));
    let mut counts = (0, 0, 0);
    while let Some(company) = companies.recv().await {
        counts.0 += 1;
        if let Ok(data) = company? {
            counts.1 += data.assets.len();
            counts.2 += data.contacts.len();
        }
    }
    Ok(counts)
}
