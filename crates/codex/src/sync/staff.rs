//! Agents and their groups.

use std::collections::HashSet;

use futures::FutureExt as _;

use super::{Sync, SyncError, batches};
use crate::providers::PsaAgent;
use crate::store::sync_staff;

impl Sync {
    /// Agents of the provider, then its groups.
    pub(super) async fn agents(&self) -> Result<(), SyncError> {
        self.report.line(format!("Reading agents from {}", self.provider.display_name()));
        let agents =
            self.whole_list("agents", |page| self.provider.agents(page), |row| row.external_id).await?;
        let groups =
            self.whole_list("groups", |page| self.provider.groups(page), |row| row.external_id).await?;
        let gone = self.gone_agents(&agents).await?;
        let provider = self.provider.name();
        let mut tx = self.pool.begin().await?;
        let stored = batches::store(
            &mut tx,
            &self.report,
            &agents,
            |agent| format!("agent {}", agent.external_id),
            |conn, rows| sync_staff::upsert_agents(conn, provider, rows).boxed(),
        )
        .await?;
        let grouped = batches::store(
            &mut tx,
            &self.report,
            &groups,
            |group| format!("group {}", group.external_id),
            |conn, rows| sync_staff::upsert_groups(conn, provider, rows).boxed(),
        )
        .await?;
        let removed = sync_staff::remove_agents(&mut tx, provider, &gone).await?;
        tx.commit().await?;
        self.report.count(|counts| {
            counts.agents += stored.created + stored.updated;
            counts.groups += grouped.created + grouped.updated;
            counts.removed += removed;
        });
        Ok(())
    }

    pub(super) async fn gone_agents(&self, fetched: &[PsaAgent]) -> Result<Vec<i64>, SyncError> {
        let fetched: HashSet<i64> = fetched.iter().map(|agent| agent.external_id).collect();
        let stored = sync_staff::agent_ids(&self.pool, self.provider.name()).await?;
        let missing: Vec<i64> = stored.iter().copied().filter(|id| !fetched.contains(id)).collect();
        self.confirm_gone("agents", &missing, stored.len(), |id| {
            async move { Ok(self.provider.agent(id).await?.is_none()) }.boxed()
        })
        .await
    }
}
