//! Agents and their groups.

use std::collections::HashSet;

use futures::FutureExt as _;

use super::batches::Stored;
use super::{Sync, SyncError, attempts, batches};
use crate::providers::{PsaAgent, PsaGroup};
use crate::store::{sync_staff, unit};

impl Sync {
    /// Agents of the provider, then its groups.
    pub(super) async fn agents(&self) -> Result<(), SyncError> {
        self.report.line(format!("Reading agents from {}", self.provider.display_name()));
        let agents =
            self.whole_list("agents", |page| self.provider.agents(page), |row| row.external_id).await?;
        let groups =
            self.whole_list("groups", |page| self.provider.groups(page), |row| row.external_id).await?;
        let gone = self.gone_agents(&agents).await?;
        let (stored, grouped, removed) =
            attempts::persist(|| self.write_staff(&agents, &groups, &gone)).await?;
        self.report.warn_all(stored.refused.into_iter().chain(grouped.refused));
        let (stored, grouped) = (stored.written, grouped.written);
        self.report.count(|counts| {
            counts.agents += stored.created + stored.updated;
            counts.groups += grouped.created + grouped.updated;
            counts.removed += removed;
        });
        Ok(())
    }

    async fn write_staff(
        &self,
        agents: &[PsaAgent],
        groups: &[PsaGroup],
        gone: &[i64],
    ) -> sqlx::Result<(Stored, Stored, u64)> {
        let provider = self.provider.name();
        let mut tx = unit::begin(&self.pool).await?;
        let stored = batches::store(
            &mut tx,
            agents,
            |agent| format!("agent {}", agent.external_id),
            |conn, rows| sync_staff::upsert_agents(conn, provider, rows).boxed(),
        )
        .await?;
        let grouped = batches::store(
            &mut tx,
            groups,
            |group| format!("group {}", group.external_id),
            |conn, rows| sync_staff::upsert_groups(conn, provider, rows).boxed(),
        )
        .await?;
        let removed = sync_staff::remove_agents(&mut tx, provider, gone).await?;
        tx.commit().await?;
        Ok((stored, grouped, removed))
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
