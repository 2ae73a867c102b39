//! The tickets: one answer of Codex for all viewers, asked for only while somebody looks.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use hivematrix_shared::{clock::Clock, contracts::codex::ActiveTickets};
use http::HeaderValue;
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::flight::{Flight, PATIENCE};
use crate::{
    clients::codex::{Codex, Fetched},
    config::CODEX_INTERVAL,
};

/// Age up to which pages and single requests take the copy without asking.
const FRESH: TimeDelta = TimeDelta::seconds(CODEX_INTERVAL.as_secs() as i64);
/// Longest pause between two attempts while Codex is away: as long as an open board may stay old after it is back.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The last good answer.
#[derive(Debug)]
pub struct GoodCopy {
    /// All active tickets.
    pub tickets: ActiveTickets,
    etag: Option<HeaderValue>,
}

/// What can be shown now.
#[derive(Clone, Debug, Default)]
pub struct Current {
    /// The last good answer; none before the first.
    pub copy: Option<Arc<GoodCopy>>,
    /// When Codex last confirmed it.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// Codex did not answer the last time it was asked.
    pub is_away: bool,
    asked_at: Option<DateTime<Utc>>,
    /// The same moment by the steady clock.
    attempted: Option<Instant>,
    /// Attempts in a row without an answer.
    failures: u32,
}

impl Current {
    /// Whether boards may look another way than after `before`: they tell ages by the minute.
    fn shows_news_since(&self, before: &Self) -> bool {
        let minute = |current: &Self| current.asked_at.map(|asked| asked.timestamp().div_euclid(60));
        let copy = |current: &Self| current.copy.as_ref().map(Arc::as_ptr);
        (self.is_away, minute(self), copy(self)) != (before.is_away, minute(before), copy(before))
    }
}

/// Remembers the tickets and tells who watches. Cheap to clone; clones remember together.
#[derive(Clone)]
pub struct TicketCache(Arc<Inner>);

struct Inner {
    codex: Codex,
    clock: Clock,
    current: watch::Sender<Current>,
    flight: Flight,
    watched: Notify,
}

impl TicketCache {
    /// An empty cache.
    pub fn new(codex: Codex, clock: Clock) -> Self {
        let (current, _) = watch::channel(Current::default());
        Self(Arc::new(Inner { codex, clock, current, flight: Flight::default(), watched: Notify::new() }))
    }

    /// The tickets, no older than [`CODEX_INTERVAL`] while Codex answers in time; else the last good ones, marked once it has
    /// failed.
    pub async fn current(&self) -> Current {
        let current = self.look();
        if self.is_fresh(&current) {
            return current;
        }
        let cache = self.clone();
        let refresh = move || async move {
            if !cache.is_fresh(&cache.look()) {
                cache.ask().await;
            }
        };
        self.0.flight.join(current.copy.is_some().then_some(PATIENCE), refresh).await;
        self.look()
    }

    /// Asks Codex, however old the copy is, and waits for the answer.
    pub async fn poll(&self) {
        let cache = self.clone();
        self.0.flight.join(None, move || async move { cache.ask().await }).await;
    }

    /// The tickets from now on. Who is slow misses what is overtaken, never the newest.
    pub fn watch(&self) -> watch::Receiver<Current> {
        let receiver = self.0.current.subscribe();
        self.0.watched.notify_one();
        receiver
    }

    /// Waits until somebody watches.
    pub async fn until_watched(&self) {
        while !self.is_watched() {
            self.0.watched.notified().await;
        }
    }

    /// Whether somebody watches.
    pub fn is_watched(&self) -> bool {
        self.0.current.receiver_count() > 0
    }

    /// How long it is until Codex is to be asked again for those who watch, the first of them `since`; nothing once it is
    /// time. Everybody's questions count: `usual` lies between two of them while Codex answers, ever more while it does not.
    pub fn pause(&self, usual: Duration, since: Instant) -> Option<Duration> {
        let current = self.0.current.borrow();
        let pause = usual.saturating_mul(1 << current.failures.min(10)).min(LONGEST_PAUSE.max(usual));
        pause.checked_sub(current.attempted.unwrap_or(since).elapsed()).filter(|left| !left.is_zero())
    }

