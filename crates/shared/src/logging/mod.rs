//! Structured logs: JSON lines on standard error and the same entries to Helm (platform.md §12, core.md §10).
//!
//! Code logs with the `tracing` macros. Fields of an event go into `extra`; correlation id, user, path and method come
//! from the enclosing span named [`REQUEST_SPAN`]. [`audit!`](crate::audit) writes lines that are never dropped.

mod access;
mod allowance;
mod format;
mod layer;
mod level;
mod queue;
mod record;
mod redact;
mod shipper;
mod sink;
mod spool;
mod stderr;
#[cfg(test)]
mod tests;

use std::sync::{
    Arc, Mutex, OnceLock, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};

pub use self::{
    access::{Access, access},
    queue::LogCounters,
    sink::{HttpSink, LogSink, SinkError},
};
use self::{
    allowance::Allowance,
    layer::{LogLayer, Output},
    level::Verbosity,
    queue::{Priority, Queue, Queued},
    shipper::{Pace, Shipper},
    spool::{Batch, Spool},
    stderr::Lines,
};
use crate::{clock::Clock, config::CommonSettings, service_client::ServiceClient};

/// Name of the span around a request; its fields are `correlation_id`, `user`, `path` and `method`.
pub const REQUEST_SPAN: &str = "request";
/// Target of audit lines.
pub const AUDIT_TARGET: &str = "audit";
/// Target of access lines.
pub const ACCESS_TARGET: &str = "access";
/// Name of the span around the shipper's own work.
const SHIPPER_SPAN: &str = "log-shipper";

/// Entries held in memory while the shipper is busy.
const QUEUE_CAPACITY: usize = 10_000;
/// Access lines of 2xx answers that are shipped per second on the long run. A process with more of them would keep Helm's
/// database busier than the services themselves; all of them are on standard error still.
const ACCESS_LINES_PER_SECOND: u32 = 1_000;
/// Entries that are sent without waiting for more.
const FLUSH_AT: usize = 200;
/// Room on disk for entries that may be dropped.
const SPOOL_BYTES: u64 = 64 * 1024 * 1024;

/// An audit line: who did what, at INFO. It passes every `LOG_LEVEL` and is never dropped.
///
/// Takes what `tracing::info!` takes: fields first, then the message.
#[macro_export]
macro_rules! audit {
    ($($argument:tt)+) => {
        ::tracing::info!(target: "audit", $($argument)+)
    };
}

/// As [`audit!`], at WARNING: somebody was turned away.
#[macro_export]
macro_rules! audit_warning {
    ($($argument:tt)+) => {
        ::tracing::warn!(target: "audit", $($argument)+)
    };
}

/// What the log of a process needs later: the shipper's start, counters, top-level fields. Cheap to clone.
#[derive(Clone)]
pub struct LogHandle(Arc<Inner>);

struct Inner {
    service: &'static str,
    clock: Clock,
    queue: Queue,
    spool: Arc<Mutex<Spool>>,
    counters: LogCounters,
    access_lines: Allowance,
    top_level: OnceLock<&'static [&'static str]>,
    hostname: Option<String>,
    process_id: i32,
    /// Names this run of the process in entries.
    source: String,
    last_stamp: AtomicU64,
    pace: Pace,
    /// Standard error, where this process writes to it.
    lines: OnceLock<Lines>,
}

/// Installs the process-wide subscriber and panic hook.
///
/// A second call in one process (tests) leaves the first subscriber in place.
pub fn init(settings: &CommonSettings, service: &'static str) -> LogHandle {
    let handle = LogHandle::new(settings, service, Clock::system(), QUEUE_CAPACITY, Pace::default());
    let lines = Lines::to(std::io::stderr());
    let collects = lines.start().is_ok();
    let written = lines.clone();
    let layer = handle.layer(
        settings,
        Box::new(move |line, priority| written.write(line, collects && priority.may_wait())),
    );
    let _ = handle.0.lines.set(lines);
    if tracing_subscriber::registry().with(layer).try_init().is_ok() {
        if level::parse(&settings.log_level).is_none() {
            tracing::warn!(log_level = settings.log_level, "LOG_LEVEL is not a level, using INFO");
        }
        std::panic::set_hook(Box::new(|panic| {
            let location = panic.location().map(ToString::to_string).unwrap_or_default();
            let message = panic.payload_as_str().unwrap_or("unknown");
            tracing::error!(location, "A task panicked: {message}");
        }));
    }
    handle
}

