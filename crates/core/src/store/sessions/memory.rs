//! Sessions in this process: where no Redis is configured, or until it first answers.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hivematrix_shared::clock::Clock;

use super::{RevocationLog, SessionStore, StoreUnavailable};
use crate::domain::session::Session;

/// Most sessions kept; beyond it the ones that end first go (weak point 8).
const MOST_SESSIONS: usize = 100_000;

/// A bounded map. Lost when the process ends. Cheap to clone.
#[derive(Clone)]
pub struct MemorySessions {
    sessions: Arc<Mutex<HashMap<String, Session>>>,
    log: RevocationLog,
    clock: Clock,
    most: usize,
}

impl MemorySessions {
    /// An empty map whose ended sessions go into `log`.
    pub fn new(log: RevocationLog, clock: Clock) -> Self {
        Self { sessions: Arc::default(), log, clock, most: MOST_SESSIONS }
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, id: &str, exp: i64) {
        let millis = u64::try_from(self.clock.now().timestamp_millis()).unwrap_or_default();
        self.log.append(id, exp, millis);
    }

    /// Forgets expired sessions.
    pub fn sweep(&self, now: i64) {
        self.sessions().retain(|_, session| !session.is_expired(now));
    }

    /// All sessions, revoked ones as well, for the move to Redis.
    pub fn all(&self) -> Vec<(String, Session)> {
        self.sessions().iter().map(|(id, session)| (id.clone(), session.clone())).collect()
    }
}

impl SessionStore for MemorySessions {
    async fn create(&self, id: &str, session: &Session) -> Result<(), StoreUnavailable> {
        let mut sessions = self.sessions();
        if sessions.len() >= self.most {
            sessions.retain(|_, kept| !kept.is_expired(session.created_at));
            if sessions.len() >= self.most
                && let Some(first) =
                    sessions.iter().min_by_key(|(_, kept)| kept.expires_at).map(|(id, _)| id.clone())
            {
                tracing::warn!("the session memory is full, an old session was dropped");
                sessions.remove(&first);
            }
        }
        sessions.insert(id.to_owned(), session.clone());
        Ok(())
    }

    async fn find(&self, id: &str, now: i64) -> Result<Option<Session>, StoreUnavailable> {
        let mut sessions = self.sessions();
        if sessions.get(id).is_some_and(|session| session.is_expired(now)) {
            sessions.remove(id);
        }
        Ok(sessions.get(id).cloned())
    }

    async fn revoke(&self, id: &str, now: i64) -> Result<bool, StoreUnavailable> {
        let mut sessions = self.sessions();
        let Some(session) = sessions.get_mut(id).filter(|session| !session.is_expired(now)) else {
            return Ok(false);
        };
        if !std::mem::replace(&mut session.revoked, true) {
            self.log(id, session.expires_at);
        }
        Ok(true)
    }

    async fn announce(&self, id: &str, exp: i64) -> Result<(), StoreUnavailable> {
        self.log(id, exp);
        Ok(())
    }

    async fn list(&self, now: i64) -> Result<Vec<(String, Session)>, StoreUnavailable> {
        Ok(self.all().into_iter().filter(|(_, session)| session.is_live(now)).collect())
    }
}

#[cfg(test)]
mod tests {
    use hivematrix_shared::auth::{PermissionLevel, Revocations};

    use super::*;
    use crate::domain::session::UserData;

    fn store() -> MemorySessions {
        MemorySessions::new(RevocationLog::new(Arc::new(Revocations::local())), Clock::system())
    }

    fn session(now: i64) -> Session {
        let user = UserData {
            sub: "u1".into(),
            name: String::new(),
            email_verified: None,
            email: String::new(),
            preferred_username: String::new(),
            permission_level: PermissionLevel::Client,
            groups: vec![],
        };
        Session::start(user, "", now, 100)
    }

    #[tokio::test]
    async fn an_expired_session_is_gone_and_a_revoked_one_stays_until_then() {
        let store = store();
        store.create("a", &session(0)).await.unwrap();
        assert!(store.revoke("a", 50).await.unwrap());
        assert!(store.revoke("a", 50).await.unwrap(), "again is success");
        assert!(store.find("a", 100).await.unwrap().unwrap().revoked);
        assert!(store.list(100).await.unwrap().is_empty());
        assert_eq!(store.find("a", 101).await.unwrap(), None);
        assert!(!store.revoke("a", 101).await.unwrap());
        assert_eq!(store.log.since(None, 0).1.len(), 1, "one entry for one session");
    }

    #[tokio::test]
    async fn a_full_memory_drops_what_ends_first() {
        let store = MemorySessions { most: 2, ..store() };
        for (id, now) in [("a", 0), ("b", 10), ("c", 20)] {
            store.create(id, &session(now)).await.unwrap();
        }
        let mut kept: Vec<_> = store.all().into_iter().map(|(id, _)| id).collect();
        kept.sort();
        assert_eq!(kept, ["b", "c"]);
        store.sweep(115);
        assert_eq!(store.all().len(), 1);
    }
}
