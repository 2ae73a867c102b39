//! What a job does with a system for monitoring and management.

use uuid::Uuid;

use super::work::{Work, push_key};
use crate::providers::ProviderError;
use crate::store::sync_jobs;
use crate::sync::{AssetSync, SyncError};

pub(super) async fn perform(id: Uuid, sync: &AssetSync, work: &Work) -> Result<(), SyncError> {
    match work {
        Work::Assets { push } => {
            sync.assets().await?;
            let Some(mode) = push else { return Ok(()) };
            // Assets are done: the next sync of them may begin while account numbers are written.
            if !sync_jobs::change_key(&sync.pool, id, &push_key(sync.provider.name())).await? {
                sync.report.line("Account numbers are being pushed by another job");
                return Ok(());
            }
            sync.push_account_numbers(*mode).await
        }
        Work::PushAccountNumbers(mode) => sync.push_account_numbers(*mode).await,
        Work::Base(_) | Work::Tickets { .. } | Work::DryRun { .. } | Work::CreateAccountNumbers(_) => {
            let provider = sync.provider.display_name();
            Err(ProviderError::NotSupported { provider, what: "do the work of a ticketing system" }.into())
        }
    }
}
