//! Keeps the newest [`Snapshot`] and decides, request by request, whether it may still be served.
//!
//! The promise: an answer is never older than the last sync that was committed before the request came in, whoever
//! committed it (this process, another instance, the command line). A notification from PostgreSQL would arrive some
//! time after the commit, so it cannot keep that promise; asking for the version does, because the triggers of
//! `migrations/codex/0002_sync.sql` raise it in the very transaction that changes the board. A question per request
//! would be dear, so requests that wait at the same time share one: each gets the answer to a question that was asked
//! after it came in. Without a database there is no answer; whoever shows the board keeps what it has.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use chrono::{DateTime, Utc};
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use hivematrix_shared::problem::Problem;
use sqlx::PgPool;

use super::{
    board,
    snapshot::{Snapshot, minute_of},
};

type Question = Shared<BoxFuture<'static, Result<i64, Problem>>>;

/// The board's answer, rebuilt when the data or the minute has changed.
#[derive(Clone)]
pub struct BoardCache(Arc<Inner>);

struct Inner {
    pool: PgPool,
    zone: String,
    newest: ArcSwapOption<Snapshot>,
    /// Held by whoever rebuilds, so that all others wait for that one result.
    rebuilding: tokio::sync::Mutex<()>,
    /// The next question: everyone may join it until it is asked.
    next: Mutex<Option<Question>>,
    /// Held while a question is under way.
    asking: tokio::sync::Mutex<()>,
}

impl BoardCache {
    /// An empty cache over a database; display times are written in `zone`.
    pub fn new(pool: PgPool, zone: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            pool,
            zone: zone.into(),
            newest: ArcSwapOption::empty(),
            rebuilding: tokio::sync::Mutex::new(()),
            next: Mutex::new(None),
            asking: tokio::sync::Mutex::new(()),
        }))
    }

    /// The board at `now`, with everything that was committed before this call.
    ///
    /// # Errors
    /// 503 while the database is away.
    pub async fn at(&self, now: DateTime<Utc>) -> Result<Arc<Snapshot>, Problem> {
        let minute = minute_of(now);
        let version = self.version().await?;
        if let Some(snapshot) = self.fitting(minute, version) {
            return Ok(snapshot);
        }
        let _turn = self.0.rebuilding.lock().await;
        if let Some(snapshot) = self.fitting(minute, version) {
            return Ok(snapshot);
        }
        let data = board::load(&self.0.pool, &self.0.zone).await?;
        let snapshot = tokio::task::spawn_blocking(move || Snapshot::new(data, minute))
            .await
            .map_err(Problem::internal)?
            .map_err(Problem::internal)?;
        let snapshot = Arc::new(snapshot);
        self.0.newest.store(Some(Arc::clone(&snapshot)));
        Ok(snapshot)
    }

    fn fitting(&self, minute: DateTime<Utc>, version: i64) -> Option<Arc<Snapshot>> {
        self.0.newest.load_full().filter(|snapshot| snapshot.answers(minute, version))
    }

    /// The version, asked for after this call.
    async fn version(&self) -> Result<i64, Problem> {
        let question = {
            let mut next = self.0.next.lock().unwrap_or_else(PoisonError::into_inner);
            next.get_or_insert_with(|| Arc::clone(&self.0).ask().boxed().shared()).clone()
        };
        question.await
    }
}

impl Inner {
    async fn ask(self: Arc<Self>) -> Result<i64, Problem> {
        let _turn = self.asking.lock().await;
        // From here on newcomers need a later question: this one may be answered before they came in.
        self.next.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(board::version(&self.pool).await?)
    }
}
