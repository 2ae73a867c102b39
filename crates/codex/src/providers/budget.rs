//! The requests that an account at a vendor allows, and who may use them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Pace;

/// How many requests an account allows.
#[derive(Debug, Clone, Copy)]
pub struct Quota {
    /// Requests at once after a quiet time.
    pub burst: u32,
    /// Requests a minute on top of that.
    pub per_minute: u32,
}

impl Quota {
    /// Never more than `limit` in any minute: an eighth of them may come at once, the others spread over the minute.
    pub fn within(limit: u32) -> Self {
        let burst = (limit / 8).max(1);
        Self { burst, per_minute: limit.saturating_sub(burst).max(1) }
    }
}

/// Vendors that tell what is left count from minute to minute.
const WINDOW: Duration = Duration::from_secs(60);
/// Longest time between two looks at what answers to others have told.
const LOOK: Duration = Duration::from_secs(1);
/// Time until work looks again whether people still wait.
const BEHIND: Duration = Duration::from_millis(50);
/// Longest wait for a turn when a person waits: who asked gives up soon after.
pub(super) const PATIENCE: Duration = Duration::from_secs(8);

/// The requests of one account, shared by all who use it. One of two sources says how many there are: the vendor's answers,
/// where they do, else our own count, a token bucket.
///
/// People go first. The lists of syncs leave an eighth of what may be sent at once to people, work nobody waits for a
/// quarter; where the vendor tells, that work also slows down once half of the minute's requests are gone, so that a list
/// does not have to wait for it. When the vendor refuses, everybody stops for as long as it asks; all but people where it
/// says that only a share of the account is used up.
#[derive(Debug)]
pub(super) struct Budget {
    supply: Supply,
    state: Mutex<State>,
    /// People who wait for a turn.
    people: AtomicU32,
    /// Work that waits for a turn.
    work: AtomicU32,
}

#[derive(Debug, Clone, Copy)]
enum Supply {
    /// Requests that come back every second.
    Counted { per_second: f64 },
    /// What the vendor's answers say; without limits until the first one.
    Told,
}

#[derive(Debug)]
struct State {
    /// Requests that may be sent now.
    left: f64,
    /// Most of them.
    full: f64,
    /// Since when that holds.
    at: Instant,
    /// Nobody may send before.
    closed_until: Option<Instant>,
    /// Work may not send before.
    work_closed_until: Option<Instant>,
    /// Refusals since the last answer.
    refusals: u32,
    /// Work nobody waits for goes on then.
    spread_until: Option<Instant>,
}

/// Whom a refusal stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stops {
    /// Everybody: the account's requests are used up.
    All,
    /// Work: only the share of such requests is used up, so others may go on.
    Work,
}

impl State {
    /// Until when nobody of a rank may send.
    fn closed_for(&self, pace: Pace) -> Option<Instant> {
        match pace {
            Pace::Now => self.closed_until,
            Pace::Routine | Pace::Background => self.closed_until.max(self.work_closed_until),
        }
    }
}

impl Pace {
    /// What it leaves to those before it.
    fn reserve(self, full: f64) -> f64 {
        match self {
            Self::Now => 0.0,
            Self::Routine => (full / 8.0).floor(),
            Self::Background => (full / 4.0).floor(),
        }
    }
}

impl Budget {
    /// An account whose requests we count.
    pub(super) fn counted(quota: Quota) -> Self {
        let per_second = f64::from(quota.per_minute.max(1)) / 60.0;
        Self::new(Supply::Counted { per_second }, f64::from(quota.burst.max(1)))
    }

    /// An account whose answers tell what is left.
    pub(super) fn told() -> Self {
        Self::new(Supply::Told, f64::INFINITY)
    }

