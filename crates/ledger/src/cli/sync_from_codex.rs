//! `hivematrix-ledger sync-from-codex`: is Codex there, and what does it have?

use std::process::ExitCode;

use hivematrix_shared::context::ServiceContext;
use sqlx::PgPool;

use super::{Shell, ended};
use crate::{Ledger, config::Settings, jobs::scripts};

/// Asks and tells.
///
/// # Errors
/// When Codex does not answer.
pub async fn run(settings: &Settings, pool: PgPool) -> anyhow::Result<ExitCode> {
    let context = ServiceContext::start_without_shipping("ledger", settings.common.clone())?;
    let ledger = Ledger::new(context.clone(), settings, pool);
    let is_well = scripts::sync_from_codex(&ledger, &Shell).await;
    context.stop().await;
    Ok(ended(is_well?))
}
