//! One run: the work, and beside it the sign of life that tells other instances that it is done here.

use std::{
    future::{self, Future},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::{sync::mpsc::Receiver, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Kind, Order, SyncError, Syncs, companies, tickets};
use crate::{
    clients::codex::{CodexError, Piece, Wanted},
    domain::{
        item::Author,
        sync_runs::{Ended, Outcome, Progress, Reached, Runs},
        synced::{SyncRun, SyncedItem},
    },
    store::{KnowledgeStore, StoreError},
};

/// Between two signs of life.
const BEAT: Duration = Duration::from_secs(3);
/// Items that are handed to the store together.
const ITEMS: usize = 500;
/// A store that is away is asked so often, and in between is waited so long.
const TRIES: usize = 10;
const AGAIN: Duration = Duration::from_secs(2);
/// Who is noted as having changed what a sync changes.
const AUTHOR: &str = "Codex";

/// Hears how far a run is.
pub trait Listener: Send + Sync {
    /// A line.
    fn say(&self, line: &str);
}

/// Nobody listens.
impl Listener for () {
    fn say(&self, _: &str) {}
}

/// A run that has been noted as begun.
pub(super) struct Run {
    syncs: Syncs,
    order: Order,
    run_id: String,
    job_id: Uuid,
    /// As it was noted when the run began.
    pub(super) runs: Runs,
    /// Cancelled with the reason in `why`.
    stop: CancellationToken,
    why: Mutex<Option<SyncError>>,
    progress: Mutex<Progress>,
    listener: Arc<dyn Listener>,
}

impl Run {
    pub(super) fn new(
        syncs: Syncs,
        order: Order,
        runs: Runs,
        job_id: Uuid,
        listener: Arc<dyn Listener>,
    ) -> Self {
        Self {
            syncs,
            order,
            runs,
            job_id,
            run_id: job_id.to_string(),
            stop: CancellationToken::new(),
            why: Mutex::default(),
            progress: Mutex::default(),
            listener,
        }
    }

    /// Runs to the end and notes it. None where another instance has taken over, which notes for itself.
    pub(super) async fn carry_out(self) -> Option<Ended> {
        let ended = self.with_signs_of_life(self.work()).await;
        let (job_id, sync) = (self.job_id, self.order.kind.key());
        let ended = match ended {
            Ok(reached) => Ok(reached),
            Err(SyncError::TakenOver) => {
                tracing::error!(job = %job_id, sync, "another instance took a sync for dead");
                return None;
            }
            Err(error @ SyncError::Cancelled) => Err((Outcome::Cancelled, error.to_string())),
            Err(error) => Err((Outcome::Failed, error.to_string())),
        };
        match &ended {
            Ok(_) => tracing::info!(job = %job_id, sync, progress = ?self.progress(), "a sync is complete"),
            Err((_, reason)) => tracing::warn!(job = %job_id, sync, reason, "a sync did not come to its end"),
        }
        self.note_end(ended).await
    }

    async fn work(&self) -> Result<Reached, SyncError> {
        match self.order.kind {
            Kind::Companies => companies::run(self).await,
            Kind::Tickets => tickets::run(self).await,
        }
    }

    async fn note_end(&self, ended: Result<Reached, (Outcome, String)>) -> Option<Ended> {
        let notebook = self.syncs.notebook(self.order.kind);
        let progress = self.progress();
        for _ in 0..TRIES {
            let now = self.syncs.context.clock.now();
            let changed = notebook
                .change(|runs| runs.over(self.job_id, progress.clone(), ended.clone(), now).ok_or(()))
                .await;
            match changed {
                Ok(Ok(runs)) => return runs.last,
                Ok(Err(())) => return None,
                Err(error) => {
                    tracing::warn!(job = %self.job_id, %error, "the end of a sync could not be noted")
                }
            }
            if self.syncs.context.shutdown.is_cancelled() {
                break;
            }
            tokio::time::sleep(AGAIN).await;
        }
        // Not heard of any more, it counts as failed in a minute.
        None
    }

    /// Does the work, and tells every few seconds that somebody does.
    async fn with_signs_of_life(
        &self,
        work: impl Future<Output = Result<Reached, SyncError>>,
    ) -> Result<Reached, SyncError> {
        let beats = async {
            let mut beat = tokio::time::interval(BEAT);
            beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                beat.tick().await;
                self.beat().await;
            }
        };
        let stopping = async {
            self.syncs.context.shutdown.cancelled().await;
            self.end(SyncError::Stopped);
            future::pending::<()>().await;
        };
        // All of them go on while one waits: the work may hold a connection that a sign of life needs.
        tokio::select! {
            ended = work => ended,
            () = beats => Err(SyncError::Stopped),
            () = stopping => Err(SyncError::Stopped),
        }
    }

    async fn beat(&self) {
        let now = self.syncs.context.clock.now();
        let progress = self.progress();
        let notebook = self.syncs.notebook(self.order.kind);
        match notebook.change(|runs| runs.heard(self.job_id, &progress, now).ok_or(())).await {
            Ok(Ok(runs)) => {
                if runs.current.is_some_and(|current| current.is_to_end) {
                    self.end(SyncError::Cancelled);
                }
            }
            Ok(Err(())) => self.end(SyncError::TakenOver),
            // The work notices for itself whether the store is away for good.
            Err(error) => tracing::debug!(%error, "a sync could not tell how far it is"),
        }
    }

    fn end(&self, why: SyncError) {
        self.why.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
        self.stop.cancel();
    }

    fn ended(&self) -> SyncError {
        self.why.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or(SyncError::Stopped)
    }

    /// The next piece of Codex's answer; none at its end.
    pub(super) async fn next(
        &self,
        pieces: &mut Receiver<Result<Piece, CodexError>>,
    ) -> Result<Option<Piece>, SyncError> {
        match self.stop.run_until_cancelled(pieces.recv()).await {
            None => Err(self.ended()),
            Some(None) => Ok(None),
            Some(Some(piece)) => Ok(Some(piece?)),
        }
    }

    /// Hands items to the store, some at a time; their ids in the same order.
    pub(super) async fn write(&self, items: &[SyncedItem]) -> Result<Vec<String>, SyncError> {
        let mut ids = Vec::with_capacity(items.len());
        for some in items.chunks(ITEMS) {
            let author = self.author();
            let outcome = self.patiently(|| self.store().sync_items(self.sync_run(), some, &author)).await?;
            self.note(|progress| {
                progress.created += outcome.created;
                progress.updated += outcome.updated;
                progress.unchanged += outcome.unchanged;
            });
            ids.extend(outcome.ids);
        }
        Ok(ids)
    }

    /// Does something with the store; where that is away, again after a while.
    pub(super) async fn patiently<T, F: Future<Output = Result<T, StoreError>>>(
        &self,
        mut ask: impl FnMut() -> F,
    ) -> Result<T, SyncError> {
        let mut left = TRIES;
        loop {
            if self.stop.is_cancelled() {
                return Err(self.ended());
            }
            match ask().await {
                Err(StoreError::Unavailable(reason)) if left > 0 => {
                    left -= 1;
                    tracing::warn!(reason, "the store is away, the sync waits");
                    if self.stop.run_until_cancelled(tokio::time::sleep(AGAIN)).await.is_none() {
                        return Err(self.ended());
                    }
                }
                answer => return Ok(answer?),
            }
        }
    }

    /// Pieces of Codex's answer.
    pub(super) fn pieces(&self, wanted: Wanted) -> Receiver<Result<Piece, CodexError>> {
        self.syncs.codex.pieces(wanted)
    }

    /// The tree.
    pub(super) fn store(&self) -> &dyn KnowledgeStore {
        self.syncs.store.as_ref()
    }

    /// What marks the items of this run.
    pub(super) fn sync_run(&self) -> SyncRun<'_> {
        SyncRun { source: self.order.kind.source(), run_id: &self.run_id }
    }

    /// Who changes the tree.
    pub(super) fn author(&self) -> Author<'static> {
        Author { user: AUTHOR, is_admin: true, at: self.now() }
    }

    /// Now.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.syncs.context.clock.now()
    }

    /// Whether everything is wanted anew.
    pub(super) fn overwrite(&self) -> bool {
        self.order.overwrite
    }

    /// How far it is.
    pub(super) fn progress(&self) -> Progress {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes how far it is.
    pub(super) fn note(&self, note: impl FnOnce(&mut Progress)) {
        note(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Tells whoever listens.
    pub(super) fn say(&self, line: &str) {
        self.listener.say(line);
    }
}