    fn new(supply: Supply, full: f64) -> Self {
        let state = State {
            left: full,
            full,
            at: Instant::now(),
            closed_until: None,
            work_closed_until: None,
            refusals: 0,
            spread_until: None,
        };
        Self { supply, state: Mutex::new(state), people: AtomicU32::new(0), work: AtomicU32::new(0) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a request may be sent.
    ///
    /// # Errors
    /// When a person would have to wait longer than people do.
    pub(super) async fn take(&self, pace: Pace) -> Result<(), TooLong> {
        let begun = Instant::now();
        let Err(mut wait) = self.try_take(pace, begun) else { return Ok(()) };
        let _waits = Waits::begin(self.waiting(pace));
        loop {
            if pace == Pace::Now && begun.elapsed() + wait > PATIENCE {
                return Err(TooLong);
            }
            tokio::time::sleep(wait).await;
            match self.try_take(pace, Instant::now()) {
                Ok(()) => return Ok(()),
                Err(more) => wait = more,
            }
        }
    }

    /// Takes a request, or says how long to wait before the next try.
    fn try_take(&self, pace: Pace, now: Instant) -> Result<(), Duration> {
        let mut state = self.state();
        if let Some(until) = state.closed_for(pace).filter(|until| *until > now) {
            return Err(until - now);
        }
        if pace != Pace::Now && self.people.load(Ordering::Relaxed) > 0 {
            return Err(BEHIND);
        }
        let passed = now.saturating_duration_since(state.at);
        match self.supply {
            Supply::Counted { per_second } => {
                state.left = (state.left + passed.as_secs_f64() * per_second).min(state.full);
                state.at = now;
                let missing = 1.0 + pace.reserve(state.full) - state.left;
                if missing > 0.0 {
                    return Err(Duration::from_secs_f64(missing / per_second).max(Duration::from_millis(1)));
                }
            }
            Supply::Told => {
                if passed >= WINDOW {
                    state.left = state.full;
                    state.at = now;
                }
                // A person's request is sent in any case: only the vendor knows whether its minute has ended.
                if pace != Pace::Now && state.left.is_finite() {
                    if state.left < 1.0 + pace.reserve(state.full) {
                        return Err(LOOK.min(WINDOW.saturating_sub(passed)).max(BEHIND));
                    }
                    if pace == Pace::Background && state.left * 2.0 < state.full {
                        if let Some(until) = state.spread_until.filter(|until| *until > now) {
                            return Err(until - now);
                        }
                        state.spread_until = Some(now + (WINDOW * 2).div_f64(state.full));
                    }
                }
            }
        }
        state.left = (state.left - 1.0).max(0.0);
        Ok(())
    }

    /// The vendor has told how many requests it allows in a minute, and how many are left.
    pub(super) fn learn(&self, total: u32, left: u32) {
        let mut state = self.state();
        // An account of zero requests would stop everything for good; it means that there is no limit.
        state.full = if total == 0 { f64::INFINITY } else { f64::from(total) };
        state.left = if total == 0 { f64::INFINITY } else { f64::from(left) };
        state.at = Instant::now();
    }

    /// The vendor refused: for how long nobody who is stopped sends anything now. That is what it asked for, but at least `least`; without
    /// a word it is `usual`, doubled with each refusal in a row; and never more than `most`.
    pub(super) fn refused(
        &self,
        stops: Stops,
        asked: Option<Duration>,
        (least, usual, most): (Duration, Duration, Duration),
    ) -> Duration {
        let mut state = self.state();
        let backoff = usual.saturating_mul(1 << state.refusals.min(6));
        state.refusals += 1;
        let wait = asked.map_or(backoff, |asked| asked.max(least)).min(most);
        let until = Instant::now() + wait;
        let closed = match stops {
            Stops::All => &mut state.closed_until,
            Stops::Work => &mut state.work_closed_until,
        };
        *closed = (*closed).max(Some(until));
        if matches!(self.supply, Supply::Counted { .. }) {
            // What was saved up is gone at the vendor, too.
            state.left = 0.0;
            state.at = until;
        }
        wait
    }

    /// Waits as long as a refusal asked for.
    pub(super) async fn wait_out(&self, pace: Pace, wait: Duration) {
        let _waits = Waits::begin(self.waiting(pace));
        tokio::time::sleep(wait).await;
    }

    fn waiting(&self, pace: Pace) -> &AtomicU32 {
        if pace == Pace::Now { &self.people } else { &self.work }
    }

    /// The vendor answers again.
    pub(super) fn answered(&self) {
        self.state().refusals = 0;
    }

    /// What work waits for now, if it waits: the end of a sentence that begins with the vendor's name.
    pub(super) fn holds_up(&self) -> Option<String> {
        if self.work.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let state = self.state();
        let now = Instant::now();
        if let Some(until) = state.closed_for(Pace::Background).filter(|until| *until > now) {
            let seconds = (until - now).as_secs_f64().ceil();
            return Some(format!("refuses requests for another {seconds:.0} s"));
        }
        if self.people.load(Ordering::Relaxed) > 0 {
            return Some("is being asked by people first".to_owned());
        }
        Some(match self.supply {
            Supply::Told => format!(
                "allows {:.0} requests a minute and has {:.0} left, which are kept for people and lists",
                state.full, state.left
            ),
            Supply::Counted { per_second } => {
                format!("allows about {:.0} requests a minute", per_second * 60.0)
            }
        })
    }
}

/// There is no turn in time for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLong;

/// Counts whoever waits, also when it stops waiting without an end.
struct Waits<'a>(&'a AtomicU32);

impl<'a> Waits<'a> {
    fn begin(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[path = "budget/tests.rs"]
mod tests;
