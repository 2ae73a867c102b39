//! What a job does with a ticketing system.

use std::time::Duration;

use chrono::TimeDelta;
use uuid::Uuid;

use super::work::{Details, Work, detail_key};
use crate::providers::ProviderError;
use crate::store::sync_details::{OnBoard, Stale};
use crate::store::sync_jobs;
use crate::sync::{DetailLimits, Sync, SyncError};

/// How long ago a ticket may have changed to be read again: a booking does not always change its ticket's time.
const RECENT: TimeDelta = TimeDelta::hours(48);
/// A detail phase ends by itself well before the job's limit; what is left stays due.
const LONGEST: Duration = Duration::from_secs(90 * 60);

pub(super) async fn perform(id: Uuid, sync: &Sync, work: &Work) -> Result<(), SyncError> {
    match work {
        Work::Base(parts) => sync.base(parts).await,
        Work::Tickets { reach, details } => {
            sync.tickets(*reach).await?;
            read_details(id, sync, *details).await
        }
        Work::DryRun { parts, tickets } => sync.compare(parts, *tickets).await,
        Work::CreateAccountNumbers(mode) => sync.create_account_numbers(*mode).await,
        Work::Assets { .. } | Work::PushAccountNumbers(_) => {
            let provider = sync.provider.display_name();
            Err(ProviderError::NotSupported { provider, what: "do the work of an RMM" }.into())
        }
    }
}

/// The list phase is over: the job lets the next one begin and reads details, unless another job does so already.
async fn read_details(id: Uuid, sync: &Sync, details: Details) -> Result<(), SyncError> {
    if details == Details::Skip {
        return Ok(());
    }
    let (provider, now) = (sync.provider.name(), sync.clock.now());
    let recently = now - RECENT;
    match details {
        Details::Skip | Details::Due => {}
        Details::Recent => sync.make_due(Stale::Since(recently, OnBoard::No)).await?,
        Details::Refresh => sync.make_due(Stale::Since(recently, OnBoard::Too)).await?,
        Details::All => sync.make_due(Stale::All).await?,
    }
    if !sync_jobs::change_key(&sync.pool, id, &detail_key(provider)).await? {
        sync.report.line("Details are being read by another job");
        return Ok(());
    }
    let changed_since = (details == Details::Recent).then_some(recently);
    sync.details(DetailLimits { tickets: u64::MAX, time: LONGEST, changed_since }).await
}
