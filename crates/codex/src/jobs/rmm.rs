//! What a job does with a system for monitoring and management.

use uuid::Uuid;

use super::work::{Work, push_key};
use crate::store::sync_jobs;
use crate::sync::{DeviceSync, SyncError};

pub(super) async fn perform(id: Uuid, sync: &DeviceSync, work: &Work) -> Result<(), SyncError> {
    match work {
        Work::Devices { push } => {
            sync.devices().await?;
            let Some(mode) = push else { return Ok(()) };
            // Devices are done: the next sync of them may begin while account numbers are written.
            if !sync_jobs::change_key(&sync.pool, id, &push_key(sync.provider.name())).await? {
                sync.report.line("Account numbers are being pushed by another job");
                return Ok(());
            }
            sync.push_account_numbers(*mode).await
        }
        Work::PushAccountNumbers(mode) => sync.push_account_numbers(*mode).await,
        Work::Base(_) | Work::Tickets { .. } | Work::CreateAccountNumbers(_) => {
            unreachable!("work of a PSA")
        }
    }
}
