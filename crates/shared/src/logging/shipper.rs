//! Brings log entries to Helm: batched, in order, with the disk in between when Helm is away.
//!
//! A batch goes straight to the sink as long as nothing waits on disk. When the sink fails, or is too slow for the
//! queue, batches go to the spool and are replayed from there, oldest first, until it is empty again.

use std::{
    io,
    sync::{Arc, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    LogHandle, LogSink, SinkError,
    queue::Queued,
    spool::{Batch, MAX_ENTRIES, Spool},
};
use crate::contracts::helm::LogBatch;

/// How patient the shipper is.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    /// How long an entry may wait for company.
    pub(super) flush_after: Duration,
    /// Least time between two rounds: under load requests become larger, not more. Helm limits their number.
    pub(super) round: Duration,
    /// First pause after a failure; doubles up to `retry_max`.
    pub(super) retry_min: Duration,
    pub(super) retry_max: Duration,
    /// How long the sink may still take when the process is stopping.
    pub(super) last_try: Duration,
    /// Failures in a row before somebody is told: peers that start together need a moment.
    pub(super) patience: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            flush_after: Duration::from_secs(1),
            round: Duration::from_millis(100),
            retry_min: Duration::from_secs(1),
            retry_max: Duration::from_secs(30),
            last_try: Duration::from_secs(2),
            patience: 4,
        }
    }
}

/// How long no line must have been dropped until the shortage counts as over.
const CALM: Duration = Duration::from_secs(10);
/// How often files of other processes are looked for.
const RESCAN_EVERY: Duration = Duration::from_secs(60);

pub(super) struct Shipper<S> {
    handle: LogHandle,
    sink: S,
    pace: Pace,
    shutdown: CancellationToken,
    /// Failures of the sink in a row.
    failures: u32,
    /// The sink is left alone until then.
    retry_at: Instant,
    /// The disk failed as well: nothing is moved until then.
    stuck_until: Instant,
    next_round: Instant,
    rescan_at: Instant,
    shortage: Shortage,
    outage_announced: bool,
    disk_announced: bool,
}

/// What is known about dropped lines.
#[derive(Default)]
struct Shortage {
    seen: u64,
    began_at: Option<u64>,
    last_drop: Option<Instant>,
}

impl<S: LogSink> Shipper<S> {
    pub(super) fn new(handle: LogHandle, sink: S, pace: Pace, shutdown: CancellationToken) -> Self {
        let now = Instant::now();
        Self {
            handle,
            sink,
            pace,
            shutdown,
            failures: 0,
            retry_at: now,
            stuck_until: now,
            next_round: now,
            rescan_at: now,
            shortage: Shortage::default(),
            outage_announced: false,
            disk_announced: false,
        }
    }

    /// Ships until the token is cancelled; then everything still waiting is sent or written to disk.
    pub(super) async fn run(mut self) {
        while !self.shutdown.is_cancelled() {
            self.rescan().await;
            tokio::select! {
                () = self.shutdown.cancelled() => {}
                () = self.work_to_do() => {
                    self.next_round = Instant::now() + self.pace.round;
                    self.flush().await;
                    self.report_shortage();
                }
            }
        }
        self.finish().await;
    }

    async fn work_to_do(&self) {
        sleep_until(self.stuck_until.max(self.next_round)).await;
        tokio::select! {
            () = self.handle.queue().full_batch() => {}
            () = async {
                self.handle.queue().arrived().await;
                sleep(self.pace.flush_after).await;
            } => {}
            () = sleep_until(self.retry_at), if self.has_backlog() => {}
            () = sleep(CALM), if self.shortage.began_at.is_some() => {}
        }
    }

    /// One round: everything that waits in memory, and what waits on disk as long as the sink takes it.
    async fn flush(&mut self) {
        loop {
            let batch = self.handle.take_batch(MAX_ENTRIES);
            if self.has_backlog() || !self.may_send() {
                self.keep(batch).await;
                if self.may_send() {
                    self.replay().await;
                }
            } else if !batch.entries.is_empty() && !self.send(&batch.entries).await {
                self.keep(batch).await;
            }
            let more = self.handle.queue().len() >= MAX_ENTRIES || (self.may_send() && self.has_backlog());
            if !more || self.is_stuck() || self.shutdown.is_cancelled() {
                return;
            }
        }
    }

    fn may_send(&self) -> bool {
        Instant::now() >= self.retry_at
    }

    fn is_stuck(&self) -> bool {
        Instant::now() < self.stuck_until
    }

    fn has_backlog(&self) -> bool {
        self.handle.spool().lock().unwrap_or_else(PoisonError::into_inner).has_backlog()
    }

    /// Sends the oldest file and deletes it.
    async fn replay(&mut self) {
        let stored = match on_disk(&self.handle, Spool::oldest).await {
            Ok(Some(stored)) => stored,
            Ok(None) => return,
            Err(error) => return self.stuck(&error),
        };
        let sent = self.send(&stored.entries).await;
        let settled = on_disk(
            &self.handle,
            move |spool| if sent { spool.remove(&stored.name) } else { spool.release() },
        );
        if let Err(error) = settled.await {
            self.stuck(&error);
        }
    }

    /// Gives entries to the sink. While it works, a filling queue is emptied to disk.
    async fn send(&mut self, entries: &[Queued]) -> bool {
        let outcome = self.send_watched(entries).await;
        match &outcome {
            Ok(()) => self.succeeded(),
            Err(error) => self.failed(error),
        }
        outcome.is_ok()
    }

