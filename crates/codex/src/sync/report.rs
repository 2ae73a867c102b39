//! What a run tells about itself: counts, where it is, and the lines people read.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use hivematrix_shared::clock::Clock;
use serde::Serialize;
use serde_json::Value;

use super::SyncError;
pub use super::counts::Counts;
use crate::providers::row::storable;

/// Characters of output kept with a job.
const KEPT_OUTPUT: usize = 20_000;
/// Planned writes of a dry run that are kept.
const KEPT_PLANS: usize = 1000;
/// Problems kept with a job; more are only counted.
const KEPT_PROBLEMS: u64 = 10_000;
/// Characters of a problem.
const PROBLEM_LENGTH: usize = 1000;
/// Warnings written out; more are only counted.
const SHOWN_WARNINGS: u64 = 50;

/// Whoever may hold a run up.
pub trait Delay: Send + Sync {
    /// Why the run waits just now, in words; `None` when it does not.
    fn reason(&self) -> Option<String>;
}

/// Whoever may want a run to end before it is done.
pub trait Obeyed: Send + Sync {
    /// Why it is to end now; `None` while it may go on.
    fn wanted_end(&self) -> BoxFuture<'_, Option<SyncError>>;
}

/// Something a run could not take as it was, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// When.
    pub at: DateTime<Utc>,
    /// What, in words.
    pub message: String,
}

#[derive(Debug, Default)]
struct Inner {
    phase: String,
    page: Option<u32>,
    counts: Counts,
    step: Option<Step>,
    output: VecDeque<char>,
    planned: Vec<String>,
    /// Not yet written to the job.
    problems: Vec<Problem>,
    /// Problems kept so far, written or not.
    problems_kept: u64,
    /// Who may hold the run up.
    delay: Option<Watched>,
    /// Who may want it to end.
    obeyed: Option<Superior>,
    /// Whether the run can only end by itself.
    decided: bool,
}

struct Watched(Arc<dyn Delay>);

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watched")
    }
}

struct Superior(Arc<dyn Obeyed>);

impl std::fmt::Debug for Superior {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Superior")
    }
}

/// A part of a run whose size is known.
#[derive(Debug)]
struct Step {
    total: u64,
    done: u64,
    began: Instant,
}

/// Shared by the run and whoever watches it; clones tell the same story.
#[derive(Clone)]
pub struct Report {
    inner: Arc<Mutex<Inner>>,
    clock: Clock,
    /// Whether lines are also written to standard output.
    echo: bool,
}

