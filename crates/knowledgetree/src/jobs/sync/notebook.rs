//! The notes of a sync in the store, changed only by whoever has seen what stands there.

use std::{sync::Arc, time::Duration};

use crate::{
    domain::sync_runs::Runs,
    store::{KnowledgeStore, StoreError},
};

/// So often somebody else may be first.
const TRIES: usize = 20;
/// Until the next try.
const AGAIN: Duration = Duration::from_millis(50);

/// The notes of one sync.
pub(super) struct Notebook {
    store: Arc<dyn KnowledgeStore>,
    key: &'static str,
}

impl Notebook {
    pub(super) fn new(store: Arc<dyn KnowledgeStore>, key: &'static str) -> Self {
        Self { store, key }
    }

    /// What is noted, as text and as it is meant.
    pub(super) async fn read(&self) -> Result<(Option<String>, Runs), StoreError> {
        let text = self.store.state(self.key).await?;
        let runs = text.as_deref().map(serde_json::from_str).transpose();
        let runs = runs.unwrap_or_else(|error| {
            tracing::warn!(key = self.key, %error, "the notes of a sync cannot be read and begin anew");
            None
        });
        Ok((text, runs.unwrap_or_default()))
    }

    /// Changes what is noted; `change` is asked again when somebody else was first. What is noted then, or why nothing was changed.
    pub(super) async fn change<E>(
        &self,
        mut change: impl FnMut(Runs) -> Result<Runs, E>,
    ) -> Result<Result<Runs, E>, StoreError> {
        for _ in 0..TRIES {
            let (text, runs) = self.read().await?;
            let changed = match change(runs) {
                Ok(changed) => changed,
                Err(refused) => return Ok(Err(refused)),
            };
            let written =
                serde_json::to_string(&changed).map_err(|error| StoreError::Failed(error.to_string()))?;
            if self.store.set_state(self.key, text.as_deref(), &written).await? {
                return Ok(Ok(changed));
            }
            tokio::time::sleep(AGAIN).await;
        }
        Err(StoreError::Failed(format!("{} is changed all the time", self.key)))
    }
}