    async fn ask(&self) {
        let before = self.look();
        let etag = before.copy.as_ref().and_then(|copy| copy.etag.as_ref());
        let answer = self.0.codex.active_tickets(etag).await;
        let now = Some(self.0.clock.now());
        let was_away = before.is_away;
        let attempted = Some(Instant::now());
        let good = |copy| Current { copy, confirmed_at: now, asked_at: now, attempted, ..Current::default() };
        let next = match answer {
            Ok(Fetched::Unchanged) => good(before.copy),
            Ok(Fetched::Changed { tickets, etag }) => good(Some(Arc::new(GoodCopy { tickets, etag }))),
            Err(error) => {
                if was_away {
                    tracing::debug!(error = %error, "tickets still cannot be fetched from Codex");
                } else {
                    tracing::warn!(error = %error, "tickets cannot be fetched from Codex");
                }
                Current {
                    is_away: true,
                    asked_at: now,
                    attempted,
                    failures: before.failures.saturating_add(1),
                    ..before
                }
            }
        };
        if was_away && !next.is_away {
            tracing::info!("tickets are fetched from Codex again");
        }
        // Two hundred open boards need not wake up to hear that nothing has changed.
        self.0.current.send_if_modified(|current| {
            let is_news = next.shows_news_since(current);
            *current = next;
            is_news
        });
    }

    fn look(&self) -> Current {
        self.0.current.borrow().clone()
    }

    fn is_fresh(&self, current: &Current) -> bool {
        // A clock that was set back must not freeze the board: the age has a lower bound, too.
        current
            .asked_at
            .is_some_and(|asked| (TimeDelta::zero()..FRESH).contains(&(self.0.clock.now() - asked)))
    }
}

#[cfg(test)]
mod tests {
    use hivematrix_shared::testing::TestIdentity;

    use super::*;

    fn cache() -> TicketCache {
        let context = TestIdentity::default().context("beacon");
        TicketCache::new(Codex::new(context.client.clone()), context.clock)
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_become_rarer_while_codex_is_away_up_to_ten_seconds() {
        let cache = cache();
        let usual = Duration::from_secs(2);
        let pause = |usual| cache.pause(usual, Instant::now());
        assert_eq!(pause(usual), Some(usual), "who opens the first board asks");
        let asked = |failures| {
            cache.0.current.send_modify(|current| {
                current.attempted = Some(Instant::now());
                current.failures = failures;
            });
        };
        for (failures, seconds) in [(0, 2), (1, 4), (2, 8), (3, 10), (4, 10), (u32::MAX, 10), (0, 2)] {
            asked(failures);
            assert_eq!(pause(usual), Some(Duration::from_secs(seconds)), "{failures}");
        }
        assert_eq!(pause(Duration::from_secs(40)), Some(Duration::from_secs(40)));
        tokio::time::advance(Duration::from_millis(1500)).await;
        assert_eq!(pause(usual), Some(Duration::from_millis(500)));
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(pause(usual), None);
    }

    #[test]
    fn who_watches_is_called_for_what_can_be_seen_and_once_a_minute() {
        let at = |second| DateTime::from_timestamp(second, 0);
        let copy = || Some(Arc::new(GoodCopy { tickets: ActiveTickets::default(), etag: None }));
        let before = Current { copy: copy(), asked_at: at(0), confirmed_at: at(0), ..Current::default() };
        for (what, next, is_news) in [
            ("nothing", Current { asked_at: at(55), confirmed_at: at(55), ..before.clone() }, false),
            ("the minute", Current { asked_at: at(60), confirmed_at: at(60), ..before.clone() }, true),
            ("other tickets", Current { copy: copy(), ..before.clone() }, true),
            ("an outage", Current { is_away: true, failures: 1, ..before.clone() }, true),
        ] {
            assert_eq!(next.shows_news_since(&before), is_news, "{what}");
        }
    }
}
