//! What is noted of a sync's runs: one document per sync, which all instances read and change, so that only one of them runs it and
//! every one can tell how far it is.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A run that has not been heard of for so long is over: its process is gone.
pub const SILENCE: TimeDelta = TimeDelta::seconds(60);
/// Parts that cannot be read and are named; the others are counted.
const NAMED: usize = 20;

/// How far a run is, or how far it came.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(default)]
pub struct Progress {
    /// Companies gone through.
    pub companies: u64,
    /// Tickets gone through.
    pub tickets: u64,
    /// Items made.
    pub created: u64,
    /// Items changed, moved or fetched out of the trash.
    pub updated: u64,
    /// Items that were right already.
    pub unchanged: u64,
    /// Subtrees put into the trash, since Codex has them no more.
    pub removed: u64,
    /// Companies whose tickets were left out, since their folder is not there yet.
    pub companies_without_folder: u64,
    /// Parts of Codex's answer that could not be read.
    pub unreadable: u64,
    /// What the first of them were.
    pub problems: Vec<String>,
}

impl Progress {
    /// Notes a part that could not be read.
    pub fn problem(&mut self, what: String) {
        self.unreadable += 1;
        if self.problems.len() < NAMED {
            self.problems.push(what);
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It came to its end.
    Completed,
    /// It did not. What it wrote stays, and nothing was removed.
    Failed,
    /// Somebody ended it. Likewise.
    Cancelled,
}

/// A run that is under way.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Current {
    /// Its id.
    pub job_id: Uuid,
    /// Who started it.
    pub by: String,
    /// When.
    pub started_at: DateTime<Utc>,
    /// When it was last heard of.
    pub seen_at: DateTime<Utc>,
    /// Everything anew, not only what changed.
    pub overwrite: bool,
    /// Somebody wants it to end.
    pub is_to_end: bool,
    /// How far it is.
    pub progress: Progress,
}

/// A run that is over.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct Ended {
    /// Its id.
    pub job_id: Uuid,
    /// Who started it.
    pub by: String,
    /// When.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// How.
    pub outcome: Outcome,
    /// Why it did not come to its end.
    pub error: Option<String>,
    /// How far it came.
    pub progress: Progress,
}

/// All that is noted of one sync.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Runs {
    /// The run that is under way, or whose process is gone.
    pub current: Option<Current>,
    /// The last one that is over.
    pub last: Option<Ended>,
    /// When the last one that came to its end began.
    pub completed_at: Option<DateTime<Utc>>,
    /// When the last one that went through everything began.
    pub whole_at: Option<DateTime<Utc>>,
    /// The latest change that was taken over, where a run asks only for what changed since.
    pub changed_until: Option<DateTime<Utc>>,
}

/// A run is under way already.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("This sync is running already")]
pub struct Running(pub Uuid);

/// What a run that came to its end adds to the notes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reached {
    /// Went through everything.
    pub is_whole: bool,
    /// The latest change it took over.
    pub changed_until: Option<DateTime<Utc>>,
}

impl Runs {
    /// The run that is under way, if its process lives.
    pub fn running(&self, now: DateTime<Utc>) -> Option<&Current> {
        self.current.as_ref().filter(|current| now - current.seen_at < SILENCE)
    }

    /// A run whose process is gone counts as failed.
    pub fn buried(mut self, now: DateTime<Utc>) -> Self {
        if self.running(now).is_none()
            && let Some(dead) = self.current.take()
        {
            let error = "The service stopped while the sync ran. What it wrote stays; started again, it does the rest.";
            self.last = Some(dead.ended(now, Outcome::Failed, Some(error.to_owned())));
        }
        self
    }

    /// Begins a run.
    ///
    /// # Errors
    /// When one is under way.
    pub fn begun(self, job_id: Uuid, by: &str, overwrite: bool, now: DateTime<Utc>) -> Result<Self, Running> {
        if let Some(current) = self.running(now) {
            return Err(Running(current.job_id));
        }
        let current = Current {
            job_id,
            by: by.to_owned(),
            started_at: now,
            seen_at: now,
            overwrite,
            is_to_end: false,
            progress: Progress::default(),
        };
        Ok(Self { current: Some(current), ..self.buried(now) })
    }

    /// A run is heard of. None where it is not the one that is noted: it was taken for dead, and another one has begun.
    pub fn heard(mut self, job_id: Uuid, progress: &Progress, now: DateTime<Utc>) -> Option<Self> {
        let current = self.current.as_mut().filter(|current| current.job_id == job_id)?;
        current.seen_at = now;
        current.progress = progress.clone();
        Some(self)
    }

    /// Wants a run to end. None where it is not under way.
    pub fn to_end(mut self, job_id: Option<Uuid>, now: DateTime<Utc>) -> Option<Self> {
        self.running(now).filter(|current| job_id.is_none_or(|id| id == current.job_id))?;
        self.current.as_mut()?.is_to_end = true;
        Some(self)
    }