    async fn send_watched(&self, entries: &[Queued]) -> Result<(), SinkError> {
        let delivery = deliver(&self.sink, &self.handle, entries);
        tokio::pin!(delivery);
        let stopping = async {
            self.shutdown.cancelled().await;
            sleep(self.pace.last_try).await;
        };
        tokio::pin!(stopping);
        let mut disk_works = true;
        loop {
            tokio::select! {
                outcome = &mut delivery => return outcome,
                () = &mut stopping => return Err(SinkError::unavailable("no answer before the service stopped")),
                () = self.handle.queue().pressure(), if disk_works => {
                    disk_works = store(&self.handle, self.handle.take_batch(MAX_ENTRIES)).await.is_ok();
                }
            }
        }
    }

    fn succeeded(&mut self) {
        self.failures = 0;
        self.retry_at = Instant::now();
        if std::mem::take(&mut self.outage_announced) {
            tracing::info!("Helm takes log lines again");
        }
    }

    fn failed(&mut self, error: &SinkError) {
        let doubled = self.pace.retry_min.saturating_mul(1 << self.failures.min(16));
        let pause = error.retry_after().unwrap_or(doubled).clamp(self.pace.retry_min, self.pace.retry_max);
        self.failures = self.failures.saturating_add(1);
        self.retry_at = Instant::now() + pause;
        if self.failures >= self.pace.patience && !self.outage_announced && !self.shutdown.is_cancelled() {
            self.outage_announced = true;
            tracing::warn!(error = %error, "Helm does not take log lines, keeping them on disk");
        }
    }

    async fn keep(&mut self, batch: Batch) {
        match store(&self.handle, batch).await {
            Ok(()) => self.disk_announced = false,
            Err(error) => self.stuck(&error),
        }
    }

    fn stuck(&mut self, error: &io::Error) {
        self.stuck_until = Instant::now() + self.pace.retry_min;
        if !self.disk_announced {
            self.disk_announced = true;
            tracing::error!(error = %error, "Log lines that Helm does not take cannot be kept on disk");
        }
    }

    async fn rescan(&mut self) {
        if Instant::now() >= self.rescan_at {
            self.rescan_at = Instant::now() + RESCAN_EVERY;
            if let Err(error) = on_disk(&self.handle, Spool::rescan).await {
                self.stuck(&error);
            }
        }
    }

    /// One WARNING when lines begin to be dropped and one when it is over.
    fn report_shortage(&mut self) {
        let dropped = self.handle.counters().dropped();
        if dropped > self.shortage.seen {
            if self.shortage.began_at.is_none() {
                self.shortage.began_at = Some(self.shortage.seen);
                tracing::warn!(
                    "More log lines than can be shipped: dropping lines of successful requests first"
                );
            }
            self.shortage.seen = dropped;
            self.shortage.last_drop = Some(Instant::now());
        } else if let (Some(began_at), Some(last)) = (self.shortage.began_at, self.shortage.last_drop)
            && last.elapsed() >= CALM
        {
            self.shortage.began_at = None;
            tracing::warn!(dropped = dropped - began_at, "All log lines are shipped again");
        }
    }

    /// The end: one more try while there is time, the rest to disk, late lines straight to disk.
    async fn finish(self) {
        if self.may_send() && !self.has_backlog() {
            let batch = self.handle.take_batch(MAX_ENTRIES);
            let sent = timeout(self.pace.last_try, deliver(&self.sink, &self.handle, &batch.entries)).await;
            if !matches!(sent, Ok(Ok(()))) && store(&self.handle, batch).await.is_err() {
                self.handle.queue().count_all_as_lost();
            }
        }
        self.handle.queue().close();
        while !self.handle.queue().is_empty() {
            if store(&self.handle, self.handle.take_batch(MAX_ENTRIES)).await.is_err() {
                self.handle.queue().count_all_as_lost();
            }
        }
    }
}

/// Sends entries as one request. A refused request is halved until the entries at fault stand alone.
async fn deliver<S: LogSink>(sink: &S, handle: &LogHandle, entries: &[Queued]) -> Result<(), SinkError> {
    let mut parts = if entries.is_empty() { Vec::new() } else { vec![entries] };
    while let Some(part) = parts.pop() {
        let batch = LogBatch {
            service_name: handle.service(),
            logs: part.iter().map(|queued| &queued.entry).collect(),
        };
        match sink.send(&batch).instrument(tracing::info_span!("log-shipper")).await {
            Ok(()) => {
                handle.counters().shipped.inc_by(part.len() as u64);
            }
            Err(SinkError::Refused { .. }) if part.len() > 1 => {
                let (older, newer) = part.split_at(part.len() / 2);
                parts.extend([newer, older]);
            }
            Err(SinkError::Refused { .. }) => {
                handle.counters().lost.inc();
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes a batch to disk. When that fails its entries go back into the queue.
async fn store(handle: &LogHandle, batch: Batch) -> io::Result<()> {
    if batch.entries.is_empty() {
        return Ok(());
    }
    let Batch { stamp, mut entries } = batch;
    let work =
        move |spool: &mut Spool| Ok(spool.append(stamp, &mut entries).map_err(|error| (error, entries)));
    on_disk(handle, work).await?.map_err(|(error, entries)| {
        handle.queue().put_back(entries);
        error
    })
}

/// File work off the async threads.
async fn on_disk<T: Send + 'static>(
    handle: &LogHandle,
    work: impl FnOnce(&mut Spool) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let spool = Arc::clone(handle.spool());
    let done =
        tokio::task::spawn_blocking(move || work(&mut spool.lock().unwrap_or_else(PoisonError::into_inner)));
    done.await.map_err(io::Error::other).and_then(|result| result)
}
