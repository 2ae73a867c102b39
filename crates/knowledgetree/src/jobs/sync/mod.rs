//! The syncs from Codex (knowledgetree.md §9) as jobs: of each kind one at a time, whichever instance runs it, with its progress where
//! every instance sees it. A run that is cut off leaves a tree in order and removes nothing; the next one does the rest.

mod companies;
mod items;
mod notebook;
mod run;
mod schedule;
mod tickets;

use std::sync::Arc;

use hivematrix_shared::context::ServiceContext;
use tokio::sync::oneshot;
use uuid::Uuid;

pub use self::run::Listener;
use self::{notebook::Notebook, run::Run};
use crate::{
    clients::codex::{Codex, CodexError},
    config::SyncSettings,
    domain::sync_runs::{Ended, Progress, Running, Runs},
    store::{KnowledgeStore, StoreError},
};

/// Which sync.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Companies with people and devices (§9.2).
    Companies,
    /// Tickets (§9.3).
    Tickets,
}

impl Kind {
    /// Source of its items: what one sync does not show, it removes among its own only.
    fn source(self) -> &'static str {
        match self {
            Self::Companies => COMPANIES_SOURCE,
            Self::Tickets => "codex-tickets",
        }
    }

    /// Where its runs are noted.
    fn key(self) -> &'static str {
        match self {
            Self::Companies => "sync:codex",
            Self::Tickets => "sync:tickets",
        }
    }

    /// As upstream's messages call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Companies => "Codex sync",
            Self::Tickets => "Ticket sync",
        }
    }
}

/// Source of companies, people and devices.
const COMPANIES_SOURCE: &str = "codex";

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Order {
    /// Which sync.
    pub kind: Kind,
    /// Who wants it.
    pub by: String,
    /// Everything anew, not only what changed since the last run.
    pub overwrite: bool,
}

/// Why a sync did not start.
#[derive(Debug, thiserror::Error)]
pub enum NotStarted {
    /// One of its kind is running.
    #[error(transparent)]
    Running(#[from] Running),
    /// It is not known where Codex is.
    #[error("Codex is not configured")]
    NotConfigured,
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a run did not come to its end.
#[derive(Debug, thiserror::Error)]
enum SyncError {
    /// Codex does not answer, or not to the end.
    #[error("{0}")]
    Codex(#[from] CodexError),
    /// The tree's store does not take it.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// Codex's answer is whole, and cannot be meant so.
    #[error("{0}")]
    Refused(String),
    /// Somebody ended it.
    #[error("The sync was ended. What it wrote stays.")]
    Cancelled,
    /// The service ends.
    #[error("The service stopped while the sync ran. What it wrote stays; started again, it does the rest.")]
    Stopped,
    /// Another instance took this one for dead.
    #[error("The sync was not heard of for a minute, and another one has begun.")]
    TakenOver,
}

impl SyncError {
    /// Codex's answer is whole, and there is nothing in it: one that was set up anew shall not empty the tree.
    fn nothing(progress: &Progress) -> Self {
        Self::Refused(match progress.problems.first() {
            Some(problem) => {
                format!("Nothing of what Codex sent can be read: {problem}. Nothing was changed.")
            }
            None => "Codex knows no company. Nothing was changed.".to_owned(),
        })
    }
}

/// Runs the syncs. Cheap to clone.
#[derive(Clone)]
pub struct Syncs {
    context: ServiceContext,
    store: Arc<dyn KnowledgeStore>,
    codex: Codex,
    settings: SyncSettings,
}

impl Syncs {
    /// Between Codex and this store; starts nothing.
    pub fn new(context: ServiceContext, store: Arc<dyn KnowledgeStore>, settings: SyncSettings) -> Self {
        let codex = Codex::new(context.client.clone());
        Self { context, store, codex, settings }
    }

    /// Whether it is known where Codex is.
    pub fn is_configured(&self) -> bool {
        self.codex.is_configured()
    }

    /// Starts a sync in the background: its id, and its end for whoever waits, which is none where that could not be noted.
    /// `listener` hears how far it is.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(
        &self,
        order: Order,
        listener: Arc<dyn Listener>,
    ) -> Result<(Uuid, oneshot::Receiver<Option<Ended>>), NotStarted> {
        if !self.is_configured() {
            return Err(NotStarted::NotConfigured);
        }
        let job_id = Uuid::new_v4();
        let now = self.context.clock.now();
        let notebook = self.notebook(order.kind);
        let runs = notebook.change(|runs| runs.begun(job_id, &order.by, order.overwrite, now)).await??;
        tracing::info!(job = %job_id, sync = order.kind.key(), by = order.by, "a sync begins");
        let run = Run::new(self.clone(), order, runs, job_id, listener);
        let (sender, end) = oneshot::channel();
        // Watches the shutdown itself, so that it can note that it ended.
        self.context.spawn_graceful(async move {
            // Whether anybody waits makes no difference.
            let _ = sender.send(run.carry_out().await);
        });
        Ok((job_id, end))
    }

    /// Ends a run between two steps, wherever it runs: the one with this id, or whichever runs. Whether there was one.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn cancel(&self, kind: Kind, job_id: Option<Uuid>) -> Result<bool, StoreError> {
        let now = self.context.clock.now();
        let changed = self.notebook(kind).change(|runs| runs.to_end(job_id, now).ok_or(())).await?;
        Ok(changed.is_ok())
    }

    /// What is noted of a sync.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn runs(&self, kind: Kind) -> Result<Runs, StoreError> {
        let (_, runs) = self.notebook(kind).read().await?;
        Ok(runs.buried(self.context.clock.now()))
    }

    fn notebook(&self, kind: Kind) -> Notebook {
        Notebook::new(self.store.clone(), kind.key())
    }
}