    /// A run is over. None where it is not the one that is noted.
    pub fn over(
        mut self,
        job_id: Uuid,
        progress: Progress,
        ended: Result<Reached, (Outcome, String)>,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        let mut current = self.current.take().filter(|current| current.job_id == job_id)?;
        current.progress = progress;
        let (outcome, error) = match ended {
            Ok(reached) => {
                self.completed_at = Some(current.started_at);
                if reached.is_whole {
                    self.whole_at = Some(current.started_at);
                }
                self.changed_until = reached.changed_until.or(self.changed_until);
                (Outcome::Completed, None)
            }
            Err((outcome, reason)) => (outcome, Some(reason)),
        };
        self.last = Some(current.ended(now, outcome, error));
        Some(self)
    }

    /// Whether a sync that is to begin every `interval` is to begin now. After one that did not come to its end it is tried again
    /// sooner.
    pub fn is_due(&self, interval: TimeDelta, now: DateTime<Utc>) -> bool {
        if self.running(now).is_some() {
            return false;
        }
        let Some(last) =
            self.current.as_ref().map(|dead| dead.started_at).or(self.last.as_ref().map(|l| l.started_at))
        else {
            return true;
        };
        let has_failed =
            self.current.is_some() || self.last.as_ref().is_some_and(|l| l.outcome == Outcome::Failed);
        let wait = if has_failed { interval.min(RETRY) } else { interval };
        now - last >= wait
    }
}

/// Between a run that failed and the next one.
const RETRY: TimeDelta = TimeDelta::minutes(10);

impl Current {
    fn ended(self, at: DateTime<Utc>, outcome: Outcome, error: Option<String>) -> Ended {
        let Self { job_id, by, started_at, progress, .. } = self;
        Ended { job_id, by, started_at, ended_at: at, outcome, error, progress }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_750_000_000 + seconds, 0).unwrap()
    }

    fn begun() -> (Runs, Uuid) {
        let id = Uuid::from_u128(1);
        (Runs::default().begun(id, "ada", false, at(0)).unwrap(), id)
    }

    #[test]
    fn one_run_at_a_time_and_a_dead_one_makes_room() {
        let (runs, first) = begun();
        let second = Uuid::from_u128(2);
        assert_eq!(runs.clone().begun(second, "bob", false, at(59)), Err(Running(first)));
        let heard =
            runs.clone().heard(first, &Progress { companies: 7, ..Progress::default() }, at(50)).unwrap();
        assert_eq!(heard.clone().begun(second, "bob", false, at(100)), Err(Running(first)));

        let taken = heard.begun(second, "bob", true, at(110)).unwrap();
        let last = taken.last.clone().unwrap();
        assert_eq!((last.job_id, last.outcome, last.progress.companies), (first, Outcome::Failed, 7));
        // The one that was taken for dead finds out.
        assert_eq!(taken.clone().heard(first, &Progress::default(), at(111)), None);
        assert_eq!(taken.over(first, Progress::default(), Ok(Reached::default()), at(111)), None);
    }

    #[test]
    fn only_a_run_that_came_to_its_end_moves_what_was_reached() {
        let (runs, id) = begun();
        let failed = (Outcome::Failed, "Codex is away".to_owned());
        let failed = runs.clone().over(id, Progress::default(), Err(failed), at(5)).unwrap();
        assert_eq!((failed.completed_at, failed.whole_at, failed.changed_until), (None, None, None));
        assert_eq!(failed.last.unwrap().error.as_deref(), Some("Codex is away"));

        let reached = Reached { is_whole: true, changed_until: Some(at(-90)) };
        let done = runs.over(id, Progress::default(), Ok(reached), at(5)).unwrap();
        assert_eq!((done.completed_at, done.whole_at), (Some(at(0)), Some(at(0))));
        let (next, _) = (done.begun(id, "ada", false, at(9)).unwrap(), ());
        let next = next.over(id, Progress::default(), Ok(Reached::default()), at(10)).unwrap();
        assert_eq!(
            (next.completed_at, next.whole_at, next.changed_until),
            (Some(at(9)), Some(at(0)), Some(at(-90)))
        );
    }

    #[test]
    fn it_is_due_by_its_interval_and_sooner_after_a_failure() {
        let hour = TimeDelta::hours(1);
        assert!(Runs::default().is_due(hour, at(0)));
        let (runs, id) = begun();
        assert!(!runs.is_due(hour, at(30)), "it runs");
        assert!(!runs.is_due(hour, at(599)) && runs.is_due(hour, at(600)), "its process is gone");
        let done = runs.clone().over(id, Progress::default(), Ok(Reached::default()), at(5)).unwrap();
        assert!(!done.is_due(hour, at(3_599)) && done.is_due(hour, at(3_600)));
        let cancelled = (Outcome::Cancelled, "ended by ada".to_owned());
        let cancelled = runs.over(id, Progress::default(), Err(cancelled), at(5)).unwrap();
        assert!(!cancelled.is_due(hour, at(3_599)), "somebody wanted it to end");
    }

    #[test]
    fn whoever_wants_it_to_end_names_it_or_takes_what_runs() {
        let (runs, id) = begun();
        assert!(runs.clone().to_end(Some(id), at(1)).unwrap().current.unwrap().is_to_end);
        assert!(runs.clone().to_end(None, at(1)).is_some());
        assert_eq!(runs.clone().to_end(Some(Uuid::from_u128(9)), at(1)), None);
        assert_eq!(runs.to_end(None, at(61)), None, "nothing runs any more");
    }
}
