//! What a job does with a ticketing system.

use chrono::TimeDelta;
use uuid::Uuid;

use super::work::{Details, Work, detail_key, detail_limits};
use crate::store::{sync_details, sync_jobs};
use crate::sync::{Sync, SyncError};

pub(super) async fn perform(id: Uuid, sync: &Sync, work: &Work) -> Result<(), SyncError> {
    match work {
        Work::Base(parts) => sync.base(parts).await,
        Work::Tickets { reach, details } => {
            sync.tickets(*reach).await?;
            read_details(id, sync, *details).await
        }
        Work::CreateAccountNumbers(mode) => sync.create_account_numbers(*mode).await,
        Work::Devices { .. } | Work::PushAccountNumbers(_) => unreachable!("work of an RMM"),
    }
}

/// The list phase is over: the job lets the next one begin and reads details, unless another job does so already.
async fn read_details(id: Uuid, sync: &Sync, details: Details) -> Result<(), SyncError> {
    if details == Details::Skip {
        return Ok(());
    }
    let provider = sync.provider.name();
    if details == Details::Refresh {
        let now = sync.clock.now();
        sync_details::make_due(&sync.pool, provider, now - TimeDelta::hours(48), now).await?;
    }
    if !sync_jobs::change_key(&sync.pool, id, &detail_key(provider)).await? {
        sync.report.line("Details are being read by another job");
        return Ok(());
    }
    sync.details(detail_limits(details)).await
}
