//! The tickets: one answer of Codex for all viewers, asked for at most every 5 s and only while somebody looks.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use hivematrix_shared::{clock::Clock, contracts::codex::ActiveTickets};
use http::HeaderValue;

use crate::clients::codex::{Codex, Fetched};

const LIFETIME: TimeDelta = TimeDelta::seconds(5);

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
}

/// Remembers the tickets.
pub struct TicketCache {
    codex: Codex,
    clock: Clock,
    current: Mutex<Current>,
    flight: tokio::sync::Mutex<()>,
}

impl TicketCache {
    /// An empty cache.
    pub fn new(codex: Codex, clock: Clock) -> Self {
        Self { codex, clock, current: Mutex::default(), flight: tokio::sync::Mutex::new(()) }
    }

    /// The tickets, no older than 5 s while Codex answers; else the last good ones, marked.
    pub async fn current(&self) -> Current {
        let current = self.look();
        if self.is_fresh(&current) {
            return current;
        }
        let _flight = self.flight.lock().await;
        let current = self.look();
        if self.is_fresh(&current) {
            return current;
        }
        let next = self.ask(current).await;
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = next.clone();
        next
    }

    async fn ask(&self, before: Current) -> Current {
        let etag = before.copy.as_ref().and_then(|copy| copy.etag.as_ref());
        let answer = self.codex.active_tickets(etag).await;
        let now = Some(self.clock.now());
        let was_away = before.is_away;
        let next = match answer {
            Ok(Fetched::Unchanged) => Current { confirmed_at: now, is_away: false, asked_at: now, ..before },
            Ok(Fetched::Changed { tickets, etag }) => {
                let copy = Some(Arc::new(GoodCopy { tickets, etag }));
                Current { copy, confirmed_at: now, is_away: false, asked_at: now }
            }
            Err(error) => {
                if was_away {
                    tracing::debug!(error = %error, "tickets still cannot be fetched from Codex");
                } else {
                    tracing::warn!(error = %error, "tickets cannot be fetched from Codex");
                }
                Current { is_away: true, asked_at: now, ..before }
            }
        };
        if was_away && !next.is_away {
            tracing::info!("tickets are fetched from Codex again");
        }
        next
    }

    fn look(&self) -> Current {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_fresh(&self, current: &Current) -> bool {
        // A clock that was set back must not freeze the board: the age has a lower bound, too.
        current
            .asked_at
            .is_some_and(|asked| (TimeDelta::zero()..LIFETIME).contains(&(self.clock.now() - asked)))
    }
}
