//! The log of ended sessions as this instance knows it: what the feed is answered from.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hivematrix_shared::{auth::Revocations, clock::Clock};
use tokio::sync::watch;

use crate::domain::revocation::{Cursor, LogId, Position, Revocation};

/// Ended sessions in order, kept until their tokens expire, and a signal for those who wait for more. With Redis it mirrors
/// the shared log, so that reading costs no round trip and goes on while Redis is away. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RevocationLog(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Locked whenever `tip` changes, so that entries and position always fit each other.
    entries: Mutex<VecDeque<Revocation>>,
    tip: watch::Sender<Position>,
    /// The list that this service's own token checks look at.
    own: Arc<Revocations>,
}

impl RevocationLog {
    /// An empty log of this process that also feeds `own`.
    pub fn new(own: Arc<Revocations>) -> Self {
        let start = Position { log: LogId::Own(rand::random()), cursor: Cursor::default() };
        Self(Arc::new(Inner { entries: Mutex::default(), tip: watch::Sender::new(start), own }))
    }

    fn entries(&self) -> MutexGuard<'_, VecDeque<Revocation>> {
        self.0.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The position of the last entry.
    pub fn tip(&self) -> Position {
        *self.0.tip.borrow()
    }

    /// Signals each change of the tip.
    pub fn watch(&self) -> watch::Receiver<Position> {
        self.0.tip.subscribe()
    }

    /// Whether this process knows that the session was ended.
    pub fn knows(&self, jti: &str) -> bool {
        self.0.own.contains(jti)
    }

    /// Adds an entry that gets its position here (memory).
    pub fn append(&self, jti: &str, exp: i64, now_millis: u64) {
        let mut entries = self.entries();
        let tip = self.tip();
        let cursor = tip.cursor.next(now_millis);
        self.push(&mut entries, Revocation { cursor, jti: jti.to_owned(), exp });
        self.0.tip.send_replace(Position { cursor, ..tip });
    }

    /// Takes over entries of the shared log; those that are known already are left out.
    pub fn mirror(&self, news: Vec<Revocation>) {
        let mut entries = self.entries();
        let before = self.tip();
        let mut tip = before;
        for entry in news {
            if entry.cursor > tip.cursor {
                tip.cursor = entry.cursor;
                self.push(&mut entries, entry);
            }
        }
        if tip != before {
            self.0.tip.send_replace(tip);
        }
    }

    fn push(&self, entries: &mut VecDeque<Revocation>, entry: Revocation) {
        self.0.own.insert(entry.jti.clone(), entry.exp);
        entries.push_back(entry);
    }

    /// What was ended after `since` and whose tokens have not expired, with the position to continue from. Without a
    /// position, with one of another log, or with one this log never reached (Redis lost its data), everything.
    pub fn since(&self, since: Option<Position>, now: i64) -> (Position, Vec<Revocation>) {
        let entries = self.entries();
        let tip = self.tip();
        let start = since.filter(|since| since.log == tip.log && since.cursor <= tip.cursor);
        let start = start.map(|since| since.cursor).unwrap_or_default();
        (tip, entries.iter().filter(|entry| entry.cursor > start && entry.exp > now).cloned().collect())
    }

    /// Empties the log and makes it the mirror of the shared one.
    pub fn become_mirror(&self) {
        let mut entries = self.entries();
        entries.clear();
        self.0.tip.send_replace(Position { log: LogId::Shared, cursor: Cursor::default() });
    }

    /// Forgets entries whose tokens have expired.
    pub fn prune(&self, clock: &Clock) {
        let now = clock.unix();
        self.entries().retain(|entry| entry.exp > now);
        self.0.own.prune(clock);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> RevocationLog {
        RevocationLog::new(Arc::new(Revocations::local()))
    }

    fn ids(entries: &[Revocation]) -> Vec<&str> {
        entries.iter().map(|entry| entry.jti.as_str()).collect()
    }

    #[test]
    fn a_reader_continues_where_it_stopped() {
        let log = log();
        log.append("a", 100, 1);
        let (cursor, first) = log.since(None, 0);
        assert_eq!(ids(&first), ["a"]);
        log.append("b", 100, 1);
        let (_, second) = log.since(Some(cursor), 0);
        assert_eq!(ids(&second), ["b"]);
        assert_eq!(ids(&log.since(None, 0).1), ["a", "b"]);
    }

    #[test]
    fn entries_are_kept_until_their_tokens_expire() {
        let log = log();
        log.append("a", 100, 1);
        assert_eq!(log.since(None, 99).1.len(), 1);
        assert!(log.since(None, 100).1.is_empty());
        log.prune(&Clock::fixed(chrono::DateTime::from_timestamp(100, 0).unwrap()));
        assert!(log.entries().is_empty());
    }

    #[test]
    fn a_position_of_another_log_or_from_before_a_loss_brings_everything() {
        let log = log();
        log.append("a", 100, 5);
        let mut elsewhere = log.tip();
        elsewhere.cursor = "9-0".parse().unwrap();
        assert_eq!(ids(&log.since(Some(elsewhere), 0).1), ["a"], "never reached");
        for foreign in ["5-0", "5-0.00000001", "9-0"] {
            assert_eq!(ids(&log.since(Some(foreign.parse().unwrap()), 0).1), ["a"], "{foreign}");
        }
    }

    #[test]
    fn a_reader_of_a_process_that_moved_to_the_shared_log_is_sent_all_of_it() {
        let log = log();
        log.append("mine", 100, 500);
        let (stood, _) = log.since(None, 0);
        log.become_mirror();
        let entry = |cursor: &str, jti: &str| Revocation {
            cursor: cursor.parse().unwrap(),
            jti: jti.into(),
            exp: 100,
        };
        log.mirror(vec![entry("400-0", "of another instance"), entry("600-0", "mine")]);
        assert_eq!(ids(&log.since(Some(stood), 0).1), ["of another instance", "mine"]);
    }

    #[test]
    fn mirrored_entries_count_once() {
        let log = log();
        log.become_mirror();
        let entry = |cursor: &str, jti: &str| Revocation {
            cursor: cursor.parse().unwrap(),
            jti: jti.into(),
            exp: 100,
        };
        log.mirror(vec![entry("1-0", "a"), entry("1-1", "b")]);
        log.mirror(vec![entry("1-1", "b"), entry("2-0", "c")]);
        assert_eq!(ids(&log.since(None, 0).1), ["a", "b", "c"]);
        assert_eq!(log.tip().to_string(), "2-0");
    }
}