impl Report {
    /// An empty report.
    pub fn new(clock: Clock, echo: bool) -> Self {
        Self { inner: Arc::default(), clock, echo }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on the progress tells when the run waits for somebody.
    pub fn watch(&self, delay: impl Delay + 'static) {
        self.lock().delay = Some(Watched(Arc::new(delay)));
    }

    /// From now on the run asks here whether it may go on.
    pub fn obey(&self, obeyed: impl Obeyed + 'static) {
        self.lock().obeyed = Some(Superior(Arc::new(obeyed)));
    }

    /// Asked between two pages or records: whether the run may go on. A run that is too short for a sign of life hears of its
    /// end this way.
    ///
    /// # Errors
    /// Why it is to end here.
    pub async fn go_on(&self) -> Result<(), SyncError> {
        let obeyed = {
            let inner = self.lock();
            inner.obeyed.as_ref().filter(|_| !inner.decided).map(|superior| Arc::clone(&superior.0))
        };
        let Some(obeyed) = obeyed else { return Ok(()) };
        obeyed.wanted_end().await.map_or(Ok(()), Err)
    }

    /// From now on the run ends by itself only: nobody could tell what a broken off one has done.
    pub fn decide(&self) {
        self.lock().decided = true;
    }

    /// Whether the run ends by itself only.
    pub fn is_decided(&self) -> bool {
        self.lock().decided
    }

    /// Adds a line, `[YYYY-MM-DD HH:MM:SS] …` in UTC, and logs it.
    pub fn line(&self, text: impl AsRef<str>) {
        let text = text.as_ref();
        self.keep(text);
        if !self.echo {
            tracing::info!("{text}");
        }
    }

    /// Counts a warning, and writes it out unless there were too many.
    pub fn warn(&self, text: impl AsRef<str>) {
        let text = text.as_ref();
        let count = {
            let mut inner = self.lock();
            inner.counts.warnings += 1;
            self.remember(&mut inner, text);
            inner.counts.warnings
        };
        if count <= SHOWN_WARNINGS {
            self.keep(&format!("WARNING: {text}"));
            if !self.echo {
                tracing::warn!("{text}");
            }
        }
    }

    /// Adds an error line and logs it as one.
    pub fn error(&self, text: impl AsRef<str>) {
        let text = text.as_ref();
        self.remember(&mut self.lock(), text);
        self.keep(&format!("ERROR: {text}"));
        if !self.echo {
            tracing::error!("{text}");
        }
    }

    /// Keeps a problem for the job's own list.
    fn remember(&self, inner: &mut Inner, text: &str) {
        if inner.problems_kept < KEPT_PROBLEMS {
            inner.problems_kept += 1;
            let message = storable(text).chars().take(PROBLEM_LENGTH).collect();
            inner.problems.push(Problem { at: self.clock.now(), message });
        }
    }

    /// The problems that are not yet written to the job.
    pub fn problems(&self) -> Vec<Problem> {
        self.lock().problems.clone()
    }

    /// Forgets the first problems: they are written.
    pub fn forget_problems(&self, count: usize) {
        let mut inner = self.lock();
        let count = count.min(inner.problems.len());
        inner.problems.drain(..count);
    }

    /// Tells what a dry run would do, as a verb with its object.
    pub fn would(&self, text: impl Into<String>) {
        let text = text.into();
        self.keep(&format!("Would {text}"));
        let mut inner = self.lock();
        if inner.planned.len() < KEPT_PLANS {
            inner.planned.push(text);
        }
    }

    /// Tells what a dry run would write. The whole list is part of the progress, since the output keeps only its end.
    pub fn planned(&self, text: impl Into<String>) {
        let text = text.into();
        self.keep(&format!("Would write {text}"));
        let mut inner = self.lock();
        if inner.planned.len() < KEPT_PLANS {
            inner.planned.push(text);
        }
    }

    fn keep(&self, text: &str) {
        let line = format!("[{}] {text}\n", self.clock.now().format("%Y-%m-%d %H:%M:%S"));
        if self.echo {
            use std::io::Write as _;
            // A reader that went away is no reason to stop the work.
            let _ = std::io::stdout().lock().write_all(line.as_bytes());
        }
        let mut inner = self.lock();
        inner.output.extend(line.chars());
        let surplus = inner.output.len().saturating_sub(KEPT_OUTPUT);
        inner.output.drain(..surplus);
    }

    /// Counts several warnings.
    pub fn warn_all(&self, texts: impl IntoIterator<Item = String>) {
        for text in texts {
            self.warn(text);
        }
    }

    /// Says what the run does now.
    pub fn at(&self, phase: &str, page: Option<u32>) {
        let mut inner = self.lock();
        if inner.phase != phase {
            phase.clone_into(&mut inner.phase);
        }
        inner.page = page;
    }

    /// Begins a part of the run that has so many items.
    pub fn begin_step(&self, total: u64) {
        self.lock().step = Some(Step { total, done: 0, began: Instant::now() });
    }

    /// One item of the part is done, well or not.
    pub fn step_on(&self) {
        if let Some(step) = &mut self.lock().step {
            step.done += 1;
        }
    }

    /// The part is over.
    pub fn end_step(&self) {
        self.lock().step = None;
    }

    /// Changes the counts.
    pub fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.lock().counts);
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        self.lock().counts.clone()
    }

    /// Phase, page, counts and what the run waits for, as they are kept with the job.
    pub fn progress(&self) -> Value {
        let delay = self.lock().delay.as_ref().map(|delay| Arc::clone(&delay.0));
        let waiting = delay.and_then(|delay| delay.reason());
        let inner = self.lock();
        let mut progress =
            serde_json::json!({ "phase": inner.phase, "page": inner.page, "counts": inner.counts });
        if let Some(step) = &inner.step {
            let seconds = step.began.elapsed().as_secs();
            progress["step"] =
                serde_json::json!({ "done": step.done, "total": step.total, "seconds": seconds });
        }
        if let Some(waiting) = waiting {
            progress["waiting"] = waiting.into();
        }
        if let Some(progress) = progress.as_object_mut().filter(|_| !inner.planned.is_empty()) {
            progress.insert("planned".to_owned(), inner.planned.clone().into());
        }
        progress
    }

    /// The last lines.
    pub fn output(&self) -> String {
        self.lock().output.iter().collect()
    }

    /// Writes the counts that are not zero, one a line, and logs them together.
    pub fn summary(&self) {
        let counts = serde_json::to_value(self.counts()).unwrap_or_default();
        self.keep("Summary:");
        for (name, count) in counts.as_object().into_iter().flatten() {
            if count.as_u64() != Some(0) {
                self.keep(&format!("  {name}: {count}"));
            }
        }
        if !self.echo {
            tracing::info!(%counts, "sync ended");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_bounded_and_none_is_lost_on_the_way() {
        let report = Report::new(Clock::fixed("2025-11-22T09:15:00Z".parse().unwrap()), false);
        report.warn("a\0b");
        let first = report.problems();
        assert_eq!(first[0].message, "ab", "as the database can store it");
        report.warn("x".repeat(5000));
        report.forget_problems(first.len());
        let rest = report.problems();
        assert_eq!(rest.iter().map(|problem| problem.message.len()).collect::<Vec<_>>(), [PROBLEM_LENGTH]);
        report.forget_problems(1);
        for _ in 0..KEPT_PROBLEMS + 50 {
            report.warn("one more");
        }
        assert_eq!(report.problems().len() as u64, KEPT_PROBLEMS - 2);
        assert_eq!(report.counts().warnings, KEPT_PROBLEMS + 52);
    }

    #[test]
    fn only_the_last_characters_are_kept() {
        let report = Report::new(Clock::fixed("2025-11-22T09:15:00Z".parse().unwrap()), false);
        for _ in 0..1000 {
            report.line("ä".repeat(50));
        }
        let output = report.output();
        assert_eq!(output.chars().count(), KEPT_OUTPUT);
        assert!(output.ends_with(&format!("[2025-11-22 09:15:00] {}\n", "ä".repeat(50))));
    }
}
