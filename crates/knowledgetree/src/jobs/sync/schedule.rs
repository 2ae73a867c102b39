//! Syncs that begin by themselves, where an interval is set.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;

use super::{Kind, NotStarted, Order, Syncs};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(15);

impl Syncs {
    /// Follows the schedule until the service stops. Of several instances, whichever looks first begins.
    pub async fn follow(self) {
        let intervals = [
            (Kind::Companies, self.settings.company_sync_seconds),
            (Kind::Tickets, self.settings.ticket_sync_seconds),
        ];
        let intervals: Vec<(Kind, TimeDelta)> = intervals
            .into_iter()
            .filter_map(|(kind, seconds)| {
                Some((kind, TimeDelta::seconds(seconds.filter(|s| *s > 0)?.into())))
            })
            .collect();
        if intervals.is_empty() {
            return;
        }
        loop {
            for (kind, interval) in &intervals {
                if let Err(error) = self.look(*kind, *interval).await {
                    tracing::warn!(%error, sync = kind.key(), "the schedule of a sync could not be followed");
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn look(&self, kind: Kind, interval: TimeDelta) -> Result<(), NotStarted> {
        let now = self.context.clock.now();
        // Tickets go into the folders that the other one makes.
        if kind == Kind::Tickets && self.runs(Kind::Companies).await?.running(now).is_some() {
            return Ok(());
        }
        let (_, runs) = self.notebook(kind).read().await?;
        if !runs.is_due(interval, now) {
            return Ok(());
        }
        let order = Order { kind, by: "schedule".to_owned(), overwrite: false };
        match self.start(order, Arc::new(())).await {
            // Somebody else was first.
            Err(NotStarted::Running(_)) | Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