impl LogHandle {
    fn new(
        settings: &CommonSettings,
        service: &'static str,
        clock: Clock,
        capacity: usize,
        pace: Pace,
    ) -> Self {
        let counters = LogCounters::default();
        let spool = Spool::new(settings.service_dir().join("log-spool"), SPOOL_BYTES, counters.clone());
        Self(Arc::new(Inner {
            service,
            clock,
            queue: Queue::new(capacity, FLUSH_AT, counters.clone()),
            spool: Arc::new(Mutex::new(spool)),
            counters,
            access_lines: Allowance::new(ACCESS_LINES_PER_SECOND, capacity),
            top_level: OnceLock::new(),
            hostname: sysinfo::System::host_name().ok(),
            process_id: i32::try_from(std::process::id()).unwrap_or_default(),
            source: uuid::Uuid::new_v4().to_string(),
            last_stamp: AtomicU64::new(0),
            pace,
            lines: OnceLock::new(),
        }))
    }

    fn layer(&self, settings: &CommonSettings, output: Output) -> LogLayer {
        let level = level::parse(&settings.log_level).unwrap_or(tracing::level_filters::LevelFilter::INFO);
        LogLayer {
            handle: self.clone(),
            verbosity: Verbosity::new(level),
            json: settings.json_logging,
            ships: settings.log_shipping,
            output,
        }
    }

    /// Names the extra fields that stand at top level of a line (Beacon's `view_slug`, `agent_id`, `ticket_count`).
    /// The first call counts.
    pub fn set_top_level_fields(&self, names: &'static [&'static str]) {
        let _ = self.0.top_level.set(names);
    }

    /// Starts shipping to Helm through `client`. Cancel `shutdown` last of all and await the task: it then sends or
    /// stores everything that waits. Lines after that go to disk at once.
    pub fn start_shipping(&self, client: ServiceClient, shutdown: CancellationToken) -> JoinHandle<()> {
        self.ship_to(HttpSink::new(client), shutdown)
    }

    /// [`LogHandle::start_shipping`] with a sink of one's own.
    pub fn ship_to<S: LogSink>(&self, sink: S, shutdown: CancellationToken) -> JoinHandle<()> {
        tokio::spawn(Shipper::new(self.clone(), sink, self.0.pace.clone(), shutdown).run())
    }

    /// Writes the lines that still wait for company to standard error: at the end of the process.
    pub fn flush(&self) {
        if let Some(lines) = self.0.lines.get() {
            lines.flush();
        }
    }

    /// What happened to log lines so far, for `/metrics`.
    pub fn counters(&self) -> &LogCounters {
        &self.0.counters
    }

    fn service(&self) -> &'static str {
        self.0.service
    }

    fn clock(&self) -> &Clock {
        &self.0.clock
    }

    fn queue(&self) -> &Queue {
        &self.0.queue
    }

    fn spool(&self) -> &Arc<Mutex<Spool>> {
        &self.0.spool
    }

    fn hostname(&self) -> Option<&str> {
        self.0.hostname.as_deref()
    }

    fn process_id(&self) -> i32 {
        self.0.process_id
    }

    fn top_level_fields(&self) -> &'static [&'static str] {
        self.0.top_level.get().copied().unwrap_or_default()
    }

    /// Whether a line of this priority may be shipped. One that may not is counted.
    fn admits(&self, priority: Priority) -> bool {
        let admitted = priority != Priority::Access || self.0.access_lines.take();
        if !admitted {
            self.0.counters.count_dropped(priority);
        }
        admitted
    }

    /// Takes an entry for shipping. After the shipper's end it is written to disk by the caller.
    fn accept(&self, queued: Queued) {
        if let Some(mut late) = self.0.queue.push(queued) {
            late.entry.source = Some(self.0.source.clone());
            let mut spool = self.0.spool.lock().unwrap_or_else(PoisonError::into_inner);
            if spool.append(self.next_stamp(), &mut vec![late]).is_err() {
                self.0.counters.lost.inc();
            }
        }
    }

    fn take_batch(&self, max: usize) -> Batch {
        let mut entries = self.0.queue.drain(max);
        for queued in &mut entries {
            queued.entry.source.get_or_insert_with(|| self.0.source.clone());
        }
        Batch { stamp: self.next_stamp(), entries }
    }

    /// Rises with every call, and from process to process unless the machine's clock is turned back.
    fn next_stamp(&self) -> u64 {
        let now = u64::try_from(self.0.clock.now().timestamp_micros()).unwrap_or_default();
        let previous = self
            .0
            .last_stamp
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(now.max(last + 1)));
        let last = previous.unwrap_or_else(|last| last);
        now.max(last + 1)
    }
}
